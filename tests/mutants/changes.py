"""Which changes of the code can be made, one at a time: read from the syntax tree that libclang makes of each file.

A change is a few insertions into the text, none of which moves a line. What a macro's definition spells is left alone, and so is
what must be constant (sizes of arrays, cases, static values), where no switch can stand.

Left out as well is what makes no difference by its nature: `a < b ? a : b` with `<=`, `(a > b) - (a < b)` with `>=`, two reals that
may as well be equal, a descriptor compared with 0, room that is asked for or told with one more, what is fetched beforehand, locks
that are made of zeros or have nothing to give back, an open()'s flag plus one, the limits of an option that has none, and what
memset() fills reals with."""
import json
import os
import re
import shlex
from dataclasses import dataclass, field

import clang.cindex as clang
from clang.cindex import CursorKind as K
from clang.cindex import TypeKind as T

KINDS = ['comparison turned', 'bound off by one', 'condition dropped', 'call left out', 'sign', 'constant', 'early return']

TURNED = {b'<', b'>', b'<=', b'>=', b'==', b'!='}
OFF = {b'<': '<=', b'<=': '<', b'>': '>=', b'>=': '>'}
SIGN = {b'+': '-', b'-': '+', b'+=': '-=', b'-=': '+='}
NO_CODE = {K.ENUM_DECL, K.STRUCT_DECL, K.UNION_DECL, K.TYPEDEF_DECL, K.STATIC_ASSERT, K.CXX_UNARY_EXPR, K.UNEXPOSED_ATTR,
           K.ANNOTATE_ATTR, K.ALIGNED_ATTR, K.PARM_DECL}
REALS = {T.FLOAT, T.DOUBLE}
ROOM = re.compile(r'alloc|mrq_array|mrq_arena|mrq_grow|reserve|snprintf|setsockopt')  # functions
DESCRIPTOR = re.compile(rb'\(?(.*[.>])?(fd|file|socket|signals|events|lock|pipe|folder|saved|captured)( = .*)?'
                        rb'|(accept4?|open|openat|socket|dup|signalfd|memfd_create)\(.*\)', re.S)
NO_EFFECT = re.compile(r'\w*prefetch\w*|(pthread_(mutex|cond|rwlock)|sem)_(init|destroy)')  # functions
NO_LIMITS = re.compile(rb'MRQ_OPT_(TEXT|LIST|FLAG)')  # of options
INTEGERS = {T.CHAR_S, T.SCHAR, T.UCHAR, T.SHORT, T.USHORT, T.INT, T.UINT, T.LONG, T.ULONG, T.LONGLONG, T.ULONGLONG, T.ENUM}


@dataclass
class Change:
    path: str       # from the project's folder
    function: str
    line: int
    kind: str
    what: str       # 'a < b -> a <= b', on one line
    start: int      # the bytes it is about
    end: int
    edits: list = field(default_factory=list)  # (from, to, text), a "@" in the text being the change's number

    def key(self):
        return self.path, self.function, self.kind, self.what


def flat(text):
    text = ' '.join(text.decode('utf-8', 'replace').split())
    return text if len(text) <= 100 else text[:70] + ' ... ' + text[-25:]


class Reader:
    """The changes of the files of one translation unit that lie in the folders asked for."""

    def __init__(self, top, wanted, seen):
        self.top, self.wanted, self.seen = top, wanted, seen
        self.changes, self.texts, self.macros = [], {}, {}
        self.even = 0  # changes that make no difference by their nature

    def read(self, unit):
        for cursor in unit.cursor.get_children():
            if cursor.kind == K.MACRO_INSTANTIATION and cursor.location.file:
                self.macros.setdefault(cursor.location.file.name, []).append(
                    (cursor.extent.start.offset, cursor.extent.end.offset, cursor.spelling))
        paths = set()
        for cursor in unit.cursor.get_children():
            path = self.wanted_path(cursor)
            if path and path not in self.seen:
                paths.add(path)
                self.enter(cursor, path)
        self.seen |= paths

    def wanted_path(self, cursor):
        if cursor.kind.is_preprocessing() or not cursor.location.file:
            return None
        path = os.path.relpath(os.path.realpath(cursor.location.file.name), self.top)
        return path if self.wanted(path) else None

    def enter(self, cursor, path):
        self.path = path
        if path not in self.texts:
            with open(os.path.join(self.top, path), 'rb') as f:
                self.texts[path] = f.read()
        self.text = self.texts[path]
        self.macro = self.macros.get(cursor.location.file.name, [])
        if cursor.kind in (K.NAMESPACE, K.LINKAGE_SPEC, K.UNEXPOSED_DECL, K.CLASS_DECL):
            for child in cursor.get_children():
                self.enter(child, path)
        elif cursor.kind in (K.FUNCTION_DECL, K.CXX_METHOD, K.CONSTRUCTOR, K.FUNCTION_TEMPLATE) and cursor.is_definition():
            self.function = cursor.spelling
            body = [c for c in cursor.get_children() if c.kind == K.COMPOUND_STMT]
            if NO_EFFECT.fullmatch(self.function):
                self.even += 1
            elif body and not self.in_macro(*self.span(body[0])):
                self.early_return(cursor, body[0])
                self.walk(body[0], cursor)
                self.tries(*self.span(body[0]))

    @staticmethod
    def span(cursor):
        return cursor.extent.start.offset, cursor.extent.end.offset

    def in_macro(self, start, end):
        """Whether one end of these bytes stands within a macro's use, or they are all of one."""
        return any(s < start < e or s < end < e or (s, e) == (start, end) for s, e, _ in self.macro)

    def add(self, kind, start, end, edits, after):
        text = self.text
        line = text.count(b'\n', 0, start) + 1
        self.changes.append(Change(self.path, self.function, line, kind, f'{flat(text[start:end])} -> {after}', start, end, edits))

    def wrap(self, kind, start, end, before, behind, after):
        self.add(kind, start, end, [(start, start, before), (end, end, behind)], after)

    def early_return(self, function, body):
        result = function.result_type
        canonical = result.get_canonical().kind
        start = body.extent.start.offset
        if result.kind == T.VOID:
            value = ''
        elif canonical == T.POINTER:
            value = ' 0'
        elif canonical in INTEGERS or canonical in (T.BOOL, T.FLOAT, T.DOUBLE):
            value = f' ({result.spelling})0'
        else:
            return
        self.add('early return', start, start + 1, [(start + 1, start + 1, f' if (MUT(@)) return{value};')],
                 f'{{ return{value};')

    def tries(self, start, end):
        """MRQ_TRY(call): the call is left out, as if it had gone well."""
        for s, e, name in self.macro:
            if name == 'MRQ_TRY' and start <= s and e <= end:
                inner = s + len('MRQ_TRY(')
                if self.text[s:inner] == b'MRQ_TRY(' and b'(' in self.text[inner:e - 1]:
                    self.wrap('call left out', inner, e - 1, '(MUT(@) ? MRQ_OK : (', '))', 'MRQ_OK')

    def walk(self, cursor, parent):
        kind = cursor.kind
        if kind in NO_CODE or kind.is_attribute():
            return
        if kind == K.VAR_DECL and cursor.storage_class == clang.StorageClass.STATIC:
            return
        children = list(cursor.get_children())
        start, end = self.span(cursor)
        if cursor.location.file and not (cursor.extent.start.file and self.same_file(cursor)):
            return
        if kind == K.CASE_STMT:
            children = children[1:]
        if kind == K.VAR_DECL and cursor.type.get_canonical().kind == T.CONSTANTARRAY:  # its value alone, not its size
            children = [c for c in children if b'=' in self.text[cursor.location.offset:self.span(c)[0]]]
        if not self.in_macro(start, end):
            if kind in (K.BINARY_OPERATOR, K.COMPOUND_ASSIGNMENT_OPERATOR) and len(children) == 2:
                self.operator(cursor, parent, *children)
            elif kind == K.UNARY_OPERATOR and self.text[start:start + 1] == b'-' and self.text[start + 1:start + 2] != b'-':
                self.wrap('sign', start, end, '((MUT(@) ? -1 : 1) * ', ')', flat(self.text[start + 1:end]))
            elif kind == K.CONDITIONAL_OPERATOR and len(children) == 3:
                self.condition(children[0])
            elif kind in (K.IF_STMT, K.WHILE_STMT) and children and children[0].kind != K.VAR_DECL:
                self.condition(children[0], kind == K.IF_STMT)
            elif kind == K.CALL_EXPR and NO_EFFECT.fullmatch(cursor.spelling):
                self.even += 1
                return
            elif kind == K.CALL_EXPR and self.is_statement(cursor, parent):
                self.wrap('call left out', start, end, 'MUT(@) ? (void)0 : (void)(', ')', 'nothing')
        if kind in (K.INTEGER_LITERAL, K.FLOATING_LITERAL, K.CHARACTER_LITERAL):
            if self.is_room(parent, start) or self.is_plain(cursor, parent, start, end):
                self.even += 1
            else:
                self.literal(cursor, parent, start, end)
        outer = parent if kind == K.UNEXPOSED_EXPR else cursor  # a conversion that nobody wrote
        for child in children:
            self.walk(child, outer)

    def same_file(self, cursor):
        return os.path.relpath(os.path.realpath(cursor.extent.start.file.name), self.top) == self.path

    def is_statement(self, cursor, parent):
        if parent.kind == K.COMPOUND_STMT:
            return True
        return parent.kind in (K.IF_STMT, K.FOR_STMT, K.WHILE_STMT, K.CASE_STMT, K.DEFAULT_STMT) and \
            re.match(rb'\s*;', self.text[self.span(cursor)[1]:]) is not None and \
            self.text[:self.span(cursor)[0]].rstrip()[-1:] in (b')', b'e', b':')  # "if (...)", "else", "case x:"

    def condition(self, cursor, always=True):
        start, end = self.span(cursor)
        if self.in_macro(start, end) and (start, end) not in [(s, e) for s, e, _ in self.macro]:
            return
        if always:
            self.wrap('condition dropped', start, end, '(MUT(@) || (', '))', 'true')
        self.wrap('condition dropped', start, end, '(!MUT(@) && (', '))', 'false')

    def operator(self, cursor, parent, left, right):
        (start, middle), (from_, end) = self.span(left), self.span(right)
        if (start, end) != self.span(cursor) or middle > from_:
            return
        between = self.text[middle:from_]
        op = re.sub(rb'//[^\n]*|/\*.*?\*/', b'', between, flags=re.S).strip()
        lines = '\n' * between.count(b'\n')
        a, b = flat(self.text[start:middle]), flat(self.text[from_:end])
        auto = 'auto' if self.path.endswith('.cpp') else '__auto_type'

        def either(kind, other):
            self.add(kind, start, end, [
                (start, start, f'({{ {auto} l@ = ('),
                (middle, from_, f'{lines}); {auto} r@ = ('),
                (end, end, f'); MUT(@) ? l@ {other} r@ : l@ {op.decode()} r@; }})')], f'{a} {other} {b}')
        if op in TURNED:
            self.wrap('comparison turned', start, end, '(MUT(@) ^ (', '))', f'not {a} {op.decode()} {b}')
        if op in OFF:
            if self.is_even(cursor, left, right, parent):
                self.even += 1
            else:
                either('bound off by one', OFF[op])
        pointers = [c.type.get_canonical().kind in (T.POINTER, T.CONSTANTARRAY) for c in (left, right)]
        if op in (b'+', b'-') and not any(pointers):
            either('sign', SIGN[op])
        if op in (b'+=', b'-=') and not any(pointers):
            self.add('sign', start, end, [(from_, from_, '(MUT(@) ? -1 : 1) * ('), (end, end, ')')], f'{a} {SIGN[op]} {b}')
        if op in (b'&&', b'||'):
            open_ = '(MUT(@) || (' if op == b'&&' else '(!MUT(@) && ('
            self.add('condition dropped', start, end, [(start, start, open_), (middle, middle, '))')], b)
            self.add('condition dropped', start, end, [(from_, from_, open_), (end, end, '))')], a)

    def is_room(self, parent, start):
        """Whether a number is an argument of what wants to know how much room there is."""
        return parent.kind == K.CALL_EXPR and ROOM.search(parent.spelling) is not None and \
            self.text[start:start + 1] != b"'"

    def is_plain(self, cursor, parent, start, end):
        """Whether a number stands for nothing: in `= {0}`, an open()'s flag, a limit of an option that has none, or zeros for reals."""
        if re.match(rb'O_[A-Z]+', self.text[start:end]) or self.fills_reals(parent, start):
            return True
        around = self.text[slice(*self.span(parent))]
        if parent.kind == K.CALL_EXPR and re.match(rb'socket\(AF_UNIX, .*, 0\)$', around) and end == self.span(parent)[1] - 1:
            return True  # PF_UNIX is 1, and the same
        if parent.kind == K.INIT_LIST_EXPR and re.search(rb'POLL\w+, 0}$', around) and end == self.span(parent)[1] - 1:
            return True  # which poll() sets
        return parent.kind == K.INIT_LIST_EXPR and (around == b'{0}' or NO_LIMITS.search(around) is not None)

    def fills_reals(self, parent, start):
        """Whether a number is what memset() fills reals with: bytes of 1 are 2e-38 or less, which no sum shows."""
        if parent.kind != K.CALL_EXPR or parent.spelling != 'memset':
            return False
        to, byte, _ = parent.get_arguments()
        while to.kind == K.UNEXPOSED_EXPR:  # a conversion that nobody wrote
            to = next(to.get_children())
        return self.span(byte)[0] == start and to.type.get_canonical().get_pointee().kind in REALS

    def is_even(self, cursor, left, right, parent):
        """Whether equal sides make no difference: of `a < b ? a : b`, of `(a < b) - (a > b)`, of two reals, of a descriptor and 0."""
        a, b = (self.text[slice(*self.span(side))] for side in (left, right))
        at, behind = self.span(cursor)
        if re.search(rb'[(]%s < %s[)] - [(]$|[(]%s > %s[)] - [(]$' % ((re.escape(a), re.escape(b)) * 2), self.text[:at]) or \
                re.match(rb'[)] - [(]%s [<>] %s[)]' % (re.escape(a), re.escape(b)), self.text[behind:]):
            return True
        if parent.kind == K.CONDITIONAL_OPERATOR:
            of = list(parent.get_children())
            values = [unwrapped(self.text[slice(*self.span(c))]) for c in of[1:]]
            if self.span(of[0]) == self.span(cursor) and sorted(values) == sorted([unwrapped(a), unwrapped(b)]):
                return True
        if left.type.get_canonical().kind in REALS or right.type.get_canonical().kind in REALS:
            return not re.fullmatch(rb'-?[\d.]+f?', b) or b'mrq_clock' in a + b
        return b == b'0' and DESCRIPTOR.fullmatch(a) is not None

    def literal(self, cursor, parent, start, end):
        text = self.text[start:end]
        if self.in_macro(start, end):
            if (start, end) not in [(s, e) for s, e, _ in self.macro] or not re.fullmatch(rb'\w+', text) or text == b'NULL':
                return
        elif not re.fullmatch(rb"[\w.+-]+|'.*'", text):
            return
        if self.text[:start].rstrip()[-1:] == b'[' and parent.kind in (K.VAR_DECL, K.DECL_STMT, K.FIELD_DECL, K.INIT_LIST_EXPR):
            return
        if text in (b'true', b'false'):
            self.wrap('constant', start, end, '(MUT(@) ^ ', ')', 'false' if text == b'true' else 'true')
        elif cursor.kind == K.FLOATING_LITERAL:
            self.wrap('constant', start, end, '((MUT(@) ? 2 : 1) * ', ')', f'2 * {text.decode()}')
        else:
            self.wrap('constant', start, end, '(MUT(@) + ', ')', f'1 + {text.decode()}')


def unwrapped(text):
    """Without casts to plain types, blanks and parentheses around it."""
    return re.sub(rb'\(\w+\)|[\s()]', b'', text)


def arguments(entry):
    """Of a compile command what the parser needs."""
    words = shlex.split(entry['command'])
    out, i = [], 1
    while i < len(words):
        word = words[i]
        if word in ('-include', '-isystem', '-D', '-I'):
            out += words[i:i + 2]
            i += 1
        elif re.match(r'-(I|D|U|std=|isystem|m)', word) and not word.startswith(('-MD', '-MQ', '-MF')):
            out.append(word)
        i += 1
    return out


def find(top, build, wanted):
    """All changes of the files that `wanted` takes, in order of place, and how many more make no difference by their nature; `build`
    has been set up from the folder `top`."""
    with open(os.path.join(build, 'compile_commands.json')) as f:
        commands = json.load(f)
    index, seen, done, out, even = clang.Index.create(), set(), set(), [], 0
    for entry in commands:
        source = os.path.realpath(os.path.join(entry['directory'], entry['file']))
        if source in done or not wanted(os.path.relpath(source, top)):
            continue
        done.add(source)
        os.chdir(entry['directory'])
        unit = index.parse(source, args=arguments(entry), options=clang.TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD)
        bad = [d for d in unit.diagnostics if d.severity >= clang.Diagnostic.Error]
        if bad:
            raise SystemExit(f'mutate: libclang cannot read {source}: {bad[0].spelling}')
        reader = Reader(top, wanted, seen)
        reader.read(unit)
        out += reader.changes
        even += reader.even
    out.sort(key=lambda c: (c.path, c.start, c.end, c.kind, c.what))
    return out, even
