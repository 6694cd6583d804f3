#!/usr/bin/env python3
"""Trains Marquee's fusion network in PaddlePaddle on the CPU, as fast as PaddlePaddle can be made to with its own operators."""
import argparse
import os
import warnings

import numpy as np

import movielens


def prepare():
    """What must stand in the environment before the import. MKL 2019, which PaddlePaddle multiplies with, takes its slowest path on
    an AMD processor, 36 GFLOP/s a core, unless told which one to take: 5 is AVX2 (86), 7 AVX-512 (91)."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--threads", default="2")
    os.environ["OMP_NUM_THREADS"] = parser.parse_known_args()[0].threads
    with open("/proc/cpuinfo", encoding="ascii") as file:
        cpu = file.read()
    if "AuthenticAMD" in cpu:
        os.environ.setdefault("MKL_DEBUG_CPU_TYPE", "7" if " avx512bw" in cpu else "5")
    warnings.filterwarnings("ignore")


prepare()
import paddle  # noqa: E402
import paddle.nn.functional as F  # noqa: E402
from paddle import nn  # noqa: E402


def embedding(rows, width):
    spread = (3 / width) ** 0.5
    return nn.Embedding(rows, width, weight_attr=paddle.ParamAttr(initializer=nn.initializer.Uniform(-spread, spread)))


def linear(inputs, outputs):
    return nn.Linear(inputs, outputs, weight_attr=paddle.ParamAttr(initializer=nn.initializer.XavierUniform()))


class Category(nn.Layer):
    """A feature of few values: the linear layer runs over the values, not over the batch."""

    def __init__(self, values):
        super().__init__()
        self.embedding, self.fc = embedding(values, 16), linear(16, 16)

    def forward(self, value):
        return F.embedding(value, self.fc(self.embedding.weight))


class Fusion(nn.Layer):
    def __init__(self, data):
        super().__init__()
        self.user, self.user_fc = embedding(data.n_users, 32), linear(32, 32)
        self.gender, self.age, self.job = Category(data.n_gender), Category(data.n_age), Category(data.n_job)
        self.user_joint = linear(80, 200)
        self.movie, self.movie_fc = embedding(data.n_movies, 32), linear(32, 32)
        self.genre = embedding(data.genres.shape[1], 32)
        self.word, self.filters = embedding(data.n_words, 32), linear(96, 32)
        self.movie_joint = linear(96, 200)

    def users(self, user, gender, age, job):
        parts = [self.user_fc(self.user(user)), self.gender(gender), self.age(age), self.job(job)]
        return F.normalize(paddle.tanh(self.user_joint(paddle.concat(parts, 1))), axis=1)

    def movies(self, movie, genres, window, row):
        # Word 0 stands beyond the ends of a title; with padding_idx its vector is zero and stays so.
        words = paddle.tanh(self.filters(F.embedding(window, self.word.weight, padding_idx=0).reshape([-1, 96])))
        title = paddle.index_add(paddle.zeros([movie.shape[0], 32]), row, 0, words)
        parts = [self.movie_fc(self.movie(movie)), paddle.matmul(genres, self.genre.weight), title]
        return F.normalize(paddle.tanh(self.movie_joint(paddle.concat(parts, 1))), axis=1)

    def forward(self, users, movies, user_of, movie_of, rating):
        user, movie = self.users(*users), self.movies(*movies)
        if user_of is not None:
            user, movie = F.embedding(user_of, user), F.embedding(movie_of, movie)
        return F.mse_loss(5 * (user * movie).sum(1), rating)


class Trainer:
    """Batches are put together in NumPy, whose indexing costs a fraction of PaddlePaddle's."""

    def __init__(self, args, data):
        self.args, self.data = args, data
        self.random = np.random.default_rng(1)
        self.ratings = [data.user, data.movie, data.rating]
        # Titles without padding: the three words around each word, all titles behind one another.
        wide = np.pad(data.title, ((0, 0), (1, 1)))
        self.window = np.stack([wide[:, :-2], wide[:, 1:-1], wide[:, 2:]], 2)[data.title > 0]
        self.length = (data.title > 0).sum(1)
        self.start = self.length.cumsum() - self.length
        self.net = Fusion(data)
        self.begin = {name: value.clone() for name, value in self.net.state_dict().items()}
        self.distinct = args.batch >= 1024  # every distinct user and movie of the batch once: pays with large batches
        self.reset()

    def reset(self):
        self.net.set_state_dict(self.begin)
        optimizer = paddle.optimizer.SGD if self.args.optimizer == "sgd" else paddle.optimizer.Adam
        self.optimizer = optimizer(self.args.lr, parameters=self.net.parameters())
        self.shuffle()

    def shuffle(self):
        order = self.random.permutation(self.data.n_train)
        self.order = [column[order] for column in self.ratings]

    def user_features(self, user):
        return [paddle.to_tensor(x) for x in (user, self.data.gender[user], self.data.age[user], self.data.job[user])]

    def movie_features(self, movie):
        length = self.length[movie]
        row = np.repeat(np.arange(len(movie)), length)
        first = self.start[movie] - (length.cumsum() - length)
        return [paddle.to_tensor(x) for x in (movie, self.data.genres[movie], self.window[np.arange(len(row)) + first[row]], row)]

    def step(self, first, last):
        user, movie, rating = (column[first:last] for column in self.order)
        user_of = movie_of = None
        if self.distinct:
            user, user_of = np.unique(user, return_inverse=True)
            movie, movie_of = np.unique(movie, return_inverse=True)
            user_of, movie_of = paddle.to_tensor(user_of), paddle.to_tensor(movie_of)
        self.net(self.user_features(user), self.movie_features(movie), user_of, movie_of, paddle.to_tensor(rating)).backward()
        self.optimizer.step()
        self.optimizer.clear_grad()

    @paddle.no_grad()
    def rmse(self):
        user, movie, rating = (column[self.data.n_train:] for column in self.ratings)
        users = self.net.users(*self.user_features(np.arange(self.data.n_users))).numpy()
        movies = self.net.movies(*self.movie_features(np.arange(self.data.n_movies))).numpy()
        return float(np.mean((5 * (users[user] * movies[movie]).sum(1) - rating) ** 2) ** 0.5)


def multiply(n):
    a, b = paddle.randn([n, n]), paddle.randn([n, n])
    return lambda: paddle.matmul(a, b)


def main():
    args = movielens.options("PaddlePaddle", ("eager",))
    paddle.set_device("cpu")
    paddle.seed(1)
    data = movielens.load(args.data)
    facts = {"peer": "paddle", "version": paddle.__version__,
             "blas": "MKL 2019 (MKLML), MKL_DEBUG_CPU_TYPE=%s" % os.environ.get("MKL_DEBUG_CPU_TYPE", "unset"),
             "sgemm_gflops": round(movielens.sgemm_gflops(multiply), 1)}
    movielens.run(args, data, Trainer(args, data), facts)


if __name__ == "__main__":
    main()
