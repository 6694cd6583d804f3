"""Questions of all kinds, as the service is asked them; the same for the same seed and data."""
import json
import urllib.parse

KINDS = (("recommend", 70), ("similar", 10), ("movie", 6), ("search", 6), ("user", 6), ("info", 2))
PATHS = {"recommend": "/v1/recommendations", "similar": "/v1/items/%s/similar", "movie": "/v1/items/%s", "search": "/v1/items",
         "user": "/v1/users/%s", "info": "/v1/info"}
NEW = 60  # ids that are not there yet, and may come with a rebuild


class World:
    """What can be asked of, by a generation; and ids that are to come."""

    def __init__(self, generation):
        self.users = generation.users + [generation.users[-1] + 1 + i for i in range(NEW)]
        self.movies = [movie[0] for movie in generation.movies] + [generation.movies[-1][0] + 1 + i for i in range(NEW)]
        self.titles = [movie[1] for movie in generation.movies]
        self.years = sorted({int(movie[2]) for movie in generation.movies if movie[2]})
        self.genres, self.categories = generation.genres, generation.categories


def draw_person(world, rng, query):
    kind = rng.randrange(8)
    if kind < 4:
        query["user"] = rng.choice(world.users)
    if kind >= 3 and kind < 7:
        job = rng.choice(world.categories["job"]["values"])
        labels = world.categories["job"]["labels"]
        query["age"] = str(rng.randrange(1, 90))
        query["gender"] = rng.choice(["F", "M", "female", "male", "0", "1"])
        query["job"] = rng.choice([job] + ([labels[int(job)]] if labels else []))
    if kind in (2, 7):
        movies = rng.sample(world.movies, rng.randrange(2, 8))
        query["liked"] = movies[:-1]
        if rng.randrange(2):
            query["disliked"] = movies[-1:]


def draw_filters(world, rng, query):
    if rng.randrange(4) == 0:
        query["genre"] = rng.sample(world.genres, rng.randrange(1, 3))
        if rng.randrange(2):
            query["all_genres"] = True
    if rng.randrange(6) == 0:
        first, last = sorted((rng.choice(world.years), rng.choice(world.years)))
        query["year"] = rng.choice([str(first), "%d-" % first, "-%d" % last] + (["%d-%d" % (first, last)] if first < last else []))
    if rng.randrange(6) == 0:
        query["exclude"] = rng.sample(world.movies, rng.randrange(1, 20))


def draw_question(world, rng):
    kind = rng.choices([name for name, _ in KINDS], [weight for _, weight in KINDS])[0]
    question = {"kind": kind}
    if kind == "recommend":
        draw_person(world, rng, question)
    if kind in ("movie", "similar"):
        question["id"] = rng.choice(world.movies)
    if kind == "user":
        question["id"] = rng.choice(world.users)
    if kind == "search":
        words = rng.choice(world.titles).split()
        question["query"] = " ".join(word[: rng.randrange(1, 1 + len(word))] for word in words[: rng.randrange(1, 3)])
    if kind in ("recommend", "similar"):
        draw_filters(world, rng, question)
    if kind in ("recommend", "similar", "search", "user") and rng.randrange(2):
        question["k"] = rng.choice([1, 2, 3, 7, 10, 10, 100] if rng.randrange(100) else [1000])
    if kind == "recommend" and rng.randrange(5) == 0 and question.get("k", 1) <= 10:
        question["explain"] = rng.choice([True, 1, 3, 1000])
    if kind == "recommend" and rng.randrange(6) == 0:
        question["include_seen"] = True
    return question


def draw_questions(world, rng, n):
    """No two alike."""
    questions = {}
    while len(questions) < n:
        question = draw_question(world, rng)
        questions.setdefault(path_of(question), question)
    return list(questions.values())


def path_of(question):
    kind, members = question["kind"], {key: value for key, value in question.items() if key not in ("kind", "id")}
    path = PATHS[kind] % question["id"] if "id" in question else PATHS[kind]
    words = []
    for key, value in members.items():
        if key == "genre":
            words += [(key, genre) for genre in value]
        elif isinstance(value, list):
            words.append((key, ",".join(str(x) for x in value)))
        else:
            words.append((key, "true" if value is True else str(value)))
    return path + ("?" + urllib.parse.urlencode(words) if words else "")


def batch_of(questions):
    """The body that asks for recommendations together."""
    queries = [{key: value for key, value in question.items() if key != "kind"} for question in questions]
    return json.dumps({"queries": queries}).encode()
