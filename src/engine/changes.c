#include "engine/changes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/id.h"
#include "base/json.h"
#include "base/print.h"
#include "base/utf8.h"

#define AHEAD_SECONDS 300 /* by which the clock of whoever sends events may be ahead */
#define TIME_TEXT     40

mrq_changes *mrq_changes_new(void)
{
    mrq_changes *changes = calloc(1, sizeof *changes);
    if (changes && !(changes->arena = mrq_arena_new())) {
        free(changes);
        return NULL;
    }
    return changes;
}

void mrq_changes_free(mrq_changes *changes)
{
    if (!changes)
        return;
    mrq_arena_free(changes->arena);
    mrq_free(changes->change);
    free(changes);
}

/* Whether a text is an id; NULL: it is not needed. */
static mrq_status check_id(const char *name, const char *id, mrq_error *err)
{
    return !id || mrq_id_is_valid(id, strlen(id)) ? MRQ_OK
                                                  : mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want an id, " MRQ_ID_WANT, name, id);
}

static mrq_status check_event(const mrq_change *c, mrq_error *err)
{
    const int64_t now = (int64_t)time(NULL);
    if (c->kind && !isnan(c->value))
        return mrq_fail(err, MRQ_USAGE, "value: the event has a kind as well, want one or the other");
    if (c->kind &&
        (!*c->kind || strlen(c->kind) >= MRQ_ACTION_NAME || !mrq_utf8_is_plain(c->kind) || strcmp(c->kind, MRQ_KIND_FORGET) == 0))
        return mrq_fail(err, MRQ_USAGE, "kind \"%.40s\": want a kind of events, 1 to %d bytes", c->kind, MRQ_ACTION_NAME - 1);
    if (isinf(c->value) || fabs(c->value) > 1e9)
        return mrq_fail(err, MRQ_USAGE, "value %g: want a number, -1e9 to 1e9", c->value);
    if (c->time < 0 || c->time > now + AHEAD_SECONDS)
        return mrq_fail(err, MRQ_USAGE, "time %lld: want seconds from 1970 to now, %lld; look at the clocks of both machines",
                        (long long)c->time, (long long)now);
    return MRQ_OK;
}

static int copy(mrq_arena *arena, const char **text)
{
    const size_t size = *text ? strlen(*text) + 1 : 0;
    char *made = size ? mrq_arena_array(arena, size, 1) : NULL;
    if (size && !made)
        return -1;
    if (made)
        memcpy(made, *text, size);
    *text = made;
    return 0;
}

mrq_status mrq_changes_add(mrq_changes *changes, const mrq_change *change, mrq_error *err)
{
    mrq_change c = *change;
    if (c.what == MRQ_ADD_EVENT && c.time == MRQ_NO_TIME)
        c.time = (int64_t)time(NULL);
    MRQ_TRY(check_id("user", c.user, err));
    MRQ_TRY(check_id("item", c.item, err));
    MRQ_TRY(check_id("id", c.id, err));
    if (c.what == MRQ_ADD_EVENT)
        MRQ_TRY(check_event(&c, err));
    const uint32_t n = changes->post.n;
    if (copy(changes->arena, &c.user) || copy(changes->arena, &c.item) || copy(changes->arena, &c.kind) ||
        copy(changes->arena, &c.id) || copy(changes->arena, &c.text) ||
        mrq_grow(&changes->change, &changes->room, (size_t)n + 1, sizeof c))
        return mrq_fail_memory(err, "reading changes");
    changes->change[n] = c;
    changes->post.n++;
    changes->post.change = changes->change;
    return MRQ_OK;
}

/* --- JSON --- */

/* The text of an id, which may be a whole number; it is written to `number` then. NULL in `*out` when it is absent. */
static mrq_status read_id(const cJSON *object, const char *path, const char *key, bool required, char number[TIME_TEXT],
                          const char **out, mrq_error *err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    const double value = cJSON_IsNumber(item) ? item->valuedouble : -1;
    *out = NULL;
    if (value >= 0 && value < 0x1p53 && value == floor(value)) {
        snprintf(number, TIME_TEXT, "%.0f", fabs(value));
        *out = number;
        return MRQ_OK;
    }
    if (item && !cJSON_IsString(item) && !cJSON_IsNull(item))
        return mrq_json_wrong(item, path, key, "an id", err);
    if (required || cJSON_IsString(item))
        return mrq_json_text(object, path, key, required, out, err);
    return MRQ_OK;
}

/* Seconds, or a text as 2026-01-31T02:00:00Z; `*out` keeps its default when it is absent or null. */
static mrq_status read_time(const cJSON *object, const char *path, const char *key, int64_t *out, mrq_error *err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    struct tm utc = {0};
    if (!item || cJSON_IsNull(item))
        return MRQ_OK;
    if (cJSON_IsString(item)) {
        const char *rest = strptime(item->valuestring, "%Y-%m-%dT%H:%M:%S", &utc);
        if (rest && *rest == '.')
            rest += 1 + strspn(rest + 1, "0123456789");
        if (!rest || strcmp(rest, "Z") != 0)
            return mrq_json_wrong(item, path, key, "unix seconds or a time such as 2026-01-31T02:00:00Z", err);
        *out = (int64_t)timegm(&utc);
        return MRQ_OK;
    }
    double seconds = 0;
    MRQ_TRY(mrq_json_real(object, path, key, -1e11, (double)MRQ_LIVE_TIME_MAX, &seconds, err));
    *out = (int64_t)floor(seconds);
    return MRQ_OK;
}

static mrq_status read_event(mrq_changes *changes, const cJSON *object, const char *path, mrq_error *err)
{
    static const char *const keys[] = {"user", "item", "kind", "value", "time", "id", NULL};
    mrq_change c = {.what = MRQ_ADD_EVENT, .value = NAN, .time = MRQ_NO_TIME};
    char user[TIME_TEXT], item[TIME_TEXT], id[TIME_TEXT];
    mrq_error problem = {0};
    MRQ_TRY(mrq_json_keys(object, path, keys, err));
    MRQ_TRY(read_id(object, path, "user", true, user, &c.user, err));
    MRQ_TRY(read_id(object, path, "item", true, item, &c.item, err));
    MRQ_TRY(read_id(object, path, "id", false, id, &c.id, err));
    MRQ_TRY(mrq_json_text(object, path, "kind", false, &c.kind, err));
    MRQ_TRY(mrq_json_real(object, path, "value", -1e9, 1e9, &c.value, err));
    MRQ_TRY(read_time(object, path, "time", &c.time, err));
    const mrq_status status = mrq_changes_add(changes, &c, &problem);
    return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "%s%s%s", path, *path ? "." : "", problem.msg);
}

static mrq_status read_events(mrq_changes *changes, const char *id, const cJSON *root, mrq_error *err)
{
    static const char *const keys[] = {"events", NULL};
    const cJSON *list, *event;
    char path[40];
    int i = 0;
    (void)id;
    if (!cJSON_GetObjectItemCaseSensitive(root, "events"))
        return read_event(changes, root, "", err);
    MRQ_TRY(mrq_json_keys(root, "body:", keys, err));
    MRQ_TRY(mrq_json_array(root, "body:", "events", true, &list, err));
    if (cJSON_GetArraySize(list) > MRQ_EVENTS_MAX)
        return mrq_fail(err, MRQ_USAGE, "events: %d of them, want at most %d", cJSON_GetArraySize(list), MRQ_EVENTS_MAX);
    cJSON_ArrayForEach(event, list)
    {
        snprintf(path, sizeof path, "events[%d]", i++);
        if (!cJSON_IsObject(event))
            return mrq_fail(err, MRQ_USAGE, "%s: want an object", path);
        MRQ_TRY(read_event(changes, event, path, err));
    }
    return MRQ_OK;
}

/* The features of a user as an object of texts, as the database keeps them. */
static mrq_status read_features(const cJSON *features, cJSON *out, mrq_error *err)
{
    const cJSON *value, *member;
    if (cJSON_GetArraySize(features) > MRQ_LIVE_FEATURES)
        return mrq_fail(err, MRQ_USAGE, "features: %d of them, want at most %d", cJSON_GetArraySize(features), MRQ_LIVE_FEATURES);
    cJSON_ArrayForEach(value, features)
    {
        mrq_print print = {0};
        const char *name = value->string;
        const cJSON *inner = cJSON_GetObjectItemCaseSensitive(value, "value"); /* as in the query of an answer */
        const cJSON *given = inner ? inner : value;
        bool good = *name && !strchr(name, '=') && mrq_utf8_is_plain(name) && !cJSON_GetObjectItemCaseSensitive(out, name);
        mrq_print_add(&print, "");
        if (cJSON_IsNumber(given))
            mrq_print_real(&print, given->valuedouble, 9);
        else if (cJSON_IsString(given))
            mrq_print_add(&print, given->valuestring);
        else
            good = good && cJSON_IsArray(given);
        for (member = cJSON_IsArray(given) ? given->child : NULL; member; member = member->next) {
            good = good && cJSON_IsString(member);
            mrq_print_add(&print, member == given->child ? "" : ",");
            mrq_print_member(&print, good ? member->valuestring : "");
        }
        MRQ_AUTOFREE char *text = mrq_print_take(&print, NULL);
        if (!good)
            return mrq_json_wrong(value, "features", name, "each name once, and a text, a number or a list of texts", err);
        if (!text || !cJSON_AddStringToObject(out, name, text))
            return mrq_fail_memory(err, "reading changes");
    }
    return MRQ_OK;
}

static mrq_status read_user(mrq_changes *changes, const char *user, const cJSON *root, mrq_error *err)
{
    static const char *const keys[] = {"features", NULL};
    const cJSON *features;
    MRQ_CLEANUP(cJSON_Delete) cJSON *made = cJSON_CreateObject();
    MRQ_TRY(mrq_json_keys(root, "body:", keys, err));
    MRQ_TRY(mrq_json_object(root, "body:", "features", true, &features, err));
    MRQ_TRY(read_features(features, made, err));
    char *text = cJSON_PrintUnformatted(made);
    const mrq_status status = text ? mrq_changes_add(changes, &(mrq_change){.what = MRQ_PUT_USER, .user = user, .text = text}, err)
                                   : mrq_fail_memory(err, "reading changes");
    cJSON_free(text);
    return status;
}

static mrq_status read_item(mrq_changes *changes, const char *item, const cJSON *root, mrq_error *err)
{
    static const char *const keys[] = {"hidden", "expires", NULL};
    mrq_change c = {.what = MRQ_PUT_ITEM, .item = item, .time = MRQ_NO_TIME};
    MRQ_TRY(mrq_json_keys(root, "body:", keys, err));
    MRQ_TRY(mrq_json_bool(root, "body:", "hidden", &c.hidden, err));
    MRQ_TRY(read_time(root, "body:", "expires", &c.time, err));
    return mrq_changes_add(changes, &c, err);
}

/* Reads a body by one of the readers above. What is wrong with it is the client's fault. */
static mrq_status read_body(mrq_changes *changes, const char *id, const char *body, size_t size,
                            mrq_status (*read)(mrq_changes *changes, const char *id, const cJSON *root, mrq_error *err),
                            mrq_error *err)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = NULL;
    mrq_error problem = {0};
    const size_t bad = mrq_utf8_bad(body, size);
    if (bad)
        return mrq_fail(err, MRQ_USAGE, "body: byte %zu is not UTF-8", bad);
    mrq_status status = mrq_json_parse(body, size, "body", &root, &problem);
    if (status == MRQ_OK)
        status = read(changes, id, root, &problem);
    return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status == MRQ_BAD_FILE ? MRQ_USAGE : status, "%s", problem.msg);
}

mrq_status mrq_changes_read_events(mrq_changes *changes, const char *body, size_t size, mrq_error *err)
{
    return read_body(changes, NULL, body, size, read_events, err);
}

mrq_status mrq_changes_read_user(mrq_changes *changes, const char *user, const char *body, size_t size, mrq_error *err)
{
    return read_body(changes, user, body, size, read_user, err);
}

mrq_status mrq_changes_read_item(mrq_changes *changes, const char *item, const char *body, size_t size, mrq_error *err)
{
    return read_body(changes, item, body, size, read_item, err);
}

/* --- What the data can tell --- */

/* Lists the kinds of events: "like, dislike, view, buy". */
static const char *list_kinds(const mrq_meaning *m, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, MRQ_KIND_LIKE ", " MRQ_KIND_DISLIKE);
    for (uint32_t i = 0; i < m->n_actions && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, ", %s", m->action[i].name);
    return out;
}

static mrq_status check_meaning(const mrq_change *c, const mrq_meaning *m, mrq_error *err)
{
    char kinds[300];
    if (c->kind && strcmp(c->kind, MRQ_KIND_LIKE) != 0 && strcmp(c->kind, MRQ_KIND_DISLIKE) != 0 &&
        mrq_action_find(m, c->kind) == m->n_actions)
        return mrq_fail(err, MRQ_USAGE, "kind \"%.40s\": want one of %s", c->kind, list_kinds(m, kinds, sizeof kinds));
    if (c->kind)
        return MRQ_OK;
    if (isnan(c->value) && m->value != MRQ_VALUE_NONE)
        return mrq_fail(err, MRQ_USAGE, "kind: missing; want one of %s%s", list_kinds(m, kinds, sizeof kinds),
                        m->value == MRQ_VALUE_RATING || m->value == MRQ_VALUE_COUNT ? ", or a value" : "");
    if (!isnan(c->value) && m->value != MRQ_VALUE_RATING && m->value != MRQ_VALUE_COUNT)
        return mrq_fail(err, MRQ_USAGE, "value: the events of the data have none; want a kind, one of %s",
                        list_kinds(m, kinds, sizeof kinds));
    if (m->value == MRQ_VALUE_RATING && !(c->value >= m->min && c->value <= m->max))
        return mrq_fail(err, MRQ_USAGE, "value %g: want %g to %g", c->value, m->min, m->max);
    if (m->value == MRQ_VALUE_COUNT && c->value < 0)
        return mrq_fail(err, MRQ_USAGE, "value %g: want a count, 0 or more", c->value);
    return MRQ_OK;
}

static mrq_status check_features(const char *text, const mrq_table *users, mrq_error *err)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *features = cJSON_Parse(text);
    char names[300];
    const cJSON *value;
    cJSON_ArrayForEach(value, features)
    {
        const mrq_column *column = mrq_table_column(users, value->string);
        if (!column || column->kind == MRQ_TEXT)
            return mrq_fail(err, MRQ_USAGE, "features: the data's users have no column \"%.40s\"; %s%s", value->string,
                            users->n_columns ? "want one of " : "they have none", mrq_table_columns(users, names, sizeof names));
    }
    return MRQ_OK;
}

static mrq_status check_known(const mrq_table *table, const char *what, const char *id, mrq_error *err)
{
    return !id || mrq_table_find(table, id, strlen(id)) != MRQ_NONE
               ? MRQ_OK
               : mrq_fail(err, MRQ_USAGE, "%s %.40s: not among the %u of the data, and the service is strict", what, id,
                          table->rows);
}

mrq_status mrq_changes_check(const mrq_changes *changes, const mrq_generation *generation, bool strict, mrq_error *err)
{
    const uint32_t n = changes->post.n;
    for (uint32_t i = 0; i < n; i++) {
        const mrq_change *c = &changes->change[i];
        mrq_error problem = {0};
        mrq_status status = MRQ_OK;
        if (c->what == MRQ_ADD_EVENT)
            status = check_meaning(c, &generation->results.meaning, &problem);
        if (status == MRQ_OK && c->what == MRQ_PUT_USER)
            status = check_features(c->text, generation->users, &problem);
        if (status == MRQ_OK && strict && c->what == MRQ_ADD_EVENT)
            status = check_known(generation->users, "user", c->user, &problem);
        if (status == MRQ_OK && strict && c->what == MRQ_ADD_EVENT)
            status = check_known(generation->items, "item", c->item, &problem);
        if (status != MRQ_OK)
            return n > 1 ? mrq_fail(err, status, "events[%u].%s", i, problem.msg) : mrq_fail(err, status, "%s", problem.msg);
    }
    return MRQ_OK;
}
