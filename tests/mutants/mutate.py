"""Changes the code, one small thing at a time, and asks of each change whether a test notices. See --help."""
import argparse
import collections
import hashlib
import os
import random
import re
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import changes as finder
import trial
import weave

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
SAME_MAX = 5  # percent of a sample that may be listed in
EQUIVALENT = os.path.join(os.path.dirname(os.path.realpath(__file__)), 'equivalent.txt')

ABOUT = """Changes the code, one small thing at a time, and asks of each change whether a test notices.

The changes, in src/, index/ and tools/*.c: a comparison turned around, a bound off by one, a condition dropped, a call left out, a
sign, a constant, an early return. A sample of them, as many of each kind, goes into one program as branches that a variable
switches, built in two ways, release and with the address and undefined sanitizers. Each test then tells which changes it comes
across, and each change meets those tests alone, the quickest and those that noticed other changes of the file first, until one
fails: unit tests and fuzzing corpora of both builds, then scripts and faults.

Prints a table by room and the place of every change that survived. Changes that make no difference stand in
tests/mutants/equivalent.txt with their reasons, and are not counted: 5 % of a sample of 200 or more at most. Exits with 0 when at least
--floor percent were noticed."""


def read_options():
    parser = argparse.ArgumentParser(prog='tools/mutate', description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog='examples:\n  tools/mutate --sample 400 --seed 7\n'
                                            '  tools/mutate --sample 100 src/store src/base/container.c')
    parser.add_argument('--sample', type=int, metavar='N', default=60, help='how many changes, 1 to 100000 (default: 60)')
    parser.add_argument('--seed', type=int, metavar='S',
                        help='which ones; the same seed and code, the same changes, and other code almost the same (default: by chance)')
    parser.add_argument('--floor', type=float, metavar='PERCENT', default=90, help='how many must be noticed (default: 90)')
    parser.add_argument('--patience', type=float, metavar='SECONDS', default=60,
                        help='of tests that a change meets, in each round, before it counts as survived (default: 60)')
    parser.add_argument('--jobs', type=int, metavar='N', default=os.cpu_count(), help='tests at a time (default: the cores)')
    parser.add_argument('--build', metavar='DIR', default=os.path.join(TOP, 'build/mutants'), help='folder (default: build/mutants)')
    parser.add_argument('--changes', metavar='FILE',
                        help='changes of your own instead: a line "NAME PATH", then "  - " before a text and "  + " before what it is\n'
                             'replaced by, in which MUT(...) is true when the change is made')
    parser.add_argument('--quick', action='store_true', help='only unit tests and fuzzing corpora: what survives may be noticed by others')
    parser.add_argument('--list', action='store_true', help='only lists the sample')
    parser.add_argument('path', nargs='*', help='folders and files, from the top (default: all)')
    options = parser.parse_args()
    if not 1 <= options.sample <= 100000:
        parser.error(f'--sample {options.sample}: want 1 to 100000')
    if not 1 <= (options.jobs or 1) <= 256:
        parser.error(f'--jobs {options.jobs}: want 1 to 256')
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1, 1 << 31)
    options.build = os.path.abspath(options.build)
    options.path = [p.rstrip('/') for p in options.path]
    for path in options.path:
        if not os.path.exists(os.path.join(TOP, path)):
            parser.error(f'there is no {path} in {TOP}')
    return options


def wanted(path):
    return path.startswith(('src/', 'index/')) or re.fullmatch(r'tools/[^/]*\.c', path) is not None


def room(path):
    return path.rsplit('/', 1)[0]


def say(text):
    print(f'mutate: {text}', file=sys.stderr, flush=True)


def read_equivalent():
    """{key: reason} of the changes that make no difference."""
    out = {}
    with open(EQUIVALENT, encoding='utf-8') as f:
        for n, line in enumerate(f, 1):
            if not line.strip() or line.startswith('#'):
                continue
            parts = line.rstrip('\n').split('\t')
            if len(parts) != 5 or parts[2] not in finder.KINDS or not parts[4].strip():
                sys.exit(f'mutate: {EQUIVALENT}:{n}: want path, function, kind, change and reason with tabs between them')
            out[tuple(parts[:4])] = parts[4]
    return out


def read_changes(path):
    """The changes that a file tells, as survivors of another count may be."""
    with open(path, encoding='utf-8') as f:
        text = f.read()
    out = []
    for head, old, new in re.findall(r'^(\S[^\n]*)\n  - (.*?)\n+  \+ (.*?)(?=\n\S|\Z)', text, re.M | re.S):
        name, where = ' '.join(head.split()[:-1]), head.split()[-1]
        old, new = old.strip(), re.sub(r'MUT\([^)]*\)', 'MUT(@)', new.strip())
        with open(os.path.join(TOP, where), encoding='utf-8') as f:
            source = f.read()
        pattern = r'\s+'.join(re.escape(word) for word in old.split())
        found = re.search(pattern, source)
        if not found:
            say(f'{path}: {name}: {where} has no "{old}"')
            continue
        start, end = len(source[:found.start()].encode()), len(source[:found.end()].encode())
        new = ' '.join(new.split()) + '\n' * found.group().count('\n')
        out.append(finder.Change(where, name, source.count('\n', 0, found.start()) + 1, 'call left out', f'{name}', start, end,
                                 [(start, end, new)]))
    return out


def sample(all_changes, options):
    """As many of each kind, by chance; of one place one at most. The chance of each is its own: where other code changes, a seed takes
    almost the same."""
    alike, pools = collections.Counter(), {kind: [] for kind in finder.KINDS}
    for change in all_changes:
        alike[change.key()] += 1
        chance = hashlib.sha256(repr((options.seed, change.key(), alike[change.key()])).encode()).digest()
        pools[change.kind].append((chance, change))
    pools = [[change for _, change in sorted(pool, key=lambda pair: pair[0])] for pool in pools.values()]
    out, taken = [], {}
    while len(out) < options.sample and any(pools):
        for pool in pools:
            while pool and len(out) < options.sample:
                c = pool.pop()
                # Two that replace the same operator, or that begin and end alike, cannot be told apart in the text.
                edits = {(c.path, a, b) for a, b, _ in c.edits}
                if edits & taken.setdefault(c.path, set()):
                    continue
                taken[c.path] |= edits
                out.append(c)
                break
    return out


def place(change):
    return f'{change.path}:{change.line}: {change.function}(): {change.kind}: {change.what}'


class Progress:
    """Says every ten seconds how many of so many are done."""

    def __init__(self, total, what):
        self.total, self.what, self.done = total, what, 0
        self.began = self.told = time.monotonic()

    def of(self, work):
        """The same work, counted."""
        def counted(item):
            result = work(item)
            self.done += 1
            now = time.monotonic()
            if now - self.told > 10 or self.done == self.total:
                self.told = now
                say(f'{self.done} of {self.total} {self.what}, {now - self.began:.0f} s')
            return result
        return counted


STAGES = [('release', True), ('sanitized', True), ('release', False)]  # which build, and whether with its quick tests


def try_all(options, chosen, equivalent):
    """The changes by number, and {number: outcome}: 'not built', None, '' (no test comes there) or the name of a test."""
    numbered = dict(enumerate(chosen, 1))
    outcome = dict.fromkeys(numbered, '')
    folder, scratch = os.path.join(options.build, 'source'), os.path.join(options.build, 'tmp')
    os.makedirs(scratch, exist_ok=True)
    texts = weave.read(folder, chosen)  # of the copy: who edits the project meanwhile edits nothing here
    trials, built = trial.Trials(scratch, options.patience), set()
    stages = STAGES[:2] if options.quick else STAGES
    for stage, (name, quick) in enumerate(stages):
        left = {n: c for n, c in numbered.items() if not outcome[n] and not (built and c.key() in equivalent)}
        if not left:
            break
        build = os.path.join(options.build, name)
        if name not in built:
            say(f'building {name} with {len(left)} changes')
            for n in weave.build_all(texts, folder, build, left, options.jobs):
                outcome[n] = 'not built'
                left.pop(n)
            built.add(name)
        run_stage(options, trials, trial.tests_of(build, quick), left, outcome, stage + 1 == len(stages))
    return numbered, outcome


def run_stage(options, trials, tests, left, outcome, last):
    """Tries the changes `left` with some tests, and writes down what came out; tells at once what survives."""
    highest = max(left, default=0)
    progress = Progress(len(tests), 'tests run without a change')
    with ThreadPoolExecutor(options.jobs) as pool:
        fine = list(pool.map(progress.of(lambda test: trials.reach(test, highest)), tests))
    without = [t.name for t, ok in zip(tests, fine) if not ok]
    if without:
        say('left out, as they skip or fail without a change: ' + ', '.join(without))
    trials.tests = [t for t, ok in zip(tests, fine) if ok]
    progress = Progress(len(left), 'changes tried')

    def judge(number):
        return trials.judge(number, left[number].path)
    with ThreadPoolExecutor(options.jobs) as pool:
        for number, found in zip(left, pool.map(progress.of(judge), left)):
            if found != '':
                outcome[number] = found
            if not found:
                say(f'not noticed{"" if last else " so far"}: {place(left[number])}')


def report(numbered, outcome, equivalent):
    """Prints the table and the survivors; returns how many percent were noticed, and of how many nobody could."""
    rows = collections.defaultdict(collections.Counter)
    survivors = []
    for number, change in numbered.items():
        found = outcome[number]
        same = change.key() in equivalent
        what = 'not built' if found == 'not built' else 'killed' if found else 'equivalent' if same else 'survived'
        for name in room(change.path), change.kind, 'all':
            rows[name][what] += 1
        if what == 'survived':
            survivors.append(place(change) + (' (no test comes here)' if found == '' else ''))
        if what == 'killed' and same:
            print(f'no equivalent, by {found}: {place(change)}')
    columns = ['killed', 'survived', 'equivalent', 'not built']
    print(f'{"":20}' + ''.join(f'{c:>12}' for c in columns) + f'{"noticed":>12}')
    share = {}
    for name in sorted(rows, key=lambda n: (n == 'all', n in finder.KINDS, n)):
        row = rows[name]
        tried = row['killed'] + row['survived']
        share[name] = 100 * row['killed'] / tried if tried else 100.0
        print(f'{name:20}' + ''.join(f'{row[c]:12}' for c in columns) + f'{share[name]:10.1f} %')
    for line in survivors:
        print(f'survived: {line}')
    return share['all'], 100 * rows['all']['equivalent'] / len(numbered)


def main():
    options = read_options()
    folder = os.path.join(options.build, 'source')
    os.makedirs(folder, exist_ok=True)
    if not options.changes:
        say(f'{options.sample} changes, --seed {options.seed}')
    weave.copy(TOP, folder)
    for name, settings in weave.BUILDS.items():
        weave.setup(folder, os.path.join(options.build, name), settings)
    equivalent = read_equivalent()
    if options.changes:
        chosen = read_changes(options.changes)
    else:
        found, even = finder.find(folder, os.path.join(options.build, 'release'), wanted)
        keys = {c.key() for c in found}
        for key in equivalent:
            if key not in keys:
                say(f'{EQUIVALENT}: there is no such change any more: {" ".join(key)}')
        inside = [c for c in found if not options.path or any(c.path == p or c.path.startswith(p + '/') for p in options.path)]
        say(f'{len(found)} changes can be made' + (f', {len(inside)} of them there' if options.path else '') +
            f'; {even} more make no difference by their nature, and are left out')
        chosen = sample(inside, options)
    if not chosen:
        sys.exit('mutate: there is nothing to change')
    if options.list:
        for change in chosen:
            print(place(change))
        return 0
    numbered, outcome = try_all(options, chosen, equivalent)
    noticed, same = report(numbered, outcome, equivalent)
    print(f'{noticed:.1f} % of the changes were noticed, want {options.floor:g} %; --seed {options.seed}')
    many = same > SAME_MAX and len(numbered) >= 200  # of a few one is many
    if many:
        print(f'{same:.1f} % are listed as no difference, want at most {SAME_MAX} %')
    return 0 if noticed >= options.floor and not many else 1


def give_up(number, _):
    trial.kill_marked(trial.MARK)
    os._exit(128 + number)


if __name__ == '__main__':
    for sign in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(sign, give_up)
    sys.exit(main())
