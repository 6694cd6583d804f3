/* A thread writes: it takes all posts that wait, makes their changes in one transaction, which takes one sync of the disk however
 * many they are, folds them, and tells the posters. Queries read the fold under a lock that the thread holds only while it folds.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parallel.h"
#include "live/database.h"
#include "live/state.h"

#define GROUP_MAX   20000  /* changes in a transaction */
#define WAITING_MAX 200000 /* changes that wait; more are refused */

/* A change that was made. */
struct made {
    const mrq_change *change;
    uint64_t seq;
};

struct mrq_live {
    char path[4096];
    int lock_file;
    mrq_live_database *database; /* the thread's */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* of the queue, and of what follows it */
    pthread_cond_t wake, idle;
    mrq_post *first, *last;
    uint64_t waiting; /* changes in the queue */
    bool stopping, writing, settling;
    uint64_t mark, posted, commits, failed, newest_seq, bytes;
    pthread_rwlock_t reading; /* of the fold */
    mrq_state state;
};

static int64_t now_seconds(void)
{
    return (int64_t)time(NULL);
}

/* --- The lock file --- */

/* Rejected: SQLite's own exclusive mode, which keeps readers out. */
static mrq_status lock_file(mrq_live *l, mrq_error *err)
{
    char path[sizeof l->path + 8], text[100] = "", since[MRQ_TIME_TEXT];
    snprintf(path, sizeof path, "%s.lock", l->path);
    MRQ_TRY(mrq_file_open(path, O_RDWR, &l->lock_file, err));
    if (flock(l->lock_file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return mrq_fail_errno(err, "cannot lock %s", path);
        if (pread(l->lock_file, text, sizeof text - 1, 0) > 0)
            text[strcspn(text, "\n")] = '\0';
        return mrq_fail(err, MRQ_FAILED, "%s is open in another process%s%s; a live database belongs to one service", l->path,
                        *text ? ": " : "", text);
    }
    mrq_time_text(since);
    if (ftruncate(l->lock_file, 0) == 0)
        dprintf(l->lock_file, "process %ld since %s\n", (long)getpid(), since);
    return MRQ_OK;
}

/* --- Writing --- */

/* Changes the database by one post; what was made is appended to `made`. */
static mrq_status change(mrq_live *l, mrq_post *post, int64_t now, mrq_dict *users, struct made **made, size_t *room, size_t *n,
                         mrq_error *err)
{
    char user[MRQ_ID_BYTES + 1];
    for (uint32_t i = 0; i < post->n; i++) {
        bool changed = false;
        uint64_t seq = 0;
        MRQ_TRY(mrq_live_database_change(l->database, &post->change[i], now, &changed, &seq, user, err));
        if (!changed)
            continue;
        if (mrq_grow(made, room, *n + 1, sizeof **made))
            return mrq_fail_memory(err, "writing to the live database");
        (*made)[(*n)++] = (struct made){&post->change[i], seq};
        post->changed++;
        /* Of an event that is dropped by its id the user is known only now. */
        if (post->change[i].what == MRQ_DROP_EVENT && mrq_dict_push(users, user, strlen(user)) == MRQ_NONE)
            return mrq_fail_memory(err, "writing to the live database");
    }
    return MRQ_OK;
}

/* Folds what has been made; `users` are those of the dropped events, in their order. */
static mrq_status fold(mrq_live *l, const struct made *made, size_t n, const mrq_dict *users, int64_t now, mrq_error *err)
{
    const mrq_strings dropped = mrq_dict_strings(users);
    int failed = 0;
    pthread_rwlock_wrlock(&l->reading);
    for (size_t i = 0, u = 0; i < n && !failed; i++) {
        mrq_change c = *made[i].change;
        if (c.what == MRQ_DROP_EVENT)
            c.user = mrq_strings_at(&dropped, (uint32_t)u++);
        failed = mrq_state_apply(&l->state, &c, made[i].seq, now);
    }
    pthread_rwlock_unlock(&l->reading);
    return failed ? mrq_fail(err, MRQ_FAILED, "out of memory: it is on disk, but counts only after a restart") : MRQ_OK;
}

/* Commits the posts of a list, all or none; `*undone`: none. */
static mrq_status commit(mrq_live *l, mrq_post *list, bool *undone, mrq_error *err)
{
    *undone = true;
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *users = mrq_dict_new();
    MRQ_AUTOFREE struct made *made = NULL;
    size_t room = 0, n = 0;
    const int64_t now = now_seconds();
    if (!users)
        return mrq_fail_memory(err, "writing to the live database");
    MRQ_TRY(mrq_live_database_begin(l->database, err));
    mrq_status status = MRQ_OK;
    for (mrq_post *post = list; post && status == MRQ_OK; post = post->next)
        status = change(l, post, now, users, &made, &room, &n, err);
    if (status == MRQ_OK)
        status = mrq_live_database_commit(l->database, err);
    if (status != MRQ_OK) {
        mrq_live_database_undo(l->database);
        return status;
    }
    *undone = false;
    return fold(l, made, n, users, now, err);
}

/* Ends the posts of a list. */
static void tell(mrq_live *l, mrq_post *list, mrq_status status, const mrq_error *why)
{
    uint64_t posted = 0, failed = 0;
    for (const mrq_post *post = list; post; post = post->next) {
        posted += post->n;
        failed++;
    }
    pthread_mutex_lock(&l->lock);
    l->posted += status == MRQ_OK ? posted : 0;
    l->failed += status == MRQ_OK ? 0 : failed;
    l->commits += status == MRQ_OK;
    l->newest_seq = mrq_live_database_last(l->database);
    l->bytes = mrq_live_database_bytes(l->database);
    pthread_mutex_unlock(&l->lock);
    while (list) {
        mrq_post *post = list;
        list = list->next; /* `post` may be gone when it has been told */
        post->next = NULL;
        if (status != MRQ_OK) {
            post->changed = 0;
            post->error = *why;
        }
        post->error.status = status;
        post->done(post->context, post);
    }
}

/* Where the posts of a list cannot be written together for lack of room or memory, each is tried alone: one that is too large must
 * not take the others with it. */
static void write_all(mrq_live *l, mrq_post *list)
{
    mrq_error err = {0};
    bool undone;
    mrq_status status = commit(l, list, &undone, &err);
    if (status != MRQ_OK)
        mrq_log(MRQ_LOG_WARN, "live", "%s", err.msg);
    if (!undone || status != MRQ_FAILED || !list->next) {
        tell(l, list, status, &err);
        return;
    }
    while (list) {
        mrq_post *one = list;
        list = list->next;
        one->next = NULL;
        one->changed = 0;
        status = commit(l, one, &undone, &err);
        tell(l, one, status, &err);
    }
}

/* Takes the posts that wait, as many as one transaction may have. Called with the lock held. */
static mrq_post *take_group(mrq_live *l)
{
    mrq_post *list = l->first, *end = list;
    uint64_t n = list->n;
    while (end->next && n + end->next->n <= GROUP_MAX) {
        end = end->next;
        n += end->n;
    }
    l->first = end->next;
    l->last = l->first ? l->last : NULL;
    l->waiting -= n;
    end->next = NULL;
    return list;
}

static void *run(void *argument)
{
    mrq_live *l = argument;
    pthread_mutex_lock(&l->lock);
    for (;;) {
        while ((!l->first && !l->stopping) || l->settling)
            pthread_cond_wait(&l->wake, &l->lock);
        if (!l->first)
            break;
        mrq_post *list = take_group(l);
        l->writing = true;
        pthread_mutex_unlock(&l->lock);
        write_all(l, list);
        pthread_mutex_lock(&l->lock);
        l->writing = false;
        pthread_cond_broadcast(&l->idle);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

void mrq_live_post(mrq_live *l, mrq_post *post)
{
    post->next = NULL;
    post->changed = 0;
    post->error = (mrq_error){0};
    pthread_mutex_lock(&l->lock);
    const bool full = l->waiting + post->n > WAITING_MAX && l->first;
    if (!full) {
        if (l->last)
            l->last->next = post;
        else
            l->first = post;
        l->last = post;
        l->waiting += post->n;
        pthread_cond_signal(&l->wake);
    }
    pthread_mutex_unlock(&l->lock);
    if (full) {
        (void)mrq_fail(&post->error, MRQ_UNAVAILABLE, "too many changes wait to be written, try again");
        post->error.status = MRQ_UNAVAILABLE;
        post->done(post->context, post);
    }
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done;
};

static void wake_waiter(void *context, mrq_post *post)
{
    struct waiter *w = context;
    (void)post;
    pthread_mutex_lock(&w->lock);
    w->done = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

mrq_status mrq_live_post_now(mrq_live *l, mrq_post *post, mrq_error *err)
{
    struct waiter w = {.done = false};
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.wake, NULL);
    post->done = wake_waiter;
    post->context = &w;
    mrq_live_post(l, post);
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.wake, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_cond_destroy(&w.wake);
    pthread_mutex_destroy(&w.lock);
    return post->error.status == MRQ_OK ? MRQ_OK : mrq_fail(err, post->error.status, "%s", post->error.msg);
}

/* --- Opening --- */

struct loading {
    mrq_state *state;
    int64_t now;
};

static mrq_status load_one(void *context, const mrq_change *change, uint64_t seq, mrq_error *err)
{
    const struct loading *l = context;
    const int failed = change->what == MRQ_ERASE_USER
                           ? mrq_state_erase(l->state, change->user, seq) /* its id stands for the user's */
                           : mrq_state_apply(l->state, change, seq, l->now);
    return failed ? mrq_fail_memory(err, "reading the live database") : MRQ_OK;
}

/* Folds the whole database anew. */
static mrq_status load(mrq_live *l, uint64_t mark, mrq_error *err)
{
    mrq_state state;
    const int64_t now = now_seconds();
    mrq_status status = mrq_state_init(&state) ? mrq_fail_memory(err, "reading the live database") : MRQ_OK;
    state.next_expiry = INT64_MAX;
    if (status == MRQ_OK)
        status = mrq_live_database_read(l->database, mark, load_one, &(struct loading){&state, now}, err);
    if (status != MRQ_OK) {
        mrq_state_clear(&state);
        return status;
    }
    pthread_rwlock_wrlock(&l->reading);
    state.versions += l->state.versions; /* so that no version is given again */
    state.items_version = ++state.versions;
    for (uint32_t i = 0; i < mrq_dict_strings(state.users).n; i++)
        state.user[i].version = ++state.versions;
    const mrq_state old = l->state;
    l->state = state;
    pthread_rwlock_unlock(&l->reading);
    state = old;
    mrq_state_clear(&state);
    l->mark = mark;
    return MRQ_OK;
}

mrq_status mrq_live_check(mrq_live *l, uint64_t mark, mrq_error *err)
{
    pthread_mutex_lock(&l->lock);
    const uint64_t last = l->newest_seq;
    pthread_mutex_unlock(&l->lock);
    return mark <= last
               ? MRQ_OK
               : mrq_fail(err, MRQ_BAD_FILE,
                          "%s: its last change is number %llu, but the generation knows changes up to %llu: this is another "
                          "database, or an older copy",
                          l->path, (unsigned long long)last, (unsigned long long)mark);
}

mrq_status mrq_live_settle(mrq_live *l, uint64_t mark, mrq_error *err)
{
    pthread_mutex_lock(&l->lock);
    while (l->writing || l->settling)
        pthread_cond_wait(&l->idle, &l->lock);
    l->settling = true; /* the thread waits; posts are still taken */
    pthread_mutex_unlock(&l->lock);
    mrq_status status = mrq_live_check(l, mark, err);
    if (status == MRQ_OK && mark != l->mark)
        status = load(l, mark, err);
    pthread_mutex_lock(&l->lock);
    l->settling = false;
    pthread_cond_signal(&l->wake);
    pthread_cond_broadcast(&l->idle);
    pthread_mutex_unlock(&l->lock);
    return status;
}

static mrq_status open_all(mrq_live *l, const char *path, uint64_t most_bytes, uint64_t mark, mrq_error *err)
{
    if ((size_t)snprintf(l->path, sizeof l->path, "%s", path) >= sizeof l->path)
        return mrq_fail(err, MRQ_USAGE, "the path %.60s... is too long", path);
    MRQ_TRY(lock_file(l, err));
    MRQ_TRY(mrq_live_database_open(path, most_bytes ? most_bytes : MRQ_LIVE_BYTES_DEFAULT, &l->database, err));
    MRQ_TRY(load(l, mark, err));
    l->newest_seq = mrq_live_database_last(l->database);
    l->bytes = mrq_live_database_bytes(l->database);
    MRQ_TRY(mrq_live_check(l, mark, err));
    errno = mrq_thread_start(&l->thread, run, l);
    if (errno)
        return mrq_fail_errno(err, "cannot start a thread for %s", path);
    l->started = true;
    return MRQ_OK;
}

mrq_status mrq_live_open(const char *path, uint64_t most_bytes, uint64_t mark, mrq_live **out, mrq_error *err)
{
    mrq_live *l = calloc(1, sizeof *l);
    if (!l)
        return mrq_fail_memory(err, "opening the live database");
    l->lock_file = -1;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->wake, NULL);
    pthread_cond_init(&l->idle, NULL);
    pthread_rwlockattr_t fair; /* by default a stream of readers keeps the writer out */
    pthread_rwlockattr_init(&fair);
    pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&l->reading, &fair);
    pthread_rwlockattr_destroy(&fair);
    const mrq_status status = open_all(l, path, most_bytes, mark, err);
    if (status == MRQ_OK)
        *out = l;
    else
        mrq_live_close(l);
    return status;
}

void mrq_live_close(mrq_live *l)
{
    if (!l)
        return;
    if (l->started) {
        pthread_mutex_lock(&l->lock);
        l->stopping = true;
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->thread, NULL);
    }
    mrq_live_database_close(l->database);
    mrq_state_clear(&l->state);
    if (l->lock_file >= 0)
        close(l->lock_file);
    pthread_rwlock_destroy(&l->reading);
    pthread_cond_destroy(&l->idle);
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* --- Reading --- */

mrq_status mrq_live_look(mrq_live *l, uint64_t mark, const mrq_meaning *meaning, const mrq_table *items, const char *user,
                         mrq_live_person *out, mrq_error *err)
{
    mrq_live_person person = {0};
    pthread_rwlock_rdlock(&l->reading);
    const mrq_status status = mrq_state_look(&l->state, mark, meaning, items, user, &person, err);
    pthread_rwlock_unlock(&l->reading);
    if (status == MRQ_OK)
        *out = person;
    else
        mrq_live_person_clear(&person);
    return status;
}

mrq_live_version mrq_live_version_of(mrq_live *l, const char *user)
{
    const int64_t now = now_seconds();
    pthread_rwlock_rdlock(&l->reading);
    if (now >= l->state.next_expiry) {
        pthread_rwlock_unlock(&l->reading);
        pthread_rwlock_wrlock(&l->reading);
        mrq_state_expire(&l->state, now);
        pthread_rwlock_unlock(&l->reading);
        pthread_rwlock_rdlock(&l->reading);
    }
    const uint32_t at = user ? mrq_dict_find(l->state.users, user, strlen(user)) : MRQ_NONE;
    const mrq_live_version version = {at == MRQ_NONE ? 0 : l->state.user[at].version, l->state.items_version};
    pthread_rwlock_unlock(&l->reading);
    return version;
}

mrq_status mrq_live_hidden(mrq_live *l, const mrq_table *items, uint32_t **row, uint32_t *n, mrq_error *err)
{
    pthread_rwlock_rdlock(&l->reading);
    const mrq_status status = mrq_state_hidden(&l->state, items, now_seconds(), row, n, err);
    pthread_rwlock_unlock(&l->reading);
    return status;
}

void mrq_live_measure(mrq_live *l, mrq_live_stats *out)
{
    pthread_mutex_lock(&l->lock);
    *out =
        (mrq_live_stats){.last = l->newest_seq, .posted = l->posted, .commits = l->commits, .failed = l->failed, .bytes = l->bytes};
    pthread_mutex_unlock(&l->lock);
    pthread_rwlock_rdlock(&l->reading);
    out->events = l->state.n_events - l->state.dropped;
    out->users = mrq_dict_strings(l->state.users).n;
    out->items = mrq_dict_strings(l->state.items).n;
    out->newest = l->state.newest;
    pthread_rwlock_unlock(&l->reading);
}
