"""MovieLens 1M as arrays, read as the program under test reads it, and what every peer prints.

Rows of users and movies stand in the order of the files. A title's words are lower-cased runs of letters and digits, with
apostrophes inside, and without the year at the end. NumPy alone, so that each peer may make of it what suits it best."""
import argparse
import json
import os
import re
import sys
import time
from types import SimpleNamespace

import numpy as np

YEAR = re.compile(r" *\([0-9]{4}\) *$")
WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def read(folder, name):
    """The fields of every line; movies.dat of the original is latin-1."""
    with open(os.path.join(folder, name), "rb") as file:
        data = file.read()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return [line.split("::") for line in text.splitlines() if line]


def padded(lists, fill):
    """(rows, longest) of numbers, `fill` behind each list's end."""
    out = np.full((len(lists), max(map(len, lists))), fill, dtype=np.int64)
    for row, items in zip(out, lists):
        row[:len(items)] = items
    return out


def numbered(values):
    """Every value by its place among the sorted distinct ones, and how many of those there are."""
    names = sorted(set(values))
    place = {name: i for i, name in enumerate(names)}
    return [place[value] for value in values], len(names)


def load(folder, seed=1, test=0.1):
    """gender, age, job (users); genres (movies, n_genres) of 0 and 1; title (movies, longest) of words from 1, 0 behind the end;
    user, movie, rating in random order: the last `n_test` are the test part."""
    users, movies, ratings = (read(folder, name) for name in ("users.dat", "movies.dat", "ratings.dat"))
    data = SimpleNamespace(n_users=len(users), n_movies=len(movies))
    for column, name in ((1, "gender"), (2, "age"), (3, "job")):
        codes, count = numbered([fields[column] for fields in users])
        setattr(data, name, np.array(codes, dtype=np.int64))
        setattr(data, "n_" + name, count)
    genres = [[g for g in fields[2].split("|") if g] for fields in movies]
    names = sorted({g for row in genres for g in row})
    data.genres = np.array([[g in row for g in names] for row in genres], dtype=np.float32)
    titles = [WORD.findall(YEAR.sub("", fields[1]).lower().replace("\u2019", "'")) for fields in movies]
    place = {word: i + 1 for i, word in enumerate(sorted({word for row in titles for word in row}))}
    data.title = padded([[place[word] for word in row] for row in titles], 0)
    data.n_words = len(place) + 1
    user_row = {fields[0]: i for i, fields in enumerate(users)}
    movie_row = {fields[0]: i for i, fields in enumerate(movies)}
    order = np.random.default_rng(seed).permutation(len(ratings))
    data.user = np.array([user_row[fields[0]] for fields in ratings], dtype=np.int64)[order]
    data.movie = np.array([movie_row[fields[1]] for fields in ratings], dtype=np.int64)[order]
    data.rating = np.array([fields[2] for fields in ratings], dtype=np.float32)[order]
    data.n_test = round(test * len(ratings))
    data.n_train = len(ratings) - data.n_test
    return data


def options(peer, modes):
    """The command line that all peers share."""
    parser = argparse.ArgumentParser(description="Trains Marquee's fusion network on MovieLens 1M with %s." % peer)
    parser.add_argument("--data", required=True, help="folder of ml-1m")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--passes", type=int, default=1, help="whole passes, each with its test RMSE")
    length.add_argument("--batches", type=int, help="only so many batches, to measure the speed")
    parser.add_argument("--optimizer", choices=("adam", "sgd"), default="adam")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--mode", choices=modes, default=modes[0])
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    return parser.parse_args()


def sgemm_gflops(multiply):
    """The best of a few multiplications of n x n matrices by multiply(n), which returns a function: is the BLAS at its best?"""
    best = 0
    for n in (1024, 2048):
        run = multiply(n)
        for _ in range(8):
            start = time.perf_counter()
            run()
            best = max(best, 2e-9 * n ** 3 / (time.perf_counter() - start))
    return best


def run(args, data, trainer, facts):
    """Warms up, starts afresh, and measures: `trainer` has reset(), shuffle(), step(first, last) and rmse(). The time is that of
    shuffling and of all steps, not that of the test. cpu_share is what the threads had of their cores: well below 1 on one thread
    means that the machine was busy and that the speed is worth nothing."""
    starts = range(0, data.n_train, args.batch)
    for first in starts[:20]:
        trainer.step(first, min(first + args.batch, data.n_train))
    trainer.reset()
    seconds = samples = cpu = 0
    rmse = None
    for number in range(args.passes):
        clock, busy = time.perf_counter(), time.process_time()
        trainer.shuffle()
        for first in starts[:args.batches]:
            last = min(first + args.batch, data.n_train)
            trainer.step(first, last)
            samples += last - first
        seconds += time.perf_counter() - clock
        cpu += time.process_time() - busy
        if args.batches is None:
            rmse = round(trainer.rmse(), 4)
            print("pass %d: test RMSE %.4f" % (number + 1, rmse), flush=True, file=sys.stderr)
    facts.update(mode=args.mode, optimizer=args.optimizer, batch=args.batch, threads=args.threads,
                 samples_per_second=round(samples / seconds), cpu_share=round(cpu / seconds / args.threads, 2),
                 seconds_per_pass=round(seconds / samples * data.n_train, 2), rmse=rmse)
    if args.json:
        print(json.dumps(facts))
    else:
        for name, value in facts.items():
            print("%-19s %s" % (name, value))
