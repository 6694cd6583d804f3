"""What befalls Redis and the server."""
import contextlib
import http.client
import os
import random
import signal
import socket
import threading
import time

from serving import Redis, Server
from watch import Life, Log, Sample

SERVER_SAYS = [r"^serve redis=down problem="]  # what is expected at WARN and ERROR
MEMORY = (16, 2, 0, 2)  # --memory of one start after the other: the default; so little that Redis is asked; none


class Wire:
    """Redis's protocol, as far as it is needed."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def __call__(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        return self.read()

    def read(self):
        line = self.file.readline().rstrip()
        kind, rest = line[:1], line[1:]
        if kind in (b"$", b"*") and int(rest) < 0:
            return None
        if kind == b"$":
            return self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        return rest  # errors too: garbage may well be refused


class RedisActor:
    """Kills, pauses, empties, starves and fouls Redis in turn, a moment each."""

    def __init__(self, soak):
        self.soak, self.rng, self.path = soak, random.Random("%s redis" % soak.seed), soak.work + "/redis.sock"
        self.redis = Redis(soak.work, self.path)

    def run(self):
        acts = (self.kill, self.pause, self.empty, self.foul, self.foul, self.foul_counts, self.starve)
        while self.soak.sleep(self.rng.uniform(0.1, 0.4) * self.soak.unit):
            act = self.rng.choice(acts)
            self.soak.log("Redis: " + act.__name__)
            act()

    def kill(self):
        self.soak.count("redis_kills")
        self.redis.process.kill()
        self.redis.process.wait()
        self.soak.sleep(self.rng.uniform(0, 0.1) * self.soak.unit)
        self.redis = Redis(self.soak.work, self.path)

    def pause(self):
        self.soak.count("redis_pauses")
        self.redis.process.send_signal(signal.SIGSTOP)
        self.soak.sleep(self.rng.uniform(0.01, 0.1) * self.soak.unit)
        self.redis.process.send_signal(signal.SIGCONT)

    def empty(self):
        self.soak.count("redis_flushes")
        with contextlib.closing(Wire(self.path)) as ask:
            ask("FLUSHALL")

    def starve(self):
        with contextlib.closing(Wire(self.path)) as ask:
            ask("CONFIG", "SET", "maxmemory", "1mb")
            self.soak.sleep(self.rng.uniform(0.01, 0.1) * self.soak.unit)
            ask("CONFIG", "SET", "maxmemory", "0")

    def foul(self):
        """Values under our own keys that are not what was kept there."""
        rng = self.rng
        with contextlib.closing(Wire(self.path)) as ask:
            keys = [key for key in ask("KEYS", "marquee:2:*") if key != b"marquee:2:hot"]
            for key in rng.sample(keys, min(len(keys), 200)):
                value, other = ask("GET", key) or b"", ask("GET", rng.choice(keys)) or b""
                flipped = bytearray(value or b"?")
                flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
                bad = rng.choice((rng.randbytes(rng.randrange(1, 300)), value[: len(value) // 2], bytes(flipped), other, b"",
                                  b'{"results":[]}', value + b"x", value * 2, b"x" * (1 if rng.randrange(20) else 1000000), None))
                ask("DEL", key)
                ask(*(("SET", key, bad, "EX", "600") if bad is not None else ("RPUSH", key, "a", "b")))
                self.soak.count("fouled")

    def foul_counts(self):
        """Members of the set of hot queries that are none, or a value that is no such set."""
        rng, hot = self.rng, "marquee:2:hot"
        with contextlib.closing(Wire(self.path)) as ask:
            if rng.randrange(4) == 0:
                ask("SET", hot, "no set")
                return
            for member in (b"", b"{", b"[" * 500, b'{"user":-1}', b'{"user":4,"k":0}', b'{"user":4,"k":5,"genre":[1]}', b"\xff\x00",
                           b'{"user":1e300,"k":5}', b'{"user":null,"k":5,"year":"x"}', rng.randbytes(900)):
                ask("ZADD", hot, rng.randrange(1, 100000), member)

    def stop(self):
        self.redis.process.send_signal(signal.SIGCONT)
        self.redis.stop()


class ServerActor:
    """Kills the server and starts it again at once; hangs up on it."""

    def __init__(self, soak):
        self.soak, self.rng = soak, random.Random("%s server" % soak.seed)
        self.lives, self.down, self.server, self.looking = [], [], None, threading.Lock()
        self.start()

    def start(self, last=False):
        """In the last life the heap is one: which of glibc's heaps its threads happen to touch, and when, is no matter then, and a
        leak stands out."""
        soak, memory = self.soak, MEMORY[0 if last else len(self.lives) % len(MEMORY)]
        port = self.server.port if self.server else None
        command = [soak.marquee, "serve", "--store", soak.store, "--listen", "127.0.0.1:PORT", "--workers", "2", "--memory",
                   str(memory), "--redis", "unix:" + soak.work + "/redis.sock"]
        self.server = Server(soak.work, (["env", "MALLOC_ARENA_MAX=1"] if last else []) + command, port)
        with self.looking:
            self.log = Log(self.server.log, list(SERVER_SAYS))
        self.began = time.monotonic()
        self.lives.append(Life(1 if last else None))
        soak.log("server %d started, --memory %d, log %s" % (self.server.process.pid, memory, os.path.basename(self.server.log)))

    def run(self):
        """The last third is one life: what a server takes is to be seen of a long one."""
        soak, ends = self.soak, self.soak.began + self.soak.seconds * 2 / 3
        while soak.sleep(min(self.rng.uniform(0.2, 1.2) * soak.unit, max(0, ends - time.monotonic()))):
            if time.monotonic() >= ends:
                break
            if self.rng.randrange(3):
                self.hang_up()
            else:
                self.kill()
        if not soak.over.is_set():
            self.kill(last=True)
        while soak.sleep(self.rng.uniform(0.2, 1.2) * soak.unit):
            self.hang_up()

    def hang_up(self):
        self.soak.count("hang_ups")
        self.server.process.send_signal(signal.SIGHUP)

    def kill(self, last=False):
        soak = self.soak
        with soak.no_kill:
            soak.count("server_kills")
            self.down.append([time.monotonic(), float("inf")])
            soak.log("server %d killed" % self.server.process.pid)
            self.server.process.kill()
            self.server.process.wait()
            self.look()
            self.start(last)
            self.down[-1][1] = time.monotonic() + 0.5

    def was_down(self, began, ended):
        return any(began <= last and ended >= first for first, last in self.down)

    def sample(self):
        """None: it is dead just now."""
        with contextlib.suppress(OSError, TypeError, http.client.HTTPException):
            remembered = self.server.metric("marquee_memory_bytes")
            return Sample(self.server.process.pid, time.monotonic() - self.began, remembered)
        return None

    def look(self):
        with self.looking:
            for line in self.log.findings():
                self.soak.finding("the server says: " + line)
        if self.server.process.poll() not in (None, -signal.SIGKILL):
            status = self.server.process.returncode
            self.soak.finding("the server ended by itself, with %s: %s" % (status, self.server.said()[-500:]))

    def stop(self):
        """SIGTERM, and what it says at its end."""
        self.look()
        self.server.process.terminate()
        status = self.server.process.wait(20)
        for line in self.log.findings():
            self.soak.finding("the server says at its end: " + line)
        if status:
            self.soak.finding("the server stopped with %d: %s" % (status, self.server.said()[-500:]))
