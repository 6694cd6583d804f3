"""What befalls the store: rebuilds on data that grows, killed, on a full disk, beside others; what people do by hand; damage."""
import calendar
import os
import random
import re
import shutil
import signal
import threading
import time

from serving import Process

KEEP = 3
PINNED = 40  # seconds that a generation is held ready after it was current: longer than anybody answers from it
NAMED = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}")
READ_AT_OPEN = ("items.faiss", "catalogue.mrq", "users.mrq", "seen.mrq", "vectors.mrq", "history.mrq", "MANIFEST.json")
TITLES = "Broken Silence Robot Lemonade Penguin Midnight Rain Caf\xe9 Se\xf1or 24 & \"Quoted\" It's Last Tango".split()
FILES = ("users.dat", "movies.dat", "ratings.dat")


class Data:
    """A working copy of the data, to which each rebuild finds something added."""

    def __init__(self, source, folder, seed):
        self.folder, self.rng = folder, random.Random("%s data" % seed)
        os.mkdir(folder)
        for name in FILES:
            shutil.copyfile(os.path.join(source, name), os.path.join(folder, name))
        self.users, self.movies, ratings = ([line.split("::") for line in self.lines(name)] for name in FILES)
        self.genres = sorted({genre for movie in self.movies for genre in movie[2].split("|")})
        some = set(self.rng.sample([user[0] for user in self.users], 100))
        self.rated = {user: {} for user in some}  # of some users: what they have rated, and how
        for user, movie, stars, _ in ratings:
            if user in some:
                self.rated[user][movie] = stars

    def lines(self, name):
        with open(os.path.join(self.folder, name), encoding="latin-1") as file:
            return file.read().splitlines()

    def add(self, name, lines):
        with open(os.path.join(self.folder, name), "a", encoding="latin-1") as file:
            file.write("".join("::".join(line) + "\n" for line in lines))

    def grow(self):
        """A few users who rate as others do, a few movies, and some ratings of each."""
        rng, ratings, movies, users = self.rng, [], [], []
        for _ in range(rng.randrange(3)):
            title = "%s (%d)" % (" ".join(rng.sample(TITLES, 2)), rng.randrange(1950, 2025))
            movies.append([str(int(self.movies[-1][0]) + 1), title, "|".join(rng.sample(self.genres, rng.randrange(1, 3)))])
            self.movies += movies[-1:]
            if rng.randrange(3):  # else one that nobody has rated yet
                ratings += [[user, movies[-1][0]] for user in rng.sample(sorted(self.rated), rng.randrange(1, 8))]
        for _ in range(rng.randrange(1, 4)):
            one, other = rng.choice(self.users), rng.choice(self.users)
            users.append([str(int(self.users[-1][0]) + 1), one[1], one[2], other[3], "0"])
            self.users += users[-1:]
            like = self.rated[rng.choice(sorted(self.rated))]
            ratings += [[users[-1][0], movie] for movie in rng.sample(sorted(like), len(like) // 2)]
        for user in rng.sample(sorted(self.rated), 5):
            movie = rng.choice(self.movies)[0]
            if [user, movie] not in ratings and movie not in self.rated[user]:
                ratings.append([user, movie])
        for line in ratings:
            stars = rng.choice("34455")
            self.rated.setdefault(line[0], {})[line[1]] = stars
            line += [stars, str(int(time.time()))]
        self.add("users.dat", users)
        self.add("movies.dat", movies)
        self.add("ratings.dat", ratings)


class Pins(threading.Thread):
    """Puts each generation aside with hard links, for the oracles, and writes down which is current since when."""

    def __init__(self, soak):
        super().__init__(daemon=True)
        self.soak, self.folder, self.current, self.damaged = soak, soak.work + "/disk/pins", None, set()
        os.mkdir(self.folder)
        self.history = open(soak.work + "/history", "a", encoding="ascii")
        self.last = {}  # when each was current last
        self.enough = threading.Event()  # later than when the soak is over: until nobody asks any more

    def run(self):
        self.soak.guard(self.watch)

    def watch(self):
        while not self.enough.wait(0.01):
            self.look()

    def pin(self, name):
        source, target = self.soak.store + "/generations/" + name, self.folder + "/.new"
        shutil.rmtree(target, ignore_errors=True)
        os.mkdir(target)
        try:
            for file in os.listdir(source):
                os.link(os.path.join(source, file), os.path.join(target, file))
        except FileNotFoundError:
            return  # it was removed meanwhile, so it is not current
        os.rename(target, self.folder + "/" + name)
        self.last[name] = time.monotonic()
        self.soak.count("generations")

    def look(self):
        store, now = self.soak.store, time.monotonic()
        for name in os.listdir(store + "/generations"):
            if NAMED.fullmatch(name) and name not in self.last and name not in self.damaged:
                self.pin(name)
        name = self.soak.current()
        if name in self.last:
            self.last[name] = now
            if name != self.current:
                self.current = name
                self.history.write("%.6f %s\n" % (now, name))
                self.history.flush()
        for old in [old for old, when in self.last.items() if now - when > PINNED and os.path.isdir(self.folder + "/" + old)]:
            shutil.rmtree(self.folder + "/" + old)


class Command(Process):
    """A run of the program; what it says may be looked at meanwhile."""

    def __init__(self, work, command):
        self.began = time.monotonic()
        super().__init__(work, command)

    def end(self):
        self.status, self.seconds, self.text = self.process.wait(), time.monotonic() - self.began, self.said()
        self.killed = self.status == -signal.SIGKILL
        os.unlink(self.log)


class StoreActor:
    def __init__(self, soak, data):
        self.soak, self.rng = soak, random.Random("%s store" % soak.seed)
        self.data = Data(data, soak.work + "/data", soak.seed)
        self.span, self.running = 1.0, []  # seconds that a rebuild took

    # Commands, and how they may end.

    def begin(self, *words):
        self.running.append(Command(self.soak.work, [self.soak.marquee, *words]))
        return self.running[-1]

    def begin_rebuild(self):
        self.soak.count("rebuilds")
        return self.begin("rebuild", "--data", self.data.folder, "--store", self.soak.store, "--keep", str(KEEP), "--redis",
                          "unix:" + self.soak.work + "/redis.sock")

    def end(self, command, *allowed):
        """Whether it ended well. Else it was killed, or ended as is `allowed`: (status, what it says). In its log warnings are
        expected of Redis, of gates, and of what is allowed; of nothing else."""
        command.end()
        self.running.remove(command)
        name, lines = "marquee " + command.command[1], command.text.strip().splitlines()
        self.soak.log("%s: %d after %.1f s: %s" % (name, command.status, command.seconds, lines[-1] if lines else ""))
        expected = [r"WARN warm .*cache=down", r"WARN rebuild gate=", *(text for _, text in allowed)]
        for line in lines:
            if re.match(r"\S+Z (WARN|ERROR) ", line) and not any(re.search(pattern, line) for pattern in expected):
                self.soak.finding("%s says: %s" % (name, line))
        if command.status and not command.killed and not any(
                command.status == status and re.search(text, lines[-1]) for status, text in allowed):
            self.soak.finding("%s ended with %d: %s" % (name, command.status, command.text[-2000:]))
        return command.status == 0

    def rebuild(self, *allowed):
        self.data.grow()
        command = self.begin_rebuild()
        if self.end(command, (1, "not published: "), *allowed):
            self.span = command.seconds
            self.check_tidy(KEEP)
            return True
        if "not published" in command.text:
            self.soak.count("refused_by_gates")
        return False

    def check_tidy(self, most=1000):
        """Nothing half made, and no more generations than are kept: where nobody else writes, after somebody who did to the end."""
        store = self.soak.store
        names = sorted(os.listdir(store)) + ["generations/" + name for name in os.listdir(store + "/generations")]
        generations = [name for name in names if NAMED.fullmatch(os.path.basename(name))]
        left = set(names) - set(generations) - {"current", "generations", "report.html", "report.json"}
        if left:
            self.soak.finding("left in the store: %s" % sorted(left))
        if len(generations) > most:
            self.soak.finding("%d generations, want at most %d: %s" % (len(generations), most, generations))

    def check_served(self):
        """What is current is taken over by the server, wherever it stood."""
        end = time.monotonic() + 20
        while True:
            try:
                served = self.soak.server.server.generation()
                if served == self.soak.current():
                    return
            except (OSError, SystemExit):  # it is dead just now
                served = None
            if time.monotonic() > end:
                self.soak.finding("the server serves %s after 20 s, current is %s" % (served, self.soak.current()))
                return
            time.sleep(0.05)

    # What happens in turn.

    def run(self):
        rebuilds = self.rebuild, self.rebuild, self.rebuild_killed, self.rebuild_killed, self.rebuild_full, self.rebuild_beside
        by_hand = self.export, self.rollback, self.prune, self.damage, self.damage
        while not self.soak.over.is_set():
            turn = time.monotonic() + self.soak.unit
            for act in self.rng.choice(rebuilds), self.rng.choice(by_hand):
                self.soak.log("store: " + act.__name__)
                act()
                self.check_served()
                if not self.soak.sleep(self.rng.uniform(0, 0.5) * self.soak.unit):
                    return
            self.soak.sleep(turn - time.monotonic())

    def rebuild_killed(self):
        """At a random moment, or as soon as it tells of the end of a step; then another sweeps up, or is killed as well."""
        for _ in range(self.rng.randrange(1, 4)):
            self.data.grow()
            command = self.begin_rebuild()
            mark = self.rng.choice((None, None, "step=train ", "step=export ", "step=gates ", "step=warm ", "step=publish "))
            after = time.monotonic() + self.rng.uniform(0, 1.2 * self.span)
            while command.process.poll() is None and (mark not in command.said() if mark else time.monotonic() < after):
                time.sleep(0.002)
            command.process.kill()
            self.end(command, (1, "not published: "))
            if command.killed:
                self.soak.count("rebuilds_killed")
        self.rebuild()

    def rebuild_full(self):
        """On a disk that is full before it has ended, or nearly."""
        if not self.soak.disk:
            self.rebuild()
            return
        size = sum(os.path.getsize(os.path.join(self.soak.store, "current", name))
                   for name in os.listdir(os.path.join(self.soak.store, "current")))
        ballast, free = self.soak.work + "/disk/ballast", os.statvfs(self.soak.store)
        with open(ballast, "wb") as file:
            room = int(self.rng.uniform(0, 1.2 * size))
            os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_bsize - room))
        self.soak.count("full_disks")
        full = "No space left on device"
        if not self.rebuild((1, full)):
            self.check_tidy()
        os.unlink(ballast)
        self.rebuild()

    def rebuild_beside(self):
        """Two at a time: the second waits for nobody."""
        self.data.grow()
        rebuild = self.begin_rebuild()
        time.sleep(self.rng.uniform(0, self.span))
        beside = self.begin(*self.rng.choice((("prune", "--keep", "2"), ("rollback",), self.exporting())), *self.to_store())
        self.end(beside, (1, " is locked by "), (3, "has no intact generation"))
        self.end(rebuild, (1, " is locked by "), (1, "not published: "))
        self.soak.count("races")

    def to_store(self):
        return "--store", self.soak.store

    def exporting(self):
        """The model of a generation that was put aside, and will stay there for a while."""
        pins = self.soak.pins
        name = self.rng.choice([name for name, when in list(pins.last.items()) if time.monotonic() - when < PINNED / 2])
        return "export", "--model", "%s/%s/model.mrq" % (pins.folder, name)

    def export(self):
        self.soak.count("by_hand")
        if self.end(self.begin(*self.exporting(), *self.to_store())):
            self.check_tidy()

    def rollback(self):
        self.soak.count("by_hand")
        self.end(self.begin("rollback", *self.to_store()), (3, "has no intact generation"))

    def prune(self):
        self.soak.count("by_hand")
        keep = self.rng.randrange(1, KEEP + 1)
        if self.end(self.begin("prune", "--keep", str(keep), *self.to_store())):
            self.check_tidy(keep + 1)  # the current one stays, be it old

    # Damage.

    def damage(self):
        """A damaged generation is made current: the server refuses it, once, and serves on; then somebody puts it right. Not while
        the server is killed, which could not start on it."""
        with self.soak.no_kill:
            good, server = self.soak.current(), self.soak.server
            self.check_served()
            refusals = server.log.refusals
            bad = self.spoil(good)
            end = time.monotonic() + 10
            while server.log.refusals == refusals and time.monotonic() < end:
                time.sleep(0.02)
                server.look()
            if server.log.refusals == refusals:
                self.soak.finding("a damaged generation was not refused: %s" % bad)
            self.soak.sleep(self.rng.uniform(0, 0.1) * self.soak.unit)
            self.soak.count("damaged")
            self.heal(good)
            self.check_served()
        shutil.rmtree(self.soak.store + "/generations/" + bad, ignore_errors=True)

    def spoil(self, good):
        """Returns the name of what is current then."""
        generations = self.soak.store + "/generations"
        newest = max(name for name in os.listdir(generations) if NAMED.fullmatch(name))
        after = 1 + calendar.timegm(time.strptime(newest[:15], "%Y%m%dT%H%M%S"))
        bad = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(after)) + good[16:]  # which vouches for the manifest
        self.soak.pins.damaged.add(bad)
        self.soak.server.log.expected.append("^serve reload refused: .*" + bad)  # also late, if the server is slow
        way = self.rng.choice(("flip", "flip", "cut", "gone", "foreign", "dangling"))
        if way != "dangling":
            shutil.copytree(generations + "/" + good, generations + "/.tmp-spoilt")
            self.spoil_file(generations + "/.tmp-spoilt", way)
            os.rename(generations + "/.tmp-spoilt", generations + "/" + bad)
        self.point(bad)
        return bad

    def spoil_file(self, folder, way):
        name = self.rng.choice(READ_AT_OPEN)
        self.soak.log("damage: %s of %s" % (way, name))
        path, pins = folder + "/" + name, self.soak.pins.folder
        if way == "gone":
            os.unlink(path)
            return
        with open(path, "rb") as file:
            whole = file.read()
        data, at = bytearray(whole), self.rng.randrange(len(whole))
        if way == "cut":
            del data[at:]
        elif way == "foreign":
            other = self.rng.choice([one for one in os.listdir(pins) if NAMED.fullmatch(one)])
            with open("%s/%s/%s" % (pins, other, name), "rb") as file:
                data = bytearray(file.read())
        if way == "flip" or data == whole:  # another generation may have the same part
            data[at] ^= 1 << self.rng.randrange(8)
        with open(path, "wb") as file:
            file.write(data)

    def point(self, name):
        link = self.soak.store + "/.tmp-current"
        os.symlink("generations/" + name, link)
        os.rename(link, self.soak.store + "/current")

    def heal(self, good):
        way = self.rng.choice(("link", "rollback", "rebuild"))
        self.soak.log("healed by " + way)
        if way == "rollback" and self.end(self.begin("rollback", *self.to_store()), (3, "has no intact generation")):
            return
        if way == "rebuild" and self.rebuild((1, "WARN rebuild no serving generation: ")):
            return
        self.point(good)

    def stop(self):
        for command in self.running:
            command.process.kill()
            command.process.wait()

    def audit(self):
        """Every file of every generation, by its SHA-256."""
        command = self.begin("info", self.soak.store)
        self.end(command)
        if "damaged" in command.text or command.text.count("verified") != 1:
            self.soak.finding("the store is not sound: " + command.text)
        self.check_tidy()
