/* The switch of a program that holds many changes: MUT(n) is true where $MRQ_MUTANT is n. With $MRQ_MUTANT_REACHED naming a file of
 * a byte a change, each change that is come across is noted there, and none is made. (weave.py includes this in sources.) */
#ifndef MRQ_MUTANT_H
#define MRQ_MUTANT_H

#include <sys/syscall.h> /* numbers alone: no name that a source may want for itself */

#pragma GCC diagnostic ignored "-Wprio-ctor-dtor"

extern char *mrq_mutant_getenv(const char *name) __asm__("getenv");
extern int mrq_mutant_atoi(const char *text) __asm__("atoi");
extern long mrq_mutant_call(long number, ...) __asm__("syscall");

#define MRQ_MUTANT_ONE __attribute__((weak, visibility("hidden"))) /* one a program or library, whoever includes this */
MRQ_MUTANT_ONE extern int mrq_mutant;
MRQ_MUTANT_ONE extern volatile unsigned char *mrq_mutant_reached;
MRQ_MUTANT_ONE extern long mrq_mutant_size;
int mrq_mutant = -1;
volatile unsigned char *mrq_mutant_reached;
long mrq_mutant_size;

/* Before all other constructors: they hold changes too. */
__attribute__((constructor(99), no_instrument_function)) static void mrq_mutant_read(void)
{
    if (mrq_mutant != -1)
        return;
    const char *which = mrq_mutant_getenv("MRQ_MUTANT"), *path = mrq_mutant_getenv("MRQ_MUTANT_REACHED");
    mrq_mutant = which ? mrq_mutant_atoi(which) : 0;
    if (!path)
        return;
    const long file = mrq_mutant_call(SYS_openat, -100L, path, 02000002L, 0L); /* AT_FDCWD; O_RDWR | O_CLOEXEC */
    const long size = file < 0 ? 0 : mrq_mutant_call(SYS_lseek, file, 0L, 2L); /* SEEK_END */
    if (size > 0) {
        const long map = mrq_mutant_call(SYS_mmap, 0L, size, 3L, 1L, file, 0L); /* PROT_READ | PROT_WRITE; MAP_SHARED */
        if (map != -1) {
            mrq_mutant_reached = (volatile unsigned char *)map;
            mrq_mutant_size = size;
        }
    }
    if (file >= 0)
        mrq_mutant_call(SYS_close, file);
}

static inline int mrq_mutant_is(int n)
{
    if (__builtin_expect(mrq_mutant_reached != 0, 0) && n < mrq_mutant_size)
        mrq_mutant_reached[n] = 1;
    return mrq_mutant == n;
}
#define MUT(n) mrq_mutant_is(n)

#endif
