/* Query strings: what is taken is within the limits and stands in order, and says the same when every byte of its values is
 * percent-encoded; paths and methods lead to one route or to none. */
#include "base/parse.h"
#include "base/utf8.h"
#include "fuzz/fuzz.h"
#include "http/route.h"

#define ALL UINT32_MAX

static void check_values(const mrq_query *query)
{
    size_t at = 0;
    for (unsigned i = 0; i < MRQ_Q_FIELDS; i++) {
        const mrq_query_field *f = &mrq_query_fields[i];
        mrq_query_value value;
        uint32_t n = 0;
        int64_t number;
        int from, to;
        FUZZ_CHECK(at == mrq_query_begin(query, (mrq_field_index)i));
        for (; mrq_query_next(query, (mrq_field_index)i, &at, &value); n++) {
            FUZZ_CHECK(value.text + value.size < query->bytes + query->size && strlen(value.text) == value.size);
            fuzz_check_text(value.text);
            if (f->type == MRQ_QT_ITEM || f->type == MRQ_QT_USER)
                FUZZ_CHECK(value.size > 0 && value.size <= MRQ_ID_BYTES && mrq_utf8_is_plain(value.text));
            if (f->type == MRQ_QT_WHOLE)
                FUZZ_CHECK(mrq_parse_int(value.text, value.size, f->min, f->max, &number));
            if (f->type == MRQ_QT_YEARS)
                FUZZ_CHECK(mrq_years_read(value.text, &from, &to) && (!to || from <= to));
        }
        FUZZ_CHECK(n == query->n[i] && n <= f->most);
    }
    FUZZ_CHECK(at == query->size);
}

/* Every byte of a value that is not an escape becomes one. */
static void encode(const char *text, char *out)
{
    bool value = false;
    for (const char *p = text; *p; p++) {
        if (value && *p == '%') {
            out = mempcpy(out, p, 3);
            p += 2;
        } else if (value && *p != '&') {
            out += sprintf(out, "%%%02x", *p == '+' ? ' ' : (unsigned char)*p);
        } else {
            value = *p == '=' && !value;
            *out++ = *p;
        }
    }
    *out = '\0';
}

static void check_query(const char *text)
{
    static char copy[4 * MRQ_URL_MAX];
    mrq_query query = {0}, again = {0};
    mrq_error err = {0};
    if (strlen(text) >= MRQ_URL_MAX)
        return;
    strcpy(copy, text);
    const mrq_status status = mrq_params_read(&query, ALL, copy, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_USAGE));
    check_values(&query);
    if (status == MRQ_OK) {
        encode(text, copy);
        FUZZ_CHECK(mrq_params_read(&again, ALL, copy, &err) == MRQ_OK);
        FUZZ_CHECK(query.size == again.size && (!query.size || memcmp(query.bytes, again.bytes, query.size) == 0));
    }
    mrq_query_clear(&query);
    mrq_query_clear(&again);
}

static void check_route(const char *path)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", ""};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const mrq_match match = mrq_route_find(methods[i], path);
        FUZZ_CHECK((match.status == 200) == (match.route < MRQ_ROUTES));
        FUZZ_CHECK((match.status == 405) == (*match.allow != 0));
        FUZZ_CHECK(match.status == 200 || match.status == 404 || match.status == 405);
        for (unsigned n = 0; match.status == 200 && n < match.n_ids; n++)
            FUZZ_CHECK(match.id[n].text > path && match.id[n].size > 0 &&
                       match.id[n].text + match.id[n].size <= path + strlen(path) &&
                       !memchr(match.id[n].text, '/', match.id[n].size));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), *mark = strchr(text, '?');
    if (mark)
        *mark = '\0';
    check_route(text);
    if (mark)
        check_query(mark + 1);
    free(text);
    return 0;
}
