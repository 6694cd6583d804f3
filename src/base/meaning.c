#include "base/meaning.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define VALUE_MAX 1e15

/* {"value":"rating","min":1,"max":5,"like_from":4}, {"value":"action","weights":{"view":1,"buy":5},"like_from":1} */
static const char *const value_names[] = {"unknown", "none", "rating", "count", "action", NULL};

uint32_t mrq_action_find(const mrq_meaning *meaning, const char *name)
{
    uint32_t i = 0;
    while (i < meaning->n_actions && strcmp(meaning->action[i].name, name) != 0)
        i++;
    return i;
}

static bool add_weights(cJSON *root, const mrq_meaning *m)
{
    cJSON *weights = cJSON_AddObjectToObject(root, "weights");
    bool ok = weights;
    for (uint32_t i = 0; ok && i < m->n_actions; i++)
        ok = cJSON_AddNumberToObject(weights, m->action[i].name, m->action[i].weight);
    return ok;
}

cJSON *mrq_meaning_json(const mrq_meaning *m)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = cJSON_CreateObject();
    if (!cJSON_AddStringToObject(root, "value", value_names[m->value]) ||
        (m->value == MRQ_VALUE_RATING &&
         (!cJSON_AddNumberToObject(root, "min", m->min) || !cJSON_AddNumberToObject(root, "max", m->max))) ||
        (isfinite(m->like_from) && !cJSON_AddNumberToObject(root, "like_from", m->like_from)) ||
        (m->n_actions && !add_weights(root, m)))
        return NULL;
    cJSON *made = root;
    root = NULL;
    return made;
}

static mrq_status read_weights(const cJSON *weights, const char *path, mrq_meaning *m, mrq_error *err)
{
    const cJSON *weight;
    cJSON_ArrayForEach(weight, weights)
    {
        mrq_action *action = &m->action[m->n_actions];
        if (m->n_actions == MRQ_ACTIONS_MAX || strlen(weight->string) >= MRQ_ACTION_NAME || !mrq_utf8_is_plain(weight->string) ||
            mrq_action_find(m, weight->string) < m->n_actions)
            return mrq_fail(err, MRQ_BAD_FILE, "%s weights: want at most %d different names of less than %d bytes", path,
                            MRQ_ACTIONS_MAX, MRQ_ACTION_NAME);
        strcpy(action->name, weight->string);
        m->n_actions++;
        MRQ_TRY(mrq_json_real(weights, path, weight->string, -VALUE_MAX, VALUE_MAX, &action->weight, err));
    }
    return MRQ_OK;
}

mrq_status mrq_meaning_parse(const cJSON *object, const char *path, mrq_meaning *out, mrq_error *err)
{
    static const char *const keys[] = {"value", "min", "max", "like_from", "weights", NULL};
    mrq_meaning m = {.like_from = -INFINITY};
    int value = MRQ_VALUE_UNKNOWN;
    const cJSON *weights = NULL;
    if (object) {
        MRQ_TRY(mrq_json_keys(object, path, keys, err));
        MRQ_TRY(mrq_json_choice(object, path, "value", value_names, &value, err));
        MRQ_TRY(mrq_json_real(object, path, "min", -VALUE_MAX, VALUE_MAX, &m.min, err));
        MRQ_TRY(mrq_json_real(object, path, "max", -VALUE_MAX, VALUE_MAX, &m.max, err));
        MRQ_TRY(mrq_json_real(object, path, "like_from", -VALUE_MAX, VALUE_MAX, &m.like_from, err));
        MRQ_TRY(mrq_json_object(object, path, "weights", false, &weights, err));
    }
    if (weights)
        MRQ_TRY(read_weights(weights, path, &m, err));
    m.value = (mrq_value_kind)value;
    *out = m;
    return MRQ_OK;
}
