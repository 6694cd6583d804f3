/* What the injector (fault.c) and who drives it (injector.py, library.c) share: a mapped file, named by the environment variable
 * FAULT. */
#ifndef MRQ_TESTS_FAULT_H
#define MRQ_TESTS_FAULT_H

#include <stdatomic.h>
#include <stdint.h>

/* What may fail: malloc() and its family, and so `new`, as `memory`; and system calls, but for pthread_create. */
/* clang-format off */
#define FAULT_CALLS(X) \
    X(memory) X(pthread_create) \
    X(read) X(pread64) X(write) X(writev) X(close) X(openat) X(newfstatat) X(access) X(readlink) X(getdents64) X(mmap) X(fsync) \
    X(rename) X(mkdir) X(rmdir) X(symlink) X(unlink) X(unlinkat) X(ftruncate) X(flock) \
    X(socket) X(connect) X(bind) X(listen) X(accept4) X(recvfrom) X(sendto) X(sendmsg) X(sendfile) \
    X(poll) X(epoll_create1) X(epoll_ctl) X(epoll_wait) X(eventfd2) X(signalfd4) X(inotify_init1) X(inotify_add_watch) \
    X(fcntl) X(fchmod) X(memfd_create) X(getsockname) X(getrandom) X(prlimit64)
/* clang-format on */

#define FAULT_NUMBER(name) FAULT_##name,
enum fault_call { FAULT_CALLS(FAULT_NUMBER) FAULT_N };

#define FAULT_SITES  (1 << 18)
#define FAULT_SPARED 64
#define FAULT_SHORT  (-1)   /* for `error`: half of what was to be read or written, and no error */
#define FAULT_STAYS  0x1000 /* with an errno in `error`: every such call from then on fails as well */
#define FAULT_AGAIN  200    /* an exit code: libc lies where it cannot be told from others; start once more */

typedef struct fault_control {
    int32_t call;                     /* which is to fail; -1: none */
    int32_t error;                    /* with what errno, FAULT_STAYS perhaps; or FAULT_SHORT */
    int64_t at;                       /* the how manieth, from 1 */
    atomic_int hit;                   /* whether it has failed */
    atomic_int noted;                 /* how many sites are noted; -1: none are to be */
    atomic_llong live;                /* blocks of memory that are allocated now */
    uint64_t spared[FAULT_SPARED][2]; /* functions of the program, from and to, counted from its beginning: what they call passes */
    char what[256];                   /* the file of the first call that failed, where it had one */
    atomic_llong count[FAULT_N];      /* calls so far */
    struct {
        uint32_t call, number;
        uint64_t stack; /* a digest: the same for the same way through the program */
    } site[FAULT_SITES];
} fault_control;

#endif
