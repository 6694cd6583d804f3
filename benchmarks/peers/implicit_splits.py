"""`implicit` (PyPI) and marquee on published splits of likes, in one run: `implicit_splits.py MARQUEE SPLIT...`, a split being a folder
with train.txt and test.txt, or train_string_ids.tsv and test_string_ids.tsv. Each side trains in a process of its own with two
threads: ALS with 128 factors and 15 passes, BPR with 128 factors and 100 passes, item-item neighbours by cosine and by BM25 with 100
neighbours, their other settings as they come. Prints recall and NDCG of the first 20 (hits / items to find; the ideal has min(20,
items to find) hits; items of the training part are left out), seconds to train, and the peak of memory in MB."""
import json
import os
import subprocess
import sys
import time

K = 20
THREADS = 2


def read(path):
    """(user, item) pairs, as texts: lines `user item item ...`, or pairs."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            user, *items = line.split()
            for item in items:
                yield user, item


def files(folder):
    names = ("train.txt", "test.txt") if os.path.exists(os.path.join(folder, "train.txt")) else \
        ("train_string_ids.tsv", "test_string_ids.tsv")
    return [os.path.join(folder, name) for name in names]


def load(folder):
    import numpy as np
    import scipy.sparse as sp
    parts = [list(read(path)) for path in files(folder)]
    users, items = ({name: i for i, name in enumerate(sorted({pair[side] for part in parts for pair in part}))} for side in (0, 1))
    shape = len(users), len(items)

    def matrix(pairs):
        rows, columns = np.array([(users[u], items[i]) for u, i in pairs]).T
        out = sp.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
        out.data[:] = 1  # a pair that is there twice is one like
        return out
    return matrix(parts[0]), matrix(parts[1])


def measure(model, train, test):
    import numpy as np
    discount = 1 / np.log2(np.arange(2, K + 2))
    asked = np.flatnonzero(np.diff(test.indptr))
    recall = ndcg = 0
    for first in range(0, len(asked), 1000):
        users = asked[first:first + 1000]
        top, _ = model.recommend(users, train[users], N=K, filter_already_liked_items=True)
        for user, found in zip(users, top):
            wanted = test.indices[test.indptr[user]:test.indptr[user + 1]]
            hits = np.isin(found, wanted)
            recall += hits.sum() / len(wanted)
            ndcg += hits @ discount[:len(hits)] / discount[:min(K, len(wanted))].sum()
    return recall / len(asked), ndcg / len(asked)


def train_one(name, folder):
    """In a process of its own: prints recall, NDCG and the seconds of the training."""
    import implicit
    train, test = load(folder)
    model = {"ALS": lambda: implicit.als.AlternatingLeastSquares(factors=128, iterations=15, num_threads=THREADS, random_state=1),
             "BPR": lambda: implicit.bpr.BayesianPersonalizedRanking(factors=128, num_threads=THREADS, random_state=1),
             "cosine": lambda: implicit.nearest_neighbours.CosineRecommender(K=100, num_threads=THREADS),
             "BM25": lambda: implicit.nearest_neighbours.BM25Recommender(K=100, num_threads=THREADS)}[name]()
    start = time.monotonic()
    model.fit(train, show_progress=False)
    seconds = time.monotonic() - start
    print(json.dumps([*measure(model, train, test), seconds]))


def run(command):
    """Standard output and the peak of memory, in MB."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}) as process:
        text = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return text, used.ru_maxrss / 1024


def show(folder, side, recall, ndcg, seconds, megabytes):
    seconds = "-" if seconds is None else f"{seconds:.1f}"
    print(f"| {os.path.basename(folder)} | {side} | {recall:.4f} | {ndcg:.4f} | {seconds} | {megabytes} |", flush=True)


def main():
    if sys.argv[1:2] == ["--one"]:
        train_one(*sys.argv[2:])
        return
    if len(sys.argv) < 3 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    print(f"| set | side | recall@{K} | ndcg@{K} | training, s | MB |\n|---|---|---|---|---|---|")
    for folder in map(os.path.normpath, sys.argv[2:]):
        train, test = files(folder)
        for baselines in ("none", "ease,itemknn"):
            text, megabytes = run([sys.argv[1], "eval", "--train", train, "--test", test, "--threads", str(THREADS), "--k", str(K),
                                   "--json", "--baselines", baselines, "--model", "retrieval" if baselines == "none" else "none"])
            for row in json.loads(text)["protocols"][0]["rows"]:
                if "recall@20" in row["measures"]:
                    show(folder, row["name"], *(row["measures"][f"{m}@{K}"]["mean"] for m in ("recall", "ndcg")),
                         row["seconds"]["train"], f"{megabytes:.0f}" if baselines == "none" else "-")
        for name in ("ALS", "BPR", "cosine", "BM25"):
            text, megabytes = run([sys.executable, __file__, "--one", name, folder])
            recall, ndcg, seconds = json.loads(text)
            show(folder, f"implicit {name}", recall, ndcg, seconds, f"{megabytes:.0f}")


main()
