"""A client that asks as people do, by Zipf's law, and compares every answer with the exact one of the generation that it names.

What was found right once is remembered, because the same question has one document in a generation, to the byte, wherever it comes
from: only the end, which tells that, may differ."""
import http.client
import json
import os
import random
import re
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../benchmarks"))
import exact
import queries
from client import Client
from serving import zipf_sums

SLACK = 5.0  # seconds that a generation may serve on after it was replaced: it is looked for every 2, and opened
EARLY = 0.5  # and that an answer may come before the change of the link was seen
PATIENCE, SLOW = 10.0, 0.5  # seconds for an answer, and for one that is worth a line in the log
GENERATIONS = 4  # kept open
PLAIN = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/", "/page.js")
TAIL = re.compile(rb',"cache":"[a-z]+"(,"redis":\{[^{}]*\})?\}\n$')
NAME = re.compile(rb'"generation":"([^"]+)"')


def canonical(document):
    return json.dumps({key: value for key, value in document.items() if key not in ("cache", "redis")})


class History:
    """Which generation was current when: a file to which the soak adds a line for each change."""

    def __init__(self, path):
        self.file, self.spans = open(path, encoding="ascii"), []

    def read(self):
        for line in self.file:
            began, name = line.split()
            if self.spans:
                self.spans[-1][1] = float(began)
            self.spans.append([float(began), float("inf"), name])
        del self.spans[:-200]

    def served(self, began, ended):
        """The generations that may answer a request."""
        self.read()
        return {name for first, last, name in self.spans if first <= ended + EARLY and last >= began - SLACK}


class Load(Client):
    def __init__(self):
        super().__init__()
        self.rng = random.Random("%s client %d" % (self.seed, self.number))
        self.history, self.open = History(self.work + "/history"), {}
        self.known = {}  # generation: {path: (bytes, canonical text)}
        self.connection = None
        self.history.read()
        world = queries.World(self.generation(self.history.spans[-1][2]))
        self.questions = queries.draw_questions(world, random.Random(self.seed), self.distinct)
        self.places = zipf_sums(self.distinct)
        self.recommendations = [q for q in self.questions if q["kind"] == "recommend" and q.get("k", 5) <= 100]

    def generation(self, name):
        """The oracle for a generation, which the soak has put aside when it was published."""
        if name not in self.open:
            while len(self.open) >= GENERATIONS:
                oldest = min(self.open, key=lambda one: self.open[one].used)
                self.open.pop(oldest).close()
                self.known.pop(oldest)
            folder, end = self.work + "/disk/pins/" + name, time.monotonic() + 5
            while not os.path.exists(folder):
                if time.monotonic() > end:
                    raise exact.Wrong("an answer of generation %s, which was never published" % name)
                time.sleep(0.01)
            self.open[name], self.known[name] = exact.Generation(self.exact, folder, name), {}
        self.open[name].used = time.monotonic()
        return self.open[name]

    def request(self, method, path, body=None):
        if self.connection is None or self.rng.randrange(50) == 0:
            self.hang_up()
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self.connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def hang_up(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def ask(self, method, path, body=None):
        """(status, body, when it began), or None: no answer."""
        began = time.monotonic()
        self.count("requests")
        try:
            status, answer = self.request(method, path, body)
        except (OSError, http.client.HTTPException) as problem:
            self.hang_up()
            self.count("unanswered")
            self.failed(began, "%s %s: %r" % (method, path[:200], problem))
            time.sleep(0.02)
            return None
        spent = time.monotonic() - began
        self.most("slowest", spent)
        if spent > SLOW:
            self.say(note="an answer took %.2f s: %s %s" % (spent, method, path[:200]))
        return status, answer, began

    def judge(self, question, status, document, name):
        generation = self.generation(name)
        generation.judge(question, status, document)
        self.most("worst", generation.worst)

    def check_refusal(self, question, status, body, began):
        """An error does not name its generation: one that may have given it must agree."""
        ended, problem = time.monotonic(), None
        for wait in 0, 1:
            time.sleep(wait)
            for name in self.history.served(began, ended):
                try:
                    return self.judge(question, status, json.loads(body), name)
                except exact.Wrong as wrong:
                    problem = wrong
        raise exact.Wrong(str(problem))

    def check_time(self, name, began, ended):
        if name not in self.history.served(began, ended):
            self.generation(name)  # waits for one that is just being published
            time.sleep(0.2)
            served = self.history.served(began, ended)
            if name not in served:
                raise exact.Wrong("generation %s answered, current was %s" % (name, ", ".join(sorted(served))))

    def check(self, question, status, body, began):
        """Of one question. Raises exact.Wrong."""
        ended = time.monotonic()
        if status != 200:
            return self.check_refusal(question, status, body, began)
        name = NAME.search(body)[1].decode()
        self.check_time(name, began, ended)
        path, plain = queries.path_of(question), TAIL.sub(b"", body)
        self.generation(name)
        known = self.known[name].get(path)
        if known and known[0] == plain and question["kind"] != "info":
            return None
        return self.check_document(question, path, plain, json.loads(body), name)

    def check_document(self, question, path, plain, document, name):
        text, known = canonical(document), self.known[name].get(path)
        if known and question["kind"] != "info" and known[1] != text:
            raise exact.Wrong("a second document for the same question; the first was " + known[1])
        if not known or question["kind"] == "info":
            self.judge(question, 200, document, name)
        self.known[name][path] = (plain, text)

    def check_batch(self, questions, status, body, began):
        ended = time.monotonic()
        if status != 200:
            raise exact.Wrong("status %d" % status)
        answers = json.loads(body)["answers"]
        if len(answers) != len(questions):
            raise exact.Wrong("%d answers to %d questions" % (len(answers), len(questions)))
        names = {answer["generation"] for answer in answers if "generation" in answer}
        if len(names) > 1:
            raise exact.Wrong("answers of several generations: %s" % names)
        for question, answer in zip(questions, answers):
            if "error" in answer:
                status = {"not_found": 404, "usage": 400}.get(answer["error"]["code"], 500)
                self.check_refusal(question, status, json.dumps(answer), began)
            else:
                self.check_time(answer["generation"], began, ended)
                self.generation(answer["generation"])
                self.check_document(question, queries.path_of(question), None, answer, answer["generation"])
            self.count("compared")

    def draw(self):
        return self.rng.choices(self.questions, cum_weights=self.places)[0]

    def ask_batch(self):
        questions = self.rng.choices(self.recommendations, k=self.rng.randrange(1, 20))
        questions = [q for i, q in enumerate(questions) if i < 5 or not q.get("explain")]
        answer = self.ask("POST", "/v1/recommendations", queries.batch_of(questions))
        if answer:
            self.guard(self.check_batch, questions, *answer)

    def ask_one(self):
        question = self.draw()
        answer = self.ask("GET", queries.path_of(question))
        if answer:
            status, body, began = answer
            if self.lie:  # the soak's test of itself
                body = re.sub(rb'"score":(-?\d+)\.(\d)', lambda m: b'"score":%s.%d' % (m[1], 9 - int(m[2])), body, count=1)
            if self.guard(self.check, question, status, body, began):
                self.count("compared")

    def ask_plain(self):
        path = self.rng.choice(PLAIN)
        answer = self.ask("GET", path)
        if answer and answer[0] != 200:
            self.finding("%s: status %d" % (path, answer[0]), answer=answer[1].decode(errors="replace"))

    def guard(self, check, question, status, body, began):
        try:
            check(question, status, body, began)
            return True
        except exact.Wrong as wrong:
            self.count("wrong")
            name = NAME.search(body)
            text = body.decode(errors="replace")
            self.finding("a wrong answer: %s" % wrong, question=question, status=status, answer=text,
                         generation=name[1].decode() if name else None, exact=self.explain(question, name))
            return False

    def explain(self, question, name):
        """The exact answer's beginning, for who reads of a wrong one."""
        try:
            generation = self.generation(name[1].decode())
            if question["kind"] != "recommend":
                return None
            person = generation.person(question)
            seen = set(person[2]) | set(generation.rated(person[0])[0] if person[0] is not None else ())
            rows = generation.qualifying(question, set() if question.get("include_seen") else seen)
            score, bound = generation.score("score", *generation.words(person))
            best = sorted(rows, key=lambda row: (-score[row], row))[: question.get("k", 5)]
            return {"results": [[generation.items[row][0], score[row]] for row in best], "bound": bound}
        except (exact.Wrong, exact.Refused, TypeError, IndexError) as problem:
            return repr(problem)

    def run(self):
        turn = time.monotonic()
        while self.goes_on():
            lot = self.rng.randrange(100)
            if lot == 0:
                self.ask_batch()
            elif lot == 1:
                self.ask_plain()
            else:
                self.ask_one()
            turn = max(turn + 1 / self.rate, time.monotonic() - 0.5)
            time.sleep(max(0, turn - time.monotonic()))
        self.flush()
        for generation in self.open.values():
            generation.close()


if __name__ == "__main__":
    Load().run()
