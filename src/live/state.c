#include "live/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

int mrq_state_init(mrq_state *s)
{
    *s = (mrq_state){.users = mrq_dict_new(),
                     .items = mrq_dict_new(),
                     .kinds = mrq_dict_new(),
                     .erased = mrq_dict_new(),
                     .next_expiry = INT64_MAX,
                     .newest = MRQ_NO_TIME};
    return s->users && s->items && s->kinds && s->erased ? 0 : -1;
}

void mrq_state_clear(mrq_state *s)
{
    for (size_t i = 0; i < s->user_room; i++)
        mrq_free(s->user[i].features);
    for (size_t i = 0; i < s->block_room; i++)
        mrq_free(s->block[i]);
    mrq_free(s->block);
    mrq_free(s->user);
    mrq_free(s->item);
    mrq_dict_free(s->users);
    mrq_dict_free(s->items);
    mrq_dict_free(s->kinds);
    mrq_dict_free(s->erased);
    mrq_free(s->erasure);
    *s = (mrq_state){0};
}

/* The user of an id, who is made if he is new; NULL when out of memory. */
static mrq_live_user *user_of(mrq_state *s, const char *id)
{
    const uint32_t known = mrq_dict_strings(s->users).n;
    if (mrq_grow(&s->user, &s->user_room, (size_t)known + 1, sizeof *s->user))
        return NULL;
    const uint32_t at = mrq_dict_add(s->users, id, strlen(id));
    if (at == MRQ_NONE)
        return NULL;
    if (at == known)
        s->user[at] = (mrq_live_user){.first = MRQ_NONE, .last = MRQ_NONE};
    s->user[at].version = ++s->versions;
    return &s->user[at];
}

/* The place of an item, which is made if it is new; MRQ_NONE when out of memory. */
static uint32_t item_of(mrq_state *s, const char *id)
{
    const uint32_t known = mrq_dict_strings(s->items).n;
    if (mrq_grow(&s->item, &s->item_room, (size_t)known + 1, sizeof *s->item))
        return MRQ_NONE;
    const uint32_t at = mrq_dict_add(s->items, id, strlen(id));
    if (at != MRQ_NONE && at == known)
        s->item[at] = (mrq_live_item){false, MRQ_NO_TIME};
    return at;
}

/* A place for one more event; MRQ_NONE when out of memory. */
static uint32_t make_event(mrq_state *s)
{
    if (s->n_events == MRQ_NONE)
        return MRQ_NONE;
    const size_t block = s->n_events / MRQ_LIVE_BLOCK;
    if (mrq_grow(&s->block, &s->block_room, block + 1, sizeof *s->block))
        return MRQ_NONE;
    if (!s->block[block] && !(s->block[block] = mrq_array(MRQ_LIVE_BLOCK, sizeof **s->block)))
        return MRQ_NONE;
    return (uint32_t)s->n_events;
}

static int add_event(mrq_state *s, const mrq_change *c, const char *kind, uint64_t seq)
{
    const uint32_t at = make_event(s), item = at == MRQ_NONE ? MRQ_NONE : item_of(s, c->item);
    const uint32_t code = kind && item != MRQ_NONE ? mrq_dict_add(s->kinds, kind, strlen(kind)) : MRQ_NONE;
    mrq_live_user *user = item != MRQ_NONE && (!kind || code != MRQ_NONE) ? user_of(s, c->user) : NULL;
    if (!user)
        return -1;
    s->n_events++;
    const int64_t time = c->what == MRQ_DROP_PAIR ? MRQ_NO_TIME : c->time; /* before all events that are left of the pair */
    *mrq_state_event(s, at) = (mrq_live_event){time, seq, item, code, (float)c->value, MRQ_NONE};
    if (user->last == MRQ_NONE)
        user->first = at;
    else
        mrq_state_event(s, user->last)->next = at;
    user->last = at;
    if (user->n < MRQ_LIVE_OF_USER) {
        user->n++;
    } else {
        user->first = mrq_state_event(s, user->first)->next;
        s->dropped++;
    }
    if (c->what == MRQ_ADD_EVENT)
        s->newest = c->time > s->newest ? c->time : s->newest;
    return 0;
}

/* Removes a user's events for which `leaves` is true. */
static void drop_events(mrq_state *s, mrq_live_user *user, bool (*leaves)(const mrq_live_event *event, uint64_t what),
                        uint64_t what)
{
    uint32_t before = MRQ_NONE;
    for (uint32_t at = user->first; at != MRQ_NONE; at = mrq_state_event(s, at)->next) {
        const mrq_live_event *event = mrq_state_event(s, at);
        if (!leaves(event, what)) {
            before = at;
            continue;
        }
        s->dropped++;
        user->n--;
        if (before == MRQ_NONE)
            user->first = event->next;
        else
            mrq_state_event(s, before)->next = event->next;
    }
    user->last = before;
}

static bool has_number(const mrq_live_event *event, uint64_t seq)
{
    return event->seq == seq;
}

static bool is_of(const mrq_live_event *event, uint64_t item)
{
    return event->item == item;
}

static bool is_any(const mrq_live_event *event, uint64_t what)
{
    (void)event, (void)what;
    return true;
}

/* A user of whom something may be known; NULL: nothing is. */
static mrq_live_user *find_user(const mrq_state *s, const char *id)
{
    const uint32_t at = mrq_dict_find(s->users, id, strlen(id));
    return at == MRQ_NONE ? NULL : &s->user[at];
}

static int drop_event(mrq_state *s, const mrq_change *c, uint64_t seq)
{
    mrq_live_user *user = find_user(s, c->user);
    if (user) {
        drop_events(s, user, has_number, seq);
        user->version = ++s->versions;
    }
    return 0;
}

static int drop_pair(mrq_state *s, const mrq_change *c, uint64_t seq)
{
    mrq_live_user *user = find_user(s, c->user);
    const uint32_t item = mrq_dict_find(s->items, c->item, strlen(c->item));
    if (user && item != MRQ_NONE)
        drop_events(s, user, is_of, item);
    return add_event(s, c, MRQ_KIND_FORGET, seq);
}

void mrq_live_erased_id(const char *user, char out[MRQ_ERASED_ID])
{
    char digest[MRQ_SHA256_HEX];
    mrq_sha256 sha;
    mrq_sha256_init(&sha);
    mrq_sha256_update(&sha, user, strlen(user));
    mrq_sha256_hex(&sha, digest);
    snprintf(out, MRQ_ERASED_ID, "%.32s", digest);
}

int mrq_state_erase(mrq_state *s, const char *erased_id, uint64_t seq)
{
    const uint32_t known = mrq_dict_strings(s->erased).n;
    if (mrq_grow(&s->erasure, &s->erasure_room, (size_t)known + 1, sizeof *s->erasure))
        return -1;
    const uint32_t at = mrq_dict_add(s->erased, erased_id, strlen(erased_id));
    if (at == MRQ_NONE)
        return -1;
    s->erasure[at] = seq;
    return 0;
}

/* The number of a user's erasure; 0: there was none. */
static uint64_t erasure_of(const mrq_state *s, const char *user)
{
    char id[MRQ_ERASED_ID];
    if (!mrq_dict_strings(s->erased).n)
        return 0;
    mrq_live_erased_id(user, id);
    const uint32_t at = mrq_dict_find(s->erased, id, strlen(id));
    return at == MRQ_NONE ? 0 : s->erasure[at];
}

static int erase_user(mrq_state *s, const mrq_change *c, uint64_t seq)
{
    char id[MRQ_ERASED_ID];
    mrq_live_user *user = user_of(s, c->user);
    if (!user)
        return -1;
    drop_events(s, user, is_any, 0);
    mrq_free(user->features);
    user->features = NULL;
    mrq_live_erased_id(c->user, id);
    return mrq_state_erase(s, id, seq);
}

static int put_user(mrq_state *s, const mrq_change *c)
{
    const size_t size = strlen(c->text) + 1;
    char *features = mrq_array(size, 1);
    mrq_live_user *user = features ? user_of(s, c->user) : NULL;
    if (!user) {
        mrq_free(features);
        return -1;
    }
    memcpy(features, c->text, size);
    mrq_free(user->features);
    user->features = features;
    return 0;
}

static bool is_gone(const mrq_live_item *item, int64_t now)
{
    return item->hidden || (item->expires != MRQ_NO_TIME && item->expires <= now);
}

static void find_next_expiry(mrq_state *s, int64_t now)
{
    const uint32_t n = mrq_dict_strings(s->items).n;
    s->next_expiry = INT64_MAX;
    for (uint32_t i = 0; i < n; i++)
        if (!is_gone(&s->item[i], now) && s->item[i].expires != MRQ_NO_TIME && s->item[i].expires < s->next_expiry)
            s->next_expiry = s->item[i].expires;
}

void mrq_state_expire(mrq_state *s, int64_t now)
{
    if (now < s->next_expiry)
        return;
    s->items_version = ++s->versions;
    find_next_expiry(s, now);
}

static int put_item(mrq_state *s, const mrq_change *c, int64_t now)
{
    const uint32_t at = item_of(s, c->item);
    if (at == MRQ_NONE)
        return -1;
    s->item[at] = c->what == MRQ_PUT_ITEM ? (mrq_live_item){c->hidden, c->time} : (mrq_live_item){false, MRQ_NO_TIME};
    s->items_version = ++s->versions;
    if (s->item[at].expires == MRQ_NO_TIME || s->item[at].expires > now)
        s->next_expiry =
            s->item[at].expires != MRQ_NO_TIME && s->item[at].expires < s->next_expiry ? s->item[at].expires : s->next_expiry;
    return 0;
}

int mrq_state_apply(mrq_state *s, const mrq_change *c, uint64_t seq, int64_t now)
{
    switch (c->what) {
    case MRQ_ADD_EVENT:
        return add_event(s, c, c->kind, seq);
    case MRQ_DROP_EVENT:
        return drop_event(s, c, seq);
    case MRQ_DROP_PAIR:
        return drop_pair(s, c, seq);
    case MRQ_PUT_USER:
        return put_user(s, c);
    case MRQ_ERASE_USER:
        return erase_user(s, c, seq);
    case MRQ_PUT_ITEM:
    case MRQ_DROP_ITEM:
        return put_item(s, c, now);
    }
    return 0;
}

/* --- What a person's events say --- */

/* An event of an item that the generation has. */
struct heard {
    int64_t time;
    uint64_t seq;
    uint32_t row, kind;
    float value;
};

static int by_time(const void *a, const void *b)
{
    const struct heard *x = a, *y = b;
    return x->time != y->time ? (x->time > y->time) - (x->time < y->time) : (x->seq > y->seq) - (x->seq < y->seq);
}

/* By item, and then as they were. */
static int by_row(const void *a, const void *b)
{
    const struct heard *x = a, *y = b;
    return x->row != y->row ? (x->row > y->row) - (x->row < y->row) : by_time(a, b);
}

static mrq_opinion weighed(const mrq_meaning *m, double sum)
{
    return sum >= m->like_from ? MRQ_LIKED : sum < 0 ? MRQ_DISLIKED : MRQ_HAD;
}

/* What an event says after those of the same person and item that came before, which said `before` and whose values are `*sum`. */
static mrq_opinion hear(const mrq_meaning *m, const char *kind, double value, mrq_opinion before, double *sum)
{
    const uint32_t action = kind ? mrq_action_find(m, kind) : m->n_actions;
    if (action < m->n_actions) {
        *sum += m->action[action].weight;
        return weighed(m, *sum);
    }
    if (kind && strcmp(kind, MRQ_KIND_LIKE) == 0)
        return MRQ_LIKED;
    if (kind && strcmp(kind, MRQ_KIND_DISLIKE) == 0)
        return MRQ_DISLIKED;
    if (kind && strcmp(kind, MRQ_KIND_FORGET) == 0) {
        *sum = 0;
        return MRQ_FORGOTTEN;
    }
    if (!kind && m->value == MRQ_VALUE_RATING && !isnan(value))
        return value >= m->like_from ? MRQ_LIKED : MRQ_NEUTRAL;
    if (!kind && m->value == MRQ_VALUE_COUNT && !isnan(value)) {
        *sum += value;
        return weighed(m, *sum);
    }
    if (!kind && m->value == MRQ_VALUE_NONE)
        return MRQ_LIKED;
    return before == MRQ_FORGOTTEN ? MRQ_HAD : before; /* a kind that this generation's data do not have */
}

/* The user's events that are newer than the mark, of items that there are. */
static mrq_status gather(const mrq_state *s, const mrq_live_user *user, uint64_t mark, const mrq_table *items, struct heard **out,
                         uint32_t *n, mrq_error *err)
{
    const mrq_strings ids = mrq_dict_strings(s->items);
    size_t room = 0;
    for (uint32_t at = user->first; at != MRQ_NONE; at = mrq_state_event(s, at)->next) {
        const mrq_live_event *e = mrq_state_event(s, at);
        if (e->seq <= mark)
            continue;
        const uint32_t row = mrq_table_find(items, mrq_strings_at(&ids, e->item), mrq_strings_size(&ids, e->item));
        if (row == MRQ_NONE)
            continue;
        if (mrq_grow(out, &room, (size_t)*n + 1, sizeof **out))
            return mrq_fail_memory(err, "answering");
        (*out)[*n] = (struct heard){e->time, e->seq, row, e->kind, e->value};
        ++*n;
    }
    return MRQ_OK;
}

/* Makes one of each item's events, at the place of the newest that changed something. */
static mrq_status fold(const mrq_state *s, const mrq_meaning *meaning, struct heard *heard, uint32_t n, mrq_live_person *out,
                       mrq_error *err)
{
    const mrq_strings kinds = mrq_dict_strings(s->kinds);
    uint32_t kept = 0;
    MRQ_AUTOFREE mrq_opinion *opinion = mrq_array(n, sizeof *opinion);
    out->said = mrq_array(n, sizeof *out->said);
    if (!opinion || !out->said)
        return mrq_fail_memory(err, "answering");
    qsort(heard, n, sizeof *heard, by_row);
    for (uint32_t i = 0; i < n;) {
        double sum = 0;
        const uint32_t row = heard[i].row;
        struct heard last = heard[i];
        mrq_opinion now = MRQ_FORGOTTEN;
        bool first = true;
        for (; i < n && heard[i].row == row; i++, first = false) {
            const char *kind = heard[i].kind == MRQ_NONE ? NULL : mrq_strings_at(&kinds, heard[i].kind);
            const mrq_opinion then = hear(meaning, kind, (double)heard[i].value, first ? MRQ_HAD : now, &sum);
            if (first || then != now)
                last = heard[i];
            now = then;
        }
        last.kind = (uint32_t)now;
        heard[kept++] = last;
    }
    qsort(heard, kept, sizeof *heard, by_time);
    for (uint32_t i = 0; i < kept; i++)
        out->said[i] = (mrq_said){heard[i].row, (mrq_opinion)heard[i].kind};
    out->n = kept;
    return MRQ_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static mrq_status read_features(const char *text, mrq_live_person *out, mrq_error *err)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = cJSON_Parse(text);
    const int n = cJSON_GetArraySize(json);
    out->feature = mrq_array((size_t)n, sizeof *out->feature);
    if (!json || !out->feature)
        return mrq_fail_memory(err, "answering");
    const cJSON *value;
    cJSON_ArrayForEach(value, json)
    {
        if (!cJSON_IsString(value))
            continue;
        if (asprintf(&out->feature[out->n_features], "%s=%s", value->string, value->valuestring) < 0)
            return mrq_fail_memory(err, "answering");
        out->n_features++;
    }
    qsort(out->feature, out->n_features, sizeof *out->feature, by_text);
    return MRQ_OK;
}

static uint64_t digest_of(const mrq_live_person *p)
{
    mrq_sum sum;
    mrq_sum_init(&sum);
    mrq_sum_update(&sum, &(uint32_t){p->erased}, sizeof(uint32_t));
    for (uint32_t i = 0; i < p->n; i++) {
        const uint32_t pair[] = {p->said[i].row, p->said[i].opinion};
        mrq_sum_update(&sum, pair, sizeof pair);
    }
    for (uint32_t i = 0; i < p->n_features; i++)
        mrq_sum_update(&sum, p->feature[i], strlen(p->feature[i]) + 1);
    const uint64_t value = mrq_sum_value(&sum);
    return value ? value : 1;
}

void mrq_live_person_clear(mrq_live_person *p)
{
    for (uint32_t i = 0; i < p->n_features; i++)
        free(p->feature[i]);
    mrq_free(p->feature);
    mrq_free(p->said);
    *p = (mrq_live_person){0};
}

mrq_status mrq_state_look(const mrq_state *s, uint64_t mark, const mrq_meaning *meaning, const mrq_table *items, const char *id,
                          mrq_live_person *out, mrq_error *err)
{
    const mrq_live_user *user = find_user(s, id);
    MRQ_AUTOFREE struct heard *heard = NULL;
    uint32_t n = 0;
    out->erased = erasure_of(s, id) > mark;
    if (user)
        MRQ_TRY(gather(s, user, mark, items, &heard, &n, err));
    if (n)
        MRQ_TRY(fold(s, meaning, heard, n, out, err));
    if (user && user->features)
        MRQ_TRY(read_features(user->features, out, err));
    if (out->erased || out->n || out->n_features)
        out->digest = digest_of(out);
    return MRQ_OK;
}

mrq_status mrq_state_hidden(const mrq_state *s, const mrq_table *items, int64_t now, uint32_t **row, uint32_t *n, mrq_error *err)
{
    const mrq_strings ids = mrq_dict_strings(s->items);
    uint32_t gone = 0;
    for (uint32_t i = 0; i < ids.n; i++)
        gone += is_gone(&s->item[i], now);
    *n = 0;
    *row = mrq_array(gone, sizeof **row);
    if (!*row)
        return mrq_fail_memory(err, "answering");
    for (uint32_t i = 0; i < ids.n; i++) {
        const uint32_t at =
            is_gone(&s->item[i], now) ? mrq_table_find(items, mrq_strings_at(&ids, i), mrq_strings_size(&ids, i)) : MRQ_NONE;
        if (at != MRQ_NONE)
            (*row)[(*n)++] = at;
    }
    mrq_list_sort(*row, *n);
    return MRQ_OK;
}
