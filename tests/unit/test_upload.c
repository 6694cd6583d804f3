/* A generation's way to a backend: in which order, with which arguments, and what each failure leaves. The backend is one of ours,
 * which does what the test says. */
#include "unit/store_world.h"

#include <math.h>
#include <time.h>

#include "index/choose.h"
#include "store/queries.h"

enum { RECALL_OF = 200 };

static mrq_backend *const server = (mrq_backend *)&folder; /* is never looked into */
static char store[PATH], said[2000];                       /* what was called, in order */
static const mrq_generation *uploading;
static mrq_status upload_comes_to, connect_comes_to, count_comes_to, measure_comes_to, point_comes_to, prune_comes_to;
static uint32_t shown[200], n_shown, at_shown; /* what count says, the last one ever after */
static double now, recall_comes_to;
static const float *exact; /* wanted of measure: (n_exact, dim) */
static uint32_t n_exact;
static mrq_content_name kept[10];
static uint32_t n_kept;
static char owner_said[PATH + 400];
static void (*rows_said)(void *, uint32_t, uint32_t);
static void *context_said;

static void say(const char *what)
{
    char link[PATH];
    strcat(said, what);
    if (readlink((snprintf(link, sizeof link, "%.4000s/current", store), link), link, sizeof link) < 0)
        strcat(said, "(before) ");
    else
        strcat(said, " ");
    snprintf(link, sizeof link, "%.4000s/lock", store);
    if (access(link, F_OK) != 0)
        strcat(said, "(unlocked) ");
}

const char *__wrap_mrq_backend_label(const mrq_backend *backend);
const char *__wrap_mrq_backend_label(const mrq_backend *backend)
{
    assert_ptr_equal(backend, server);
    return "the server";
}

mrq_status __wrap_mrq_backend_upload(mrq_backend *backend, const mrq_contents *contents, const char *owner,
                                     void (*tell)(void *context, uint32_t done, uint32_t of), void *context, uint32_t *sent,
                                     mrq_error *error);
mrq_status __wrap_mrq_backend_upload(mrq_backend *backend, const mrq_contents *contents, const char *owner,
                                     void (*tell)(void *context, uint32_t done, uint32_t of), void *context, uint32_t *sent,
                                     mrq_error *error)
{
    say("upload");
    assert_ptr_equal(backend, server);
    assert_int_equal(strlen(contents->name), MRQ_CONTENT_SIZE - 1);
    assert_int_equal(contents->items->rows, ITEMS);
    assert_int_equal(contents->dim, DIM);
    if (uploading) {
        assert_ptr_equal(contents->items, uploading->items);
        assert_ptr_equal(contents->vectors, mrq_index_vectors(uploading->index));
        assert_string_equal(contents->name, uploading->content);
    }
    snprintf(owner_said, sizeof owner_said, "%s", owner);
    rows_said = tell;
    context_said = context;
    if (upload_comes_to != MRQ_OK)
        return mrq_fail(error, upload_comes_to, "no upload");
    *sent = 17;
    return MRQ_OK;
}

mrq_status __wrap_mrq_index_connect(mrq_backend *backend, const mrq_contents *contents, mrq_index **out, mrq_error *error);
mrq_status __wrap_mrq_index_connect(mrq_backend *backend, const mrq_contents *contents, mrq_index **out, mrq_error *error)
{
    say("connect");
    assert_ptr_equal(backend, server);
    if (connect_comes_to != MRQ_OK)
        return mrq_fail(error, connect_comes_to, "no connection");
    return mrq_index_build("Flat", contents->vectors, contents->items->rows, contents->dim, out, error);
}

mrq_status __wrap_mrq_index_count(const mrq_index *index, uint32_t *n, mrq_error *error);
mrq_status __wrap_mrq_index_count(const mrq_index *index, uint32_t *n, mrq_error *error)
{
    assert_non_null(index);
    if (!at_shown)
        say("count");
    if (count_comes_to != MRQ_OK)
        return mrq_fail(error, count_comes_to, "no count");
    *n = shown[at_shown < n_shown ? at_shown : n_shown - 1];
    at_shown++;
    return MRQ_OK;
}

mrq_status __wrap_mrq_index_measure(const mrq_index *index, const float *queries, uint32_t n, mrq_trial *out, mrq_error *error);
mrq_status __wrap_mrq_index_measure(const mrq_index *index, const float *queries, uint32_t n, mrq_trial *out, mrq_error *error)
{
    say("measure");
    assert_non_null(index);
    if (exact) {
        assert_int_equal(n, n_exact < RECALL_OF ? n_exact : RECALL_OF);
        assert_memory_equal(queries, exact, n * DIM * sizeof *exact);
    }
    if (measure_comes_to != MRQ_OK)
        return mrq_fail(error, measure_comes_to, "no measurement");
    *out = (mrq_trial){.recall = recall_comes_to, .n_queries = n};
    return MRQ_OK;
}

mrq_status __wrap_mrq_backend_point(mrq_backend *backend, const char name[MRQ_CONTENT_SIZE], bool *aliased, mrq_error *error);
mrq_status __wrap_mrq_backend_point(mrq_backend *backend, const char name[MRQ_CONTENT_SIZE], bool *aliased, mrq_error *error)
{
    say("point");
    assert_ptr_equal(backend, server);
    assert_int_equal(strlen(name), MRQ_CONTENT_SIZE - 1);
    if (point_comes_to != MRQ_OK)
        return mrq_fail(error, point_comes_to, "no name");
    *aliased = true;
    return MRQ_OK;
}

mrq_status __wrap_mrq_backend_prune(mrq_backend *backend, const char *owner, const mrq_content_name *keep, uint32_t n,
                                    uint32_t *removed, mrq_error *error);
mrq_status __wrap_mrq_backend_prune(mrq_backend *backend, const char *owner, const mrq_content_name *keep, uint32_t n,
                                    uint32_t *removed, mrq_error *error)
{
    say("prune");
    assert_ptr_equal(backend, server);
    assert_string_equal(owner, owner_said);
    assert_in_range(n, 0, sizeof kept / sizeof *kept);
    n_kept = n;
    if (n)
        memcpy(kept, keep, n * sizeof *keep);
    if (prune_comes_to != MRQ_OK)
        return mrq_fail(error, prune_comes_to, "no pruning");
    *removed = 3;
    return MRQ_OK;
}

double __wrap_mrq_clock(void);
double __wrap_mrq_clock(void)
{
    return now;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)left;
    assert_true(time->tv_sec == 0 && time->tv_nsec == 500000000);
    now += 0.5;
    return 0;
}

static int make_store(void **state)
{
    (void)state;
    upload_comes_to = connect_comes_to = count_comes_to = measure_comes_to = point_comes_to = prune_comes_to = MRQ_OK;
    shown[0] = ITEMS;
    n_shown = 1;
    at_shown = 0;
    now = 0;
    recall_comes_to = 1;
    exact = NULL;
    uploading = NULL;
    *said = *owner_said = '\0';
    n_kept = 99;
    new_store(store);
    return 0;
}

static const mrq_export_options to_server = {.index = "Flat", .recall = 0.9, .backend = (mrq_backend *)&folder};
static mrq_uploaded uploaded;

static mrq_status upload(const mrq_upload_watch *watch)
{
    at_shown = 0;
    *said = '\0';
    uploaded = (mrq_uploaded){.rows = 99, .sent = 99};
    return mrq_store_upload(store, uploading, server, 0.9, watch, &uploaded, &err);
}

static mrq_generation *open_it(void)
{
    mrq_generation *g = NULL;
    assert_ok(mrq_generation_open(store, &g, &err));
    return g;
}

static void a_generation_is_uploaded_waited_for_and_measured(void **state)
{
    (void)state;
    char name[MRQ_GENERATION_NAME], host[256] = "", want[PATH + 400];
    int mine;
    export_to(store, name);
    mrq_generation *g = open_it();
    MRQ_AUTOFREE float *queries = NULL;
    assert_ok(mrq_store_queries(g->tower, g->users, &n_exact, &queries, &err));
    exact = queries;
    uploading = g;
    shown[0] = 0;
    shown[1] = ITEMS - 1;
    shown[2] = ITEMS;
    n_shown = 3;
    const mrq_upload_watch watch = {(void (*)(void *, uint32_t, uint32_t))(uintptr_t)1, &mine};
    assert_ok(upload(&watch));
    assert_string_equal(said, "upload (unlocked) connect (unlocked) count (unlocked) measure (unlocked) ");
    assert_int_equal(at_shown, 3);
    assert_true(now == 1);
    assert_true(rows_said == watch.rows && context_said == &mine);
    assert_true(uploaded.rows == ITEMS && uploaded.sent == 17 && uploaded.measured.recall == 1 && !uploaded.aliased);
    assert_int_equal(gethostname(host, sizeof host), 0);
    char *path = realpath(store, NULL);
    snprintf(want, sizeof want, "Marquee's, of %s:%s", host, path);
    free(path);
    assert_string_equal(owner_said, want);
    assert_ok(upload(NULL));
    assert_true(!rows_said && !context_said);
    mrq_generation_close(g);
}

/* Of many queries the first 200. */
static void no_more_than_200_queries_are_asked_of_a_backend(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_table_free) mrq_table *many = small_users(150, 3);
    MRQ_CLEANUP(mrq_model_free) mrq_model *large = model_of(STORE_MODEL, many, items);
    char path[PATH], name[MRQ_GENERATION_NAME];
    snprintf(path, sizeof path, "%.4000s/large.mrq", folder);
    assert_ok(mrq_model_save(large, path, &err));
    assert_ok(mrq_store_export(store, path, &flat, name, NULL, NULL, &err));
    mrq_generation *g = open_it();
    MRQ_AUTOFREE float *queries = NULL;
    assert_ok(mrq_store_queries(g->tower, g->users, &n_exact, &queries, &err));
    assert_in_range(n_exact, RECALL_OF + 1, 1000);
    exact = queries;
    uploading = g;
    assert_ok(upload(NULL));
    assert_int_equal(uploaded.measured.n_queries, RECALL_OF);
    mrq_generation_close(g);
}

static void a_backend_that_finds_too_little_is_refused(void **state)
{
    (void)state;
    char name[MRQ_GENERATION_NAME];
    export_to(store, name);
    mrq_generation *g = open_it();
    uploading = g;
    recall_comes_to = 0.9; /* just enough */
    assert_ok(upload(NULL));
    recall_comes_to = 0.8999;
    assert_fails(upload(NULL), MRQ_FAILED, "the server: recall@10 is 0.8999, want 0.9000");
    assert_int_equal(uploaded.rows, 99);
    mrq_generation_close(g);
}

static void rows_that_do_not_show_are_waited_for_a_minute(void **state)
{
    (void)state;
    char name[MRQ_GENERATION_NAME];
    export_to(store, name);
    mrq_generation *g = open_it();
    uploading = g;
    shown[0] = 7;
    assert_fails(upload(NULL), MRQ_UNAVAILABLE, "the server received 40 rows, but shows 7 of them after 60 s");
    assert_true(now == 60.5);
    shown[0] = ITEMS + 1; /* which are others, too */
    now = 0;
    assert_fails(upload(NULL), MRQ_UNAVAILABLE, "shows 41 of them");
    for (uint32_t i = 0; i < 121; i++)
        shown[i] = 7;
    shown[120] = ITEMS; /* in the last moment */
    n_shown = 121;
    now = 0;
    assert_ok(upload(NULL));
    assert_true(now == 60);
    mrq_generation_close(g);
}

static void an_upload_ends_with_what_fails(void **state)
{
    (void)state;
    static const struct {
        mrq_status *comes_to;
        const char *sentence, *said;
    } rows[] = {{&upload_comes_to, "no upload", "upload (unlocked) "},
                {&connect_comes_to, "no connection", "upload (unlocked) connect (unlocked) "},
                {&count_comes_to, "no count", "upload (unlocked) connect (unlocked) count (unlocked) "},
                {&measure_comes_to, "no measurement", "upload (unlocked) connect (unlocked) count (unlocked) measure (unlocked) "}};
    char name[MRQ_GENERATION_NAME];
    export_to(store, name);
    mrq_generation *g = open_it();
    uploading = g;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        *rows[i].comes_to = MRQ_UNAVAILABLE;
        assert_fails(upload(NULL), MRQ_UNAVAILABLE, rows[i].sentence);
        *rows[i].comes_to = MRQ_OK;
        assert_string_equal(said, rows[i].said);
        assert_int_equal(uploaded.rows, 99);
    }
    strcat(store, "/gone");
    assert_fails(upload(NULL), MRQ_NOT_FOUND, "cannot find the path of ");
    assert_fails(mrq_store_settle(store, g, server, &uploaded, &err), MRQ_NOT_FOUND, "cannot find the path of ");
    mrq_generation_close(g);
}

static bool is_kept(const mrq_generation *g)
{
    for (uint32_t i = 0; i < n_kept; i++)
        if (strcmp(kept[i].text, g->content) == 0)
            return true;
    return false;
}

/* Published between the upload and what follows it; and the collections of all generations there are stay. */
static void an_export_uploads_before_it_publishes(void **state)
{
    (void)state;
    char name[MRQ_GENERATION_NAME], second[MRQ_GENERATION_NAME], current[MRQ_GENERATION_NAME];
    mrq_choice choice = {0};
    assert_ok(mrq_store_export(store, model_path, &to_server, name, &choice, &uploaded, &err));
    assert_string_equal(said, "upload(before) connect(before) count(before) measure(before) point prune ");
    assert_true(uploaded.rows == ITEMS && uploaded.sent == 17 && uploaded.aliased && uploaded.removed == 3);
    assert_true(choice.n == 1 && choice.trial);
    mrq_free(choice.trial);
    mrq_generation *g = open_it();
    assert_int_equal(n_kept, 1);
    assert_true(is_kept(g));
    *said = '\0';
    at_shown = 0;
    assert_ok(mrq_store_export(store, model_path, &to_server, second, NULL, NULL, &err));
    assert_string_equal(said, "upload connect count measure point prune ");
    assert_int_equal(n_kept, 2);
    assert_true(is_kept(g)); /* equal contents have equal names */
    mrq_generation_close(g);
    assert_ok(mrq_store_current(store, current, &err));
    assert_string_equal(current, second);
    assert_string_not_equal(current, name);
}

static void an_upload_that_fails_leaves_the_store_as_it_was(void **state)
{
    (void)state;
    static char before[STATE];
    mrq_status *const steps[] = {&upload_comes_to, &connect_comes_to, &count_comes_to, &measure_comes_to};
    char name[MRQ_GENERATION_NAME];
    export_to(store, name);
    take_state(store, before);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        *steps[i] = MRQ_UNAVAILABLE;
        assert_fails(mrq_store_export(store, model_path, &to_server, name, NULL, NULL, &err), MRQ_UNAVAILABLE, "no ");
        assert_fails(mrq_store_export_current(store, &to_server, name, &uploaded, &err), MRQ_UNAVAILABLE, "no ");
        *steps[i] = MRQ_OK;
        assert_state(store, before);
    }
}

/* What fails behind the publish is told as what it is. */
static void a_generation_serves_whatever_becomes_of_the_old_collections(void **state)
{
    (void)state;
    static const struct {
        mrq_status *comes_to;
        const char *sentence;
    } rows[] = {{&point_comes_to, " serves and is on the backend, but: no name"},
                {&prune_comes_to, " serves and is on the backend, but: no pruning"}};
    char name[MRQ_GENERATION_NAME], current[MRQ_GENERATION_NAME], want[200];
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < 2; i++) {
            *rows[i].comes_to = MRQ_UNAVAILABLE;
            at_shown = 0;
            assert_fails(again ? mrq_store_export_current(store, &to_server, name, &uploaded, &err)
                               : mrq_store_export(store, model_path, &to_server, name, NULL, NULL, &err),
                         MRQ_UNAVAILABLE, rows[i].sentence);
            *rows[i].comes_to = MRQ_OK;
            assert_int_equal(mrq_store_current(store, current, NULL), MRQ_OK);
            snprintf(want, sizeof want, "generation %s%s", current, rows[i].sentence);
            assert_string_equal(err.msg, want);
        }
}

static void the_current_generation_is_uploaded_as_it_is(void **state)
{
    (void)state;
    static char before[STATE];
    char name[MRQ_GENERATION_NAME], told[MRQ_GENERATION_NAME], lock[PATH];
    snprintf(lock, sizeof lock, "%.4000s/lock", store);
    assert_int_equal(mkdir(store, 0755), 0);
    assert_fails(mrq_store_export_current(store, &to_server, told, &uploaded, &err), MRQ_NOT_FOUND, "has no current generation");
    assert_int_equal(count_entries(store), 0);
    export_to(store, name);
    take_state(store, before);
    assert_ok(mrq_store_export_current(store, &to_server, told, &uploaded, &err));
    assert_string_equal(told, name);
    assert_string_equal(said, "upload connect count measure point prune ");
    assert_true(uploaded.rows == ITEMS && uploaded.sent == 17 && uploaded.aliased && uploaded.removed == 3);
    assert_state(store, before);
    recall_comes_to = 0.5;
    at_shown = 0;
    assert_fails(mrq_store_export_current(store, &to_server, told, &uploaded, &err), MRQ_FAILED, "recall@10 is 0.5000");
    __attribute__((cleanup(mrq_lock_release))) mrq_lock held;
    assert_ok(mrq_lock_take(store, "another", &held, &err));
    *said = '\0';
    assert_fails(mrq_store_export_current(store, &to_server, told, &uploaded, &err), MRQ_FAILED, "is locked by another");
    assert_string_equal(said, "");
    mrq_lock_release(&held);
    damage(store, name, "users.mrq");
    assert_fails(mrq_store_export_current(store, &to_server, told, &uploaded, &err), MRQ_BAD_FILE, "users.mrq");
    assert_string_equal(said, "");
}

/* Of a generation that cannot be read nobody knows the collection. */
static void nothing_is_dropped_while_a_generation_cannot_be_read(void **state)
{
    (void)state;
    char name[MRQ_GENERATION_NAME], told[MRQ_GENERATION_NAME];
    export_to(store, name);
    export_to(store, told);
    damage(store, name, MRQ_MANIFEST);
    assert_fails(mrq_store_export_current(store, &to_server, told, &uploaded, &err), MRQ_BAD_FILE,
                 "serves and is on the backend, but: ");
    assert_string_equal(said, "upload connect count measure point ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_generation_is_uploaded_waited_for_and_measured, make_store),
        cmocka_unit_test_setup(no_more_than_200_queries_are_asked_of_a_backend, make_store),
        cmocka_unit_test_setup(a_backend_that_finds_too_little_is_refused, make_store),
        cmocka_unit_test_setup(rows_that_do_not_show_are_waited_for_a_minute, make_store),
        cmocka_unit_test_setup(an_upload_ends_with_what_fails, make_store),
        cmocka_unit_test_setup(an_export_uploads_before_it_publishes, make_store),
        cmocka_unit_test_setup(an_upload_that_fails_leaves_the_store_as_it_was, make_store),
        cmocka_unit_test_setup(a_generation_serves_whatever_becomes_of_the_old_collections, make_store),
        cmocka_unit_test_setup(the_current_generation_is_uploaded_as_it_is, make_store),
        cmocka_unit_test_setup(nothing_is_dropped_while_a_generation_cannot_be_read, make_store),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
