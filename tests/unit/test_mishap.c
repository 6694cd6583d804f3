/* The store room where each call to the system fails in turn, and each allocation: the call says so, but for what is as well left
 * undone; nothing is left behind, and what served serves. */
#include "unit/store_world.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/file.h>

#include "base/log.h"
#include "unit/failing_memory.h"

static char store[PATH], name[MRQ_GENERATION_NAME];
static int calls_left = INT_MAX;
static const char *failed_call; /* which it was */

/* Whether this call is the one that fails. */
static bool fails(const char *call)
{
    if (calls_left == INT_MAX || calls_left-- != 0)
        return false;
    failed_call = call;
    errno = EIO;
    return true;
}

#define FAILING(result, call, parameters, arguments, otherwise)                                                                    \
    result __real_##call parameters;                                                                                               \
    result __wrap_##call parameters;                                                                                               \
    result __wrap_##call parameters                                                                                                \
    {                                                                                                                              \
        return fails(#call) ? (otherwise) : __real_##call arguments;                                                               \
    }
FAILING(int, mkdir, (const char *path, mode_t mode), (path, mode), -1)
FAILING(int, rename, (const char *from, const char *to), (from, to), -1)
FAILING(int, symlink, (const char *target, const char *path), (target, path), -1)
FAILING(DIR *, opendir, (const char *path), (path), NULL)
FAILING(struct dirent *, readdir64, (DIR * stream), (stream), NULL)
FAILING(int, fstatat64, (int at, const char *path, struct stat *st, int flags), (at, path, st, flags), -1)
FAILING(int, lstat64, (const char *path, struct stat *st), (path, st), -1)
FAILING(int, stat64, (const char *path, struct stat *st), (path, st), -1)
FAILING(int, fstat64, (int fd, struct stat *st), (fd, st), -1)
FAILING(int, ftruncate64, (int fd, off_t size), (fd, size), -1)
FAILING(int, flock, (int fd, int operation), (fd, operation), -1)
FAILING(ssize_t, readlink, (const char *path, char *target, size_t size), (path, target, size), -1)
FAILING(FILE *, fdopen, (int fd, const char *mode), (fd, mode), NULL)

/* What base does is one call, whatever it is made of: it has tests of its own. */
#define FAILING_WHOLE(call, parameters, arguments)                                                                                 \
    mrq_status __real_##call parameters;                                                                                           \
    mrq_status __wrap_##call parameters;                                                                                           \
    mrq_status __wrap_##call parameters                                                                                            \
    {                                                                                                                              \
        if (fails(#call))                                                                                                          \
            return mrq_fail_errno(error, "cannot have %s", #call);                                                                 \
        const int left = calls_left;                                                                                               \
        calls_left = INT_MAX;                                                                                                      \
        const mrq_status status = __real_##call arguments;                                                                         \
        calls_left = left;                                                                                                         \
        return status;                                                                                                             \
    }
FAILING_WHOLE(mrq_container_write, (mrq_container_writer * writer, const char *path, mrq_error *error), (writer, path, error))
FAILING_WHOLE(mrq_container_open, (const char *path, const char *kind, uint32_t version, mrq_container **out, mrq_error *error),
              (path, kind, version, out, error))
FAILING_WHOLE(mrq_map_open, (mrq_map * map, const char *path, mrq_error *error), (map, path, error))
FAILING_WHOLE(mrq_file_write, (const char *path, const void *data, size_t size, mrq_error *error), (path, data, size, error))
FAILING_WHOLE(mrq_folder_sync, (const char *path, mrq_error *error), (path, error))

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return fails("open64") ? -1 : __real_open64(path, flags, mode);
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd) /* takes no time when it is of no use */
{
    (void)fd;
    return fails("fsync") ? -1 : 0;
}

/* What a store shows: its names, newest first, as "c" for the current one and "g" for another; and what does not belong there. */
static void take_shape(char out[200])
{
    char current[MRQ_GENERATION_NAME] = "";
    const char *const folders[] = {"", "generations"};
    MRQ_AUTOFREE mrq_name *names = NULL;
    uint32_t n = 0;
    size_t used = 0;
    *out = '\0';
    if (!mrq_file_exists(store))
        return;
    assert_true(mrq_store_current(store, current, NULL) != MRQ_FAILED);
    if (mrq_store_names(store, &names, &n, NULL) != MRQ_OK)
        n = 0;
    for (uint32_t i = 0; i < n; i++)
        out[used++] = strcmp(names[i].text, current) == 0 ? 'c' : 'g';
    out[used] = '\0';
    for (int i = 0; i < 2; i++) {
        char path[PATH + 20];
        snprintf(path, sizeof path, "%s/%s", store, folders[i]);
        DIR *stream = __real_opendir(path);
        for (struct dirent *e; stream && (e = __real_readdir64(stream));)
            if (strncmp(e->d_name, ".tmp", 4) == 0 || strcmp(e->d_name, "lock") == 0)
                used += (size_t)snprintf(out + used, 200 - used, " %.50s", e->d_name);
        if (stream)
            closedir(stream);
    }
}

static mrq_status do_export(void)
{
    return mrq_store_export(store, model_path, &flat, name, NULL, NULL, &err);
}

static mrq_status do_export_coded(void)
{
    static const mrq_export_options coded = {.index = "SQ8", .recall = 0.5};
    return mrq_store_export(store, model_path, &coded, name, NULL, NULL, &err);
}

static mrq_status do_publication(void)
{
    MRQ_CLEANUP(mrq_publication_discard) mrq_publication *publication = NULL;
    MRQ_TRY(mrq_publication_open(store, "test", &publication, &err));
    return mrq_publication_write(publication, model, &flat, NULL, &err);
}

/* What is made is taken away again, the store too. */
static mrq_status do_first_publication(void)
{
    MRQ_CLEANUP(mrq_publication_discard) mrq_publication *publication = NULL;
    return mrq_publication_open(store, "test", &publication, &err);
}

static mrq_status do_open(void)
{
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    MRQ_TRY(mrq_generation_open(store, &g, &err));
    assert_true(g->items->rows == ITEMS && g->users->rows == USERS && g->curve.n == 3);
    return MRQ_OK;
}

static mrq_status do_open_plain(void)
{
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    return mrq_generation_open_plain(store, &g, &err);
}

static mrq_status do_audit(void)
{
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    MRQ_CLEANUP(mrq_model_free) mrq_model *its = NULL;
    return mrq_generation_audit(store, &g, &its, &err);
}

static mrq_status do_model(void)
{
    MRQ_CLEANUP(mrq_model_free) mrq_model *its = NULL;
    return mrq_store_model(store, &its, &err);
}

/* A line that says why a generation cannot be read is as good as a failure. */
static mrq_status list_by(mrq_status (*lists)(const char *, mrq_generation_info **, uint32_t *, mrq_error *))
{
    uint32_t n = 0;
    MRQ_AUTOFREE mrq_generation_info *list = NULL;
    MRQ_TRY(lists(store, &list, &n, &err));
    assert_int_equal(n, 2);
    for (uint32_t i = 0; i < n; i++)
        if (list[i].state != MRQ_OK)
            return mrq_fail(&err, list[i].state, "%s", list[i].problem);
    return MRQ_OK;
}

static mrq_status do_list(void)
{
    return list_by(mrq_store_list);
}

static mrq_status do_list_plain(void)
{
    return list_by(mrq_store_list_plain);
}

static mrq_status do_rollback(void)
{
    return mrq_store_rollback(store, NULL, name, &err);
}

static mrq_status do_prune(void)
{
    uint32_t removed = 0;
    MRQ_TRY(mrq_store_prune(store, 1, &removed, &err));
    assert_int_equal(removed, 1);
    return MRQ_OK;
}

/* What is done, what the store looks like before and after, and which calls may fail without a word: the lock's text, and the
 * sweep, which the next writer does again. */
#define SWEPT "ftruncate64 lstat64 opendir readdir64 "
static const struct act {
    const char *what;
    mrq_status (*act)(void);
    const char *before, *after, *tolerated;
    bool memory; /* whether it is done without, too: the others allocate what these do */
} acts[] = {
    {"a first publication", do_first_publication, "", "", SWEPT, false},
    {"an export", do_export_coded, "cg", "cgg", SWEPT, false},
    {"a publication", do_publication, "cg", "cg", SWEPT, true},
    {"an open", do_open, "cg", "cg", "", true},
    {"a plain open", do_open_plain, "cg", "cg", "", false},
    {"an audit", do_audit, "cg", "cg", "", false},
    {"a model's open", do_model, "cg", "cg", "", true},
    {"a list", do_list, "cg", "cg", "", false},
    {"a plain list", do_list_plain, "cg", "cg", "", true},
    {"a rollback", do_rollback, "cg", "gc", SWEPT, false},
    {"a prune", do_prune, "cg", "c", SWEPT, false},
};

/* A store of this shape, "" for none at all: another one unless it is there. */
static void make_shape(const char *shape)
{
    char now[200];
    take_shape(now);
    if (strcmp(now, shape) == 0)
        return;
    new_store(store);
    for (size_t i = 0; i < strlen(shape); i++)
        assert_ok(do_export());
}

static void each_call_fails_in_turn(void **state)
{
    (void)state;
    const int descriptors = descriptors_of_process();
    mrq_log_open(NULL, MRQ_LOG_ERROR);
    new_store(store);
    for (size_t a = 0; a < sizeof acts / sizeof *acts; a++) {
        char tolerated[2000] = "";
        int n = 0;
        for (bool met = true; met && n < 2000; n++) {
            char shape[200];
            make_shape(acts[a].before);
            err = (mrq_error){0};
            failed_call = NULL;
            calls_left = n;
            const mrq_status status = acts[a].act();
            calls_left = INT_MAX;
            met = failed_call != NULL;
            take_shape(shape);
            /* who cannot lock the file cannot know whose it is either */
            char *lock = strstr(shape, " lock");
            if (lock && met && strstr("flock fstat64 stat64", failed_call))
                *lock = '\0';
            if (status == MRQ_OK) {
                char *left = strstr(shape, " .tmp-");
                if (left && met && strstr("opendir readdir64", failed_call)) /* for the next writer to sweep */
                    *left = '\0';
                if (strcmp(shape, acts[a].after) != 0)
                    fail_msg("%s: call %d, %s: \"%s\"", acts[a].what, n, failed_call, shape);
                if (met && !strstr(tolerated, failed_call))
                    snprintf(tolerated + strlen(tolerated), sizeof tolerated - strlen(tolerated), "%s ", failed_call);
            } else if (!met || !strstr(err.msg, "Input/output error") || status != err.status ||
                       (acts[a].act != do_prune && strcmp(shape, acts[a].before) != 0 && strcmp(shape, acts[a].after) != 0) ||
                       (acts[a].act == do_prune && *shape != 'c')) { /* which has taken some out of sight */
                fail_msg("%s: call %d, %s: \"%s\", got %d, %s", acts[a].what, n, failed_call, shape, (int)status, err.msg);
            }
            assert_int_equal(descriptors_of_process(), descriptors);
            if (strchr(shape, 'c'))
                assert_int_equal(try_open(store), MRQ_OK);
        }
        assert_in_range(n, 4, 200);
        if (strcmp(tolerated, acts[a].tolerated) != 0)
            fail_msg("%s: \"%s\" may fail without a word, want \"%s\"", acts[a].what, tolerated, acts[a].tolerated);
    }
}

static void each_allocation_fails_in_turn(void **state)
{
    (void)state;
    mrq_log_open(NULL, MRQ_LOG_ERROR);
    new_store(store);
    for (size_t a = 0; a < sizeof acts / sizeof *acts; a++) {
        mrq_status status = acts[a].memory ? MRQ_FAILED : MRQ_OK;
        int n = 0;
        for (; status != MRQ_OK && n < 3000; n += acts[a].act == do_publication ? 7 : 1) { /* which writes files each time */
            char shape[200];
            make_shape(acts[a].before);
            err = (mrq_error){0};
            atomic_store(&allocations_left, n);
            status = acts[a].act();
            const bool failed = atomic_exchange(&allocations_left, INT_MAX) < 0;
            take_shape(shape);
            if (status == MRQ_OK ? failed : status != MRQ_FAILED || !strstr(err.msg, "out of memory"))
                fail_msg("%s: allocation %d fails: got %d, %s", acts[a].what, n, (int)status, err.msg);
            if (strcmp(shape, status == MRQ_OK ? acts[a].after : acts[a].before) != 0)
                fail_msg("%s: allocation %d fails: %s", acts[a].what, n, shape);
        }
        if (acts[a].memory)
            assert_in_range(n, 100, 2999);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_fails_in_turn),
        cmocka_unit_test(each_allocation_fails_in_turn),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
