"""Power loss at any moment. Writing commands run under strace, which records the order of their writes, syncs and renames; then
every prefix of that order is judged by what a POSIX file system may have kept of it:

- of each folder its entries as they were at the last fsync of the folder, or after any change since, each folder on its own;
- of each file what its last fsync made sure of; what was written since is there, lost, half there, or zeros.

In each of these states what can be seen by its name has to be whole: the generations, the one that `current` names, models,
checkpoints, curves, reports. A command that has ended well has to have lasted. States that differ are also laid out on disk, where
marquee must answer as the old or the new generation does, find no damage, and do the same command over.

To show that this can fail, each fsync in turn is taken out of the record, and how many are missed is told.

Usage: crash.py [--all]. Without --all, some of the states are laid out."""
import itertools
import os
import re
import shutil
import sys
import tempfile

from world import World, copy, leftovers, run

TRACED = ("openat,open,creat,close,write,pwrite64,writev,pwritev,ftruncate,truncate,fallocate,fsync,fdatasync,rename,renameat,"
          "renameat2,mkdir,mkdirat,rmdir,symlink,symlinkat,link,linkat,unlink,unlinkat,sendfile,copy_file_range")
LINE = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")


class Inode:
    def __init__(self, data):
        self.live = data  # bytes of a file, text of a link, entries of a folder
        self.versions = [data]  # since the last sync, that one's first


class Disk:
    """What is there, and what of it will last."""

    def __init__(self, before, folder):
        self.folder = folder  # where the command ran
        self.open, self.kept = {}, []
        self.root = self.load(before)

    def load(self, path):
        if os.path.islink(path):
            return Inode(os.readlink(path))
        if os.path.isdir(path):
            return Inode({name: self.load(os.path.join(path, name)) for name in sorted(os.listdir(path))})
        with open(path, "rb") as file:
            return Inode(file.read())

    def at(self, path):
        inode = self.root
        for part in os.path.relpath(os.path.join(self.folder, path), self.folder).split("/"):
            if part == "..":
                return None
            inode = inode if part == "." else inode.live.get(part) if isinstance(inode.live, dict) else None
            if inode is None:
                return None
        return inode

    def change(self, path, inode):
        """The entry of a path: another inode, or None to remove it."""
        parent, name = self.at(os.path.dirname(path) or "."), os.path.basename(path)
        entries = {key: value for key, value in parent.live.items() if key != name}
        if inode:
            entries[name] = inode
        self.set(parent, entries)

    def set(self, inode, data):
        self.kept.append(inode.live)  # its id() stays its own
        inode.live = data
        inode.versions.append(data)

    def apply(self, call, fd, texts, arguments, result):
        """One line of the record. Returns whether it has changed what may be there."""
        inode, paths = self.open.get(fd), texts
        if result < 0:
            return False
        if call == "openat":
            return self.open_file(paths[0], arguments, result)
        if call == "close":
            self.open.pop(fd, None)
            return False
        if call == "unlinkat" and inode:
            self.set(inode, {key: value for key, value in inode.live.items() if key != paths[0]})
            return True
        if call in ("fsync", "fdatasync"):
            if inode:
                inode.versions = [inode.live]
            return inode is not None
        if call == "write":
            if inode:
                self.set(inode, inode.live + texts[0][:result])
            return inode is not None
        if call == "ftruncate":
            self.set(inode, inode.live[:int(arguments.split(",")[1])])
        elif call == "rename":
            moved = self.at(paths[0])
            if os.path.dirname(paths[0]) == os.path.dirname(paths[1]):  # one change of the folder
                parent = self.at(os.path.dirname(paths[0]) or ".")
                old, new = os.path.basename(paths[0]), os.path.basename(paths[1])
                self.set(parent, {**{key: value for key, value in parent.live.items() if key != old}, new: moved})
            else:
                raise ValueError("a rename from folder to folder: this model does not know it")
        elif call in ("mkdir", "symlink"):
            self.change(paths[-1], Inode({} if call == "mkdir" else paths[0]))
        elif call in ("unlink", "rmdir"):
            self.change(paths[0], None)
        else:
            raise ValueError(f"{call}: this model does not know it")
        return True

    def open_file(self, path, arguments, fd):
        inode = self.at(path)
        changes = False
        inside = not os.path.relpath(os.path.join(self.folder, path), self.folder).startswith("..")
        if not inode and inside and "O_CREAT" in arguments:
            inode, changes = Inode(b""), True
            self.change(path, inode)
        elif inode and "O_TRUNC" in arguments:
            self.set(inode, b"")
            changes = True
        if inode:
            self.open[fd] = inode
        return changes

    def states(self):
        """Every tree that a power loss may leave now, with a key: states of one key show the same. A tree is {path: bytes, text of
        a link, or None for a folder}."""
        unsettled = []

        def find(inode):
            """Folders that can be seen, in one version or another, and have more than one."""
            if isinstance(inode.live, dict) and inode not in unsettled:
                if len(inode.versions) > 1:
                    unsettled.append(inode)
                for version in inode.versions:
                    for name, child in version.items():
                        if not temporary(name):
                            find(child)

        find(self.root)
        for choice in itertools.product(*(inode.versions for inode in unsettled)):
            chosen = {id(inode): version for inode, version in zip(unsettled, choice)}
            for lost in ("kept", "lost", "half", "zeros"):
                tree, key = {}, []
                self.lay(self.root, "", chosen, lost, tree, key)
                yield tree, tuple(key)

    def lay(self, inode, path, chosen, lost, tree, key):
        hidden = temporary(path)
        if hidden and not temporary(os.path.dirname(path)):
            key.append((os.path.basename(path), len(inode.live) if isinstance(inode.live, dict) else 0))
        if isinstance(inode.live, dict):
            if path:
                tree[path] = None
            for name, child in chosen.get(id(inode), inode.live).items():
                self.lay(child, os.path.join(path, name), chosen, lost, tree, key)
        elif isinstance(inode.live, str):
            tree[path] = inode.live
        elif lost == "kept" or hidden or len(inode.versions) == 1:
            tree[path] = inode.live
        else:
            live = inode.live
            tree[path] = inode.versions[0] if lost == "lost" else live[:len(live) // 2] if lost == "half" else bytes(len(live))
            key.append(lost)
        if not hidden:
            key.append((path, id(inode.live)))


def read_call(call, arguments, result):
    """A line of the record: the call, the descriptor it begins with, its texts (a write's as bytes), its words, its result."""
    texts = [bytes.fromhex(text.replace("\\x", "")) for text in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', arguments)]
    fd = re.match(r"(\d+)", arguments)
    words = re.sub(r'"[^"]*"', '""', arguments)
    return call, int(fd.group(1)) if fd else -1, texts if "write" in call else [text.decode() for text in texts], words, int(result)


def temporary(path):
    return any(part.startswith(".tmp-") or ".tmp-" in part or part == "lock" for part in path.split("/"))


def visible(tree):
    return {path: data for path, data in tree.items() if not temporary(path)}


class Record:
    """A command, run once: its calls, the tree before, and what it may show. `inject` makes one of its calls fail."""

    def __init__(self, world, name, arguments, inject=None):
        self.world, self.name, self.arguments = world, name, arguments
        self.store = arguments[arguments.index("--store") + 1] if "--store" in arguments else None
        self.before, self.place = (os.path.join(world.work, what + name) for what in ("before-", "place-"))
        for folder in (self.before, self.place):
            self.furnish(folder)
        log = os.path.join(world.work, name + ".trace")
        done = run(["strace", "-f", "-qq", "-xx", "-s", "100000000", "-e", "trace=" + TRACED, "-e", "signal=none", "-o", log,
                    *(["-e", "inject=" + inject] if inject else []), world.marquee, *arguments], self.place)
        self.succeeded = done.returncode == 0
        assert self.succeeded != bool(inject), f"{name}: {done.stderr}"
        with open(log, encoding="ascii") as file:
            text = file.read()
        os.unlink(log)
        assert "unfinished" not in text, "calls of several threads at once, which this cannot read"
        self.calls = [read_call(*m.groups()) for m in map(LINE.match, text.splitlines()) if m]
        self.whole = self.find_whole()

    def furnish(self, folder):
        os.mkdir(folder)
        for part in ("new.mrq", "data"):
            os.symlink(os.path.join(self.world.work, part), os.path.join(folder, part))
        if self.store == "store":
            copy(os.path.join(self.world.work, "store"), os.path.join(folder, "store"))
        elif not self.store:
            shutil.copy(os.path.join(self.world.work, "old.mrq"), os.path.join(folder, "out.mrq"))

    def find_whole(self):
        """What may stand at each visible place: what stood there before, or what was put there at once by a rename."""
        disk = Disk(self.before, self.place)
        whole = {}
        for step in [None] + self.calls:
            if step and not disk.apply(*step):
                continue
            if step and step[0] not in ("rename", "unlink"):
                continue
            tree = {}
            disk.lay(disk.root, "", {}, "kept", tree, [])
            for path, data in visible(tree).items():
                whole.setdefault(path, set()).add(data)
        self.last = visible(tree)
        return whole

    def damage(self, tree, ended):
        """Why a state is not as it should be, or None."""
        seen = visible(tree)
        for path, data in seen.items():
            if data not in self.whole.get(path, ()):
                return f"{path} is not whole"
        for path, data in seen.items():
            if os.path.dirname(path).endswith("generations") and data is None:
                full = {part for part in self.whole if os.path.dirname(part) == path}
                if full != {part for part in seen if os.path.dirname(part) == path}:
                    return f"{path} is not complete"
            if isinstance(data, str) and os.path.basename(path) == "current" and \
                    os.path.join(os.path.dirname(path), data) not in seen:
                return f"{path} leads nowhere"
        for path in self.must_stay:
            if path not in seen:
                return f"{path} is gone"
        if ended and self.succeeded:
            seen.pop("out.checkpoint", None)  # may come back: --resume goes on from it, to the same bytes
            gone = [path for path in {**seen, **self.last} if seen.get(path, 0) != self.last.get(path, 0)]
            return f"what was done has not lasted: {gone[0]}" if gone else None
        return None

    @property
    def must_stay(self):
        return [path for path in ("store/current", "out.mrq") if os.path.lexists(os.path.join(self.before, path))]

    def states(self, calls=None):
        """Each state once: (how many calls, the tree, whether the command had ended)."""
        calls = self.calls if calls is None else calls
        disk = Disk(self.before, self.place)
        seen = set()
        for i, step in enumerate([None] + calls):
            ended = i == len(calls)
            if step and not disk.apply(*step) and not ended:
                continue
            for tree, key in disk.states():
                if (ended, key) not in seen:
                    seen.add((ended, key))
                    yield i, tree, ended

    def first_damage(self, calls=None):
        for i, tree, ended in self.states(calls):
            problem = self.damage(tree, ended)
            if problem:
                return i, problem
        return None

    def lay_out(self, tree, folder):
        """A state on disk."""
        os.mkdir(folder)
        for path, data in tree.items():  # folders come before what is in them
            full = os.path.join(folder, path)
            if data is None:
                os.mkdir(full)
            elif isinstance(data, str):
                os.symlink(data, full)
            else:
                with open(full, "wb") as file:
                    file.write(data)

    def try_state(self, tree, answers):
        """What marquee makes of a state; why that is not as it should be, or None."""
        folder = os.path.join(self.world.work, "state")
        shutil.rmtree(folder, ignore_errors=True)
        self.lay_out(tree, folder)
        if not self.store:
            info = run([self.world.marquee, "info", "out.mrq"], folder)
            again = run([self.world.marquee, *self.arguments, *(["--resume"] if "fusion" in self.arguments else [])], folder)
            if info.returncode or again.returncode or leftovers(folder):
                return f"{info.stderr} {again.stderr} {leftovers(folder)}"
            return None
        if self.store + "/current" in tree:
            answer = self.world.ask(folder, self.store)
            if answer not in answers:
                return f"neither the old answer nor the new: {answer}"
            info = run([self.world.marquee, "info", self.store], folder)
            if info.returncode or "damaged" in info.stdout:
                return "damage: " + info.stdout + info.stderr
        again = run([self.world.marquee, *self.arguments], folder)
        if again.returncode or leftovers(folder):
            return f"not done over: {again.stderr} {leftovers(folder)}"
        return None if self.world.ask(folder, self.store) == answers[-1] else "done over, with another answer"


def commands(middle):
    """Each by its arguments, and with the call of it that fails; `middle` is the second of three generations."""
    one = ["--threads", "1"]
    export = ["export", "--model", "new.mrq", "--index", "Flat", "--store"]
    train = ["train", "--data", "data", "--out", "out.mrq", *one]
    return {
        "export": ([*export, "store"], None),
        "export-first": ([*export, "first"], None),
        "export-fails": ([*export, "store"], "symlink:error=ENOSPC"),
        "rebuild": (["rebuild", "--store", "store", "--data", "data", "--keep", "1", *one], None),
        "rollback": (["rollback", "--store", "store", middle], None),
        "prune": (["prune", "--store", "store", "--keep", "1"], None),
        "train": (train, None),
        "train-stars": ([*train, "-m", "fusion", "-e", "2", "--checkpoint", "0"], None),
    }


def without_syncs(record):
    """Takes out each fsync in turn. Returns what is damaged then, by the fsync's place in the record."""
    syncs = [i for i, call in enumerate(record.calls) if call[0] == "fsync" and call[-1] == 0]
    return {i: record.first_damage(record.calls[:i] + record.calls[i + 1:]) for i in syncs}


def main():
    most = sys.maxsize if "--all" in sys.argv else 8
    failures = states_judged = states_tried = syncs = needed = 0
    with tempfile.TemporaryDirectory(prefix="marquee-crash-") as work:
        world = World(os.environ["MARQUEE"], os.environ["MRQ_SOURCE"], work)
        table = commands(sorted(os.listdir(os.path.join(work, "store", "generations")))[1])
        for name, (arguments, inject) in table.items():
            record = Record(world, name, arguments, inject)
            found = list(record.states())
            problems = [f"after {i} of {len(record.calls)} calls: {problem}" for i, tree, ended in found
                        if (problem := record.damage(tree, ended))]
            answers = [world.ask(folder, record.store) for folder in (record.before, record.place)] if record.store else []
            if inject:
                answers[1] = world.answers["new"]
            chosen = found[::-(-len(found) // most)]
            problems += [f"after {i} of {len(record.calls)} calls, laid out: {problem}" for i, tree, ended in chosen
                         if (problem := record.try_state(tree, answers))]
            missed = without_syncs(record)
            caught = sum(damage is not None for damage in missed.values())
            if not caught:
                problems.append("no fsync taken out of the record is missed: this test cannot fail")
            for problem in problems[:10]:
                print(f"FAIL {name}: {problem}")
            failures += len(problems)
            states_judged, states_tried = states_judged + len(found), states_tried + len(chosen)
            syncs, needed = syncs + len(missed), needed + caught
            print(f"{name}: {len(record.calls)} calls, {len(found)} states, {len(chosen)} laid out; "
                  f"{caught} of {len(missed)} fsyncs are missed when they are taken out", flush=True)
    print(f"power loss: {len(table)} commands, {states_judged} states judged, {states_tried} laid out and repaired, "
          f"{needed} of {syncs} fsyncs missed when taken out, {failures} failures")
    return failures != 0


if __name__ == "__main__":
    if not shutil.which("strace"):
        print("skipped: no strace")
        sys.exit(77)
    sys.exit(main())
