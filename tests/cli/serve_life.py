"""The HTTP service over its life, in a folder with the store S, of the model m.mrq: where it listens, who may ask, what it writes
down, new generations, a Redis that goes and comes, its end. Each function whose name begins with check_ is a subject of its own."""

import contextlib, http.client, os, random, re, resource, shutil, signal, socket, subprocess, sys, threading, time

sys.path.append(os.environ["MRQ_SOURCE"] + "/benchmarks")
from server import GET, MARQUEE, POST, Server, raw, statuses, timed, until
from serving import Redis


def check_sockets():
    """A unix socket: made, defended, replaced when stale, removed; one that was passed; several addresses."""
    path = os.path.join(os.getcwd(), "socket")
    with Server(listen=f"unix:{path}") as s:
        assert s.address == f"unix:{path}"
        s.good("/v1/info")
        second = subprocess.run([MARQUEE, "serve", "--store", "S", "--listen", f"unix:{path}"], stderr=subprocess.PIPE)
        assert second.returncode == 1 and b"Address already in use" in second.stderr, second
        s.good("/healthz")
        s.send(signal.SIGKILL)
        s.exit = -signal.SIGKILL
    assert os.path.exists(path)
    with Server(listen=f"unix:{path}") as s:
        s.good("/healthz")
    assert not os.path.exists(path)
    if not has_ipv6():
        skip("no IPv6 here, so [::1] was not listened on; everything else passed")
    with Server(listen="[::1]:0" if has_ipv6() else "localhost:0") as s:
        s.good("/healthz")
        port = s.address.split(":")[-1]
        second = subprocess.run([MARQUEE, "serve", "--store", "S", "--listen", s.address[7:]], stderr=subprocess.PIPE)
        assert second.returncode == 1 and b"cannot listen on" in second.stderr and b"Address already in use" in second.stderr, (
            second,
            port,
        )

    # Passed by whoever started it, the way systemd does.
    with socket.create_server(("127.0.0.1", 0)) as passed:
        start = ["sh", "-c", f'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&{passed.fileno()}', "sh"]
        with Server(listen="no such address", start=start, pass_fds=[passed.fileno()]) as s:
            assert s.address == "http://127.0.0.1:%d" % passed.getsockname()[1]
            s.good("/healthz")
    with socket.create_server(("0.0.0.0", 0)) as passed:  # as with --listen: not without a token
        start[2] = f'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&{passed.fileno()}'
        server = subprocess.run([*start, MARQUEE, "serve", "--store", "S"], pass_fds=[passed.fileno()], stderr=subprocess.PIPE)
        assert server.returncode == 2 and b"can be reached from other machines" in server.stderr, server
    with Server(env={"LISTEN_PID": "1", "LISTEN_FDS": "1"}) as s:  # meant for another
        s.good("/healthz")


skipped = []  # why a part of this could not be tried


def skip(why):
    print("skipped: " + why)
    skipped.append(why)


def has_ipv6():
    with contextlib.suppress(OSError):
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    return False


def check_notify():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as n:
        n.bind("notify")
        n.settimeout(10)
        with Server(env={"NOTIFY_SOCKET": os.path.abspath("notify")}) as s:
            assert n.recv(100) == b"READY=1"
            s.send(signal.SIGHUP)
            assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", n.recv(100)) and n.recv(100) == b"READY=1"
        assert n.recv(100) == b"STOPPING=1"


def check_token():
    token = open("token").read()
    with Server("--token-file", "token", "--access-log", "access", listen="0.0.0.0:0") as s:
        s.address = s.address.replace("0.0.0.0", "127.0.0.1")
        bearer = lambda text: {"headers": {"Authorization": text}}
        for path in ("/healthz", "/readyz", "/openapi.json", "/", "/?from=elsewhere", "/page.css", "/page.js", "/parts.js"):
            assert s.ask(path)[0] == 200
        for path in (
            "/v1/info",
            "/v1/recommendations?age=25&gender=F&job=12",
            "/metrics",
            "/v1/items/1",
            "/nothing",
            "/v1/items/x",
        ):
            for wrong in (
                {},
                bearer("Bearer"),
                bearer("Bearer " + token[:-1]),
                bearer("Bearer " + token + "0"),
                bearer("Basic " + token),
                bearer("Bearer x" + token),
            ):
                headers, code = s.bad(path, 401, "Authorization: Bearer TOKEN", **wrong)
                assert code == "unauthorized" and headers["WWW-Authenticate"] == "Bearer"
        s.bad("/v1/recommendations", 401, "token", method="POST", body=b"{}")
        s.bad("/healthz", 401, "token", method="POST")  # what is open is to be read
        assert s.ask("/v1/info", **bearer("Bearer " + token))[0] == 200
        assert s.ask("/v1/info", **bearer("bearer " + token))[0] == 200
        s.bad("/nothing", 404, "nothing at", **bearer("Bearer " + token))
    said = s.log() + open("access").read()
    assert "GET /nothing 404" in said and token not in said, said
    os.unlink("access")


def check_slow():
    """A request that trickles in is cut after a minute, though never silent: here of a clock that runs forty times as fast."""
    asan = os.environ.get("ASAN_OPTIONS", "")
    env = {"LD_PRELOAD": os.environ["FAST_CLOCK"], "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0"}
    with Server(env=env) as s, contextlib.ExitStack() as stack:
        start = time.monotonic()
        c = stack.enter_context(s.connect())
        c.sendall(b"GET /healthz HTTP/1.1\r\nX: ")

        def cut():
            time.sleep(0.03)
            try:
                c.sendall(b"x")
            except ConnectionError:
                return True
            return False

        until(cut, 20)
        lived = 40 * (time.monotonic() - start)
        assert lived > 50, lived
        s.good("/healthz")


def check_signals():
    """They go to the main thread, which waits for them: all others block them."""
    with Server("--workers", "3") as s:
        tasks = [int(t) for t in os.listdir(f"/proc/{s.process.pid}/task")]
        assert len(tasks) >= 4, tasks
        for task in set(tasks) - {s.process.pid}:
            status = open(f"/proc/{s.process.pid}/task/{task}/status").read()
            blocked = int(re.search(r"^SigBlk:\s*(\w+)", status, re.M)[1], 16)
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1, signal.SIGALRM):
                assert blocked >> (number - 1) & 1, status
            for number in (signal.SIGBUS, signal.SIGSEGV):
                assert not blocked >> (number - 1) & 1, status


def check_access():
    with Server("--access-log", "access") as s:
        s.good("/v1/recommendations?age=25&gender=F&job=12")
        s.good("/v1/recommendations?age=25&gender=F&job=12")
        raw(s, GET % b"/nothing%0A\x7f")
        raw(s, b"GET /\x01\x1b[31m HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: open("access").read().count("\n") == 4, 3)  # within a second or so
        lines = open("access").read().splitlines()
        line = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ 127\.0\.0\.1 GET (\S+) (\d+) \d+ \d+ (\S+)"
        got = [re.fullmatch(line, x).groups() for x in lines]
        assert got == [
            ("/v1/recommendations", "200", "off"),
            ("/v1/recommendations", "200", "memory"),
            ("/nothing%0A%7F", "404", "-"),
            ("/%01%1B[31m", "404", "-"),
        ], got
        os.rename("access", "access.1")
        s.send(signal.SIGHUP)
        until(lambda: os.path.exists("access"))
        s.good("/healthz")
    assert open("access").read().endswith("-\n") and open("access").read().count("\n") == 1  # what was left is written at the end


def check_access_pipe():
    """Standard output is a pipe that nobody reads: requests are answered, and the end is obeyed."""
    reader, writer = os.pipe()
    with Server("--access-log", "-", stdout=writer) as s:
        os.close(writer)
        with s.connect() as c:
            n = 6000  # lines: more than the pipe and both buffers take
            for _ in range(n // 500):
                c.sendall((GET % b"/healthz") * 500)
                answers = b""
                while len(statuses(answers)) < 500:
                    answers = answers + c.recv(1 << 20)
        until(lambda: "lines dropped so far" in s.log(), 5)
        os.set_blocking(reader, False)
        lines = b""

        def whole():
            nonlocal lines
            while more := read_some(reader):
                lines += more
            total = re.search(r"(\d+) lines dropped in total", s.log())
            return total and int(total[1]) + lines.count(b"\n") == n

        until(whole)
        assert all(re.fullmatch(rb"\S+Z 127\.0\.0\.1 GET /healthz 200 16 \d+ -", x) for x in lines.splitlines()), lines[:300]
        with s.connect() as c:  # and asleep again
            c.sendall((GET % b"/healthz") * n)
            until(lambda: s.log().count("lines dropped so far") == 2)
        start = time.monotonic()
    assert time.monotonic() - start < 3
    os.close(reader)


def read_some(fd):
    with contextlib.suppress(BlockingIOError):
        return os.read(fd, 1 << 20)


def run(*command):
    subprocess.run([MARQUEE, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def current(store="S"):
    return os.path.basename(os.readlink(f"{store}/current"))


def check_reload():
    """New generations while requests run: none fails; a damaged one is refused, once, and the old one serves on."""
    failed, asked, seen, stop = [], [0] * 4, set(), threading.Event()

    def load(i, s):
        c = http.client.HTTPConnection("localhost", timeout=30)
        while not stop.is_set():
            try:
                j = s.good(
                    f"/v1/recommendations?age=25&gender=F&job={asked[i] % 20}&k={1 + asked[i] % 7}", connection=c if i % 2 else None
                )
                seen.add(j["generation"])
                asked[i] += 1
            except Exception as e:  # noqa
                failed.append(repr(e))
                return

    with Server() as s:
        first = current()
        threads = [threading.Thread(target=load, args=(i, s)) for i in range(4)]
        for t in threads:
            t.start()
        for i in range(6):
            run("export", "--model", "m.mrq", "--store", "S", "--index", "Flat") if i % 2 == 0 else run("rollback", "--store", "S")
            until(lambda: s.good("/v1/info")["generation"] == current(), 5)
        for _ in range(100):  # faster than it can follow
            other = random.choice(os.listdir("S/generations"))
            os.symlink(f"generations/{other}", "S/next")
            os.rename("S/next", "S/current")
        until(lambda: s.good("/v1/info")["generation"] == current(), 5)
        stop.set()
        for t in threads:
            t.join()
        assert not failed and min(asked) > 20 and len(seen) >= 3, (failed, asked, seen)
        reloads = s.metric('marquee_reloads_total{result="served"}')
        print(f"{sum(asked)} requests over {reloads:.0f} reloads")
        assert reloads >= 7, reloads

        # No more files can be opened: told once, and tried again until they can.
        limit = resource.prlimit(s.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(s.process.pid, resource.RLIMIT_NOFILE, (3, limit[1]))
        run("export", "--model", "m.mrq", "--store", "S", "--index", "Flat")
        until(lambda: "reload refused" in s.log(), 5)
        time.sleep(2.5)  # a look later
        assert s.log().count("reload refused") == s.log().count("Too many open files") == 1, s.log()
        resource.prlimit(s.process.pid, resource.RLIMIT_NOFILE, limit)
        until(lambda: s.good("/v1/info")["generation"] == current(), 5)
        assert s.metric('marquee_reloads_total{result="refused"}') >= 2

        # Damaged: copied to a name of its own, so that nothing that is open changes.
        good = current()
        run("export", "--model", "m.mrq", "--store", "T")
        name = current("T")
        with open(f"T/generations/{name}/users.mrq", "r+b") as f:
            f.seek(5000)
            f.write(b"X" * 50)
        shutil.copytree(f"T/generations/{name}", f"S/generations/{name}")
        refused = s.metric('marquee_reloads_total{result="refused"}')
        os.symlink(f"generations/{name}", "S/next")
        os.rename("S/next", "S/current")
        refusal = lambda: s.log().count("reload refused") - 1
        until(lambda: refusal() == 1, 5)
        assert "users.mrq" in s.log() and f"still serving generation={good}" in s.log(), s.log()
        assert s.good("/v1/recommendations?age=25&gender=F&job=3")["generation"] == good
        time.sleep(2.5)  # a look or two later
        assert refusal() == 1 and s.metric('marquee_reloads_total{result="refused"}') == refused + 1
        s.send(signal.SIGHUP)
        until(lambda: refusal() == 2)
        os.symlink(f"generations/{first}", "S/next")
        os.rename("S/next", "S/current")
        until(lambda: s.good("/v1/info")["generation"] == first, 5)
        shutil.rmtree(f"S/generations/{name}")
        os.rename("S", "gone")  # the store is away: once again
        s.send(signal.SIGHUP)
        until(lambda: refusal() == 3)
        s.good("/v1/recommendations?age=25&gender=F&job=4")
        os.rename("gone", "S")


def check_stop():
    """Whatever is under way is answered; a second signal, later, does not wait."""
    begun = POST + b'Content-Length: 14\r\n\r\n{"quer'
    for number in (signal.SIGTERM, signal.SIGINT):
        with Server() as s:
            c, alive, idle = s.connect(), http.client.HTTPConnection("localhost", timeout=10), s.connect()
            s.good("/healthz", connection=alive)
            c.sendall(begun)
            time.sleep(0.1)
            s.send(number)
            time.sleep(0.02)
            s.send(number)  # told twice, as `timeout` does
            time.sleep(0.1)
            status, headers, j = s.ask("/readyz", connection=alive)
            assert status == 503 and j == {"status": "stopping"} and headers["Connection"] == "close", (status, str(headers))
            until(lambda: turned_away(s), 5)  # by a server that still waits for the request under way
            time.sleep(0.3)
            assert s.process.poll() is None
            c.sendall(b'ies":[]}')
            out = c.recv(4096)
            assert statuses(out) == [200] and b"Connection: close" in out and b'"answers":[]' in out, out
            assert idle.recv(10) == b""
        assert "stop requests=3 " in s.log(), s.log()
    with Server(exit=1) as s:
        c = s.connect()
        c.sendall(begun)
        time.sleep(0.1)
        s.send(signal.SIGTERM)
        time.sleep(0.5)
        start = time.monotonic()
        s.send(signal.SIGTERM)
        s.process.wait(5)
        assert time.monotonic() - start < 0.5
    assert "stopped at once by a second signal, 1 requests aborted" in s.log(), s.log()


def turned_away(s):
    try:
        s.connect().close()
    except ConnectionError:
        return True
    return False


def check_redis():
    """A server that goes away and comes back is told once each, and no answer is wrong or missing."""
    if not shutil.which("redis-server"):
        return skip("no redis-server here; everything else passed")
    path = os.path.abspath("redis")
    redis = Redis(".", path)
    try:
        with Server("--redis", f"unix:{path}") as s, Server("--redis", f"unix:{path}") as other:
            ask = lambda k, whom=s: whom.good(f"/v1/recommendations?age=25&gender=F&job=12&k={k}")["cache"]
            assert [ask(1), ask(1), ask(1, other), ask(2)] == ["miss", "memory", "hit", "miss"]
            redis.process.kill()
            redis.process.wait()
            assert ask(3) == "down" and ask(1) == "memory"
            until(lambda: "redis=down" in s.log(), 5)
            redis = Redis(".", path)
            k = iter(range(4, 1000))
            until(lambda: (ask(next(k)), "redis=up" in s.log())[1], 15)
            assert s.log().count("redis=down") == s.log().count("redis=up") == 1, s.log()
            assert s.metric("marquee_redis_errors_total") > 0
    finally:
        redis.stop()


def check_secrets():
    """Who has a token or a password leaves no core. One without leaves one, where the machine lets it: so the check can fail."""

    def cores(env={}, *options):
        pid = os.posix_spawn(
            MARQUEE,
            [MARQUEE, "serve", "--store", "S", "--listen", "127.0.0.1:0", *options],
            {**os.environ, "ASAN_OPTIONS": "disable_coredump=0:handle_abort=0", **env},
            file_actions=[(os.POSIX_SPAWN_OPEN, 2, "core.err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)],
        )
        until(lambda: "serve start" in open("core.err").read(), 20)
        os.kill(pid, signal.SIGABRT)
        status = os.waitpid(pid, 0)[1]
        assert os.WTERMSIG(status) == signal.SIGABRT, status
        assert "hush" not in open("core.err").read()
        return os.WCOREDUMP(status)

    limit = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limit[1], limit[1]))
    if not cores():
        skip("no cores are left here, so none could be missing; everything else passed")
    assert not cores({}, "--token-file", "token")
    assert not cores({"MARQUEE_REDIS": "redis://:hush@127.0.0.1:1"})
    resource.setrlimit(resource.RLIMIT_CORE, limit)


def check_cut():
    """Files of the store that are cut short under the server end it with a sentence and not with a core."""
    shutil.copytree("S", "CUT", symlinks=True)
    with Server("--memory", "0", store="CUT", exit=4) as s:
        for name in ("catalogue", "users", "vectors", "seen"):
            os.truncate(f"CUT/current/{name}.mrq", 64)
        with contextlib.suppress(OSError, http.client.HTTPException):
            for user in range(1, 50):
                s.ask(f"/v1/recommendations?user={user}")
                s.ask(f"/v1/recommendations?age={user}")  # which looks at the vectors, whatever is left of the tables
        until(lambda: s.process.poll() is not None)
        assert "a file was truncated while it was read" in s.log(), s.log()


def main():
    for check in (
        check_sockets,
        check_notify,
        check_token,
        check_secrets,
        check_slow,
        check_signals,
        check_access,
        check_access_pipe,
        check_stop,
        check_redis,
        check_reload,
        check_cut,
    ):
        timed(check)
    sys.exit(77 if skipped else 0)


main()
