#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* With the address sanitizer, only the requested bytes may be used: not the rest of an array's last cache line, and, in an arena,
 * not the line after it. */
#ifdef __has_feature /* clang's check for the sanitizer */
#define LOOKS __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define LOOKS 1
#else
#define LOOKS 0
#endif
#if LOOKS
#include <sanitizer/asan_interface.h>
#define GUARD ((size_t)MRQ_ALIGN)
#else
#define GUARD                                ((size_t)0)
#define ASAN_POISON_MEMORY_REGION(p, size)   ((void)(p), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(p, size) ((void)(p), (void)(size))
#endif

/* The size of an array in bytes, rounded up to MRQ_ALIGN; 0 on overflow. */
static size_t array_bytes(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > (size_t)PTRDIFF_MAX - MRQ_ALIGN)
        return 0;
    bytes = (bytes + MRQ_ALIGN - 1) / MRQ_ALIGN * MRQ_ALIGN;
    return bytes ? bytes : MRQ_ALIGN;
}

void *mrq_array(size_t count, size_t size)
{
    const size_t bytes = array_bytes(count, size);
    unsigned char *p = bytes ? aligned_alloc(MRQ_ALIGN, bytes) : NULL;
    if (!p)
        return NULL;
    memset(p, 0, bytes);
    ASAN_POISON_MEMORY_REGION(p + count * size, bytes - count * size);
    return p;
}

void mrq_free(void *p)
{
    free(p);
}

void mrq_free_scope(void *p)
{
    void *target;
    memcpy(&target, p, sizeof target);
    free(target);
}

int mrq_grow(void *items, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return 0;
    size_t want = *capacity ? *capacity : 64;
    while (want < need)
        if (__builtin_mul_overflow(want, (size_t)2, &want))
            return -1;
    void *bigger = mrq_array(want, size);
    if (!bigger)
        return -1;
    void *old;
    memcpy(&old, items, sizeof old);
    if (old)
        memcpy(bigger, old, *capacity * size);
    free(old);
    memcpy(items, &bigger, sizeof bigger);
    *capacity = want;
    return 0;
}

int mrq_grow_lazily(void *items, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return 0;
    const size_t more = *capacity / 2 > 1024 ? *capacity / 2 : 1024, half = *capacity > SIZE_MAX - more ? need : *capacity + more,
                 want = need > half ? need : half;
    size_t bytes;
    if (__builtin_mul_overflow(want, size, &bytes) || bytes > (size_t)PTRDIFF_MAX)
        return -1;
    void *old;
    memcpy(&old, items, sizeof old);
    void *bigger = realloc(old, bytes);
    if (!bigger)
        return -1;
    memcpy(items, &bigger, sizeof bigger);
    *capacity = want;
    return 0;
}

void mrq_shrink(void *items, size_t n, size_t size)
{
    void *old;
    memcpy(&old, items, sizeof old);
    void *smaller = old ? realloc(old, n && size ? n * size : 1) : NULL;
    if (smaller) /* else all of it stays */
        memcpy(items, &smaller, sizeof smaller);
}

/* Chunks form a list; a request that is larger than a chunk gets its own. */
struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(MRQ_ALIGN) unsigned char bytes[];
};

struct owned {
    struct owned *next;
    void *p;
};

struct mrq_arena {
    struct chunk *top;
    struct owned *owned; /* in chunks */
};

#define CHUNK_BYTES ((size_t)64 * 1024)

mrq_arena *mrq_arena_new(void)
{
    return calloc(1, sizeof(mrq_arena));
}

void mrq_arena_free(mrq_arena *arena)
{
    if (!arena)
        return;
    for (const struct owned *owned = arena->owned; owned; owned = owned->next)
        free(owned->p);
    while (arena->top) {
        struct chunk *next = arena->top->next;
        free(arena->top);
        arena->top = next;
    }
    free(arena);
}

void *mrq_arena_array(mrq_arena *arena, size_t count, size_t size)
{
    const size_t bytes = array_bytes(count, size);
    if (!bytes)
        return NULL;
    struct chunk *chunk = arena->top;
    if (!chunk || chunk->size - chunk->used < bytes + GUARD) {
        const size_t capacity = bytes + GUARD > CHUNK_BYTES ? bytes + GUARD : CHUNK_BYTES;
        chunk = aligned_alloc(MRQ_ALIGN, sizeof *chunk + capacity);
        if (!chunk)
            return NULL;
        chunk->next = arena->top;
        chunk->used = 0;
        chunk->size = capacity;
        arena->top = chunk;
        ASAN_POISON_MEMORY_REGION(chunk->bytes, capacity);
    }
    void *p = chunk->bytes + chunk->used;
    chunk->used += bytes + GUARD;
    ASAN_UNPOISON_MEMORY_REGION(p, count * size);
    return memset(p, 0, count * size);
}

int mrq_arena_own(mrq_arena *arena, void *p)
{
    struct owned *owned = mrq_arena_array(arena, 1, sizeof *owned);
    if (!owned)
        return -1;
    *owned = (struct owned){arena->owned, p};
    arena->owned = owned;
    return 0;
}
