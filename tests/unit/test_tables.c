/* Base room, what is kept in memory: arrays, arenas, dictionaries, random numbers, digests, tables with every number in them wrong
 * once; and memory that runs out at every allocation. */
#include <float.h>
#include <math.h>

#include "base/cpu.h"
#include "base/finite.h"
#include "unit/failing_memory.h"
#include "unit/ids.h"
#include "unit/small_world.h"

static mrq_error err;
static char *folder;

static const char *in_folder(const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Memory */

static void arrays_keep_to_what_there_is(void **state)
{
    (void)state;
    static const size_t most = (size_t)PTRDIFF_MAX - MRQ_ALIGN;
    assert_null(mrq_array(SIZE_MAX, 2));
    assert_null(mrq_array(most + 1, 1));
    unsigned char *p = mrq_array(65, 1);
    for (size_t i = 0; i < 65; i++)
        assert_int_equal(p[i], 0);
    assert_int_equal((uintptr_t)p % MRQ_ALIGN, 0);
    mrq_free(p);

    uint64_t *items = NULL;
    size_t room = 0;
    for (size_t need = 0; need < 1000; need++) {
        const size_t want = need == 0 ? 0 : need <= 64 ? 64 : need <= 128 ? 128 : need <= 256 ? 256 : need <= 512 ? 512 : 1024;
        assert_int_equal(mrq_grow(&items, &room, need, sizeof *items), 0);
        assert_int_equal(room, want);
        for (size_t i = need; i < room; i++)
            assert_true(items[i] == 0);
        if (need)
            items[need - 1] = need;
    }
    for (size_t i = 0; i + 1 < 1000; i++)
        assert_true(items[i] == i + 1);
    const uint64_t *before = items;
    assert_int_equal(mrq_grow(&items, &room, SIZE_MAX, sizeof *items), -1);
    assert_int_equal(mrq_grow(&items, &room, SIZE_MAX / 16, sizeof *items), -1);
    atomic_store(&allocations_left, 0);
    const int grown = mrq_grow(&items, &room, 1025, sizeof *items), enough = mrq_grow(&items, &room, 1024, sizeof *items);
    atomic_store(&allocations_left, INT_MAX);
    assert_true(grown == -1 && enough == 0 && items == before && room == 1024);
    mrq_free(items);
}

/* Blocks of 64 KiB, with what does not fit into the rest of one in the next; what is larger has one of its own. */
static void an_arena_takes_blocks_as_they_fill(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        bool new_block;
    } cases[] = {{65536, true}, {1, true},     {65536 - 64, false}, {1, true},
                 {65536, true}, {65537, true}, {64, true},          {65472, false}};
    mrq_arena *arena = mrq_arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        atomic_store(&allocations_left, 0);
        unsigned char *p = mrq_arena_array(arena, cases[i].size, 1);
        atomic_store(&allocations_left, INT_MAX);
#ifndef __SANITIZE_ADDRESS__ /* which wants room between arrays */
        assert_int_equal(!p, cases[i].new_block);
#endif
        p = p ? p : mrq_arena_array(arena, cases[i].size, 1);
        assert_int_equal((uintptr_t)p % MRQ_ALIGN, 0);
        for (size_t k = 0; k < cases[i].size; k++)
            assert_int_equal(p[k], 0);
        memset(p, 0xa5, cases[i].size);
    }
    assert_null(mrq_arena_array(arena, SIZE_MAX, 2));
    mrq_arena_free(arena);
    mrq_arena_free(NULL);
    atomic_store(&allocations_left, 0);
    arena = mrq_arena_new();
    atomic_store(&allocations_left, INT_MAX);
    assert_null(arena);
}

/* Dictionaries */

static void a_dictionary_keeps_what_it_has_when_memory_runs_out(void **state)
{
    (void)state;
    char text[20];
    int lost = 0, most = 0;
    for (int n = 0; n <= most + 1; n++) {
        mrq_dict *dict = mrq_dict_new();
        uint32_t have = 0;
        int needed = INT_MAX;
        for (uint32_t i = 0; i < 200; i++) {
            const int size = snprintf(text, sizeof text, "word %u", i);
            atomic_store(&allocations_left, n);
            const uint32_t index = mrq_dict_add(dict, text, (size_t)size);
            needed = atomic_load(&allocations_left);
            n = needed > 0 ? needed : 0;
            atomic_store(&allocations_left, INT_MAX);
            if (index == have)
                have++;
            else
                lost += index == MRQ_NONE;
        }
        assert_int_equal(mrq_dict_strings(dict).n, have);
        for (uint32_t i = 0, found = 0; i < 200; i++) {
            const int size = snprintf(text, sizeof text, "word %u", i);
            found += mrq_dict_find(dict, text, (size_t)size) != MRQ_NONE;
            assert_true(i < 199 || found == have);
        }
        mrq_dict_free(dict);
        if (have == 200)
            break;
        n = most++;
    }
    assert_true(lost > 0);
    mrq_dict_free(NULL);
}

static void a_dictionary_is_sorted_or_left_as_it_was(void **state)
{
    (void)state;
    static const char *const words[] = {"pear", "", "apple", "zebra", "Pear", "app"};
    static const char *const sorted[] = {"", "Pear", "app", "apple", "pear", "zebra"};
    static const uint32_t ranks[] = {4, 0, 3, 5, 1, 2};
    mrq_dict *dict = mrq_dict_new();
    uint32_t rank[6];
    assert_int_equal(mrq_dict_find(dict, "pear", 4), MRQ_NONE);
    const mrq_strings none = mrq_dict_strings(dict);
    assert_true(none.n == 0 && none.offset[0] == 0 && *none.bytes == '\0');
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(mrq_dict_add(dict, words[i], strlen(words[i])), i);
    int n = 0;
    for (int failed = -1; failed; n++) {
        atomic_store(&allocations_left, n);
        failed = mrq_dict_sort(dict, mrq_compare_bytes, rank);
        atomic_store(&allocations_left, INT_MAX);
        const mrq_strings s = mrq_dict_strings(dict);
        assert_int_equal(s.n, 6);
        for (uint32_t i = 0; i < 6; i++) {
            assert_string_equal(mrq_strings_at(&s, i), failed ? words[i] : sorted[i]);
            assert_int_equal(mrq_strings_size(&s, i), strlen(mrq_strings_at(&s, i)));
            assert_int_equal(mrq_dict_find(dict, sorted[i], strlen(sorted[i])) == i, !failed || i == 5 ? !failed : 0);
        }
    }
    assert_true(n > 4);
    assert_memory_equal(rank, ranks, sizeof ranks);
    assert_int_equal(mrq_dict_push(dict, "apple", 5), 6); /* without looking */
    mrq_strings s = mrq_dict_strings(dict);
    assert_int_equal(mrq_strings_find(&s, "APPLE"), 3);
    static const uint32_t places[] = {0, 3, 6, 9};
    const mrq_strings cases = {3, places, "De\0DE\0de"}; /* the same before another case, of others the first */
    assert_int_equal(mrq_strings_find(&cases, "de"), 2);
    assert_int_equal(mrq_strings_find(&cases, "DE"), 1);
    assert_int_equal(mrq_strings_find(&cases, "dE"), 0);
    assert_int_equal(mrq_strings_find(&s, "zebra"), 5);
    assert_int_equal(mrq_strings_find(&s, "zebr"), MRQ_NONE);
    mrq_arena *arena = mrq_arena_new();
    mrq_strings copy = {0};
    assert_int_equal(mrq_strings_copy(arena, &s, &copy), 0);
    assert_int_equal(copy.n, 7);
    assert_memory_equal(copy.offset, s.offset, 8 * sizeof *s.offset);
    assert_memory_equal(copy.bytes, s.bytes, s.offset[7]);
    assert_true(copy.bytes != s.bytes);
    assert_int_equal(mrq_strings_copy(arena, &(mrq_strings){0}, &copy), 0);
    assert_true(copy.n == 0 && copy.offset[0] == 0);
    mrq_arena_free(arena);
    for (int i = 0; i < 2; i++) { /* of 80 kB in blocks of 64 */
        static uint32_t offset[20001];
        static char bytes[20000];
        for (uint32_t k = 0; k <= 20000; k++)
            offset[k] = k;
        arena = mrq_arena_new();
        atomic_store(&allocations_left, i);
        const int failed = mrq_strings_copy(arena, &(mrq_strings){20000, offset, bytes}, &copy);
        atomic_store(&allocations_left, INT_MAX);
        assert_int_equal(failed, -1);
        mrq_arena_free(arena);
    }
    mrq_dict_free(dict);
}

/* The order of rows: numbers by their value, then other texts by their bytes. */
static void ids_have_an_order(void **state)
{
    (void)state;
    static const char *const sorted[] = {"0",  "1",  "9",   "10",      "999", "1000", "18446744073709551616",
                                         "+1", "-1", "007", "1.0",     "1a",  "1e3",  "Nr1",
                                         "a",  "aa", "b",   "\xc3\xa9"};
    enum { N = sizeof sorted / sizeof *sorted };
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            const int order = mrq_id_compare(sorted[i], strlen(sorted[i]), sorted[j], strlen(sorted[j]));
            if ((order > 0) - (order < 0) != (i > j) - (i < j))
                fail_msg("\"%s\" and \"%s\": %d", sorted[i], sorted[j], order);
        }
}

static void an_id_is_a_text_of_255_bytes(void **state)
{
    (void)state;
    char longest[257];
    memset(longest, 'x', sizeof longest);
    assert_false(mrq_id_is_valid("", 0));
    assert_true(mrq_id_is_valid("a b,c/d", 7) && mrq_id_is_valid("\xc3\xa9", 2) && mrq_id_is_valid(" ", 1));
    assert_true(mrq_id_is_valid(longest, 255));
    assert_false(mrq_id_is_valid(longest, 256));
    assert_false(mrq_id_is_valid("a\0b", 3) || mrq_id_is_valid("a\n", 2) || mrq_id_is_valid("\x7f", 1));
    assert_false(mrq_id_is_valid("\xc2\x85", 2) || mrq_id_is_valid("\xc3", 1) || mrq_id_is_valid("\xff", 1) ||
                 mrq_id_is_valid("\xc3\xa9\x80", 3));
}

/* Numbers are themselves, so that a split of numbered rows stays as it was. */
static void an_id_has_a_number(void **state)
{
    (void)state;
    assert_true(mrq_id_number("0", 1) == 0 && mrq_id_number("260", 3) == 260);
    assert_true(mrq_id_number("9223372036854775807", 19) == INT64_MAX);
    assert_true(mrq_id_number("9223372036854775808", 19) != (uint64_t)INT64_MAX + 1);
    assert_true(mrq_id_number("007", 3) != 7 && mrq_id_number("a", 1) != mrq_id_number("b", 1));
}

/* Random numbers, digests, instruction sets */

static void a_seed_gives_these_numbers_for_ever(void **state)
{
    (void)state;
    mrq_random rng;
    mrq_random_init(&rng, 42, 7);
    uint64_t all = 0;
    for (int i = 0; i < 1000; i++)
        all = (all ^ mrq_random_bits(&rng)) * 0x100000001b3u;
    assert_true(all == 0x4f817fb391784cdu);
    assert_true(mrq_random_unit(&rng) == 0x1.837e8e0b4b3b4p-1); /* NOLINT: the same bits */
    uint32_t items[9];
    for (uint32_t i = 0; i < 9; i++)
        items[i] = i;
    mrq_random_shuffle(&rng, items, 9);
    static const uint32_t want[9] = {4, 7, 1, 5, 3, 6, 0, 8, 2};
    assert_memory_equal(items, want, sizeof want);
    mrq_random_shuffle(&rng, items, 0);
    mrq_random_shuffle(&rng, items, 1);
    assert_memory_equal(items, want, sizeof want);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(mrq_random_below(&rng, 1), 0);
        assert_true(mrq_random_below(&rng, UINT64_MAX) < UINT64_MAX);
    }
    /* Of three quarters of all numbers a quarter would come twice as often, were nothing thrown away. */
    int low = 0;
    for (int i = 0; i < 30000; i++)
        low += mrq_random_below(&rng, UINT64_C(3) << 62) < UINT64_C(1) << 62;
    assert_in_range(low, 9600, 10400);
    /* The state of which the next number is UINT64_MAX, beyond the last that 10 divides: another is drawn. */
    mrq_random top = {.state = {1, 0x4fc71c71c71c71c7u, 3, 4}}, copy = top;
    assert_true(mrq_random_bits(&copy) == UINT64_MAX);
    assert_int_equal(mrq_random_below(&top, 10), mrq_random_bits(&copy) % 10);
    copy = top = (mrq_random){.state = {1, 0x4fc71c71c71c71c7u, 3, 4}};
    mrq_random_bits(&copy);
    assert_int_equal(mrq_random_below(&top, 1u << 31), (1u << 31) - 1); /* a power of two takes all */
}

static void digests_of_every_length_are_these(void **state)
{
    (void)state;
    unsigned char bytes[300];
    char hex[MRQ_SHA256_HEX], all[MRQ_SHA256_HEX];
    uint64_t sums = 0;
    mrq_sha256 whole;
    mrq_sha256_init(&whole);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 131 + 7);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        mrq_sha256 sha;
        mrq_sha256_init(&sha);
        mrq_sha256_update(&sha, bytes, n / 3);
        mrq_sha256_update(&sha, bytes + n / 3, n - n / 3);
        mrq_sha256_hex(&sha, hex);
        mrq_sha256_update(&whole, hex, sizeof hex);
        sums = (sums ^ mrq_checksum(bytes, n)) * 0x100000001b3u;
    }
    mrq_sha256_hex(&whole, all);
    assert_string_equal(all, "d7d06a384a701ca615c0e9bec283360a1a3e284cb708dd55953e077d22b1653e");
    assert_true(sums == 0xe020c1185856139u);
}

static void one_that_is_not_finite_is_found_wherever_it_stands(void **state)
{
    (void)state;
    static const float wrong[] = {NAN, INFINITY, -INFINITY};
    float x[70] = {FLT_MAX, -FLT_MAX, FLT_MIN, 0};
    assert_true(mrq_all_finite(x, 70) && mrq_all_finite(x, 0));
    for (int i = 0; i < 70; i++)
        for (int k = 0; k < 3; k++) {
            const float before = x[i];
            x[i] = wrong[k];
            assert_true(!mrq_all_finite(x, 70) && mrq_all_finite(x, (size_t)i));
            x[i] = before;
        }
}

/* As the kernel tells it. */
static void the_instruction_set_is_the_one_that_is_there(void **state)
{
    (void)state;
#ifdef __x86_64__
    static const char *const flags[] = {"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"};
    bool has[7] = {false};
    static char line[20000];
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "flags", 5) == 0) {
            for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
                for (int i = 0; i < 7; i++)
                    has[i] = has[i] || strcmp(word, flags[i]) == 0;
            break;
        }
    if (f)
        fclose(f);
    const bool avx2 = has[0] && has[1], avx512 = avx2 && has[2] && has[3] && has[4] && has[5];
    assert_int_equal(mrq_cpu_best(), avx512 ? has[6] ? MRQ_CPU_VNNI : MRQ_CPU_AVX512 : avx2 ? MRQ_CPU_AVX2 : MRQ_CPU_PLAIN);
#endif
}

/* Tables */

/* A table of each kind of column: small_items() and two categories, one by range, one with labels. */
static mrq_table *all_kinds(void)
{
    mrq_table *table = small_items(20, 8);
    mrq_random rng;
    mrq_random_init(&rng, 5, 0);
    small_category(table, &rng, "age", 4);
    small_category(table, &rng, "gender", 2);
    double *bound = mrq_arena_array(table->arena, 4, sizeof *bound);
    for (int i = 0; i < 4; i++)
        bound[i] = (double[]){1, 18, 25, 50}[i];
    table->column[3].bound = bound;
    table->column[4].label = small_strings(table->arena, "label ", 2);
    return table;
}

static mrq_container *saved(const mrq_table *table)
{
    mrq_container *c = NULL;
    mrq_container_writer *writer = mrq_container_writer_new("test", 1);
    mrq_table_save(table, writer, "t");
    assert_ok(mrq_container_write(writer, in_folder("t.mrq"), &err));
    mrq_container_writer_free(writer);
    assert_ok(mrq_container_open(in_folder("t.mrq"), "test", 1, &c, &err));
    return c;
}

static void assert_strings(const mrq_strings *a, const mrq_strings *b)
{
    assert_int_equal(a->n, b->n);
    for (uint32_t i = 0; i < a->n; i++)
        assert_string_equal(mrq_strings_at(a, i), mrq_strings_at(b, i));
}

static void each_kind_of_column_comes_back(void **state)
{
    (void)state;
    mrq_table *table = all_kinds(), *back = NULL;
    mrq_container *c = saved(table);
    int n = 0;
    for (mrq_status status = MRQ_FAILED; status != MRQ_OK; n++) {
        atomic_store(&allocations_left, n);
        status = mrq_table_load(c, "t", &back, &err);
        atomic_store(&allocations_left, INT_MAX);
        assert_true(status == MRQ_OK || strstr(err.msg, "out of memory while reading a table"));
    }
    assert_int_equal(n, 4);
    assert_int_equal(back->rows, 20);
    assert_int_equal(back->n_columns, 5);
    assert_strings(&back->id, &table->id);
    for (uint32_t i = 0; i < 5; i++) {
        const mrq_column *a = &table->column[i], *b = &back->column[i];
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->kind, b->kind);
        assert_strings(&a->dict, &b->dict);
        assert_strings(&a->label, &b->label);
        assert_strings(&a->text, &b->text);
        assert_true(!a->bound == !b->bound && !a->code == !b->code && !a->number == !b->number);
        if (a->bound)
            assert_memory_equal(a->bound, b->bound, 4 * sizeof *a->bound);
        if (a->code)
            assert_memory_equal(a->code, b->code, 20 * sizeof *a->code);
        if (a->number)
            assert_memory_equal(a->number, b->number, 20 * sizeof *a->number);
        if (a->list.offset) {
            assert_memory_equal(a->list.offset, b->list.offset, 21 * sizeof *a->list.offset);
            assert_memory_equal(a->list.item, b->list.item, a->list.offset[20] * sizeof *a->list.item);
        }
        assert_ptr_equal(mrq_table_column(back, a->name), b);
    }
    assert_ptr_equal(mrq_table_first(back, MRQ_SET), &back->column[0]);
    assert_ptr_equal(mrq_table_first(back, MRQ_CATEGORY), &back->column[3]);
    assert_ptr_equal(mrq_table_year(back), &back->column[2]);
    table->n_columns = 2;
    assert_null(mrq_table_first(table, MRQ_CATEGORY));
    assert_null(mrq_table_year(table));
    strcpy(table->column[0].name, "year"); /* of another kind */
    assert_null(mrq_table_year(table));
    for (int64_t id = 0; id < 80; id++) /* 10, 13, ..., 67 */
        assert_int_equal(find_number(back, id), id < 10 || id > 67 || (id - 10) % 3 ? MRQ_NONE : (id - 10) / 3);
    mrq_table_free(back);
    mrq_table_free(NULL);
    mrq_container_close(c);
    mrq_table_free(table);
}

/* Each number of a table wrong once, by a writer who makes the checksum right. */
static void each_wrong_number_of_a_table_is_told(void **state)
{
    (void)state;
    mrq_table *table = all_kinds(), *back = NULL;
    mrq_column *column = table->column;
#define AT(member) (void *)(uintptr_t)(member)
    const struct {
        void *at;
        const void *wrong;
        size_t size;
        const char *says; /* NULL: it is right */
    } cases[] = {
        {AT(&table->id.bytes[0]), "\x7f", 1, "t: the id of row 0, want 1 to 255 bytes"},
        {AT(&table->id.bytes[0]), "1\0", 2, "t.id: text 0 is not well formed"},
        {AT(&table->id.bytes[3]), "10", 2, "t: ids do not ascend at row 1"},
        {AT(&table->id.bytes[3]), "11", 2, NULL},
        {AT(&table->id.bytes[57]), "64", 2, "t: ids do not ascend at row 19"},
        {table->noun.one, "", 1, "t: the noun is not well formed"},
        {table->noun.many, "a\n", 3, "t: the noun is not well formed"},
        {table->noun.many, "31 bytes of a word, as allowed.", 32, NULL},
        {table->noun.many, "32 bytes of a word, too many....", 32, "t: the noun is not well formed"},
        {column[0].name, "year", 5, "t: two columns \"year\""},
        {column[0].name, "31 bytes of a name, as is allowed", 31, NULL},
        {column[0].name, "32 bytes of a name, too many....", 32, "t.0: unknown column"},
        {column[0].name, "\xff", 2, "t.0: unknown column"},
        {&column[0].kind, &(int){MRQ_NUMBER + 1}, 4, "t.0: unknown column"},
        {AT(&column[0].list.offset[0]), &(uint64_t){1}, 8, "t.0: offsets do not fit the items"},
        {AT(&column[0].list.offset[1]), &(uint64_t){1000}, 8, "t.0: offset 2 is less than the one before"},
        {AT(&column[0].list.item[0]), &(uint32_t){6}, 4, "t.0: item 6, want less than 6"},
        {AT(&column[0].list.item[0]), &(uint32_t){5}, 4, NULL},
        {AT(&column[0].dict.offset[0]), &(uint32_t){1}, 4, "t.0.dict: offsets do not fit the text"},
        {AT(&column[0].dict.offset[1]), &(uint32_t){0}, 4, "t.0.dict: text 0 is not well formed"},
        {AT(&column[0].dict.offset[1]), &(uint32_t){1000}, 4, "t.0.dict: text 0 is not well formed"},
        {AT(&column[0].dict.offset[2]), &(uint32_t){17}, 4, "t.0.dict: text 1 is not well formed"},
        {AT(&column[0].dict.bytes[0]), "\xff", 1, "t.0.dict: a text is not UTF-8"},
        {AT(&column[0].dict.bytes[46]), "\xff", 1, "t.0.dict: a text is not UTF-8"},
        {AT(&column[0].dict.bytes[3]), "", 1, "t.0.dict: text 0 is not well formed"},
        {AT(&column[0].dict.bytes[8]), "x", 1, "t.0.dict: text 0 is not well formed"},
        {AT(&column[0].dict.bytes[2]), "\xf0\x9f\x8e\xac", 4, NULL}, /* a character across eight bytes */
        {AT(&column[0].dict.bytes[6]), "\xc3\xa4", 2, NULL},
        {AT(&column[1].list.item[0]), &(uint32_t){23}, 4, "t.1: item 23, want less than 23"},
        {AT(&column[1].text.bytes[0]), "\x80", 1, "t.1.text: a text is not UTF-8"},
        {&column[1].text.n, &(uint32_t){19}, 4, "t.1.text: 19 texts, want 20"},
        {AT(&column[2].number[3]), &(double){INFINITY}, 8, "t.2: number 3 is infinite"},
        {AT(&column[2].number[3]), &(double){-INFINITY}, 8, "t.2: number 3 is infinite"},
        {AT(&column[2].number[19]), &(double){NAN}, 8, NULL},
        {AT(&column[3].code[0]), &(uint32_t){4}, 4, "t.3: code 4, want less than 4"},
        {AT(&column[3].code[19]), &(uint32_t){3}, 4, NULL},
        {AT(&column[3].code[19]), &(uint32_t){4}, 4, "t.3: code 4, want less than 4"},
        {AT(&column[3].bound[1]), &(double){1}, 8, "t.3: bounds do not ascend"},
        {AT(&column[3].bound[1]), &(double){25}, 8, "t.3: bounds do not ascend"},
        {AT(&column[3].bound[0]), &(double){NAN}, 8, "t.3: bounds do not ascend"},
        {AT(&column[3].bound[3]), &(double){INFINITY}, 8, "t.3: bounds do not ascend"},
        {AT(&column[3].bound[0]), &(double){-5}, 8, NULL},
        {&column[4].label.n, &(uint32_t){1}, 4, "t.4: 1 labels, want 2"},
        {&column[4].label.n, &(uint32_t){0}, 4, NULL},
        {&table->id.n, &(uint32_t){0}, 4, "t: no rows"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char keep[40];
        memcpy(keep, cases[i].at, cases[i].size);
        memcpy(cases[i].at, cases[i].wrong, cases[i].size);
        mrq_container *c = saved(table);
        memcpy(cases[i].at, keep, cases[i].size);
        back = NULL;
        err = (mrq_error){0};
        const mrq_status status = mrq_table_load(c, "t", &back, &err);
        if (status != (cases[i].says ? MRQ_BAD_FILE : MRQ_OK) || (cases[i].says && !strstr(err.msg, cases[i].says)))
            fail_msg("case %zu: %s", i, err.msg);
        assert_int_equal(!back, cases[i].says != NULL);
        mrq_table_free(back);
        mrq_container_close(c);
    }
    mrq_table_free(table);
}

static void a_table_has_up_to_64_columns(void **state)
{
    (void)state;
    mrq_table *table = small_table(3, 1, 1), *back = NULL;
    table->column = mrq_arena_array(table->arena, MRQ_COLUMNS_MAX + 1, sizeof *table->column);
    double *number = mrq_arena_array(table->arena, 3, sizeof *number);
    for (int i = 0; i <= MRQ_COLUMNS_MAX; i++) {
        table->column[i] = (mrq_column){.kind = MRQ_NUMBER, .number = number};
        snprintf(table->column[i].name, MRQ_COLUMN_NAME, "c%d", i);
    }
    for (table->n_columns = MRQ_COLUMNS_MAX; table->n_columns <= MRQ_COLUMNS_MAX + 1; table->n_columns++) {
        mrq_container *c = saved(table);
        if (table->n_columns == MRQ_COLUMNS_MAX) {
            assert_ok(mrq_table_load(c, "t", &back, &err));
            assert_int_equal(back->n_columns, MRQ_COLUMNS_MAX);
            mrq_table_free(back);
        } else {
            assert_fails(mrq_table_load(c, "t", &back, &err), MRQ_BAD_FILE, "t: 65 columns, want at most 64");
        }
        mrq_container_close(c);
    }
    mrq_table_free(table);
}

static void lists_and_links_are_found_and_kept(void **state)
{
    (void)state;
    static const uint64_t offset[] = {0, 3, 3, 8};
    static const uint32_t item[] = {1, 4, 9, 0, 2, 5, 6, 11};
    static float strength[] = {0.5f, 1, 2, 3, 4, 5, 6, 7};
    const mrq_links links = {{offset, item}, strength};
    for (uint32_t row = 0; row < 3; row++)
        for (uint32_t i = 0; i < 13; i++) {
            uint64_t want = UINT64_MAX;
            for (uint64_t k = offset[row]; k < offset[row + 1]; k++)
                want = item[k] == i ? k : want;
            assert_true(mrq_lists_find(&links.list, row, i) == want);
        }
    for (int wrong = 0; wrong < 3; wrong++) {
        mrq_container_writer *writer = mrq_container_writer_new("test", 1);
        mrq_container *c = NULL;
        mrq_links back;
        strength[7] = wrong == 1 ? NAN : 7;
        mrq_links_save(&links, 3, writer, "l");
        assert_ok(mrq_container_write(writer, in_folder("l.mrq"), &err));
        mrq_container_writer_free(writer);
        assert_ok(mrq_container_open(in_folder("l.mrq"), "test", 1, &c, &err));
        if (wrong == 1) {
            assert_fails(mrq_links_load(c, "l", 3, 12, &back, &err), MRQ_BAD_FILE, "l: a strength is not finite");
        } else if (wrong == 2) {
            assert_fails(mrq_links_load(c, "l", 3, 11, &back, &err), MRQ_BAD_FILE, "l: item 11, want less than 11");
            assert_fails(mrq_links_load(c, "l", 2, 12, &back, &err), MRQ_BAD_FILE, "l.at");
            assert_fails(mrq_links_load(c, "m", 3, 12, &back, &err), MRQ_BAD_FILE, "no section \"m.at\"");
        } else {
            assert_ok(mrq_links_load(c, "l", 3, 12, &back, &err));
            assert_memory_equal(back.list.offset, offset, sizeof offset);
            assert_memory_equal(back.list.item, item, sizeof item);
            assert_memory_equal(back.strength, strength, sizeof strength);
        }
        mrq_container_close(c);
    }
    uint32_t sorted[] = {5, 1, UINT32_MAX, 0, 5, 3}, out[6];
    static const uint32_t ascending[] = {0, 1, 3, 5, 5, UINT32_MAX}, group[] = {2, 0, 2, 1, 0, 2}, some[] = {5, 1, 0};
    mrq_list_sort(sorted, 6);
    assert_memory_equal(sorted, ascending, sizeof ascending);
    uint64_t begins[4] = {0}, begins_some[4] = {0};
    assert_int_equal(mrq_list_group(NULL, 6, group, 3, begins, out), 0);
    assert_memory_equal(begins, ((const uint64_t[]){0, 2, 3, 6}), sizeof begins);
    assert_memory_equal(out, ((const uint32_t[]){1, 4, 3, 0, 2, 5}), sizeof out);
    assert_int_equal(mrq_list_group(some, 3, group, 3, begins_some, out), 0);
    assert_memory_equal(begins_some, ((const uint64_t[]){0, 1, 1, 3}), sizeof begins);
    assert_memory_equal(out, ((const uint32_t[]){1, 5, 0}), 3 * sizeof *out);
    atomic_store(&allocations_left, 0);
    const int failed = mrq_list_group(NULL, 6, group, 3, begins, out);
    atomic_store(&allocations_left, INT_MAX);
    assert_int_equal(failed, -1);
}

/* What a category takes, with the sentence that lists it, cut where it is long. */
static void a_category_says_what_it_takes(void **state)
{
    (void)state;
    mrq_arena *arena = mrq_arena_new();
    mrq_column job = {.name = "job", .kind = MRQ_CATEGORY, .dict = small_strings(arena, "value ", 60)};
    job.label = small_strings(arena, "label ", 60);
    uint32_t code = 77;
    char want[600] = "job \"none\": want 0 to 59, or one of ";
    size_t used = 0;
    for (int i = 0; used + 23 + 7 <= 440; i++) { /* as many as fit into 440 bytes, with the dots behind them */
        const int n = snprintf(want + strlen(want), 40, "%svalue %03d (label %03d)", i ? ", " : "", i, i);
        used += (size_t)n;
    }
    strcat(want, ", ...");
    assert_fails(mrq_column_code(&job, "none", &code, &err), MRQ_USAGE, want);
    assert_int_equal(code, 77);
    assert_fails(mrq_column_code(&job, "60", &code, &err), MRQ_USAGE, "job \"60\"");
    assert_ok(mrq_column_code(&job, "59", &code, &err));
    assert_int_equal(code, 59);
    assert_ok(mrq_column_code(&job, "LABEL 007", &code, &err));
    assert_int_equal(code, 7);
    assert_fails(mrq_column_code(&job, "-1", &code, &err), MRQ_USAGE, "job \"-1\"");
    for (size_t n = 110; n < 130; n++) { /* one that is very long is left out, with what comes behind it */
        char bytes[140] = "short";
        const uint32_t offset[] = {0, 6, 6 + (uint32_t)n + 1};
        const mrq_column two = {.name = "two", .kind = MRQ_CATEGORY, .dict = {2, offset, bytes}};
        snprintf(bytes + 6, sizeof bytes - 6, "%0*d", (int)n, 7);
        snprintf(want, sizeof want, "two \"none\": want 0 to 1, or one of short, %s", n < 126 ? bytes + 6 : "...");
        assert_int_equal(mrq_column_code(&two, "none", &code, &err), MRQ_USAGE);
        assert_string_equal(err.msg, want);
    }
    static const double bound[] = {-5, 0.5, 10};
    mrq_column age = {.name = "age", .kind = MRQ_CATEGORY, .dict = {3, NULL, NULL}, .bound = bound};
    static const struct {
        const char *text;
        uint32_t code;
    } ages[] = {{"-5", 0}, {"0.4999", 0}, {"0.5", 1}, {"9.99", 1}, {"10", 2}, {"1e15", 2}};
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        assert_ok(mrq_column_code(&age, ages[i].text, &code, &err));
        assert_int_equal(code, ages[i].code);
    }
    assert_fails(mrq_column_code(&age, "-5.1", &code, &err), MRQ_USAGE, "age \"-5.1\": want a number, -5 or more");
    assert_fails(mrq_column_code(&age, "1.1e15", &code, &err), MRQ_USAGE, "age \"1.1e15\": want a number");
    mrq_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_keep_to_what_there_is),
        cmocka_unit_test(an_arena_takes_blocks_as_they_fill),
        cmocka_unit_test(a_dictionary_keeps_what_it_has_when_memory_runs_out),
        cmocka_unit_test(a_dictionary_is_sorted_or_left_as_it_was),
        cmocka_unit_test(ids_have_an_order),
        cmocka_unit_test(an_id_is_a_text_of_255_bytes),
        cmocka_unit_test(an_id_has_a_number),
        cmocka_unit_test(a_seed_gives_these_numbers_for_ever),
        cmocka_unit_test(digests_of_every_length_are_these),
        cmocka_unit_test(one_that_is_not_finite_is_found_wherever_it_stands),
        cmocka_unit_test(the_instruction_set_is_the_one_that_is_there),
        cmocka_unit_test(each_kind_of_column_comes_back),
        cmocka_unit_test(each_wrong_number_of_a_table_is_told),
        cmocka_unit_test(a_table_has_up_to_64_columns),
        cmocka_unit_test(lists_and_links_are_found_and_kept),
        cmocka_unit_test(a_category_says_what_it_takes),
    };
    folder = temporary_folder();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
