#!/usr/bin/env python3
"""The flow that Marquee is a mirror of: PaddlePaddle's fusion recommender, served in Python with Milvus.

    milvus_flow.py exact   --store DIR --queries FILE                  the exact answers and their scores, as JSON
    milvus_flow.py load    --store DIR --milvus HOST:PORT              the movies into a collection of its own
    milvus_flow.py measure --store DIR --milvus HOST:PORT --queries FILE --exact FILE
    milvus_flow.py ask     --store DIR --milvus HOST:PORT QUERY        one, from the start of the process to the titles

The store is one of the model "fusion". A query goes through the user tower's layers in NumPy as the network has them: embeddings,
a layer each, the joint layer with tanh, length 1. Milvus is asked for the vectors of the largest inner product through pymilvus,
and titles, genres and years are looked up in a dictionary by id. The movies' vectors are those of the store, so that the same is
searched on all sides. A collection has what Marquee's upload has: id, vector, title, genres, year.

`measure` prints a line of JSON a case: queries one after another, by several threads, and all as one search."""
import argparse
import concurrent.futures
import json
import os
import sys
import time
import urllib.parse
import warnings

import numpy as np

from container import Container, Feature

BRANCHES = ("id", "gender", "age", "job")
SEARCH = {"AUTOINDEX": {}, "FLAT": {}, "IVF_FLAT": {"nprobe": 16}, "HNSW": {"ef": 64}}
BUILD = {"AUTOINDEX": {}, "FLAT": {}, "IVF_FLAT": {"nlist": 128}, "HNSW": {"M": 16, "efConstruction": 200}}


class Tower:
    """The user tower of a fusion model: (queries) -> (queries, 200), each of length 1."""

    def __init__(self, path):
        model = Container(path)
        description = json.loads(model.array("description", "u1").tobytes())
        branches = description["towers"]["user"]
        if tuple(branch["feature"] for branch in branches) != BRANCHES or description["score"]["kind"] != "cosine":
            sys.exit("milvus_flow.py: %s: want the model \"fusion\"" % path)
        self.scale, self.shift = description["score"]["scale"], description["score"].get("shift", 0)
        joint = description["joint"]["size"]
        tensors = (model.array("tensor.%d" % i, "<f4") for i in range(14))
        self.branch = []
        for branch in branches:
            embedding, weight, bias = (next(tensors) for _ in range(3))
            self.branch.append((embedding.reshape(-1, branch["embedding"]), weight.reshape(-1, branch["fc"]), bias))
        self.weight, self.bias = next(tensors).reshape(-1, joint), next(tensors)
        column = model.columns("users")
        self.feature = [Feature(model, column[name]) for name in BRANCHES[1:]]
        row = model.array("user_row", "<u4")
        self.row_of = {int(id): int(row[i]) for i, id in enumerate(model.array("users.id", "<i8"))}

    def codes(self, query):
        return [self.row_of.get(int(query.get("user", 0)), 0), *(f.code(query[n]) for f, n in zip(self.feature, BRANCHES[1:]))]

    def vectors(self, queries):
        codes = np.array([self.codes(query) for query in queries])
        joined = [embedding[codes[:, b]] @ weight + bias for b, (embedding, weight, bias) in enumerate(self.branch)]
        vectors = np.tanh(np.concatenate(joined, axis=1) @ self.weight + self.bias)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Movies:
    def __init__(self, folder):
        movies = Container(os.path.join(folder, "catalogue.mrq"))
        column = movies.columns("movies")
        self.ids, self.titles = movies.array("movies.id", "<i8"), movies.strings(column["title"] + ".text")
        years = movies.array(column["year"] + ".number", "<f8")
        self.years = [None if np.isnan(year) else int(year) for year in years]
        at, item = movies.lists(column["genres"])
        names = movies.strings(column["genres"] + ".dict")
        self.genres = [[names[i] for i in item[int(at[row]):int(at[row + 1])]] for row in range(len(self.titles))]
        self.of = {int(id): (self.titles[row], self.genres[row], self.years[row]) for row, id in enumerate(self.ids)}

    def told(self, hits, scale, shift):
        answer = []
        for rank, hit in enumerate(hits):
            title, genres, year = self.of[hit.id]
            answer.append({"rank": rank + 1, "id": hit.id, "title": title, "year": year, "genres": genres,
                           "score": scale * hit.distance + shift})
        return answer


class Flow:
    def __init__(self, args):
        folder = os.path.realpath(os.path.join(args.store, "current"))
        self.args, self.tower, self.movies = args, Tower(os.path.join(folder, "model.mrq")), Movies(folder)
        self.folder, self.collection = folder, None

    def exact_vectors(self):
        vectors = Container(os.path.join(self.folder, "vectors.mrq")).array("vectors", "<f4")
        return vectors.reshape(len(self.movies.ids), -1)

    def connect(self):
        warnings.simplefilter("ignore")  # of its own use of setuptools
        import pymilvus
        host, _, port = self.args.milvus.rpartition(":")
        pymilvus.connections.connect(host=host, port=port)
        self.collection = None
        if pymilvus.utility.has_collection(self.args.collection):
            self.collection = pymilvus.Collection(self.args.collection)
        return pymilvus

    def search(self, vectors):
        found = self.collection.search(list(vectors), "vector", {"metric_type": "IP", "params": SEARCH[self.args.index]},
                                       limit=max(self.args.k, self.args.candidates))
        return [self.movies.told(hits[:self.args.k], self.tower.scale, self.tower.shift) for hits in found]

    def answer(self, query):
        return self.search(self.tower.vectors([query]))[0]


def read_queries(path):
    with open(path, encoding="ascii") as file:
        return [dict(urllib.parse.parse_qsl(line.strip().partition("?")[2])) for line in file]


def exact(flow):
    vectors = flow.exact_vectors().astype("f8")
    users = flow.tower.vectors(read_queries(flow.args.queries)).astype("f8")
    answers = []
    for user in users:
        scores = vectors @ user
        best = np.argsort(-scores, kind="stable")[:flow.args.k]
        answers.append([[int(flow.movies.ids[row]), flow.tower.scale * float(scores[row]) + flow.tower.shift] for row in best])
    print(json.dumps(answers))


def load(flow):
    pymilvus = flow.connect()
    start = time.perf_counter()
    if flow.collection:
        flow.collection.drop()
    vectors, movies = flow.exact_vectors(), flow.movies
    kinds = pymilvus.DataType
    fields = [pymilvus.FieldSchema("id", kinds.INT64, is_primary=True),
              pymilvus.FieldSchema("vector", kinds.FLOAT_VECTOR, dim=vectors.shape[1])]
    collection = pymilvus.Collection(flow.args.collection, pymilvus.CollectionSchema(fields, enable_dynamic_field=True))
    rows = [{"id": int(id), "vector": vector.tolist(), "title": title, "genres": genres, "year": year or 0}
            for id, vector, title, genres, year in zip(movies.ids, vectors, movies.titles, movies.genres, movies.years)]
    for at in range(0, len(rows), 1000):
        collection.insert(rows[at:at + 1000])
    collection.flush()
    collection.create_index("vector", {"metric_type": "IP", "index_type": flow.args.index, "params": BUILD[flow.args.index]})
    pymilvus.utility.wait_for_index_building_complete(flow.args.collection)
    collection.load()
    print(json.dumps({"case": "load", "movies": len(vectors), "seconds": time.perf_counter() - start}))


def recall_of(answers, exact_answers):
    right = sum(len({m["id"] for m in answer} & {id for id, _ in best}) for answer, best in zip(answers, exact_answers))
    return right / sum(len(best) for best in exact_answers)


def agrees(answers, exact_answers):
    """The largest difference of a movie's score from the exact one."""
    return max((abs(m["score"] - score) for answer, best in zip(answers, exact_answers) for m in answer
                for id, score in best if id == m["id"]), default=0)


def one_by_one(flow, queries, threads):
    """Answers in the queries' order, seconds each, and seconds in all."""
    def ask(query):
        start = time.perf_counter()
        answer = flow.answer(query)
        return answer, time.perf_counter() - start

    start = time.perf_counter()
    if threads == 1:
        done = [ask(query) for query in queries]
    else:
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            done = list(pool.map(ask, queries))
    return [answer for answer, _ in done], np.array([seconds for _, seconds in done]), time.perf_counter() - start


def measure(flow):
    flow.connect()
    queries = read_queries(flow.args.queries)
    with open(flow.args.exact, encoding="ascii") as file:
        best = json.load(file)
    for query in queries[:20]:  # warm
        flow.answer(query)
    start = time.perf_counter()
    for query in queries:
        flow.tower.vectors([query])
    tower = (time.perf_counter() - start) / len(queries)
    for threads in flow.args.threads:
        answers, each, seconds = one_by_one(flow, queries, threads)
        p50, p95, p99 = np.quantile(each, (0.5, 0.95, 0.99)).tolist()
        print(json.dumps({"case": "resident", "connections": threads, "queries": len(queries), "seconds": seconds, "p50": p50,
                          "p95": p95, "p99": p99, "rate": len(queries) / seconds, "tower": tower,
                          "recall": recall_of(answers, best), "off": agrees(answers, best)}), flush=True)
    flow.search(flow.tower.vectors(queries))
    start = time.perf_counter()
    answers = flow.search(flow.tower.vectors(queries))
    seconds = time.perf_counter() - start
    print(json.dumps({"case": "batch", "queries": len(queries), "seconds": seconds, "rate": len(queries) / seconds,
                      "recall": recall_of(answers, best), "off": agrees(answers, best)}))


def ask_once(flow):
    flow.connect()
    print(json.dumps(flow.answer(dict(urllib.parse.parse_qsl(flow.args.query)))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=("exact", "load", "measure", "ask"))
    parser.add_argument("query", nargs="?", help="to ask: user=4&age=25&gender=F&job=12, of which the user may be missing")
    parser.add_argument("--store", required=True)
    parser.add_argument("--milvus", default=os.environ.get("MILVUS"), metavar="HOST:PORT", help="default: $MILVUS")
    parser.add_argument("--collection", default="fusion_python", help="default: %(default)s; `load` replaces it")
    parser.add_argument("--index", default="AUTOINDEX", choices=sorted(BUILD), help="default: %(default)s, which Marquee's has too")
    parser.add_argument("--queries", help="a path and query a line")
    parser.add_argument("--exact", help="what `exact` printed for them")
    parser.add_argument("--threads", default="1,4", help="that ask at the same time, case by case (default: %(default)s)")
    parser.add_argument("--candidates", type=int, default=0,
                        help="to ask for, if more than -k: the more, the more of the best are found")
    parser.add_argument("-k", type=int, default=10, help="default: %(default)s")
    args = parser.parse_intermixed_args()
    args.threads = [int(n) for n in args.threads.split(",")]
    {"exact": exact, "load": load, "measure": measure, "ask": ask_once}[args.mode](Flow(args))


if __name__ == "__main__":
    main()
