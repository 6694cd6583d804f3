"""Checks beside a real Milvus server, run by milvus.sh through tools/with-milvus in a folder with a store S of MovieLens 1M: `answers`,
`restarts`, or `token` where the server wants one."""

import json, os, re, signal, subprocess, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import MARQUEE, Server, timed, until

TO = f"milvus://{os.environ['MILVUS']}/movies"
GENRES = "Action", "Comedy", "Drama", "Children's", "Film-Noir"
YEARS = "1990-1999", "1970-", "-1950"


def export(*more, to=TO, exit=0, **popen):
    done = subprocess.run([MARQUEE, "export", "--to", to, *more], capture_output=True, text=True, **popen)
    assert done.returncode == exit, (done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def queries():
    """Known users, strangers, filters, and both."""
    for user in range(1, 6001, 8):
        yield {"user": user, "k": 10}
    for age in (1, 18, 25, 35, 45, 50, 56):
        for gender in "M", "F":
            for job in range(21):
                yield {"age": age, "gender": gender, "job": job, "k": 5}
    for user in range(3, 6001, 50):
        genre, year = GENRES[user % 5], YEARS[user % 3]
        yield {"user": user, "genre": [genre], "k": 10}
        yield {"user": user, "genre": [genre, "War"], "year": year, "k": 20}
        yield {"user": user, "genre": [genre, "War"], "all_genres": True, "include_seen": True, "k": 100}
        yield {"user": user, "exclude": list(range(1, 300)), "year": year, "k": 1000}


def ask_all(server, asked):
    answers = []
    for i in range(0, len(asked), 200):
        body = json.dumps({"queries": asked[i : i + 200]}).encode()
        j = server.good("/v1/recommendations", method="POST", body=body, headers={"Content-Type": "application/json"})
        answers += j["answers"]
    return [{k: v for k, v in a.items() if k != "cache"} for a in answers]


def check_upload():
    said = export()
    assert re.search(r"(\d+) movies, \1 sent", said) and "recall@10 1.0000" in said, said
    assert ", 0 sent" in export()


def check_same():
    asked = list(queries())
    with Server("--memory", "0", store="S") as own, Server("--memory", "0", "--backend", TO, store="S") as theirs:
        want, got = ask_all(own, asked), ask_all(theirs, asked)
        same = sum(a == b for a, b in zip(want, got))
        print(f"{same} of {len(want)} answers are the same")
        assert len(want) == len(got) == len(asked)
        for q, a, b in zip(asked, want, got):
            assert a == b, (q, [pair for pair in zip(a["results"], b["results"]) if pair[0] != pair[1]][:1])
        assert not any("error" in a for a in want)
        for movie in (1, 260, 589, 2571):
            path = f"/v1/items/{movie}/similar?k=20"
            assert own.good(path)["results"] == theirs.good(path)["results"]


def server_pid():
    return int(open(os.environ["MILVUS_PID"]).read())


def restart():
    """Kills the server, and waits until it is healthy again."""
    before = server_pid()
    os.kill(int(os.environ["WITH_MILVUS"]), signal.SIGUSR1)
    until(lambda: server_pid() != before, 130)


def check_paused():
    with Server("--memory", "0", "--backend", TO, store="S") as server:
        want = server.good("/v1/recommendations?user=4")
        os.kill(server_pid(), signal.SIGSTOP)
        try:
            start = time.monotonic()
            server.bad("/v1/recommendations?user=4", 503, "no answer within 3 s")
            server.bad("/v1/recommendations?user=5", 503, "did not answer a moment ago")
            assert time.monotonic() - start < 4
        finally:
            os.kill(server_pid(), signal.SIGCONT)
        until(lambda: server.ask("/v1/recommendations?user=4")[0] == 200, 30)
        assert server.good("/v1/recommendations?user=4") == want


def check_restart_under_load():
    with Server("--memory", "0", "--backend", TO, store="S") as server:
        want = {user: server.good(f"/v1/recommendations?user={user}") for user in range(1, 20)}
        counts, wrong, done = {200: 0, 503: 0}, [], threading.Event()

        def client(user):
            while not done.is_set():
                user, start = user % 19 + 1, time.monotonic()
                status, _, j = server.ask(f"/v1/recommendations?user={user}")
                late = time.monotonic() - start > 6
                if status not in counts or late or (status == 200 and j != want[user]):
                    wrong.append((status, j, time.monotonic() - start))
                else:
                    counts[status] += 1

        clients = [threading.Thread(target=client, args=(i,)) for i in range(3)]
        for c in clients:
            c.start()
        time.sleep(1)
        restart()
        until(lambda: server.ask("/v1/recommendations?user=4")[0] == 200, 60)
        time.sleep(1)
        done.set()
        for c in clients:
            c.join()
        print(f"{counts[200]} answers, {counts[503]} times 503")
        assert not wrong, wrong[:2]
        assert counts[200] > 50 and counts[503] > 0


def check_restart_during_upload():
    """Another model, so another collection; its rows are all there in the end, each found once."""
    subprocess.run(["cp", "-a", "S", "T"], check=True)
    environment = {**os.environ, "MARQUEE_STORE": os.path.abspath("T")}
    upload = subprocess.Popen(
        [MARQUEE, "export", "--model", os.path.abspath("other.mrq"), "--to", TO],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(1.5)
    assert upload.poll() is None, "the upload is over already"
    restart()
    out, err = upload.communicate(timeout=300)
    assert upload.returncode in (0, 5), (upload.returncode, out, err)  # a start may take longer than it tries again
    if upload.returncode:
        assert os.readlink("T/current") == os.readlink("S/current")
        out = export("--model", os.path.abspath("other.mrq"), env=environment)
    assert "recall@10 1.0000" in out, (out, err)
    print(out.splitlines()[-2], "after", upload.returncode)
    asked = [{"user": user, "k": 10} for user in range(1, 6001, 60)]
    with Server("--memory", "0", store="T") as own, Server("--memory", "0", "--backend", TO, store="T") as theirs:
        assert ask_all(own, asked) == ask_all(theirs, asked)


def check_token():
    def environment(token):
        return {**os.environ, "MARQUEE_MILVUS_TOKEN": token}

    for token in "", "root:wrong":
        assert "refused the token" in export(exit=5, env=environment(token))
    assert "recall@10 1.0000" in export(env=environment("root:Milvus"))
    infer = [MARQUEE, "infer", "-i", "4", "--backend", TO]
    assert subprocess.run(infer, env=environment("root:Milvus"), stdout=subprocess.DEVNULL).returncode == 0
    assert subprocess.run(infer, env=environment("root:wrong"), stderr=subprocess.DEVNULL).returncode == 5


CHECKS = {
    "answers": (check_upload, check_same, check_paused),
    "restarts": (check_upload, check_restart_under_load, check_restart_during_upload),
    "token": (check_token,),
}
for check in CHECKS[sys.argv[1]]:
    timed(check)
