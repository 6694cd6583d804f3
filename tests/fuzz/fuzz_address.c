/* Addresses of Redis and of the service: what is taken fits, and says the same when it is written down and read again; a refusal
 * never quotes what may hold a password. */
#include "base/parse.h"
#include "cache/address.h"
#include "fuzz/fuzz.h"
#include "http/listen.h"

static void check_port(const char *port, int64_t min)
{
    int64_t number;
    FUZZ_CHECK(mrq_parse_int(port, strlen(port), min, 65535, &number));
}

static void check_redis(const char *text)
{
    mrq_error err = {0};
    mrq_address address, again;
    fuzz_mark(&address, sizeof address);
    const mrq_status status = mrq_address_parse(text, &address, &err);
    const bool local = strncmp(text, "unix:", 5) == 0;
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_USAGE));
    if (status != MRQ_OK) {
        fuzz_check_untouched(&address, sizeof address);
        FUZZ_CHECK(local || (!strchr(text, '@') && !strstr(text, "://")) || !strncmp(err.msg, "Redis address: ", 15));
        return;
    }
    FUZZ_CHECK(address.local == local && *address.place);
    if (!local)
        check_port(address.port, 1);
    FUZZ_CHECK(!*address.user || *address.password || strstr(text, ":@"));
    if (strcmp(address.place, "unix") == 0 && !local) /* as a host it is called what sockets begin with */
        return;
    FUZZ_CHECK(mrq_address_parse(address.label, &again, &err) == MRQ_OK);
    FUZZ_CHECK(strcmp(again.place, address.place) == 0 && strcmp(again.port, address.port) == 0 && again.local == local &&
               strcmp(again.label, address.label) == 0 && !*again.user && !*again.password && !again.database);
}

static void check_place(const char *text)
{
    mrq_error err = {0};
    mrq_place place, again;
    char written[512];
    fuzz_mark(&place, sizeof place);
    const mrq_status status = mrq_place_parse(text, &place, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_USAGE));
    if (status != MRQ_OK) {
        fuzz_check_untouched(&place, sizeof place);
        return;
    }
    if (place.local) {
        FUZZ_CHECK(*place.path == '/' && strlen(place.path) < sizeof place.path);
        snprintf(written, sizeof written, "unix:%s", place.path);
    } else {
        FUZZ_CHECK(*place.host);
        check_port(place.port, 0);
        snprintf(written, sizeof written, strchr(place.host, ':') ? "[%s]:%s" : "%s:%s", place.host, place.port);
    }
    FUZZ_CHECK(mrq_place_parse(written, &again, &err) == MRQ_OK);
    FUZZ_CHECK(again.local == place.local && strcmp(again.host, place.host) == 0 && strcmp(again.port, place.port) == 0 &&
               strcmp(again.path, place.path) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    check_redis(text);
    check_place(text);
    free(text);
    return 0;
}
