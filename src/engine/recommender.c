/* The library's main object: an open store, used by many threads. Its generation may change at any time.
 *
 * A query is looked up in this process's memory, then in Redis, and else computed (recommend.c). If another thread is already
 * computing the same answer, the caller waits for it.
 *
 * What serves is a generation and the cached answers from it, reference-counted; its pointer is guarded by a lock that is held only
 * to count a reference. A reload opens the new generation and swaps the pointer. Running queries finish on the old generation; the
 * last release frees it with its cached answers. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/parallel.h"
#include "engine/answer.h"
#include "engine/answer_cache.h"
#include "engine/changes.h"
#include "engine/connections.h"
#include "engine/json.h"
#include "engine/options.h"
#include "engine/query.h"
#include "engine/redis_answers.h"

/* The items that are gone, as rows of a generation. */
typedef struct gone {
    atomic_uint references;
    uint64_t version; /* of the items, when it was made */
    uint32_t n;
    uint32_t *row;
    uint64_t digest;
} gone;

typedef struct serving {
    atomic_uint references;
    char line[64];             /* threads that count references do not slow those that read the pointers */
    mrq_snapshot *snapshot;    /* a reference */
    mrq_answer_cache *answers; /* in memory; NULL: no cache */
    pthread_mutex_t lock;      /* of the next */
    gone *gone;                /* a reference; NULL: not made yet */
} serving;

struct mrq_recommender {
    char *store;
    size_t memory;
    mrq_connections *connections; /* NULL: no Redis */
    mrq_backend *backend;         /* NULL: the store's own index */
    mrq_live *live;               /* NULL: nothing is live */
    bool strict;
    pthread_mutex_t lock;
    serving *serving; /* a reference */
    pthread_mutex_t reloading;
    atomic_ullong memory_hits, redis_hits, computed, shared, evicted, reloads, reloads_refused;
};

const char *mrq_version(void)
{
    return MRQ_VERSION;
}

static serving *acquire(mrq_recommender *r)
{
    pthread_mutex_lock(&r->lock);
    serving *current = r->serving;
    atomic_fetch_add(&current->references, 1);
    pthread_mutex_unlock(&r->lock);
    return current;
}

static void release_gone(gone *of)
{
    if (!of || atomic_fetch_sub(&of->references, 1) != 1)
        return;
    mrq_free(of->row);
    free(of);
}

static void release(serving *served)
{
    if (!served || atomic_fetch_sub(&served->references, 1) != 1)
        return;
    mrq_answer_cache_free(served->answers);
    mrq_snapshot_release(served->snapshot);
    release_gone(served->gone);
    pthread_mutex_destroy(&served->lock);
    free(served);
}

static void release_at_end(serving *const *served)
{
    release(*served);
}
#define ACQUIRED __attribute__((cleanup(release_at_end))) serving

/* Opens the current generation; answers are cached in memory only for MRQ_FOR_ALL. */
static mrq_status start_serving(mrq_recommender *r, mrq_purpose purpose, serving **out, mrq_error *err)
{
    const bool caches = r->memory && purpose == MRQ_FOR_ALL;
    serving *next = calloc(1, sizeof *next);
    if (!next)
        return mrq_fail_memory(err, "opening the store");
    atomic_init(&next->references, 1);
    pthread_mutex_init(&next->lock, NULL);
    mrq_status status = mrq_snapshot_open(r->store, r->backend, purpose, &next->snapshot, err);
    if (status == MRQ_OK && caches && !(next->answers = mrq_answer_cache_new(r->memory, &r->evicted)))
        status = mrq_fail_memory(err, "opening the store");
    if (status == MRQ_OK)
        *out = next;
    else
        release(next);
    return status;
}

static uint64_t mark_of(const serving *served)
{
    return served->snapshot->generation->results.live_mark;
}

static mrq_status open_for(const mrq_options *options, mrq_purpose purpose, mrq_recommender **out, mrq_error *err)
{
    MRQ_TRY(mrq_argument_check(options, "options", err));
    MRQ_TRY(mrq_argument_check(options->store, "store", err));
    MRQ_TRY(mrq_argument_check(out, "out", err));
    mrq_recommender *r = calloc(1, sizeof *r);
    if (!r)
        return mrq_fail_memory(err, "opening the store");
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_init(&r->reloading, NULL);
    r->memory = options->memory;
    r->store = strdup(options->store);
    const uint32_t ttl = options->redis_ttl ? options->redis_ttl : MRQ_CACHE_TTL_DEFAULT;
    mrq_status status = r->store ? MRQ_OK : mrq_fail_memory(err, "opening the store");
    if (status == MRQ_OK && options->redis)
        status = mrq_connections_new(options->redis, ttl, &r->connections, err);
    const mrq_backend_options where = {options->backend, options->backend_token, options->backend_ca, options->deadline};
    if (status == MRQ_OK && options->backend)
        status = mrq_backend_open(&where, &r->backend, err);
    if (status == MRQ_OK)
        status = start_serving(r, purpose, &r->serving, err);
    r->strict = options->live_strict;
    if (status == MRQ_OK && options->live)
        status = mrq_live_open(options->live, options->live_size, mark_of(r->serving), &r->live, err);
    if (status != MRQ_OK) {
        mrq_recommender_close(r);
        return status;
    }
    *out = r;
    return MRQ_OK;
}

mrq_status mrq_recommender_open(const mrq_options *options, mrq_recommender **out, mrq_error *err)
{
    return open_for(options, MRQ_FOR_ALL, out, err);
}

mrq_status mrq_recommender_open_for(const mrq_options *options, mrq_ask what, const mrq_query *query, mrq_recommender **out,
                                    mrq_error *err)
{
    const bool history = what != MRQ_ASK_RECOMMEND || query->n[MRQ_Q_LIKED] || query->n[MRQ_Q_DISLIKED] || query->n[MRQ_Q_EXPLAIN];
    const mrq_purpose alone = history ? MRQ_FOR_ONE : MRQ_FOR_ONE_PLAIN;
    return open_for(options, what == MRQ_ASK_SEARCH ? MRQ_FOR_LIST : alone, out, err);
}

void mrq_recommender_close(mrq_recommender *r)
{
    if (!r)
        return;
    mrq_live_close(r->live);
    if (r->serving)
        mrq_recommender_flush(r);
    release(r->serving);
    mrq_connections_free(r->connections);
    mrq_backend_close(r->backend); /* answers that outlive this never search */
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->reloading);
    free(r->store);
    free(r);
}

void mrq_recommender_leave(mrq_recommender *r)
{
    if (r && !(r->connections && mrq_connections_look_up(r->connections)))
        mrq_recommender_close(r);
}

static mrq_status reload(mrq_recommender *r, bool *changed, mrq_error *err)
{
    char name[MRQ_GENERATION_NAME];
    MRQ_TRY(mrq_store_current(r->store, name, err));
    *changed = strcmp(name, r->serving->snapshot->generation->name) != 0;
    if (!*changed)
        return MRQ_OK;
    serving *next;
    MRQ_TRY(start_serving(r, MRQ_FOR_ALL, &next, err));
    mrq_recommender_flush(r);
    /* The live state is folded from the older of the two marks on until the newer generation serves. */
    const bool back = r->live && mark_of(next) < mark_of(r->serving);
    mrq_status status = r->live ? mrq_live_check(r->live, mark_of(next), err) : MRQ_OK;
    if (status == MRQ_OK && back)
        status = mrq_live_settle(r->live, mark_of(next), err);
    if (status != MRQ_OK) {
        release(next);
        return status;
    }
    pthread_mutex_lock(&r->lock);
    serving *old = r->serving;
    r->serving = next;
    pthread_mutex_unlock(&r->lock);
    release(old);
    mrq_error problem = {0};
    if (r->live && !back && mrq_live_settle(r->live, mark_of(next), &problem) != MRQ_OK)
        mrq_log(MRQ_LOG_WARN, "live", "%s", problem.msg);
    atomic_fetch_add(&r->reloads, 1);
    return MRQ_OK;
}

mrq_status mrq_recommender_reload(mrq_recommender *r, bool *changed, mrq_error *err)
{
    bool other = false;
    MRQ_TRY(mrq_argument_check(r, "recommender", err));
    pthread_mutex_lock(&r->reloading);
    const mrq_status status = reload(r, &other, err);
    pthread_mutex_unlock(&r->reloading);
    if (status != MRQ_OK)
        atomic_fetch_add(&r->reloads_refused, 1);
    else if (changed)
        *changed = other;
    return status;
}

/* Queries and how often they were asked, to be added in Redis. */
typedef struct tallies {
    mrq_dict *member;
    mrq_addend *addend; /* one per member; their texts are set at the end, because the dictionary may move */
    size_t capacity;
} tallies;

static void add_tally(void *context, const char *query, uint32_t count)
{
    tallies *t = context;
    const size_t size = strlen(query);
    const uint32_t i = size <= MRQ_HOT_TEXT_MAX ? mrq_dict_add(t->member, query, size) : MRQ_NONE;
    if (i != MRQ_NONE && mrq_grow(&t->addend, &t->capacity, (size_t)i + 1, sizeof *t->addend) == 0)
        t->addend[i].count += count; /* a lost count does no harm */
}

void mrq_recommender_flush(mrq_recommender *r)
{
    if (!r || !r->connections)
        return;
    ACQUIRED *current = acquire(r);
    if (!current->answers)
        return;
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *member = mrq_dict_new();
    tallies t = {.member = member};
    if (member)
        mrq_answer_cache_asked(current->answers, add_tally, &t);
    const mrq_strings members = member ? mrq_dict_strings(member) : (mrq_strings){0};
    const uint32_t n = members.n < t.capacity ? members.n : (uint32_t)t.capacity;
    for (uint32_t i = 0; i < n; i++)
        t.addend[i].member = mrq_strings_at(&members, i);
    if (n) {
        const mrq_connection connection = mrq_connections_take(r->connections);
        if (connection.cache)
            (void)mrq_cache_add(connection.cache, MRQ_HOT_KEY, t.addend, n); /* the connection counts its errors */
        mrq_connections_give(r->connections, connection);
    }
    mrq_free(t.addend);
}

static mrq_status finish(mrq_snapshot *snapshot, mrq_content *answer, mrq_cached_answer **out, mrq_error *err)
{
    mrq_print open = {0};
    mrq_print_content(&open, snapshot->generation, answer);
    return mrq_cached_answer_new(snapshot, answer, &open, true, out, err);
}

static mrq_status recommend(mrq_recommender *r, mrq_snapshot *snapshot, const mrq_query *query, const mrq_live_view *live,
                            mrq_cached_answer **out, mrq_error *err)
{
    mrq_content answer = {0};
    mrq_connection connection = {NULL, 0};
    if (r->connections)
        connection = mrq_connections_take(r->connections);
    const mrq_status status = mrq_recommend(snapshot->generation, connection.cache, query, live, &answer, err);
    if (r->connections)
        mrq_connections_give(r->connections, connection);
    MRQ_TRY(status);
    atomic_fetch_add_explicit(answer.cache == MRQ_CACHE_HIT ? &r->redis_hits : &r->computed, 1, memory_order_relaxed);
    MRQ_TRY(finish(snapshot, &answer, out, err));
    (*out)->counts = true;
    return MRQ_OK;
}

static mrq_status similar(mrq_snapshot *snapshot, const mrq_query *query, const mrq_live_view *live, mrq_cached_answer **out,
                          mrq_error *err)
{
    mrq_content answer = {0};
    MRQ_TRY(mrq_similar(snapshot->generation, query, live, &answer, err));
    return finish(snapshot, &answer, out, err);
}

static mrq_status compute(mrq_recommender *r, mrq_snapshot *snapshot, mrq_ask what, const mrq_query *query,
                          const mrq_live_view *live, mrq_cached_answer **out, mrq_error *err)
{
    switch (what) {
    case MRQ_ASK_RECOMMEND:
        return recommend(r, snapshot, query, live, out, err);
    case MRQ_ASK_SIMILAR:
        return similar(snapshot, query, live, out, err);
    case MRQ_ASK_ITEM:
        return mrq_find_item(snapshot, query, live, out, err);
    case MRQ_ASK_SEARCH:
        return mrq_find_titles(snapshot, query, live, out, err);
    case MRQ_ASK_USER:
        return mrq_find_user(snapshot, query, live, out, err);
    case MRQ_ASK_INFO:
        return mrq_tell_generation(snapshot, r->store, out, err);
    }
    return mrq_fail(err, MRQ_FAILED, "unknown kind of query");
}

static mrq_status make_gone(mrq_live *live, const mrq_table *items, uint64_t version, gone **out, mrq_error *err)
{
    gone *made = calloc(1, sizeof *made);
    if (!made)
        return mrq_fail_memory(err, "answering");
    atomic_init(&made->references, 2); /* the caller's, and of what serves */
    made->version = version;
    const mrq_status status = mrq_live_hidden(live, items, &made->row, &made->n, err);
    if (status != MRQ_OK) {
        free(made);
        return status;
    }
    made->digest = made->n ? mrq_checksum(made->row, made->n * sizeof *made->row) : 0;
    *out = made;
    return MRQ_OK;
}

/* A reference to the items that are gone, as of this version or later. */
static mrq_status take_gone(mrq_recommender *r, serving *current, uint64_t version, gone **out, mrq_error *err)
{
    mrq_status status = MRQ_OK;
    pthread_mutex_lock(&current->lock);
    if (current->gone && current->gone->version == version) {
        atomic_fetch_add(&current->gone->references, 1);
        *out = current->gone;
    } else {
        status = make_gone(r->live, current->snapshot->generation->items, version, out, err);
        if (status == MRQ_OK) {
            release_gone(current->gone);
            current->gone = *out;
        }
    }
    pthread_mutex_unlock(&current->lock);
    return status;
}

/* Computes an answer with what is newly known. */
static mrq_status compute_live(mrq_recommender *r, serving *current, mrq_ask what, const mrq_query *query, uint64_t items_version,
                               mrq_cached_answer **out, mrq_error *err)
{
    const mrq_generation *generation = current->snapshot->generation;
    const char *user = what == MRQ_ASK_RECOMMEND || what == MRQ_ASK_USER ? mrq_query_text(query, MRQ_Q_USER) : NULL;
    mrq_live_view view = {.n_gone = 0};
    gone *of = NULL;
    MRQ_TRY(take_gone(r, current, items_version, &of, err));
    view.n_gone = of->n;
    view.gone = of->row;
    view.gone_digest = of->digest;
    mrq_status status = MRQ_OK;
    if (user)
        status = mrq_live_look(r->live, mark_of(current), &generation->results.meaning, generation->items, user, &view.person, err);
    if (status == MRQ_OK)
        status = compute(r, current->snapshot, what, query, &view, out, err);
    mrq_live_person_clear(&view.person);
    release_gone(of);
    return status;
}

/* The answer, from memory if it is there. With a live state the key has the versions of what the answer depends on, so that an
 * answer of before is never found again. */
static mrq_status answer(mrq_recommender *r, serving *current, mrq_ask what, const mrq_query *query, mrq_answer **out,
                         mrq_error *err)
{
    char key[MRQ_QUERY_KEY + sizeof(mrq_live_version)];
    bool waited;
    MRQ_TRY(mrq_query_check(query, what, err));
    size_t size = mrq_query_key(query, what, key);
    mrq_live_version version = {0};
    if (r->live) {
        version = mrq_live_version_of(r->live, mrq_query_text(query, MRQ_Q_USER));
        if (size)
            memcpy(key + size, &version, sizeof version);
        size += size ? sizeof version : 0;
    }
    /* INFO lists the generations on disk, so it is never cached. */
    mrq_answer_cache *answers = size && what != MRQ_ASK_INFO ? current->answers : NULL;
    mrq_cached_answer *cached = answers ? mrq_answer_cache_take(answers, key, size, &waited) : NULL;
    const bool remembered = cached != NULL;
    if (remembered && what == MRQ_ASK_RECOMMEND) {
        atomic_fetch_add_explicit(&r->memory_hits, 1, memory_order_relaxed);
        if (waited)
            atomic_fetch_add_explicit(&r->shared, 1, memory_order_relaxed);
    }
    if (!remembered) {
        /* The calling program may have set a locale, such as Turkish, where 'I' in lower case is not 'i'. */
        const locale_t before = uselocale(mrq_c_locale());
        const mrq_status status = r->live ? compute_live(r, current, what, query, version.items, &cached, err)
                                          : compute(r, current->snapshot, what, query, NULL, &cached, err);
        uselocale(before);
        if (answers)
            mrq_answer_cache_give(answers, key, size, status == MRQ_OK ? cached : NULL);
        MRQ_TRY(status);
    }
    mrq_answer *answer = mrq_answer_new(cached, remembered);
    if (!answer)
        return mrq_fail_memory(err, "answering");
    *out = answer;
    return MRQ_OK;
}

mrq_status mrq_recommender_ask(mrq_recommender *r, mrq_ask what, const mrq_query *query, mrq_answer **out, mrq_error *err)
{
    static const mrq_query none = {0};
    MRQ_TRY(mrq_argument_check(r, "recommender", err));
    MRQ_TRY(mrq_argument_check(out, "out", err));
    ACQUIRED *current = acquire(r);
    return answer(r, current, what, query ? query : &none, out, err);
}

void mrq_recommender_users(mrq_recommender *r, void (*use)(void *context, const mrq_table *users), void *context)
{
    ACQUIRED *current = acquire(r);
    use(context, current->snapshot->generation->users);
}

typedef struct batch {
    mrq_recommender *r;
    serving *serving;
    const mrq_query *const *query;
    mrq_answer **answer;
    mrq_error *error; /* NULL: not wanted */
} batch;

static void answer_one(void *context, uint64_t i)
{
    const batch *b = context;
    mrq_error error = {0};
    b->answer[i] = NULL;
    error.status = mrq_argument_check(b->query[i], "query", &error);
    if (error.status == MRQ_OK)
        error.status = answer(b->r, b->serving, MRQ_ASK_RECOMMEND, b->query[i], &b->answer[i], &error);
    if (b->error)
        b->error[i] = error;
}

mrq_status mrq_recommender_batch(mrq_recommender *r, const mrq_query *const *query, uint32_t n, uint32_t threads,
                                 mrq_answer **answer, mrq_error *error, mrq_error *err)
{
    if (n > MRQ_RECOMMEND_BATCH_MAX)
        return mrq_fail(err, MRQ_USAGE, "a batch of %u queries, want at most %d", n, MRQ_RECOMMEND_BATCH_MAX);
    MRQ_TRY(mrq_argument_check(r, "recommender", err));
    if (n) {
        MRQ_TRY(mrq_argument_check(query, "query", err));
        MRQ_TRY(mrq_argument_check(answer, "answer", err));
    }
    ACQUIRED *current = acquire(r);
    mrq_parallel(threads ? threads : 1, n, answer_one, &(batch){r, current, query, answer, error});
    return MRQ_OK;
}

static mrq_status check_changes(mrq_recommender *r, const mrq_changes *changes, mrq_error *err)
{
    if (!r->live)
        return mrq_fail(err, MRQ_USAGE, "nothing is live here: serve with --live FILE, or set the option \"live\"");
    ACQUIRED *current = acquire(r);
    return mrq_changes_check(changes, current->snapshot->generation, r->strict, err);
}

mrq_status mrq_recommender_write_now(mrq_recommender *r, mrq_changes *changes, uint32_t *changed, mrq_error *err)
{
    MRQ_TRY(check_changes(r, changes, err));
    MRQ_TRY(mrq_live_post_now(r->live, &changes->post, err));
    if (changed)
        *changed = changes->post.changed;
    return MRQ_OK;
}

mrq_status mrq_recommender_write(mrq_recommender *r, mrq_changes *changes, void (*done)(void *context, mrq_post *post),
                                 void *context, mrq_error *err)
{
    MRQ_TRY(check_changes(r, changes, err));
    changes->post.done = done;
    changes->post.context = context;
    mrq_live_post(r->live, &changes->post);
    return MRQ_OK;
}

static void measure_live(mrq_live *live, mrq_stats *out)
{
    mrq_live_stats now;
    mrq_live_measure(live, &now);
    out->live = true;
    out->live_events = now.events;
    out->live_users = now.users;
    out->live_items = now.items;
    out->live_changes = now.posted;
    out->live_commits = now.commits;
    out->live_failed = now.failed;
    out->live_bytes = now.bytes;
    out->live_newest = now.newest == MRQ_NO_TIME ? 0 : now.newest;
}

void mrq_recommender_measure(mrq_recommender *r, mrq_stats *out)
{
    ACQUIRED *current = acquire(r);
    const mrq_generation *generation = current->snapshot->generation;
    mrq_stats stats = {.created = generation->created,
                       .items = generation->items->rows,
                       .users = generation->users->rows,
                       .index_bytes = (uint64_t)generation->index_bytes,
                       .memory_hits = atomic_load(&r->memory_hits),
                       .redis_hits = atomic_load(&r->redis_hits),
                       .computed = atomic_load(&r->computed),
                       .shared = atomic_load(&r->shared),
                       .memory_evicted = atomic_load(&r->evicted),
                       .reloads = atomic_load(&r->reloads),
                       .reloads_refused = atomic_load(&r->reloads_refused)};
    memcpy(stats.generation, generation->name, sizeof generation->name);
    if (current->answers) {
        const mrq_answer_cache_size size = mrq_answer_cache_measure(current->answers);
        stats.memory_entries = size.entries;
        stats.memory_bytes = size.bytes;
    }
    if (r->live)
        measure_live(r->live, &stats);
    if (r->connections)
        stats.redis_errors = mrq_connections_errors(r->connections, stats.redis_problem, sizeof stats.redis_problem);
    *out = stats;
}
