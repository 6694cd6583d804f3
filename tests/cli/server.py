"""What serve_requests.py and serve_life.py share: a server of a store in the folder they run in, what it says, patience."""

import contextlib, http.client, json, os, random, re, signal, socket, subprocess, sys, time

MARQUEE = os.environ["MARQUEE"]
GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /v1/recommendations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"  # and the rest of its head


class Server:
    """A server that runs until the end of a `with`, where it must stop soundly."""

    def __init__(self, *options, store="S", listen="127.0.0.1:0", env=None, exit=0, stdout=subprocess.DEVNULL, start=(), **popen):
        self.err, self.exit = f"err-{random.random()}", exit
        environment = {k: v for k, v in os.environ.items() if k not in ("NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS")}
        self.process = subprocess.Popen(
            [*start, MARQUEE, "serve", "--store", store, "--listen", listen, *options],
            stderr=open(self.err, "wb"),
            stdout=stdout,
            env={**environment, **(env or {})},
            **popen,
        )
        until(lambda: "serve start" in self.log() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log()
        self.address = re.search(r"address=(\S+)", self.log())[1]

    def log(self):
        return open(self.err, encoding="utf-8").read()

    def connect(self):
        if self.address.startswith("unix:"):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(10)
            s.connect(self.address[5:])
        else:
            host, port = re.fullmatch(r"http://\[?(.*?)\]?:(\d+)", self.address).groups()
            s = socket.create_connection((host, int(port)), timeout=10)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # so that pieces travel as pieces
        return s

    def ask(self, path, method="GET", body=None, headers={}, connection=None):
        """Status, headers and body; JSON as what it holds."""
        c = connection or http.client.HTTPConnection("localhost", timeout=30)
        if c.sock is None:
            c.sock = self.connect()
        c.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            c.putheader(name, value)
        if body is not None and "Transfer-Encoding" not in headers:
            c.putheader("Content-Length", str(len(body)))
        c.endheaders(body)
        r = c.getresponse()
        text = r.read()
        if not connection:
            c.close()
        is_json = r.headers.get("Content-Type") == "application/json" and text
        return r.status, r.headers, json.loads(text.decode("utf-8")) if is_json else text

    def good(self, path, **more):
        status, headers, j = self.ask(path, **more)
        assert status == 200, (path, status, j)
        return j

    def bad(self, path, status, says, **more):
        got, headers, j = self.ask(path, **more)
        wrong = (path[:500], status, says, got, str(j)[:2000])
        assert got == status and j["schema"] == 1 and says in j["error"]["message"], wrong
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store", str(headers)
        tally()
        return headers, j["error"]["code"]

    def metric(self, name):
        text = self.ask("/metrics")[2].decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
        return float(found[1]) if found else 0

    def resident(self, what="VmRSS"):
        return int(re.search(rf"{what}:\s+(\d+)", open(f"/proc/{self.process.pid}/status").read())[1]) / 1024

    def send(self, number):
        self.process.send_signal(number)

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        if self.process.poll() is None:
            self.send(signal.SIGTERM)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if kind is None:
            assert status == self.exit, (status, self.log())
        else:
            print(self.log(), file=sys.stderr)


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.02)


def raw(server, *pieces, want=1, end=False):
    """What a connection says to these bytes until it closes, or has given `want` answers and is silent; and whether it closed."""
    s, out, closed = server.connect(), b"", False
    with s:
        with contextlib.suppress(OSError):  # the server may have had enough
            for piece in pieces:
                s.sendall(piece)
            if end:
                s.shutdown(socket.SHUT_WR)
        try:
            while not closed:
                s.settimeout(0.1 if len(statuses(out)) >= want else 20)
                data = s.recv(1 << 16)
                out, closed = out + data, not data
        except TimeoutError:
            assert len(statuses(out)) >= want, out
        except ConnectionError:
            closed = True
    return out, closed


def statuses(out):
    found = [int(n) for n in re.findall(rb"HTTP/1\.1 (\d+)", out)]
    for status in found:
        if status >= 400:
            tally()
    return found


def tally():
    """As lib.sh: a line for each thing that is refused."""
    if "MRQ_TALLY" in os.environ:
        with open(os.environ["MRQ_TALLY"], "a") as file:
            file.write("refused\n")


def timed(check, *args):
    start = time.monotonic()
    check(*args)
    print(f"{check.__name__[6:]} {time.monotonic() - start:.1f} s", flush=True)
