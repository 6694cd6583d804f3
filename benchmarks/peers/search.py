#!/usr/bin/env python3
"""Searches the vectors that `bench_index --dump DIR` has written with a library from PyPI, on one thread.

    search.py faiss|hnswlib|usearch DIR CASE

Prints a line of JSON a setting. `typical` is the time a query of calls with 100 queries, the middle of such calls: Python has next
to no part in it, so it is what to compare with. `call` is the time of a call with one query, and so are p50, p95 and p99. FAISS's
Flat would make a matrix product of 100 queries, which no single one can have: there `typical` is `call`.

Graphs have 32 links a row, 64 on the lowest level, and each library's own efConstruction: FAISS 40, hnswlib 200, usearch 128; so
that a slow build is not the reason, FAISS's is also tried with 200. They are built with all threads and kept in DIR."""
import json
import os
import sys
import time

import numpy as np

PARAMETERS = (10, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 256)


class Faiss:
    def __init__(self, n, dim, kind, construction):
        import faiss
        self.faiss, self.version, self.k = faiss, faiss.__version__, None
        self.kind = kind + (" efConstruction=%d" % construction if construction else "")
        self.make = lambda: faiss.index_factory(dim, kind, faiss.METRIC_INNER_PRODUCT)
        self.construction = construction

    def build(self, vectors):
        self.index = self.make()
        if self.construction:
            self.index.hnsw.efConstruction = self.construction
        self.index.add(vectors)

    def save(self, path):
        self.faiss.write_index(self.index, path)

    def load(self, path):
        self.index = self.faiss.read_index(path)

    def one_thread(self, parameter):
        self.faiss.omp_set_num_threads(1)
        if parameter:
            self.index.hnsw.efSearch = parameter

    def search(self, queries, k):
        return self.index.search(queries, k)[1]


class Hnswlib:
    kind = "M=32 efConstruction=200"

    def __init__(self, n, dim):
        import hnswlib
        import importlib.metadata
        self.n, self.version = n, importlib.metadata.version("hnswlib")
        self.index = hnswlib.Index("ip", dim)

    def build(self, vectors):
        self.index.init_index(self.n, M=32, ef_construction=200)
        self.index.add_items(vectors)

    def save(self, path):
        self.index.save_index(path)

    def load(self, path):
        self.index.load_index(path)

    def one_thread(self, parameter):
        self.index.set_ef(parameter)
        self.index.set_num_threads(1)

    def search(self, queries, k):
        return self.index.knn_query(queries, k, num_threads=1)[0]


class Usearch:
    kind = "connectivity=32 f32"

    def __init__(self, n, dim):
        import usearch
        from usearch.index import Index
        self.n, self.version = n, usearch.__version__
        self.index = Index(ndim=dim, metric="ip", dtype="f32", connectivity=32)

    def build(self, vectors):
        self.index.add(np.arange(self.n, dtype=np.uint64), vectors)

    def save(self, path):
        self.index.save(path)

    def load(self, path):
        self.index.load(path)

    def one_thread(self, parameter):
        self.index.expansion_search = parameter

    def search(self, queries, k):
        return self.index.search(queries, k, threads=1).keys.reshape(len(queries), k)


def sides(peer, n, dim):
    if peer == "faiss":
        return [Faiss(n, dim, "Flat", 0), Faiss(n, dim, "HNSW32", 40), Faiss(n, dim, "HNSW32", 200)]
    return [{"hnswlib": Hnswlib, "usearch": Usearch}[peer](n, dim)]


def timed(function):
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def measure(side, queries, answers, many):
    """As benchmarks/measure.c does: a warm-up, three passes of a second at the most, and the same middles."""
    k = answers.shape[1]
    warm = [timed(lambda q=q: side.search(queries[q:q + 1], k))[0] for q in range(min(20, len(queries)))]
    count = int(min(len(queries), max(50, 1 / np.median(warm))))
    size = min(count, 100)
    queries, answers = queries[:count], answers[:count]
    same = sum(len(np.intersect1d(a, b)) for a, b in zip(side.search(queries, k), answers))
    calls = np.array([[timed(lambda q=q: side.search(queries[q:q + 1], k))[0] for q in range(count)] for _ in range(3)])
    call = typical = float(np.median([calls[:, i:i + size].mean(1) for i in range(0, count - size + 1, size)]))
    if many:
        typical = float(np.median([timed(lambda i=i: side.search(queries[i:i + size], k))[0] / size
                                   for _ in range(3) for i in range(0, count - size + 1, size)]))
    calls.sort()
    at = [float(np.median(calls[:, count * share // 100])) for share in (50, 95, 99)]
    return {"queries": count, "recall": same / answers.size, "typical": typical, "call": call,
            "p50": at[0], "p95": at[1], "p99": at[2]}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("faiss", "hnswlib", "usearch"):
        sys.exit(__doc__)
    peer, folder, case = sys.argv[1:]
    base = os.path.join(folder, case)
    with open(base + ".json") as file:
        head = json.load(file)
    vectors = np.fromfile(base + ".vectors.f32", "<f4").reshape(head["n"], head["dim"])
    queries = np.fromfile(base + ".queries.f32", "<f4").reshape(head["n_queries"], head["dim"])
    answers = np.fromfile(base + ".answers.u32", "<u4").reshape(head["n_queries"], head["k"])
    for side in sides(peer, head["n"], head["dim"]):
        path = "%s.%s-pypi-%s" % (base, peer, side.kind.replace(" ", "-"))
        seconds = None
        if os.path.exists(path):
            side.load(path)
        else:
            seconds, _ = timed(lambda: side.build(vectors))
            side.save(path)
        flat = side.kind == "Flat"
        for parameter in (0,) if flat else PARAMETERS:
            side.one_thread(parameter)
            line = measure(side, queries, answers, not flat)
            print(json.dumps({"peer": peer + "-pypi", "version": side.version, "case": case, "kind": side.kind, "parameter": parameter,
                              **line, "build_seconds": seconds}), flush=True)
            if line["recall"] >= 0.999:  # more parameter cannot find much more
                break
    return 0


if __name__ == "__main__":
    sys.exit(main())
