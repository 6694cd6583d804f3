/* The store room, writing: exports that fail, race or are killed, the lock, names when the clock steps back, going back,
 * pruning. */
#include "unit/store_world.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/clock.h"
#include "store/queries.h"

static mrq_status try_export(const char *store, const char *path, const char *kind, char name[MRQ_GENERATION_NAME])
{
    const mrq_export_options options = {.index = kind, .recall = 1};
    return mrq_store_export(store, path, &options, name, NULL, NULL, &err);
}

/* Nothing is left of those who wrote. */
static void assert_swept(const char *store)
{
    char text[STATE];
    shell(text, sizeof text, "cd '%s' && find . -name '.tmp*' -o -name lock", store);
    assert_string_equal(text, "");
}

static void modes_ignore_a_lax_umask(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], text[STATE];
    const mode_t old = umask(0);
    export_to(new_store(store), name);
    umask(old);
    shell(text, sizeof text, "find '%s' ! -type l -perm /022", store);
    assert_string_equal(text, "");
    shell(text, sizeof text, "find '%s' -type f ! -perm -444 -o -type d ! -perm -555", store);
    assert_string_equal(text, "");
}

static void a_failed_export_leaves_nothing(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME] = "untouched", before[STATE], path[PATH + 40];
    for (int had = 0; had < 2; had++) { /* a store that is not there yet, and one that serves */
        new_store(store);
        if (had) {
            export_to(store, name);
            take_state(store, before);
        }
        char other[MRQ_GENERATION_NAME] = "untouched";
        assert_fails(try_export(store, "/nowhere/m.mrq", "Flat", other), MRQ_NOT_FOUND, "/nowhere/m.mrq");
        assert_fails(try_export(store, "/dev/null", "Flat", other), MRQ_BAD_FILE, "/dev/null is not a regular file");
        assert_fails(try_export(store, model_path, "nonsense", other), MRQ_USAGE, "index \"nonsense\"");
        assert_fails(try_export(store, model_path, "IVF100,Flat", other), MRQ_USAGE, "index \"IVF100,Flat\"");
        assert_fails(try_export(store, model_path, "IVF10000000000000000000000000000000000000000000000000000000,Flat", other),
                     MRQ_USAGE, "want less than 64");
        snprintf(path, sizeof path, "%.4000s/damaged.mrq", folder);
        assert_ok(mrq_model_save(model, path, &err));
        damage_file(path);
        assert_fails(try_export(store, path, "Flat", other), MRQ_BAD_FILE, "damaged.mrq: the checksum does not match");
        assert_string_equal(other, "untouched");
        if (had)
            assert_state(store, before);
        else
            assert_false(mrq_file_exists(store));
    }
    snprintf(path, sizeof path, "%.4000s/no/where", folder);
    assert_fails(try_export(path, model_path, "Flat", name), MRQ_NOT_FOUND, "cannot make folder");
    assert_fails(try_export(model_path, model_path, "Flat", name), MRQ_NOT_FOUND, "m.mrq/lock: Not a directory");
}

/* How the disk fails: not at all; `current` cannot be replaced; it dies while a generation is published, and after one more sync
 * nothing is synced, and no link is read. */
enum { SOUND, NO_SWAP, DYING } failing; /* not static: to clang, readlink() is inline */
static int syncs;

int rename(const char *from, const char *to)
{
    const size_t size = strlen(to);
    if (failing == NO_SWAP && size > 8 && strcmp(to + size - 8, "/current") == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int fsync(int fd)
{
    if (failing == DYING && syncs++) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

ssize_t readlink(const char *path, char *target, size_t size)
{
    if (failing == DYING) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_readlinkat, AT_FDCWD, path, target, size);
}

/* The last step fails: the generation that was already in its place goes, too. */
static void a_failed_swap_removes_the_generation(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], left[STATE];
    new_store(store);
    shell(left, sizeof left, "mkdir '%s' && ln -s x '%s/.tmp-current'", store, store);
    failing = NO_SWAP;
    const mrq_status status = mrq_store_export(store, model_path, &flat, name, NULL, NULL, &err);
    failing = SOUND;
    assert_int_equal(status, MRQ_FAILED);
    assert_non_null(strstr(err.msg, "cannot rename"));
    shell(left, sizeof left, "cd '%s' && find . | sort", store);
    assert_string_equal(left, ".\n");
}

static void what_may_be_current_is_not_removed(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH];
    export_to(new_store(store), name);
    mrq_publication *publication = NULL;
    assert_ok(mrq_publication_open(store, "rebuild", &publication, &err));
    assert_ok(mrq_publication_write(publication, model, &flat, NULL, &err));
    strcpy(name, mrq_publication_generation(publication)->name);
    failing = DYING;
    const mrq_status status = mrq_publication_publish(publication, &err);
    mrq_publication_discard(publication);
    failing = SOUND;
    assert_int_equal(status, MRQ_FAILED);
    snprintf(path, sizeof path, "cannot sync folder %.4000s: Input/output error", store);
    assert_string_equal(err.msg, path);
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    assert_ok(mrq_generation_open(store, &g, &err));
    assert_string_equal(g->name, name);
}

/* The old generation serves until the new one is published; that one stays when the publication goes. */
static void a_publication_is_nothing_until_it_is_published(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME];
    export_to(new_store(store), name);
    mrq_publication *publication = NULL;
    mrq_choice choice;
    assert_ok(mrq_publication_open(store, "rebuild", &publication, &err));
    assert_null(mrq_publication_generation(publication));
    assert_ok(mrq_publication_write(publication, model, &flat, &choice, &err));
    mrq_free(choice.trial);
    const mrq_generation *made = mrq_publication_generation(publication);
    assert_true(strcmp(made->name, name) > 0);
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    assert_ok(mrq_generation_open(store, &g, &err));
    assert_string_equal(g->name, name);
    strcpy(name, made->name);
    assert_ok(mrq_publication_publish(publication, &err));
    uint32_t removed;
    assert_fails(mrq_store_prune(store, 1, &removed, &err), MRQ_FAILED, "is locked by rebuild");
    mrq_publication_discard(publication);
    mrq_generation_close(g);
    assert_ok(mrq_generation_open(store, &g, &err));
    assert_string_equal(g->name, name);
    char path[PATH];
    snprintf(path, sizeof path, "%.4000s/lock", store);
    assert_false(mrq_file_exists(path));
}

static void an_unfinished_publication_leaves_no_trace(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], before[STATE];
    export_to(new_store(store), name);
    take_state(store, before);
    mrq_publication *publication = NULL;
    assert_ok(mrq_publication_open(store, "rebuild", &publication, &err));
    mrq_publication_discard(publication);
    assert_state(store, before);
    assert_ok(mrq_publication_open(store, "rebuild", &publication, &err));
    assert_ok(mrq_publication_write(publication, model, &flat, NULL, &err));
    mrq_publication_discard(publication);
    assert_state(store, before);
}

static void move_in_time(const char *store, const char *name, const char *time, char moved[MRQ_GENERATION_NAME])
{
    char out[10];
    snprintf(moved, MRQ_GENERATION_NAME, "%.16s%.13s", time, name + 16);
    shell(out, sizeof out, "cd '%s' && mv generations/%s generations/%s && ln -sfn generations/%s current", store, name, moved,
          moved);
}

/* Names sort in the order of the exports, though several fall into a second, or the clock is far behind the newest name. */
static void names_follow_each_other(void **state)
{
    (void)state;
    char store[PATH], name[5][MRQ_GENERATION_NAME], moved[MRQ_GENERATION_NAME];
    new_store(store);
    for (int i = 0; i < 5; i++) {
        export_to(store, name[i]);
        assert_true(i == 0 || strcmp(name[i], name[i - 1]) > 0);
        MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
        assert_ok(mrq_generation_open(store, &g, &err));
        assert_string_equal(g->name, name[i]);
    }
    move_in_time(store, name[4], "29991231T235959Z", moved);
    assert_int_equal(try_open(store), MRQ_OK);
    export_to(store, name[0]);
    assert_memory_equal(name[0], "30000101T000000Z-", 17);
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    assert_ok(mrq_generation_open(store, &g, &err));
    assert_string_equal(g->name, name[0]);
    assert_true(llabs((long long)g->created - (long long)time(NULL)) < 60); /* the manifest tells the real time */
    move_in_time(store, name[0], "99991231T235959Z", moved);
    assert_fails(mrq_store_export(store, model_path, &flat, name[1], NULL, NULL, &err), MRQ_FAILED, "no name can sort after");
    assert_int_equal(try_open(store), MRQ_OK);
}

/* What the system's clock says, where that is not -1. */
static int64_t clock_says = -1;
int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    const int failed = __real_clock_gettime(clock, out);
    if (clock == CLOCK_REALTIME && clock_says != -1)
        *out = (struct timespec){.tv_sec = clock_says};
    return failed;
}

static mrq_status export_at(int64_t seconds, const char *where, char name[MRQ_GENERATION_NAME])
{
    clock_says = seconds;
    const mrq_status status = mrq_store_export(where, model_path, &flat, name, NULL, NULL, &err);
    clock_says = -1;
    return status;
}

/* A store's first name is the clock's time, from the first second there is to the last. */
static void names_begin_and_end_with_the_clock(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *name, *next; /* an export in the same second */
    } good[] = {{0, "19700101T000000Z-", "19700101T000001Z-"},
                {1, "19700101T000001Z-", "19700101T000002Z-"},
                {253402300799, "99991231T235959Z-", NULL}};
    static const int64_t bad[] = {-2, 253402300800};
    char store[PATH], name[MRQ_GENERATION_NAME], want[100];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        new_store(store);
        assert_ok(export_at(good[i].seconds, store, name));
        assert_memory_equal(name, good[i].name, 17);
        if (good[i].next) {
            assert_ok(export_at(good[i].seconds, store, name));
            assert_memory_equal(name, good[i].next, 17);
        } else {
            assert_fails(export_at(good[i].seconds, store, name), MRQ_FAILED,
                         ": no name can sort after this one; remove the folder");
        }
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(want, sizeof want, "the clock says %lld seconds after 1970; set the clock", (long long)bad[i]);
        assert_fails(export_at(bad[i], new_store(store), name), MRQ_FAILED, want);
        assert_string_equal(err.msg, want);
    }
}

/* Where a copy has left a folder in the link's place, nothing is written, and the sentence says what to do. */
static void a_folder_in_the_links_place_is_told(void **state)
{
    (void)state;
    char store[PATH], name[2][MRQ_GENERATION_NAME], link[PATH + 10], want[PATH + 200];
    static char before[STATE];
    new_store(store);
    for (int i = 0; i < 2; i++)
        export_to(store, name[i]);
    snprintf(link, sizeof link, "%s/current", store);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(mkdir(link, 0755), 0);
    shell(before, STATE, "cd '%s' && find . | sort", store);
    snprintf(want, sizeof want, "%s is not a symbolic link, perhaps because the store was copied with links followed; remove it",
             link);
    for (int act = 0; act < 3; act++) {
        MRQ_CLEANUP(mrq_publication_discard) mrq_publication *publication = NULL;
        uint32_t removed = 0;
        char found[MRQ_GENERATION_NAME];
        assert_fails(act == 0   ? mrq_publication_open(store, "test", &publication, &err)
                     : act == 1 ? mrq_store_rollback(store, name[0], found, &err)
                                : mrq_store_prune(store, 1, &removed, &err),
                     MRQ_BAD_FILE, want);
        assert_string_equal(err.msg, want);
        static char after[STATE];
        shell(after, STATE, "cd '%s' && find . | sort", store);
        assert_string_equal(after, before);
    }
}

static void list_tells_all(void **state)
{
    (void)state;
    char store[PATH], name[3][MRQ_GENERATION_NAME], out[100];
    uint32_t n = 0;
    mrq_generation_info *list = NULL;
    new_store(store);
    assert_fails(mrq_store_list(store, &list, &n, &err), MRQ_NOT_FOUND, "is not a store: it has no folder generations");
    for (int i = 0; i < 3; i++)
        export_to(store, name[i]);
    damage(store, name[0], MRQ_MANIFEST);
    damage(store, name[1], "model.mrq");
    shell(out, sizeof out, "mkdir '%s/generations/.tmp-%s' '%s/generations/something'", store, name[2], store);
    assert_ok(mrq_store_list(store, &list, &n, &err));
    assert_int_equal(n, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_string_equal(list[i].name, name[2 - i]);
        assert_int_equal(list[i].current, i == 0);
        assert_int_equal(list[i].state, i == 0 ? MRQ_OK : MRQ_BAD_FILE);
        assert_true(llabs((long long)list[i].created - (long long)time(NULL)) < 60);
        shell(out, sizeof out, "cat '%s'/generations/%s/* | wc -c", store, list[i].name);
        assert_int_equal(list[i].bytes, atoll(out));
    }
    for (uint32_t i = 0; i < 2; i++) { /* the manifest of both can be read */
        assert_int_equal(list[i].items, ITEMS);
        assert_int_equal(list[i].users, USERS);
        assert_string_equal(list[i].model, "small");
        assert_string_equal(list[i].index, "Flat");
        assert_true(list[i].recall >= 1 && list[i].p50 > 0 && fabs(list[i].quality.value - 0.9) < 1e-9);
    }
    assert_string_equal(list[0].problem, "");
    assert_memory_equal(list[1].problem, "model.mrq: ", 11);
    assert_memory_equal(list[2].problem, "MANIFEST.json: ", 15);
    assert_int_equal(list[2].items, 0);
    assert_true(isnan(list[2].recall) && isnan(list[2].quality.value));
    mrq_free(list);
    shell(out, sizeof out, "rm '%s/current'", store);
    assert_ok(mrq_store_list(store, &list, &n, &err));
    assert_true(n == 3 && !list[0].current);
    mrq_free(list);
}

/* What two lists say of one generation. */
static void assert_same_line(const mrq_generation_info *a, const mrq_generation_info *b)
{
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->model, b->model);
    assert_string_equal(a->index, b->index);
    assert_true(a->current == b->current && a->created == b->created && a->bytes == b->bytes);
    assert_true(a->items == b->items && a->users == b->users);
    assert_memory_equal(&a->recall, &b->recall, 3 * sizeof a->recall); /* or NaN */
    assert_memory_equal(&a->quality.value, &b->quality.value, sizeof a->quality.value);
}

/* The list from the manifests alone: of a damaged manifest it tells, of another damaged file it does not know, nor of one that is
 * gone. */
static void a_plain_list_reads_manifests_alone(void **state)
{
    (void)state;
    char store[PATH], name[5][MRQ_GENERATION_NAME], out[100];
    uint32_t n = 0, all = 0;
    mrq_generation_info *none = NULL;
    new_store(store);
    assert_fails(mrq_store_list_plain(store, &none, &n, &err), MRQ_NOT_FOUND, "is not a store: it has no folder generations");
    for (int i = 0; i < 5; i++)
        export_to(store, name[i]);
    damage(store, name[0], MRQ_MANIFEST);
    shell(out, sizeof out, "rm '%s/generations/%s/MANIFEST.json'", store, name[1]);
    damage(store, name[2], "users.mrq");
    shell(out, sizeof out, "rm '%s/generations/%s/model.mrq'", store, name[3]);
    MRQ_AUTOFREE mrq_generation_info *plain = NULL, *list = NULL;
    assert_ok(mrq_store_list_plain(store, &plain, &n, &err));
    assert_ok(mrq_store_list(store, &list, &all, &err));
    assert_true(n == 5 && all == 5);
    for (uint32_t i = 0; i < n; i++) {
        assert_same_line(&plain[i], &list[i]);
        assert_int_equal(list[i].state, i == 0 ? MRQ_OK : MRQ_BAD_FILE);
        assert_int_equal(plain[i].state, i < 3 ? MRQ_OK : MRQ_BAD_FILE);
        assert_string_equal(plain[i].problem, i < 3 ? "" : list[i].problem);
    }
    assert_string_equal(plain[3].problem, "MANIFEST.json is missing");
    assert_memory_equal(plain[4].problem, "MANIFEST.json: damaged: ", 24);
}

static void assert_current(const char *store, const char *want)
{
    char name[MRQ_GENERATION_NAME];
    assert_ok(mrq_store_current(store, name, &err));
    assert_string_equal(name, want);
}

static void rollback_goes_to_what_is_intact(void **state)
{
    (void)state;
    char store[PATH], name[5][MRQ_GENERATION_NAME], back[MRQ_GENERATION_NAME] = "", before[STATE], path[PATH];
    new_store(store);
    assert_fails(mrq_store_rollback(store, NULL, back, &err), MRQ_NOT_FOUND, "is not a store");
    assert_false(mrq_file_exists(store));
    export_to(store, name[0]);
    take_state(store, before);
    assert_fails(mrq_store_rollback(store, NULL, back, &err), MRQ_NOT_FOUND, "has no intact generation older than 2");
    assert_state(store, before);
    for (int i = 1; i < 5; i++)
        export_to(store, name[i]);
    damage(store, name[3], "seen.mrq");
    damage(store, name[2], "model.mrq");
    take_state(store, before);
    assert_fails(mrq_store_rollback(store, name[3], back, &err), MRQ_BAD_FILE, "seen.mrq: the checksum does not match");
    assert_fails(mrq_store_rollback(store, "20200101T000000Z-0123456789ab", back, &err), MRQ_NOT_FOUND,
                 "has no generation 20200101T000000Z-0123456789ab");
    assert_fails(mrq_store_rollback(store, "../x", back, &err), MRQ_USAGE, "\"../x\" is not the name of a generation");
    assert_string_equal(back, "");
    assert_state(store, before);
    assert_ok(mrq_store_rollback(store, NULL, back, &err)); /* over two damaged ones */
    assert_string_equal(back, name[1]);
    assert_current(store, name[1]);
    assert_ok(mrq_store_rollback(store, NULL, back, &err));
    assert_current(store, name[0]);
    assert_fails(mrq_store_rollback(store, NULL, back, &err), MRQ_NOT_FOUND, "no intact generation older than");
    assert_ok(mrq_store_rollback(store, name[4], back, &err)); /* and forward */
    assert_state(store, before);
    mrq_publication *publication = NULL;
    assert_ok(mrq_publication_open(store, "rebuild", &publication, &err));
    assert_fails(mrq_store_rollback(store, NULL, back, &err), MRQ_FAILED, "is locked by rebuild, process ");
    mrq_publication_discard(publication);

    /* a link that leads nowhere is mended */
    snprintf(path, sizeof path, "%.4000s/current", store);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("generations/gone", path), 0);
    assert_ok(mrq_store_rollback(store, NULL, back, &err));
    assert_current(store, name[4]);
}

static uint32_t count_generations(const char *store)
{
    uint32_t n = 0;
    mrq_name *names = NULL;
    assert_ok(mrq_store_names(store, &names, &n, &err));
    mrq_free(names);
    return n;
}

static void prune_keeps_the_newest_and_the_current(void **state)
{
    (void)state;
    char store[PATH], name[6][MRQ_GENERATION_NAME], back[MRQ_GENERATION_NAME], text[STATE], path[PATH];
    uint32_t removed = 77;
    new_store(store);
    assert_fails(mrq_store_prune(store, 3, &removed, &err), MRQ_NOT_FOUND, "has no current generation");
    assert_false(mrq_file_exists(store));
    for (int i = 0; i < 6; i++)
        export_to(store, name[i]);
    assert_ok(mrq_store_rollback(store, name[1], back, &err));
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    assert_ok(mrq_generation_path(store, name[0], path, &err));
    assert_ok(mrq_generation_open_in(path, name[0], NULL, true, &g, &err));
    shell(text, sizeof text, "touch '%s/generations/%s/odd' && mkdir '%s/generations/.tmp-1'", store, name[2], store);
    assert_ok(mrq_store_prune(store, 6, &removed, &err));
    assert_int_equal(removed, 0);
    assert_ok(mrq_store_prune(store, 2, &removed, &err));
    assert_int_equal(removed, 3);
    assert_int_equal(count_generations(store), 3); /* 1, which is current, 4 and 5 */
    shell(text, sizeof text, "ls -A '%s/generations' | wc -l", store);
    assert_int_equal(atoi(text), 3);
    assert_int_equal(try_open(store), MRQ_OK);
    assert_string_equal(mrq_strings_at(&mrq_table_column(g->items, "title")->text, 39), "Title 039"); /* read on */
    assert_ok(mrq_store_prune(store, 0, &removed, &err));
    assert_int_equal(removed, 2);
    assert_current(store, name[1]);
    assert_int_equal(try_open(store), MRQ_OK);

    /* in a publication: neither what is current nor what has just been written, and not the folder it works in */
    mrq_publication *publication = NULL;
    assert_ok(mrq_publication_open(store, "rebuild", &publication, &err));
    assert_ok(mrq_publication_prune(publication, 0, &removed, &err));
    assert_int_equal(removed, 0);
    assert_ok(mrq_publication_write(publication, model, &flat, NULL, &err));
    assert_ok(mrq_publication_prune(publication, 0, &removed, &err));
    assert_int_equal(removed, 0);
    assert_ok(mrq_publication_publish(publication, &err));
    assert_ok(mrq_publication_prune(publication, 1, &removed, &err));
    assert_int_equal(removed, 1);
    mrq_publication_discard(publication);
    assert_int_equal(try_open(store), MRQ_OK);
    assert_int_equal(count_generations(store), 1);

    /* without a current one nothing is known to be old */
    snprintf(path, sizeof path, "%.4000s/current", store);
    assert_int_equal(unlink(path), 0);
    assert_fails(mrq_store_prune(store, 0, &removed, &err), MRQ_NOT_FOUND, "has no current generation");
    assert_int_equal(count_generations(store), 1);
}

static void prune_for_ever(const char *store)
{
    uint32_t removed;
    mrq_error e;
    for (;;)
        if (mrq_store_prune(store, 1, &removed, &e) != MRQ_OK && !strstr(e.msg, "is locked"))
            _exit(1);
}

/* A prune that is killed leaves whole generations alone. */
static void a_killed_prune_leaves_no_half(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME];
    mrq_random rng;
    mrq_random_init(&rng, 6, 0);
    new_store(store);
    for (int i = 0; i < 12; i++) {
        for (int j = 0; j < 4; j++)
            export_to(store, name);
        const pid_t pid = child(prune_for_ever, store);
        const struct timespec pause = {0, (long)mrq_random_below(&rng, 3000000)};
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        uint32_t n = 0;
        MRQ_AUTOFREE mrq_generation_info *list = NULL;
        assert_ok(mrq_store_list(store, &list, &n, &err));
        assert_true(n >= 1);
        for (uint32_t k = 0; k < n; k++)
            if (list[k].state != MRQ_OK)
                fail_msg("%s: %s", list[k].name, list[k].problem);
        assert_current(store, name);
    }
    uint32_t removed;
    assert_ok(mrq_store_prune(store, 1, &removed, &err));
    assert_swept(store);
}

/* An export on a file system with ever more room: every failure leaves the store as it was, until one succeeds. */
static void a_full_disk_leaves_the_store_serving(void **state)
{
    (void)state;
    static const mrq_export_options coded = {.index = "SQ8", .recall = 0.5}; /* an index that FAISS reads back */
    char disk[PATH + 20], store[PATH + 40], filler[PATH + 40], name[MRQ_GENERATION_NAME], before[STATE];
    snprintf(disk, sizeof disk, "%.4000s/disk", folder);
    snprintf(store, sizeof store, "%s/store", disk);
    snprintf(filler, sizeof filler, "%s/filler", disk);
    assert_int_equal(mkdir(disk, 0755), 0);
    if (mount("none", disk, "tmpfs", 0, "size=4m") != 0)
        skip_test("a tmpfs cannot be mounted here");
    export_to(store, name);
    take_state(store, before);
    int failures = 0;
    mrq_status status = MRQ_FAILED;
    for (size_t room = 0; status != MRQ_OK; room += 4096) {
        struct statvfs fs;
        assert_int_equal(statvfs(disk, &fs), 0);
        const off_t fill = (off_t)(fs.f_bavail * fs.f_bsize) - (off_t)room;
        const int fd = open(filler, O_WRONLY | O_CREAT, 0644);
        assert_true(fd >= 0 && fill > 0);
        assert_int_equal(posix_fallocate(fd, 0, fill), 0);
        close(fd);
        char other[MRQ_GENERATION_NAME];
        status = mrq_store_export(store, model_path, &coded, other, NULL, NULL, &err);
        if (status != MRQ_OK) {
            failures++;
            assert_int_equal(status, MRQ_FAILED);
            if (!strstr(err.msg, "No space left on device"))
                fail_msg("with %zu bytes: %s", room, err.msg);
            assert_state(store, before);
            assert_int_equal(try_open(store), MRQ_OK);
        }
        unlink(filler);
    }
    assert_int_equal(umount(disk), 0);
    assert_true(failures > 10);
}

/* The worst that readers can meet: generations that come and go, and `current` going back and forth. */
static void write_for_ever(const char *store)
{
    char name[MRQ_GENERATION_NAME];
    uint32_t removed;
    for (uint32_t i = 0;; i++)
        if (mrq_store_export(store, model_path, &flat, name, NULL, NULL, NULL) != MRQ_OK ||
            (i % 2 && mrq_store_rollback(store, NULL, name, NULL) != MRQ_OK) ||
            mrq_store_prune(store, i % 3, &removed, NULL) != MRQ_OK)
            _exit(1);
}

static void read_for_ever(const char *store)
{
    for (;;) {
        mrq_error e;
        mrq_generation *g = NULL;
        if (mrq_generation_open(store, &g, &e) != MRQ_OK) {
            fprintf(stderr, "reader: %s\n", e.msg);
            _exit(1);
        }
        mrq_generation_close(g);
    }
}

static void a_killed_writer_harms_nobody(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME];
    export_to(new_store(store), name);
    const pid_t reader = child(read_for_ever, store);
    mrq_random rng;
    mrq_random_init(&rng, 5, 0);
    for (int i = 0; i < 60; i++) {
        const pid_t pid = child(write_for_ever, store);
        const struct timespec pause = {0, (long)mrq_random_below(&rng, 40000000)};
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status)); /* had not failed by itself: no lock was left behind */
        assert_int_equal(try_open(store), MRQ_OK);
    }
    int status = 0;
    assert_int_equal(waitpid(reader, &status, WNOHANG), 0);
    kill(reader, SIGKILL);
    waitpid(reader, &status, 0);
    export_to(store, name);
    assert_swept(store);
}

/* What a killed export can leave, all at once. */
static void leftovers_are_swept(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], text[STATE];
    new_store(store);
    shell(text, sizeof text,
          "mkdir -p '%s' && cd '%s' && mkdir -p generations/.tmp-1 generations/.tmp-99999 "
          "generations/.tmp-20260131T020000Z-0123456789ab && echo half > "
          "generations/.tmp-1/users.mrq.aB3xYz && "
          "echo other > generations/.tmp-20260131T020000Z-0123456789ab/seen.mrq && "
          "echo 99999 > lock && ln -s generations/nothing .tmp-current && touch .tmp-of-somebody",
          store, store);
    export_to(store, name);
    shell(text, sizeof text, "cd '%s' && find . -maxdepth 2 | sort", store);
    char want[200];
    snprintf(want, sizeof want, ".\n./.tmp-of-somebody\n./current\n./generations\n./generations/%s\n", name);
    assert_string_equal(text, want);
}

static void export_once(const char *store)
{
    char name[MRQ_GENERATION_NAME];
    mrq_error e = {0};
    for (int i = 0; i < 20; i++)
        if (mrq_store_export(store, model_path, &flat, name, NULL, NULL, &e) != MRQ_OK && !strstr(e.msg, "is locked")) {
            fprintf(stderr, "export: %s\n", e.msg);
            _exit(1);
        }
}

static void one_export_at_a_time(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], want[100], text[100];
    new_store(store);
    mrq_publication *publication = NULL;
    assert_ok(mrq_publication_open(store, "rebuild", &publication, &err));
    snprintf(want, sizeof want, "is locked by rebuild, process %ld, since 20", (long)getpid());
    mrq_publication *second = NULL;
    assert_fails(mrq_publication_open(store, "export", &second, &err), MRQ_FAILED, want);
    shell(text, sizeof text, "cat '%s/lock'", store);
    char told[MRQ_TIME_TEXT];
    assert_int_equal(sscanf(text, "rebuild %*d %20s", told), 1);
    assert_non_null(strstr(err.msg, told));
    assert_fails(mrq_store_export(store, model_path, &flat, name, NULL, NULL, &err), MRQ_FAILED, want);
    shell(text, sizeof text, ": > '%s/lock'", store); /* its owner has not yet written its number */
    assert_fails(mrq_store_export(store, model_path, &flat, name, NULL, NULL, &err), MRQ_FAILED, "is locked by another process");
    mrq_publication_discard(publication);
    assert_false(mrq_file_exists(store));

    pid_t pid[3];
    for (int i = 0; i < 3; i++)
        pid[i] = child(export_once, store);
    for (int i = 0; i < 3; i++) {
        int status = 0;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(try_open(store), MRQ_OK);
    assert_swept(store);
}

/* Saves a model whose users' embedding alone is 24 MiB. */
static void save_large_model(const char *path)
{
    enum { MANY = 12288 };
    static const char text[] =
        "{\"name\":\"large\",\"score\":{\"kind\":\"cosine\",\"scale\":5},\"joint\":{\"size\":16,\"activation\":\"tanh\"},"
        "\"towers\":{\"user\":[{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":512}],"
        "\"item\":[{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4}]},\"train\":{}}";
    static uint32_t user[MANY], item[MANY];
    static float rating[MANY];
    MRQ_CLEANUP(mrq_table_free) mrq_table *many = small_users(MANY, 3);
    MRQ_CLEANUP(mrq_model_free) mrq_model *large = NULL;
    mrq_description description;
    for (uint32_t i = 0; i < MANY; i++) {
        user[i] = i;
        item[i] = i % ITEMS;
        rating[i] = (float)(1 + i % 5);
    }
    assert_ok(mrq_description_parse(text, sizeof text - 1, "large.json", &description, &err));
    const mrq_model_source source = {many, items, user, item, rating, user, MANY, MANY, 11, 3, NULL};
    assert_ok(mrq_model_new(&description, &source, &large, &err));
    assert_ok(mrq_model_save(large, path, &err));
}

/* The model is read, computed with and written where it is mapped: an export needs memory for vectors and tower alone. */
static void a_model_larger_than_memory_is_exported(void **state)
{
    (void)state;
    char store[PATH], path[PATH + 20], name[MRQ_GENERATION_NAME];
    snprintf(path, sizeof path, "%.4000s/large.mrq", folder);
    save_large_model(path);
    assert_ok(try_export(new_store(store), path, "Flat", name)); /* what libraries keep once they have it is not of the file */
    const struct rlimit before = limit_memory((size_t)12 << 20);
    const mrq_status status = try_export(store, path, "Flat", name);
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
    if (status != MRQ_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(try_open(store), MRQ_OK);
    temporary_remove(store);
    unlink(path);
}

/* A model's parameters are read where the file is mapped, so a file that is copied over shows. */
static void a_model_that_changes_under_an_export_is_refused(void **state)
{
    (void)state;
    char store[PATH], path[PATH + 20], left[STATE];
    snprintf(path, sizeof path, "%.4000s/changing.mrq", folder);
    assert_ok(mrq_model_save(model, path, &err));
    MRQ_CLEANUP(mrq_model_free) mrq_model *changing = NULL;
    assert_ok(mrq_model_load(path, &changing, &err));
    mrq_publication *publication = NULL;
    assert_ok(mrq_publication_open(new_store(store), "export", &publication, &err));
    float other = changing->param[0] + 0.25f;
    const int fd = open(path, O_WRONLY);
    size_t size;
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
    const unsigned char *at = memmem(bytes, size, changing->param, 16);
    assert_true(fd >= 0 && at && pwrite(fd, &other, sizeof other, at - bytes) == sizeof other);
    close(fd);
    assert_fails(mrq_publication_write(publication, changing, &flat, NULL, &err), MRQ_BAD_FILE,
                 "changing.mrq: changed while it was used: replace a file by renaming");
    mrq_publication_discard(publication);
    shell(left, sizeof left, "[ ! -e %s ] || find %s -type f", store, store);
    assert_string_equal(left, "");
    temporary_remove(store);
    unlink(path);
}

/* What happens, once, between another writer's opening of the lock's file and its locking. */
static void (*before_flock)(void);

int flock(int fd, int operation)
{
    void (*const happen)(void) = before_flock;
    before_flock = NULL;
    if (happen)
        happen();
    return (int)syscall(SYS_flock, fd, operation);
}

static mrq_lock first, third;

static void the_owner_ends(void)
{
    mrq_lock_release(&first);
}

static void the_owner_ends_and_a_third_comes(void)
{
    mrq_lock_release(&first);
    assert_ok(mrq_lock_take(folder, "third", &third, &err));
}

/* A file that its owner removed while we opened it locks nobody out: only the one that stands there counts. */
static void a_lock_that_is_no_longer_there_is_not_held(void **state)
{
    (void)state;
    mrq_lock second, other;
    assert_ok(mrq_lock_take(folder, "first", &first, &err));
    before_flock = the_owner_ends;
    assert_ok(mrq_lock_take(folder, "second", &second, &err));
    assert_true(mrq_file_exists(second.path));
    assert_fails(mrq_lock_take(folder, "other", &other, &err), MRQ_FAILED, "is locked by second");
    mrq_lock_release(&second);

    assert_ok(mrq_lock_take(folder, "first", &first, &err));
    before_flock = the_owner_ends_and_a_third_comes;
    assert_fails(mrq_lock_take(folder, "second", &second, &err), MRQ_FAILED, "is locked by third");
    assert_true(mrq_file_exists(third.path));
    mrq_lock_release(&third);
}

/* Else whoever may make links in the store could have us write into what only we may write. */
static void the_lock_follows_no_link(void **state)
{
    (void)state;
    mrq_lock lock;
    char path[PATH + 20], target[PATH + 20];
    snprintf(path, sizeof path, "%.4000s/lock", folder);
    snprintf(target, sizeof target, "%.4000s/precious", folder);
    assert_int_equal(symlink(target, path), 0);
    assert_fails(mrq_lock_take(folder, "export", &lock, &err), MRQ_FAILED, "lock: it is a symbolic link, which is not followed");
    assert_false(mrq_file_exists(target));
    write_bytes(target, "precious", 8);
    assert_fails(mrq_lock_take(folder, "export", &lock, &err), MRQ_FAILED, "lock: it is a symbolic link, which is not followed");
    size_t size;
    MRQ_AUTOFREE unsigned char *text = read_bytes(target, &size);
    assert_string_equal((const char *)text, "precious");
    assert_int_equal(unlink(path), 0);
}

/* The known users among the queries come from all over the table, in either half. */
static void assert_known_are_spread(const mrq_folded *tower, const mrq_table *table, const float *vectors, uint32_t n,
                                    uint32_t turn)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < n; i += turn) {
        uint32_t value[MRQ_BRANCHES_MAX], row = MRQ_NONE;
        float vector[32];
        mrq_line line;
        for (uint32_t u = 0; u < table->rows && row == MRQ_NONE; u++) {
            mrq_folded_values(tower, table, u, value);
            mrq_folded_vector(tower, value, vector, &line);
            if (memcmp(vector, vectors + (size_t)i * tower->dim, tower->dim * sizeof *vector) == 0)
                row = u;
        }
        assert_true(row != MRQ_NONE);
        if (table->rows == 50) /* all have ratings, and so a vector of their own: each half goes through the table */
            assert_int_equal(row, i % (n / 2) / turn * 2 + i / (n / 2));
        last = row > last ? row : last;
    }
    assert_true(table->rows > 200 || last + 2 >= table->rows);
}

static void assert_strangers_differ(const mrq_folded *tower, const float *vectors, uint32_t n)
{
    const uint32_t dim = tower->dim;
    for (uint32_t i = 1; i < n / 2; i += 2)
        for (uint32_t j = n / 2 + 1; j < n; j += 2)
            assert_memory_not_equal(vectors + (size_t)i * dim, vectors + (size_t)j * dim, dim * sizeof *vectors);
}

/* Known users and strangers in turn, and no stranger in both halves; known users alone where strangers cannot differ. */
static void queries_are_mixed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool strangers, ids;
    } towers[] = {
        {STORE_MODEL, true, true},
        {SMALL(SMALL_DOT, SMALL_DENSE, "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":5}", SMALL_DENSE_ITEM, ""), false, true},
        {SMALL(SMALL_COSINE, SMALL_DENSE, "{\"feature\":\"gender\",\"kind\":\"category\",\"embedding\":3}", SMALL_DENSE_ITEM, ""),
         true, false}};
    const uint32_t rows[] = {1, 2, 3, 50, 1001, 5000};
    for (size_t k = 0; k < 3 * sizeof rows / sizeof *rows; k++) {
        const uint32_t t = (uint32_t)(k % 3), n_rows = rows[k / 3], turn = towers[t].strangers ? 2 : 1;
        MRQ_CLEANUP(mrq_table_free) mrq_table *many = small_users(n_rows, 3);
        MRQ_CLEANUP(mrq_model_free) mrq_model *its = model_of(towers[t].text, many, items);
        MRQ_CLEANUP(mrq_folded_free) mrq_folded *tower = NULL;
        uint32_t n = 0;
        assert_ok(mrq_model_fold(its, 1, &tower, &err));
        assert_true(tower->dim <= 32);
        MRQ_AUTOFREE float *vectors = NULL, *again = NULL;
        assert_ok(mrq_store_queries(tower, many, &n, &vectors, &err));
        assert_ok(mrq_store_queries(tower, many, &n, &again, &err));
        assert_true(n >= 2 * turn && n % (2 * turn) == 0 && n <= MRQ_QUERIES_MAX && (n_rows < 1000 || n == MRQ_QUERIES_MAX));
        assert_memory_equal(vectors, again, (size_t)n * tower->dim * sizeof *vectors);
        if (towers[t].ids)
            assert_known_are_spread(tower, many, vectors, n, turn);
        if (towers[t].strangers)
            assert_strangers_differ(tower, vectors, n);
    }
}

/* Where all people are of one kind, there is one stranger, who is asked for in both halves. */
static void a_stranger_may_be_the_only_one(void **state)
{
    (void)state;
    mrq_random rng;
    mrq_random_init(&rng, 3, 1);
    MRQ_CLEANUP(mrq_table_free) mrq_table *alike = small_table(50, 1, 1);
    small_category(alike, &rng, "gender", 1);
    MRQ_CLEANUP(mrq_model_free)
    mrq_model *its = model_of(
        SMALL(SMALL_COSINE, SMALL_DENSE, "{\"feature\":\"gender\",\"kind\":\"category\",\"embedding\":3}", SMALL_DENSE_ITEM, ""),
        alike, items);
    MRQ_CLEANUP(mrq_folded_free) mrq_folded *tower = NULL;
    MRQ_AUTOFREE float *vectors = NULL;
    uint32_t n = 0;
    assert_ok(mrq_model_fold(its, 1, &tower, &err));
    alarm(20); /* who looks for another one does not end */
    assert_ok(mrq_store_queries(tower, alike, &n, &vectors, &err));
    alarm(0);
    assert_int_equal(n, 100);
    for (uint32_t i = 1; i < n; i++)
        assert_memory_equal(vectors + (size_t)i * tower->dim, vectors, tower->dim * sizeof *vectors);
}

static int clean_up(void **state)
{
    char disk[PATH + 20];
    snprintf(disk, sizeof disk, "%.4000s/disk", folder);
    umount2(disk, MNT_DETACH); /* in case the test of a full disk has failed half-way */
    return free_world(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_ignore_a_lax_umask),
        cmocka_unit_test(a_failed_export_leaves_nothing),
        cmocka_unit_test(a_failed_swap_removes_the_generation),
        cmocka_unit_test(what_may_be_current_is_not_removed),
        cmocka_unit_test(a_publication_is_nothing_until_it_is_published),
        cmocka_unit_test(an_unfinished_publication_leaves_no_trace),
        cmocka_unit_test(names_follow_each_other),
        cmocka_unit_test(names_begin_and_end_with_the_clock),
        cmocka_unit_test(a_folder_in_the_links_place_is_told),
        cmocka_unit_test(list_tells_all),
        cmocka_unit_test(a_plain_list_reads_manifests_alone),
        cmocka_unit_test(rollback_goes_to_what_is_intact),
        cmocka_unit_test(prune_keeps_the_newest_and_the_current),
        cmocka_unit_test(a_killed_prune_leaves_no_half),
        cmocka_unit_test(a_full_disk_leaves_the_store_serving),
        cmocka_unit_test(a_killed_writer_harms_nobody),
        cmocka_unit_test(leftovers_are_swept),
        cmocka_unit_test(one_export_at_a_time),
        cmocka_unit_test(a_model_larger_than_memory_is_exported),
        cmocka_unit_test(a_model_that_changes_under_an_export_is_refused),
        cmocka_unit_test(a_lock_that_is_no_longer_there_is_not_held),
        cmocka_unit_test(the_lock_follows_no_link),
        cmocka_unit_test(queries_are_mixed),
        cmocka_unit_test(a_stranger_may_be_the_only_one),
    };
    mallopt(M_MMAP_THRESHOLD, 1 << 17); /* for limit_memory() */
    return cmocka_run_group_tests(tests, make_world, clean_up);
}
