/* Requests over libcurl: which options each has, what its end is taken for, and what becomes of the connections. libcurl is one of
 * ours here, which does what the test says. */
#include "index/rest.h"

#include <pthread.h>

#include "base/library.h"
#include "index/curl.h"
#include "unit/failing_memory.h"
#include "unit/testing.h"

enum { HANDLES = 80, OPTIONS = 16 };

static mrq_error err;

/* One of libcurl's handles: the options in the order in which they were set first. */
struct handle {
    bool open;
    uint32_t n;
    struct option {
        CURLoption name;
        long number;
        const void *pointer;
        size_t (*take)(char *, size_t, size_t, void *);
    } option[OPTIONS];
};
static struct handle handles[HANDLES];
static int n_made, n_cleaned, n_loads, n_inits, options_left = INT_MAX;
static mrq_status load_comes_to;
static CURLcode init_comes_to, perform_comes_to;
static const char *perform_detail = "", *perform_body = "";
static char url[1100];      /* of the last request */
static size_t perform_more; /* bytes beyond the body, in pieces of 16 KiB */
static int depth;           /* of requests that are to be made while one is made */
static mrq_rest *rest_of_depth;
static int n_locked, n_unlocked, n_mutexes;
static size_t wiped[8], n_wiped;

static CURLcode fake_global_init(long flags)
{
    assert_int_equal(flags, CURL_GLOBAL_DEFAULT);
    n_inits++;
    return init_comes_to;
}

static CURL *fake_easy_init(void)
{
    if (allocation_fails())
        return NULL;
    assert_true(n_made < HANDLES);
    handles[n_made] = (struct handle){.open = true};
    return &handles[n_made++];
}

static void fake_easy_cleanup(CURL *curl)
{
    struct handle *handle = curl;
    assert_true(handle->open);
    handle->open = false;
    n_cleaned++;
}

static struct option *option_of(CURL *curl, CURLoption name)
{
    struct handle *handle = curl;
    for (uint32_t i = 0; i < handle->n; i++)
        if (handle->option[i].name == name)
            return &handle->option[i];
    assert_true(handle->n < OPTIONS);
    handle->option[handle->n].name = name;
    return &handle->option[handle->n++];
}

static CURLcode fake_easy_setopt(CURL *curl, CURLoption name, ...)
{
    if (options_left != INT_MAX && options_left-- <= 0)
        return CURLE_OUT_OF_MEMORY;
    struct option *option = option_of(curl, name);
    va_list args;
    va_start(args, name);
    if (name < CURLOPTTYPE_OBJECTPOINT)
        option->number = va_arg(args, long);
    else if (name < CURLOPTTYPE_FUNCTIONPOINT)
        option->pointer = va_arg(args, const void *);
    else if (name < CURLOPTTYPE_OFF_T)
        option->take = va_arg(args, size_t(*)(char *, size_t, size_t, void *));
    else
        option->number = (long)va_arg(args, curl_off_t);
    va_end(args);
    return CURLE_OK;
}

static CURLcode fake_easy_perform(CURL *curl)
{
    static char piece[CURL_MAX_WRITE_SIZE];
    struct handle *handle = curl;
    assert_true(handle->open);
    assert_int_equal(n_locked, n_unlocked); /* nobody waits for the request */
    if (depth) {
        mrq_rest_reply reply = {0};
        depth--;
        assert_ok(mrq_rest_call(rest_of_depth, "/deeper", NULL, 1, &reply, &err));
        mrq_rest_reply_clear(&reply);
        assert_null(reply.body);
    }
    void *const reply = (void *)(uintptr_t)option_of(curl, CURLOPT_WRITEDATA)->pointer;
    size_t (*const take)(char *, size_t, size_t, void *) = option_of(curl, CURLOPT_WRITEFUNCTION)->take;
    snprintf(url, sizeof url, "%s", (const char *)option_of(curl, CURLOPT_URL)->pointer);
    snprintf((char *)(uintptr_t)option_of(curl, CURLOPT_ERRORBUFFER)->pointer, CURL_ERROR_SIZE, "%s", perform_detail);
    if (*perform_body && take((char *)(uintptr_t)perform_body, 1, strlen(perform_body), reply) != strlen(perform_body))
        return CURLE_WRITE_ERROR;
    memset(piece, 'x', sizeof piece);
    for (size_t left = perform_more, n; left; left -= n) {
        n = left < sizeof piece ? left : sizeof piece;
        if (take(piece, 1, n, reply) != n)
            return CURLE_WRITE_ERROR;
    }
    return perform_comes_to;
}

static CURLcode fake_easy_getinfo(CURL *curl, CURLINFO info, ...)
{
    va_list args;
    assert_true(((struct handle *)curl)->open && info == CURLINFO_RESPONSE_CODE);
    va_start(args, info);
    *va_arg(args, long *) = 207;
    va_end(args);
    return CURLE_OK;
}

static const char *fake_easy_strerror(CURLcode code)
{
    return code == CURLE_COULDNT_CONNECT ? "could not connect" : "another";
}

static struct curl_slist *fake_slist_append(struct curl_slist *list, const char *text)
{
    const size_t size = strlen(text) + 1;
    struct curl_slist *made = malloc(sizeof *made);
    if (!made)
        return NULL;
    *made = (struct curl_slist){malloc(size), NULL};
    if (!made->data) {
        free(made);
        return NULL;
    }
    memcpy(made->data, text, size);
    if (!list)
        return made;
    struct curl_slist *last = list;
    while (last->next)
        last = last->next;
    last->next = made;
    return list;
}

static void fake_slist_free_all(struct curl_slist *list)
{
    for (struct curl_slist *next; list; list = next) {
        next = list->next;
        assert_string_equal(list->data, ""); /* a token may have stood there */
        free(list->data);
        free(list);
    }
}

mrq_status __wrap_mrq_library_load(const char *name, const char *package, const mrq_symbol *symbol, size_t n, mrq_error *error);
mrq_status __wrap_mrq_library_load(const char *name, const char *package, const mrq_symbol *symbol, size_t n, mrq_error *error)
{
#define ENTRY(name)                                                                                                                \
    {                                                                                                                              \
        "curl_" #name, (void (*)(void))fake_##name                                                                                 \
    }
    static const struct {
        const char *name;
        void (*function)(void);
    } all[] = {ENTRY(global_init),  ENTRY(easy_init),     ENTRY(easy_cleanup), ENTRY(easy_setopt),   ENTRY(easy_perform),
               ENTRY(easy_getinfo), ENTRY(easy_strerror), ENTRY(slist_append), ENTRY(slist_free_all)};
    assert_string_equal(name, "libcurl.so.4");
    assert_string_equal(package, "libcurl4");
    n_loads++;
    if (load_comes_to != MRQ_OK)
        return mrq_fail(error, load_comes_to, "not installed");
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (strcmp(all[j].name, symbol[i].name) != 0)
            j++;
        memcpy(symbol[i].place, &all[j].function, sizeof all[j].function);
    }
    return MRQ_OK;
}

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    n_locked++;
    return __real_pthread_mutex_lock(mutex);
}

int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    n_unlocked++;
    return __real_pthread_mutex_unlock(mutex);
}

int __real_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    n_mutexes += 1000; /* made; the rest is what was destroyed */
    return __real_pthread_mutex_init(mutex, attributes);
}

int __real_pthread_mutex_destroy(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    n_mutexes++;
    return __real_pthread_mutex_destroy(mutex);
}

void __real_explicit_bzero(void *at, size_t size);
void __wrap_explicit_bzero(void *at, size_t size);
void __wrap_explicit_bzero(void *at, size_t size)
{
    if (n_wiped < sizeof wiped / sizeof *wiped)
        wiped[n_wiped++] = size;
    __real_explicit_bzero(at, size);
}

/* The same where the compiler makes these functions safer. */
void __wrap___explicit_bzero_chk(void *at, size_t size, size_t room);
void __wrap___explicit_bzero_chk(void *at, size_t size, size_t room)
{
    (void)room;
    __wrap_explicit_bzero(at, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
    return allocation_fails() ? NULL : __real_strdup(text);
}

static int print(char **out, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static int print(char **out, const char *format, va_list args)
{
    return allocation_fails() ? -1 : vasprintf(out, format, args);
}

int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = print(out, format, args);
    va_end(args);
    return n;
}

int __wrap___asprintf_chk(char **out, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));
int __wrap___asprintf_chk(char **out, int flag, const char *format, ...)
{
    va_list args;
    (void)flag;
    va_start(args, format);
    const int n = print(out, format, args);
    va_end(args);
    return n;
}

static int make(void **state)
{
    (void)state;
    n_made = n_cleaned = n_locked = n_unlocked = n_mutexes = 0;
    n_wiped = 0;
    perform_comes_to = CURLE_OK;
    perform_detail = perform_body = "";
    perform_more = 0;
    return 0;
}

static mrq_rest *server(const char *token, const char *ca)
{
    mrq_rest *rest = NULL;
    assert_ok(mrq_rest_new("http://host:1", "Server at host:1", token, ca, &rest, &err));
    return rest;
}

/* The first of all tests: libcurl is not there yet. */
static void the_library_is_loaded_once_it_can_be(void **state)
{
    (void)state;
    mrq_rest *rest = NULL;
    load_comes_to = MRQ_FAILED;
    assert_fails(mrq_rest_new("http://h", "h", NULL, NULL, &rest, &err), MRQ_FAILED, "not installed");
    load_comes_to = MRQ_OK;
    init_comes_to = CURLE_FAILED_INIT;
    assert_fails(mrq_rest_new("http://h", "h", NULL, NULL, &rest, &err), MRQ_FAILED, "out of memory");
    init_comes_to = CURLE_OK;
    for (int i = 0; i < 2; i++)
        mrq_rest_free(server(NULL, NULL));
    assert_null(rest);
    assert_int_equal(n_loads, 3);
    assert_int_equal(n_inits, 2);
    assert_int_equal(n_locked, 4);
    assert_int_equal(n_unlocked, 4);
    assert_int_equal(n_mutexes, 2002);
    mrq_rest_free(NULL);
}

/* All options of a handle, a line each. */
static void tell_options(const struct handle *handle, char *out, size_t size)
{
    size_t used = 0;
    *out = '\0';
    for (uint32_t i = 0; i < handle->n; i++) {
        const struct option *o = &handle->option[i];
        char headers[400] = "";
        if (o->name == CURLOPT_HTTPHEADER)
            for (const struct curl_slist *h = o->pointer; h; h = h->next)
                snprintf(headers + strlen(headers), sizeof headers - strlen(headers), "[%s]", h->data);
        const struct {
            CURLoption name;
            const char *text;
        } names[] = {{CURLOPT_NOSIGNAL, "nosignal"},         {CURLOPT_PROXY, "proxy"},
                     {CURLOPT_PROTOCOLS_STR, "protocols"},   {CURLOPT_HTTPHEADER, "headers"},
                     {CURLOPT_CONNECTTIMEOUT_MS, "connect"}, {CURLOPT_CAINFO, "ca"},
                     {CURLOPT_TIMEOUT_MS, "timeout"},        {CURLOPT_POSTFIELDSIZE_LARGE, "size"},
                     {CURLOPT_POSTFIELDS, "post"},           {CURLOPT_HTTPGET, "get"},
                     {CURLOPT_ERRORBUFFER, "error"}};
        for (size_t j = 0; j < sizeof names / sizeof *names; j++)
            if (names[j].name == o->name)
                used += (size_t)snprintf(out + used, size - used, "%s=", names[j].text);
        if (o->name == CURLOPT_HTTPHEADER)
            used += (size_t)snprintf(out + used, size - used, "%s\n", headers);
        else if (o->name == CURLOPT_ERRORBUFFER)
            used += (size_t)snprintf(out + used, size - used, "%s\n", o->pointer ? "set" : "none");
        else if (o->name == CURLOPT_PROXY || o->name == CURLOPT_PROTOCOLS_STR || o->name == CURLOPT_CAINFO ||
                 o->name == CURLOPT_POSTFIELDS)
            used += (size_t)snprintf(out + used, size - used, "%s\n", (const char *)o->pointer);
        else if (o->name != CURLOPT_URL && o->name != CURLOPT_WRITEDATA && o->name != CURLOPT_WRITEFUNCTION)
            used += (size_t)snprintf(out + used, size - used, "%ld\n", o->number);
    }
}

#define SAME_FOR_ALL "nosignal=1\nproxy=\nprotocols=http,https\nheaders=[Content-Type: application/json][Expect:]%s\nconnect=2000\n"

static void a_request_is_what_was_asked_for_and_no_more(void **state)
{
    (void)state;
    static const struct {
        const char *token, *ca, *body;
        double seconds;
        const char *headers, *rest; /* of the options */
    } rows[] = {
        {NULL, NULL, NULL, 1.5, "", "error=none\ntimeout=1500\nget=1\n"},
        {"key", "/ca.pem", "{}", 20, "[Authorization: Bearer key]", "ca=/ca.pem\nerror=none\ntimeout=20000\nsize=2\npost={}\n"},
        {NULL, NULL, "", 0.25, "", "error=none\ntimeout=250\nsize=0\npost=\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[600], have[600];
        make(NULL);
        mrq_rest *rest = server(rows[i].token, rows[i].ca);
        mrq_rest_reply reply = {0};
        perform_body = "hello";
        assert_ok(mrq_rest_call(rest, "/path", rows[i].body, rows[i].seconds, &reply, &err));
        tell_options(&handles[0], have, sizeof have);
        snprintf(want, sizeof want, SAME_FOR_ALL "%s", rows[i].headers, rows[i].rest);
        assert_string_equal(have, want);
        assert_string_equal(url, "http://host:1/path");
        assert_string_equal(reply.body, "hello");
        assert_int_equal(reply.size, 5);
        assert_int_equal(reply.code, 207);
        mrq_rest_reply_clear(&reply);
        perform_body = ""; /* an empty one is a text, too */
        assert_ok(mrq_rest_call(rest, "/path", rows[i].body, rows[i].seconds, &reply, &err));
        assert_string_equal(reply.body, "");
        assert_int_equal(reply.size, 0);
        mrq_rest_reply_clear(&reply);
        assert_int_equal(n_made, 1); /* the same connection */
        assert_int_equal(n_locked, 5);
        assert_int_equal(n_unlocked, 5);
        assert_int_equal(n_cleaned, 0);
        assert_int_equal(n_wiped, rows[i].token != NULL);
        mrq_rest_free(rest);
        assert_int_equal(n_cleaned, 1);
        assert_int_equal(n_mutexes, 1001);
        for (size_t w = 0; w < n_wiped && rows[i].token; w++)
            assert_int_equal(wiped[w], w % 3 == 0 ? 25 : w == 1 ? 30 : 7); /* the text it was made in, and the list */
    }
}

static void idle_connections_are_kept_up_to_64(void **state)
{
    (void)state;
    mrq_rest *rest = server(NULL, NULL);
    for (int turn = 0; turn < 2; turn++)
        for (int more = 0; more < 3; more++) {
            mrq_rest_reply reply = {0};
            const int before = n_made - n_cleaned;
            depth = 62 + more; /* so many beside the first */
            rest_of_depth = rest;
            assert_ok(mrq_rest_call(rest, "/", NULL, 1, &reply, &err));
            mrq_rest_reply_clear(&reply);
            const int at_once = 63 + more, kept = before > at_once ? before : at_once;
            assert_int_equal(n_made - n_cleaned, kept < 64 ? kept : 64);
        }
    mrq_rest_free(rest);
    assert_int_equal(n_made, n_cleaned);
    assert_int_equal(n_locked, n_unlocked);
}

static void every_end_of_a_request_has_its_sentence(void **state)
{
    (void)state;
    char long_detail[200];
    memset(long_detail, 'd', sizeof long_detail);
    long_detail[199] = '\0';
    const struct {
        CURLcode code;
        const char *detail;
        mrq_status status;
        const char *sentence;
    } rows[] = {
        {CURLE_OUT_OF_MEMORY, "", MRQ_FAILED, "out of memory while asking a server"},
        {CURLE_OPERATION_TIMEDOUT, "x", MRQ_UNAVAILABLE, "Server at host:1: no answer within 2.5 s"},
        {CURLE_COULDNT_CONNECT, "", MRQ_UNAVAILABLE, "Server at host:1: could not connect"},
        {CURLE_COULDNT_CONNECT, "refused", MRQ_UNAVAILABLE, "Server at host:1: refused"},
        {CURLE_RECV_ERROR, "", MRQ_UNAVAILABLE, "Server at host:1: another"},
        {CURLE_RECV_ERROR, long_detail, MRQ_UNAVAILABLE, long_detail + 49},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mrq_rest *rest = server(NULL, NULL);
        mrq_rest_reply reply = {.code = 5};
        perform_comes_to = rows[i].code;
        perform_detail = rows[i].detail;
        perform_body = "half";
        assert_fails(mrq_rest_call(rest, "/", NULL, 2.5, &reply, &err), rows[i].status, rows[i].sentence);
        assert_true(reply.code == 5 && !reply.body);
        assert_null(strstr(err.msg, long_detail + 48));
        mrq_rest_free(rest);
    }
}

static void a_reply_has_a_longest(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        CURLcode code;
        mrq_status status;
        const char *sentence;
    } rows[] = {
        {MRQ_REST_REPLY_MAX, CURLE_OK, MRQ_OK, ""},
        {MRQ_REST_REPLY_MAX + 1, CURLE_OK, MRQ_UNAVAILABLE, "Server at host:1: the reply has more than 33554432 bytes"},
        /* what ended it for another reason, less than one piece before the limit, and more */
        {MRQ_REST_REPLY_MAX - CURL_MAX_WRITE_SIZE, CURLE_WRITE_ERROR, MRQ_UNAVAILABLE, "the reply has more than"},
        {MRQ_REST_REPLY_MAX - CURL_MAX_WRITE_SIZE - 1, CURLE_WRITE_ERROR, MRQ_FAILED,
         "out of memory while reading a server's reply"},
        {1, CURLE_WRITE_ERROR, MRQ_FAILED, "out of memory"},
    };
    mrq_rest *rest = server(NULL, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mrq_rest_reply reply = {0};
        perform_more = rows[i].size;
        perform_comes_to = rows[i].code;
        if (rows[i].status == MRQ_OK) {
            assert_ok(mrq_rest_call(rest, "/", NULL, 1, &reply, &err));
            assert_int_equal(reply.size, rows[i].size);
            assert_true(reply.body[0] == 'x' && reply.body[reply.size - 1] == 'x' && reply.body[reply.size] == '\0');
        } else {
            assert_fails(mrq_rest_call(rest, "/", NULL, 1, &reply, &err), rows[i].status, rows[i].sentence);
        }
        mrq_rest_reply_clear(&reply);
        assert_null(reply.body);
    }
    mrq_rest_free(rest);
}

/* Whichever option cannot be set, there is no request, and no handle is lost. */
static void an_option_that_cannot_be_set_ends_a_request(void **state)
{
    (void)state;
    int n = 0;
    for (mrq_status status = MRQ_FAILED; status != MRQ_OK; n++) {
        mrq_rest *rest = server("key", "ca");
        mrq_rest_reply reply = {0};
        perform_body = "hello";
        options_left = n;
        status = mrq_rest_call(rest, "/", n % 2 ? "{}" : NULL, 1, &reply, &err);
        const bool failed = options_left < 0;
        options_left = INT_MAX;
        if (status != MRQ_OK)
            assert_string_equal(err.msg, "out of memory while asking a server");
        else
            assert_string_equal(reply.body, "hello");
        assert_true(status == MRQ_OK || failed);
        mrq_rest_reply_clear(&reply);
        mrq_rest_free(rest);
        assert_int_equal(n_made, n_cleaned);
    }
    assert_in_range(n, 12, 15);
}

static mrq_status do_all(void)
{
    mrq_rest *rest = NULL;
    mrq_rest_reply reply = {0};
    MRQ_TRY(mrq_rest_new("http://host:1", "Server at host:1", "key", "ca", &rest, &err));
    mrq_status status = MRQ_OK;
    for (int i = 0; i < 2 && status == MRQ_OK; i++) {
        perform_body = i ? "" : "hello";
        status = mrq_rest_call(rest, "/", "{}", 1, &reply, &err);
        assert_true(status == MRQ_OK || !reply.body);
        mrq_rest_reply_clear(&reply);
    }
    mrq_rest_free(rest);
    return status;
}

static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    int n = 0, spared = 0;
    for (bool failed = true; failed && n < 100; n++) {
        err = (mrq_error){0};
        atomic_store(&allocations_left, n);
        const mrq_status status = do_all();
        failed = atomic_exchange(&allocations_left, INT_MAX) < 0;
        if (one_fails_alone && failed && status == MRQ_OK)
            spared++; /* a connection that could not be kept */
        else if (status == MRQ_OK ? failed : status != MRQ_FAILED || !strstr(err.msg, "out of memory"))
            fail_msg("allocation %d fails: got %d, \"%s\"", n, (int)status, err.msg);
        assert_int_equal(n_made, n_cleaned);
        assert_int_equal(n_mutexes / 1000, n_mutexes % 1000);
    }
    assert_in_range(n, 10, 50);
    assert_true(spared <= 1);
}

/* The same where one allocation fails alone: that it did is not found out by the next one. */
static void memory_that_is_short_for_a_moment_is_told(void **state)
{
    one_fails_alone = true;
    memory_that_runs_out_is_told(state);
    one_fails_alone = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_library_is_loaded_once_it_can_be, make),
        cmocka_unit_test_setup(a_request_is_what_was_asked_for_and_no_more, make),
        cmocka_unit_test_setup(idle_connections_are_kept_up_to_64, make),
        cmocka_unit_test_setup(every_end_of_a_request_has_its_sentence, make),
        cmocka_unit_test_setup(a_reply_has_a_longest, make),
        cmocka_unit_test_setup(an_option_that_cannot_be_set_ends_a_request, make),
        cmocka_unit_test_setup(memory_that_runs_out_is_told, make),
        cmocka_unit_test_setup(memory_that_is_short_for_a_moment_is_told, make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
