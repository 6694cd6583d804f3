/* A fault at the n-th call: a library to preload. Memory and threads fail in functions of the same names. Everything else fails
 * where it leaves the C library, in the system call itself, so that what stdio does inside fails as well: a seccomp filter turns
 * such calls from libc's text into SIGSYS, and the handler makes the call, or does not. Calls from elsewhere, be it a sanitizer's
 * runtime, the loader or this file, pass.
 *
 * Maps without a file, which are malloc's, a thread's or OpenBLAS's own, pass, too; so does what asks for LARGE or more, as
 * OpenBLAS 0.3.21, refused its buffer, asks again for ever; and what libgomp asks for, or a function that the driver spares.
 *
 * Rejected: functions in the place of write() and so on, which stdio does not call; strace --inject, which counts by thread, cannot
 * write half, and keeps the leak sanitizer from its work. */
#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define LARGE ((size_t)64 << 20)
#define DEPTH 40

static fault_control *control; /* NULL: nothing fails and nothing is counted */
static _Thread_local bool inside;

#define SYS_memory         -1
#define SYS_pthread_create -1
#define SYSTEM_CALL(name)  [FAULT_##name] = SYS_##name,
static const int system_call[FAULT_N] = {FAULT_CALLS(SYSTEM_CALL)};

static void note_site(int call, int64_t number)
{
    void *frame[DEPTH];
    uint64_t digest = 14695981039346656037u; /* FNV-1a */
    const int n = backtrace(frame, DEPTH);
    for (int i = 0; i < n; i++)
        digest = (digest ^ (uintptr_t)frame[i]) * 1099511628211u;
    const int at = atomic_fetch_add(&control->noted, 1);
    if (at < FAULT_SITES) {
        control->site[at].call = (uint32_t)call;
        control->site[at].number = (uint32_t)number;
        control->site[at].stack = digest;
    }
}

/* Counts a call, and tells whether it is the one that fails. */
static bool fails(int call)
{
    if (!control || inside)
        return false;
    inside = true;
    const int64_t number = atomic_fetch_add(&control->count[call], 1) + 1;
    if (atomic_load(&control->noted) >= 0)
        note_site(call, number);
    inside = false;
    const bool stays = control->error > 0 && control->error & FAULT_STAYS;
    return control->call == call && (number == control->at || (stays && number > control->at));
}

/* Memory and threads. */

static void *find(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    return found;
}

/* Declares `next_NAME`, a pointer to the function behind this library's. */
#define NEXT(type, name, ...)                                                                                                      \
    static type (*next_##name)(__VA_ARGS__);                                                                                       \
    if (!next_##name) {                                                                                                            \
        void *found = find(#name);                                                                                                 \
        memcpy(&next_##name, &found, sizeof found);                                                                                \
    }

static uintptr_t program;   /* where it begins */
static uintptr_t openmp[2]; /* from and to; zeros without libgomp */

static int find_objects(struct dl_phdr_info *object, size_t size, void *out)
{
    (void)size;
    (void)out;
    if (!*object->dlpi_name && !program)
        program = object->dlpi_addr;
    for (int i = 0; i < object->dlpi_phnum && strstr(object->dlpi_name, "libgomp"); i++) {
        const ElfW(Phdr) *p = &object->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X)) {
            openmp[0] = object->dlpi_addr + p->p_vaddr;
            openmp[1] = openmp[0] + p->p_memsz;
        }
    }
    return 0;
}

/* Whether who asks is not ours and cannot be refused. */
static bool spared(const void *caller)
{
    const uintptr_t at = (uintptr_t)caller, offset = at - program;
    if (at >= openmp[0] && at < openmp[1])
        return true;
    for (int i = 0; i < FAULT_SPARED && control->spared[i][1]; i++)
        if (offset >= control->spared[i][0] && offset < control->spared[i][1])
            return true;
    return false;
}

/* The same of whoever called it: a C++ exception ends the program when it leaves FAISS's parallel loops. */
static bool spared_above(void)
{
    void *frame[DEPTH];
    inside = true;
    const int n = backtrace(frame, DEPTH);
    inside = false;
    for (int i = 0; i < n; i++)
        if (spared(frame[i]))
            return true;
    return false;
}

static bool refuses(size_t size, const void *caller)
{
    if (!control || inside || size >= LARGE || spared(caller) || !fails(FAULT_memory) || spared_above())
        return false;
    atomic_store(&control->hit, 1);
    errno = ENOMEM;
    return true;
}

static void *alive(void *p)
{
    if (p && control && !inside)
        atomic_fetch_add_explicit(&control->live, 1, memory_order_relaxed);
    return p;
}

void *malloc(size_t size)
{
    NEXT(void *, malloc, size_t)
    return refuses(size, __builtin_return_address(0)) ? NULL : alive(next_malloc(size));
}

void *calloc(size_t n, size_t size)
{
    NEXT(void *, calloc, size_t, size_t)
    return refuses(n * size, __builtin_return_address(0)) ? NULL : alive(next_calloc(n, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    NEXT(void *, aligned_alloc, size_t, size_t)
    return refuses(size, __builtin_return_address(0)) ? NULL : alive(next_aligned_alloc(alignment, size));
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    NEXT(int, posix_memalign, void **, size_t, size_t)
    if (refuses(size, __builtin_return_address(0)))
        return ENOMEM;
    const int problem = next_posix_memalign(out, alignment, size);
    if (!problem)
        alive(*out);
    return problem;
}

void *realloc(void *p, size_t size)
{
    NEXT(void *, realloc, void *, size_t)
    if (refuses(size, __builtin_return_address(0)))
        return NULL;
    void *moved = next_realloc(p, size);
    return p ? moved : alive(moved); /* nobody here shrinks to nothing */
}

void free(void *p)
{
    static void (*next)(void *);
    static bool seeking;
    if (!next && seeking)
        return; /* dlsym() throws an old message away before it looks */
    if (!next) {
        seeking = true;
        void *found = find("free");
        memcpy(&next, &found, sizeof found);
    }
    if (p && control && !inside)
        atomic_fetch_sub_explicit(&control->live, 1, memory_order_relaxed);
    next(p);
}

int pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    NEXT(int, pthread_create, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)
    if (!control || spared(__builtin_return_address(0)) || !fails(FAULT_pthread_create))
        return next_pthread_create(id, attributes, start, argument);
    atomic_store(&control->hit, 1);
    return EAGAIN;
}

/* System calls. */

/* Past libc, whose calls are trapped. */
static long pass(long number, const greg_t *a)
{
    register long r10 __asm__("r10") = a[3];
    register long r8 __asm__("r8") = a[4];
    register long r9 __asm__("r9") = a[5];
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* Which file a failing call is about; the new one of a rename. */
static void name_file(int call, const greg_t *a)
{
    static const signed char path_at[FAULT_N] = {
        [FAULT_openat] = 2, [FAULT_newfstatat] = 2, [FAULT_unlinkat] = 2, [FAULT_symlink] = 2, [FAULT_rename] = 2,
        [FAULT_access] = 1, [FAULT_readlink] = 1,   [FAULT_mkdir] = 1,    [FAULT_rmdir] = 1,   [FAULT_unlink] = 1};
    const char *path = path_at[call] ? (const char *)a[path_at[call] - 1] : "";
    if (*path) {
        snprintf(control->what, sizeof control->what, "%s", path);
        return;
    }
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", (int)(call == FAULT_mmap ? a[4] : a[0]));
    const greg_t arguments[6] = {(greg_t)link, (greg_t)control->what, sizeof control->what - 1, 0, 0, 0};
    const long size = pass(SYS_readlink, arguments);
    control->what[size > 0 ? size : 0] = '\0';
}

/* Makes a trapped call, or fails in its place. */
static long make(int call, greg_t *a)
{
    const bool words = call == FAULT_write && a[0] == STDERR_FILENO;     /* which are to be read */
    const bool frees = call == FAULT_epoll_ctl && a[1] != EPOLL_CTL_ADD; /* what asks for nothing cannot be refused */
    if (words || frees || (call == FAULT_mmap && (int)a[4] < 0) || !fails(call))
        return pass(system_call[call], a);
    if (!atomic_exchange(&control->hit, 1))
        name_file(call, a);
    if (control->error == FAULT_SHORT) {
        a[2] -= a[2] / 2;
        return pass(system_call[call], a);
    }
    if (call == FAULT_close) /* Linux closes all the same */
        (void)pass(system_call[call], a);
    return -(control->error & ~FAULT_STAYS);
}

static void on_trap(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    const int code = errno;
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    greg_t a[6] = {r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]};
    int call = 0;
    while (system_call[call] != info->si_syscall)
        call++;
    r[REG_RAX] = make(call, a);
    errno = code;
}

struct text {
    uintptr_t known, from, to;
};

/* Where the text lies that holds a known address. */
static int find_text(struct dl_phdr_info *object, size_t size, void *out)
{
    (void)size;
    struct text *text = out;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &object->dlpi_phdr[i];
        text->from = object->dlpi_addr + p->p_vaddr;
        text->to = text->from + p->p_memsz;
        if (p->p_type == PT_LOAD && text->known >= text->from && text->known < text->to)
            return 1;
    }
    return 0;
}

/* Traps the calls of the table that come from libc. False when the system does not allow it. */
static bool trap(void)
{
    enum { IP = offsetof(struct seccomp_data, instruction_pointer), NR = offsetof(struct seccomp_data, nr) };
    struct text text = {.known = (uintptr_t)find("getpid")};
    dl_iterate_phdr(find_text, &text);
    if (text.from >> 32 != text.to >> 32)
        _exit(FAULT_AGAIN);
    struct sock_filter code[2 * FAULT_N + 10] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(text.from >> 32), 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)text.from, 0, 1),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)text.to, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NR),
    };
    unsigned short n = 7;
    for (int call = 0; call < FAULT_N; call++)
        if (system_call[call] >= 0) {
            code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)system_call[call], 0, 1);
            code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
        }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog filter = {n, code};
    const struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = (int)(SA_SIGINFO | SA_NODEFER)};
    return sigaction(SIGSYS, &action, NULL) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static int (*real_main)(int argc, char **argv, char **environment);

/* Faults begin where main() does: before it C++ makes its global objects, and ends the program when it cannot. */
static int start(int argc, char **argv, char **environment)
{
    const char *path = getenv("FAULT");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fault_control *map = mmap(NULL, sizeof *map, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        dl_iterate_phdr(find_objects, NULL);
        void *frame[2];
        if (map == MAP_FAILED || !trap()) {
            fprintf(stderr, "fault.c: %s cannot be mapped, or no seccomp filter is allowed here\n", path);
            abort();
        }
        if (atomic_load(&map->noted) >= 0)
            (void)backtrace(frame, 2); /* loads what it needs */
        close(fd);
        control = map;
    }
    return real_main(argc, argv, environment);
}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*end)(void), void *stack);
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*end)(void), void *stack)
{
    NEXT(int, __libc_start_main, int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void),
         void *)
    real_main = main;
    return next___libc_start_main(start, argc, argv, init, fini, end, stack);
}
