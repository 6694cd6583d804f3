"""The driver's side of fault.h: which call fails, the how manieth, with what."""
import collections
import errno
import mmap
import os
import re
import struct
import subprocess

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "fault.h"), encoding="utf-8") as header:
    text = header.read()
CALLS = re.findall(r"X\((\w+)\)", text.split("#define FAULT_CALLS(X)")[1])
SITES = 1 << int(re.search(r"FAULT_SITES\s+\(1 << (\d+)\)", text).group(1))
SPARED = int(re.search(r"FAULT_SPARED\s+(\d+)", text).group(1))
SHORT, STAYS, AGAIN = -1, 0x1000, 200
HEAD = struct.Struct("<iiqiiq")
WHAT = HEAD.size + 16 * SPARED
COUNTS = WHAT + 256
START = COUNTS + 8 * len(CALLS)
ERRORS = {  # what a call may fail with; STAYS: and so do all of its kind that follow, as with a disk that has died
    "memory": [errno.ENOMEM, errno.ENOMEM | STAYS],
    "pthread_create": [errno.EAGAIN],
    "read": [errno.EIO, SHORT],
    "write": [errno.ENOSPC, SHORT, errno.EIO | STAYS, errno.EINTR],
    "openat": [errno.EMFILE, errno.EIO | STAYS],
    "mmap": [errno.ENOMEM],
    "fsync": [errno.EIO, errno.EIO | STAYS],
    "rename": [errno.EIO, errno.ENOSPC | STAYS],
    "mkdir": [errno.ENOSPC],
    "symlink": [errno.ENOSPC],
    "unlink": [errno.EIO, errno.EIO | STAYS],
    "flock": [errno.ENOLCK],
    "newfstatat": [errno.EIO, errno.ENOMEM],
    "socket": [errno.EMFILE],
    "connect": [errno.ECONNREFUSED],
    "accept4": [errno.EMFILE, errno.ECONNABORTED, errno.EINTR],
    "recvfrom": [errno.ECONNRESET, errno.EINTR, SHORT],
    "sendto": [errno.ECONNRESET, errno.EINTR, SHORT],
    "sendmsg": [errno.ECONNRESET, errno.EINTR],
    "poll": [errno.EINTR],
    "epoll_wait": [errno.EINTR],
    "epoll_ctl": [errno.ENOMEM],
    "epoll_create1": [errno.EMFILE],
    "inotify_init1": [errno.EMFILE],
    "inotify_add_watch": [errno.ENOSPC],
    "eventfd2": [errno.EMFILE],
    "signalfd4": [errno.EMFILE],
}
# Refused memory or a thread, OpenBLAS 0.3.21 crashes, exits or waits for ever, and FAISS 1.7.2 ends the program.
NOT_OURS = re.compile(
    r"^[sd]gemm_small_kernel\w*_(SKYLAKEX|COOPERLAKE|SAPPHIRERAPIDS)$|^gemm_driver|^goto_set_num_threads|"
    r"^_ZN5faiss\w*17hnsw_add_vertices\w*\._omp_fn")


def functions_not_ours(program):
    """Where in the program they lie."""
    symbols = subprocess.run(["nm", "-S", "--defined-only", program], capture_output=True, text=True, check=True).stdout
    found = [line.split() for line in symbols.splitlines()]
    return [(int(words[0], 16), int(words[0], 16) + int(words[1], 16)) for words in found
            if len(words) == 4 and NOT_OURS.search(words[3])]


def errors(call):
    return ERRORS.get(call, [errno.EIO])


def name_error(error):
    return "short" if error == SHORT else errno.errorcode[error & ~STAYS] + (" from then on" if error & STAYS else "")


class Control:
    def __init__(self, path, program):
        self.path = path
        with open(path, "wb") as file:
            file.truncate(START + 16 * SITES + 8)
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 0)
        spared = functions_not_ours(program)
        assert len(spared) <= SPARED, f"{len(spared)} functions, room for {SPARED}"
        for i, (start, end) in enumerate(spared):
            struct.pack_into("<QQ", self.map, HEAD.size + 16 * i, start, end)
        self.arm()

    def environment(self):
        """For a program that is to be run with faults. The library comes before a sanitizer's, which is told to bear it."""
        asan = os.environ.get("ASAN_OPTIONS", "")
        return dict(os.environ, FAULT=self.path, LD_PRELOAD=os.environ["FAULT_LIBRARY"],
                    ASAN_OPTIONS=f"{asan}:verify_asan_link_order=0:allocator_may_return_null=1")

    def arm(self, call=None, at=0, error=0, note=False):
        HEAD.pack_into(self.map, 0, CALLS.index(call) if call else -1, error, at, 0, 0 if note else -1, 0)
        self.map[WHAT:START] = bytes(START - WHAT)

    def hit(self):
        """Whether the call has failed, and the file it was about."""
        return bool(HEAD.unpack_from(self.map, 0)[3]), self.map[WHAT:COUNTS].split(b"\0")[0].decode(errors="replace")

    def counts(self):
        return {call: count for call, count in zip(CALLS, struct.unpack_from(f"<{len(CALLS)}q", self.map, COUNTS)) if count}

    def ways(self):
        """For each call that was made since arm(note=True) the numbers of those with a stack of their own."""
        noted = HEAD.unpack_from(self.map, 0)[4]
        assert noted <= SITES, f"{noted} calls, room for {SITES}"
        found = collections.defaultdict(dict)
        for i in range(noted):
            call, number, stack = struct.unpack_from("<IIQ", self.map, START + 16 * i)
            found[CALLS[call]].setdefault(stack, number)
        return {call: sorted(numbers.values()) for call, numbers in found.items()}


def some(numbers, most, turn):
    """At most so many, spread over all, others for another turn."""
    return [numbers[(i * len(numbers) + turn * 7 % len(numbers)) // most] for i in range(most)] if len(numbers) > most else numbers
