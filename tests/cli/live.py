"""The live side of a service, with the standard library alone, in a folder with a store S and a token: live.py SAMPLE."""

import concurrent.futures, http.client, json, os, random, signal, sqlite3, subprocess, sys, time

from server import MARQUEE, Server, timed, until

SAMPLE = sys.argv[1]
TOKEN = {"Authorization": "Bearer " + open("token").read().strip()}
JSON = {**TOKEN, "Content-Type": "application/json"}
ITEMS = [line.split(b"::")[0].decode() for line in open(f"{SAMPLE}/movies.dat", "rb")]
EIGHT = ITEMS[:8]
KILLS = int(os.environ.get("MRQ_KILLS", "25"))


class Live(Server):
    def __init__(self, *options, live="live.db", **more):
        super().__init__("--live", live, "--token-file", "token", *options, **more)

    def get(self, path, **more):
        return self.good(path, headers=TOKEN, **more)

    def post(self, *events, **more):
        return self.good("/v1/events", method="POST", headers=JSON, body=json.dumps({"events": events}).encode(), **more)["changed"]

    def put(self, path, j, **more):
        return self.good(path, method="PUT", headers=JSON, body=json.dumps(j).encode(), **more)

    def delete(self, path):
        return self.good(path, method="DELETE", headers=TOKEN)

    def ids(self, query):
        return [m["id"] for m in self.get("/v1/recommendations?" + query)["results"]]


def refused_start(live):
    command = [MARQUEE, "serve", "--store", "S", "--listen", "127.0.0.1:0", "--live", live, "--token-file", "token"]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True)


def like(user, item, **more):
    return {"user": user, "item": item, "kind": "like", **more}


def check_requests():
    """What may be sent, and what is wrong with the rest."""
    with Live(live="requests.db") as s:
        assert s.post(like("ann", "1"), like("ann", 2, id="e1"), {"user": 4, "item": "3", "value": 5}) == 3
        assert s.post(like("ann", 2, id="e1")) == 0
        assert s.good("/v1/events", method="POST", headers=JSON, body=json.dumps(like("ann", "7")).encode())["changed"] == 1
        assert {m["id"] for m in s.get("/v1/users/ann")["results"]} == {"1", "2", "7"}
        assert not {"1", "2", "7"} & set(s.ids("user=ann&k=100"))
        assert s.ids("user=ann&k=20") == s.ids("liked=1,2,7&k=20")
        s.delete("/v1/events/e1")
        s.bad("/v1/events/e1", 404, "no event has the id e1", method="DELETE", headers=TOKEN)
        s.delete("/v1/users/ann/items/7")
        assert s.ids("user=ann&k=20") == s.ids("liked=1&k=20")
        s.put("/v1/items/8", {"hidden": True})
        s.bad("/v1/items/8", 404, "8", headers=TOKEN)
        s.delete("/v1/items/8")
        s.get("/v1/items/8")
        s.put("/v1/users/bob", {"features": {"age": "25", "gender": "F"}})
        assert s.ids("user=bob&k=20") == s.ids("age=25&gender=F&k=20")
        s.delete("/v1/users/bob")
        assert s.ids("user=bob&k=20") == s.ids("k=20")
        state = s.get("/v1/live")
        assert state["events"] == 3 and state["failed"] == 0 and state["newest"] and state["bytes"] > 4096, state
        metrics = s.ask("/metrics", headers=TOKEN)[2].decode()
        assert "marquee_live_events 3" in metrics and "marquee_live_changes_total" in metrics, metrics

        assert s.post() == 0  # no event at all
        body = lambda text: {"method": "POST", "headers": JSON, "body": text.encode()}
        s.bad("/v1/events", 400, "user: missing", **body("{}"))
        s.bad("/v1/events", 400, "events[1].kind", **body(json.dumps({"events": [like("a", "1"), {**like("a", "1"), "kind": "x"}]})))
        assert "a" not in json.dumps(s.ask("/v1/users/a", headers=TOKEN)[2]["error"]["code"]) and s.get("/v1/live")["events"] == 3
        s.bad("/v1/events", 400, "10001 of them, want at most 10000", **body(json.dumps({"events": [{"user": "a", "item": "b"}] * 10001})))
        s.bad("/v1/events", 415, "Content-Type", method="POST", headers=TOKEN, body=b"{}")
        s.bad("/v1/users/a", 415, "Content-Type", method="PUT", headers=TOKEN, body=b"{}")
        s.bad("/v1/events?k=1", 400, "k", **body("{}"))
        s.bad("/v1/users/%0a", 400, "id", method="DELETE", headers=TOKEN)
        s.bad("/v1/events", 405, "want POST", headers=TOKEN)
        s.bad("/v1/users/a/items/b", 405, "want DELETE", headers=TOKEN)
        for method, path in ("POST", "/v1/events"), ("PUT", "/v1/users/a"), ("DELETE", "/v1/users/a"), ("DELETE", "/v1/events/a"):
            s.bad(path, 401, "token", method=method, headers={"Content-Type": "application/json"}, body=b"{}")
        other = refused_start("requests.db")
        assert other.returncode == 1 and f"is open in another process: process {s.process.pid} since" in other.stderr, other
    with Server("--token-file", "token") as s:
        s.bad("/v1/events", 404, "nothing is live here", **body("{}"))
        s.bad("/v1/live", 404, "nothing is live here", headers=TOKEN)
    with Live("--strict", live="requests.db") as s:
        s.bad("/v1/events", 400, "user ann: not among", **body(json.dumps(like("ann", "1"))))
        assert s.post(like("4", "1")) == 1


def check_reads_its_writes():
    """Post, then ask, from many clients at once, over a restart: what was posted is always counted."""
    had = {}

    def one(s, user):
        c = http.client.HTTPConnection("localhost", timeout=30)
        for _ in range(40):
            item = random.choice(ITEMS)
            s.post(like(user, item), connection=c)
            had.setdefault(user, set()).add(item)
            got = s.good(f"/v1/recommendations?user={user}&k=1000", headers=TOKEN, connection=c)
            assert not had[user] & {m["id"] for m in got["results"]}, user
        c.close()

    for _ in range(2):
        with Live(live="pairs.db") as s, concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda n: one(s, f"u{n}"), range(16)))
    with Live(live="pairs.db") as s:
        for user, items in had.items():
            assert {m["id"] for m in s.get(f"/v1/users/{user}?k=1000")["results"]} == items
        assert s.get("/v1/live")["events"] == 2 * 16 * 40


def check_kills():
    """kill -9 under posts: nothing acknowledged is lost, nothing is there twice."""
    acknowledged = set()
    for kill in range(KILLS):
        s = Live(live="kills.db")
        names = iter(range(10**6))

        def post(n):
            c = http.client.HTTPConnection("localhost", timeout=30)
            try:
                while True:
                    name = f"{kill}-{n}-{next(names)}"
                    s.post(like(f"u{n}", "1", id=name), connection=c)
                    acknowledged.add(name)
            except (OSError, http.client.HTTPException):
                c.close()

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            posters = [pool.submit(post, n) for n in range(4)]
            time.sleep(random.uniform(0.02, 0.25))
            s.process.kill()
            for poster in posters:
                poster.result()
        s.process.wait()
    with Live(live="kills.db"):
        pass
    db = sqlite3.connect("kills.db")
    ids = [row[0] for row in db.execute("SELECT id FROM events")]
    assert len(acknowledged) > KILLS // 2, len(acknowledged)
    assert len(ids) == len(set(ids)) and acknowledged <= set(ids), acknowledged - set(ids)
    assert len(set(ids) - acknowledged) <= 4 * KILLS  # on disk, but the answer did not arrive
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    print(f"{len(acknowledged)} posts acknowledged over {KILLS} kills")


def rebuild(live):
    command = [MARQUEE, "rebuild", "--data", SAMPLE, "--store", "S", "--live", live]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=open("rebuild.err", "wb"))


def check_over_night():
    """A rebuild learns from the events, and then they count once; who was erased is in no file."""
    with Live(live="night.db") as s:
        had = {m["id"] for m in s.get("/v1/users/4?k=1000")["results"]}
        gone = sorted(had)[0]
        s.post(*(like(user, item) for user in ("secret-person", "newcomer") for item in EIGHT))
        s.delete("/v1/users/secret-person")
        s.delete("/v1/users/17")
        s.delete(f"/v1/users/4/items/{gone}")
        s.bad("/v1/users/17", 404, "17", headers=TOKEN)
        before = s.ids("user=newcomer&k=20")
        generation = s.get("/v1/info")["generation"]
        rebuild("night.db")
        until(lambda: s.get("/v1/info")["generation"] != generation, 15)
        until(lambda: s.get("/v1/live")["events"] == 0)
        j = s.get("/v1/users/newcomer?k=100")
        assert {m["id"] for m in j["results"]} == set(EIGHT) and j["user"]["ratings"] == 8, j
        assert not set(s.ids("user=newcomer&k=1000")) & set(EIGHT) and before
        assert {m["id"] for m in s.get("/v1/users/4?k=1000")["results"]} == had - {gone}
        s.bad("/v1/users/17", 404, "17", headers=TOKEN)
        s.post(like("newcomer", "20"))
        assert s.get("/v1/live")["events"] == 1
        # Back to the generation of before: what it does not know counts again.
        subprocess.run([MARQUEE, "rollback", "--store", "S"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: s.get("/v1/info")["generation"] == generation, 15)
        until(lambda: s.get("/v1/live")["events"] == 10)  # eight, one that takes back, and the newest
        assert {m["id"] for m in s.get("/v1/users/newcomer?k=100")["results"]} == {"20", *EIGHT}
        s.bad("/v1/users/17", 404, "17", headers=TOKEN)
        rebuild("night.db")
        until(lambda: s.get("/v1/info")["generation"] != generation, 15)
    found = subprocess.run("grep -lr secret-person S/current/ S/report.* night.db*", shell=True, stdout=subprocess.PIPE, text=True)
    assert found.stdout == "", found.stdout
    assert json.load(open("S/current/MANIFEST.json"))["results"]["live_mark"] > 0
    # Another database than the one that the generation knows.
    other = refused_start("other.db")
    assert other.returncode == 4 and "this is another database, or an older copy" in other.stderr, other


def check_limits():
    """A full database says so, and goes on answering; one that is locked is waited for."""
    with Live("--live-size", "1", live="full.db") as s:
        status, taken = 200, 0
        while status == 200:
            body = json.dumps({"events": [like("u" * 200, "i" * 200) for _ in range(500)]}).encode()
            status, headers, j = s.ask("/v1/events", method="POST", headers=JSON, body=body)
            taken += 500 * (status == 200)
        assert status == 507 and j["error"]["code"] == "no_room" and "--live-size" in j["error"]["message"], j
        assert s.get("/v1/live")["events"] == taken > 0 and s.ids("user=4")
    with Live(live="locked.db") as s:
        db = sqlite3.connect("locked.db", isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        s.bad("/v1/events", 503, "another program has locked it", method="POST", headers=JSON, body=json.dumps(like("u", "1")).encode())
        assert s.ids("user=4")
        db.execute("ROLLBACK")
        assert s.post(like("u", "1")) == 1


def check_waiting():
    """A write is answered when it is on disk, not at the next tick; who leaves while his waits keeps nobody from stopping."""
    with Live(live="waiting.db") as s:
        c = http.client.HTTPConnection("localhost", timeout=30)
        start = time.monotonic()
        for i in range(100):
            s.post(like("u", "1"), connection=c)
        assert time.monotonic() - start < 6, time.monotonic() - start
        c.close()
        db = sqlite3.connect("waiting.db", isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        body = json.dumps(like("u", "2")).encode()
        head = "".join(f"{name}: {value}\r\n" for name, value in JSON.items())
        for _ in range(3):
            with s.connect() as left:
                left.sendall(f"POST /v1/events HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                time.sleep(0.2)
        assert s.ids("user=4")
        db.execute("ROLLBACK")


timed(check_requests)
timed(check_waiting)
timed(check_reads_its_writes)
timed(check_kills)
timed(check_limits)
timed(check_over_night)
