/* The cache key is `marquee:2:GENERATION:DIGEST`. The digest is half the SHA-256 of the resolved query's text and of what is newly
 * known. A generation never changes, so neither do its answers, and a new generation needs no flush.
 *
 * The value is a line with two checksums, of the key and of the rest, then {"results":[[row,inner product],...]}. The checksums
 * detect a damaged or cut value, one of another program, or one copied from another key: it is a miss and will be overwritten. The
 * value has rows and inner products instead of ids and scores, because these are exact as JSON numbers (a float needs 9 digits,
 * cJSON prints 15) and the titles are in the catalogue. The content is also validated, because an attacker can compute the
 * checksums. */
#include "engine/redis_answers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/json.h"

#define HEAD 34 /* two checksums in hexadecimal, a blank, a newline */

void mrq_redis_answers_key(const mrq_generation *generation, const mrq_resolved *resolved, char key[MRQ_REDIS_KEY])
{
    char digest[MRQ_SHA256_HEX];
    mrq_sha256 sha;
    mrq_sha256_init(&sha);
    mrq_sha256_update(&sha, resolved->text, strlen(resolved->text) + (resolved->live != 0)); /* the NUL ends the text */
    if (resolved->live)
        mrq_sha256_update(&sha, &resolved->live, sizeof resolved->live);
    mrq_sha256_hex(&sha, digest);
    snprintf(key, MRQ_REDIS_KEY, "marquee:2:%s:%.32s", generation->name, digest);
}

static void head(const char *key, const char *body, size_t size, char out[HEAD + 1])
{
    snprintf(out, HEAD + 1, "%016" PRIx64 " %016" PRIx64 "\n", mrq_checksum(key, strlen(key)), mrq_checksum(body, size));
}

/* One [row, inner product]. */
static bool decode_hit(const cJSON *pair, uint32_t rows, mrq_hit *out)
{
    const cJSON *row = cJSON_GetArrayItem(pair, 0), *score = cJSON_GetArrayItem(pair, 1);
    if (!cJSON_IsArray(pair) || cJSON_GetArraySize(pair) != 2 || !cJSON_IsNumber(row) || !cJSON_IsNumber(score))
        return false;
    if (!(row->valuedouble >= 0 && row->valuedouble < rows) || row->valuedouble != floor(row->valuedouble))
        return false;
    *out = (mrq_hit){(uint32_t)row->valuedouble, (float)score->valuedouble};
    return isfinite(out->score);
}

static bool in_order(const mrq_hit *a, const mrq_hit *b)
{
    return a->score > b->score || (a->score == b->score && a->row < b->row);
}

/* NULL unless the text is an answer of up to `k` hits in order, each row once. */
static mrq_hit *decode(const char *text, size_t size, uint32_t rows, uint32_t k, uint32_t *n)
{
    static const char *const keys[] = {"results", NULL};
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = NULL;
    const cJSON *results = NULL;
    if (mrq_json_parse(text, size, "", &json, NULL) != MRQ_OK || mrq_json_keys(json, "", keys, NULL) != MRQ_OK ||
        mrq_json_array(json, "", "results", true, &results, NULL) != MRQ_OK)
        return NULL;
    MRQ_AUTOFREE mrq_hit *hits = mrq_array(k, sizeof *hits);
    MRQ_AUTOFREE bool *used = mrq_array(rows, sizeof *used);
    uint32_t count = 0;
    const cJSON *pair;
    cJSON_ArrayForEach(pair, results)
    {
        if (!hits || !used || count == k || !decode_hit(pair, rows, &hits[count]) || used[hits[count].row])
            return NULL;
        if (count && !in_order(&hits[count - 1], &hits[count]))
            return NULL;
        used[hits[count++].row] = true;
    }
    mrq_hit *result = hits;
    hits = NULL;
    *n = count;
    return result;
}

mrq_cache_state mrq_redis_answers_get(mrq_cache *cache, const char *key, const char *text, uint32_t rows, uint32_t k,
                                      mrq_hit **hits, uint32_t *n)
{
    void *value = NULL;
    size_t size = 0;
    const mrq_tally asked = {MRQ_HOT_KEY, text};
    const mrq_cache_state state = mrq_cache_get(cache, key, strlen(text) <= MRQ_HOT_TEXT_MAX ? &asked : NULL, &value, &size);
    if (state != MRQ_CACHE_HIT)
        return state;
    MRQ_AUTOFREE char *bytes = value;
    char want[HEAD + 1];
    mrq_hit *found = NULL;
    if (size >= HEAD) {
        head(key, bytes + HEAD, size - HEAD, want);
        found = memcmp(bytes, want, HEAD) == 0 ? decode(bytes + HEAD, size - HEAD, rows, k, n) : NULL;
    }
    if (!found) {
        mrq_cache_refuse(cache);
        return MRQ_CACHE_MISS;
    }
    *hits = found;
    return MRQ_CACHE_HIT;
}

/* The body of a value, freed with cJSON_free(); NULL if out of memory. */
static char *encode(const mrq_hit *hits, uint32_t n)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = cJSON_CreateObject();
    cJSON *results = cJSON_AddArrayToObject(json, "results");
    bool ok = results != NULL;
    for (uint32_t i = 0; ok && i < n; i++) {
        const double pair[2] = {hits[i].row, (double)hits[i].score};
        cJSON *item = cJSON_CreateDoubleArray(pair, 2);
        ok = item && cJSON_AddItemToArray(results, item);
    }
    return ok ? cJSON_PrintUnformatted(json) : NULL;
}

mrq_cache_state mrq_redis_answers_set(mrq_cache *cache, const char *key, const mrq_hit *hits, uint32_t n)
{
    char *body = encode(hits, n);
    const size_t size = body ? strlen(body) : 0;
    MRQ_AUTOFREE char *value = body ? mrq_array(HEAD + size + 1, 1) : NULL;
    if (value) {
        head(key, body, size, value);
        memcpy(value + HEAD, body, size);
    }
    cJSON_free(body);
    return value ? mrq_cache_set(cache, key, value, HEAD + size) : MRQ_CACHE_MISS; /* failing to store an answer is not an error */
}
