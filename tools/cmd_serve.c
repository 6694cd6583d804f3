/* marquee serve: the HTTP service. Worker threads answer requests. The main thread waits for signals, for a new link `current` in
 * the store and for timers, and does what must not delay a request: reloads, writes to Redis and to the access log, closing slow
 * connections. A generation that was refused as damaged or missing is tried again when `current` changes or SIGHUP arrives; one
 * that was refused for lack of memory, open files or the like is tried again at every check. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "backend_option.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/parallel.h"
#include "command.h"
#include "engine/options.h"
#include "http/listen.h"
#include "http/server.h"
#include "http/systemd.h"
#include "http/visitor.h"
#include "train_screen.h"

#define TICK_SECONDS  1    /* between checks of connections, logs and Redis */
#define LOOK_SECONDS  2    /* between checks of the store, for file systems without inotify events */
#define FLUSH_SECONDS 5    /* between writes of answers and counts to Redis */
#define DRAIN_SECONDS 10   /* limit for running requests at the stop */
#define DRAIN_LEAST   0.25 /* waited at the stop for requests that were already sent */
#define SPARE_FILES   100  /* descriptors besides connections */

#define NAMES_MAX 32 /* of hosts, and of origins; the host of --listen is one more */

struct arguments {
    const char *store, *listen, *redis, *backend, *token_file, *access_log, *live;
    mrq_texts hosts, origins;
    mrq_host host[MRQ_TEXTS_MAX]; /* (hosts.n) the names in `hosts`, normalised by read_visitors() */
    mrq_place place;              /* of --listen */
    bool no_cache, strict;
    int64_t workers, memory, connections, live_size;
};

struct serve {
    const char *store;
    mrq_listener listener;
    mrq_secret token;
    mrq_access *access;
    mrq_recommender *recommender;
    mrq_server *server;
    int signals, events;
    char refused[PATH_MAX]; /* target of `current` when its generation was refused; "": none was */
    bool passing;           /* the reason may be temporary */
    bool redis_down, log_failed, log_drops;
    uint64_t log_dropped; /* lines of the access log */
    mrq_stats before;     /* at the last tick */
};

/* Checks and normalises the names of --host and the origins of --allow-origin. */
static mrq_status read_visitors(struct arguments *a, mrq_error *err)
{
    mrq_error problem = {0};
    for (uint32_t i = 0; i < a->hosts.n; i++) {
        if (mrq_host_check(a->hosts.text[i], &a->host[i], &problem) != MRQ_OK)
            return mrq_fail(err, MRQ_USAGE, "--host %s", problem.msg);
        a->hosts.text[i] = a->host[i].name;
    }
    for (uint32_t i = 0; i < a->origins.n; i++)
        if (mrq_origin_check(a->origins.text[i], &problem) != MRQ_OK)
            return mrq_fail(err, MRQ_USAGE, "--allow-origin %s", problem.msg);
    if (mrq_place_parse(a->listen, &a->place, &problem) == MRQ_OK && !a->place.local) {
        a->hosts.text[a->hosts.n++] = a->place.host;
    }
    return MRQ_OK;
}

static mrq_status read_arguments(int argc, char **argv, struct arguments *a, bool *done, mrq_error *err)
{
    const mrq_option options[] = {
        STORE_OPTION(a->store),
        {"listen", 'l', MRQ_OPT_TEXT, &a->listen, 0, 0, "ADDRESS",
         "HOST:PORT, [IPV6]:PORT or unix:/path; port 0 takes a free\nport. A host name is bound at all its addresses. A socket\n"
         "passed by systemd is used instead. An address that other\nmachines can reach requires --token-file"},
        {"host", 0, MRQ_OPT_LIST, &a->hosts, 0, NAMES_MAX, "NAME",
         "a name that clients use for this service, as a proxy passes\nit in the Host header; repeatable. Without --token-file, "
         "only\n"
         "requests to localhost, loopback addresses, the name in\n--listen and these names are answered; /healthz and /readyz\n"
         "are answered for any name"},
        {"allow-origin", 0, MRQ_OPT_LIST, &a->origins, 0, NAMES_MAX, "ORIGIN",
         "scheme://host[:port] of a web site whose pages may send\nrequests and read the answers (CORS); repeatable"},
        {"redis", 'r', MRQ_OPT_TEXT, &a->redis, 0, 0, "ADDRESS", "cache answers in Redis: " MRQ_REDIS_FORMS},
        {"no-cache", 0, MRQ_OPT_FLAG, &a->no_cache, 0, 0, NULL, "do not use Redis, even if $MARQUEE_REDIS is set"},
        BACKEND_OPTION(a->backend),
        {"memory", 'm', MRQ_OPT_INT, &a->memory, 0, 1 << 20, "MB", "memory for finished answers in this process; 0: none"},
        {"workers", 'w', MRQ_OPT_INT, &a->workers, 1, MRQ_WORKERS_MAX, "N", "threads that answer requests [number of CPUs]"},
        {"connections", 'c', MRQ_OPT_INT, &a->connections, MRQ_CONNECTIONS_MIN, MRQ_CONNECTIONS_MAX, "N",
         "most connections at the same time; further ones wait\n[10000, or what the limit on open files allows]"},
        {"token-file", 't', MRQ_OPT_TEXT, &a->token_file, 0, 0, "FILE",
         "require the token in this file from every client, as\nAuthorization: Bearer TOKEN. The file must not be readable by\n"
         "everybody. /healthz, /readyz, /openapi.json and the page\nneed no token"},
        {"live", 0, MRQ_OPT_TEXT, &a->live, 0, 0, "FILE",
         "take events, and changes of users and items, while serving,\nand keep them in this SQLite database, which is made if "
         "it\ndoes not exist. Each counts from the next answer on.\nRequires --token-file, also on this machine"},
        {"live-size", 0, MRQ_OPT_INT, &a->live_size, 1, 1 << 24, "MB", "the largest size of that database"},
        {"strict", 0, MRQ_OPT_FLAG, &a->strict, 0, 0, NULL, "refuse events of users and items that the data do not have"},
        {"access-log", 'a', MRQ_OPT_TEXT, &a->access_log, 0, 0, "FILE",
         "write a line for each request: time, client, method, path,\nstatus, bytes, microseconds, cache; \"-\" is standard "
         "output.\n"
         "SIGHUP reopens the file"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee serve",
        .synopsis = "[--store DIR] [--listen ADDRESS] [option...]",
        .about = "Answers queries over HTTP as JSON, and serves a web page at /. When a new generation is published, the\n"
                 "service verifies it and switches to it between two requests. It refuses a damaged generation and keeps\n"
                 "serving the old one. SIGHUP checks for a new generation at once. SIGTERM and SIGINT let running requests\n"
                 "finish, for at most 10 s, and stop the service. /openapi.json describes all requests; /metrics is for\n"
                 "Prometheus.",
        .options = options,
        .examples = "  marquee serve --store store\n"
                    "  curl 'http://127.0.0.1:8080/v1/recommendations?age=25&gender=F&job=programmer'\n"
                    "  curl 'http://127.0.0.1:8080/v1/recommendations?user=4&k=10&genre=Comedy&genre=Romance&year=1990-1999'\n"
                    "  curl 'http://127.0.0.1:8080/v1/recommendations?liked=85,348&explain=true'\n"
                    "  curl 'http://127.0.0.1:8080/v1/items?query=silence'\n"
                    "  curl 'http://127.0.0.1:8080/v1/items/196/similar?k=3'\n"
                    "  curl --json '{\"queries\":[{\"user\":4},{\"age\":25,\"gender\":\"F\",\"job\":12}]}' \\\n"
                    "       http://127.0.0.1:8080/v1/recommendations\n\n"
                    "  head -c 24 /dev/urandom | base64 >token && chmod 600 token\n"
                    "  marquee serve --store store --listen 0.0.0.0:8080 --token-file token --redis 127.0.0.1:6379\n"
                    "  curl -H \"Authorization: Bearer $(cat token)\" http://HOST:8080/v1/info\n",
    };
    int first = 0;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, done, err));
    a->store = mrq_default_store(a->store);
    if (!*done && a->live && !a->token_file)
        return mrq_fail(err, MRQ_USAGE, "--live: requires --token-file, so that not everybody can change what is recommended");
    if (!*done && a->strict && !a->live)
        return mrq_fail(err, MRQ_USAGE, "--strict: requires --live");
    return *done ? MRQ_OK : read_visitors(a, err);
}

/* The number of connections: `wanted`, or if that is 0, the default or as many as the limit on open files allows. */
static mrq_status allow_connections(int64_t wanted, uint32_t *out, mrq_error *err)
{
    struct rlimit limit;
    const rlim_t want = (rlim_t)(wanted ? wanted : MRQ_CONNECTIONS_DEFAULT) + SPARE_FILES;
    rlim_t files = want;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < want) {
        files = limit.rlim_max < want ? limit.rlim_max : want;
        if (wanted && files < want)
            return mrq_fail(err, MRQ_USAGE, "--connections \"%lld\": needs %lld open files, but this process may open only %lld",
                            (long long)wanted, (long long)want, (long long)files);
        limit.rlim_cur = files;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            return mrq_fail_errno(err, "cannot raise the limit on open files to %lld", (long long)files);
    }
    if (files < MRQ_CONNECTIONS_MIN + SPARE_FILES)
        return mrq_fail(err, MRQ_FAILED, "this process may open only %lld files, want at least %d", (long long)files,
                        MRQ_CONNECTIONS_MIN + SPARE_FILES);
    if (files < want)
        mrq_log(MRQ_LOG_WARN, "serve", "connections=%lld: the limit on open files allows no more", (long long)files - SPARE_FILES);
    *out = (uint32_t)(files - SPARE_FILES);
    return MRQ_OK;
}

/* Receives signals through a descriptor. They are blocked before any thread starts, hence in all threads. */
static mrq_status catch_signals(int *out, mrq_error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    *out = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *out < 0 ? mrq_fail_errno(err, "cannot wait for signals") : MRQ_OK;
}

static mrq_status open_listener(const struct arguments *a, mrq_listener *out, mrq_error *err)
{
    int passed;
    mrq_error problem = {0};
    MRQ_TRY(mrq_systemd_socket(&passed, err));
    if (passed >= 0)
        return mrq_listener_adopt(passed, a->token_file != NULL, out, err);
    const mrq_status status = mrq_listener_open(a->listen, a->token_file != NULL, out, &problem);
    return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "--listen %s", problem.msg);
}

static mrq_status open_recommender(const struct arguments *a, const char *redis, const mrq_backend_options *backend,
                                   mrq_recommender **out, mrq_error *err)
{
    mrq_error problem = {0};
    const mrq_options where = {.store = a->store,
                               .redis = a->no_cache ? NULL : redis,
                               .memory = (size_t)a->memory << 20,
                               .backend = backend->address,
                               .backend_token = backend->token,
                               .backend_ca = backend->ca,
                               .live = a->live,
                               .live_size = (uint64_t)a->live_size << 20,
                               .live_strict = a->strict};
    return mrq_recommender_open(&where, out, &problem) == MRQ_OK ? MRQ_OK : mrq_fail_to_open(&problem, a->redis, err);
}

static mrq_status start(const struct arguments *a, struct serve *s, mrq_error *err)
{
    const double began = mrq_clock();
    const char *redis;
    mrq_server_options options = {.workers = a->workers ? (uint32_t)a->workers : (uint32_t)mrq_threads_default(),
                                  .idle_seconds = MRQ_IDLE_SECONDS,
                                  .request_seconds = MRQ_REQUEST_SECONDS,
                                  .hosts = a->token_file ? NULL : &a->hosts, /* a client with a token may use any host name */
                                  .writes = a->live != NULL,
                                  .origins = &a->origins};
    mrq_backend_options backend;
    MRQ_TRY(mrq_default_redis(a->redis, &redis, err));
    MRQ_TRY(default_backend(a->backend, &backend, err));
    MRQ_TRY(allow_connections(a->connections, &options.connections, err));
    if (a->token_file) {
        mrq_keep_secret();
        MRQ_TRY(mrq_secret_read(a->token_file, MRQ_TOKEN_MIN, &s->token, err));
        options.token = &s->token;
    }
    MRQ_TRY(catch_signals(&s->signals, err));
    MRQ_TRY(open_listener(a, &s->listener, err));
    if (a->access_log)
        MRQ_TRY(mrq_access_open(a->access_log, &s->access, err));
    /* Before the store is opened, so that a generation published at the same time is not missed. */
    s->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    (void)inotify_add_watch(s->events, a->store, IN_MOVED_TO | IN_CREATE | IN_ONLYDIR);
    MRQ_TRY(open_recommender(a, redis, &backend, &s->recommender, err));
    options.recommender = s->recommender;
    options.listener = &s->listener;
    options.access = s->access;
    MRQ_TRY(mrq_server_start(&options, &s->server, err));
    mrq_recommender_measure(s->recommender, &s->before);
    mrq_systemd_notify("READY=1");
    for (unsigned i = 1; i < s->listener.n; i++)
        mrq_log(MRQ_LOG_INFO, "serve", "also address=%s", s->listener.address[i]);
    mrq_log(MRQ_LOG_INFO, "serve", "start address=%s generation=%s items=%u users=%u workers=%u%s%s ms=%.0f",
            s->listener.address[0], s->before.generation, s->before.items, s->before.users, options.workers,
            backend.address ? " backend=" : "", backend.address ? backend.address : "", 1e3 * (mrq_clock() - began));
    return MRQ_OK;
}

/* The target of the link `current`; "?" if it cannot be read. */
static void read_current(const char *store, char out[PATH_MAX])
{
    char link[PATH_MAX];
    snprintf(link, sizeof link, "%.*s/current", PATH_MAX - 20, store);
    const ssize_t n = readlink(link, out, PATH_MAX - 1);
    snprintf(n < 0 ? out : out + n, 2, "%s", n < 0 ? "?" : "");
}

/* Switches to the current generation, if it is new. `forced`, by SIGHUP: also tries one that was refused before. */
static void reload(struct serve *s, bool forced)
{
    char current[PATH_MAX];
    bool changed = false;
    mrq_error err = {0};
    const double began = mrq_clock();
    read_current(s->store, current);
    const bool again = strcmp(current, s->refused) == 0;
    if (!forced && again && !s->passing)
        return;
    *s->refused = '\0';
    const mrq_status status = mrq_recommender_reload(s->recommender, &changed, &err);
    if (status != MRQ_OK) {
        memcpy(s->refused, current, sizeof current);
        s->passing = status != MRQ_BAD_FILE && status != MRQ_NOT_FOUND;
        if (forced || !again)
            mrq_log(MRQ_LOG_ERROR, "serve", "reload refused: %s; still serving generation=%s", err.msg, s->before.generation);
    } else if (changed) {
        mrq_recommender_measure(s->recommender, &s->before);
        mrq_log(MRQ_LOG_INFO, "serve", "reload generation=%s items=%u users=%u ms=%.0f", s->before.generation, s->before.items,
                s->before.users, 1e3 * (mrq_clock() - began));
    }
}

/* Logs when Redis fails and when it works again, each once. */
static void watch_redis(struct serve *s)
{
    mrq_stats now;
    mrq_recommender_measure(s->recommender, &now);
    const bool failed = now.redis_errors > s->before.redis_errors;
    const bool used = now.redis_hits + now.computed > s->before.redis_hits + s->before.computed;
    if (failed && !s->redis_down)
        mrq_log(MRQ_LOG_WARN, "serve", "redis=down problem=\"%s\"", now.redis_problem);
    else if (!failed && used && s->redis_down)
        mrq_log(MRQ_LOG_INFO, "serve", "redis=up");
    s->redis_down = failed || (s->redis_down && !used);
    s->before = now;
}

static void write_access(struct serve *s)
{
    mrq_error err = {0};
    if (!s->access)
        return;
    const bool failed = mrq_access_flush(s->access, &err) != MRQ_OK;
    if (failed && !s->log_failed)
        mrq_log(MRQ_LOG_ERROR, "serve", "%s", err.msg);
    s->log_failed = failed;
    const uint64_t dropped = mrq_access_dropped(s->access);
    const bool drops = dropped > s->log_dropped;
    if (drops != s->log_drops) /* once when dropping begins, once when it has ended */
        mrq_log(MRQ_LOG_WARN, "serve", "access log: its reader is too slow, %" PRIu64 " lines dropped%s", dropped,
                drops ? " so far" : " in total");
    s->log_drops = drops;
    s->log_dropped = dropped;
}

static void hang_up(struct serve *s)
{
    char text[64];
    mrq_error err = {0};
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%.0f", 1e6 * mrq_clock());
    mrq_systemd_notify(text);
    if (s->access && mrq_access_reopen(s->access, &err) != MRQ_OK)
        mrq_log(MRQ_LOG_ERROR, "serve", "%s", err.msg);
    reload(s, true);
    mrq_systemd_notify("READY=1");
}

/* The next received signal, or 0. */
static int take_signal(const struct serve *s)
{
    struct signalfd_siginfo info;
    return read(s->signals, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

/* Whether inotify reported a new link `current` in the store. */
static bool take_events(const struct serve *s)
{
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool current = false;
    for (ssize_t n; (n = read(s->events, buffer, sizeof buffer)) > 0;) {
        const struct inotify_event *event;
        for (const char *at = buffer; at < buffer + n; at += sizeof *event + event->len) {
            event = (const struct inotify_event *)(const void *)at;
            current |= (event->mask & IN_Q_OVERFLOW) || (event->len && strcmp(event->name, "current") == 0);
        }
    }
    return current;
}

/* Until SIGTERM or SIGINT. */
static void run(struct serve *s)
{
    double tick = mrq_clock(), look = tick, flush = tick;
    for (;;) {
        struct pollfd wait[] = {{s->signals, POLLIN, 0}, {s->events, POLLIN, 0}};
        poll(wait, 2, TICK_SECONDS * 1000);
        for (int got; (got = take_signal(s)) != 0;) {
            if (got != SIGHUP)
                return;
            hang_up(s);
        }
        const double now = mrq_clock();
        if (take_events(s) || now - look >= LOOK_SECONDS) {
            reload(s, false);
            look = now;
        }
        if (now - tick >= TICK_SECONDS) {
            mrq_server_sweep(s->server);
            write_access(s);
            watch_redis(s);
            tick = now;
        }
        if (now - flush >= FLUSH_SECONDS) {
            mrq_recommender_flush(s->recommender);
            malloc_trim(0); /* return the memory of large answers to the system */
            flush = now;
        }
    }
}

/* Waits for running requests to finish. MRQ_FAILED if a second signal ends the wait. A second signal within DRAIN_LEAST is ignored:
 * it is a copy of the first, as `timeout` sends, or a terminal together with the parent process. */
static mrq_status drain(const struct serve *s, mrq_error *err)
{
    const double began = mrq_clock();
    mrq_systemd_notify("STOPPING=1");
    mrq_server_drain(s->server);
    mrq_listener_shut(&s->listener); /* new clients are refused at once */
    for (double now = began; now - began < DRAIN_LEAST || (mrq_server_pending(s->server) && now - began < DRAIN_SECONDS);
         now = mrq_clock()) {
        struct pollfd wait = {s->signals, POLLIN, 0};
        poll(&wait, 1, 20);
        for (int got; (got = take_signal(s)) != 0;)
            if (got != SIGHUP && mrq_clock() - began > DRAIN_LEAST)
                return mrq_fail(err, MRQ_FAILED, "stopped at once by a second signal, %u requests aborted",
                                mrq_server_pending(s->server));
    }
    if (mrq_server_pending(s->server))
        mrq_log(MRQ_LOG_WARN, "serve", "%u requests aborted after %d s", mrq_server_pending(s->server), DRAIN_SECONDS);
    return MRQ_OK;
}

static mrq_status stop(struct serve *s, mrq_error *err)
{
    const mrq_status status = drain(s, err);
    const uint64_t requests = mrq_server_answered(s->server);
    mrq_server_stop(s->server);
    s->server = NULL;
    mrq_recommender_flush(s->recommender);
    mrq_stats stats;
    mrq_recommender_measure(s->recommender, &stats);
    write_access(s);
    mrq_log(MRQ_LOG_INFO, "serve",
            "stop requests=%" PRIu64 " memory=%" PRIu64 " redis=%" PRIu64 " computed=%" PRIu64 " redis_errors=%" PRIu64
            " reloads=%" PRIu64 " refused=%" PRIu64,
            requests, stats.memory_hits, stats.redis_hits, stats.computed, stats.redis_errors, stats.reloads,
            stats.reloads_refused);
    return status;
}

mrq_status cmd_serve(int argc, char **argv, mrq_error *err)
{
    struct arguments a = {.listen = "127.0.0.1:8080", .memory = (int64_t)(MRQ_MEMORY_DEFAULT >> 20), .live_size = 16384};
    bool done = false;
    MRQ_TRY(read_arguments(argc, argv, &a, &done, err));
    if (done)
        return MRQ_OK;
    struct serve s = {.store = a.store};
    mrq_status status = start(&a, &s, err);
    if (status == MRQ_OK) {
        run(&s);
        status = stop(&s, err);
    }
    mrq_server_stop(s.server);
    mrq_recommender_close(s.recommender);
    mrq_access_close(s.access);
    mrq_listener_close(&s.listener); /* the process closes everything else at its exit */
    return status;
}
