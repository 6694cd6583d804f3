"""What a server takes, each second of its life, and whether that stays the same; and what it says.

Flat means, of each life of two minutes or more, its first minute left out, which fills the memory of answers:

  threads      their lowest number never changes, nor do more than a batch takes come and go
  descriptors  those that are no connections: the median of the last third is that of the first; connections: never more than the
               clients and Redis make, who says half of a request and leaves being let go after 30 s; none of clients in the end
  generations  but the serving one none is open when the clients have gone
  memory       anonymous bytes, less those of the answers that the server says it remembers, which come and go with each
               generation; as a sliding lowest of ten seconds, because a reload holds two generations for a moment: a line through
               them rises by less than GROWTH_MAX in an hour, or by less than NOISE in that life; and no sample is above BOUND

NOISE is what a generation more or less, or a large answer, changes. Where glibc makes a heap for each thread, NOISE_OF_HEAPS is
what five of them come to take, one after the other, as their threads meet large answers. Shorter lives are held to BOUND alone."""
import os
import re
import statistics

MB = 1e6
BOUND = 64 * MB  # answers 16 MiB at most; large ones that wait to be read, up to 30 of 200 kB; bodies, the program
GROWTH_MAX, NOISE, NOISE_OF_HEAPS = 12 * MB, 2 * MB, 12 * MB
WARM_UP, LEAST = 60, 120  # seconds
BATCH_THREADS = 2  # two workers with a batch each, which each gets a thread to help
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (ERROR|WARN|INFO|DEBUG) (.*)\n")


def established(path):
    """Inodes of TCP's connections."""
    with open(path, encoding="ascii") as file:
        return {fields[9] for fields in map(str.split, file) if fields[3] != "0A" and fields[9] != "inode"}


class Sample:
    """What a process has at a moment. Connections of clients are by TCP, Redis's are not. `remembered`: bytes of answers."""

    def __init__(self, pid, age, remembered):
        self.age = age
        with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as file:
            status = file.read()
        self.memory = 1024 * int(re.search(r"^RssAnon:\s*(\d+) kB", status, re.M)[1])
        self.beyond = self.memory - remembered
        self.threads = int(re.search(r"^Threads:\s*(\d+)", status, re.M)[1])
        self.files = self.sockets = self.clients = 0
        tcp = established("/proc/%d/net/tcp" % pid)
        for fd in os.listdir("/proc/%d/fd" % pid):
            try:
                socket = re.fullmatch(r"socket:\[(\d+)\]", os.readlink("/proc/%d/fd/%s" % (pid, fd)))
            except FileNotFoundError:
                continue
            self.sockets += bool(socket)
            self.files += not socket
            self.clients += bool(socket) and socket[1] in tcp
        with open("/proc/%d/maps" % pid, encoding="utf-8", errors="replace") as file:
            self.generations = len(set(re.findall(r"/generations/([^/\n]+)/", file.read())))

    def __str__(self):
        return ",".join("%g" % x for x in (self.age, self.memory, self.beyond, self.files, self.sockets, self.threads,
                                           self.generations))


def slope(points):
    """Of the line through (x, y) with the least squares."""
    mx, my = statistics.fmean(x for x, _ in points), statistics.fmean(y for _, y in points)
    spread = sum((x - mx) ** 2 for x, _ in points)
    return sum((x - mx) * (y - my) for x, y in points) / spread if spread else 0


class Life:
    """The samples of a server from its start to its end. `heaps`: of glibc's, where they are limited; else None."""

    def __init__(self, heaps=None):
        self.heaps, self.samples = heaps, []

    def long_enough(self):
        return bool(self.samples) and self.samples[-1].age >= LEAST

    def growth(self):
        """Bytes an hour, and bytes over the time watched."""
        samples = [s for s in self.samples if s.age >= WARM_UP]
        points = [(samples[i].age, min(s.beyond for s in samples[i:i + 10])) for i in range(len(samples) - 9)]
        rise = slope(points)
        return rise * 3600, rise * (points[-1][0] - points[0][0])

    def problems(self, sockets_max):
        """Sentences on what is not flat."""
        problems, settled = [], [s for s in self.samples if s.age >= 3]
        threads = sorted({min(s.threads for s in settled[i:i + 10]) for i in range(len(settled) - 9)})
        if len(threads) > 1 or any(s.threads > threads[0] + BATCH_THREADS for s in settled if threads):
            problems.append("the number of threads changed: %s, at most %d" % (threads, max(s.threads for s in settled)))
        most = max((s.sockets for s in self.samples), default=0)
        if most > sockets_max:
            problems.append("%d connections, want at most %d" % (most, sockets_max))
        highest = max((s.memory for s in self.samples), default=0)
        if highest > BOUND:
            problems.append("%.1f MB of anonymous memory, want at most %.1f" % (highest / MB, BOUND / MB))
        if not self.long_enough():
            return problems
        third = len(settled) // 3
        files = [statistics.median(s.files for s in part) for part in (settled[:third], settled[-third:])]
        if files[0] != files[1]:
            problems.append("%g descriptors at first, %g at last" % tuple(files))
        noise = NOISE if self.heaps == 1 else NOISE_OF_HEAPS
        hour, rise = self.growth()
        if hour > GROWTH_MAX and rise > noise:
            problems.append("anonymous memory rises by %.1f MB an hour, %.1f MB in this life: want less than %.1f or %.1f" %
                            (hour / MB, rise / MB, GROWTH_MAX / MB, noise / MB))
        return problems

    def summary(self):
        if not self.samples:
            return "no life of a second"
        if not self.long_enough():
            return "at most %.1f MB, too short a life to tell more" % (max(s.memory for s in self.samples) / MB)
        begin = next(i for i, s in enumerate(self.samples) if s.age >= WARM_UP)
        def both(name, scale=1):
            return "%g to %g" % tuple(round(statistics.median(getattr(s, name) / scale for s in part), 1)
                                      for part in (self.samples[begin:begin + 20], self.samples[-20:]))

        text = "memory %s MB, without the answers remembered %s MB, descriptors %s, threads %s" % (
            both("memory", MB), both("beyond", MB), both("files"), both("threads"))
        return "in a life of %d s, after the first minute: %s" % (self.samples[-1].age, text)


class Log:
    """Reads what a process logs as it grows. `expected`: patterns of warnings and errors that are."""

    def __init__(self, path, expected):
        self.file, self.rest, self.expected, self.refusals = open(path, encoding="utf-8", errors="replace"), "", expected, 0

    def findings(self):
        found = []
        for line in self.file:
            line, self.rest = self.rest + line, ""
            if not line.endswith("\n"):
                self.rest = line  # the rest is still to come
                continue
            match = LINE.fullmatch(line)
            self.refusals += "reload refused" in line
            if not match or (match[1] in ("WARN", "ERROR") and not any(re.search(pattern, match[2]) for pattern in self.expected)):
                found.append(line.strip())
        return found
