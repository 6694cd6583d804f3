"""marquee serve with the n-th call failing: at its start, in a request, while it takes over a new generation. A start that does not
succeed ends with exit code 1 and one sentence. A request is answered right, or with 5xx, or its connection is closed, and the next
one is answered right. A reload that fails leaves the old generation serving, and the next one succeeds. At the end SIGTERM stops
it, with nothing leaked where a sanitizer looks.

Usage: service.py [--all]. Without --all, only some of the calls that come by a way of their own."""
import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

from figures import Figures
from injector import AGAIN, STAYS, Control, errors, name_error, some
from world import World, copy

REQUESTS = {
    "recommend": ("GET", "/v1/recommendations?age=25&gender=F&job=12&k=3&explain=2"),
    "feedback": ("GET", "/v1/recommendations?liked=1,3&k=2&genre=Drama"),
    "similar": ("GET", "/v1/items/1/similar?k=3"),
    "search": ("GET", "/v1/items?query=the&k=3"),
    "user": ("GET", "/v1/users/4"),
    "info": ("GET", "/v1/info"),
    "wrong": ("GET", "/v1/recommendations?age=old"),
    "batch": ("POST", "/v1/recommendations", '{"queries":[{"user":4},{"age":12,"gender":"M","job":10}]}',
              {"Content-Type": "application/json"}),
}
NOT_OURS = re.compile(  # words of glibc, which then ends the process, and of a library that libmicrohttpd brings along
    r"cannot allocate memory for thread-local data: ABORT$|Error in GnuTLS initialization: ")
LOG = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ")


class Server:
    """One that has started, or has ended in trying to."""
    last = None  # its process: there is one at a time

    def __init__(self, world, control, store):
        self.lines, self.done = [], False
        while True:
            self.process = subprocess.Popen([world.marquee, "serve", "--store", store, "--listen", "127.0.0.1:0", "--workers", "1",
                                             "--memory", "0"], cwd=world.work, env=control.environment(),
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            Server.last = self.process
            self.reader = threading.Thread(target=self.read, daemon=True)
            self.reader.start()
            started = self.wait(" start address=")
            if started or self.process.wait(30) != AGAIN:
                break
            self.reader.join()
            self.lines, self.done = [], False
        self.port = int(re.search(r"address=\S*:(\d+)", started).group(1)) if started else None

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line)
        self.done = True

    def wait(self, *texts, since=0, seconds=30):
        """The first line from there on that holds one of the texts; None when the log ends without."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done = self.done
            for line in self.lines[since:]:
                if any(text in line for text in texts):
                    return line
            if done:
                return None
            time.sleep(0.001)
        raise TimeoutError(f"no {texts} in {self.lines[since:]}")

    def ask(self, name):
        """(status, document), or None when the connection was closed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(*REQUESTS[name])
            response = connection.getresponse()
            return response.status, response.read()
        except (ConnectionError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def stop(self):
        """SIGTERM; why it did not end as it should, or None."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "it does not stop"
        self.reader.join()
        said = "".join(self.lines)
        return f"it ended with {code}: {said[-2000:]}" if code or "Sanitizer" in said else None


class Test:
    def __init__(self, work, everything):
        self.everything = everything
        self.figures = Figures()
        self.world = World(os.environ["MARQUEE"], os.environ["MRQ_SOURCE"], work)
        self.control = Control(os.path.join(work, "control"), self.world.marquee)
        self.store = os.path.join(work, "served")
        copy(os.path.join(work, "store"), self.store)
        self.names = sorted(os.listdir(os.path.join(self.store, "generations")))[:2]
        self.answers = []
        for which in (1, 0):
            self.point(which)
            server = Server(self.world, self.control, self.store)
            self.answers.insert(0, {name: server.ask(name) for name in REQUESTS})
            self.check("none", 0, 0, "start", server.stop())

    def point(self, which):
        link = os.path.join(self.store, "link")
        os.symlink("generations/" + self.names[which], link)
        os.rename(link, os.path.join(self.store, "current"))

    def check(self, call, number, error, what, wrong):
        if wrong:
            self.figures.fail(what)
            print(f"FAIL {what}: {call} {number} {name_error(error) if error else ''}: {wrong}", flush=True)

    def jobs(self, most):
        """The calls since the control was armed to note them, as far as the length of the run allows."""
        ways, counts = self.control.ways(), self.control.counts()
        assert ways, "no call was counted: the injector is not there"
        for turn, call in enumerate(ways):
            if not self.everything:
                numbers = some(ways[call], most if call == "memory" else 1, turn)
            else:  # every way is enough where the same ones are gone a thousand times
                numbers = range(1, counts[call] + 1) if counts[call] < 1000 else ways[call]
            for i, number in enumerate(numbers):
                kinds = errors(call)
                for error in kinds if self.everything else [kinds[i % len(kinds)]]:
                    yield call, number, error

    def count(self, what, call, refused):
        self.figures.add(what, call, self.control.hit()[0], refused)

    def starts(self):
        self.control.arm(note=True)
        server = Server(self.world, self.control, self.store)
        jobs = list(self.jobs(8))
        self.check("none", 0, 0, "start", server.stop())
        for call, number, error in jobs:
            self.control.arm(call, number, error)
            server = Server(self.world, self.control, self.store)
            self.count("start", call, not server.port)
            if server.port:
                self.control.arm()
                right = server.ask("recommend") == self.answers[0]["recommend"]
                self.check(call, number, error, "start", None if right else "it answers otherwise")
                self.check(call, number, error, "start", server.stop())
                continue
            server.reader.join()
            said = [line for line in server.lines if not LOG.match(line) and not NOT_OURS.match(line)]
            aborted = error & STAYS and any("ABORT" in line for line in server.lines)
            good = (server.process.returncode == 1 or aborted) and len(said) == 1 and said[0].startswith("marquee serve: ")
            self.check(call, number, error, "start", None if good else f"it ended with {server.process.returncode}: {said}")

    def requests(self):
        server = Server(self.world, self.control, self.store)
        for name in REQUESTS:
            server.ask(name)  # what is made at first use is there
            self.control.arm(note=True)
            server.ask(name)
            for call, number, error in list(self.jobs(6)):
                self.control.arm(call, number, error)
                got = server.ask(name)
                self.count(name, call, got != self.answers[0][name])
                self.control.arm()
                right = got is None or got == self.answers[0][name] or got[0] >= 500
                if name == "batch" and got and got[0] == 200:  # each of its queries fails on its own
                    right = right or b'"error"' in got[1]
                self.check(call, number, error, name, None if right else f"another answer: {got}")
                again = server.ask(name)
                self.check(call, number, error, name, None if again == self.answers[0][name] else f"another answer then: {again}")
        self.check("all", 0, 0, "requests", server.stop())

    def reload(self, server, which, *others):
        """Makes a generation current, tells the server, and returns its line that it serves, or one of the others."""
        since = len(server.lines)
        self.point(which)
        server.process.send_signal(signal.SIGHUP)
        return server.wait(" reload generation=" + self.names[which], *others, since=since)

    def reloads(self):
        server = Server(self.world, self.control, self.store)
        self.control.arm(note=True)
        self.reload(server, 1)
        jobs = list(self.jobs(12))
        self.control.arm()
        self.reload(server, 0)
        for call, number, error in jobs:
            self.control.arm(call, number, error)
            line = self.reload(server, 1, " reload refused: ")
            self.count("reload", call, not line or "refused" in line)
            self.control.arm()
            if line is None:
                self.check(call, number, error, "reload", f"it ended: {server.lines[-5:]}")
                break
            answer = server.ask("feedback")  # by now it may have looked at the store once more, and taken the new one over
            right = [self.answers[1]["feedback"]] + ([self.answers[0]["feedback"]] if "refused" in line else [])
            self.check(call, number, error, "reload", None if answer in right else f"after {line}another answer: {answer}")
            server.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + 20
            while server.ask("feedback") != self.answers[1]["feedback"] and time.monotonic() < end:
                time.sleep(0.01)
            right = server.ask("feedback") == self.answers[1]["feedback"]
            self.check(call, number, error, "reload", None if right else "the next one does not succeed")
            self.reload(server, 0)
        self.check("all", 0, 0, "reload", server.stop())


def main():
    with tempfile.TemporaryDirectory(prefix="marquee-faults-") as work:
        test = Test(work, "--all" in sys.argv)
        test.starts()
        test.requests()
        test.reloads()
        for what in ("start", *REQUESTS, "reload"):
            test.figures.print("serve " + what, what)
        test.figures.print("all of serve")
    return test.figures.end("start", *REQUESTS, "reload", "allocation", "thread", "open", "read", "mmap")


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        if Server.last:
            Server.last.kill()  # where a check broke off
