/* Model descriptions: parsed from JSON, with every key checked, and written as JSON for the model file. */
#include "model/description.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/asset.h"
#include "base/file.h"
#include "base/utf8.h"

static const char *const unit_names[] = {"word", "character", NULL};
static const char *const order_names[] = {"random", "item", NULL};
static const char *const parts_names[] = {"chosen", "vectors", "neighbours", "both", NULL};
static const char *const recency_names[] = {"chosen", "on", "off", NULL};
const char *const mrq_branch_kind_names[] = {"id", "category", "set", "text", "ratings", "history", NULL};
const char *const mrq_pool_names[] = {"sum", "average", NULL};
const char *const mrq_joint_names[] = {"dense", "sum", NULL};
const char *const mrq_score_names[] = {"cosine", "dot", NULL};
const char *const mrq_activation_names[] = {"linear", "tanh", NULL};
const char *const mrq_optimizer_names[] = {"sgd", "momentum", "rmsprop", "adam", NULL};
const char *const mrq_schedule_names[] = {"constant", "linear", "cosine", NULL};

#define WIDTH_MAX 1024
#define PATH_SIZE 160

static mrq_status read_name(const cJSON *object, const char *path, const char *key, char out[MRQ_COLUMN_NAME], mrq_error *err)
{
    const char *text;
    MRQ_TRY(mrq_json_text(object, path, key, true, &text, err));
    if (!*text || strlen(text) >= MRQ_COLUMN_NAME)
        return mrq_fail(err, MRQ_BAD_FILE, "%s %s: \"%.40s\", want 1 to %d bytes", path, key, text, MRQ_COLUMN_NAME - 1);
    if (!mrq_utf8_is_plain(text))
        return mrq_fail(err, MRQ_BAD_FILE, "%s %s: \"%.40s\", want no control characters", path, key, text);
    strcpy(out, text);
    return MRQ_OK;
}

/* Reads a width; leaves 0 when it is absent. */
static mrq_status read_width(const cJSON *object, const char *path, const char *key, uint32_t *out, mrq_error *err)
{
    int64_t value = 0;
    MRQ_TRY(mrq_json_int(object, path, key, 1, WIDTH_MAX, &value, err));
    *out = (uint32_t)value;
    return MRQ_OK;
}

/* Some features have a kind of their own. */
static mrq_status check_kind(const mrq_branch *branch, const char *path, bool user, mrq_error *err)
{
    static const struct {
        mrq_branch_kind kind;
        const char *feature;
    } bound[] = {{MRQ_BRANCH_ID, "id"}, {MRQ_BRANCH_RATINGS, "ratings"}, {MRQ_BRANCH_HISTORY, "history"}};
    const char *kind = mrq_branch_kind_names[branch->kind];
    const bool of_users = branch->kind != MRQ_BRANCH_TEXT && branch->kind != MRQ_BRANCH_RATINGS;
    if (user && !of_users)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.kind: \"%s\", want one of id, category, set, history on the user's side", path,
                        kind);
    if (strcmp(branch->feature, "*") == 0 && branch->kind != MRQ_BRANCH_CATEGORY && branch->kind != MRQ_BRANCH_SET &&
        branch->kind != MRQ_BRANCH_TEXT)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.feature: \"*\" stands for columns, which are of kind category, set or text", path);
    if (!user && branch->kind == MRQ_BRANCH_HISTORY)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.kind: \"history\" belongs to the user's side", path);
    for (size_t i = 0; i < sizeof bound / sizeof *bound; i++)
        if ((branch->kind == bound[i].kind) != (strcmp(branch->feature, bound[i].feature) == 0))
            return mrq_fail(err, MRQ_BAD_FILE,
                            "%s.feature: \"%s\" cannot be of kind \"%s\": the feature \"%s\", and it alone, is of kind \"%s\"",
                            path, branch->feature, kind, bound[i].feature, bound[i].feature);
    return MRQ_OK;
}

static bool is_lookup(const mrq_branch *branch)
{
    return branch->kind == MRQ_BRANCH_ID || branch->kind == MRQ_BRANCH_CATEGORY;
}

/* Checks the keys that only some kinds have. */
static mrq_status check_branch(const mrq_branch *branch, const char *path, mrq_error *err)
{
    const char *kind = mrq_branch_kind_names[branch->kind];
    const bool text = branch->kind == MRQ_BRANCH_TEXT;
    if (!branch->embedding)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.embedding: missing", path);
    if (text ? !branch->window || !branch->filters : branch->window || branch->filters)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: window and filters belong to kind \"text\", which needs window and filters", path);
    if (text && branch->window % 2 == 0)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.window: %u, want an odd number", path, branch->window);
    if (branch->fc && !is_lookup(branch))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fc: belongs to kind \"id\" or \"category\", not \"%s\"", path, kind);
    if (branch->dropout > 0 && branch->kind != MRQ_BRANCH_ID && branch->kind != MRQ_BRANCH_RATINGS)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.dropout: belongs to kind \"id\" or \"ratings\", not \"%s\"", path, kind);
    return MRQ_OK;
}

/* The key that sets the width of a branch's output. */
static const char *last_width_key(const mrq_branch *branch)
{
    return branch->kind == MRQ_BRANCH_TEXT                          ? "filters"
           : branch->fc || (is_lookup(branch) && branch->embedding) ? "fc"
                                                                    : "embedding";
}

/* With a joint layer that sums, the output of a branch is as wide as the vector; its width must not be given. */
static mrq_status fill_width(mrq_branch *branch, const char *path, uint32_t width, mrq_error *err)
{
    const char *key = last_width_key(branch);
    uint32_t *last = strcmp(key, "fc") == 0 ? &branch->fc : strcmp(key, "filters") == 0 ? &branch->filters : &branch->embedding;
    if (*last)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.%s: leave it out: with joint.kind \"sum\" it follows from joint.size", path, key);
    *last = width;
    return MRQ_OK;
}

static mrq_status read_branch(const cJSON *item, const char *path, bool user, uint32_t sum_width, bool biased, mrq_branch *branch,
                              mrq_error *err)
{
    static const char *const keys[] = {"feature", "kind", "optional", "embedding", "fc",        "window", "filters",
                                       "unit",    "pool", "dropout",  "lr",        "bias_only", NULL};
    if (!cJSON_IsObject(item))
        return mrq_fail(err, MRQ_BAD_FILE, "%s: want an object", path);
    MRQ_TRY(mrq_json_keys(item, path, keys, err));
    MRQ_TRY(read_name(item, path, "feature", branch->feature, err));
    int kind = -1, unit = MRQ_WORDS, pool = MRQ_POOL_SUM;
    MRQ_TRY(mrq_json_choice(item, path, "kind", mrq_branch_kind_names, &kind, err));
    if (kind < 0)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.kind: missing, want one of id, category, set, text, ratings, history", path);
    branch->kind = (mrq_branch_kind)kind;
    MRQ_TRY(mrq_json_bool(item, path, "optional", &branch->optional, err));
    MRQ_TRY(read_width(item, path, "embedding", &branch->embedding, err));
    MRQ_TRY(read_width(item, path, "fc", &branch->fc, err));
    MRQ_TRY(read_width(item, path, "window", &branch->window, err));
    MRQ_TRY(read_width(item, path, "filters", &branch->filters, err));
    MRQ_TRY(mrq_json_choice(item, path, "unit", unit_names, &unit, err));
    MRQ_TRY(mrq_json_choice(item, path, "pool", mrq_pool_names, &pool, err));
    branch->unit = (mrq_text_unit)unit;
    branch->pool = (mrq_pool)pool;
    MRQ_TRY(mrq_json_real(item, path, "dropout", 0, 0.9, &branch->dropout, err));
    branch->lr = 1;
    MRQ_TRY(mrq_json_real(item, path, "lr", 0.001, 100, &branch->lr, err));
    MRQ_TRY(mrq_json_bool(item, path, "bias_only", &branch->bias_only, err));
    MRQ_TRY(check_kind(branch, path, user, err));
    if (kind != MRQ_BRANCH_TEXT && (cJSON_HasObjectItem(item, "unit") || cJSON_HasObjectItem(item, "pool")))
        return mrq_fail(err, MRQ_BAD_FILE, "%s: unit and pool belong to kind \"text\"", path);
    if (branch->bias_only && !(sum_width && biased))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.bias_only: needs joint.kind \"sum\" and score.bias", path);
    if (sum_width)
        MRQ_TRY(fill_width(branch, path, branch->bias_only ? 1 : sum_width, err));
    return check_branch(branch, path, err);
}

static mrq_status read_tower(const cJSON *towers, const char *source, const char *side, uint32_t sum_width, bool biased,
                             mrq_tower_description *tower, mrq_error *err)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%.100s: towers", source);
    const cJSON *array;
    MRQ_TRY(mrq_json_array(towers, path, side, true, &array, err));
    const int n = cJSON_GetArraySize(array);
    if (n < 1 || n > MRQ_BRANCHES_MAX)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.%s: %d branches, want 1 to %d", path, side, n, MRQ_BRANCHES_MAX);
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        snprintf(path, sizeof path, "%.100s: towers.%s[%u]", source, side, tower->n);
        mrq_branch *branch = &tower->branch[tower->n];
        MRQ_TRY(read_branch(item, path, strcmp(side, "user") == 0, sum_width, biased, branch, err));
        for (uint32_t i = 0; i < tower->n; i++)
            if (strcmp(tower->branch[i].feature, branch->feature) == 0 &&
                (strcmp(branch->feature, "*") != 0 || tower->branch[i].kind == branch->kind))
                return mrq_fail(err, MRQ_BAD_FILE, "%s.feature: \"%s\" is already in towers.%s[%u]", path, branch->feature, side,
                                i);
        tower->n++;
    }
    return MRQ_OK;
}

/* Finds the top-level object `name` and checks its keys against `keys`; `path` (PATH_SIZE) becomes its name for messages. */
static mrq_status open_section(const cJSON *root, const char *source, const char *name, const char *const *keys, char *path,
                               const cJSON **out, mrq_error *err)
{
    snprintf(path, PATH_SIZE, "%.100s:", source);
    MRQ_TRY(mrq_json_object(root, path, name, true, out, err));
    snprintf(path, PATH_SIZE, "%.100s: %s", source, name);
    return keys ? mrq_json_keys(*out, path, keys, err) : MRQ_OK;
}

static mrq_status read_score(const cJSON *root, const char *source, mrq_description *out, mrq_error *err)
{
    static const char *const keys[] = {"kind", "scale", "shift", "bias", NULL};
    char path[PATH_SIZE];
    const cJSON *score;
    int kind = MRQ_COSINE;
    MRQ_TRY(open_section(root, source, "score", keys, path, &score, err));
    MRQ_TRY(mrq_json_choice(score, path, "kind", mrq_score_names, &kind, err));
    MRQ_TRY(mrq_json_bool(score, path, "bias", &out->bias, err));
    out->score = (mrq_score_kind)kind;
    out->scale = 1;
    out->shift = kind == MRQ_DOT ? NAN : 0;
    MRQ_TRY(mrq_json_real(score, path, "scale", 1e-3, 1e3, &out->scale, err));
    MRQ_TRY(mrq_json_real(score, path, "shift", -1e6, 1e6, &out->shift, err));
    if (kind == MRQ_DOT && cJSON_HasObjectItem(score, "scale"))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.scale: belongs to kind \"cosine\"", path);
    if (kind == MRQ_COSINE && out->bias)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.bias: belongs to kind \"dot\"", path);
    return MRQ_OK;
}

static mrq_status read_joint(const cJSON *root, const char *source, mrq_description *out, mrq_error *err)
{
    static const char *const keys[] = {"kind", "size", "activation", "user_activation", NULL};
    char path[PATH_SIZE];
    const cJSON *joint;
    int kind = MRQ_DENSE;
    MRQ_TRY(open_section(root, source, "joint", keys, path, &joint, err));
    MRQ_TRY(mrq_json_choice(joint, path, "kind", mrq_joint_names, &kind, err));
    out->joint = (mrq_joint_kind)kind;
    MRQ_TRY(read_width(joint, path, "size", &out->dim, err));
    if (!out->dim)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.size: missing", path);
    int both = kind == MRQ_SUM ? MRQ_LINEAR : MRQ_TANH;
    MRQ_TRY(mrq_json_choice(joint, path, "activation", mrq_activation_names, &both, err));
    int user = both;
    MRQ_TRY(mrq_json_choice(joint, path, "user_activation", mrq_activation_names, &user, err));
    out->item.activation = (mrq_activation)both;
    out->user.activation = (mrq_activation)user;
    return MRQ_OK;
}

static mrq_status read_closed_form(const cJSON *train, const char *path, mrq_training *out, mrq_error *err)
{
    static const char *const keys[] = {"objective", "l2", "parts", "recency", NULL};
    int parts = MRQ_PARTS_CHOSEN, recency = MRQ_RECENCY_CHOSEN;
    MRQ_TRY(mrq_json_keys(train, path, keys, err));
    MRQ_TRY(mrq_json_choice(train, path, "parts", parts_names, &parts, err));
    MRQ_TRY(mrq_json_choice(train, path, "recency", recency_names, &recency, err));
    *out = (mrq_training){.l2 = 1, .parts = (mrq_parts_kind)parts, .recency = (mrq_recency_use)recency};
    return mrq_json_real(train, path, "l2", mrq_objectives[MRQ_RANKING].l2_min, MRQ_L2_MAX, &out->l2, err);
}

static mrq_status read_gradients(const cJSON *train, const char *path, mrq_training *out, mrq_error *err)
{
    static const char *const keys[] = {"objective", "optimizer", "lr",     "schedule", "l2",         "clip",
                                       "order",     "batch",     "epochs", "patience", "validation", NULL};
    int optimizer = MRQ_ADAM, schedule = MRQ_CONSTANT, order = MRQ_SHUFFLE_RANDOM;
    MRQ_TRY(mrq_json_keys(train, path, keys, err));
    MRQ_TRY(mrq_json_choice(train, path, "optimizer", mrq_optimizer_names, &optimizer, err));
    MRQ_TRY(mrq_json_choice(train, path, "schedule", mrq_schedule_names, &schedule, err));
    MRQ_TRY(mrq_json_choice(train, path, "order", order_names, &order, err));
    *out = (mrq_training){.optimizer = (mrq_optimizer)optimizer,
                          .schedule = (mrq_schedule)schedule,
                          .order = (mrq_shuffle)order,
                          .lr = 1e-3,
                          .epochs = 10};
    MRQ_TRY(mrq_json_real(train, path, "lr", MRQ_LR_MIN, MRQ_LR_MAX, &out->lr, err));
    MRQ_TRY(mrq_json_real(train, path, "l2", 0, MRQ_L2_MAX, &out->l2, err));
    MRQ_TRY(mrq_json_real(train, path, "clip", 0, 1e6, &out->clip, err));
    MRQ_TRY(mrq_json_int(train, path, "batch", 1, MRQ_BATCH_MAX, &out->batch, err));
    MRQ_TRY(mrq_json_int(train, path, "epochs", 1, MRQ_EPOCHS_MAX, &out->epochs, err));
    MRQ_TRY(mrq_json_int(train, path, "patience", 0, MRQ_EPOCHS_MAX, &out->patience, err));
    MRQ_TRY(mrq_json_real(train, path, "validation", 0, 0.5, &out->validation, err));
    if (out->patience && !(out->validation > 0))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.patience: needs a validation share to judge epochs by", path);
    return MRQ_OK;
}

/* Whether all branches are plain rows, without the settings that only gradients use. */
static bool is_solvable(const mrq_tower_description *tower)
{
    for (uint32_t b = 0; b < tower->n; b++) {
        const mrq_branch *branch = &tower->branch[b];
        if (branch->fc || branch->dropout > 0 || branch->lr < 1 || branch->lr > 1)
            return false;
    }
    return true;
}

static mrq_status check_gradients(mrq_description *d, const char *source, mrq_error *err)
{
    if (mrq_description_has(&d->user, MRQ_BRANCH_HISTORY))
        return mrq_fail(err, MRQ_BAD_FILE, "%.100s: towers.user: a history needs train.objective \"ranking\"", source);
    return MRQ_OK;
}

/* The closed form needs a linear model: every branch adds its rows to the vector, and the score is an inner product. */
static mrq_status check_closed_form(mrq_description *d, const char *source, mrq_error *err)
{
    if (d->joint != MRQ_SUM || d->user.activation != MRQ_LINEAR || d->item.activation != MRQ_LINEAR || d->score != MRQ_DOT ||
        d->bias)
        return mrq_fail(
            err, MRQ_BAD_FILE,
            "%.100s: train.objective \"ranking\" needs joint.kind \"sum\", linear activations and score.kind \"dot\" without bias",
            source);
    if (!mrq_description_has(&d->user, MRQ_BRANCH_HISTORY) || mrq_description_has(&d->user, MRQ_BRANCH_ID))
        return mrq_fail(err, MRQ_BAD_FILE, "%.100s: train.objective \"ranking\" needs a history, and no id, in towers.user",
                        source);
    if (!mrq_description_has(&d->item, MRQ_BRANCH_ID) || mrq_description_has(&d->item, MRQ_BRANCH_TEXT) ||
        mrq_description_has(&d->item, MRQ_BRANCH_RATINGS) || mrq_description_has(&d->item, MRQ_BRANCH_CATEGORY))
        return mrq_fail(err, MRQ_BAD_FILE,
                        "%.100s: train.objective \"ranking\" needs an id and sets, and nothing else, in towers.item", source);
    if (!is_solvable(&d->user) || !is_solvable(&d->item))
        return mrq_fail(err, MRQ_BAD_FILE,
                        "%.100s: train.objective \"ranking\" needs branches without embedding, fc, dropout and lr", source);
    if (isnan(d->shift))
        d->shift = 0; /* the scores are not ratings, so no mean is added */
    return MRQ_OK;
}

/* How the settings of each objective are read, and how its towers are checked. */
static const struct {
    mrq_status (*read)(const cJSON *train, const char *path, mrq_training *out, mrq_error *err);
    mrq_status (*check)(mrq_description *d, const char *source, mrq_error *err);
} objectives[] = {[MRQ_RATING] = {read_gradients, check_gradients}, [MRQ_RANKING] = {read_closed_form, check_closed_form}};
const mrq_objective_traits mrq_objectives[] = {
    [MRQ_RATING] = {"rating", false, false, 0}, [MRQ_RANKING] = {"ranking", true, true, 1e-3}, {NULL, false, false, 0}};

static mrq_status read_train(const cJSON *root, const char *source, mrq_description *description, mrq_error *err)
{
    char path[PATH_SIZE];
    const cJSON *train;
    const char *names[sizeof mrq_objectives / sizeof *mrq_objectives];
    int objective = MRQ_RATING;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        names[i] = mrq_objectives[i].name;
    MRQ_TRY(open_section(root, source, "train", NULL, path, &train, err));
    MRQ_TRY(mrq_json_choice(train, path, "objective", names, &objective, err));
    MRQ_TRY(objectives[objective].read(train, path, &description->train, err));
    description->train.objective = (mrq_objective)objective;
    return objectives[objective].check(description, source, err);
}

mrq_status mrq_description_parse(const char *text, size_t size, const char *source, mrq_description *out, mrq_error *err)
{
    static const char *const keys[] = {"name", "about", "score", "joint", "towers", "train", NULL}, *const sides[] = {"user",
                                                                                                                      "item", NULL};
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = NULL;
    MRQ_TRY(mrq_json_parse(text, size, source, &root, err));
    mrq_description description = {0};
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%.100s:", source);
    const char *about;
    const cJSON *towers;
    MRQ_TRY(mrq_json_keys(root, path, keys, err));
    MRQ_TRY(read_name(root, path, "name", description.name, err));
    MRQ_TRY(mrq_json_text(root, path, "about", false, &about, err));
    if (about && (strlen(about) >= sizeof description.about || !mrq_utf8_is_plain(about)))
        return mrq_fail(err, MRQ_BAD_FILE, "%s about: want one line of less than %zu bytes", path, sizeof description.about);
    strcpy(description.about, about ? about : "");
    MRQ_TRY(read_score(root, source, &description, err));
    MRQ_TRY(read_joint(root, source, &description, err));
    const uint32_t sum_width = description.joint == MRQ_SUM ? mrq_description_width(&description) : 0;
    MRQ_TRY(mrq_json_object(root, path, "towers", true, &towers, err));
    snprintf(path, sizeof path, "%.100s: towers", source);
    MRQ_TRY(mrq_json_keys(towers, path, sides, err));
    MRQ_TRY(read_tower(towers, source, "user", sum_width, description.bias, &description.user, err));
    MRQ_TRY(read_tower(towers, source, "item", sum_width, description.bias, &description.item, err));
    MRQ_TRY(read_train(root, source, &description, err));
    *out = description;
    return MRQ_OK;
}

mrq_status mrq_description_load(const char *name, mrq_description *out, mrq_error *err)
{
    char presets[200] = "";
    for (const mrq_asset *asset = mrq_presets; asset->name; asset++) {
        if (strcmp(asset->name, name) == 0)
            return mrq_description_parse(asset->text, strlen(asset->text), name, out, err);
        snprintf(presets + strlen(presets), sizeof presets - strlen(presets), "%s%s", *presets ? ", " : "", asset->name);
    }
    if (!strchr(name, '/') && !strchr(name, '.'))
        return mrq_fail(err, MRQ_NOT_FOUND, "no model \"%.60s\": want one of %s, or a FILE.json", name, presets);
    mrq_map map;
    MRQ_TRY(mrq_map_open(&map, name, err));
    const char *slash = strrchr(name, '/');
    const mrq_status status = mrq_description_parse((const char *)map.data, map.size, slash ? slash + 1 : name, out, err);
    mrq_map_close(&map);
    return status;
}

/* A number to write unless it is 0, which is the default of all of these. */
struct number {
    const char *key;
    double value;
};

static bool write_numbers(cJSON *object, const struct number *number, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (number[i].value > 0 && !cJSON_AddNumberToObject(object, number[i].key, number[i].value))
            return false;
    return true;
}

static bool write_branch(cJSON *array, const mrq_branch *branch, bool sum)
{
    cJSON *item = mrq_json_append_object(array);
    const struct number numbers[] = {{"embedding", branch->embedding}, {"fc", branch->fc},
                                     {"window", branch->window},       {"filters", branch->filters},
                                     {"dropout", branch->dropout},     {"lr", branch->lr < 1 || branch->lr > 1 ? branch->lr : 0}};
    const bool ok = cJSON_AddStringToObject(item, "feature", branch->feature) &&
                    cJSON_AddStringToObject(item, "kind", mrq_branch_kind_names[branch->kind]) &&
                    (!branch->optional || cJSON_AddTrueToObject(item, "optional")) &&
                    (!branch->unit || cJSON_AddStringToObject(item, "unit", unit_names[branch->unit])) &&
                    (!branch->pool || cJSON_AddStringToObject(item, "pool", mrq_pool_names[branch->pool])) &&
                    (!branch->bias_only || cJSON_AddTrueToObject(item, "bias_only")) &&
                    write_numbers(item, numbers, sizeof numbers / sizeof *numbers);
    if (sum)
        cJSON_DeleteItemFromObject(item, branch->kind == MRQ_BRANCH_TEXT ? "filters" : branch->fc ? "fc" : "embedding");
    return ok;
}

static bool write_tower(cJSON *towers, const char *side, const mrq_tower_description *tower, bool sum)
{
    cJSON *array = cJSON_AddArrayToObject(towers, side);
    bool ok = array;
    for (uint32_t i = 0; ok && i < tower->n; i++)
        ok = write_branch(array, &tower->branch[i], sum);
    return ok;
}

static bool write_score(cJSON *root, const mrq_description *d)
{
    cJSON *score = cJSON_AddObjectToObject(root, "score");
    return score && cJSON_AddStringToObject(score, "kind", mrq_score_names[d->score]) &&
           (d->score == MRQ_DOT || cJSON_AddNumberToObject(score, "scale", d->scale)) &&
           (isnan(d->shift) || (d->score == MRQ_COSINE && !(d->shift > 0 || d->shift < 0)) ||
            cJSON_AddNumberToObject(score, "shift", d->shift)) &&
           (!d->bias || cJSON_AddTrueToObject(score, "bias"));
}

static bool write_joint(cJSON *root, const mrq_description *d)
{
    cJSON *joint = cJSON_AddObjectToObject(root, "joint");
    return joint && cJSON_AddStringToObject(joint, "kind", mrq_joint_names[d->joint]) &&
           cJSON_AddNumberToObject(joint, "size", d->dim) &&
           cJSON_AddStringToObject(joint, "activation", mrq_activation_names[d->item.activation]) &&
           cJSON_AddStringToObject(joint, "user_activation", mrq_activation_names[d->user.activation]);
}

static bool write_train(cJSON *root, const mrq_training *t)
{
    const struct number numbers[] = {{"lr", t->lr},
                                     {"l2", t->l2},
                                     {"clip", t->clip},
                                     {"batch", (double)t->batch},
                                     {"epochs", (double)t->epochs},
                                     {"patience", (double)t->patience},
                                     {"validation", t->validation}};
    cJSON *train = cJSON_AddObjectToObject(root, "train");
    if (mrq_objectives[t->objective].closed_form)
        return train && cJSON_AddStringToObject(train, "objective", mrq_objectives[t->objective].name) &&
               cJSON_AddNumberToObject(train, "l2", t->l2) && cJSON_AddStringToObject(train, "parts", parts_names[t->parts]) &&
               cJSON_AddStringToObject(train, "recency", recency_names[t->recency]);
    return train && cJSON_AddStringToObject(train, "optimizer", mrq_optimizer_names[t->optimizer]) &&
           cJSON_AddStringToObject(train, "schedule", mrq_schedule_names[t->schedule]) &&
           cJSON_AddStringToObject(train, "order", order_names[t->order]) &&
           write_numbers(train, numbers, sizeof numbers / sizeof *numbers);
}

cJSON *mrq_description_json(const mrq_description *d)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = cJSON_CreateObject();
    cJSON *towers;
    const bool ok = cJSON_AddStringToObject(root, "name", d->name) && cJSON_AddStringToObject(root, "about", d->about) &&
                    write_score(root, d) && write_joint(root, d) && (towers = cJSON_AddObjectToObject(root, "towers")) &&
                    write_tower(towers, "user", &d->user, d->joint == MRQ_SUM) &&
                    write_tower(towers, "item", &d->item, d->joint == MRQ_SUM) && write_train(root, &d->train);
    if (!ok)
        return NULL;
    cJSON *made = root;
    root = NULL;
    return made;
}

bool mrq_description_has(const mrq_tower_description *tower, mrq_branch_kind kind)
{
    for (uint32_t b = 0; b < tower->n; b++)
        if (tower->branch[b].kind == kind)
            return true;
    return false;
}

uint32_t mrq_description_width(const mrq_description *d)
{
    return d->dim + d->bias;
}

uint32_t mrq_description_dim(const mrq_description *d)
{
    return d->score == MRQ_DOT ? mrq_description_width(d) + 1 : d->dim;
}
