"""EASE and Most Popular under the topn protocol, by NumPy alone: an independent check of `marquee eval`, and how much it matters
where 8:1:1 is rounded. `--data ml-1m-folder`, `--rounding marquee` (boundaries at floor(.8 n) and floor(.9 n), the rest is the test)
or `recbole` (a tenth each, rounded down but at least one, for validation and test, the rest is the training; as RecBole's data sets
are divided, on which the published figures of LightGCN and XSimGCL stand)."""
import argparse
import os
import time

import numpy as np

K, LAMBDA = 10, 500


def read(folder):
    with open(os.path.join(folder, "ratings.dat"), encoding="latin-1") as file:
        rows = np.array([line.split("::")[:3] for line in file if line.strip()], dtype=np.int64)
    liked = rows[rows[:, 2] >= 3]
    users, user = np.unique(liked[:, 0], return_inverse=True)
    movies, movie = np.unique(liked[:, 1], return_inverse=True)
    return user, movie, len(users), len(movies)


def bounds(n, rounding):
    """Where the validation part and the test part of n likes begin."""
    if rounding == "marquee":
        return n * 8 // 10, n * 9 // 10
    part = n // 10
    valid = test = part
    if n > 1 and 0 < .1 * n < 1:
        test += 1
        if n - test > 1:
            valid += 1
    return n - valid - test, n - test


def divide(user, movie, users, movies, seed, rounding):
    order = np.random.default_rng(seed).permutation(len(user))
    order = order[np.argsort(user[order], kind="stable")]
    ends = np.cumsum(np.bincount(user, minlength=users))
    parts = [np.zeros((users, movies), dtype=np.float32) for _ in range(3)]
    for u in range(users):
        mine = order[(ends[u - 1] if u else 0):ends[u]]
        valid, test = bounds(len(mine), rounding)
        for part, chosen in zip(parts, (mine[:valid], mine[valid:test], mine[test:])):
            part[u, movie[chosen]] = 1
    return parts


def measure(scores, hidden, relevant):
    scores = np.where(hidden > 0, -np.inf, scores)
    top = np.argpartition(-scores, K, axis=1)[:, :K]
    top = np.take_along_axis(top, np.argsort(-np.take_along_axis(scores, top, 1), axis=1, kind="stable"), 1)
    hits, wanted = np.take_along_axis(relevant, top, 1), relevant.sum(1)
    discount = 1 / np.log2(np.arange(2, K + 2))
    best = np.cumsum(discount)[np.clip(wanted, 1, K).astype(int) - 1]
    asked = wanted > 0
    return (hits.sum(1)[asked] / wanted[asked]).mean(), ((hits @ discount)[asked] / best[asked]).mean()


def ease(train):
    inverse = np.linalg.inv(train.T @ train + LAMBDA * np.eye(train.shape[1], dtype=np.float32))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rounding", choices=("marquee", "recbole"), default="marquee")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    user, movie, users, movies = read(given.data)
    rows = {"popular": [], "ease": []}
    for seed in range(1, given.seeds + 1):
        train, valid, test = divide(user, movie, users, movies, seed, given.rounding)
        rows["popular"].append((*measure(np.broadcast_to(train.sum(0), train.shape), train + valid, test), 0))
        start = time.perf_counter()
        weights = ease(train)
        seconds = time.perf_counter() - start
        rows["ease"].append((*measure(train @ weights, train + valid, test), seconds))
    for name, values in rows.items():
        recall, ndcg, seconds = np.mean(values, axis=0)
        print(f"{name:<8} {given.rounding} rounding, seeds 1 to {given.seeds}: Recall@{K} {recall:.4f}, NDCG@{K} {ndcg:.4f}, "
              f"{seconds:.1f} s")


main()
