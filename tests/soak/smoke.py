"""That tools/soak works, and that it can fail: smoke.py BUILD. Right answers are changed in every way that there is, and each must
be found; so must a server that grows. Then the tool itself runs for some seconds, and once with answers that are changed."""
import copy
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.append(SOURCE + "/benchmarks")
import exact  # noqa: E402
import load  # noqa: E402
import queries  # noqa: E402
import watch  # noqa: E402
from serving import Server, ask, run  # noqa: E402

BUILD = sys.argv[1]
MARQUEE = BUILD + "/tools/marquee"


def is_wrong(generation, question, status, document):
    try:
        generation.judge(question, status, document)
        return False
    except exact.Wrong:
        return True


def mutations(document):
    """(name, a document with something changed) for each thing that can be."""
    def changed(name, change, *path):
        one = copy.deepcopy(document)
        at = one
        for key in path[:-1]:
            at = at[key]
        if path[-1] not in (at if isinstance(at, dict) else range(len(at))):
            return []
        at[path[-1]] = change(at[path[-1]])
        return [(name, one)] if one != document else []

    results = document.get("results", [])
    scored = bool(results) and "score" in results[0]
    last = len(results) - 1
    yield from changed("generation", lambda x: x + "x", "generation")
    yield from changed("model", lambda x: x + "x", "model")
    for key in ("query", "user", "item"):
        if key in document:
            yield from changed(key, lambda x: {**x, "x": 1}, key)
    if "items" in document:
        yield from changed("items", lambda x: x + 1, "items")
    if not results:
        return
    yield from changed("one less", lambda x: x[:-1], "results")
    yield from changed("one more", lambda x: x + [{**x[-1], "rank": len(x) + 1}], "results")
    yield from changed("another item", lambda x: x + "7", "results", last, "id")
    yield from changed("title", lambda x: x + ".", "results", last, "title")
    yield from changed("year", lambda x: (x or 0) + 1, "results", 0, "year")
    yield from changed("genres", lambda x: x[1:], "results", 0, "genres")
    yield from changed("ratings", lambda x: x + 1, "results", last, "ratings")
    yield from changed("rank", lambda x: x + 1, "results", last, "rank")
    yield from changed("score", lambda x: x + 4e-6, "results", last, "score")
    if scored and last and results[0]["score"] - results[-1]["score"] > 1e-5:
        swapped = [{**results[-1], "rank": 1}, *results[1:-1], {**results[0], "rank": last + 1}]
        yield from changed("order", lambda x: swapped, "results")
        yield from changed("a better one missing", lambda x: [{**r, "rank": i} for i, r in enumerate(x[1:] + x[1:2], 1)], "results")
    if "explanation" in results[0]:
        at = ("results", 0, "explanation")
        yield from changed("base", lambda x: x + 1e-6, *at, "base")
        yield from changed("part", lambda x: x + 1e-6, *at, "parts", 0, "score")
        yield from changed("input", lambda x: x + "x", *at, "parts", 0, "input")
        yield from changed("parts", lambda x: x[1:], *at, "parts")
        yield from changed("rest", lambda x: x + 1e-6, *at, "rest")


def check_judge(work):
    """Every answer is right, and none is when it was changed."""
    store, seen = work + "/store", {}
    run([MARQUEE, "rebuild", "--data", SOURCE + "/data/sample", "--store", store])
    name = os.path.basename(os.readlink(store + "/current"))
    generation = exact.Generation(BUILD + "/tests/exact", store + "/generations/" + name, name)
    with Server(work, [MARQUEE, "serve", "--store", store, "--listen", "127.0.0.1:PORT"]) as server:
        for question in queries.draw_questions(queries.World(generation), random.Random(1), 400):
            status, body = ask(server.port, queries.path_of(question))
            document = json.loads(body)
            generation.judge(question, status, document)
            assert is_wrong(generation, question, 200 if status == 404 else 404, document), question
            for name, other in mutations(document) if status == 200 else []:
                assert is_wrong(generation, question, 200, other), (name, question, document)
                seen[name] = seen.get(name, 0) + 1
    generation.close()
    assert len(seen) == 22, seen
    print("%d answers changed in %d ways, and found" % (sum(seen.values()), len(seen)))


def check_history(work):
    with open(work + "/history", "w", encoding="ascii") as file:
        file.write("10 a\n20 b\n30 a\n")
    history = load.History(work + "/history")
    for began, ended, want in ((1, 2, ""), (12, 13, "a"), (19.7, 19.8, "ab"), (21, 22, "ab"), (26, 27, "b"), (29.9, 30, "ab"),
                               (40, 41, "a")):
        assert history.served(began, ended) == set(want), (began, history.served(began, ended))


def check_flatness():
    """A life is flat; and is not, when anything grows."""
    class Sample:
        def __init__(self, age, **more):
            self.age, self.files, self.sockets, self.threads, self.generations = age, 9, 8 + age % 5, 3, 1
            self.memory = self.beyond = 6e6 + 3e6 * (age % 7) + (4e6 if age % 60 < 2 else 0)
            for key, value in more.items():
                setattr(self, key, getattr(self, key) + value)

    def problems(**growth):
        life = watch.Life(heaps=1)
        life.samples = [Sample(age, **{key: rate(age) for key, rate in growth.items()}) for age in range(600)]
        return life.problems(70)

    assert not problems(), problems()
    assert not problems(threads=lambda age: age % 7 == 0), "a batch is no leak"
    for name, rate in (("beyond", lambda age: 6000 * age), ("memory", lambda age: 1e8 * (age == 3)),
                       ("files", lambda age: age // 100), ("sockets", lambda age: 200 * (age == 300)),
                       ("threads", lambda age: age // 300), ("threads", lambda age: 3 * (age == 9))):
        assert problems(**{name: rate}), name


def check_log(work):
    path = work + "/log"
    with open(path, "w", encoding="ascii") as file:
        file.write("2026-01-31T02:00:00Z INFO serve start\n2026-01-31T02:00:00Z WARN serve redis=down problem=\"x\"\n"
                   "2026-01-31T02:00:00Z WARN serve other\nfree(): invalid pointer\n2026-01-31T02:00:00Z ERR")
    log = watch.Log(path, ["^serve redis=down"])
    assert log.findings() == ["2026-01-31T02:00:00Z WARN serve other", "free(): invalid pointer"]


def soak(want, *more):
    done = subprocess.run([SOURCE + "/tools/soak", "--build", BUILD, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    assert done.returncode == want, (done.returncode, done.stdout, done.stderr)
    return done


def check_tool():
    line = soak(0, "--minutes", "0.15").stdout
    assert line.count("\n") == 1 and " 0 wrong " in line and line.endswith("findings 0\n"), line
    print(line, end="")
    done = soak(1, "--minutes", "2", "--lie")
    assert "a wrong answer: " in done.stderr and "question: {" in done.stderr and "exact: {" in done.stderr, done.stderr
    folder = done.stderr.rsplit(" are in ", 1)[1].strip()
    assert [name for name in os.listdir(folder) if name.startswith("generation-")], os.listdir(folder)
    shutil.rmtree(folder)
    assert "--minutes" in soak(2, "--minutes", "0").stderr
    assert "has no users.dat" in soak(2, "--minutes", "1", "--data", HERE).stderr


def main():
    if not shutil.which("redis-server"):
        print("skipped: no redis-server here")
        return 77
    with tempfile.TemporaryDirectory(prefix="marquee-smoke-") as work:
        check_judge(work)
        check_history(work)
        check_log(work)
    check_flatness()
    check_tool()
    return 0


if __name__ == "__main__":
    sys.exit(main())
