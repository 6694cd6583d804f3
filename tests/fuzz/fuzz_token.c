/* A token file and, behind a mark, the header of a client: what is taken may stand in a header, and it alone opens. */
#include <sys/stat.h>

#include "fuzz/fuzz.h"
#include "http/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = 0, part_size, header_size;
    const char *part = fuzz_part(data, size, &at, &part_size), *header = fuzz_part(data, size, &at, &header_size);
    const char *path = fuzz_file(0, part, part_size);
    mrq_error err = {0};
    mrq_secret token;
    fuzz_mark(&token, sizeof token);
    FUZZ_CHECK(fchmod(FUZZ_FILE_BASE, 0600) == 0);
    const mrq_status status = mrq_secret_read(path, MRQ_TOKEN_MIN, &token, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_USAGE));
    if (status != MRQ_OK) {
        fuzz_check_untouched(&token, sizeof token);
        return 0;
    }
    FUZZ_CHECK(token.size >= MRQ_TOKEN_MIN && token.size <= MRQ_SECRET_MAX && memcmp(token.text, part, token.size) == 0);
    char right[MRQ_SECRET_MAX + 16], *told = fuzz_text(header ? header : "", header_size);
    snprintf(right, sizeof right, "Bearer %.*s", (int)token.size, token.text);
    FUZZ_CHECK(mrq_token_matches(&token, right) && !mrq_token_matches(&token, NULL));
    const bool same = strncasecmp(told, "Bearer ", 7) == 0 && strcmp(told + 7, right + 7) == 0;
    FUZZ_CHECK(mrq_token_matches(&token, told) == same);
    free(told);
    return 0;
}
