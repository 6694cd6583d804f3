"""The n-th call fails, in every command of marquee: memory, threads and system calls, one at a time, some of them from then on.
After each fault: an end by itself; the right answer, or exit code 1 with one sentence that names the file; no leak where a
sanitizer looks; the store with its old answer or the new one; and nothing left over or damaged that the same command does not mend
when it is run again.

Usage: commands.py [--all] [COMMAND...]. Without --all, of each command and call some of those that come by a way of their own."""
import concurrent.futures
import contextlib
import difflib
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

from figures import ORDER, Figures
from injector import AGAIN, STAYS, Control, errors, name_error, some
from serving import Redis
from world import ASK, World, copy, leftovers, run, tree

LOG = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ")
MOST = {"memory": 5, "fsync": 3, "rename": 3, "write": 3}  # in the short run, of each command; and of any other call one
EVERY = 3000  # of so many calls or more, those that come by a way of their own are enough in the long run, too,
VARIANTS = {"train-rating", "train-mf-bias", "train-mf-dot", "train-paddle-demo", "export-first", "export-graph"}  # and of these
WORKERS = 2


def commands(middle, redis):
    """Each command by its arguments. Data and models stand in the folder above; `middle` is the second of three generations,
    `redis` the address of a Redis."""
    store, out, one = ["--store", "store"], ["--data", "../data", "--out", "out.mrq"], ["--threads", "1"]
    export = ["export", "--model", "../new.mrq", "--store"]
    return {
        "init": ["init", "../data", "--out", "init.json", "--force"],
        "infer": ["infer", *store, *ASK],
        "infer-feedback": ["infer", *store, "--liked", "1,3", "--disliked", "7", "--explain", "--json"],
        "infer-redis": ["infer", *store, *ASK, "--redis", redis],
        "similar": ["similar", *store, "1"],
        "predict": ["predict", "--model", "../stars.mrq", "--pairs", "pairs"],
        "info-data": ["info", "../data"],
        "info-sqlite": ["info", "sqlite:../shop.db", "--schema", "../shop.json"],
        "info-model": ["info", "../new.mrq"],
        "info-store": ["info", "store"],
        "eval": ["eval", "--data", "../data", "--model", "../new.mrq", *one],
        "train-retrieval": ["train", *out, *one],
        "train-fusion": ["train", *out, *one, "-m", "fusion", "-e", "1", "--checkpoint", "0"],
        "train-rating": ["train", *out, *one, "-m", "rating", "-e", "1"],
        "train-mf-bias": ["train", *out, *one, "-m", "mf-bias", "-e", "1"],
        "train-mf-dot": ["train", *out, *one, "-m", "mf-dot", "-e", "1"],
        "train-paddle-demo": ["train", *out, *one, "-m", "paddle-demo", "-e", "1"],
        "export": [*export, "store"],
        "export-first": [*export, "first"],
        "export-graph": [*export, "store", "--index", "HNSW32"],
        "rebuild": ["rebuild", *store, "--data", "../data", "--keep", "1", *one],
        "rollback": ["rollback", *store],
        "rollback-to": ["rollback", *store, middle],
        "prune": ["prune", *store, "--keep", "1"],
        # Threads alone: with several at work, the n-th call is another one each time.
        "threads-retrieval": ["train", *out, "--threads", "3"],
        "threads-rating": ["train", *out, "-m", "rating", "-e", "1", "--threads", "3", "--batch", "4096"],
        "threads-eval": ["eval", "--data", "../data", "--model", "../new.mrq", "--threads", "3"],
        "threads-rebuild": ["rebuild", *store, "--data", "../data", "--keep", "1", "--threads", "3"],
    }


class Place:
    """One worker's folder: a fresh store and model for each run, and the control of its faults."""

    def __init__(self, world, number):
        self.world = world
        base = os.path.join(world.work, f"worker{number}")
        self.folder = os.path.join(base, "place")
        os.mkdir(base)
        for name in ("data", "new.mrq", "stars.mrq", "shop.db", "shop.json"):
            os.symlink(os.path.join("..", name), os.path.join(base, name))
        self.control = Control(os.path.join(base, "control"), world.marquee)

    def fresh(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.mkdir(self.folder)
        copy(os.path.join(self.world.work, "store"), os.path.join(self.folder, "store"))
        os.link(os.path.join(self.world.work, "old.mrq"), os.path.join(self.folder, "out.mrq"))
        with open(os.path.join(self.folder, "pairs"), "w", encoding="utf-8") as file:
            file.write("4 3\n1 2\n")
        return tree(self.folder)

    def run(self, arguments):
        """With the fault that the control is armed with; None for one that hangs."""
        while True:
            try:
                done = run([self.world.marquee, *arguments], self.folder, env=self.control.environment())
            except subprocess.TimeoutExpired:
                return None
            if done.returncode != AGAIN:
                return done

    def state(self, store):
        """What a writing command is there to change: a model file, and what a store answers."""
        with open(os.path.join(self.folder, "out.mrq"), "rb") as file:
            return file.read(), self.world.ask(self.folder, store)


class Command:
    """A command and what it comes to without a fault."""

    def __init__(self, place, name, arguments, middle):
        self.name, self.arguments = name, arguments
        self.store = arguments[arguments.index("--store") + 1] if "--store" in arguments else "store"
        self.again = [*arguments, middle] if name == "rollback" else arguments  # a second one goes back by no second step
        before = place.fresh()
        self.before = place.state(self.store)
        place.control.arm(note=True)
        done = place.run(arguments)
        assert done and done.returncode == 0, f"{name}: {done and done.stderr}"
        self.out, self.reads = done.stdout, tree(place.folder) == before
        self.counts, self.ways = place.control.counts(), place.control.ways()
        assert self.counts, "no call was counted: the injector is not there"
        self.after = place.state(self.store)

    def jobs(self, everything):
        """Every fault to be tried, as (call, number, error). In the short run each error of a call has its turn."""
        for call, count in self.counts.items():
            if self.name.startswith("threads") != (call == "pthread_create"):
                continue
            kinds, ways = errors(call), self.ways[call]
            if not everything:
                turn = len(self.name)
                for i, number in enumerate(some(ways, MOST.get(call, 1), turn)):
                    yield call, number, kinds[(turn + i) % len(kinds)]
                continue
            numbers = range(1, count + 1) if count < EVERY and self.name not in VARIANTS else ways
            yield from ((call, number, kinds[0]) for number in numbers)
            yield from ((call, number, kind) for kind in kinds[1:] for number in (ways if call == "memory" else numbers))

    def judge_words(self, done, call, error, what):
        """Why the words of a failure are not as they should be, or None."""
        said = [line for line in done.stderr.splitlines() if not LOG.match(line)]
        file = "standard output" if what.startswith("pipe:") else re.sub(r"\.tmp-\d+$", "", os.path.basename(what))
        if done.returncode != 1:
            return f"exit code {done.returncode}"
        if len(said) != 1 or not said[0].startswith("marquee "):
            return "not one sentence"
        if call in ("memory", "pthread_create"):
            return None if "memory" in said[0] or "thread" in said[0] else "memory is not named"
        named = file in said[0] or file.startswith(".tmp-") or re.search(r"/\.\.:|the folder of \S", said[0])  # a folder, by what is in it
        return None if named or error > 0 and error & STAYS else f"the file {what} is not named"

    def judge(self, place, call, error):
        """Runs with the fault that is armed; what is wrong with what came of it, or None, and its end (None: none)."""
        before = place.fresh()
        done = place.run(self.arguments)
        if done is None:
            return "it hangs", None
        if done.returncode < 0 or "Sanitizer" in done.stderr:
            return f"it ended by signal or sanitizer, {done.returncode}", done
        wrong = None
        if done.returncode:
            wrong = self.judge_words(done, call, error, place.control.hit()[1])
        elif self.reads and timeless(done.stdout) != timeless(self.out):
            wrong = "another answer: " + [line for line in difflib.ndiff(self.out.splitlines(), done.stdout.splitlines())
                                          if line[0] != " "][0]
        same = tree(place.folder) == before
        if self.reads and not same:
            wrong = wrong or "what only reads has changed something"
        if not wrong and not self.reads and (not same or not done.returncode):
            wrong = self.judge_state(place, done)
        return wrong, done

    def judge_state(self, place, done):
        """What is wrong with what a writing command has left, or with what becomes of that when it is run once more."""
        state = place.state(self.store)
        allowed = [self.after, self.before] if done.returncode else [self.after]
        if any(part not in [whole[i] for whole in allowed] for i, part in enumerate(state)):
            return f"neither as before nor as after: {state[1]}"
        if os.path.isdir(os.path.join(place.folder, self.store)):
            info = run([place.world.marquee, "info", self.store], place.folder)
            if info.returncode not in (0, 3) or "damaged" in info.stdout:
                return "the store holds damage: " + info.stdout
        again = run([place.world.marquee, *self.again], place.folder)
        if again.returncode or place.state(self.store) != self.after:
            return f"a second run does not mend it: {again.stderr}"
        return f"left over after a second run: {leftovers(place.folder)}" if leftovers(place.folder) else None


def timeless(out):
    return re.sub(r" +\d+ (s|min) | +\d+\.\d\d\b", " TIME ", out)


def main():
    everything = "--all" in sys.argv
    chosen = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    figures, local = Figures(), threading.local()
    with contextlib.ExitStack() as done:
        work = done.enter_context(tempfile.TemporaryDirectory(prefix="marquee-faults-"))
        pool = done.enter_context(concurrent.futures.ThreadPoolExecutor(WORKERS))
        world = World(os.environ["MARQUEE"], os.environ["MRQ_SOURCE"], work)
        places = [Place(world, i) for i in range(WORKERS)]
        free = list(places)
        middle = sorted(os.listdir(os.path.join(work, "store", "generations")))[1]

        def attempt(job):
            command, (call, number, error) = job
            if not hasattr(local, "place"):
                local.place = free.pop()
            local.place.control.arm(call, number, error)
            wrong, ended = command.judge(local.place, call, error)
            return command, call, number, error, wrong, ended, local.place.control.hit()[0]

        redis = done.enter_context(Redis(work))
        table = {name: arguments for name, arguments in commands(middle, redis.address).items() if not chosen or name in chosen}
        jobs = []
        for name, arguments in table.items():
            command = Command(places[0], name, arguments, middle)
            jobs += [(command, job) for job in command.jobs(everything)]
        for command, results in itertools.groupby(pool.map(attempt, jobs), lambda result: result[0]):
            for _, call, number, error, wrong, ended, hit in results:
                figures.add(command.name, call, hit, not ended or ended.returncode)
                if wrong:
                    figures.fail(command.name)
                    print(f"FAIL {command.name}: {call} {number} {name_error(error)}: {wrong}\n{ended and ended.stderr[-2000:]}",
                          flush=True)
            figures.print(command.name, command.name)
        figures.print(f"all {len(table)} commands")
    return figures.end(*table, *([] if chosen else ORDER[:-1]))


if __name__ == "__main__":
    if not shutil.which("redis-server"):
        print("skipped: no redis-server here")
        sys.exit(77)
    sys.exit(main())
