/* Users in two files: the second tells of sets, a row for each member or several in one. */
#include "fuzz/dataset.h"

static const char text[] =
    "{\"name\":\"joined\",\"users\":{\"file\":\"200\",\"delimiter\":\",\",\"fields\":[{\"name\":\"id\",\"kind\":\"id\"},"
    "{\"name\":\"age\",\"kind\":\"number\"}],\"join\":[{\"file\":\"201\",\"delimiter\":\",\",\"quoted\":true,\"fields\":"
    "[{\"name\":\"id\",\"kind\":\"id\"},{\"name\":\"tags\",\"kind\":\"set\"},"
    "{\"name\":\"pets\",\"kind\":\"set\",\"delimiter\":\"|\"}]}]},"
    "\"events\":{\"file\":\"202\",\"delimiter\":\",\",\"fields\":[{\"name\":\"user\",\"kind\":\"id\"},"
    "{\"name\":\"item\",\"kind\":\"id\"},{\"name\":\"rating\",\"kind\":\"rating\",\"min\":1,\"max\":5}]}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_through(text, data, size);
    return 0;
}
