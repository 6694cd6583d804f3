/* Milvus's RESTful interface: the address, a request, and questions about collections. Uploads are in milvus_upload.c, searches in
 * milvus_search.c.
 *
 * Replies are not trusted: row numbers must be less than the number of items, or they are ignored; scores are not used. */
#include "index/milvus.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/host.h"
#include "base/log.h"
#include "base/secret.h"

#define DEFAULT_PORT   "19530"
#define SEARCH_SECONDS 3.0 /* for a search, if no deadline is set */
#define ATTEMPTS       6
#define FIRST_PAUSE    0.5 /* seconds before the second attempt, doubled after each */

static const mrq_milvus_operation list = {"/v1/vector/collections", "/v2/vectordb/collections/list", true};
const mrq_milvus_operation mrq_milvus_describe = {"/v1/vector/collections/describe", "/v2/vectordb/collections/describe", true};
const mrq_milvus_operation mrq_milvus_create = {"/v1/vector/collections/create", "/v2/vectordb/collections/create", false};
const mrq_milvus_operation mrq_milvus_drop = {"/v1/vector/collections/drop", "/v2/vectordb/collections/drop", false};
const mrq_milvus_operation mrq_milvus_insert = {"/v1/vector/insert", "/v2/vectordb/entities/upsert", false};
const mrq_milvus_operation mrq_milvus_query = {"/v1/vector/query", "/v2/vectordb/entities/query", false};
const mrq_milvus_operation mrq_milvus_search = {"/v1/vector/search", "/v2/vectordb/entities/search", false};
const mrq_milvus_operation mrq_milvus_alias_new = {NULL, "/v2/vectordb/aliases/create", false};
const mrq_milvus_operation mrq_milvus_alias_alter = {NULL, "/v2/vectordb/aliases/alter", false};

mrq_milvus_name mrq_milvus_collection(const mrq_backend *backend, const char content[MRQ_CONTENT_SIZE])
{
    mrq_milvus_name name;
    snprintf(name.text, sizeof name.text, "%s_%s", backend->name, content);
    return name;
}

static mrq_status bad_address(const char *text, const char *what, mrq_error *err)
{
    if (strchr(text, '@')) /* it may contain a password */
        return mrq_fail(err, MRQ_USAGE, "backend: want the login in $MARQUEE_MILVUS_TOKEN, not in the address");
    return mrq_fail(err, MRQ_USAGE, "backend \"%.100s\": %s", text, what);
}

/* Parses the address into name, label and server; `base` is the URL that paths are appended to. */
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
    bool good = length > 0 && length <= MRQ_MILVUS_NAME && !isdigit((unsigned char)*name);
    for (size_t i = 0; i < length; i++)
        good = good && (isalnum((unsigned char)name[i]) || name[i] == '_');
    if (!good)
        return bad_address(text, "want a name of letters, digits and _ after the last slash, the prefix of the collections' names",
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

void mrq_milvus_reply_clear(mrq_milvus_reply *a)
{
    cJSON_Delete(a->document);
    *a = (mrq_milvus_reply){0};
}

static mrq_status no_access(const mrq_backend *backend, mrq_error *err)
{
    return mrq_fail(err, MRQ_UNAVAILABLE,
                    "%s refused the token: want user:password or a key in $MARQUEE_MILVUS_TOKEN, or in the "
                    "file that $MARQUEE_MILVUS_TOKEN_FILE names",
                    backend->server);
}

/* Parses a reply into its document and the data in it. */
static mrq_status read_reply(const mrq_backend *backend, const mrq_rest_reply *reply, mrq_milvus_reply *out, mrq_error *err)
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
        return mrq_fail(err, status == MRQ_FAILED ? status : MRQ_UNAVAILABLE, "%s: HTTP %ld without JSON: %.150s", backend->server,
                        reply->code, inner.msg);
    }
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(out->document, "code");
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(out->document, "message");
    const double value = cJSON_IsNumber(code) ? code->valuedouble : NAN;
    if (value == 1800)
        return no_access(backend, err);
    if (value != 0 && value != 200) {
        out->refused = cJSON_IsNumber(code);
        out->passing = value < 1100 && value != 100; /* starting, full or slow; not a refused parameter or a missing collection */
        return mrq_fail(err, MRQ_UNAVAILABLE, "%s: code %g: %.200s", backend->server, value,
                        cJSON_IsString(message) ? message->valuestring : "without a message");
    }
    out->data = cJSON_GetObjectItemCaseSensitive(out->document, "data");
    return MRQ_OK;
}

static mrq_status send(mrq_backend *backend, const char *path, const char *body, double seconds, mrq_milvus_reply *out,
                       mrq_error *err)
{
    __attribute__((cleanup(mrq_rest_reply_clear))) mrq_rest_reply reply = {0};
    out->passing = true;
    MRQ_TRY(mrq_rest_call(backend->rest, path, body, seconds, &reply, err));
    return read_reply(backend, &reply, out, err);
}

/* Finds out, once, which version of the interface the server has. */
static mrq_status probe(mrq_backend *backend, double seconds, mrq_milvus_reply *out, mrq_error *err)
{
    if (atomic_load(&backend->version))
        return MRQ_OK;
    __attribute__((cleanup(mrq_rest_reply_clear))) mrq_rest_reply reply = {0};
    out->passing = true;
    MRQ_TRY(mrq_rest_call(backend->rest, list.v2, "{}", seconds, &reply, err));
    if (reply.code != 404) {
        MRQ_MILVUS_REPLY names = {0};
        const mrq_status status = read_reply(backend, &reply, &names, err);
        out->passing = names.passing;
        MRQ_TRY(status);
    }
    atomic_store(&backend->version, reply.code == 404 ? 1 : 2);
    return MRQ_OK;
}

void mrq_milvus_begin(mrq_print *body, const char *collection)
{
    mrq_print_open(body, '{');
    mrq_print_key(body, "collectionName");
    mrq_print_text(body, collection);
}

mrq_status mrq_milvus_call(mrq_backend *backend, const mrq_milvus_operation *op, const char *collection, mrq_print *body,
                           double seconds, mrq_milvus_reply *out, mrq_error *err)
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

mrq_status mrq_milvus_call_plain(mrq_backend *backend, const mrq_milvus_operation *op, const char *collection, double seconds,
                                 mrq_milvus_reply *out, mrq_error *err)
{
    mrq_print body = {0};
    if (collection)
        mrq_milvus_begin(&body, collection);
    else
        mrq_print_open(&body, '{');
    return mrq_milvus_call(backend, op, collection, &body, seconds, out, err);
}

static void pause_for(double seconds)
{
    const struct timespec time = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    nanosleep(&time, NULL);
}

mrq_status mrq_milvus_insist(mrq_backend *backend,
                             mrq_status (*attempt)(mrq_backend *, const void *, mrq_milvus_reply *, mrq_error *),
                             const void *context, mrq_error *err)
{
    double pause = FIRST_PAUSE;
    mrq_error problem = {0};
    for (int i = 1;; i++) {
        MRQ_MILVUS_REPLY reply = {0};
        const mrq_status status = attempt(backend, context, &reply, &problem);
        if (status != MRQ_UNAVAILABLE || !reply.passing || i == ATTEMPTS)
            return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "%s", problem.msg);
        mrq_log(MRQ_LOG_WARN, "backend", "attempt=%d pause=%.1f problem=\"%s\"", i, pause, problem.msg);
        pause_for(pause);
        pause *= 2;
    }
}

mrq_status mrq_milvus_strange(const mrq_backend *backend, const char *what, mrq_error *err)
{
    return mrq_fail(err, MRQ_UNAVAILABLE, "%s: a reply without %s", backend->server, what);
}

mrq_status mrq_milvus_list_all(mrq_backend *backend, mrq_milvus_reply *out, mrq_error *err)
{
    MRQ_TRY(mrq_milvus_call_plain(backend, &list, NULL, MRQ_MILVUS_ASK_SECONDS, out, err));
    return cJSON_IsArray(out->data) ? MRQ_OK : mrq_milvus_strange(backend, "a list of collections", err);
}

static bool listed(const cJSON *names, const char *collection)
{
    const cJSON *name;
    cJSON_ArrayForEach(name, names) if (cJSON_IsString(name) && strcmp(name->valuestring, collection) == 0) return true;
    return false;
}

mrq_status mrq_milvus_exists(mrq_backend *backend, const char *collection, bool *out, mrq_milvus_reply *reply, mrq_error *err)
{
    MRQ_TRY(mrq_milvus_list_all(backend, reply, err));
    *out = listed(reply->data, collection);
    return MRQ_OK;
}

/* The value of `key` in v2's list [{"key":"dim","value":"32"}], as a number; NAN if it is missing. */
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

/* The dimensions of the field "vector" in a description; NAN if not described. */
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

mrq_status mrq_milvus_check_dimensions(mrq_backend *backend, const char *collection, uint32_t dim, mrq_milvus_reply *reply,
                                       mrq_error *err)
{
    MRQ_TRY(mrq_milvus_call_plain(backend, &mrq_milvus_describe, collection, MRQ_MILVUS_ASK_SECONDS, reply, err));
    const double have = dimensions(reply->data);
    return have == dim
               ? MRQ_OK
               : mrq_fail(err, MRQ_UNAVAILABLE,
                          "%s: collection %s has vectors of %g dimensions, want %u: it is not from this program; drop it, or use "
                          "another name in the address",
                          backend->server, collection, have, dim);
}

void mrq_milvus_add_whole(mrq_print *body, const char *key, int64_t value)
{
    mrq_print_key(body, key);
    mrq_print_whole(body, value);
}

void mrq_milvus_add_text(mrq_print *body, const char *key, const char *value)
{
    mrq_print_key(body, key);
    mrq_print_text(body, value);
}

uint32_t mrq_milvus_row(const cJSON *object, uint32_t rows)
{
    const cJSON *row = cJSON_GetObjectItemCaseSensitive(object, "row");
    const double value = cJSON_IsNumber(row) ? row->valuedouble : -1;
    return value >= 0 && value < rows && value == floor(value) ? (uint32_t)value : MRQ_NONE;
}
