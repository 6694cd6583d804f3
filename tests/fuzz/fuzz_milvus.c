/* What Milvus says, and its address: whatever comes, the rows that are taken are of the catalogue and none twice, a refusal says
 * why, and an address that is taken says the same when it is read again and never quotes a password. */
/* how replies are read is static */
#include "index/milvus.c"
#include "index/milvus_search.c"
#include "index/milvus_upload.c"

#include "fuzz/fuzz.h"

#define ROWS 100
#define ASK  40

static void check_rows(const cJSON *data)
{
    uint32_t row[ASK], found = 0;
    bool seen[ROWS] = {false};
    mrq_error err = {0};
    FUZZ_CHECK(take_rows(data, ROWS, ASK, row, &found, &err) == MRQ_OK && found <= ASK);
    for (uint32_t i = 0; i < found; i++) {
        FUZZ_CHECK(row[i] < ROWS && !seen[row[i]]);
        seen[row[i]] = true;
    }
}

/* The first byte is the last digit of HTTP's code: 200 to 209, 401, 404, 429, 500. */
static void check_reply(const uint8_t *data, size_t size)
{
    static const long codes[] = {200, 401, 404, 429, 500, 204};
    const mrq_backend backend = {.server = "Milvus at here"};
    char *body = fuzz_text(data + 1, size - 1);
    const mrq_rest_reply reply = {.code = codes[data[0] % 6], .body = body, .size = size - 1};
    mrq_error err = {0};
    MRQ_MILVUS_REPLY out = {0};
    const mrq_status status = read_reply(&backend, &reply, &out, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_UNAVAILABLE));
    FUZZ_CHECK(status != MRQ_OK || (reply.code != 401 && reply.code < 429));
    if (status == MRQ_OK) {
        check_rows(out.data);
        (void)dimensions(out.data);
        (void)listed(out.data, "items_0123456789abcdef");
        const cJSON *name;
        cJSON_ArrayForEach(name, out.data)
        {
            const char *content;
            const mrq_backend ours = {.name = "items"};
            if (cJSON_IsString(name) && is_ours(&ours, name->valuestring, &content))
                FUZZ_CHECK(strlen(content) == MRQ_CONTENT_SIZE - 1);
        }
    }
    free(body);
}

static void check_address(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), base[300];
    mrq_backend backend = {.label = ""}, again = {.label = ""};
    mrq_error err = {0};
    const mrq_status status = parse_address(text, &backend, base, sizeof base, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_USAGE));
    FUZZ_CHECK(status == MRQ_OK || !strchr(text, '@') || strstr(err.msg, "want the login in $MARQUEE_MILVUS_TOKEN"));
    if (status == MRQ_OK) {
        FUZZ_CHECK(!strchr(backend.label, '@') && *backend.name && strncmp(base, "http", 4) == 0);
        FUZZ_CHECK(parse_address(backend.label, &again, base, sizeof base, &err) == MRQ_OK);
        FUZZ_CHECK(strcmp(again.label, backend.label) == 0 && strcmp(again.name, backend.name) == 0);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_address(data, size);
    if (size)
        check_reply(data, size);
    return 0;
}
