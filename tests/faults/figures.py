"""How many faults came, into what and of which kind, and what became of them: a line for each command or request, one for all."""
import collections

KINDS = {"memory": "allocation", "pthread_create": "thread", "openat": "open", "read": "read", "pread64": "read", "write": "write",
         "writev": "write", "fsync": "fsync", "rename": "rename", "mmap": "mmap"}
ORDER = [*dict.fromkeys(KINDS.values()), "other"]


class Figures:
    def __init__(self):
        self.kinds = collections.Counter()
        self.refused, self.failures, self.passed = collections.Counter(), collections.Counter(), collections.Counter()

    def add(self, subject, call, hit, refused):
        """A fault; whether it came, and whether it was refused: by a sentence, 5xx or a closed connection. Else it had no effect.
        What does not come is spared by the injector, or another one's turn when several threads are at work."""
        if hit:
            self.kinds[subject, KINDS.get(call, "other")] += 1
            self.refused[subject] += bool(refused)
        else:
            self.passed[subject] += 1

    def fail(self, subject):
        self.failures[subject] += 1

    def print(self, name, subject=None):
        """The line of one subject, or of all."""
        def sum_of(counter):
            return sum(n for key, n in counter.items() if subject in (None, key))

        kinds = {kind: sum(n for (of, what), n in self.kinds.items() if what == kind and subject in (None, of)) for kind in ORDER}
        total, refused = sum(kinds.values()), sum_of(self.refused)
        by_kind = ", ".join(f"{kind} {n}" for kind, n in kinds.items() if n)
        print(f"{name}: {total} faults injected: {refused} refused, {total - refused} overcome, {sum_of(self.failures)} failures; "
              f"{by_kind}; {sum_of(self.passed)} did not come", flush=True)

    def end(self, *what):
        """The exit code: a failure, or a subject or kind of which no fault has come, so that nothing is known."""
        hollow = [one for one in what if not any(one in key for key in self.kinds)]
        for one in hollow:
            print(f"FAIL {one}: no fault came")
        return bool(hollow) or any(self.failures.values())
