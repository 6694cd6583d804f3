/* A matrix of users and items, with names in quotes. */
#include "fuzz/dataset.h"

static const char text[] = "{\"name\": \"matrix\", \"items\": {\"file\": \"201\", \"delimiter\": \",\", \"fields\": ["
                           "{\"name\": \"id\", \"kind\": \"id\"}]}, \"events\": {\"file\": \"202\", \"format\": \"matrix\", "
                           "\"delimiter\": \",\", \"header\": true, \"quoted\": true, \"escape\": \"\\\\\", \"none\": \"9\", "
                           "\"fields\": [{\"kind\": \"ignore\"}, {\"name\": \"user\", \"kind\": \"id\"}, "
                           "{\"name\": \"stars\", \"kind\": \"rating\", \"min\": -5, \"max\": 5}]}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_through(text, data, size);
    return 0;
}
