/* What an index file may hold, byte by byte: of each kind, which numbers have to be what they are, and what is said when one is
 * not. */
#include "index/faiss_file.h"

#include <ctype.h>

#include "base/memory.h"
#include "index/faiss_api.h"
#include "index/faiss_parts.h"
#include "index/index.h"
#include "unit/testing.h"

enum { N = 9, DIM = 4 };

static mrq_error err;
static char folder[128];

/* Nine vectors of two sorts, far apart. */
static void make_vectors(float x[N * DIM])
{
    for (int i = 0; i < N; i++)
        for (int d = 0; d < DIM; d++)
            x[i * DIM + d] = (float)((i % 2 ? 5 : -5) + (i * 3 + d * 7) % 5) / 8;
}

/* The file of an index of `n` of them; freed with mrq_free(). Of none: as FAISS's factory makes it. */
static unsigned char *file_of(const char *kind, uint32_t n, size_t *size)
{
    float x[N * DIM];
    char path[300];
    make_vectors(x);
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    snprintf(path, sizeof path, "%s/index", folder);
    assert_ok(mrq_index_build(kind, x, n, DIM, &index, &err));
    assert_ok(mrq_index_save(index, path, &err));
    return read_bytes(path, size);
}

/* The empty index that mrq_index_load() compares a file with. */
static unsigned char *like_of(const char *kind, size_t *size)
{
    FaissIndex *index = NULL;
    char *text = NULL;
    FILE *stream = open_memstream(&text, size);
    assert_int_equal(faiss_index_factory(&index, DIM, kind, METRIC_INNER_PRODUCT), 0);
    assert_int_equal(faiss_write_index(index, stream), 0);
    fclose(stream);
    faiss_Index_free(index);
    unsigned char *out = mrq_array(*size, 1);
    memcpy(out, text, *size);
    free(text);
    return out;
}

/* A sentence without what stands before the reason and without its numbers: "vectors", "other kind". */
static const char *short_reason(const char *sentence)
{
    static char out[200];
    static const struct {
        const char *begin, *reason;
    } known[] = {{"f: not an index that FAISS can read: ", ""},
                 {"f: an index of kind ", "kind"},
                 {"f: an index of metric ", "metric"},
                 {"f: an index of ", ""},
                 {"f: ", ""}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const size_t size = strlen(known[i].begin);
        if (strncmp(sentence, known[i].begin, size) != 0)
            continue;
        if (*known[i].reason)
            return known[i].reason;
        sentence += size;
        break;
    }
    while (isdigit((unsigned char)*sentence))
        sentence++;
    snprintf(out, sizeof out, "%.*s", (int)strcspn(sentence, ","), *sentence == ' ' ? sentence + 1 : sentence);
    out[strcspn(out, ",")] = '\0';
    return out;
}

static mrq_status check(const unsigned char *bytes, size_t size, const unsigned char *like, size_t like_size)
{
    const mrq_map file = {bytes, size}, other = {like, like_size};
    err = (mrq_error){0};
    return mrq_faiss_file_check(&file, &other, N, "f", &err);
}

/* What becomes of a file when one of its bytes is larger, and smaller, by one: runs of "COUNT REASON", or "COUNT REASON/REASON". */
static void tell_bytes(unsigned char *bytes, size_t size, const unsigned char *like, size_t like_size, char *out, size_t room)
{
    size_t used = 0, run = 0;
    char last[400] = "";
    assert_int_equal(check(bytes, size, like, like_size), MRQ_OK);
    for (size_t i = 0; i <= size; i++) {
        char reason[2][200] = {"end", "end"}, both[400];
        for (int turn = 0; turn < 2 && i < size; turn++) {
            const unsigned char right = bytes[i];
            bytes[i] = (unsigned char)(right + (turn ? -1 : 1));
            const mrq_status status = check(bytes, size, like, like_size);
            assert_true(status == MRQ_OK || status == MRQ_BAD_FILE);
            snprintf(reason[turn], sizeof *reason, "%s", status == MRQ_OK ? "free" : short_reason(err.msg));
            bytes[i] = right;
        }
        const bool same = strcmp(reason[0], reason[1]) == 0;
        snprintf(both, sizeof both, "%s%s%s", reason[0], same ? "" : "/", same ? "" : reason[1]);
        if (strcmp(both, last) != 0) {
            if (run)
                used += (size_t)snprintf(out + used, room - used, "%s%zu %s", used ? ", " : "", run, last);
            run = 0;
            strcpy(last, both);
        }
        run++;
    }
}

/* What all files begin with, and the same within another. */
#define HEAD      "4 kind, 4 dimensions, 8 vectors, 16 free, 1 it is not trained, 4 metric, "
#define SCALAR    "4 type of code, 4 range, 4 range's argument, 8 numbers a code, 8 bytes a code, "
#define FLOATS(n) "1 cut short/numbers in vectors, 7 cut short, " n " free"
#define CODES(n)  "1 cut short/bytes of codes, 7 cut short, " n " free"
#define PRODUCT   "8 numbers a code, 8 parts a code, 8 bits a part, 1 numbers in centroids, 7 cut short, 64 free, "
#define GRAPH                                                                                                                      \
    "1 levels, 7 cut short, 120 free, 1 other parts than an empty index has/cut short, 7 cut short, "                              \
    "64 links up to a level, 1 rows with a level, 7 cut short, 36 free, 1 beginnings of links, 7 cut short, 80 free, 1 kind, 7 "   \
    "cut short, "                                                                                                                  \
    "356 free, "
#define PCA                                                                                                                        \
    "4 transforms, 4 kind, 13 free, 8 cut short, 16 free, 8 cut short, 16 free, 8 cut short, 64 free, "                            \
    "1 free/a transform that adds what it does not have, 1 a transform that adds what it does not have/cut short, 7 cut short, "   \
    "32 free, "                                                                                                                    \
    "1 dimensions before a transform, 7 cut short, 8 free, 4 dimensions before a transform, 4 dimensions behind a transform, "     \
    "1 it is not trained, "
#define COARSE HEAD "8 lists or bytes a code, 8 free, " HEAD "1 numbers in vectors, 7 cut short, 32 free, 1 as a flag, "
#define LISTS                                                                                                                      \
    "4 kind, 8 lists, 8 bytes a code, 4 lists of an unknown form, 1 another number of lists than it says, 7 cut short, "           \
    "1 an id behind the last vector, 7 cut short, 1 cut short/an id behind the last vector, 7 cut short, "
/* Ids 0, 2, 4, 6, 8, of which the first may not be one less and the last not one more; the codes of another list; 1, 3, 5, 7. */
#define IDS(codes)                                                                                                                 \
    "1 free/an id behind the last vector, 7 an id behind the last vector, 1 free, 7 an id behind the last vector, 1 free, "        \
    "7 an id behind the last vector, 1 free, 7 an id behind the last vector, 1 an id behind the last vector/free, "                \
    "7 an id behind the last vector, " codes                                                                                       \
    " free, 7 an id behind the last vector, 1 free, 7 an id behind the last vector, 1 free, "                                      \
    "7 an id behind the last vector, 1 free, 7 an id behind the last vector"

static void every_byte_has_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *bytes;
    } rows[] = {{"Flat", HEAD FLOATS("144")},
                {"SQ8", HEAD SCALAR "1 trained numbers, 7 cut short, 32 free, " CODES("36")},
                {"SQ4", HEAD SCALAR "1 trained numbers, 7 cut short, 32 free, " CODES("18")},
                {"SQfp16", HEAD SCALAR "1 trained numbers/cut short, 7 cut short, " CODES("72")},
                {"HNSW4", HEAD GRAPH HEAD FLOATS("144")},
                {"HNSW4,SQ8", HEAD GRAPH HEAD SCALAR "1 trained numbers, 7 cut short, 32 free, " CODES("36")},
                {"PQ2x2np", HEAD PRODUCT "1 bytes of codes, 7 cut short, 9 free, 4 as a setting, 1 as a flag, 4 as a setting"},
                {"PCA2,SQ8", HEAD PCA HEAD SCALAR "1 trained numbers, 7 cut short, 16 free, " CODES("18")},
                {"PCAR2,Flat", HEAD PCA HEAD FLOATS("72")},
                {"RR4,SQ8", HEAD "4 transforms, 4 kind, 1 a transform that adds what it does not have, 8 cut short, 64 free, 1 a "
                                 "transform that adds what it does not have/cut short, 7 cut short, 4 dimensions before a "
                                 "transform, 4 dimensions behind a transform, 1 it is not trained, " HEAD SCALAR
                                 "1 trained numbers, 7 cut short, 32 free, " CODES("36")},
                {"L2norm,Flat", HEAD "4 transforms, 4 kind, 4 free, 4 dimensions before a transform, 4 dimensions behind a "
                                     "transform, 1 it is not trained, " HEAD FLOATS("144")},
                {"PQ2x2np,RFlat",
                 HEAD HEAD PRODUCT "1 bytes of codes, 7 cut short, 9 free, 4 as a setting, 1 as a flag, 4 as a setting, " HEAD
                                   "1 numbers in vectors, 7 cut short, 144 free, 4 as a setting"},
                {"IVF2,Flat", COARSE "1 kind/cut short, 7 cut short, " LISTS "80 free, " IDS("65")},
                {"IVF2,SQ8", COARSE "1 range/cut short, 7 cut short, " SCALAR
                                    "1 trained numbers, 7 cut short, 32 free, 8 lists or bytes a code, 1 as a flag, " LISTS
                                    "20 free, " IDS("17")},
                {"IVF2,PQ2x2np", COARSE "1 as a flag/cut short, 7 cut short, 1 as a flag, 8 lists or bytes a code, " PRODUCT LISTS
                                        "5 free, " IDS("5")}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static char have[5000];
        size_t size, like_size;
        MRQ_AUTOFREE unsigned char *bytes = file_of(rows[i].kind, N, &size), *like = like_of(rows[i].kind, &like_size);
        tell_bytes(bytes, size, like, like_size, have, sizeof have);
        assert_string_equal(have, rows[i].bytes);
    }
}

/* --- files that are put together here --- */

static unsigned char made[2][8000];
static size_t made_size[2];

static void put(int which, const void *bytes, size_t size)
{
    assert_true(made_size[which] + size <= sizeof made[which]);
    memcpy(made[which] + made_size[which], bytes, size);
    made_size[which] += size;
}

static void put_number(int which, uint64_t value, size_t size)
{
    put(which, &value, size); /* its low bytes */
}

/* The head of an index of this kind; of none in the file that another is compared with. */
static void put_head(int which, const char mark[5], uint64_t vectors)
{
    put(which, mark, 4);
    put_number(which, 2, 4);
    put_number(which, which ? 0 : vectors, 8);
    put_number(which, 0, 8);
    put_number(which, 0, 8);
    put_number(which, 1, 1);
    put_number(which, 0, 4);
}

/* A flat index of N vectors. */
static void put_flat(int which)
{
    put_head(which, "IxFI", N);
    put_number(which, which ? 0 : 2 * N, 8);
    for (int i = 0; !which && i < 2 * N; i++)
        put_number(which, 0, 4);
}

static mrq_status check_made(void)
{
    return check(made[0], made_size[0], made[1], made_size[1]);
}

/* Index in index, so many of them: each inner one but the last of two an index of its own, and a flat one for the order. */
static void put_nested(int which, int depth)
{
    if (!depth) {
        put_flat(which);
        return;
    }
    put_head(which, "IxRF", N);
    put_nested(which, depth - 1);
    put_flat(which);
    put_number(which, 3, 4);
}

/* Eight within each other are looked through; of deeper ones the head alone. */
static void what_lies_too_deep_is_not_looked_at(void **state)
{
    (void)state;
    for (int depth = 6; depth < 10; depth++) {
        memset(made_size, 0, sizeof made_size);
        put_nested(0, depth);
        put_nested(1, depth);
        assert_int_equal(check_made(), MRQ_OK);
        made[0][made_size[0] - 1]++; /* the last setting of the outermost */
        assert_int_equal(check_made(), depth < 8 ? MRQ_BAD_FILE : MRQ_OK);
        if (depth < 8)
            assert_string_equal(err.msg, "f: an index of 16777219 as a setting, want 3");
        made[0][made_size[0] - 1]--;
        made[0][8]++; /* the vectors of the outermost */
        assert_int_equal(check_made(), MRQ_BAD_FILE);
        assert_string_equal(err.msg, "f: an index of 10 vectors, want 9");
    }
}

/* 128 things that must be alike are noted; of what has more, the head alone is compared. */
static void what_has_too_many_parts_is_not_looked_at(void **state)
{
    (void)state;
    for (uint64_t levels = 120; levels < 123; levels++) { /* beside 3 + 1 of the graph's and 3 of the flat one's */
        memset(made_size, 0, sizeof made_size);
        for (int which = 0; which < 2; which++) {
            put_head(which, "IHNf", N);
            put_number(which, 0, 8); /* odds: none */
            put_number(which, levels, 8);
            for (uint64_t i = 0; i < levels; i++)
                put_number(which, i, 4);
            put_number(which, which ? 0 : N, 8);
            for (int i = 0; !which && i < N; i++)
                put_number(which, 0, 4);
            put_number(which, which ? 1 : N + 1, 8);
            for (int i = 0; i < (which ? 1 : N + 1); i++)
                put_number(which, 0, 8);
            put_number(which, 0, 8); /* links */
            for (int i = 0; i < 5; i++)
                put_number(which, 7, 4);
            put_flat(which);
        }
        if (check_made() != MRQ_OK)
            fail_msg("%s", err.msg);
        put_number(0, 0, 1);
        const bool looked = levels < 122;
        assert_int_equal(check_made(), looked ? MRQ_BAD_FILE : MRQ_OK);
        if (looked)
            assert_string_equal(err.msg, "f: bytes after the end of the index");
    }
}

/* Numbers in one list that are what an empty index has in other parts, and then nothing. */
static void parts_are_told_apart_by_more_than_their_numbers(void **state)
{
    (void)state;
    static const uint32_t levels[] = {0, 0x49467849, 2, 0}; /* the last three are a flat index's mark, dimensions and metric */
    memset(made_size, 0, sizeof made_size);
    for (int which = 0; which < 2; which++) {
        put_head(which, "IHNf", N);
        put_number(which, 0, 8);
        put_number(which, which ? 1 : 4, 8);
        put(which, levels, which ? 4 : 16);
        put_number(which, which ? 0 : N, 8);
        for (int i = 0; !which && i < N; i++)
            put_number(which, 0, 4);
        put_number(which, which ? 1 : N + 1, 8);
        for (int i = 0; i < (which ? 1 : N + 1); i++)
            put_number(which, 0, 8);
        put_number(which, 0, 8);
        for (int i = 0; i < 5; i++)
            put_number(which, 7, 4);
        if (which)
            put_flat(which);
        else
            put_number(which, 0, 4);
    }
    assert_int_equal(check_made(), MRQ_BAD_FILE);
    assert_string_equal(err.msg, "f: not an index that FAISS can read: other parts than an empty index has");
}

/* Of what is not known inside, all that comes before it is compared. */
static void what_is_not_known_is_left_to_faiss(void **state)
{
    (void)state;
    memset(made_size, 0, sizeof made_size);
    for (int which = 0; which < 2; which++) {
        put_head(which, "IxPT", N);
        put_number(which, 1, 4);
        put(which, "Some", 4);
        put_number(which, which ? 7 : 8, which ? 5 : 3);
    }
    assert_int_equal(check_made(), MRQ_OK);
    made[0][37]++;
    assert_int_equal(check_made(), MRQ_BAD_FILE);
    assert_string_equal(err.msg, "f: an index of 2 transforms, want 1");
    made[0][37]--;
    made[0][41] = 'C';
    assert_int_equal(check_made(), MRQ_BAD_FILE);
    assert_string_equal(err.msg, "f: an index of kind \"Come\", want \"Some\"");
}

/* One transform, and a flat index behind it. A matrix has a row for each of the two dimensions that come out of it. */
static void put_transform(int which, const char mark[5], int numbers, int added)
{
    put_head(which, "IxPT", N);
    put_number(which, 1, 4);
    put(which, mark, 4);
    put_number(which, added != 0, 1);
    put_number(which, which ? 0 : (uint64_t)numbers, 8);
    for (int i = 0; !which && i < numbers; i++)
        put_number(which, 0, 4);
    put_number(which, which ? 0 : (uint64_t)added, 8);
    for (int i = 0; !which && i < added; i++)
        put_number(which, 0, 4);
    put_number(which, 2, 4);
    put_number(which, 2, 4);
    put_number(which, 1, 1);
    put_flat(which);
}

/* Both kinds of linear transforms are looked through: OPQ's and that of a random rotation. */
static void linear_transforms_have_their_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *mark;
        int numbers, added;
        const char *sentence; /* NULL: none */
    } rows[] = {
        {"LTra", 4, 0, NULL},
        {"rrot", 4, 0, NULL},
        {"LTra", 4, 2, NULL},
        {"rrot", 4, 2, NULL},
        {"LTra", 3, 0, "f: an index of 3 numbers in a matrix, want 4"},
        {"LTra", 5, 0, "f: an index of 5 numbers in a matrix, want 4"},
        {"rrot", 3, 2, "f: an index of 3 numbers in a matrix, want 4"},
        {"LTra", 4, 1, "f: an index of 1 numbers to add, want 2"},
        {"rrot", 4, 3, "f: an index of 3 numbers to add, want 2"},
        {"LTrb", 3, 1, NULL}, /* not known: left to FAISS */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memset(made_size, 0, sizeof made_size);
        put_transform(0, rows[i].mark, rows[i].numbers, rows[i].added);
        put_transform(1, rows[i].mark, 0, rows[i].added);
        const mrq_status status = check_made();
        if (status != (rows[i].sentence ? MRQ_BAD_FILE : MRQ_OK))
            fail_msg("%zu: %d: %s", i, (int)status, err.msg);
        if (rows[i].sentence)
            assert_string_equal(err.msg, rows[i].sentence);
    }
}

/* Four lists, of which so many are told of, each with its place and its size. */
static void put_lists(int which, const char form[5], const uint64_t *numbers, size_t n)
{
    put_head(which, "IwFl", N);
    put_number(which, 4, 8);
    put_number(which, 1, 8);
    put_head(which, "IxFI", 4);
    put_number(which, which ? 0 : 8, 8);
    for (int i = 0; !which && i < 8; i++)
        put_number(which, 0, 4);
    put_number(which, 0, 1);
    put_number(which, 0, 8);
    put(which, "ilar", 4);
    put_number(which, 4, 8);
    put_number(which, 8, 8);
    put(which, form, 4);
    put_number(which, n, 8);
    for (size_t i = 0; i < n; i++)
        put_number(which, numbers[i], 8);
}

static void lists_are_told_of_in_two_forms(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        uint64_t number[8];
        size_t n;
        uint64_t list[4];     /* vectors of each list that follows */
        uint64_t id;          /* of the last vector; the others are 0 */
        const char *sentence; /* NULL: none */
    } rows[] = {
        {"sprs", {0, 5, 3, 4}, 4, {5, 4}, 8, NULL},
        {"sprs", {2, 9}, 2, {9}, 8, NULL},
        {"sprs", {1, 0, 2, 9}, 4, {9}, 8, NULL},
        {"full", {2, 0, 3, 4}, 4, {2, 3, 4}, 8, NULL},
        {"full", {0, 0, 0, 9}, 4, {9}, 0, NULL},
        {"sprs", {2, 9}, 2, {9}, 9, "f: not an index that FAISS can read: an id behind the last vector"},
        {"sprs", {4, 9}, 2, {9}, 8, "f: not an index that FAISS can read: lists out of order"},
        {"sprs", {1, 5, 1, 4}, 4, {5, 4}, 8, "f: not an index that FAISS can read: lists out of order"},
        {"sprs", {2, 5, 1, 4}, 4, {5, 4}, 8, "f: not an index that FAISS can read: lists out of order"},
        {"sprs", {2, 9, 3}, 3, {9}, 8, "f: not an index that FAISS can read: another number of lists than it says"},
        {"full", {2, 0, 3}, 3, {2, 3}, 8, "f: not an index that FAISS can read: another number of lists than it says"},
        {"full", {2, 0, 3, 4, 0}, 5, {2, 3, 4}, 8, "f: not an index that FAISS can read: another number of lists than it says"},
        {"Full", {2, 0, 3, 4}, 4, {2, 3, 4}, 8, "f: not an index that FAISS can read: lists of an unknown form"},
        {"full", {1, UINT64_MAX, 3, 4}, 4, {1}, 0, "f: not an index that FAISS can read: lists without end"},
        {"sprs", {2, 8}, 2, {8}, 0, "f: an index of 8 vectors in lists, want 9"},
        {"sprs", {2, 10}, 2, {10}, 0, "f: an index of 10 vectors in lists, want 9"},
        {"sprs", {2, 9}, 2, {8}, 0, "f: not an index that FAISS can read: cut short, or a length that is beyond its end"},
    };
    static const uint64_t none[4];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memset(made_size, 0, sizeof made_size);
        put_lists(1, "full", none, 4);
        put_lists(0, rows[i].form, rows[i].number, rows[i].n);
        for (int l = 0; l < 4 && rows[i].list[l]; l++) {
            for (uint64_t v = 0; v < rows[i].list[l]; v++)
                put_number(0, 0, 8);
            for (uint64_t v = 0; v < rows[i].list[l]; v++)
                put_number(0, v + 1 == rows[i].list[l] ? rows[i].id : 0, 8);
        }
        assert_int_equal(check_made(), rows[i].sentence ? MRQ_BAD_FILE : MRQ_OK);
        if (rows[i].sentence)
            assert_string_equal(err.msg, rows[i].sentence);
    }
}

/* Sentences name both values; a file is not taken for what only begins like one. */
static void sentences_name_both_values(void **state)
{
    (void)state;
    memset(made_size, 0, sizeof made_size);
    put_flat(0);
    put_flat(1);
    static const struct {
        size_t at;
        uint64_t value;
        size_t size;
        const char *sentence;
    } rows[] = {
        {0, 0x51537849, 4, "f: an index of kind \"IxSQ\", want \"IxFI\""},
        {0, 0x49784649, 4, "f: not an index that FAISS can read: written on a machine of another byte order"},
        {4, 3, 4, "f: an index of 3 dimensions, want 2"},
        {8, 1, 8, "f: an index of 1 vectors, want 9"},
        {32, 0, 1, "f: not an index that FAISS can read: it is not trained"},
        {32, 2, 1, "f: not an index that FAISS can read: it is not trained"},
        {33, 1, 4, "f: an index of metric 1, want 0, the inner product"},
        {37, 17, 8, "f: an index of 17 numbers in vectors, want 18"},
        {37, 19, 8, "f: not an index that FAISS can read: cut short, or a length that is beyond its end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char kept[8];
        memcpy(kept, made[0] + rows[i].at, rows[i].size);
        memcpy(made[0] + rows[i].at, &rows[i].value, rows[i].size);
        assert_int_equal(check_made(), MRQ_BAD_FILE);
        assert_string_equal(err.msg, rows[i].sentence);
        memcpy(made[0] + rows[i].at, kept, rows[i].size);
    }
    assert_int_equal(check_made(), MRQ_OK);
    put_number(0, 0, 1);
    assert_int_equal(check_made(), MRQ_BAD_FILE);
    assert_string_equal(err.msg, "f: bytes after the end of the index");
    made_size[0]--;
    for (size_t size = 0; size < made_size[0]; size++) {
        assert_int_equal(check(made[0], size, made[1], made_size[1]), MRQ_BAD_FILE);
        assert_string_equal(err.msg, "f: not an index that FAISS can read: cut short, or a length that is beyond its end");
    }
    /* of what FAISS writes in another form the head alone is known; of what is shorter than that, nothing */
    for (size_t size = 0; size < made_size[1]; size++) {
        const mrq_status status = check(made[0], made_size[0], made[1], size);
        assert_int_equal(status, size < 37 ? MRQ_FAILED : MRQ_OK);
        if (size < 37)
            assert_string_equal(err.msg, "f: this FAISS writes files of an unknown form");
    }
    put_number(1, 0, 1); /* behind the end of the empty index */
    put_number(0, 0, 1);
    assert_int_equal(check_made(), MRQ_OK);
    made[0][8]++;
    assert_int_equal(check_made(), MRQ_BAD_FILE);
    assert_string_equal(err.msg, "f: an index of 10 vectors, want 9");
    made[0][8]--;
    made[0][4]++;
    assert_int_equal(check_made(), MRQ_BAD_FILE);
    assert_string_equal(err.msg, "f: an index of 3 dimensions, want 2");
}

int main(void)
{
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_has_its_reason),
        cmocka_unit_test(what_lies_too_deep_is_not_looked_at),
        cmocka_unit_test(what_has_too_many_parts_is_not_looked_at),
        cmocka_unit_test(parts_are_told_apart_by_more_than_their_numbers),
        cmocka_unit_test(what_is_not_known_is_left_to_faiss),
        cmocka_unit_test(linear_transforms_have_their_numbers),
        cmocka_unit_test(lists_are_told_of_in_two_forms),
        cmocka_unit_test(sentences_name_both_values),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
