"""A small world for the tests of this folder: data cut from the sample, models, a store of three generations, what they answer."""
import json
import os
import re
import shutil
import sqlite3
import subprocess

ASK = ["-a", "25", "-g", "F", "-j", "12"]
TEMPORARY = re.compile(r"\.tmp-|^lock$")


def run(arguments, cwd, **more):
    return subprocess.run(arguments, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, **more)


def tree(folder):
    """What lies in a folder: every path with its type, size, inode and time. Two that are equal hold the same."""
    found = {}
    for path, folders, files in os.walk(folder):
        for name in folders + files:
            full = os.path.join(path, name)
            st = os.lstat(full)
            found[os.path.relpath(full, folder)] = (os.readlink(full) if os.path.islink(full) else
                                                    "folder" if os.path.isdir(full) else (st.st_size, st.st_ino, st.st_mtime_ns))
    return found


def leftovers(folder):
    return [path for path in tree(folder) if TEMPORARY.search(os.path.basename(path))]


def copy(source, target):
    """A copy whose files are the same ones: nobody writes into a file that is there."""
    shutil.copytree(source, target, symlinks=True, copy_function=os.link)


class World:
    """In the folder `work`: data/, shop.db and its schema shop.json, the models old.mrq, new.mrq and stars.mrq, and store/ with generations of old, new and old."""

    def __init__(self, marquee, source, work):
        self.marquee, self.work = marquee, work
        self.cut(os.path.join(source, "data", "sample"), 60, 60)
        for name, options in (("old", ["--test", "0.3"]), ("new", []), ("stars", ["-m", "fusion", "-e", "1"])):
            self.do("train", "--data", "data", "--out", name + ".mrq", "--threads", "2", *options)
        for name in ("old", "new", "old"):
            self.do("export", "--model", name + ".mrq", "--store", "store")
        self.answers = {"old": self.ask(work)}
        copy(os.path.join(work, "store"), os.path.join(work, "made"))
        self.do("export", "--model", "new.mrq", "--store", "made")
        self.answers["new"] = self.ask(work, "made")
        assert self.answers["old"] != self.answers["new"], self.answers

    def cut(self, sample, users, movies):
        def lines(name):
            with open(os.path.join(sample, name), encoding="latin-1") as file:
                return file.read().splitlines()

        people, films = lines("users.dat")[:users], lines("movies.dat")[:movies]
        known = {line.split("::")[0] for line in people}, {line.split("::")[0] for line in films}
        ratings = [line for line in lines("ratings.dat") if line.split("::")[0] in known[0] and line.split("::")[1] in known[1]]
        os.mkdir(os.path.join(self.work, "data"))
        for name, rows in (("users", people), ("movies", films), ("ratings", ratings)):
            with open(os.path.join(self.work, "data", name + ".dat"), "w", encoding="latin-1") as file:
                file.write("\n".join(rows) + "\n")
        with sqlite3.connect(os.path.join(self.work, "shop.db")) as shop:
            shop.execute("CREATE TABLE log(who, what, stars)")
            shop.executemany("INSERT INTO log VALUES (?, ?, ?)", [row.split("::")[:3] for row in ratings])
        with open(os.path.join(self.work, "shop.json"), "w", encoding="utf-8") as file:
            json.dump({"name": "shop", "events": {"query": "SELECT who AS user, what AS item, stars FROM log", "fields": [
                {"name": "user", "kind": "id"}, {"name": "item", "kind": "id"},
                {"name": "rating", "kind": "rating", "column": "stars"}]}}, file)

    def do(self, *arguments, cwd=None):
        done = run([self.marquee, *arguments], cwd or self.work)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done

    def ask(self, cwd, store="store"):
        """The answer without the generation's name; or the exit code when there is none."""
        done = run([self.marquee, "infer", "--store", store, "--json", *ASK], cwd)
        if done.returncode:
            return f"exit code {done.returncode}"
        return [(movie["id"], movie["score"]) for movie in json.loads(done.stdout)["results"]]
