/* A model of three likes is made without an error, and its answers look like any others. So whoever trains it is told. A new check
 * is a function and a line in the table. */
#include "model/evidence.h"

#include <math.h>
#include <stdio.h>

#define PUT(...) (void)snprintf(out, size, __VA_ARGS__)
typedef unsigned long long number;

struct facts {
    const mrq_evidence *e;
    const mrq_noun *noun; /* of the items */
};

/* What the events are called that are learned from. */
static const char *likes(const struct facts *f, uint64_t n)
{
    return f->e->ranks ? n == 1 ? "like" : "likes" : n == 1 ? "rating" : "ratings";
}

static double share(uint64_t part, uint64_t of)
{
    return of ? (double)part / (double)of : 0;
}

static bool few_likes(const struct facts *f, char *out, size_t size)
{
    PUT("only %llu %s to learn from, want %d: what a model answers then is little more than chance; wait until there are more",
        (number)f->e->likes, likes(f, f->e->likes), MRQ_EVIDENCE_LIKES);
    return f->e->likes < MRQ_EVIDENCE_LIKES;
}

static bool rare_likes(const struct facts *f, char *out, size_t size)
{
    PUT("only %llu of %llu events are likes, values of %g or more: nothing is learned from the others; if that is not what a like "
        "is, say so in the schema, \"like\": {\"from\": VALUE} or \"like\": \"all\"",
        (number)f->e->likes, (number)f->e->events, f->e->like);
    return share(f->e->likes, f->e->events) < MRQ_EVIDENCE_SHARE;
}

static bool one_user(const struct facts *f, char *out, size_t size)
{
    PUT("one user has %llu of all %llu events: the model is mostly of his taste; leave him out if he is a shared account, a test "
        "or "
        "a robot",
        (number)f->e->busiest_user, (number)f->e->events);
    return share(f->e->busiest_user, f->e->events) >= MRQ_EVIDENCE_USER;
}

static bool one_item(const struct facts *f, char *out, size_t size)
{
    PUT("one %s has %llu of all %llu %s: nearly everybody is told of it; leave it out if all get it unasked", f->noun->one,
        (number)f->e->most_liked, (number)f->e->likes, likes(f, f->e->likes));
    return share(f->e->most_liked, f->e->likes) >= MRQ_EVIDENCE_ITEM;
}

static bool one_value(const struct facts *f, char *out, size_t size)
{
    PUT("all %llu values are %g: they do not tell what is liked more; look whether that column is the value, and %s",
        (number)f->e->events, f->e->value,
        f->e->ranks ? "leave it out of the schema if it is not" : "use the model retrieval, which needs none");
    return !isnan(f->e->value);
}

static bool no_liked_item(const struct facts *f, char *out, size_t size)
{
    PUT("no %s has more than %llu %s, want %d for one: what goes with what cannot be seen; join variants of the same %s, or wait "
        "until there are more",
        f->noun->one, (number)f->e->most_liked, likes(f, f->e->most_liked), MRQ_EVIDENCE_MOST_LIKED, f->noun->one);
    return f->e->most_liked < MRQ_EVIDENCE_MOST_LIKED;
}

static bool few_pairs(const struct facts *f, char *out, size_t size)
{
    PUT("%llu user%s two %s or more, want %d: which %s go together is learned from them alone; look whether the column of the user "
        "is the right one",
        (number)f->e->users_with_two, f->e->users_with_two == 1 ? " has" : "s have", likes(f, 2), MRQ_EVIDENCE_PAIRS,
        f->noun->many);
    return f->e->users_with_two < MRQ_EVIDENCE_PAIRS;
}

/* Each writes its sentence and returns whether it holds. */
static const struct {
    const char *name;
    bool (*holds)(const struct facts *f, char *out, size_t size);
} checks[] = {
    {"rare likes", rare_likes}, {"few likes", few_likes},         {"one user", one_user},   {"one item", one_item},
    {"one value", one_value},   {"no liked item", no_liked_item}, {"few pairs", few_pairs},
};
_Static_assert(sizeof checks / sizeof *checks <= MRQ_DOUBTS_MAX, "room for all");

uint32_t mrq_evidence_doubts(const mrq_evidence *evidence, const mrq_noun *noun, mrq_doubt out[MRQ_DOUBTS_MAX])
{
    const struct facts facts = {evidence, noun};
    uint32_t n = 0;
    for (size_t i = 0; evidence->events && i < sizeof checks / sizeof *checks; i++) {
        out[n].check = checks[i].name;
        n += checks[i].holds(&facts, out[n].text, sizeof out[n].text);
    }
    return n;
}

cJSON *mrq_evidence_json(const mrq_evidence *e)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = cJSON_CreateObject();
    if (!cJSON_AddBoolToObject(root, "ranks", e->ranks) || !mrq_json_add_whole(root, "events", (int64_t)e->events) ||
        !mrq_json_add_whole(root, "likes", (int64_t)e->likes) ||
        !mrq_json_add_whole(root, "busiest_user", (int64_t)e->busiest_user) ||
        !mrq_json_add_whole(root, "most_liked", (int64_t)e->most_liked) ||
        !mrq_json_add_whole(root, "users_with_two", (int64_t)e->users_with_two) ||
        (isfinite(e->like) && !cJSON_AddNumberToObject(root, "like", e->like)) ||
        (isfinite(e->value) && !cJSON_AddNumberToObject(root, "value", e->value)))
        return NULL;
    cJSON *made = root;
    root = NULL;
    return made;
}

mrq_status mrq_evidence_parse(const cJSON *object, const char *path, mrq_evidence *out, mrq_error *err)
{
    mrq_evidence e = {.like = -INFINITY, .value = NAN};
    int64_t events = 0, liked = 0, busiest = 0, most = 0, two = 0;
    const int64_t limit = (int64_t)1 << 53;
    if (object) {
        MRQ_TRY(mrq_json_bool(object, path, "ranks", &e.ranks, err));
        MRQ_TRY(mrq_json_int(object, path, "events", 0, limit, &events, err));
        MRQ_TRY(mrq_json_int(object, path, "likes", 0, limit, &liked, err));
        MRQ_TRY(mrq_json_int(object, path, "busiest_user", 0, limit, &busiest, err));
        MRQ_TRY(mrq_json_int(object, path, "most_liked", 0, limit, &most, err));
        MRQ_TRY(mrq_json_int(object, path, "users_with_two", 0, limit, &two, err));
        MRQ_TRY(mrq_json_real(object, path, "like", -1e15, 1e15, &e.like, err));
        MRQ_TRY(mrq_json_real(object, path, "value", -1e15, 1e15, &e.value, err));
    }
    e.events = (uint64_t)events;
    e.likes = (uint64_t)liked;
    e.busiest_user = (uint64_t)busiest;
    e.most_liked = (uint64_t)most;
    e.users_with_two = (uint64_t)two;
    *out = e;
    return MRQ_OK;
}
