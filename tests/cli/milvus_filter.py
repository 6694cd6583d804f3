"""What fake-milvus knows of Milvus's filter expressions, and its errors."""

import operator, re


class Wrong(Exception):
    """Code and message of an error."""


TOKEN_OF_FILTER = re.compile(
    r"""\s*(?:(?P<number>-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<name>\$?[A-Za-z_]\w*)
    |(?P<sign>==|!=|<=|>=|&&|\|\||[<>!()\[\],]))""",
    re.X,
)
COMPARE = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Filter:
    """A text compiled to `test`, a function of a row. Of Milvus's language it lacks arithmetic, paths into JSON and a < x < b. What
    a row has not is equal to nothing. 2.3, `old`, has another code for what is wrong, wants a prefix for `like`, no empty array
    where one is contained, and at most 49 levels: a and b and c has three, parentheses add none."""

    def __init__(self, text, old):
        self.all, self.old, self.tokens, at = text, old, [], 0
        text = text.rstrip()
        while at < len(text):
            found = TOKEN_OF_FILTER.match(text, at)
            if not found:
                self.wrong(f"line 1:{at} token recognition error")
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self.tokens.append(("end", "<EOF>"))
        try:
            self.test, depth = self.either()
        except RecursionError:
            depth = 1 << 40
        if depth > 49 and (old or depth == 1 << 40):
            raise Wrong(65535, "failed to search: Assert \"(data_type == static_cast<DataType>(column_info.data_type()))\"")
        if self.tokens[0][0] != "end":
            self.wrong(f"extraneous input '{self.tokens[0][1]}'")

    def wrong(self, why):
        why = f"failed to create query plan: cannot parse expression: {self.all}, error: {why}"
        raise Wrong(65535 if self.old else 1100, why)

    def take(self, *words):
        kind, word = self.tokens[0]
        if kind in ("name", "sign") and word.lower() in words:
            return self.tokens.pop(0)[1].lower()
        return None

    def need(self, word):
        if not self.take(word):
            self.wrong(f"mismatched input '{self.tokens[0][1]}' expecting '{word}'")

    def either(self):
        return self.chain(any, self.both, "or", "||")

    def both(self):
        return self.chain(all, self.one, "and", "&&")

    def chain(self, of, operand, *words):
        """A test, and how deep it is; so do those that follow."""
        test, depth = operand()
        tests = [test]
        while self.take(*words):
            test, deep = operand()
            tests.append(test)
            depth = max(depth, deep) + 1
        return (test if len(tests) == 1 else lambda row: of(t(row) for t in tests)), depth

    def one(self):
        if self.take("not", "!"):
            test, depth = self.one()
            return (lambda row: not test(row)), depth + 1
        if self.take("("):
            inner = self.either()
            self.need(")")
            return inner
        return self.leaf(), 1

    def leaf(self):
        if self.take("exists"):
            name = self.name()
            return lambda row: name in row
        called = self.take(*(f"{of}_contains{how}" for of in ("json", "array") for how in ("", "_any", "_all")))
        if called:
            self.need("(")
            name = self.name()
            self.need(",")
            wanted = self.value()
            self.need(")")
            if called.endswith(("any", "all")) and (not isinstance(wanted, list) or self.old and not wanted):
                self.wrong(f"{called} wants an array")
            if called.endswith("contains"):
                return lambda row: has(row.get(name), wanted)
            every = all if called.endswith("all") else any
            return lambda row: every(has(row.get(name), w) for w in wanted)
        name = self.name()
        if self.take("like"):
            return self.like(name, self.value())
        inverse = self.take("not")
        if self.take("in"):
            wanted = self.value()
            if not isinstance(wanted, list):
                self.wrong("the right-hand side of in is no array")
            wanted = set(map(repr, wanted))
            return lambda row: (repr(row.get(name)) in wanted) != bool(inverse)
        sign = None if inverse else self.take(*COMPARE)
        if not sign:
            self.wrong(f"mismatched input '{self.tokens[0][1]}'")
        wanted, compare = self.value(), COMPARE[sign]
        return lambda row: compare(row[name], wanted) if alike(row.get(name), wanted) else sign == "!="

    def like(self, name, pattern):
        if not isinstance(pattern, str):
            self.wrong(f"mismatched input '{pattern}'")
        if self.old and "%" in pattern[:-1]:
            self.wrong(f"unsupported pattern: {pattern}, only prefix pattern match like ab% and equal match like ab are supported")
        shape = re.compile(".*".join(map(re.escape, pattern.split("%"))), re.S)
        return lambda row: isinstance(row.get(name), str) and bool(shape.fullmatch(row[name]))

    def name(self):
        kind, word = self.tokens.pop(0)
        if kind != "name":
            self.wrong(f"mismatched input '{word}'")
        return word

    def value(self):
        kind, word = self.tokens.pop(0)
        if kind == "number":
            return float(word) if re.search(r"[.eE]", word) else int(word)
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", word[1:-1])
        if kind == "name" and word.lower() in ("true", "false"):
            return word.lower() == "true"
        if word != "[":
            self.wrong(f"mismatched input '{word}'")
        values = []
        while not self.take("]"):
            values.append(self.value())
            if not self.take(","):
                self.need("]")
                break
        return values


def alike(a, b):
    numbers = isinstance(a, (int, float)) and isinstance(b, (int, float)) and isinstance(a, bool) == isinstance(b, bool)
    return numbers or isinstance(a, str) and isinstance(b, str)


def has(values, wanted):
    return isinstance(values, list) and any(alike(v, wanted) and v == wanted for v in values)
