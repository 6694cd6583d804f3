"""Runs the soak: what tools/soak --help tells. Threads of this process do harm to the store, to Redis and to the server; processes
of their own ask (load.py, hostile.py). Every finding ends it; nothing is forgiven but requests while the server was dead."""
import collections
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from faults import RedisActor, ServerActor
from serving import run, say
from store import FILES, Pins, StoreActor
from watch import LEAST, MB

HERE = os.path.dirname(os.path.abspath(__file__))
DISTINCT, RATE, PAUSE = 3000, 200, 0.05  # questions; of a client a second; between hostile acts
REDIS_MAX = 5  # connections: of two workers with a batch each, of those who help them, and of the main thread
SOCKETS_MAX = 2 + 30 + 110 + REDIS_MAX + 1  # clients, hostile ones, those who said half and left, Redis's, the listening one
REPORT = 10  # seconds between lines of progress
PROGRESS = ("%(spent)s of %(minutes)g min, %(requests)d requests, %(compared)d answers compared, %(wrong)d wrong; %(generations)d "
            "generations, rebuilds killed %(rebuilds_killed)d of %(rebuilds)d, server killed %(server_kills)d, Redis killed "
            "%(redis_kills)d paused %(redis_pauses)d, hostile %(hostile)d%(now)s")
SUMMARY = ("%(spent)s min, seed %(seed)d: %(requests)d requests, %(compared)d answers compared, %(wrong)d wrong (slowest "
           "%(slowest).2f s, %(used).0f %% of the bound of single precision used); %(generations)d generations by %(rebuilds)d "
           "rebuilds, of which %(rebuilds_killed)d were killed, %(full_disks)d met a full disk, %(races)d ran beside others and "
           "%(refused_by_gates)d were refused by gates, and by %(by_hand)d commands by hand; %(damaged)d generations damaged and "
           "refused; server killed %(server_kills)d times, SIGHUP %(hang_ups)d; Redis killed %(redis_kills)d, paused "
           "%(redis_pauses)d, flushed %(redis_flushes)d, %(fouled)d values fouled; %(hostile)d hostile acts; %(unanswered)d "
           "requests cut by kills; %(flatness)s; findings %(findings)d")


class Client:
    """A process that asks, and the thread that hears what it says."""

    def __init__(self, soak, script, **more):
        self.soak = soak
        told = {"work": soak.work, "seed": soak.seed, "port": soak.server.server.port, **more}
        self.errors = open("%s/%s-%s.err" % (soak.work, script, more.get("number", 0)), "w+b")
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, script), json.dumps(told)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors, start_new_session=True)
        self.thread = threading.Thread(target=soak.guard, args=(self.listen,), daemon=True)
        self.thread.start()

    def listen(self):
        for line in self.process.stdout:
            told = json.loads(line)
            for key, value in told.get("counts", {}).items():
                self.soak.count(key, value)
            if "failed" in told:
                began, ended, text = told["failed"]
                if not self.soak.server.was_down(began, ended):
                    self.soak.finding("no answer, and the server was not killed: " + text)
            if "note" in told:
                self.soak.log(told["note"])
            if "finding" in told:
                self.soak.finding(told.pop("finding"), **told)

    def stop(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.thread.join()
        if status:
            self.errors.seek(0)
            self.soak.finding("a client ended with %d: %s" % (status, self.errors.read().decode()[-2000:]))


class Soak:
    def __init__(self, options):
        self.options, self.seed, self.work = options, options.seed, tempfile.mkdtemp(prefix="marquee-soak-")
        self.seconds = options.minutes * 60
        self.unit = max(2.0, min(60.0, self.seconds / 8))  # a minute, or less where there are few of them
        self.marquee, self.disk = options.build + "/tools/marquee", options.disk
        self.over, self.no_kill, self.lock = threading.Event(), threading.Lock(), threading.Lock()
        self.counts, self.findings, self.interrupted = collections.Counter(), [], False
        self.spent = None
        self.began, self.lines = time.monotonic(), open(self.work + "/soak.log", "w", encoding="utf-8")
        self.store = self.work + "/disk/store"
        self.clients, self.actors, self.server, self.redis, self.writer, self.pins = [], [], None, None, None, None

    # What all of it uses.

    def log(self, text):
        with self.lock:
            self.lines.write("%9.3f %s\n" % (time.monotonic() - self.began, text))
            self.lines.flush()

    def count(self, what, n=1):
        with self.lock:
            self.counts[what] = max(self.counts[what], n) if what in ("slowest", "worst") else self.counts[what] + n

    def sleep(self, seconds):
        """False when it is over."""
        return not self.over.wait(max(0, seconds))

    def finding(self, text, **more):
        for key, value in more.items():
            text += "\n  %s: %s" % (key, value if isinstance(value, str) else json.dumps(value))
        self.log("FINDING: " + text)
        self.findings.append(text)
        name = more.get("generation")
        if name:  # the disk goes away with us
            with contextlib.suppress(OSError):
                shutil.copytree("%s/disk/pins/%s" % (self.work, name), self.work + "/generation-" + name)
        self.over.set()

    def guard(self, function):
        """A thread that breaks off is a finding."""
        try:
            function()
        except BaseException as problem:  # pylint: disable=broad-except
            self.finding("%s: %r" % (function.__qualname__, problem))

    def current(self):
        return os.path.basename(os.readlink(self.store + "/current"))

    # From beginning to end.

    def prepare(self):
        os.mkdir(self.work + "/disk")
        self.writer = StoreActor(self, self.options.data)
        if self.disk:
            size = sum(os.path.getsize(os.path.join(self.options.data, name)) for name in FILES)
            run(["mount", "-t", "tmpfs", "-o", "size=%dM" % (100 + 25 * size / MB), "none", self.work + "/disk"])
        run([self.marquee, "rebuild", "--data", self.writer.data.folder, "--store", self.store])
        self.redis = RedisActor(self)
        self.pins = Pins(self)
        self.pins.look()
        self.pins.start()
        self.server = ServerActor(self)
        for number in 1, 2:
            self.clients.append(Client(self, "load.py", number=number, distinct=DISTINCT, rate=RATE,
                                       exact=self.options.build + "/tests/exact", lie=self.options.lie))
        self.clients.append(Client(self, "hostile.py", pause=PAUSE))

    def watch(self):
        while self.sleep(1):
            life, sample = self.server.lives[-1], self.server.sample()
            if sample and life is self.server.lives[-1]:
                life.samples.append(sample)
            self.server.look()

    def facts(self):
        spent, facts = self.spent or time.monotonic() - self.began, collections.Counter(self.counts)
        facts["spent"], facts["minutes"], facts["seed"] = "%d:%02d" % (spent // 60, spent % 60), self.options.minutes, self.seed
        return facts

    def line(self):
        last, facts = self.server.lives[-1].samples[-1:], self.facts()
        facts["now"] = "".join("; %.1f MB, %d descriptors, %d threads" % (s.memory / MB, s.files + s.sockets, s.threads)
                               for s in last)
        return PROGRESS % facts

    def report(self):
        line = self.line()
        self.log(line)
        if sys.stderr.isatty():
            columns = shutil.get_terminal_size().columns
            print("\r\033[K" + line[: columns - 1], end="", file=sys.stderr, flush=True)
        else:
            say(line)

    def go(self):
        try:
            self.prepare()
            for function in self.server.run, self.redis.run, self.writer.run, self.watch:
                self.actors.append(threading.Thread(target=self.guard, args=(function,)))
                self.actors[-1].start()
            end = self.began + self.seconds
            while self.sleep(min(REPORT, end - time.monotonic())) and time.monotonic() < end:
                self.report()
        except KeyboardInterrupt:
            self.interrupted = True
        except SystemExit as problem:
            self.finding(str(problem))
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            signal.signal(number, signal.SIG_IGN)  # it is ending
        self.over.set()
        self.spent = time.monotonic() - self.began
        self.wind_down()
        return self.sum_up()

    def wind_down(self):
        for actor in self.actors:
            actor.join()
        for client in self.clients[::-1]:
            client.stop()
        if self.pins and self.pins.is_alive():
            self.pins.enough.set()
            self.pins.join()
        sound = self.actors and not self.findings
        if sound:
            self.guard(self.check_rest)
        for one in self.server, self.redis, self.writer:
            if one:
                self.guard(one.stop)
        if sound:
            self.guard(self.writer.audit)
            self.guard(self.check_lives)

    def check_rest(self):
        """When nobody asks any more. Who says half of something and closes is let go after 30 s of silence, for which a short run
        does not wait."""
        end, short = time.monotonic() + 40, self.spent < LEAST
        while True:
            rest = self.server.sample()
            if (short or not rest.clients) and rest.sockets - rest.clients <= REDIS_MAX + 1 and rest.generations == 1:
                return
            if time.monotonic() > end:
                self.finding("at rest the server has %d connections of clients, %d others and %d generations open, want none, at "
                             "most %d and 1" % (rest.clients, rest.sockets - rest.clients, rest.generations, REDIS_MAX + 1))
                return
            time.sleep(0.2)

    def check_lives(self):
        for number, life in enumerate(self.server.lives, 1):
            with open("%s/life-%d.csv" % (self.work, number), "w", encoding="ascii") as file:
                for sample in life.samples:
                    file.write("%s\n" % sample)
            for problem in life.problems(SOCKETS_MAX):
                self.finding("life %d of the server: %s" % (number, problem))

    def flatness(self):
        """Of the longest life."""
        return max(self.server.lives, key=lambda life: len(life.samples)).summary() if self.server else "no life"

    def sum_up(self):
        facts = self.facts()
        facts["used"], facts["flatness"], facts["findings"] = 100 * facts["worst"], self.flatness(), len(self.findings)
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        print(SUMMARY % facts, flush=True)
        for finding in self.findings[:3]:
            say("FINDING: " + finding)
        self.lines.close()
        if self.disk:
            subprocess.run(["umount", self.work + "/disk"], check=False)
        if self.findings or self.options.keep:
            say("logs%s are in %s" % (" and what is needed to see it" if self.findings else "", self.work))
        else:
            shutil.rmtree(self.work)
        return 1 if self.findings else 130 if self.interrupted else 0
