/* Lines of JSON: paths, lists, texts with escapes, numbers. */
#include "fuzz/dataset.h"

static const char text[] =
    "{\"name\": \"lines\", \"items\": {\"file\": \"201\", \"format\": \"json-lines\", \"null\": [\"-\"], \"fields\": ["
    "{\"name\": \"id\", \"kind\": \"id\", \"column\": \"id\"}, {\"name\": \"title\", \"kind\": \"text\", \"column\": \"a.title\"},"
    "{\"name\": \"brand\", \"kind\": \"category\", \"column\": \"a.brand\"}, {\"name\": \"price\", \"kind\": \"number\", "
    "\"column\": \"price\"}, {\"name\": \"tags\", \"kind\": \"set\", \"column\": \"tags\", \"delimiter\": \",\"}]},"
    "\"events\": {\"file\": \"202\", \"format\": \"json-lines\", \"fields\": ["
    "{\"name\": \"user\", \"kind\": \"id\", \"column\": \"user.id\"}, {\"name\": \"item\", \"kind\": \"id\", \"column\": \"item\"},"
    "{\"name\": \"stars\", \"kind\": \"rating\", \"column\": \"stars\", \"min\": 1, \"max\": 5}]}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_through(text, data, size);
    return 0;
}
