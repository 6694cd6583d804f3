/* An index that Milvus keeps: a searcher of inside.h, and all that is said to the server, in JSON, to make it.
 *
 * A collection has a row an item: `row`, its place in the catalogue, by which it is searched and counted; the vector; and for other
 * programs, and for filters, id, title, genres and year. Where the interface makes keys itself (v1), `id` is one field more and a
 * batch that was sent twice, because its answer was lost, stands there twice: rows are counted, and candidates taken, once. Where
 * it does not (v2), the id is the key, and sending it again changes nothing.
 *
 * Genres and years go as an expression; the caller drops what passes it all the same, and so names of genres with characters that
 * would have to be escaped are just left out. Items to leave out, be they seen or excluded, are asked for in addition instead: for
 * "row not in [...]" a server looks at every item it has, and already with 3,883 of them it takes no less time (165 rows 6.4 ms,
 * 265 candidates 5.0 ms).
 *
 * A server that is silent would keep every thread that asks it for the whole deadline, and let who waits for a thread wait for
 * several. So after one search in vain all others fail at once, but for one now and then that tries.
 *
 * Nothing that the server says is trusted: rows are numbers below the catalogue's size, or not taken; scores are not looked at. */
#include "index/backend.h"

#include <ctype.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/host.h"
#include "base/json.h"
#include "base/log.h"
#include "base/print.h"
#include "base/secret.h"
#include "index/inside.h"
#include "index/rest.h"

#define TEXT_(x)       #x
#define TEXT_OF(x)     TEXT_(x)
#define DEFAULT_PORT   "19530"
#define NAME_MAX_SIZE  200
#define BATCH          100   /* rows of a request; v1 takes no more */
#define WINDOW         8192  /* rows that are read back at once; a server answers with 16,384 at most */
#define ANSWER_MAX     16384 /* candidates of one search */
#define RERANK         100   /* candidates more than are wanted: the server rounds otherwise, and they are put in order exactly */
#define SEARCH_SECONDS 3.0   /* of a search, where no deadline is set */
#define ASK_SECONDS    5.0
#define WRITE_SECONDS  20.0
#define SILENT_SECONDS 1.0 /* a failure that took so long is silence; and for so long after it nobody tries again */
#define ATTEMPTS       6
#define FIRST_PAUSE    0.5 /* seconds before the second attempt; then twice as long each time */

struct mrq_backend {
    mrq_rest *rest;
    char name[NAME_MAX_SIZE + 1];
    char label[600], server[300]; /* milvus://host:port/name, and "Milvus at host:port" */
    atomic_int version;           /* of the interface, 1 or 2; 0: not known yet */
    double search_seconds;
    atomic_llong again; /* milliseconds of the clock: after a search that took its whole deadline, one may try then */
};

/* What can be asked: the path in both versions, and whether version 1 wants a GET. */
typedef struct operation {
    const char *v1, *v2;
    bool get;
} operation;
static const operation op_list = {"/v1/vector/collections", "/v2/vectordb/collections/list", true};
static const operation op_describe = {"/v1/vector/collections/describe", "/v2/vectordb/collections/describe", true};
static const operation op_create = {"/v1/vector/collections/create", "/v2/vectordb/collections/create", false};
static const operation op_drop = {"/v1/vector/collections/drop", "/v2/vectordb/collections/drop", false};
static const operation op_insert = {"/v1/vector/insert", "/v2/vectordb/entities/upsert", false};
static const operation op_query = {"/v1/vector/query", "/v2/vectordb/entities/query", false};
static const operation op_search = {"/v1/vector/search", "/v2/vectordb/entities/search", false};
static const operation op_alias_new = {NULL, "/v2/vectordb/aliases/create", false};
static const operation op_alias_alter = {NULL, "/v2/vectordb/aliases/alter", false};

/* A name of a collection: the backend's, then what is in it. */
typedef struct full_name {
    char text[NAME_MAX_SIZE + MRQ_CONTENT_SIZE + 1];
} full_name;

static full_name name_of(const mrq_backend *backend, const char content[MRQ_CONTENT_SIZE])
{
    full_name name;
    snprintf(name.text, sizeof name.text, "%s_%s", backend->name, content);
    return name;
}

/* --- the address --- */

static mrq_status bad_address(const char *text, const char *what, mrq_error *err)
{
    if (strchr(text, '@')) /* a password may stand in it */
        return mrq_fail(err, MRQ_USAGE, "backend: no login stands in the address, want $MARQUEE_MILVUS_TOKEN");
    return mrq_fail(err, MRQ_USAGE, "backend \"%.100s\": %s", text, what);
}

/* Reads the address into name, label and server; `base` is what paths are put behind. */
static mrq_status parse_address(const char *text, mrq_backend *out, char *base, size_t size, mrq_error *err)
{
    static const char plain[] = "milvus://", tls[] = "milvuss://";
    const bool secure = strncmp(text, tls, sizeof tls - 1) == 0;
    if (!secure && strncmp(text, plain, sizeof plain - 1) != 0)
        return bad_address(text, "want " MRQ_BACKEND_FORMS, err);
    const char *at = text + (secure ? sizeof tls : sizeof plain) - 1, *slash = at + strcspn(at, "/");
    mrq_host host;
    const char *wrong = mrq_host_parse(at, (size_t)(slash - at), DEFAULT_PORT, 1, &host);
    if (wrong)
        return bad_address(text, wrong == mrq_host_missing ? "want " MRQ_BACKEND_FORMS : wrong, err);
    const char *name = *slash ? slash + 1 : "";
    const size_t length = strlen(name);
    bool good = length > 0 && length <= NAME_MAX_SIZE && !isdigit((unsigned char)*name);
    for (size_t i = 0; i < length; i++)
        good = good && (isalnum((unsigned char)name[i]) || name[i] == '_');
    if (!good)
        return bad_address(text, "want a name of letters, digits and _ behind the last slash, to begin collections' names with",
                           err);
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(out->label, sizeof out->label, "%s%s/%s", secure ? tls : plain, host.label, name);
    snprintf(out->server, sizeof out->server, "Milvus at %s", host.label);
    snprintf(base, size, "%s://%s", secure ? "https" : "http", host.label);
    return MRQ_OK;
}

mrq_status mrq_backend_open(const mrq_backend_options *options, mrq_backend **out, mrq_error *err)
{
    char base[300];
    const char *token = options->token && *options->token ? options->token : NULL;
    MRQ_CLEANUP(mrq_backend_close) mrq_backend *backend = calloc(1, sizeof *backend);
    if (!backend)
        return mrq_fail_memory(err, "setting up a backend");
    backend->search_seconds = options->deadline ? 1e-3 * options->deadline : SEARCH_SECONDS;
    MRQ_TRY(parse_address(options->address, backend, base, sizeof base, err));
    if (token && (strlen(token) > MRQ_SECRET_MAX || mrq_secret_flaw(token)))
        return mrq_fail(err, MRQ_USAGE, "backend: the token has %zu characters, want up to %d of ASCII without blanks",
                        strlen(token), MRQ_SECRET_MAX);
    MRQ_TRY(mrq_rest_new(base, backend->server, token, options->ca, &backend->rest, err));
    *out = backend;
    backend = NULL;
    return MRQ_OK;
}

void mrq_backend_close(mrq_backend *backend)
{
    if (!backend)
        return;
    mrq_rest_free(backend->rest);
    free(backend);
}

const char *mrq_backend_label(const mrq_backend *backend)
{
    return backend->label;
}

/* --- one request --- */

typedef struct answer {
    cJSON *document;
    const cJSON *data; /* its member, or NULL */
    bool refused;      /* the server understood, and said no */
    bool passing;      /* what failed may succeed another time */
} answer;

static void answer_clear(answer *a)
{
    cJSON_Delete(a->document);
    *a = (answer){0};
}
#define ANSWER __attribute__((cleanup(answer_clear))) answer

static mrq_status no_access(const mrq_backend *backend, mrq_error *err)
{
    return mrq_fail(err, MRQ_UNAVAILABLE,
                    "%s refused the token: want user:password or a key in $MARQUEE_MILVUS_TOKEN, or in the "
                    "file that $MARQUEE_MILVUS_TOKEN_FILE names",
                    backend->server);
}

/* What a reply says, as its document and the data in it. */
static mrq_status read_reply(const mrq_backend *backend, const mrq_rest_reply *reply, answer *out, mrq_error *err)
{
    mrq_error inner = {0};
    if (reply->code == 401 || reply->code == 403)
        return no_access(backend, err);
    out->passing = reply->code == 429 || reply->code >= 500;
    if (out->passing)
        return mrq_fail(err, MRQ_UNAVAILABLE, "%s: HTTP %ld: %.100s", backend->server, reply->code, reply->body);
    const mrq_status status = mrq_json_parse(reply->body, reply->size, "reply", &out->document, &inner);
    if (status != MRQ_OK) {
        out->passing = true;
        return mrq_fail(err, status == MRQ_FAILED ? status : MRQ_UNAVAILABLE, "%s: HTTP %ld, and no JSON: %.150s", backend->server,
                        reply->code, inner.msg);
    }
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(out->document, "code");
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(out->document, "message");
    const double value = cJSON_IsNumber(code) ? code->valuedouble : NAN;
    if (value == 1800)
        return no_access(backend, err);
    if (value != 0 && value != 200) {
        out->refused = cJSON_IsNumber(code);
        out->passing =
            value < 1100 && value != 100; /* starting, full or slow; not: a parameter it does not like, or no collection */
        return mrq_fail(err, MRQ_UNAVAILABLE, "%s: code %g: %.200s", backend->server, value,
                        cJSON_IsString(message) ? message->valuestring : "without a message");
    }
    out->data = cJSON_GetObjectItemCaseSensitive(out->document, "data");
    return MRQ_OK;
}

static mrq_status send(mrq_backend *backend, const char *path, const char *body, double seconds, answer *out, mrq_error *err)
{
    __attribute__((cleanup(mrq_rest_reply_clear))) mrq_rest_reply reply = {0};
    out->passing = true;
    MRQ_TRY(mrq_rest_call(backend->rest, path, body, seconds, &reply, err));
    return read_reply(backend, &reply, out, err);
}

/* Finds out which version of the interface there is, once. */
static mrq_status probe(mrq_backend *backend, double seconds, answer *out, mrq_error *err)
{
    if (atomic_load(&backend->version))
        return MRQ_OK;
    __attribute__((cleanup(mrq_rest_reply_clear))) mrq_rest_reply reply = {0};
    out->passing = true;
    MRQ_TRY(mrq_rest_call(backend->rest, op_list.v2, "{}", seconds, &reply, err));
    if (reply.code != 404) {
        ANSWER list = {0};
        const mrq_status status = read_reply(backend, &reply, &list, err);
        out->passing = list.passing;
        MRQ_TRY(status);
    }
    atomic_store(&backend->version, reply.code == 404 ? 1 : 2);
    return MRQ_OK;
}

/* A request about a collection (NULL: about none). `body` is an object that was begun and not closed, or NULL; its text is
 * freed. */
static mrq_status call(mrq_backend *backend, const operation *op, const char *collection, mrq_print *body, double seconds,
                       answer *out, mrq_error *err)
{
    MRQ_AUTOFREE char *text = NULL;
    char path[512];
    if (body) {
        mrq_print_close(body, '}');
        text = mrq_print_take(body, NULL);
        if (!text)
            return mrq_fail_memory(err, "asking a server");
    }
    MRQ_TRY(probe(backend, seconds, out, err));
    const bool first = atomic_load(&backend->version) == 1;
    const bool get = first && op->get;
    snprintf(path, sizeof path, get && collection ? "%s?collectionName=%s" : "%s", first ? op->v1 : op->v2, collection);
    return send(backend, path, get ? NULL : text, seconds, out, err);
}

static void begin(mrq_print *body, const char *collection)
{
    mrq_print_open(body, '{');
    mrq_print_key(body, "collectionName");
    mrq_print_text(body, collection);
}

/* The same with nothing to say but the collection's name. */
static mrq_status call_plain(mrq_backend *backend, const operation *op, const char *collection, double seconds, answer *out,
                             mrq_error *err)
{
    mrq_print body = {0};
    if (collection)
        begin(&body, collection);
    else
        mrq_print_open(&body, '{');
    return call(backend, op, collection, &body, seconds, out, err);
}

static void pause_for(double seconds)
{
    const struct timespec time = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    nanosleep(&time, NULL);
}

/* Tries `attempt` again while it fails for what may pass. */
static mrq_status insist(mrq_backend *backend, mrq_status (*attempt)(mrq_backend *, const void *, answer *, mrq_error *),
                         const void *context, mrq_error *err)
{
    double pause = FIRST_PAUSE;
    mrq_error problem = {0};
    for (int i = 1;; i++) {
        ANSWER reply = {0};
        const mrq_status status = attempt(backend, context, &reply, &problem);
        if (status != MRQ_UNAVAILABLE || !reply.passing || i == ATTEMPTS)
            return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "%s", problem.msg);
        mrq_log(MRQ_LOG_WARN, "backend", "attempt=%d pause=%.1f problem=\"%s\"", i, pause, problem.msg);
        pause_for(pause);
        pause *= 2;
    }
}

/* --- collections --- */

static mrq_status no_collection(const mrq_backend *backend, const char *collection, mrq_error *err)
{
    return mrq_fail(err, MRQ_NOT_FOUND, "%s has no collection %s for this generation: `marquee export --to %s` makes it",
                    backend->server, collection, backend->label);
}

static mrq_status strange(const mrq_backend *backend, const char *what, mrq_error *err)
{
    return mrq_fail(err, MRQ_UNAVAILABLE, "%s: a reply without %s", backend->server, what);
}

/* The names of all collections: `out->data`, an array. */
static mrq_status list(mrq_backend *backend, answer *out, mrq_error *err)
{
    MRQ_TRY(call_plain(backend, &op_list, NULL, ASK_SECONDS, out, err));
    return cJSON_IsArray(out->data) ? MRQ_OK : strange(backend, "a list of collections", err);
}

static bool listed(const cJSON *names, const char *collection)
{
    const cJSON *name;
    cJSON_ArrayForEach(name, names) if (cJSON_IsString(name) && strcmp(name->valuestring, collection) == 0) return true;
    return false;
}

static mrq_status exists(mrq_backend *backend, const char *collection, bool *out, answer *reply, mrq_error *err)
{
    MRQ_TRY(list(backend, reply, err));
    *out = listed(reply->data, collection);
    return MRQ_OK;
}

/* The member `key` of an object of v2's list [{"key":"dim","value":"32"}], as a number; NAN without. */
static double pair_number(const cJSON *pairs, const char *key)
{
    const cJSON *pair;
    cJSON_ArrayForEach(pair, pairs)
    {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(pair, "key");
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(pair, "value");
        if (cJSON_IsString(name) && strcmp(name->valuestring, key) == 0)
            return cJSON_IsString(value) ? atof(value->valuestring) : cJSON_IsNumber(value) ? value->valuedouble : NAN;
    }
    return NAN;
}

/* The dimensions of the field "vector" in a description; NAN where it does not tell. */
static double dimensions(const cJSON *description)
{
    static const char type_name[] = "FloatVector(";
    const cJSON *field;
    cJSON_ArrayForEach(field, cJSON_GetObjectItemCaseSensitive(description, "fields"))
    {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(field, "name");
        const cJSON *type = cJSON_GetObjectItemCaseSensitive(field, "type");
        if (!cJSON_IsString(name) || strcmp(name->valuestring, "vector") != 0)
            continue;
        if (cJSON_IsString(type) && strncmp(type->valuestring, type_name, sizeof type_name - 1) == 0)
            return atof(type->valuestring + sizeof type_name - 1);
        return pair_number(cJSON_GetObjectItemCaseSensitive(field, "params"), "dim");
    }
    return NAN;
}

/* MRQ_UNAVAILABLE for a collection that is not of such vectors. */
static mrq_status check_dimensions(mrq_backend *backend, const char *collection, uint32_t dim, answer *reply, mrq_error *err)
{
    MRQ_TRY(call_plain(backend, &op_describe, collection, ASK_SECONDS, reply, err));
    const double have = dimensions(reply->data);
    return have == dim ? MRQ_OK
                       : mrq_fail(err, MRQ_UNAVAILABLE,
                                  "%s: collection %s has vectors of %g dimensions, want %u: somebody else's, want it dropped or "
                                  "another name in the address",
                                  backend->server, collection, have, dim);
}

/* What an upload is about. */
typedef struct upload {
    const mrq_contents *contents;
    full_name collection;
    const char *owner;
    uint64_t *there;         /* a bit for each row that the server has */
    uint32_t first, rows;    /* the window, or the batch, of an attempt */
    uint32_t row[BATCH];     /* (rows) of a batch */
    const mrq_column *title; /* the columns that are sent; NULL without */
    const mrq_column *genres, *year;
} upload;

static void add_whole(mrq_print *body, const char *key, int64_t value)
{
    mrq_print_key(body, key);
    mrq_print_whole(body, value);
}

static void add_text(mrq_print *body, const char *key, const char *value)
{
    mrq_print_key(body, key);
    mrq_print_text(body, value);
}

/* Makes the collection unless it is there. */
static mrq_status make_attempt(mrq_backend *backend, const void *context, answer *out, mrq_error *err)
{
    const upload *u = context;
    bool there = false;
    {
        ANSWER names = {0};
        const mrq_status status = exists(backend, u->collection.text, &there, &names, err);
        out->passing = names.passing;
        MRQ_TRY(status);
    }
    if (there)
        return check_dimensions(backend, u->collection.text, u->contents->dim, out, err);
    mrq_print body = {0};
    begin(&body, u->collection.text);
    add_whole(&body, "dimension", u->contents->dim);
    add_text(&body, "metricType", "IP");
    add_text(&body, "description", u->owner);
    if (atomic_load(&backend->version) == 1) {
        add_text(&body, "primaryField", "key");
        add_text(&body, "vectorField", "vector");
    } else {
        add_text(&body, "primaryFieldName", "id");
        add_text(&body, "idType", "VarChar");
        add_text(&body, "vectorFieldName", "vector");
        mrq_print_key(&body, "params");
        mrq_print_raw(&body, "{\"max_length\":\"" TEXT_OF(MRQ_ID_BYTES) "\"}");
    }
    return call(backend, &op_create, u->collection.text, &body, WRITE_SECONDS, out, err);
}

/* The number of a row of the catalogue in a reply's object; MRQ_NONE for anything else. */
static uint32_t row_in(const cJSON *object, uint32_t rows)
{
    const cJSON *row = cJSON_GetObjectItemCaseSensitive(object, "row");
    const double value = cJSON_IsNumber(row) ? row->valuedouble : -1;
    return value >= 0 && value < rows && value == floor(value) ? (uint32_t)value : MRQ_NONE;
}

/* Sets the bits of the rows in a window that the server has. */
static mrq_status window_attempt(mrq_backend *backend, const void *context, answer *out, mrq_error *err)
{
    const upload *u = context;
    char filter[80];
    mrq_print body = {0};
    snprintf(filter, sizeof filter, "row >= %u and row < %u", u->first, u->first + u->rows);
    begin(&body, u->collection.text);
    add_text(&body, "filter", filter);
    mrq_print_key(&body, "outputFields");
    mrq_print_raw(&body, "[\"row\"]");
    add_whole(&body, "limit", ANSWER_MAX);
    MRQ_TRY(call(backend, &op_query, u->collection.text, &body, WRITE_SECONDS, out, err));
    const cJSON *item;
    cJSON_ArrayForEach(item, out->data)
    {
        const uint32_t row = row_in(item, u->contents->items->rows);
        if (row != MRQ_NONE)
            u->there[row / 64] |= (uint64_t)1 << row % 64;
    }
    return MRQ_OK;
}

/* Sets the bits of all rows that the server has, and counts them. */
static mrq_status look(mrq_backend *backend, upload *u, uint32_t *n, mrq_error *err)
{
    const uint32_t rows = u->contents->items->rows;
    *n = 0;
    for (u->first = 0; u->first < rows; u->first += u->rows) {
        u->rows = rows - u->first < WINDOW ? rows - u->first : WINDOW;
        MRQ_TRY(insist(backend, window_attempt, u, err));
    }
    for (uint32_t i = 0; i < (rows + 63) / 64; i++)
        *n += (uint32_t)__builtin_popcountll(u->there[i]);
    return MRQ_OK;
}

static void print_row(mrq_print *body, const upload *u, uint32_t row)
{
    const float *vector = u->contents->vectors + (size_t)row * u->contents->dim;
    mrq_print_open(body, '{');
    add_text(body, "id", mrq_table_id(u->contents->items, row));
    add_whole(body, "row", row);
    mrq_print_key(body, "vector");
    mrq_print_open(body, '[');
    for (uint32_t d = 0; d < u->contents->dim; d++)
        mrq_print_real(body, (double)vector[d], 9);
    mrq_print_close(body, ']');
    if (u->title)
        add_text(body, "title", mrq_strings_at(&u->title->text, row));
    if (u->genres) {
        mrq_print_key(body, "genres");
        mrq_print_open(body, '[');
        for (uint64_t i = u->genres->list.offset[row]; i < u->genres->list.offset[row + 1]; i++)
            mrq_print_text(body, mrq_strings_at(&u->genres->dict, u->genres->list.item[i]));
        mrq_print_close(body, ']');
    }
    if (u->year && isfinite(u->year->number[row])) {
        mrq_print_key(body, "year");
        mrq_print_real(body, u->year->number[row], 3);
    }
    mrq_print_close(body, '}');
}

static mrq_status batch_attempt(mrq_backend *backend, const void *context, answer *out, mrq_error *err)
{
    const upload *u = context;
    mrq_print body = {0};
    begin(&body, u->collection.text);
    mrq_print_key(&body, "data");
    mrq_print_open(&body, '[');
    for (uint32_t i = 0; i < u->rows; i++)
        print_row(&body, u, u->row[i]);
    mrq_print_close(&body, ']');
    return call(backend, &op_insert, u->collection.text, &body, WRITE_SECONDS, out, err);
}

/* Sends the rows whose bits are not set. */
static mrq_status fill(mrq_backend *backend, upload *u, uint32_t there, void (*tell)(void *, uint32_t, uint32_t), void *context,
                       mrq_error *err)
{
    const uint32_t rows = u->contents->items->rows;
    uint32_t n = 0;
    for (uint32_t row = 0; row < rows; row++) {
        if (!(u->there[row / 64] >> row % 64 & 1))
            u->row[n++] = row;
        if (n < BATCH && (row + 1 < rows || !n))
            continue;
        u->rows = n;
        MRQ_TRY(insist(backend, batch_attempt, u, err));
        there += n;
        n = 0;
        if (tell)
            tell(context, there, rows);
    }
    return MRQ_OK;
}

static mrq_status upload_init(upload *u, const mrq_backend *backend, const mrq_contents *contents, mrq_error *err)
{
    *u = (upload){.contents = contents, .collection = name_of(backend, contents->name)};
    u->title = mrq_table_first(contents->items, MRQ_TEXT);
    u->genres = mrq_table_first(contents->items, MRQ_SET);
    u->year = mrq_table_year(contents->items);
    u->there = mrq_array(contents->items->rows / 64 + 1, sizeof *u->there);
    return u->there ? MRQ_OK : mrq_fail_memory(err, "uploading");
}

static void upload_clear(upload *u)
{
    mrq_free(u->there);
}

mrq_status mrq_backend_upload(mrq_backend *backend, const mrq_contents *contents, const char *owner,
                              void (*tell)(void *context, uint32_t done, uint32_t of), void *context, uint32_t *sent,
                              mrq_error *err)
{
    const uint32_t rows = contents->items->rows;
    uint32_t there;
    __attribute__((cleanup(upload_clear))) upload u;
    MRQ_TRY(upload_init(&u, backend, contents, err));
    u.owner = owner;
    MRQ_TRY(insist(backend, make_attempt, &u, err));
    MRQ_TRY(look(backend, &u, &there, err));
    const uint32_t missing = rows - there;
    if (tell)
        tell(context, there, rows);
    MRQ_TRY(fill(backend, &u, there, tell, context, err));
    *sent = missing;
    return MRQ_OK;
}

mrq_status mrq_backend_point(mrq_backend *backend, const char name[MRQ_CONTENT_SIZE], bool *aliased, mrq_error *err)
{
    const full_name collection = name_of(backend, name);
    *aliased = atomic_load(&backend->version) == 2;
    if (!*aliased)
        return MRQ_OK;
    const operation *const ways[] = {&op_alias_alter, &op_alias_new};
    mrq_status status = MRQ_OK;
    for (int i = 0; i < 2; i++) {
        ANSWER reply = {0};
        mrq_print body = {0};
        begin(&body, collection.text);
        add_text(&body, "aliasName", backend->name);
        status = call(backend, ways[i], collection.text, &body, WRITE_SECONDS, &reply, err);
        if (status == MRQ_OK || !reply.refused)
            break;
    }
    return status;
}

/* Whether a collection's name is one that name_of() makes; `content` is its end. */
static bool is_ours(const mrq_backend *backend, const char *collection, const char **content)
{
    const size_t size = strlen(backend->name);
    *content = collection + size + 1;
    return strncmp(collection, backend->name, size) == 0 && collection[size] == '_' && strlen(*content) == MRQ_CONTENT_SIZE - 1 &&
           strspn(*content, "0123456789abcdef") == MRQ_CONTENT_SIZE - 1;
}

/* Drops a collection if it is this owner's. */
static mrq_status drop_own(mrq_backend *backend, const char *collection, const char *owner, bool *dropped, mrq_error *err)
{
    ANSWER about = {0}, gone = {0};
    MRQ_TRY(call_plain(backend, &op_describe, collection, ASK_SECONDS, &about, err));
    const cJSON *description = cJSON_GetObjectItemCaseSensitive(about.data, "description");
    *dropped = cJSON_IsString(description) && strcmp(description->valuestring, owner) == 0;
    return *dropped ? call_plain(backend, &op_drop, collection, WRITE_SECONDS, &gone, err) : MRQ_OK;
}

mrq_status mrq_backend_prune(mrq_backend *backend, const char *owner, const mrq_content_name *keep, uint32_t n, uint32_t *removed,
                             mrq_error *err)
{
    uint32_t count = 0;
    ANSWER names = {0};
    MRQ_TRY(list(backend, &names, err));
    const cJSON *name;
    cJSON_ArrayForEach(name, names.data)
    {
        const char *content;
        if (!cJSON_IsString(name) || !is_ours(backend, name->valuestring, &content))
            continue;
        bool kept = false, dropped = false;
        for (uint32_t i = 0; i < n; i++)
            kept = kept || strcmp(keep[i].text, content) == 0;
        if (!kept)
            MRQ_TRY(drop_own(backend, name->valuestring, owner, &dropped, err));
        count += dropped;
    }
    *removed = count;
    return MRQ_OK;
}

/* --- the searcher --- */

typedef struct remote {
    mrq_backend *backend;
    mrq_contents contents;
    full_name collection;
} remote;

/* Whether a name can stand between quotes as it is. */
static bool plain(const char *name)
{
    for (; *name; name++)
        if (*name < ' ' || *name > '~' || *name == '"' || *name == '\\')
            return false;
    return true;
}

static const char *joint(bool *begun)
{
    const bool before = *begun;
    *begun = true;
    return before ? " and " : "";
}

static void express_genres(FILE *out, const mrq_terms *terms, bool *begun)
{
    uint32_t told = 0;
    for (uint32_t i = 0; i < terms->n_genres; i++)
        told += plain(mrq_strings_at(terms->genres, terms->genre[i]));
    if (!told || (told < terms->n_genres && !terms->all))
        return;
    fprintf(out, "%sjson_contains_%s(genres, [", joint(begun), terms->all ? "all" : "any");
    const char *comma = "";
    for (uint32_t i = 0; i < terms->n_genres; i++) {
        const char *name = mrq_strings_at(terms->genres, terms->genre[i]);
        if (!plain(name))
            continue;
        fprintf(out, "%s\"%s\"", comma, name);
        comma = ", ";
    }
    fputs("])", out);
}

/* The terms as an expression, "" for none that can be told; freed with free(). NULL when out of memory. */
static char *express(const mrq_terms *terms)
{
    char *text = NULL;
    size_t size;
    bool begun = false;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    if (terms) {
        express_genres(out, terms, &begun);
        if (terms->year_from)
            fprintf(out, "%syear >= %d", joint(&begun), terms->year_from);
        if (terms->year_to)
            fprintf(out, "%syear <= %d", joint(&begun), terms->year_to);
    }
    const bool failed = ferror(out);
    if (fclose(out) == 0 && !failed)
        return text;
    free(text);
    return NULL;
}

static void print_vector(mrq_print *body, const mrq_backend *backend, const float *vector, uint32_t dim)
{
    const bool first = atomic_load(&backend->version) == 1;
    mrq_print_key(body, first ? "vector" : "data");
    if (!first)
        mrq_print_open(body, '[');
    mrq_print_open(body, '[');
    for (uint32_t d = 0; d < dim; d++)
        mrq_print_real(body, (double)vector[d], 9);
    mrq_print_close(body, ']');
    if (first)
        return;
    mrq_print_close(body, ']');
    add_text(body, "annsField", "vector");
}

/* The rows of a reply, each once, as it may stand there twice. */
static mrq_status take_rows(const cJSON *items, uint32_t rows, uint32_t ask, uint32_t *row, uint32_t *found, mrq_error *err)
{
    MRQ_AUTOFREE uint64_t *taken = mrq_array(rows / 64 + 1, sizeof *taken);
    if (!taken)
        return mrq_fail_memory(err, "searching");
    uint32_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        const uint32_t r = row_in(item, rows);
        if (n == ask || r == MRQ_NONE || taken[r / 64] >> r % 64 & 1)
            continue;
        taken[r / 64] |= (uint64_t)1 << r % 64;
        row[n++] = r;
    }
    *found = n;
    return MRQ_OK;
}

static long long milliseconds(double seconds)
{
    return (long long)(1e3 * seconds);
}

/* Whether this thread may ask: always, but after silence one at a time. */
static bool may_ask(mrq_backend *backend)
{
    const long long now = milliseconds(mrq_clock());
    long long again = atomic_load(&backend->again);
    return !again || (now >= again && atomic_compare_exchange_strong(&backend->again, &again,
                                                                     now + milliseconds(backend->search_seconds + SILENT_SECONDS)));
}

static mrq_status ask_in_time(mrq_backend *backend, const char *collection, mrq_print *body, answer *out, mrq_error *err)
{
    const double start = mrq_clock();
    if (!may_ask(backend)) {
        mrq_free(mrq_print_take(body, NULL));
        return mrq_fail(err, MRQ_UNAVAILABLE, "%s: no answer a moment ago", backend->server);
    }
    const mrq_status status = call(backend, &op_search, collection, body, backend->search_seconds, out, err);
    const double end = mrq_clock();
    const bool silent = status == MRQ_UNAVAILABLE && end - start >= SILENT_SECONDS;
    atomic_store(&backend->again, silent ? milliseconds(end + SILENT_SECONDS) : 0);
    return status;
}

static mrq_status search(const mrq_index *index, const float *query, uint32_t ask, const mrq_terms *terms, uint32_t *row,
                         uint32_t *found, mrq_error *err)
{
    const remote *r = index->remote;
    ANSWER reply = {0};
    mrq_print body = {0};
    char *filter = express(terms);
    if (!filter)
        return mrq_fail_memory(err, "searching");
    begin(&body, r->collection.text);
    print_vector(&body, r->backend, query, index->dim);
    if (*filter)
        add_text(&body, "filter", filter);
    add_whole(&body, "limit", ask < ANSWER_MAX ? ask : ANSWER_MAX);
    mrq_print_key(&body, "outputFields");
    mrq_print_raw(&body, "[\"row\"]");
    free(filter);
    MRQ_TRY(ask_in_time(r->backend, r->collection.text, &body, &reply, err));
    if (!cJSON_IsArray(reply.data))
        return strange(r->backend, "a list of items", err);
    return take_rows(reply.data, index->n, ask, row, found, err);
}

static mrq_status count(const mrq_index *index, uint32_t *n, mrq_error *err)
{
    const remote *r = index->remote;
    __attribute__((cleanup(upload_clear))) upload u;
    MRQ_TRY(upload_init(&u, r->backend, &r->contents, err));
    return look(r->backend, &u, n, err);
}

static void close_index(mrq_index *index)
{
    free(index->remote);
}

static const mrq_searcher searcher = {search, count, close_index, true};

mrq_status mrq_index_connect(mrq_backend *backend, const mrq_contents *contents, mrq_index **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_index_free)
    mrq_index *index = mrq_index_new(&searcher, contents->vectors, contents->items->rows, contents->dim);
    remote *r = index ? calloc(1, sizeof *r) : NULL;
    if (!r)
        return mrq_fail_memory(err, "opening an index");
    index->remote = r;
    index->way = MRQ_WAY_ASK;
    index->settings = (mrq_index_settings){.factory = "Milvus", .rerank = RERANK};
    *r = (remote){backend, *contents, name_of(backend, contents->name)};
    ANSWER about = {0};
    mrq_error problem = {0};
    const mrq_status status = check_dimensions(backend, r->collection.text, contents->dim, &about, &problem);
    if (status != MRQ_OK) {
        bool there = true;
        ANSWER names = {0};
        if (about.refused)
            MRQ_TRY(exists(backend, r->collection.text, &there, &names, err));
        return there ? mrq_fail(err, status, "%s", problem.msg) : no_collection(backend, r->collection.text, err);
    }
    *out = index;
    index = NULL;
    return MRQ_OK;
}
