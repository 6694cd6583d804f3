"""outputs.py WANT GOT: whether two texts are the same, but for what differs from run to run and is only checked: times, a
generation's name, the core of OpenBLAS; and for the last digit of a number that was measured or computed."""
import difflib
import os
import re
import shutil
import sys
import time

NUMBER = re.compile(r'(?<![\w.])[-+]?(?:\d*\.\d+|\d+)(?:e[-+]\d+)?(?![\w])')
generations = {}


def within(low, high):
    """Replaces a match's last group by an X a character, if it is a number between these."""
    def replace(match):
        text, number = match.group(), match.group(match.lastindex)
        at = match.start(match.lastindex) - match.start()
        inside = low <= float(number) <= high
        return text[:at] + 'X' + text[at + len(number):] if inside else text
    return replace


def generation(match):
    return f'GENERATION{generations.setdefault(match.group(), len(generations) + 1)}'


def log_time(match):
    age = time.time() - time.mktime(time.strptime(match.group(1) + ' UTC', '%Y-%m-%dT%H:%M:%SZ %Z')) + time.timezone
    return 'TIME ' if -2 <= age < 600 else match.group()


def age(match):
    seconds = int(match.group(2)) * (60 if match.group(3) == 'min' else 1)
    return match.group(1) + ' AGE' if seconds <= 600 else match.group()


def processors(match):
    return match.group(1) + ('CPUS' if int(match.group(2)) == len(os.sched_getaffinity(0)) else match.group(2))


RULES = [
    (r'\d{8}T\d{6}Z-[0-9a-f]{12}', generation),
    (r'(GENERATION\d+) +(\d+) (s|min)(?=  )', age),
    (r'\b(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)( |(?="))', log_time),
    (r'((?<![a-z])seconds=)([\d.]+)', within(0, 600)),
    (r'((?<![a-z])ms=)([\d.]+)', within(0, 60000)),
    (r'(samples_per_second=)(\d+)', within(1, 1e9)),
    (r'( )([\d.]+)(?= s(?:econds)?\b)', within(0, 100)),
    (r'( s, )(\d+)(?= MB of memory$)', within(3, 3000)),
    (r'(address=http://127\.0\.0\.1:)(\d+)', within(1024, 65534)),
    (r'((?:efSearch|nprobe|rerank) )(\d+)', within(0, 4096)),
    (r'(p\d\d[ =])([\d.]+)(?= ?us)', within(0.001, 1e7)),
    (r'("(?:seconds|load|train|export|gates|warm|publish|prune)":)(\d+(?:\.\d{1,3})?)(?=[,}])', within(0, 100)),
    (r'("seconds":{"train":[^,]*,"rank":)(\d+(?:\.\d{1,3})?)(?=[,}])', within(0, 100)),
    (r'((?:threads|workers).*\[)(\d+)(?=\])', processors),
    (r'(core=|BLAS core     )\w+(, chosen by |\s+chosen_by=)(?:cpu|OPENBLAS_CORETYPE)', r'\1CORE\2WHO'),
]


def plain(path):
    folder = os.getcwd()
    with open(path, encoding='utf-8', errors='surrogateescape') as f:
        text = re.sub(r'^{"schema".*', lambda m: m.group().replace('},{', '},\n{'), f.read(), flags=re.M)
    lines = text.replace(folder, 'FOLDER').split('\n')
    columns = 0  # of seconds at the end of a table's rows
    for i, line in enumerate(lines):
        columns = 2 if line.endswith('train s   rank s') else 1 if line.endswith('train s') else columns if line else 0
        if columns and line[-4:-3] != ' ':
            for _ in range(columns):
                line = re.sub(r'( )(\d+\.\d\d)(?=$| +X$)', within(0, 100), line)
        for pattern, replace in RULES:
            line = re.sub(pattern, replace, line, flags=re.M)
        lines[i] = line
    return lines


def same(want, got):
    if NUMBER.sub('#', want) != NUMBER.sub('#', got):
        return False
    for a, b in zip(NUMBER.findall(want), NUMBER.findall(got)):
        digits = max(len(n.split('e')[0].partition('.')[2]) for n in (a, b))
        if a != b and (not digits or abs(float(a) - float(b)) > max(1.5 * 10.0 ** -digits, 2e-4 * abs(float(a)), 1e-6)):
            return False
    return True


def main():
    want_path, got_path = sys.argv[1:]
    got = plain(got_path)
    if os.environ.get('MRQ_RENEW'):
        with open(want_path, 'w', encoding='utf-8', errors='surrogateescape') as f:
            f.write('\n'.join(got))
        return 0
    with open(want_path, encoding='utf-8', errors='surrogateescape') as f:
        want = f.read().split('\n')
    # What is the same but for last digits is taken as the same, so that a difference shows only what is wrong.
    if len(want) == len(got):
        got = [a if same(a, b) else b for a, b in zip(want, got)]
    if want == got:
        return 0
    sys.stdout.writelines(line + '\n' for line in difflib.unified_diff(want, got, 'want', 'got', lineterm='', n=1))
    return 1


if __name__ == '__main__':
    sys.exit(main())
