"""What the client processes share: they are told what to do as JSON in their argument, say what they did as a line of JSON each
second, and end when their standard input does, so that none outlives the soak."""
import json
import select
import signal
import sys
import time


class Client:
    def __init__(self):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for key, value in json.loads(sys.argv[1]).items():
            setattr(self, key, value)
        self.counts, self.said = {}, time.monotonic()

    def count(self, what, n=1):
        self.counts[what] = self.counts.get(what, 0) + n

    def most(self, what, value):
        self.counts[what] = max(self.counts.get(what, 0), value)

    def say(self, **line):
        print(json.dumps(line), flush=True)

    def failed(self, began, text):
        """A request without an answer: whoever kills the server knows whether that is right."""
        self.say(failed=[began, time.monotonic(), text])

    def finding(self, text, **more):
        self.say(finding=text, **more)

    def goes_on(self):
        if time.monotonic() - self.said >= 1:
            self.flush()
        return not select.select([sys.stdin], [], [], 0)[0]

    def flush(self):
        self.said = time.monotonic()
        self.say(counts=self.counts)
        self.counts = {}
