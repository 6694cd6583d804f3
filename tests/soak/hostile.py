"""A client that means no good: requests that are refused, bytes that are none, connections that say nothing, half of something, or
a byte now and then, that hang up in the middle, or do not read what they asked for. What it holds is bounded, far below the limits
of the service, so nobody else may notice."""
import contextlib
import json
import os
import random
import re
import socket
import struct
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cli"))
import refused  # noqa: E402
from client import Client  # noqa: E402

HELD_MAX = 30  # connections
PATIENCE = 10  # seconds for an answer
GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /v1/recommendations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
PERSON = "/v1/recommendations?age=25&gender=F&job=12"


class Held:
    """A connection that stays for a while, and what it has still to send."""

    def __init__(self, connection, until, rest=b"", reads=0):
        self.connection, self.until, self.rest, self.reads = connection, until, rest, reads
        connection.setblocking(False)


class Hostile(Client):
    def __init__(self):
        super().__init__()
        self.rng = random.Random("%s hostile" % self.seed)
        self.held = []
        self.acts = (self.wrong, self.wrong, self.wrong, self.garbage, self.flipped, self.half, self.silent, self.trickle,
                     self.unread, self.reset, self.large, self.pipelined, self.bodies)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def statuses(self, *pieces, wait=True):
        """Of the answers to these bytes, until the connection closes or there is one and then silence."""
        out, began = b"", time.monotonic()
        with self.connect() as s:
            with contextlib.suppress(ConnectionError, TimeoutError):  # the service may have had enough
                for piece in pieces:
                    s.sendall(piece)
            with contextlib.suppress(OSError):
                while wait and time.monotonic() < began + PATIENCE:
                    s.settimeout(0.02 if b"HTTP/1.1" in out else PATIENCE)
                    more = s.recv(1 << 16)
                    if not more:
                        break
                    out += more
        found = [int(n) for n in re.findall(rb"HTTP/1\.1 (\d+)", out)]
        if 500 in found:
            self.finding("an internal error", request=repr(pieces)[:2000], answer=out[:2000].decode(errors="replace"))
        return found

    def hold(self, data, rest=b"", reads=0):
        if len(self.held) < HELD_MAX:
            connection = self.connect()
            connection.sendall(data)
            self.held.append(Held(connection, time.monotonic() + self.rng.uniform(1, 20), rest, reads))

    # What it does.

    def wrong(self):
        """A request in order, for what is not to be had: refused with the right status."""
        lot = self.rng.randrange(4)
        if lot == 0:
            query, want, _ = self.rng.choice(refused.QUERIES)
            method, path = "GET", "/v1/recommendations?" + query
        elif lot == 1:
            (path, want, _), method = self.rng.choice(refused.TARGETS), "GET"
        elif lot == 2:
            method, path, want = "GET", self.rng.choice(refused.NOWHERE), 404
        else:
            (method, path, _), want = self.rng.choice(refused.METHODS), 405
        began = time.monotonic()
        got = self.statuses(b"%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (method.encode(), path.encode()))
        if not got:
            self.failed(began, "%s %s: no answer" % (method, path))
        elif got != [want]:
            self.finding("%s %s: status %s, want %d" % (method, path, got, want))

    def garbage(self):
        self.statuses(self.rng.choice(refused.GARBAGE + (self.rng.randbytes(self.rng.randrange(1, 3000)),)), wait=False)

    def flipped(self):
        request = bytearray(GET % PERSON.encode())
        for _ in range(self.rng.randrange(1, 4)):
            request[self.rng.randrange(len(request))] = self.rng.randrange(256)
        self.statuses(bytes(request), wait=self.rng.randrange(20) == 0)

    def half(self):
        request = (POST + b"Content-Length: 100\r\n\r\n{\"queries\":[") if self.rng.randrange(2) else GET % PERSON.encode()
        self.hold(request[: self.rng.randrange(1, len(request))])

    def silent(self):
        self.hold(b"")

    def trickle(self):
        self.hold(b"G", rest=(GET % (PERSON + "&k=10").encode())[1:])

    def unread(self):
        """Large answers, several behind each other, read a few bytes at a time. They hold the generation that gave them."""
        self.hold((GET % (PERSON + "&k=1000").encode()) * self.rng.randrange(1, 9), reads=2000)

    def reset(self):
        s = self.connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.sendall(self.rng.choice((POST + b"Content-Length: 100\r\n\r\n{", GET % (PERSON + "&k=1000").encode())))
        s.close()

    def large(self):
        self.statuses(*self.rng.choice((
            (POST + b"Content-Length: 100000000\r\n\r\n", b" " * 100000),
            (POST + b"Transfer-Encoding: chunked\r\n\r\n", *[b"30d40\r\n" + b" " * 200000 + b"\r\n"] * 8),
            (GET % (b"/v1/recommendations?exclude=" + b"1," * 20000),),
            (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 5000 + b"\r\n",))))

    def pipelined(self):
        self.statuses((GET % PERSON.encode()) * 30)

    def bodies(self):
        body = self.rng.choice((b"", b"[]", b"{}", b"[" * 100000, b'{"queries":[' + b"{}," * 1001 + b"{}]}", b'{"queries":[1]}',
                                b"\xff", json.dumps({"queries": [{"user": 4, "k": 1000}] * 101}).encode()))
        self.statuses(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    # The rest.

    def tend(self):
        """A little more of what is held, and away with what has been held for long enough."""
        for one in list(self.held):
            gone = time.monotonic() > one.until
            try:
                if one.rest:
                    one.connection.send(one.rest[:1])
                    one.rest = one.rest[1:]
                if one.reads and not one.connection.recv(one.reads):
                    gone = True
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:
                gone = True
            if gone:
                one.connection.close()
                self.held.remove(one)

    def run(self):
        while self.goes_on():
            self.count("hostile")
            with contextlib.suppress(OSError):  # the service may be dead just now
                self.rng.choice(self.acts)()
            self.tend()
            time.sleep(self.pause)
        self.flush()


if __name__ == "__main__":
    Hostile().run()
