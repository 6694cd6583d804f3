/* A file read in blocks of any size gives the records, and the error, that it gives as a whole. The first byte says how large the
 * blocks are, the second one what the file is. */
#include "dataset/reader.h"
#include "fuzz/fuzz.h"

static mrq_schema *schema_of(const char *format)
{
    char text[400];
    mrq_schema *schema = NULL;
    snprintf(text, sizeof text, "{\"name\":\"s\",\"events\":{\"file\":\"200\",%s}}", format);
    FUZZ_CHECK(mrq_schema_parse(text, strlen(text), "fuzz.json", &schema, NULL) == MRQ_OK);
    return schema;
}

#define FIELDS "\"fields\":[{\"name\":\"user\",\"kind\":\"id\"},{\"name\":\"item\",\"kind\":\"id\"}]"
#define NAMED                                                                                                                      \
    "\"fields\":[{\"name\":\"user\",\"kind\":\"id\",\"column\":\"u\"},{\"name\":\"item\",\"kind\":\"id\",\"column\":\"i\"}]"

static const char *const formats[] = {
    "\"delimiter\":\",\"," FIELDS,
    "\"delimiter\":\"::\",\"quoted\":true," FIELDS,
    "\"delimiter\":\",\",\"quoted\":true,\"header\":true," NAMED,
    "\"format\":\"lists\",\"delimiter\":\" \"",
    "\"format\":\"json-lines\"," NAMED,
};
enum { FORMATS = sizeof formats / sizeof *formats };

/* Reads a record of both; whether there was one. */
static bool compare(mrq_reader *whole, mrq_reader *blocks)
{
    mrq_error a = {0}, b = {0};
    bool more = false, same = false;
    const mrq_status status = mrq_reader_next(whole, &more, &a);
    FUZZ_CHECK(mrq_reader_next(blocks, &same, &b) == status);
    FUZZ_CHECK(strcmp(a.msg, b.msg) == 0 && (status != MRQ_OK || more == same));
    if (status != MRQ_OK || !more)
        return false;
    FUZZ_CHECK(whole->line == blocks->line);
    for (int i = 0; i < 2; i++) {
        FUZZ_CHECK(whole->field[i].size == blocks->field[i].size);
        FUZZ_CHECK(!whole->field[i].size || memcmp(whole->field[i].text, blocks->field[i].text, whole->field[i].size) == 0);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static mrq_schema *schema[FORMATS];
    if (size < 2 || size > 4096)
        return 0;
    const int format = data[1] % FORMATS;
    if (!schema[format])
        schema[format] = schema_of(formats[format]);
    fuzz_file(0, data + 2, size - 2);
    const mrq_origin from = {.folder = "/proc/self/fd"};
    mrq_reader whole = {0}, blocks = {.block = 1 + data[0]};
    mrq_error a = {0}, b = {0};
    const mrq_status status = mrq_reader_open(&whole, &from, &schema[format]->events, false, &a);
    FUZZ_CHECK(mrq_reader_open(&blocks, &from, &schema[format]->events, false, &b) == status && strcmp(a.msg, b.msg) == 0);
    while (status == MRQ_OK && compare(&whole, &blocks)) {
    }
    mrq_reader_close(&whole);
    mrq_reader_close(&blocks);
    return 0;
}
