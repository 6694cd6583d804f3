#!/usr/bin/env python3
"""The service as one would write it in Python: FastAPI under uvicorn, on uvloop and httptools, with NumPy or faiss-cpu.

    serve.py --store DIR --port N [--search numpy|faiss] [--workers N] [--plain]

It reads the same generation as `marquee serve`, its folded user tower, the movies' vectors and what each user has rated, and
answers GET /v1/recommendations for age, gender, job, user, liked, k, genre and year with the same movies and scores in the same
document.

So that it is quick: everything that does not depend on the query is done before (a mask a genre, a finished object a movie);
the handler is a coroutine, not a job for the pool of threads; it hands finished bytes of orjson to the server instead of
letting FastAPI convert a dictionary; one BLAS thread, because each worker is a process; no access log. With --plain the handler
is as FastAPI's tutorial writes it: a function that returns a dictionary."""
import argparse
import functools
import json
import os
import struct

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import orjson
import uvicorn
from fastapi import FastAPI, HTTPException, Query, Response

from container import Container, Feature


class Model:
    def __init__(self, store, search):
        folder = os.path.realpath(os.path.join(store, "current"))
        part = {name: Container(os.path.join(folder, name + ".mrq"))
                for name in ("users", "catalogue", "seen", "vectors", "history")}
        with open(os.path.join(folder, "MANIFEST.json"), encoding="utf-8") as file:
            manifest = json.load(file)
        self.head = {"schema": 1, "generation": os.path.basename(folder), "model": manifest["model"]}
        self.read_tower(part["users"], part["history"])
        self.read_movies(part["catalogue"])
        self.seen_at, self.seen = part["seen"].lists("seen")
        self.vectors = np.ascontiguousarray(part["vectors"].array("vectors", "<f4").reshape(len(self.movie_ids), -1))
        self.search = self.by_numpy
        if search == "faiss":
            import faiss
            faiss.omp_set_num_threads(1)
            self.faiss, self.index, self.search = faiss, faiss.IndexFlatIP(self.vectors.shape[1]), self.by_faiss
            self.index.add(self.vectors)

    def read_tower(self, users, history):
        self.scale, self.shift, score, activation, bias, size, n, has_ids, has_history, _ = struct.unpack(
            "<dd8I", users.array("tower", "u1")[:48].tobytes())
        if score != 1 or activation != 0 or not has_ids or not has_history:
            raise SystemExit("serve.py: it answers for the model \"retrieval\" alone")
        width, self.bias = size + bias, bias
        names = [bytes(name).rstrip(b"\0").decode() for name in users.array("tower", "u1")[48:48 + 32 * n].reshape(n, 32)]
        columns = users.columns("users")
        self.start, self.user_row = users.array("tower.start", "<f4"), users.array("tower.user_row", "<u4")
        self.user_of = {int(id): row for row, id in enumerate(users.array("users.id", "<i8"))}
        self.feature, self.rows, self.mean = {}, {}, {}
        for b, name in enumerate(names):
            rows = np.array(users.array("tower.%d" % b, "<f4").reshape(-1, width))
            if name == "id":
                self.id_rows = rows
                continue
            self.feature[name] = feature = Feature(users, columns[name])
            self.rows[name] = rows
            self.mean[name] = np.bincount(feature.codes, minlength=len(rows)).astype("f4") / len(feature.codes) @ rows
        self.liked = np.array(history.array("liked", "<f4").reshape(-1, width))

    def read_movies(self, movies):
        column = movies.columns("movies")
        titles, years = movies.strings(column["title"] + ".text"), movies.array(column["year"] + ".number", "<f8")
        at, item = movies.lists(column["genres"])
        names = movies.strings(column["genres"] + ".dict")
        self.movie_ids, self.years = movies.array("movies.id", "<i8"), np.array(years)
        self.movie_of = {int(id): row for row, id in enumerate(self.movie_ids)}
        self.genre = {name: np.zeros(len(titles), bool) for name in names}
        self.movie = []
        for row, title in enumerate(titles):
            genres = [names[i] for i in item[int(at[row]):int(at[row + 1])]]
            for name in genres:
                self.genre[name][row] = True
            year = None if np.isnan(years[row]) else int(years[row])
            self.movie.append({"id": int(self.movie_ids[row]), "title": title, "year": year, "genres": genres})

    def vector(self, given, user, liked):
        """The person's vector, as long as it comes, and the same as the document tells it."""
        sum_, told = self.start.copy(), {}
        row = self.user_of[user] if user is not None else None
        if row is not None:
            sum_ += self.id_rows[self.user_row[row]]
        for name, feature in self.feature.items():
            if given[name] is not None:
                code = feature.code(given[name])
            elif row is not None:
                code = int(feature.codes[row])
            elif liked:
                sum_ += self.mean[name]
                continue
            else:
                raise ValueError("%s is missing" % name)
            sum_ += self.rows[name][code]
            told[name] = feature.told[code]
        for movie in liked:
            sum_ += self.liked[movie]
        return sum_, row, told

    def by_numpy(self, query, out, keep, k):
        scores = self.vectors @ query
        if keep is not None:
            scores[~keep] = -np.inf
        if out is not None:
            scores[out] = -np.inf
        best = np.argpartition(scores, -k)[-k:] if k < len(scores) else np.arange(len(scores))
        best = best[np.argsort(-scores[best], kind="stable")]
        best = best[np.isfinite(scores[best])]
        return best.tolist(), scores[best].tolist()

    def by_faiss(self, query, out, keep, k):
        parameters = None
        if keep is not None or out is not None:
            mask = np.ones(len(self.movie), bool) if keep is None else keep.copy()
            if out is not None:
                mask[out] = False
            bits = np.packbits(mask, bitorder="little")
            selector = self.faiss.IDSelectorBitmap(len(mask), self.faiss.swig_ptr(bits))
            parameters = self.faiss.SearchParameters(sel=selector)
        scores, rows = self.index.search(query[None, :], k, params=parameters)
        n = int((rows[0] >= 0).sum())
        return rows[0][:n].tolist(), scores[0][:n].tolist()

    def keep(self, genre, year):
        keep = None
        for name in genre:
            keep = self.genre[name] if keep is None else keep | self.genre[name]
        if year:
            first, dash, last = year.partition("-")
            of_years = (self.years >= float(first or -np.inf)) & (self.years <= float((last or np.inf) if dash else first))
            keep = of_years if keep is None else keep & of_years
        return keep

    def answer(self, given, user, liked, k, genre, year):
        movies = [self.movie_of[id] for id in liked]
        sum_, row, told = self.vector(given, user, movies)
        intercept = self.shift + (float(sum_[-1]) if self.bias else 0)
        if self.bias:
            sum_[-1] = 1
        out = None
        if row is not None:
            out = self.seen[int(self.seen_at[row]):int(self.seen_at[row + 1])]
        if movies:
            out = np.array(movies) if out is None else np.append(out, movies)
        rows, scores = self.search(np.append(sum_, np.float32(0)), out, self.keep(genre, year), k)
        query = {**told, "user": user, **({"liked": liked} if liked else {}), "k": k}
        if genre:
            query["genre"] = genre
        if year:
            query["year"] = year
        results = [{"rank": i + 1, **self.movie[row], "score": round(self.scale * score + intercept, 6)}
                   for i, (row, score) in enumerate(zip(rows, scores))]
        return {**self.head, "query": query, "results": results, "cache": "off"}


def finished(function):
    """A coroutine that answers with finished bytes."""
    @functools.wraps(function)
    async def handler(**given):
        return Response(orjson.dumps(function(**given)), media_type="application/json")
    return handler


def make_app():
    model = Model(os.environ["PEER_STORE"], os.environ["PEER_SEARCH"])
    app = FastAPI(openapi_url=None)

    def recommendations(age: str | None = None, gender: str | None = None, job: str | None = None, user: int | None = None,
                        liked: str | None = None, k: int = Query(5, ge=1, le=1000), genre: list[str] = Query([]),
                        year: str | None = None):
        try:
            ids = [int(id) for id in liked.split(",")] if liked else []
            return model.answer({"age": age, "gender": gender, "job": job}, user, ids, k, genre, year)
        except KeyError as error:
            raise HTTPException(404, "not in the data: %s" % error) from None
        except ValueError as error:
            raise HTTPException(400, str(error)) from None

    app.get("/v1/recommendations")(recommendations if os.environ["PEER_PLAIN"] else finished(recommendations))

    @app.get("/readyz")
    async def readyz():
        return {"status": "ok"}

    return app


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--search", choices=("numpy", "faiss"), default="numpy")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--plain", action="store_true")
    args = parser.parse_args()
    # A worker is a process of its own that makes the app itself.
    os.environ.update(PEER_STORE=args.store, PEER_SEARCH=args.search, PEER_PLAIN="1" if args.plain else "")
    uvicorn.run("serve:make_app", factory=True, app_dir=os.path.dirname(os.path.abspath(__file__)), workers=args.workers,
                host="127.0.0.1", port=args.port, loop="uvloop", http="httptools", log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
