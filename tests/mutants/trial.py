"""The tests against one change at a time: which tests there are, which changes each comes across, and whether one fails."""
import collections
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

LEFT_OUT = {'lint', 'long', 'ci', 'milvus', 'bench-smoke'}  # suites
LEFT_OUT_TESTS = {'check', 'cores', 'readme', 'ml-100k', 'ml-latest-small'}  # of the tests themselves, slow, or in want of data
SKIPPED = 77
FAILED = b'[  FAILED  ]'  # what a unit test says at once, and goes on
MARK = f'MRQ_TRIAL={os.getpid()}-'  # in the environment of all that this run starts
LONG = 2.0  # seconds: what is believed at once ends sooner


@dataclass
class Test:
    name: str
    command: list
    environment: dict
    folder: str
    alone: bool           # measures time
    seconds: float = 0.0
    reached: bytes = b''

    def cost(self):
        return self.seconds * (2 if self.alone else 1)

    def asks_twice(self):
        """Whether it may fail by chance, so that it has to fail twice: it measures time, or takes long on a busy machine."""
        return self.alone or self.seconds > LONG


def tests_of(build, quick):
    """The tests of a build: the quick ones, which are units, fuzzing corpora and whole outputs, or all others."""
    listed = json.loads(subprocess.run(['meson', 'introspect', '--tests', build], check=True, capture_output=True).stdout)
    out = []
    for t in listed:
        suites = {s.split(':')[-1] for s in t['suite']}
        is_quick = bool(suites & {'unit', 'fuzz'}) or t['name'].startswith('outputs-')
        if suites & LEFT_OUT or t['name'] in LEFT_OUT_TESTS or is_quick != quick:
            continue
        out.append(Test(t['name'], t['cmd'], t['env'], t['workdir'] or build, not t['is_parallel']))
    return out


def kill_marked(token):
    """Ends what a test, or all of them, have left running: the processes with its token in their environment."""
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/environ', 'rb') as f:
                if token.encode() in f.read() and int(pid) != os.getpid():
                    os.kill(int(pid), signal.SIGKILL)
        except OSError:
            pass


def limit(seconds):
    """Of a test; each of its processes may use so many seconds of a core, which a loop without end has soon, however busy the
    machine."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))


def listen(child):
    """Ends a program of unit tests when the first of them fails: the others have nothing to add."""
    last = b''
    while True:
        said = os.read(child.stderr.fileno(), 65536)
        if not said:
            break
        last = last[-len(FAILED):] + said
        if FAILED in last:
            child.kill()
    child.stderr.close()


class Trials:
    def __init__(self, scratch, patience):
        self.tests, self.scratch, self.patience = [], scratch, patience
        self.noticed = collections.Counter()  # how many changes of a file a test has noticed

    def run(self, test, switch, timeout, busy):
        """The exit code of a test, and None when it does not end; and its seconds. `busy` seconds of a core end a process of it."""
        began = time.monotonic()
        folder = tempfile.mkdtemp(dir=self.scratch)
        token = MARK + os.path.basename(folder)
        name, value = token.split('=')
        environment = {**os.environ, **test.environment, **switch, name: value, 'TMPDIR': folder, 'MALLOC_PERTURB_': '165'}
        child = subprocess.Popen(test.command, cwd=test.folder, env=environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
                                 preexec_fn=lambda: limit(busy))
        ears = threading.Thread(target=listen, args=(child,))
        ears.start()
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            kill_marked(token)
            child.wait()
            ears.join()
            shutil.rmtree(folder, ignore_errors=True)
        return code, time.monotonic() - began

    def reach(self, test, n):
        """Runs a test without a change, twice at most, and notes how long it takes and which changes it comes across; false when
        it fails or has nothing to say here."""
        for _ in range(2):
            with tempfile.NamedTemporaryFile(dir=self.scratch) as f:
                f.truncate(n + 1)
                code, test.seconds = self.run(test, {'MRQ_MUTANT_REACHED': f.name}, 600, 1200)
                f.seek(0)
                test.reached = f.read()
            if code == 0:
                return True
            if code == SKIPPED:
                return False
        return False

    def judge(self, number, path):
        """The name of the first test that fails with the change; '' when none reaches it; None when none does of those that end
        within so many seconds together, of which the last may take longer. The quickest is first, and before it those that have
        noticed other changes of the file."""
        reaching = sorted((t for t in self.tests if t.reached[number:number + 1] == b'\1'),
                          key=lambda t: t.cost() / (1 + 10 * self.noticed[path, t.name]))
        spent = 0.0
        for test in reaching:
            if spent > self.patience:
                break
            spent += test.seconds
            failed = 0
            while True:
                code, _ = self.run(test, {'MRQ_MUTANT': str(number)}, 10 + 6 * test.seconds, 2 + 4 * test.seconds)
                if code in (0, SKIPPED):
                    break
                failed += 1
                if failed == 2 or not (code is None or test.asks_twice()):
                    self.noticed[path, test.name] += 1
                    return test.name
        return None if reaching else ''
