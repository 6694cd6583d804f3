"""The exact answer to a question, and whether a service's answer is that.

Scores are those of exact.c, in doubles; who qualifies, in which order, and what the document says is worked out here, row by row,
from what the generation's tables hold. An answer is right when

  - it is the document of that question and generation in every word and whole number, and holds k items whenever k qualify;
  - each score is the exact one, but for its rounding to six decimals and the bound of single precision that exact.c tells;
  - no item stands before a better one, and none that is better than the last was left out, by more than two such bounds;
  - items whose scores are exactly equal stand in the order of their ids;
  - parts of an explanation are held to the same rules, and what is told as their rest is the sum of the others."""
import array
import collections
import json
import re
import subprocess

ROUNDED, PART_ROUNDED = 6e-7, 6e-9  # of six and eight decimals, a half of the last and a little
LIKES, DISLIKES = 1.0, -0.25
EXPLAIN_DEFAULT, K_DEFAULT, LIST_DEFAULT = 10, 5, 10


class Wrong(Exception):
    """Says how an answer differs from the exact one."""


class Refused(Exception):
    """The question has no answer in this generation: (status, code)."""


def demand(holds, *what):
    if not holds:
        raise Wrong(" ".join(str(x) for x in what))


def code_of(category, text):
    """A value, a label, or a place; of ages the largest bound below."""
    if category["bounds"]:
        return max(i for i, bound in enumerate(category["bounds"]) if bound <= float(text))
    for names in category["values"], category["labels"]:
        if text in names:
            return names.index(text)
    return int(text)


def years_of(text):
    first, dash, last = text.partition("-")
    return int(first or 0), int(last or 9999) if dash else int(first)


class Generation:
    """A generation, opened from a folder that nobody changes."""

    def __init__(self, program, folder, name):
        self.name = name
        self.process = subprocess.Popen([program, folder, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        start_new_session=True)
        told = json.loads(self.process.stdout.readline())
        self.model, self.features = told["model"], told["features"]
        self.categories = {c["name"]: c for c in told["categories"]}
        self.users, self.items, self.genres = told["users"], told["items"], told["genres"]
        self.user_row = {user: row for row, user in enumerate(self.users)}
        self.item_row = {item[0]: row for row, item in enumerate(self.items)}
        self.scores = collections.OrderedDict()  # of the persons asked last
        self.worst = 0.0  # of the bounds of single precision, so much was used

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def ask(self, *words):
        self.process.stdin.write((" ".join(str(word) for word in words) + "\n").encode())
        self.process.stdin.flush()
        n = int(self.process.stdout.readline().split()[1])
        numbers = array.array("d")
        numbers.frombytes(self.process.stdout.read(8 * n))
        return numbers

    # What a question means.

    def row(self, ids, id):
        if id not in ids:
            raise Refused(404, "not_found")
        return ids[id]

    def person(self, query):
        """The user's row, the code of each feature, and the items that are liked and disliked, by row."""
        user = self.user_row.get(query["user"]) if "user" in query else None
        codes = {}
        for name in ("age", "gender", "job"):
            if name in query:
                codes[name] = code_of(self.categories[name], query[name])
            elif user is not None:
                codes[name] = self.categories[name]["codes"][user]
        feedback = {}
        for key, strength in ("liked", LIKES), ("disliked", DISLIKES):
            for item in query.get(key, []):
                feedback[self.row(self.item_row, item)] = strength
        return user, codes, dict(sorted(feedback.items()))

    def words(self, person):
        user, codes, feedback = person
        return ("-" if user is None else user, ",".join(str(codes.get(name, "-")) for name in self.features),
                ",".join("%d:%g" % pair for pair in feedback.items()) or "-")

    def score(self, *words):
        """The score of each item, and the bound of what a float may make of it."""
        if words not in self.scores:
            numbers = self.ask(*words)
            self.scores[words] = numbers[: len(self.items)], numbers[len(self.items)]
            while len(self.scores) > 300:
                self.scores.popitem(last=False)
        self.scores.move_to_end(words)
        return self.scores[words]

    def rated(self, user):
        """Rows that the user has rated, and that the user likes."""
        rows = [int(x) for x in self.ask("user", user)]
        at = rows.index(-1)
        return rows[:at], rows[at + 1:]

    def qualifying(self, query, left_out):
        """Each row is looked at."""
        genres, everyone = set(query.get("genre", [])), query.get("all_genres", False)
        first, last = years_of(query["year"]) if "year" in query else (None, None)
        excluded, rows = set(query.get("exclude", [])), []
        for row, (item, _, year, has, _) in enumerate(self.items):
            having = genres & {self.genres[g] for g in has} if genres else None
            if row in left_out or item in excluded:
                continue
            if genres and (having != genres if everyone else not having):
                continue
            if first is not None and not (year is not None and first <= year <= last):
                continue
            rows.append(row)
        return rows

    def filters(self, query):
        """As a document tells them."""
        told, genres = {}, sorted(set(query.get("genre", [])), key=self.genres.index)
        if genres:
            told["genre"] = genres
        if query.get("all_genres") and len(genres) > 1:
            told["all_genres"] = True
        if "year" in query:
            told["year"] = query["year"]
        excluded = sorted({item for item in query.get("exclude", []) if item in self.item_row}, key=self.item_row.get)
        if excluded:
            told["exclude"] = excluded
        return told

    def value(self, name, code):
        category = self.categories[name]
        told = {"value": category["values"][code]}
        if category["labels"]:
            told["label"] = category["labels"][code]
        return told

    def item(self, row, *more):
        item, title, year, genres, ratings = self.items[row]
        told = {"id": item, "title": title, "year": year, "genres": [self.genres[g] for g in genres]}
        return {**told, "ratings": ratings} if "ratings" in more else told

    # Whether an answer is right.

    def judge(self, question, status, document):
        """Raises Wrong unless this is the answer of this generation. `question`: {"kind":..., and what a query of a batch has}."""
        try:
            want = getattr(self, "judge_" + question["kind"])
            if status == 200:
                want(question, document)
                return
            want(question, None)
        except Refused as refused:
            demand(status == refused.args[0], "status", status, "want", refused.args[0], document)
            demand(document["error"]["code"] == refused.args[1], "want the code", refused.args[1], "have", document)
            return
        raise Wrong("status %d: %s" % (status, document))

    def expect(self, document, **want):
        if document is None:  # it is enough to know that there is an answer
            return False
        for key, value in {"schema": 1, "generation": self.name, **want}.items():
            demand(document.get(key) == value, key, "is", json.dumps(document.get(key)), "want", json.dumps(value))
        left = set(document) - set(want) - {"schema", "generation", "results", "cache", "redis"}
        demand(not left, "unexpected", sorted(left))
        return True

    def judge_recommend(self, query, document):
        person = user, codes, feedback = self.person(query)
        told = {name: self.value(name, codes[name]) for name in ("age", "gender", "job") if name in codes}
        told["user"] = query.get("user")
        for key in "liked", "disliked":
            if query.get(key):
                told[key] = sorted(set(query[key]), key=self.item_row.get)
        told.update(k=query.get("k", K_DEFAULT), **self.filters(query))
        seen = query.get("include_seen") and (user is not None or feedback)
        if seen:
            told["include_seen"] = True
        unknown = {"user_known": False} if "user" in query and user is None else {}
        if not self.expect(document, model=self.model, query=told, **unknown):
            return
        left_out = set() if seen else set(feedback) | set(self.rated(user)[0] if user is not None else ())
        rows = self.qualifying(query, left_out)
        answered = self.judge_order(rows, *self.score("score", *self.words(person)), told["k"], document["results"])
        if query.get("explain"):
            self.judge_explanations(person, query["explain"], answered, document["results"])

    def judge_similar(self, query, document):
        row = self.row(self.item_row, query["id"])
        told = {"item": {"id": query["id"], "title": self.items[row][1]}, "k": query.get("k", K_DEFAULT), **self.filters(query)}
        if self.expect(document, model=self.model, query=told):
            self.judge_order(self.qualifying(query, {row}), *self.score("similar", row), told["k"], document["results"])

    def judge_order(self, rows, score, bound, k, results):
        """Returns the rows that are answered."""
        demand(len(results) == min(k, len(rows)), len(results), "items answered,", len(rows), "qualify, k is", k)
        answered, qualify, before = [], set(rows), None
        for rank, hit in enumerate(results, 1):
            row = self.item_row.get(hit["id"])
            demand(hit["rank"] == rank, "rank", hit["rank"], "at place", rank)
            demand(row in qualify, "item", hit["id"], "does not qualify")
            qualify.remove(row)  # so that none is answered twice
            for key, value in self.item(row).items():
                demand(hit.get(key) == value, "item", hit["id"], key, "is", hit.get(key), "want", value)
            left = set(hit) - {"rank", "id", "title", "year", "genres", "score", "explanation"}
            demand(not left, "item", hit["id"], "unexpected", sorted(left))
            off = abs(hit["score"] - score[row])
            demand(off <= bound + ROUNDED, "item", hit["id"], "score", hit["score"], "want", score[row], "within", bound)
            self.worst = max(self.worst, (off - ROUNDED) / bound if bound else 0)
            if before is not None:
                demand(score[before] >= score[row] - 2 * bound, "item", hit["id"], score[row], "comes behind", score[before])
                demand(score[before] != score[row] or before < row, "item", hit["id"], "is equal, and of smaller id")
            answered.append(row)
            before = row
        if answered and qualify:
            best, last = max(qualify, key=lambda row: score[row]), min(score[row] for row in answered)
            demand(score[best] <= last + 2 * bound, "item", self.items[best][0], score[best], "is missing, the last has", last)
            ties = [row for row in qualify if score[row] == score[answered[-1]] and row < answered[-1]]
            demand(not ties, "equal items of smaller ids are missing", [self.items[row][0] for row in ties])
        return answered

    def inputs(self, person):
        """What is known of the person, as the parts of an explanation name it, in the order of exact.c."""
        user, codes, feedback = person
        named = [{"input": name, **self.value(name, codes[name])} for name in self.features if name in codes]
        history = self.rated(user)[1] if user is not None else []
        for row in sorted(set(history) | set(feedback)):
            name = "history" if row not in feedback else "liked" if feedback[row] > 0 else "disliked"
            named.append({"input": name, "id": self.items[row][0], "title": self.items[row][1]})
        return named

    def judge_explanations(self, person, told, rows, results):
        if not rows:
            return
        named = [json.dumps(x) for x in self.inputs(person)]
        numbers = self.ask("explain", *self.words(person), ",".join(str(row) for row in rows))
        size = 2 + 2 * len(named)
        demand(len(numbers) == size * len(rows), "the oracle knows", len(numbers), "numbers, want", size * len(rows))
        for place, hit in enumerate(results):
            base, bound, *parts = numbers[place * size:(place + 1) * size]
            self.judge_explanation(hit["explanation"], base, bound, dict(zip(named, zip(parts[::2], parts[1::2]))),
                                   EXPLAIN_DEFAULT if told is True else told)

    def judge_explanation(self, explanation, base, bound, parts, told):
        def near(what, have, want, within):
            demand(abs(have - want) <= within + PART_ROUNDED, what, "is", have, "want", want, "within", within)
            self.worst = max(self.worst, (abs(have - want) - PART_ROUNDED) / within if within else 0)

        near("the base", explanation["base"], base, bound)
        demand(len(explanation["parts"]) == min(told, len(parts)), len(explanation["parts"]), "parts of", len(parts), "asked", told)
        demand(("rest" in explanation) == (told < len(parts)), "a rest of", len(parts), "parts, asked", told)
        smallest = None
        for part in explanation["parts"]:
            name = json.dumps({key: value for key, value in part.items() if key != "score"})
            demand(name in parts, "the part", name, "is none of the inputs, or told twice")
            want, within = parts.pop(name)
            near(name, part["score"], want, within)
            if smallest is not None:
                demand(abs(want) <= smallest + within, "the part", name, "is larger than the one before")
            smallest = abs(want) + within
        for name, (want, within) in parts.items():
            demand(abs(want) <= smallest + within, "the part", name, want, "is not told, and is larger than the last")
        if "rest" in explanation:
            near("the rest", explanation["rest"], sum(x for x, _ in parts.values()), sum(x for _, x in parts.values()))

    # What is looked up.

    def judge_item(self, question, document):
        row = self.row(self.item_row, question["id"])
        self.expect(document, item=self.item(row, "ratings"))

    def judge_search(self, question, document):
        text, k = question["query"].encode().lower(), question.get("k", LIST_DEFAULT)
        words, found = re.findall(rb"[0-9a-z\x80-\xff]+", text), []
        for row, item in enumerate(self.items):
            title = item[1].encode().lower()
            if not text or (words and all(any(has.startswith(word) for has in re.findall(rb"[0-9a-z\x80-\xff]+", title))
                                          for word in words)):
                found.append((not title.startswith(text), -item[4], row))
        want = [self.item(row, "ratings") for _, _, row in sorted(found)[:k]]
        if self.expect(document, query={"text": question["query"], "k": k}):
            demand(document["results"] == want, "found", [x["id"] for x in document["results"]], "want", [x["id"] for x in want])

    def judge_user(self, question, document):
        row = self.row(self.user_row, question["id"])
        rated, likes = self.rated(row)
        user = {"id": question["id"], **{name: self.value(name, c["codes"][row]) for name, c in self.categories.items()},
                "ratings": len(rated), "likes": len(likes)}
        if self.expect(document, user=user):
            order = sorted(rated, key=lambda item: (item not in likes, -self.items[item][4], item))
            want = [self.item(item, "ratings") for item in order[: question.get("k", LIST_DEFAULT)]]
            demand(document["results"] == want, "has", [x["id"] for x in document["results"]], "want", [x["id"] for x in want])

    def judge_info(self, _, document):
        if document is None:
            return
        years = [item[2] for item in self.items if item[2] is not None]
        want = {"generation": self.name, "model": self.model, "items": len(self.items), "users": len(self.users), "feedback": True,
                "genres": self.genres, "years": [min(years), max(years)]}
        for key, value in want.items():
            demand(document.get(key) == value, key, "is", document.get(key), "want", value)
        serving = [g["name"] for g in document["generations"] if g["current"]]
        demand(serving in ([], [self.name]), "current in its list is", serving)
