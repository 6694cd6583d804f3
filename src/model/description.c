/* Model descriptions: JSON in, checked key by key, and out again for the model file. */
#include "model/description.h"

#include <stdio.h>
#include <string.h>

#include "base/asset.h"
#include "base/file.h"
#include "base/utf8.h"

static const char *const kind_names[] = {"id", "category", "set", "text", NULL};
static const char *const activation_names[] = {"linear", "tanh", NULL};
static const char *const optimizer_names[] = {"sgd", "adam", NULL};
static const char *const score_names[] = {"cosine", NULL};

#define WIDTH_MAX 1024
#define PATH_SIZE 160

/* Printed on terminals and kept in files: no control characters. */
static bool is_plain(const char *text)
{
    uint32_t code;
    for (size_t n; *text; text += n)
        if ((n = mrq_utf8_read(text, strlen(text), &code)) == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
            return false;
    return true;
}

static mrq_status read_name(const cJSON *object, const char *path, const char *key, char out[MRQ_FEATURE_NAME], mrq_error *err)
{
    const char *text;
    MRQ_TRY(mrq_json_text(object, path, key, true, &text, err));
    if (!*text || strlen(text) >= MRQ_FEATURE_NAME)
        return mrq_fail(err, MRQ_BAD_FILE, "%s %s: \"%.40s\", want 1 to %d bytes", path, key, text, MRQ_FEATURE_NAME - 1);
    if (!is_plain(text))
        return mrq_fail(err, MRQ_BAD_FILE, "%s %s: \"%.40s\", want no control characters", path, key, text);
    strcpy(out, text);
    return MRQ_OK;
}

/* A width: absent leaves 0. */
static mrq_status read_width(const cJSON *object, const char *path, const char *key, uint32_t *out, mrq_error *err)
{
    int64_t value = 0;
    MRQ_TRY(mrq_json_int(object, path, key, 1, WIDTH_MAX, &value, err));
    *out = (uint32_t)value;
    return MRQ_OK;
}

/* Keys that only some kinds have. */
static mrq_status check_branch(const mrq_branch *branch, const char *path, bool user, mrq_error *err)
{
    const char *kind = kind_names[branch->kind];
    const bool text = branch->kind == MRQ_BRANCH_TEXT,
               lookup = branch->kind == MRQ_BRANCH_ID || branch->kind == MRQ_BRANCH_CATEGORY;
    if (user && !lookup)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.kind: \"%s\", want one of id, category on the user's side", path, kind);
    if ((branch->kind == MRQ_BRANCH_ID) != (strcmp(branch->feature, "id") == 0))
        return mrq_fail(err, MRQ_BAD_FILE,
                        "%s.feature: \"%s\" cannot be of kind \"%s\": the feature \"id\", and it alone, is of kind \"id\"", path,
                        branch->feature, kind);
    if (!branch->embedding)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.embedding: missing", path);
    if (text ? !branch->window || !branch->filters : branch->window || branch->filters)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: window and filters belong to kind \"text\", which needs both", path);
    if (text && branch->window % 2 == 0)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.window: %u, want an odd number", path, branch->window);
    if (branch->fc && !lookup)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fc: belongs to kind \"id\" or \"category\", not \"%s\"", path, kind);
    if (branch->dropout > 0 && branch->kind != MRQ_BRANCH_ID)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.dropout: belongs to kind \"id\", not \"%s\"", path, kind);
    return MRQ_OK;
}

static mrq_status read_branch(const cJSON *item, const char *path, bool user, mrq_branch *branch, mrq_error *err)
{
    static const char *const keys[] = {"feature", "kind", "optional", "embedding", "fc", "window", "filters", "dropout", NULL};
    if (!cJSON_IsObject(item))
        return mrq_fail(err, MRQ_BAD_FILE, "%s: want an object", path);
    MRQ_TRY(mrq_json_keys(item, path, keys, err));
    MRQ_TRY(read_name(item, path, "feature", branch->feature, err));
    int kind = -1;
    MRQ_TRY(mrq_json_choice(item, path, "kind", kind_names, &kind, err));
    if (kind < 0)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.kind: missing, want one of id, category, set, text", path);
    branch->kind = (mrq_branch_kind)kind;
    MRQ_TRY(mrq_json_bool(item, path, "optional", &branch->optional, err));
    MRQ_TRY(read_width(item, path, "embedding", &branch->embedding, err));
    MRQ_TRY(read_width(item, path, "fc", &branch->fc, err));
    MRQ_TRY(read_width(item, path, "window", &branch->window, err));
    MRQ_TRY(read_width(item, path, "filters", &branch->filters, err));
    MRQ_TRY(mrq_json_real(item, path, "dropout", 0, 0.9, &branch->dropout, err));
    return check_branch(branch, path, user, err);
}

static mrq_status read_tower(const cJSON *towers, const char *source, const char *side, mrq_tower_description *tower,
                             mrq_error *err)
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
        MRQ_TRY(read_branch(item, path, strcmp(side, "user") == 0, branch, err));
        for (uint32_t i = 0; i < tower->n; i++)
            if (strcmp(tower->branch[i].feature, branch->feature) == 0)
                return mrq_fail(err, MRQ_BAD_FILE, "%s.feature: \"%s\" stands in towers.%s[%u] already", path, branch->feature,
                                side, i);
        tower->n++;
    }
    return MRQ_OK;
}

static mrq_status read_joint(const cJSON *root, const char *source, mrq_description *out, mrq_error *err)
{
    static const char *const joint_keys[] = {"size", "activation", NULL}, *const score_keys[] = {"kind", "scale", NULL};
    char path[PATH_SIZE], top[PATH_SIZE];
    snprintf(top, sizeof top, "%.100s:", source);
    const cJSON *joint, *score;
    MRQ_TRY(mrq_json_object(root, top, "joint", true, &joint, err));
    snprintf(path, sizeof path, "%.100s: joint", source);
    MRQ_TRY(mrq_json_keys(joint, path, joint_keys, err));
    MRQ_TRY(read_width(joint, path, "size", &out->dim, err));
    if (!out->dim)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.size: missing", path);
    int activation = MRQ_TANH, kind = 0;
    MRQ_TRY(mrq_json_choice(joint, path, "activation", activation_names, &activation, err));
    out->activation = (mrq_activation)activation;

    MRQ_TRY(mrq_json_object(root, top, "score", true, &score, err));
    snprintf(path, sizeof path, "%.100s: score", source);
    MRQ_TRY(mrq_json_keys(score, path, score_keys, err));
    MRQ_TRY(mrq_json_choice(score, path, "kind", score_names, &kind, err));
    out->scale = 1;
    return mrq_json_real(score, path, "scale", 1e-3, 1e3, &out->scale, err);
}

static mrq_status read_train(const cJSON *root, const char *source, mrq_description *out, mrq_error *err)
{
    static const char *const keys[] = {"optimizer", "lr", "batch", "epochs", "validation", NULL};
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%.100s:", source);
    const cJSON *train;
    MRQ_TRY(mrq_json_object(root, path, "train", true, &train, err));
    snprintf(path, sizeof path, "%.100s: train", source);
    MRQ_TRY(mrq_json_keys(train, path, keys, err));
    int optimizer = MRQ_ADAM;
    MRQ_TRY(mrq_json_choice(train, path, "optimizer", optimizer_names, &optimizer, err));
    out->train.optimizer = (mrq_optimizer)optimizer;
    out->train.lr = 1e-3;
    out->train.batch = 256;
    out->train.epochs = 10;
    MRQ_TRY(mrq_json_real(train, path, "lr", MRQ_LR_MIN, MRQ_LR_MAX, &out->train.lr, err));
    MRQ_TRY(mrq_json_int(train, path, "batch", 1, MRQ_BATCH_MAX, &out->train.batch, err));
    MRQ_TRY(mrq_json_int(train, path, "epochs", 1, MRQ_EPOCHS_MAX, &out->train.epochs, err));
    return mrq_json_real(train, path, "validation", 0, 0.5, &out->train.validation, err);
}

mrq_status mrq_description_parse(const char *text, size_t size, const char *source, mrq_description *out, mrq_error *err)
{
    static const char *const keys[] = {"name", "about", "score", "joint", "towers", "train", NULL}, *const sides[] = {
                                                                                                        "user", "movie", NULL};
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
    if (about && (strlen(about) >= sizeof description.about || !is_plain(about)))
        return mrq_fail(err, MRQ_BAD_FILE, "%s about: want one line of less than %zu bytes", path, sizeof description.about);
    strcpy(description.about, about ? about : "");
    MRQ_TRY(read_joint(root, source, &description, err));
    MRQ_TRY(mrq_json_object(root, path, "towers", true, &towers, err));
    snprintf(path, sizeof path, "%.100s: towers", source);
    MRQ_TRY(mrq_json_keys(towers, path, sides, err));
    MRQ_TRY(read_tower(towers, source, "user", &description.user, err));
    MRQ_TRY(read_tower(towers, source, "movie", &description.movie, err));
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

static bool write_branch(cJSON *array, const mrq_branch *branch)
{
    cJSON *item = cJSON_CreateObject();
    if (!item || !cJSON_AddItemToArray(array, item)) {
        cJSON_Delete(item);
        return false;
    }
    bool ok = cJSON_AddStringToObject(item, "feature", branch->feature) &&
              cJSON_AddStringToObject(item, "kind", kind_names[branch->kind]) &&
              (!branch->optional || cJSON_AddTrueToObject(item, "optional"));
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"embedding", branch->embedding},
                   {"fc", branch->fc},
                   {"window", branch->window},
                   {"filters", branch->filters},
                   {"dropout", branch->dropout}};
    for (size_t i = 0; ok && i < sizeof numbers / sizeof *numbers; i++)
        ok = !(numbers[i].value > 0) || cJSON_AddNumberToObject(item, numbers[i].key, numbers[i].value);
    return ok;
}

static bool write_tower(cJSON *towers, const char *side, const mrq_tower_description *tower)
{
    cJSON *array = cJSON_AddArrayToObject(towers, side);
    bool ok = array;
    for (uint32_t i = 0; ok && i < tower->n; i++)
        ok = write_branch(array, &tower->branch[i]);
    return ok;
}

cJSON *mrq_description_json(const mrq_description *d)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = cJSON_CreateObject();
    cJSON *score, *joint, *towers, *train;
    const bool ok = cJSON_AddStringToObject(root, "name", d->name) && cJSON_AddStringToObject(root, "about", d->about) &&
                    (score = cJSON_AddObjectToObject(root, "score")) && cJSON_AddStringToObject(score, "kind", score_names[0]) &&
                    cJSON_AddNumberToObject(score, "scale", d->scale) && (joint = cJSON_AddObjectToObject(root, "joint")) &&
                    cJSON_AddNumberToObject(joint, "size", d->dim) &&
                    cJSON_AddStringToObject(joint, "activation", activation_names[d->activation]) &&
                    (towers = cJSON_AddObjectToObject(root, "towers")) && write_tower(towers, "user", &d->user) &&
                    write_tower(towers, "movie", &d->movie) && (train = cJSON_AddObjectToObject(root, "train")) &&
                    cJSON_AddStringToObject(train, "optimizer", optimizer_names[d->train.optimizer]) &&
                    cJSON_AddNumberToObject(train, "lr", d->train.lr) &&
                    cJSON_AddNumberToObject(train, "batch", (double)d->train.batch) &&
                    cJSON_AddNumberToObject(train, "epochs", (double)d->train.epochs) &&
                    cJSON_AddNumberToObject(train, "validation", d->train.validation);
    if (!ok)
        return NULL;
    cJSON *made = root;
    root = NULL;
    return made;
}
