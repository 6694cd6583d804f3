/* Memory: overflow-checked arrays, an arena for objects that are freed together, cleanup at the end of a scope. */
#ifndef MRQ_BASE_MEMORY_H
#define MRQ_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Calls `function(pointer)` when the variable goes out of scope; set it to NULL to keep the object. */
#define MRQ_CLEANUP(function) __attribute__((cleanup(function##_cleanup)))
#define MRQ_DEFINE_CLEANUP(type, function)                                                                                         \
    static inline void function##_cleanup(type **p)                                                                                \
    {                                                                                                                              \
        function(*p);                                                                                                              \
    }

#define MRQ_ALIGN 64 /* alignment of every array: a cache line, and the widest vector */

/* `count` zeroed elements of `size` bytes, aligned to MRQ_ALIGN. NULL when out of memory or when the product overflows;
 * never NULL for a count of 0. Freed with mrq_free(). */
void *mrq_array(size_t count, size_t size);
void mrq_free(void *p);
MRQ_DEFINE_CLEANUP(void, mrq_free)
#define MRQ_AUTOFREE __attribute__((cleanup(mrq_free_scope)))
void mrq_free_scope(void *p); /* the cleanup function of MRQ_AUTOFREE: `p` is the address of a pointer of any type */

/* Grows `*items` to at least `need` elements, by doubling; `*capacity` counts elements. New elements are zero. Returns 0, or -1
 * when out of memory (nothing has changed then). `items` is the address of a pointer from mrq_array(), or of NULL. */
int mrq_grow(void *items, size_t *capacity, size_t need, size_t size);

/* The same for arrays of any size: it grows by half, the system moves pages instead of copying bytes, and room that is not used
 * takes no memory. New elements are not zeroed, and the alignment is malloc()'s. Freed with mrq_free(). */
int mrq_grow_lazily(void *items, size_t *capacity, size_t need, size_t size);

/* Gives back what is behind the first `n` elements of such an array. */
void mrq_shrink(void *items, size_t n, size_t size);

/* A bump allocator: everything in it is freed at once. Not thread-safe. */
typedef struct mrq_arena mrq_arena;
mrq_arena *mrq_arena_new(void);
void mrq_arena_free(mrq_arena *arena);
MRQ_DEFINE_CLEANUP(mrq_arena, mrq_arena_free)

/* Like mrq_array(), but owned by the arena. */
void *mrq_arena_array(mrq_arena *arena, size_t count, size_t size);

/* Makes the arena the owner of what mrq_free() would free. Returns 0, or -1 when out of memory: it is still the caller's then. */
int mrq_arena_own(mrq_arena *arena, void *p);

#endif
