/* Collections on Milvus: created, filled, aliased and dropped.
 *
 * A collection has one row per item: `row`, its number in the catalogue, used for searching and counting; the vector; the id; and,
 * for filters and other programs, the catalogue's columns under their names. A category or text always is a text, "" where it is
 * unknown, a set always a list; a number that is unknown is left out. With v1 the server makes the keys and `id` is an ordinary
 * field, so a batch that is sent again because its reply was lost is stored twice; counts and candidates use each row once. With v2
 * the id is the key, a text, and sending a row again changes nothing. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "index/milvus.h"

#define TEXT_(x)   #x
#define TEXT_OF(x) TEXT_(x)
#define BATCH      100  /* rows per request; the maximum of v1 */
#define WINDOW     8192 /* rows that are read back at once */

/* The state of an upload. */
typedef struct upload {
    const mrq_contents *contents;
    mrq_milvus_name collection;
    const char *owner;
    uint64_t *there;      /* one bit per row that the server has */
    uint32_t first, rows; /* the current window or batch */
    uint32_t row[BATCH];  /* (rows) of the batch */
} upload;

/* Creates the collection if it does not exist. */
static mrq_status make_attempt(mrq_backend *backend, const void *context, mrq_milvus_reply *out, mrq_error *err)
{
    const upload *u = context;
    bool there = false;
    {
        MRQ_MILVUS_REPLY names = {0};
        const mrq_status status = mrq_milvus_exists(backend, u->collection.text, &there, &names, err);
        out->passing = names.passing;
        MRQ_TRY(status);
    }
    if (there)
        return mrq_milvus_check_dimensions(backend, u->collection.text, u->contents->dim, out, err);
    mrq_print body = {0};
    mrq_milvus_begin(&body, u->collection.text);
    mrq_milvus_add_whole(&body, "dimension", u->contents->dim);
    mrq_milvus_add_text(&body, "metricType", "IP");
    mrq_milvus_add_text(&body, "description", u->owner);
    if (atomic_load(&backend->version) == 1) {
        mrq_milvus_add_text(&body, "primaryField", "key");
        mrq_milvus_add_text(&body, "vectorField", "vector");
    } else {
        mrq_milvus_add_text(&body, "primaryFieldName", "id");
        mrq_milvus_add_text(&body, "idType", "VarChar");
        mrq_milvus_add_text(&body, "vectorFieldName", "vector");
        mrq_print_key(&body, "params");
        mrq_print_raw(&body, "{\"max_length\":\"" TEXT_OF(MRQ_ID_BYTES) "\"}");
    }
    return mrq_milvus_call(backend, &mrq_milvus_create, u->collection.text, &body, MRQ_MILVUS_WRITE_SECONDS, out, err);
}

/* Sets the bits of the rows in a window that the server has. */
static mrq_status window_attempt(mrq_backend *backend, const void *context, mrq_milvus_reply *out, mrq_error *err)
{
    const upload *u = context;
    char filter[80];
    mrq_print body = {0};
    snprintf(filter, sizeof filter, "row >= %u and row < %u", u->first, u->first + u->rows);
    mrq_milvus_begin(&body, u->collection.text);
    mrq_milvus_add_text(&body, "filter", filter);
    mrq_print_key(&body, "outputFields");
    mrq_print_raw(&body, "[\"row\"]");
    mrq_milvus_add_whole(&body, "limit", MRQ_MILVUS_HITS);
    MRQ_TRY(mrq_milvus_call(backend, &mrq_milvus_query, u->collection.text, &body, MRQ_MILVUS_WRITE_SECONDS, out, err));
    const cJSON *item;
    cJSON_ArrayForEach(item, out->data)
    {
        const uint32_t row = mrq_milvus_row(item, u->contents->items->rows);
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
        MRQ_TRY(mrq_milvus_insist(backend, window_attempt, u, err));
    }
    for (uint32_t i = 0; i < (rows + 63) / 64; i++)
        *n += (uint32_t)__builtin_popcountll(u->there[i]);
    return MRQ_OK;
}

/* Prints at most MRQ_MILVUS_TEXT bytes of a text, whole characters. */
static void print_text(mrq_print *body, const char *name, const char *text)
{
    char start[MRQ_MILVUS_TEXT + 1];
    size_t size = strnlen(text, MRQ_MILVUS_TEXT);
    while (text[size] && size && ((unsigned char)text[size] & 0xc0) == 0x80)
        size--;
    *(char *)mempcpy(start, text, size) = '\0';
    mrq_milvus_add_text(body, name, start);
}

static void print_field(mrq_print *body, const mrq_column *column, uint32_t row)
{
    switch (column->kind) {
    case MRQ_CATEGORY:
        print_text(body, column->name, column->code[row] == MRQ_NONE ? "" : mrq_strings_at(&column->dict, column->code[row]));
        break;
    case MRQ_TEXT:
        print_text(body, column->name, mrq_strings_at(&column->text, row));
        break;
    case MRQ_SET:
        mrq_print_key(body, column->name);
        mrq_print_open(body, '[');
        for (uint64_t i = column->list.offset[row]; i < column->list.offset[row + 1]; i++)
            mrq_print_text(body, mrq_strings_at(&column->dict, column->list.item[i]));
        mrq_print_close(body, ']');
        break;
    case MRQ_NUMBER:
        if (!isfinite(column->number[row]))
            break;
        mrq_print_key(body, column->name);
        mrq_print_exact(body, column->number[row]);
        break;
    }
}

static void print_row(mrq_print *body, const upload *u, uint32_t row)
{
    const float *vector = u->contents->vectors + (size_t)row * u->contents->dim;
    mrq_print_open(body, '{');
    mrq_milvus_add_text(body, "id", mrq_table_id(u->contents->items, row));
    mrq_milvus_add_whole(body, "row", row);
    mrq_print_key(body, "vector");
    mrq_print_open(body, '[');
    for (uint32_t d = 0; d < u->contents->dim; d++)
        mrq_print_real(body, (double)vector[d], 9);
    mrq_print_close(body, ']');
    for (uint32_t c = 0; c < u->contents->items->n_columns; c++)
        if (mrq_milvus_has_field(&u->contents->items->column[c]))
            print_field(body, &u->contents->items->column[c], row);
    mrq_print_close(body, '}');
}

static mrq_status batch_attempt(mrq_backend *backend, const void *context, mrq_milvus_reply *out, mrq_error *err)
{
    const upload *u = context;
    mrq_print body = {0};
    mrq_milvus_begin(&body, u->collection.text);
    mrq_print_key(&body, "data");
    mrq_print_open(&body, '[');
    for (uint32_t i = 0; i < u->rows; i++)
        print_row(&body, u, u->row[i]);
    mrq_print_close(&body, ']');
    return mrq_milvus_call(backend, &mrq_milvus_insert, u->collection.text, &body, MRQ_MILVUS_WRITE_SECONDS, out, err);
}

/* Sends the rows whose bits are not set. */
static mrq_status fill(mrq_backend *backend, upload *u, uint32_t there, void (*report)(void *, uint32_t, uint32_t), void *context,
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
        MRQ_TRY(mrq_milvus_insist(backend, batch_attempt, u, err));
        there += n;
        n = 0;
        if (report)
            report(context, there, rows);
    }
    return MRQ_OK;
}

static mrq_status upload_init(upload *u, const mrq_backend *backend, const mrq_contents *contents, mrq_error *err)
{
    *u = (upload){.contents = contents, .collection = mrq_milvus_collection(backend, contents->name)};
    u->there = mrq_array(contents->items->rows / 64 + 1, sizeof *u->there);
    return u->there ? MRQ_OK : mrq_fail_memory(err, "uploading");
}

static void upload_clear(upload *u)
{
    mrq_free(u->there);
}

mrq_status mrq_milvus_count(mrq_backend *backend, const mrq_contents *contents, uint32_t *n, mrq_error *err)
{
    __attribute__((cleanup(upload_clear))) upload u;
    MRQ_TRY(upload_init(&u, backend, contents, err));
    return look(backend, &u, n, err);
}

mrq_status mrq_backend_upload(mrq_backend *backend, const mrq_contents *contents, const char *owner,
                              void (*report)(void *context, uint32_t done, uint32_t of), void *context, uint32_t *sent,
                              mrq_error *err)
{
    const uint32_t rows = contents->items->rows;
    uint32_t there;
    __attribute__((cleanup(upload_clear))) upload u;
    MRQ_TRY(upload_init(&u, backend, contents, err));
    u.owner = owner;
    MRQ_TRY(mrq_milvus_insist(backend, make_attempt, &u, err));
    MRQ_TRY(look(backend, &u, &there, err));
    const uint32_t missing = rows - there;
    if (report)
        report(context, there, rows);
    MRQ_TRY(fill(backend, &u, there, report, context, err));
    *sent = missing;
    return MRQ_OK;
}

mrq_status mrq_backend_point(mrq_backend *backend, const char name[MRQ_CONTENT_SIZE], bool *aliased, mrq_error *err)
{
    const mrq_milvus_name collection = mrq_milvus_collection(backend, name);
    *aliased = atomic_load(&backend->version) == 2;
    if (!*aliased)
        return MRQ_OK;
    const mrq_milvus_operation *const ways[] = {&mrq_milvus_alias_alter, &mrq_milvus_alias_new};
    mrq_status status = MRQ_OK;
    for (int i = 0; i < 2; i++) {
        MRQ_MILVUS_REPLY reply = {0};
        mrq_print body = {0};
        mrq_milvus_begin(&body, collection.text);
        mrq_milvus_add_text(&body, "aliasName", backend->name);
        status = mrq_milvus_call(backend, ways[i], collection.text, &body, MRQ_MILVUS_WRITE_SECONDS, &reply, err);
        if (status == MRQ_OK || !reply.refused)
            break;
    }
    return status;
}

/* Whether a collection's name has the form of mrq_milvus_collection(); `content` points to the contents' name. */
static bool is_ours(const mrq_backend *backend, const char *collection, const char **content)
{
    const size_t size = strlen(backend->name);
    *content = collection + size + 1;
    return strncmp(collection, backend->name, size) == 0 && collection[size] == '_' && strlen(*content) == MRQ_CONTENT_SIZE - 1 &&
           strspn(*content, "0123456789abcdef") == MRQ_CONTENT_SIZE - 1;
}

/* Drops a collection if it belongs to this owner. */
static mrq_status drop_own(mrq_backend *backend, const char *collection, const char *owner, bool *dropped, mrq_error *err)
{
    MRQ_MILVUS_REPLY about = {0}, gone = {0};
    MRQ_TRY(mrq_milvus_call_plain(backend, &mrq_milvus_describe, collection, MRQ_MILVUS_ASK_SECONDS, &about, err));
    const cJSON *description = cJSON_GetObjectItemCaseSensitive(about.data, "description");
    *dropped = cJSON_IsString(description) && strcmp(description->valuestring, owner) == 0;
    return *dropped ? mrq_milvus_call_plain(backend, &mrq_milvus_drop, collection, MRQ_MILVUS_WRITE_SECONDS, &gone, err) : MRQ_OK;
}

mrq_status mrq_backend_prune(mrq_backend *backend, const char *owner, const mrq_content_name *keep, uint32_t n, uint32_t *removed,
                             mrq_error *err)
{
    uint32_t count = 0;
    MRQ_MILVUS_REPLY names = {0};
    MRQ_TRY(mrq_milvus_list_all(backend, &names, err));
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
