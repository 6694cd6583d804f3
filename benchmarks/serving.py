"""What bench_serve, tools/soak and tests run: programs, servers on a port of their own, a Redis on a unix socket; what a process
takes."""
import contextlib
import http.client
import itertools
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("MARQUEE_")}
ME = os.path.basename(sys.argv[0])
failures = []  # sentences


def say(text):
    print("%s: %s" % (ME, text), file=sys.stderr, flush=True)


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, env=ENVIRONMENT)
    if done.returncode:
        sys.exit("%s: %s: exit code %d: %s" % (ME, " ".join(command), done.returncode, done.stderr.strip()[-500:]))
    return done.stdout


def ask(port, path, timeout=30):
    """Status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def free_port():
    """Below those that the kernel hands out, so that it is still free when a server is started again."""
    while True:
        port = random.randrange(20000, 32768)
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            return port


class Process:
    """Runs while it is a context; what it says goes to a file in the folder `work`."""

    def __init__(self, work, command):
        self.command = command
        with tempfile.NamedTemporaryFile(dir=work, suffix=".log", delete=False) as log:
            self.log = log.name
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT,
                                            start_new_session=True)  # Ctrl-C is for us, who stop it

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            failures.append("%s did not stop" % self.command[0])

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_for(self, is_ready):
        start = time.perf_counter()
        while not is_ready():
            if self.process.poll() is not None or time.perf_counter() > start + 60:
                self.stop()
                sys.exit("%s: %s: does not start: %s" % (ME, " ".join(self.command), self.said()[-800:]))
            time.sleep(0.0002)


class Server(Process):
    """Something that listens on a port of its own, and is ready."""

    def __init__(self, work, command, port=None):
        self.port = port or free_port()
        start = time.perf_counter()
        super().__init__(work, [part.replace("PORT", str(self.port)) for part in command])
        self.wait_for(self.is_ready)
        self.seconds = time.perf_counter() - start

    def is_ready(self):
        try:
            return ask(self.port, "/readyz")[0] == 200
        except OSError:
            return False

    def metric(self, name):
        """The value of a metric, or {labels: value}."""
        series = re.findall(r"^%s(?:\{(.*?)\})? (\S+)$" % name, ask(self.port, "/metrics")[1].decode(), re.M)
        if not series:
            sys.exit("%s: no %s in /metrics" % (ME, name))
        return {label: float(value) for label, value in series} if series[0][0] else float(series[0][1])

    def answers(self):
        """Answers so far by where they came from: {"memory": n, "redis": n, "computed": n}."""
        return {re.search('source="(.*?)"', label)[1]: n for label, n in self.metric("marquee_answers_total").items()}

    def generation(self):
        (label,) = self.metric("marquee_generation_info")
        return label.split('"')[1]

    def wait_for_generation(self, want):
        """Until it serves a generation of which want(name) is true."""
        patience = time.perf_counter() + 10
        while not want(self.generation()):
            if time.perf_counter() > patience:
                sys.exit(ME + ": the server does not take another generation up")
            time.sleep(0.002)


class Redis(Process):
    def __init__(self, work, path=None):
        self.socket = path or os.path.join(work, "redis-%d" % time.monotonic_ns())
        super().__init__(work, ["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no",
                                 "--dir", work])
        self.wait_for(self.is_ready)
        self.address = "unix:" + self.socket

    def is_ready(self):
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(self.socket)
            return True
        except OSError:
            return False


def zipf_sums(n):
    """Sums by which place i of 0 .. n-1 is drawn with a frequency of 1 / (i + 1)."""
    return list(itertools.accumulate(1 / (i + 1) for i in range(n)))


def cpu_seconds(pid):
    """User and system time that a process and its children have had."""
    with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
        field = file.read().rpartition(")")[2].split()
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        children = file.read().split()
    return (int(field[11]) + int(field[12])) / os.sysconf("SC_CLK_TCK") + sum(cpu_seconds(int(child)) for child in children)


def resident(pid, store):
    """Bytes of a process: anonymous ones, and all but the mapped files of the store."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        anonymous = int(re.search(r"^RssAnon:\s*(\d+) kB", file.read(), re.M)[1])
    beyond, ours = 0, False
    with open("/proc/%d/smaps" % pid, encoding="utf-8", errors="replace") as file:
        for line in file:
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                ours = os.path.realpath(store) in line
            elif line.startswith("Rss:") and not ours:
                beyond += int(line.split()[1])
    return anonymous * 1024, beyond * 1024
