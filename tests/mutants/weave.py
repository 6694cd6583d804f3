"""Many changes in one program: a copy of the project in which each is a branch that $MRQ_MUTANT switches on, built once a kind of
build. What does not compile is taken out, and the build goes on."""
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.realpath(__file__))
BUILDS = {
    'release': [],
    'sanitized': ['--buildtype=debugoptimized', '-Db_sanitize=address,undefined', '-Db_lundef=false'],
}


def copy(top, to):
    """The files that git knows, as they are in the work tree; a file that is the same keeps its time, so that little is built anew."""
    names = subprocess.run(['git', '-C', top, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], check=True,
                           capture_output=True, text=True).stdout.split('\0')
    names = {n for n in names if n and os.path.lexists(os.path.join(top, n))}
    for name in names:
        source, target = os.path.join(top, name), os.path.join(to, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.islink(source):
            if not os.path.islink(target):
                os.symlink(os.readlink(source), target)
            continue
        with open(source, 'rb') as f:
            put(target, f.read())
        shutil.copymode(source, target)
    for folder, _, files in os.walk(to):
        for name in files:
            if os.path.relpath(os.path.join(folder, name), to) not in names:
                os.unlink(os.path.join(folder, name))


def put(path, data):
    if os.path.exists(path):
        with open(path, 'rb') as f:
            if f.read() == data:
                return
    with open(path, 'wb') as f:
        f.write(data)


def woven(text, changes):
    """A file's text with its changes, a dictionary of numbers, switched."""
    edits = []
    for number, change in changes.items():
        for from_, to, what in change.edits:
            # What ends here comes before what begins here; of what ends the inner first, of what begins the outer first.
            order = (2, 0) if to > from_ else (1, change.end - change.start) if from_ == change.end else \
                (4, change.start - change.end) if from_ == change.start else (3, 0)
            edits.append((from_, *order, to, what.replace('@', str(number))))
    out, at = [], 0
    for from_, _, _, to, what in sorted(edits):
        out += [text[at:from_], what.encode()]
        at = to
    return b''.join(out + [text[at:]])


def read(top, changes):
    """{path: text} of the files that changes are in, as they are now."""
    texts = {}
    for path in {c.path for c in changes}:
        with open(os.path.join(top, path), 'rb') as f:
            texts[path] = f.read()
    return texts


def weave(texts, to, changes):
    """Writes the files of the copy, of which `texts` are without a change; `changes` is a dictionary of numbers."""
    for path, text in texts.items():
        inside = {n: c for n, c in changes.items() if c.path == path}
        head = f'#include "{HERE}/mutant.h"\n#line 1 "{os.path.join(to, path)}"\n'.encode()
        put(os.path.join(to, path), head + woven(text, inside) if inside else text)


def setup(folder, build, options):
    if not os.path.exists(os.path.join(build, 'build.ninja')):
        shutil.rmtree(build, ignore_errors=True)
        subprocess.run(['meson', 'setup', build, folder, '-Dwerror=false', *options], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, 'CC': 'gcc', 'CXX': 'g++'})
    else:  # files may have come and gone
        subprocess.run(['ninja', '-C', build, 'build.ninja'], check=True, stdout=subprocess.DEVNULL)


def compile_once(build, jobs):
    return subprocess.run(['ninja', '-C', build, '-k', '0', '-j', str(jobs)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, text=True, errors='replace')


def build_all(texts, folder, build, changes, jobs):
    """Builds; returns the numbers of the changes that had to be taken out."""
    left, out = dict(changes), set()
    while True:
        weave(texts, folder, left)
        ran = compile_once(build, jobs)
        if ran.returncode == 0:
            return out
        bad = blamed(ran.stdout, r'(?:fatal )?error:', folder, build, left) or \
            blamed(ran.stdout, r'note: in expansion', folder, build, left)  # of a macro, in whose header the error stands
        if not bad:
            raise SystemExit('mutate: does not build, and not because of a change:\n' + ran.stdout[-4000:])
        out |= bad
        for n in bad:
            del left[n]


def blamed(output, message, folder, build, changes):
    """The numbers of the changes in whose lines a compiler's messages stand."""
    places = {(os.path.relpath(os.path.realpath(os.path.join(build, path)), folder), int(line))
              for path, line in re.findall(r'^(\S+?):(\d+):\d+: ' + message, output, re.M)}
    return {n for n, c in changes.items() for path, line in places
            if c.path == path and c.line <= line <= c.line + 40 and near(changes, n, path, line)}


def near(changes, number, path, line):
    """Whether a change is the closest one that begins at or before this line."""
    before = [c.line for c in changes.values() if c.path == path and c.line <= line]
    return bool(before) and changes[number].line == max(before)
