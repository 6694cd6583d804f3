/* Names and values are decoded in place, as decoding never makes a text longer. Rejected: libmicrohttpd's own reader of query
 * strings, which accepts broken percent-encoding, and does not answer when there are more parameters than it has memory for. */
#include "http/params.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes percent-encoding in place; `plus` is what a '+' stands for, `name` is for messages. */
static mrq_status decode(const char *name, char *text, char plus, mrq_error *err)
{
    size_t size = 0;
    for (const char *p = text; *p; p++) {
        if (*p != '%') {
            text[size++] = (char)(*p == '+' ? plus : *p);
            continue;
        }
        const int high = hex(p[1]), low = high < 0 ? -1 : hex(p[2]);
        if (low < 0)
            return mrq_fail(err, MRQ_USAGE, "%.40s: broken percent-encoding \"%.3s\", want %% and two hexadecimal digits", name, p);
        if (high + low == 0)
            return mrq_fail(err, MRQ_USAGE, "%.40s: \"%%00\" is not allowed in a text", name);
        text[size++] = (char)(high << 4 | low);
        p += 2;
    }
    text[size] = '\0';
    const size_t bad = mrq_utf8_bad(text, size);
    return bad ? mrq_fail(err, MRQ_USAGE, "%.40s: byte %zu is not UTF-8", name, bad) : MRQ_OK;
}

mrq_status mrq_params_read_id(const char *text, size_t size, char out[MRQ_ID_BYTES + 1], mrq_error *err)
{
    char id[3 * MRQ_ID_BYTES + 1]; /* an encoded byte takes three */
    if (size < sizeof id) {
        *(char *)mempcpy(id, text, size) = '\0';
        MRQ_TRY(decode("id", id, '+', err));
    }
    if (size >= sizeof id || strlen(id) > MRQ_ID_BYTES)
        return mrq_fail(err, MRQ_USAGE, "id: more than %d bytes", MRQ_ID_BYTES);
    if (!mrq_utf8_is_plain(id))
        return mrq_fail(err, MRQ_USAGE, "id \"%.40s\": contains a control character", id);
    strcpy(out, id);
    return MRQ_OK;
}

/* Whether a field may be a parameter. One that the path has already set may not. */
static bool is_parameter(const mrq_query *query, uint32_t asks, uint64_t given, size_t i)
{
    return mrq_query_fields[i].asks & asks && (mrq_query_fields[i].most > 1 || !query->n[i] || given >> i & 1);
}

static mrq_status fail_unknown(const mrq_query *query, uint32_t asks, uint64_t given, const char *name, mrq_error *err)
{
    char known[300] = "no";
    size_t size = 0;
    for (size_t i = 0; i < MRQ_Q_FIELDS; i++)
        if (is_parameter(query, asks, given, i))
            size += (size_t)snprintf(known + size, sizeof known - size, "%s%s", size ? ", " : "", mrq_query_fields[i].name);
    return mrq_fail(err, MRQ_USAGE, "unknown parameter \"%.40s\": want %s%s", name, known, size ? "" : " parameters");
}

static mrq_status add(mrq_query *query, uint32_t asks, char *name, char *value, uint64_t *given, mrq_error *err)
{
    MRQ_TRY(decode("query string", name, ' ', err));
    const mrq_field_index i = mrq_query_field_find(name);
    const bool feature = i == MRQ_Q_FIELDS && mrq_query_fields[MRQ_Q_WITH].asks & asks;
    if (!feature && (i == MRQ_Q_FIELDS || !is_parameter(query, asks, *given, i)))
        return fail_unknown(query, asks, *given, name, err);
    if (!value)
        return mrq_fail(err, MRQ_USAGE, "%.40s: without a value, want %.40s=...", name, name);
    MRQ_TRY(decode(name, value, ' ', err));
    if (feature)
        return mrq_query_put_feature(query, name, value, err);
    if (mrq_query_fields[i].most == 1 && *given >> i & 1)
        return mrq_fail(err, MRQ_USAGE, "%s: given twice", name);
    *given |= (uint64_t)1 << i;
    return mrq_query_put_list(query, i, value, err);
}

mrq_status mrq_params_read(mrq_query *query, uint32_t asks, char *text, mrq_error *err)
{
    uint64_t given = 0;
    while (*text) {
        char *end = strchrnul(text, '&'), *next = end + (*end != '\0');
        *end = '\0';
        char *equals = strchr(text, '=');
        if (equals)
            *equals = '\0';
        MRQ_TRY(add(query, asks, text, equals ? equals + 1 : NULL, &given, err));
        text = next;
    }
    return MRQ_OK;
}
