"""A service whose index a backend keeps: 503 within the deadline when that is gone, slow or mad, the old answers when it is back, a new
generation taken over once it is there, connections kept alive, and Redis in front as ever. Run by backend.sh beside its store S."""

import itertools, os, shutil, signal, subprocess, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import MARQUEE, Server, timed, until

FAKE = os.path.join(os.environ["MRQ_SOURCE"], "tests/cli/fake-milvus")
PATH = "/v1/recommendations?user=%d&k=7"
USERS = [int(line.split("::")[0]) for line in open(os.path.join(os.environ["MRQ_SOURCE"], "data/sample/users.dat"))]


class Backend:
    """A fake server; its state goes with it when it is killed, so `revive` puts the collection there again."""

    def __init__(self, name, version="v1", port=0):
        self.file, self.version = os.path.abspath(name), version
        self.start(port)

    def start(self, port=0):
        if os.path.exists(self.file):
            os.remove(self.file)
        self.process = subprocess.Popen([FAKE, self.version, self.file, *(["--port", str(port)] if port else [])])
        until(lambda: os.path.exists(self.file) and open(self.file).read())
        self.port = int(open(self.file).read())
        self.address = f"milvus://127.0.0.1:{self.port}/movies"

    def mode(self, mode):
        with open(self.file + ".mode.new", "w") as file:
            file.write(mode)
        os.rename(self.file + ".mode.new", self.file + ".mode")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def revive(self):
        self.start(self.port)
        export(self.address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def export(address, *more, store="S"):
    subprocess.run([MARQUEE, "export", "--store", store, "--to", address, *more], check=True, stdout=subprocess.DEVNULL)


def answers(server, users):
    """What a user is recommended, without where it came from."""
    return [{k: v for k, v in server.good(PATH % user).items() if k != "cache"} for user in users]


def check_same(backend):
    users = USERS[:40]
    with Server("--memory", "0") as own, Server("--memory", "0", "--backend", backend.address) as theirs:
        assert answers(own, users) == answers(theirs, users)
        j = theirs.good("/v1/items/170/similar?k=3")
        assert j["results"] == own.good("/v1/items/170/similar?k=3")["results"]
    log = open(backend.file + ".log").read()
    assert "search" in log


def check_gone(backend):
    with Server("--memory", "0", "--backend", backend.address) as server:
        want = answers(server, [USERS[5]])
        backend.process.send_signal(signal.SIGSTOP)  # paused
        start = time.monotonic()
        server.bad(PATH % USERS[5], 503, "no answer within 3 s")
        assert time.monotonic() - start < 4
        server.bad(PATH % USERS[5], 503, "did not answer a moment ago")  # nor does the next one wait
        assert time.monotonic() - start < 4
        assert server.ask("/healthz")[0] == 200
        backend.process.send_signal(signal.SIGCONT)
        until(lambda: server.ask(PATH % USERS[5])[0] == 200)
        assert answers(server, [USERS[5]]) == want
        for mode in ("cut", "notjson", "huge", "500", "refuse", "endless"):
            backend.mode(mode + "@search")
            server.bad(PATH % USERS[5], 503, "Milvus at 127.0.0.1")
        backend.mode("ok")
        until(lambda: server.ask(PATH % USERS[5])[0] == 200)
        assert answers(server, [USERS[5]]) == want
        backend.kill()
        _, code = server.bad(PATH % USERS[5], 503, "Milvus at 127.0.0.1")
        assert code == "unavailable"
        backend.revive()
        assert answers(server, [USERS[5]]) == want


def check_under_load(backend):
    """Restarted while clients ask: an answer is right or 503, and in time. As this server has lost everything, it may have an answer of
    its own while it is filled again; milvus.py restarts one that has not."""
    with Server("--memory", "0", "--backend", backend.address) as server:
        users = USERS[:20]
        want = dict(zip(users, answers(server, users)))
        ends, counts, wrong, filling = time.monotonic() + 6, {200: 0, 503: 0}, [], threading.Event()

        def client(first):
            for user in itertools.cycle(users[first:] + users[:first]):
                if time.monotonic() > ends:
                    break
                start, was_filling = time.monotonic(), filling.is_set()
                status, _, j = server.ask(PATH % user)
                if status not in counts or time.monotonic() - start > 5:
                    wrong.append((status, j, time.monotonic() - start))
                elif status == 200 and not was_filling and {k: v for k, v in j.items() if k != "cache"} != want[user]:
                    wrong.append(j)
                else:
                    counts[status] += 1

        clients = [threading.Thread(target=client, args=(i,)) for i in range(4)]
        for c in clients:
            c.start()
        time.sleep(1)
        filling.set()
        backend.kill()
        time.sleep(1)
        backend.revive()
        filling.clear()
        for c in clients:
            c.join()
        assert not wrong, wrong[:3]
        assert counts[200] > 20 and counts[503] > 0, counts
        assert answers(server, users[:1]) == [want[users[0]]]


def check_reload(backend):
    """A generation that is not on the backend is refused, and taken over once it is."""
    subprocess.run(["cp", "-a", "S", "R"], check=True)
    export(backend.address, store="R")
    with Server("--memory", "0", "--backend", backend.address, store="R") as server:
        old = server.good("/v1/info")["generation"]
        subprocess.run([MARQUEE, "export", "--store", "R", "--model", "r.mrq"], check=True, stdout=subprocess.DEVNULL)
        until(lambda: "reload refused" in server.log())
        assert "has no collection movies_" in server.log() and "marquee export --to" in server.log()
        assert server.good(PATH % USERS[5])["generation"] == old
        export(backend.address, store="R")
        server.send(signal.SIGHUP)
        until(lambda: server.good("/v1/info")["generation"] != old)
        server.good(PATH % USERS[5])


def check_alive(backend):
    """Requests share connections: far fewer are opened than asked."""
    with Server("--memory", "0", "--workers", "2", "--backend", backend.address) as server:
        for user in USERS[:60]:
            server.good(PATH % user)
        with open("/proc/net/tcp", encoding="ascii") as file:
            to = [line.split()[2:4] for line in file]
        ours = [address for address, state in to if state == "01" and address.endswith(f":{backend.port:04X}")]  # established
        assert 1 <= len(ours) <= 3, to


def check_redis(backend):
    if not shutil.which("redis-server"):
        return  # as backend.sh tells in the end
    socket = os.path.abspath("front")
    redis = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL
    )
    try:
        until(lambda: os.path.exists(socket))
        with Server("--memory", "0", "--redis", "unix:" + socket, "--backend", backend.address) as server:
            assert server.good(PATH % USERS[9])["cache"] == "miss"
            backend.mode("500@search")
            assert server.good(PATH % USERS[9])["cache"] == "hit"  # needs no backend
            server.bad(PATH % USERS[10], 503, "HTTP 500")
            backend.mode("ok")
            assert server.good(PATH % USERS[10])["cache"] == "miss"
    finally:
        redis.terminate()
        redis.wait()


with Backend("served") as backend:
    export(backend.address)
    for check in (check_same, check_gone, check_under_load, check_reload, check_alive, check_redis):
        timed(check, backend)
