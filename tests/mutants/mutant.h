/* The switch of a program that holds many changes: MUT(n) is true where $MRQ_MUTANT is n. With $MRQ_MUTANT_REACHED naming a file of
 * a byte a change, each change that is come across is noted there, and none is made. (weave.py includes this in sources.) */
#ifndef MRQ_MUTANT_H
#define MRQ_MUTANT_H

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wprio-ctor-dtor"

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
    const char *which = getenv("MRQ_MUTANT"), *path = getenv("MRQ_MUTANT_REACHED");
    mrq_mutant = which ? atoi(which) : 0;
    if (!path)
        return;
    const int file = open(path, O_RDWR | O_CLOEXEC);
    struct stat about;
    if (file >= 0 && fstat(file, &about) == 0) {
        void *map = mmap(NULL, (size_t)about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (map != MAP_FAILED) {
            mrq_mutant_reached = (volatile unsigned char *)map;
            mrq_mutant_size = about.st_size;
        }
    }
    if (file >= 0)
        close(file);
}

static inline int mrq_mutant_is(int n)
{
    if (__builtin_expect(mrq_mutant_reached != NULL, 0) && n < mrq_mutant_size)
        mrq_mutant_reached[n] = 1;
    return mrq_mutant == n;
}
#define MUT(n) mrq_mutant_is(n)

#endif
