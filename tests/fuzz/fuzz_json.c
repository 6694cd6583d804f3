/* JSON: what is taken is one object, and says the same when it is printed and read again. */
#include "base/json.h"
#include "fuzz/fuzz.h"

static char *print_again(const char *text, size_t size)
{
    mrq_error err = {0};
    cJSON *json = NULL;
    const mrq_status status = mrq_json_parse(text, size, "fuzz.json", &json, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE));
    if (status != MRQ_OK) {
        FUZZ_CHECK(!json);
        return NULL;
    }
    FUZZ_CHECK(cJSON_IsObject(json) && !json->next);
    char *printed = cJSON_PrintUnformatted(json);
    FUZZ_CHECK(printed);
    cJSON_Delete(json);
    return printed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *once = print_again((const char *)data, size);
    if (!once)
        return 0;
    char *twice = print_again(once, strlen(once));
    FUZZ_CHECK(twice && (strcmp(once, twice) == 0 || strstr(once, "e+308"))); /* of 15 digits: may be rounded up to infinity */
    free(once);
    free(twice);
    return 0;
}
