/* What a Redis server, or whoever answers at its address, says to the operation that the first byte chooses: an answer is one, of a
 * size within its limit, or the cache is down with a sentence; and what was found is no more than was asked for. */
#include "cache/cache.h"
#include "fuzz/fuzz.h"
#include "unit/scripted_redis.h"

enum { ASKED = 5 };

static void get(mrq_cache *cache, bool counted)
{
    const mrq_tally tally = {"set", "member"};
    void *value = NULL;
    size_t size = 0;
    const mrq_cache_state state = mrq_cache_get(cache, "key", counted ? &tally : NULL, &value, &size);
    FUZZ_CHECK((value != NULL) == (state == MRQ_CACHE_HIT) && size <= MRQ_CACHE_VALUE_MAX + 1024);
    for (size_t i = 0; i < size; i++)
        ((volatile char *)value)[i]; /* it is there */
    mrq_free(value);
}

static void top(mrq_cache *cache)
{
    mrq_dict *members = mrq_dict_new();
    FUZZ_CHECK(members);
    const mrq_cache_state state = mrq_cache_top(cache, "set", 0, ASKED, members);
    FUZZ_CHECK(state == MRQ_CACHE_DOWN || ((mrq_dict_strings(members).n > 0) == (state == MRQ_CACHE_HIT)));
    FUZZ_CHECK(mrq_dict_strings(members).n <= ASKED);
    mrq_dict_free(members);
}

static scripted_redis server;
static char folder[] = "/tmp/marquee-fuzz-XXXXXX";

static void clean_up(void)
{
    unlink(server.path);
    rmdir(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mrq_error err = {0};
    mrq_cache *cache = NULL;
    if (!server.listener) {
        FUZZ_CHECK(mkdtemp(folder) && atexit(clean_up) == 0);
        scripted_redis_start(&server, folder);
    }
    if (!size)
        return 0;
    server.reply = data + 1;
    server.size = size - 1;
    server.hangs_up = true;
    FUZZ_CHECK(mrq_cache_new(server.address, 60, &cache, &err) == MRQ_OK);
    const mrq_addend addends[] = {{"a", 1}, {"b", 2}};
    switch (data[0] % 6) {
    case 0:
        get(cache, false);
        break;
    case 1:
        get(cache, true);
        break;
    case 2:
        top(cache);
        break;
    case 3:
        mrq_cache_set(cache, "key", "value", 5);
        break;
    case 4:
        mrq_cache_add(cache, "set", addends, 2);
        break;
    default:
        mrq_cache_age(cache, "set");
    }
    const mrq_cache_counts counts = mrq_cache_counted(cache);
    FUZZ_CHECK(counts.errors <= 1 && counts.hits + counts.misses <= 1);
    FUZZ_CHECK(!counts.errors == !*mrq_cache_problem(cache));
    fuzz_check_text(mrq_cache_problem(cache));
    mrq_cache_free(cache);
    while (sem_wait(&server.done) != 0) /* until then it may read the input; libFuzzer's alarm interrupts */
        ;
    return 0;
}
