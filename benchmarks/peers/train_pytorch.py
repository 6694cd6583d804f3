#!/usr/bin/env python3
"""Trains Marquee's fusion network in PyTorch on the CPU, as fast as PyTorch can be made to without leaving its operators.

Four modes. `plain`: the network as PyTorch users write it, layer by layer, titles padded to one length, Adam as it comes. `eager`:
tuned by hand, titles without padding, layers over the values of a category, fused Adam. `compile`: that by torch.compile. `lazy`:
SparseAdam moves only the rows of the batch, as Marquee's Adam does; it learns less in the first passes (test RMSE 0.907 and 0.895
after one and two, `eager` 0.903 and 0.882). Marquee's dropping of 5 % of the user ids is left out, to PyTorch's advantage.

Tried, in samples a second of one thread's CPU time at batches of 256 and 2048, on a busy machine, so uncertain by a quarter:
padded titles with a linear layer 24,000 and 44,000, with conv1d 23,000 and 34,000; titles without padding 27,000 and 69,000;
that with fused Adam 39,000 and 60,000, foreach 37,000 and 92,000; SparseAdam 40,000 and 74,000; this file's eager mode 50,000
and 107,000, compiled 64,000 and 150,000. Settings of malloc: no difference."""
import copy

import torch
import torch.nn.functional as F
from torch import nn

import movielens


def embedding(rows, width):
    layer = nn.Embedding(rows, width)
    nn.init.uniform_(layer.weight, -(3 / width) ** 0.5, (3 / width) ** 0.5)
    return layer


def linear(inputs, outputs):
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Category(nn.Module):
    """A feature of few values: the linear layer runs over the values, not over the batch."""

    def __init__(self, values):
        super().__init__()
        self.embedding, self.fc = embedding(values, 16), linear(16, 16)

    def forward(self, value):
        return F.embedding(value, self.fc(self.embedding.weight))


class Fusion(nn.Module):
    def __init__(self, data):
        super().__init__()
        self.user, self.user_fc = embedding(data.n_users, 32), linear(32, 32)
        self.gender, self.age, self.job = Category(data.n_gender), Category(data.n_age), Category(data.n_job)
        self.user_joint = linear(80, 200)
        self.movie, self.movie_fc = embedding(data.n_movies, 32), linear(32, 32)
        self.genre = embedding(data.genres.shape[1], 32)
        self.word, self.filters = embedding(data.n_words, 32), linear(96, 32)
        with torch.no_grad():
            self.word.weight[0] = 0  # what stands beyond the ends of a title
        self.word.padding_idx = 0
        self.movie_joint = linear(96, 200)

    def users(self, user, gender, age, job):
        parts = [self.user_fc(self.user(user)), self.gender(gender), self.age(age), self.job(job)]
        return F.normalize(torch.tanh(self.user_joint(torch.cat(parts, 1))), dim=1)

    def movies(self, movie, genres, window, row):
        words = torch.tanh(self.filters(self.word(window).view(-1, 96)))
        title = words.new_zeros(movie.shape[0], 32).index_add(0, row, words)
        parts = [self.movie_fc(self.movie(movie)), genres @ self.genre.weight, title]
        return F.normalize(torch.tanh(self.movie_joint(torch.cat(parts, 1))), dim=1)

    def forward(self, users, movies, user_of, movie_of, rating):
        user, movie = self.users(*users), self.movies(*movies)
        if user_of is not None:
            user, movie = F.embedding(user_of, user), F.embedding(movie_of, movie)
        return F.mse_loss(5 * (user * movie).sum(1), rating)


class Plain(nn.Module):
    """The same network, written down as one reads it."""

    def __init__(self, data):
        super().__init__()
        sizes = (data.n_users, 32), (data.n_gender, 16), (data.n_age, 16), (data.n_job, 16)
        self.user = nn.ModuleList(nn.Sequential(embedding(rows, width), linear(width, width)) for rows, width in sizes)
        self.user_joint = linear(80, 200)
        self.movie = nn.Sequential(embedding(data.n_movies, 32), linear(32, 32))
        self.genre = embedding(data.genres.shape[1], 32)
        self.word, self.filters = nn.Embedding(data.n_words, 32, padding_idx=0), nn.Conv1d(32, 32, 3, padding=1)
        self.movie_joint = linear(96, 200)

    def users(self, *features):
        parts = [layer(feature) for layer, feature in zip(self.user, features)]
        return F.normalize(torch.tanh(self.user_joint(torch.cat(parts, 1))), dim=1)

    def movies(self, movie, genres, title):
        words = torch.tanh(self.filters(self.word(title).transpose(1, 2))) * (title > 0).unsqueeze(1)
        parts = [self.movie(movie), genres @ self.genre.weight, words.sum(2)]
        return F.normalize(torch.tanh(self.movie_joint(torch.cat(parts, 1))), dim=1)

    def forward(self, users, movies, _user_of, _movie_of, rating):
        return F.mse_loss(5 * (self.users(*users) * self.movies(*movies)).sum(1), rating)


class Trainer:
    def __init__(self, args, data):
        self.args, self.data = args, data
        self.categories = [torch.from_numpy(column) for column in (data.gender, data.age, data.job)]
        self.genres = torch.from_numpy(data.genres)
        self.ratings = [torch.from_numpy(column) for column in (data.user, data.movie, data.rating)]
        # Titles without padding: the three words around each word, all titles behind one another.
        title = torch.from_numpy(data.title)
        wide = F.pad(title, (1, 1))
        self.window = torch.stack([wide[:, :-2], wide[:, 1:-1], wide[:, 2:]], 2)[title > 0]
        self.length = (title > 0).sum(1)
        self.start = self.length.cumsum(0) - self.length
        self.title = title
        self.net = Plain(data) if args.mode == "plain" else Fusion(data)
        self.begin = copy.deepcopy(self.net.state_dict())
        self.loss = torch.compile(self.net) if args.mode == "compile" else self.net
        # Every distinct user and movie of the batch once: pays with large batches, and with small ones when compiled.
        self.distinct = args.mode != "plain" and (args.batch >= 1024 or args.mode == "compile")
        self.reset()

    def reset(self):
        self.net.load_state_dict(self.begin)
        large = () if self.args.mode == "plain" else (self.net.user, self.net.movie, self.net.word)
        if self.args.optimizer == "sgd":
            self.optimizers = [torch.optim.SGD(self.net.parameters(), self.args.lr, fused=self.args.mode != "lazy")]
        elif self.args.mode == "lazy":
            sparse = [layer.weight for layer in large]
            dense = [weight for weight in self.net.parameters() if all(weight is not other for other in sparse)]
            self.optimizers = [torch.optim.SparseAdam(sparse, self.args.lr), torch.optim.Adam(dense, self.args.lr, fused=True)]
        elif self.args.mode == "plain":
            self.optimizers = [torch.optim.Adam(self.net.parameters(), self.args.lr)]
        else:
            self.optimizers = [torch.optim.Adam(self.net.parameters(), self.args.lr, fused=True)]
        for layer in large:
            layer.sparse = self.args.mode == "lazy"
        self.shuffle()

    def shuffle(self):
        order = torch.randperm(self.data.n_train)
        self.order = [column[order] for column in self.ratings]

    def user_features(self, user):
        return [user] + [column[user] for column in self.categories]

    def movie_features(self, movie):
        if self.args.mode == "plain":
            return [movie, self.genres[movie], self.title[movie]]
        length = self.length[movie]
        row = torch.repeat_interleave(length)
        first = self.start[movie] - (length.cumsum(0) - length)
        return [movie, self.genres[movie], self.window[torch.arange(len(row)) + first[row]], row]

    def step(self, first, last):
        user, movie, rating = (column[first:last] for column in self.order)
        user_of = movie_of = None
        if self.distinct:
            user, user_of = torch.unique(user, return_inverse=True)
            movie, movie_of = torch.unique(movie, return_inverse=True)
        # The pass's last, shorter batch is not worth compiling once more.
        loss = self.loss if last - first == self.args.batch else self.net
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss(self.user_features(user), self.movie_features(movie), user_of, movie_of, rating).backward()
        for optimizer in self.optimizers:
            optimizer.step()

    @torch.no_grad()
    def rmse(self):
        user, movie, rating = (column[self.data.n_train:] for column in self.ratings)
        users = self.net.users(*self.user_features(torch.arange(self.data.n_users)))
        movies = self.net.movies(*self.movie_features(torch.arange(self.data.n_movies)))
        return F.mse_loss(5 * (users[user] * movies[movie]).sum(1), rating).sqrt().item()


def multiply(n):
    a, b = torch.randn(n, n), torch.randn(n, n)
    return lambda: torch.mm(a, b)


def blas():
    """MKL takes AVX2 on an AMD processor, 94 GFLOP/s a core of 110 possible. Made to take AVX-512 it reaches 109 on squares but
    loses up to a third on this network's shapes, so it is left alone; its environment variables change nothing here."""
    lines = [line.strip(" -") for line in torch.__config__.show().splitlines()]
    names = [line.split(" Version ")[-1].split("-")[0] for line in lines if "Math Kernel Library" in line]
    return "MKL %s, PyTorch's own kernels %s" % (names[0] if names else "?", torch.backends.cpu.get_cpu_capability())


def main():
    args = movielens.options("PyTorch", ("plain", "eager", "compile", "lazy"))
    # Before any thread starts: moments of rows that are seldom touched decay to denormal numbers, which cost a hundredfold.
    torch.set_flush_denormal(True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    data = movielens.load(args.data)
    facts = {"peer": "pytorch", "version": torch.__version__, "blas": blas(),
             "sgemm_gflops": round(movielens.sgemm_gflops(multiply), 1)}
    movielens.run(args, data, Trainer(args, data), facts)


if __name__ == "__main__":
    main()
