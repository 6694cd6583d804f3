/* FAISS's reader trusts its file: it allocates what a length says before it checks whether that many bytes follow, and accepts
 * codes, matrices and lists of any length, so a later search reads beyond their end. So the structure of a file is checked here
 * first.
 *
 * A kind's parts are a line of letters in a table; kinds can be nested. The same walk goes over two files: that of an empty index,
 * made from the factory string, and the file to be read. Values that must be the same (kinds, dimensions, metric, sizes of codes)
 * are noted in the first walk and compared in the second; numbers that depend on the `n` vectors are computed and compared. At a
 * kind that is not in the table both walks end, and FAISS reads the rest unchecked: additive quantisers, fast-scan kinds, ITQ and
 * others. If this FAISS writes files that do not match the table, only the head is compared.
 *
 * The content of codes and matrices is not checked: wrong content only makes a search find something else. A graph's links are
 * checked by graph.c. Numbers are in this machine's byte order, as FAISS writes them. */
#include "index/faiss_file.h"

#include <stdbool.h>
#include <string.h>

enum { NOTES_MAX = 128, HEAD_NOTES = 3, DEPTH_MAX = 8 };

/* H head   i, l number of 4 or 8 bytes, b of 1 byte, which must be the same   L number that may differ   8 list of 8-byte numbers  
 * F vectors   S, P scalar and product quantiser, c its codes   G graph   N index of the same vectors   Q index of the lists'
 * centroids   T transforms   A inverted lists. The b of inverted lists is 0: no map of ids. */
static const struct kind {
    char mark[5];
    const char *parts;
} kinds[] = {{"IxFI", "HF"},      {"IxF2", "HF"},         {"IxSQ", "HSc"},        {"IxPq", "HPcibi"},
             {"IHNf", "HGN"},     {"IHNs", "HGN"},        {"IxPT", "HTN"},        {"IxRF", "HNNi"},
             {"IwFl", "HlLQb8A"}, {"IwSq", "HlLQb8SlbA"}, {"IwPQ", "HlLQb8blPA"}, {"IwQR", "HlLQb8blPAPci"}};

typedef struct note {
    const char *what;
    uint64_t value;
} note;

typedef struct notes {
    uint32_t n;
    note note[NOTES_MAX];
} notes;

struct walk {
    const mrq_map *file;
    size_t at;
    const char *path;
    notes *made, *like; /* `like` is NULL in the first walk */
    uint64_t rows, lists, dim, code_size;
    uint32_t depth;
    bool ended; /* at a kind that is not in the table */
    mrq_error *err;
};

static mrq_status unreadable(const struct walk *w, const char *why)
{
    return mrq_fail(w->err, MRQ_BAD_FILE, "%s: not an index that FAISS can read: %s", w->path, why);
}

static mrq_status differs(const struct walk *w, const char *what, uint64_t have, uint64_t want)
{
    return mrq_fail(w->err, MRQ_BAD_FILE, "%s: an index of %llu %s, want %llu", w->path, (unsigned long long)have, what,
                    (unsigned long long)want);
}

/* The next `count` elements of `size` bytes. */
static mrq_status take(struct walk *w, uint64_t count, size_t size, const unsigned char **out)
{
    *out = w->file->data + w->at;
    if (count > (w->file->size - w->at) / size)
        return unreadable(w, "cut short, or a length that is beyond its end");
    w->at += count * size;
    return MRQ_OK;
}

static uint64_t number_at(const unsigned char *at, size_t size)
{
    uint64_t eight;
    uint32_t four;
    if (size == 1)
        return *at;
    memcpy(size == sizeof four ? (void *)&four : &eight, at, size);
    return size == sizeof four ? four : eight;
}

static mrq_status number(struct walk *w, size_t size, uint64_t *out)
{
    const unsigned char *at;
    MRQ_TRY(take(w, 1, size, &at));
    *out = number_at(at, size);
    return MRQ_OK;
}

/* A mark is four letters, stored as a number. */
static mrq_status compare_marks(const struct walk *w, uint64_t have, uint64_t want)
{
    char a[5] = "", b[5] = "";
    const uint32_t x = (uint32_t)have, y = (uint32_t)want;
    if (x == __builtin_bswap32(y))
        return unreadable(w, "written on a machine of another byte order");
    memcpy(a, &x, 4);
    memcpy(b, &y, 4);
    return mrq_fail(w->err, MRQ_BAD_FILE, "%s: an index of kind \"%s\", want \"%s\"", w->path, a, b);
}

/* Notes a value that must be the same (first walk), or compares it (second). `what` is NULL for a mark. */
static mrq_status expect_same(struct walk *w, const char *what, uint64_t value)
{
    if (w->made->n == NOTES_MAX)
        return unreadable(w, "too much within each other");
    const uint32_t i = w->made->n++;
    w->made->note[i] = (note){what, value};
    if (!w->like || (i < w->like->n && w->like->note[i].what == what && w->like->note[i].value == value))
        return MRQ_OK;
    if (i >= w->like->n || w->like->note[i].what != what)
        return unreadable(w, "other parts than an empty index has");
    return what ? differs(w, what, value, w->like->note[i].value) : compare_marks(w, value, w->like->note[i].value);
}

static mrq_status expect_number(struct walk *w, size_t size, const char *what, uint64_t *out)
{
    MRQ_TRY(number(w, size, out));
    return expect_same(w, what, *out);
}

/* Compares a number that depends on the number of vectors; only in the second walk. */
static mrq_status expect_count(const struct walk *w, const char *what, uint64_t have, uint64_t want)
{
    return !w->like || have == want ? MRQ_OK : differs(w, what, have, want);
}

/* A list: its length, then that many elements. */
static mrq_status list(struct walk *w, size_t size, uint64_t *count, const unsigned char **out)
{
    MRQ_TRY(number(w, sizeof *count, count));
    return take(w, *count, size, out);
}

static mrq_status trained(struct walk *w)
{
    uint64_t flag;
    MRQ_TRY(number(w, 1, &flag));
    return !w->like || flag == 1 ? MRQ_OK : unreadable(w, "it is not trained");
}

static mrq_status walk_head(struct walk *w)
{
    uint64_t rows, spare, metric;
    MRQ_TRY(expect_number(w, 4, "dimensions", &w->dim));
    MRQ_TRY(number(w, 8, &rows));
    MRQ_TRY(expect_count(w, "vectors", rows, w->rows));
    MRQ_TRY(number(w, 8, &spare));
    MRQ_TRY(number(w, 8, &spare));
    MRQ_TRY(trained(w));
    MRQ_TRY(number(w, 4, &metric));
    if (w->like && w->made->n < w->like->n && w->like->note[w->made->n].value != metric)
        return mrq_fail(w->err, MRQ_BAD_FILE, "%s: an index of metric %llu, want %llu, the inner product", w->path,
                        (unsigned long long)metric, (unsigned long long)w->like->note[w->made->n].value);
    return expect_same(w, "metric", metric);
}

/* FAISS's ScalarQuantizer: types 0, 1 and 6 are trained per dimension, 2 and 3 for all dimensions at once. */
static mrq_status walk_scalar(struct walk *w)
{
    uint64_t type, other, dim, count;
    const unsigned char *at;
    MRQ_TRY(expect_number(w, 4, "type of code", &type));
    MRQ_TRY(expect_number(w, 4, "range", &other));
    MRQ_TRY(expect_number(w, 4, "range's argument", &other));
    MRQ_TRY(expect_number(w, 8, "numbers a code", &dim));
    MRQ_TRY(expect_number(w, 8, "bytes a code", &w->code_size));
    MRQ_TRY(list(w, sizeof(float), &count, &at));
    return expect_count(w, "trained numbers", count,
                        type == 0 || type == 1 || type == 6 ? 2 * dim
                        : type == 2 || type == 3            ? 2
                                                            : 0);
}

static mrq_status walk_product(struct walk *w)
{
    uint64_t dim, parts, bits, count;
    const unsigned char *at;
    MRQ_TRY(expect_number(w, 8, "numbers a code", &dim));
    MRQ_TRY(expect_number(w, 8, "parts a code", &parts));
    MRQ_TRY(expect_number(w, 8, "bits a part", &bits));
    MRQ_TRY(list(w, sizeof(float), &count, &at));
    w->code_size = (parts * bits + 7) / 8;
    return expect_same(w, "numbers in centroids", count);
}

/* Level probabilities, links up to each level, the rows' levels, offsets of their links, links; then entry, top level, search
 * settings. */
static mrq_status walk_graph(struct walk *w)
{
    uint64_t count, value;
    const unsigned char *at;
    MRQ_TRY(list(w, sizeof(double), &count, &at));
    MRQ_TRY(expect_same(w, "levels", count));
    MRQ_TRY(list(w, sizeof(int32_t), &count, &at));
    for (uint64_t i = 0; i < count; i++)
        MRQ_TRY(expect_same(w, "links up to a level", number_at(at + i * sizeof(int32_t), sizeof(int32_t))));
    MRQ_TRY(list(w, sizeof(int32_t), &count, &at));
    MRQ_TRY(expect_count(w, "rows with a level", count, w->rows));
    MRQ_TRY(list(w, sizeof(uint64_t), &count, &at));
    MRQ_TRY(expect_count(w, "beginnings of links", count, w->rows + 1));
    MRQ_TRY(list(w, sizeof(int32_t), &count, &at));
    for (int i = 0; i < 5; i++)
        MRQ_TRY(number(w, sizeof(int32_t), &value));
    return MRQ_OK;
}

/* A matrix and an offset vector; their dimensions come after them. */
static mrq_status walk_matrix(struct walk *w, uint64_t *matrix, uint64_t *added)
{
    uint64_t adds;
    const unsigned char *at;
    MRQ_TRY(number(w, 1, &adds));
    MRQ_TRY(list(w, sizeof(float), matrix, &at));
    MRQ_TRY(list(w, sizeof(float), added, &at));
    return !w->like || !adds == !*added ? MRQ_OK : unreadable(w, "a transform that adds what it does not have");
}

static mrq_status walk_transform(struct walk *w)
{
    uint64_t mark, in, to, matrix = 0, added = 0, count;
    const unsigned char *at;
    MRQ_TRY(expect_number(w, 4, NULL, &mark));
    char name[5] = "";
    memcpy(name, w->file->data + w->at - 4, 4);
    const bool linear = strcmp(name, "LTra") == 0 || strcmp(name, "rrot") == 0, pca = strcmp(name, "Pcam") == 0;
    if (!linear && !pca && strcmp(name, "VNrm") != 0) {
        w->ended = true;
        return MRQ_OK;
    }
    if (pca) { /* power, epsilon, rotation, bins; then mean, eigenvalues, vectors */
        MRQ_TRY(take(w, 13, 1, &at));
        for (int i = 0; i < 3; i++)
            MRQ_TRY(list(w, sizeof(float), &count, &at));
    }
    if (linear || pca)
        MRQ_TRY(walk_matrix(w, &matrix, &added));
    else
        MRQ_TRY(take(w, 1, sizeof(float), &at));
    MRQ_TRY(expect_number(w, 4, "dimensions before a transform", &in));
    MRQ_TRY(expect_number(w, 4, "dimensions behind a transform", &to));
    MRQ_TRY(trained(w));
    if (linear || pca)
        MRQ_TRY(expect_count(w, "numbers in a matrix", matrix, in * to));
    return added ? expect_count(w, "numbers to add", added, to) : MRQ_OK;
}

/* The sizes of all lists, or of those that are not empty; then the codes and ids of each. */
static mrq_status walk_lists(struct walk *w)
{
    uint64_t lists, size, count, mark, sum = 0, next = 0;
    const unsigned char *sizes, *codes, *ids;
    MRQ_TRY(expect_number(w, 4, NULL, &mark));
    MRQ_TRY(expect_number(w, 8, "lists", &lists));
    MRQ_TRY(expect_number(w, 8, "bytes a code", &size));
    MRQ_TRY(take(w, 4, 1, &codes));
    const bool full = memcmp(codes, "full", 4) == 0;
    if (!full && memcmp(codes, "sprs", 4) != 0)
        return unreadable(w, "lists of an unknown form");
    MRQ_TRY(list(w, 8, &count, &sizes));
    if (full ? count != lists : count % 2 != 0)
        return unreadable(w, "another number of lists than it says");
    for (uint64_t i = full ? 0 : 1; i < count; i += full ? 1 : 2) {
        const uint64_t n = number_at(sizes + 8 * i, 8);
        const uint64_t place = full ? i : number_at(sizes + 8 * (i - 1), 8);
        if (place >= lists || place < next)
            return unreadable(w, "lists out of order");
        next = place + 1;
        if (__builtin_add_overflow(sum, n, &sum))
            return unreadable(w, "lists without end");
        if (n) {
            MRQ_TRY(take(w, n, size ? size : 1, &codes));
            MRQ_TRY(take(w, n, 8, &ids));
        }
        for (uint64_t j = 0; j < n; j++)
            if (number_at(ids + 8 * j, 8) >= w->rows)
                return unreadable(w, "an id behind the last vector");
    }
    return expect_count(w, "vectors in lists", sum, w->rows);
}

static mrq_status walk_index(struct walk *w, uint64_t rows);

static mrq_status walk_part(struct walk *w, char part)
{
    uint64_t value;
    const unsigned char *at;
    switch (part) {
    case 'H':
        return walk_head(w);
    case 'i':
        return expect_number(w, 4, "as a setting", &value);
    case 'l':
        return expect_number(w, 8, "lists or bytes a code", &w->lists);
    case 'b':
        return expect_number(w, 1, "as a flag", &value);
    case 'L':
        return number(w, 8, &value);
    case '8':
        return list(w, 8, &value, &at);
    case 'F':
        MRQ_TRY(list(w, sizeof(float), &value, &at));
        return expect_count(w, "numbers in vectors", value, w->rows * w->dim);
    case 'S':
        return walk_scalar(w);
    case 'P':
        return walk_product(w);
    case 'c':
        MRQ_TRY(list(w, 1, &value, &at));
        return expect_count(w, "bytes of codes", value, w->rows * w->code_size);
    case 'G':
        return walk_graph(w);
    case 'N':
        return walk_index(w, w->rows);
    case 'Q':
        return walk_index(w, w->lists);
    case 'A':
        return walk_lists(w);
    default: /* T */
        MRQ_TRY(expect_number(w, 4, "transforms", &value));
        for (uint64_t i = 0; i < value && !w->ended; i++)
            MRQ_TRY(walk_transform(w));
        return MRQ_OK;
    }
}

/* An index of `rows` vectors; 0 for the empty one. */
static mrq_status walk_index(struct walk *w, uint64_t rows)
{
    const struct walk outer = *w;
    uint64_t mark;
    if (w->depth++ == DEPTH_MAX)
        return unreadable(w, "too much within each other");
    w->rows = rows;
    MRQ_TRY(expect_number(w, 4, NULL, &mark));
    const char *parts = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !parts; i++)
        if (memcmp(w->file->data + w->at - 4, kinds[i].mark, 4) == 0)
            parts = kinds[i].parts;
    w->ended = !parts;
    if (!parts)
        return w->depth == 1 ? walk_head(w) : MRQ_OK;
    for (; *parts && !w->ended; parts++)
        MRQ_TRY(walk_part(w, *parts));
    w->rows = outer.rows;
    w->lists = outer.lists;
    w->dim = outer.dim;
    w->depth = outer.depth;
    return MRQ_OK;
}

mrq_status mrq_faiss_file_check(const mrq_map *file, const mrq_map *like, uint32_t n, const char *path, mrq_error *err)
{
    notes empty = {0}, made = {0};
    struct walk first = {.file = like, .path = path, .made = &empty},
                second = {.file = file, .path = path, .made = &made, .err = err};
    bool fits = walk_index(&first, 0) == MRQ_OK;
    fits = fits && (first.ended || first.at == like->size);
    if (!fits && empty.n < HEAD_NOTES)
        return mrq_fail(err, MRQ_FAILED, "%s: this FAISS writes files of an unknown form", path);
    second.like = &empty;
    if (!fits) {
        uint64_t mark;
        second.rows = n;
        MRQ_TRY(expect_number(&second, 4, NULL, &mark));
        return walk_head(&second);
    }
    MRQ_TRY(walk_index(&second, n));
    if (!second.ended && second.at != file->size)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: bytes after the end of the index", path);
    return MRQ_OK;
}
