/* Model room: descriptions, kernels, towers against the reference, folding, the model file. */
#include "base/asset.h"
#include "base/cpu.h"
#include "model/baseline.h"
#include "model/gemm.h"
#include "unit/reference.h"
#include "unit/small_world.h"

static mrq_error err;

#define TOWERS(user, item)                                                                                                         \
    "{\"name\":\"t\",\"score\":{\"kind\":\"cosine\",\"scale\":5},\"joint\":{\"size\":24,\"activation\":\"tanh\"},\"towers\":{"     \
    "\"user\":[" user "],\"item\":[" item "]},\"train\":{}}"
#define USER_ID "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":8,\"fc\":8,\"dropout\":0.1}"
#define ITEM_ID "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":8,\"fc\":8}"

static mrq_status parse(const char *text, mrq_description *out)
{
    return mrq_description_parse(text, strlen(text), "t.json", out, &err);
}

static void test_description_refuses(void **state)
{
    (void)state;
    mrq_description d;
    assert_fails(parse("", &d), MRQ_BAD_FILE, "t.json:1: not valid JSON");
    assert_fails(parse("{} x", &d), MRQ_BAD_FILE, "not valid JSON");
    assert_fails(parse("[]", &d), MRQ_BAD_FILE, "want a JSON object");
    assert_fails(parse("{}", &d), MRQ_BAD_FILE, "t.json: name: missing");
    assert_fails(parse("{\"foo\":1}", &d), MRQ_BAD_FILE, "t.json: foo: unknown key");
    assert_fails(parse("{\"name\":\"a\",\"name\":\"b\"}", &d), MRQ_BAD_FILE, "name: given twice");
    assert_fails(parse(TOWERS("", ITEM_ID), &d), MRQ_BAD_FILE, "towers.user: 0 branches, want 1 to 16");
    assert_fails(parse(TOWERS(USER_ID ",{\"feature\":\"x\",\"kind\":\"foo\"}", ITEM_ID), &d), MRQ_BAD_FILE,
                 "t.json: towers.user[1].kind: \"foo\", want one of id, category, set, text");
    assert_fails(parse(TOWERS(USER_ID "," USER_ID, ITEM_ID), &d), MRQ_BAD_FILE,
                 "towers.user[1].feature: \"id\" is already in towers.user[0]");
    assert_fails(parse(TOWERS("{\"feature\":\"g\",\"kind\":\"text\",\"embedding\":8}", ITEM_ID), &d), MRQ_BAD_FILE,
                 "towers.user[0].kind: \"text\", want one of id, category, set, history on the user's side");
    assert_fails(parse(TOWERS("{\"feature\":\"g\",\"kind\":\"id\",\"embedding\":8}", ITEM_ID), &d), MRQ_BAD_FILE,
                 "cannot be of kind \"id\"");
    assert_fails(parse(TOWERS(USER_ID, "{\"feature\":\"t\",\"kind\":\"text\",\"embedding\":8}"), &d), MRQ_BAD_FILE,
                 "needs window and filters");
    assert_fails(parse(TOWERS(USER_ID, "{\"feature\":\"t\",\"kind\":\"text\",\"embedding\":8,\"window\":2,\"filters\":4}"), &d),
                 MRQ_BAD_FILE, "towers.item[0].window: 2, want an odd number");
    assert_fails(parse(TOWERS(USER_ID, "{\"feature\":\"t\",\"kind\":\"set\",\"embedding\":0}"), &d), MRQ_BAD_FILE,
                 "towers.item[0].embedding: 0, want a whole number, 1 to 1024");
    assert_fails(parse(TOWERS(USER_ID, "{\"feature\":\"t\",\"kind\":\"set\",\"embedding\":1.5}"), &d), MRQ_BAD_FILE,
                 "embedding: 1.5, want");
    assert_fails(parse(TOWERS(USER_ID, "{\"feature\":\"t\",\"kind\":\"set\"}"), &d), MRQ_BAD_FILE,
                 "towers.item[0].embedding: missing");
    assert_fails(mrq_description_load("nope", &d, &err), MRQ_NOT_FOUND, "no model \"nope\": want one of fusion");
    assert_fails(mrq_description_load("/nowhere/x.json", &d, &err), MRQ_NOT_FOUND, "/nowhere/x.json");
}

/* Descriptions that are wrong in one place: the rest is right for it. */
static const char user_id[] = "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":8}",
                  factor[] = "{\"feature\":\"id\",\"kind\":\"id\"}";

struct parts {
    const char *score, *joint, *user, *item, *train;
};

static mrq_status parse_parts(const struct parts *p, mrq_description *out)
{
    const bool sum = p->joint && strstr(p->joint, "\"sum\"");
    char text[4000];
    snprintf(text, sizeof text,
             "{\"name\":\"t\",\"score\":{%s},\"joint\":{%s},\"towers\":{\"user\":[%s],\"item\":[%s]},\"train\":{%s}}",
             p->score ? p->score : "\"scale\":5", p->joint ? p->joint : "\"size\":24",
             p->user ? p->user
             : sum   ? factor
                     : user_id,
             p->item ? p->item
             : sum   ? factor
                     : user_id,
             p->train ? p->train : "");
    return parse(text, out);
}

#define BRANCH(feature, kind, rest) "{\"feature\":\"" feature "\",\"kind\":\"" kind "\"" rest "}"
#define JOINT_SUM                   "\"kind\":\"sum\",\"size\":24"
#define DOT_BIAS                    "\"kind\":\"dot\",\"bias\":true"

static void test_description_refuses_each_wrong_value(void **state)
{
    (void)state;
    static const struct {
        struct parts parts;
        const char *sentence;
    } wrong[] = {
        {{.score = "\"kind\":\"foo\""}, "t.json: score.kind: \"foo\", want one of cosine, dot"},
        {{.score = "\"kind\":1"}, "score.kind: 1, want one of"},
        {{.score = "\"scale\":0"}, "t.json: score.scale: 0, want a number, 0.001 to 1000"},
        {{.score = "\"scale\":1001"}, "score.scale: 1001, want"},
        {{.score = "\"shift\":-1000001"}, "t.json: score.shift: -1000001, want a number, -1000000 to 1000000"},
        {{.score = "\"shift\":null"}, "score.shift: null, want a number"},
        {{.score = "\"kind\":\"dot\",\"bias\":1"}, "t.json: score.bias: 1, want true or false"},
        {{.score = "\"kind\":\"dot\",\"scale\":5"}, "t.json: score.scale: belongs to kind \"cosine\""},
        {{.score = "\"kind\":\"cosine\",\"bias\":true"}, "t.json: score.bias: belongs to kind \"dot\""},
        {{.score = "\"offset\":1"}, "t.json: score.offset: unknown key, want one of kind, scale, shift, bias"},
        {{.joint = "\"size\":24,\"kind\":\"product\""}, "t.json: joint.kind: \"product\", want one of dense, sum"},
        {{.joint = "\"kind\":\"dense\""}, "t.json: joint.size: missing"},
        {{.joint = "\"size\":1025"}, "t.json: joint.size: 1025, want a whole number, 1 to 1024"},
        {{.joint = "\"size\":24,\"activation\":\"relu\""}, "t.json: joint.activation: \"relu\", want one of linear, tanh"},
        {{.joint = "\"size\":24,\"user_activation\":0"}, "t.json: joint.user_activation: 0, want one of linear, tanh"},
        {{.joint = "\"size\":24,\"item_activation\":\"tanh\""}, "joint.item_activation: unknown key"},
        {{.user = BRANCH("a", "foo", "")}, "t.json: towers.user[0].kind: \"foo\", want one of id, category, set, text, ratings"},
        {{.user = BRANCH("ratings", "ratings", ",\"embedding\":8")}, "towers.user[0].kind: \"ratings\", want one of id, category"},
        {{.item = BRANCH("r", "ratings", ",\"embedding\":8")}, "feature: \"r\" cannot be of kind \"ratings\""},
        {{.item = BRANCH("ratings", "set", ",\"embedding\":8")}, "feature: \"ratings\" cannot be of kind \"set\""},
        {{.item = BRANCH("g", "set", ",\"embedding\":8,\"fc\":8")}, "towers.item[0].fc: belongs to kind \"id\" or \"category\""},
        {{.item = BRANCH("ratings", "ratings", ",\"embedding\":8,\"fc\":8")}, "item[0].fc: belongs to kind"},
        {{.item = BRANCH("id", "id", ",\"embedding\":8,\"window\":3")}, "towers.item[0]: window and filters belong to"},
        {{.item = BRANCH("id", "id", ",\"embedding\":8,\"filters\":3")}, "towers.item[0]: window and filters belong"},
        {{.item = BRANCH("g", "set", ",\"embedding\":8,\"unit\":\"character\"")}, "item[0]: unit and pool belong to kind"},
        {{.item = BRANCH("g", "set", ",\"embedding\":8,\"pool\":\"sum\"")}, "item[0]: unit and pool belong to kind"},
        {{.item = BRANCH("g", "set", ",\"embedding\":8,\"pool\":\"average\"")}, "item[0]: unit and pool belong to kind"},
        {{.item = BRANCH("t", "text", ",\"embedding\":8,\"filters\":3")}, "which needs window and filters"},
        {{.item = BRANCH("t", "text", ",\"embedding\":8,\"window\":3")}, "which needs window and filters"},
        {{.item = BRANCH("t", "text", ",\"embedding\":8,\"window\":3,\"filters\":4,\"unit\":\"byte\"")},
         "towers.item[0].unit: \"byte\", want one of word, character"},
        {{.item = BRANCH("t", "text", ",\"embedding\":8,\"window\":3,\"filters\":4,\"pool\":\"max\"")},
         "towers.item[0].pool: \"max\", want one of sum, average"},
        {{.user = BRANCH("g", "category", ",\"embedding\":8,\"dropout\":0.5")}, "towers.user[0].dropout: belongs to kind \"id\""},
        {{.user = BRANCH("id", "id", ",\"embedding\":8,\"dropout\":0.91")},
         "towers.user[0].dropout: 0.91, want a number, 0 to 0.9"},
        {{.user = BRANCH("id", "id", ",\"embedding\":8,\"lr\":0")}, "towers.user[0].lr: 0, want a number, 0.001 to"},
        {{.user = BRANCH("id", "id", ",\"embedding\":8,\"lr\":1001")}, "towers.user[0].lr: 1001, want"},
        {{.user = BRANCH("id", "id", ",\"embedding\":8,\"optional\":\"yes\"")}, "user[0].optional: \"yes\", want true or false"},
        {{.user = BRANCH("id", "id", ",\"embedding\":8,\"bias_only\":true"), .score = DOT_BIAS},
         "towers.user[0].bias_only: needs joint.kind \"sum\" and score.bias"},
        {{.user = BRANCH("id", "id", ",\"bias_only\":true"), .joint = JOINT_SUM}, "towers.user[0].bias_only: needs"},
        {{.joint = JOINT_SUM, .user = user_id}, NULL}, /* a layer behind the embedding */
        {{.joint = JOINT_SUM, .user = BRANCH("id", "id", ",\"embedding\":8,\"fc\":24")}, "towers.user[0].fc: leave it out: with"},
        {{.joint = JOINT_SUM, .user = BRANCH("id", "id", ",\"fc\":24")},
         "towers.user[0].fc: leave it out: with joint.kind \"sum\""},
        {{.joint = JOINT_SUM, .item = BRANCH("g", "set", ",\"embedding\":24")}, "towers.item[0].embedding: leave it out"},
        {{.joint = JOINT_SUM, .item = BRANCH("ratings", "ratings", ",\"embedding\":24")}, "towers.item[0].embedding: leave it out"},
        {{.joint = JOINT_SUM, .item = BRANCH("t", "text", ",\"embedding\":8,\"window\":3,\"filters\":24")},
         "towers.item[0].filters: leave it out"},
        {{.joint = JOINT_SUM, .item = BRANCH("t", "text", ",\"window\":3")}, "towers.item[0].embedding: missing"},
        {{.train = "\"optimizer\":\"adagrad\""}, "t.json: train.optimizer: \"adagrad\", want one of sgd, momentum, rmsprop, adam"},
        {{.train = "\"lr\":0"}, "t.json: train.lr: 0, want a number, 1e-09 to 1000"},
        {{.train = "\"lr\":\"1\""}, "train.lr: \"1\", want a number"},
        {{.train = "\"schedule\":\"step\""}, "t.json: train.schedule: \"step\", want one of constant, linear, cosine"},
        {{.train = "\"order\":\"user\""}, "t.json: train.order: \"user\", want one of random, item"},
        {{.train = "\"l2\":-0.1"}, "t.json: train.l2: -0.1, want a number, 0 to 1"},
        {{.train = "\"clip\":-1"}, "t.json: train.clip: -1, want a number, 0 to 1000000"},
        {{.train = "\"batch\":0"}, "t.json: train.batch: 0, want a whole number, 1 to 1000000"},
        {{.train = "\"epochs\":1.5"}, "t.json: train.epochs: 1.5, want a whole number, 1 to 10000"},
        {{.train = "\"patience\":-1,\"validation\":0.1"}, "t.json: train.patience: -1, want a whole number, 0 to 10000"},
        {{.train = "\"patience\":3"}, "t.json: train.patience: needs a validation share to judge epochs by"},
        {{.train = "\"patience\":3,\"validation\":0"}, "train.patience: needs a validation share"},
        {{.train = "\"validation\":0.6"}, "t.json: train.validation: 0.6, want a number, 0 to 0.5"},
        {{.train = "\"momentum\":0.9"}, "t.json: train.momentum: unknown key"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        mrq_description d;
        if (wrong[i].sentence)
            assert_fails(parse_parts(&wrong[i].parts, &d), MRQ_BAD_FILE, wrong[i].sentence);
        else
            assert_ok(parse_parts(&wrong[i].parts, &d));
    }
}

static void test_description_defaults(void **state)
{
    (void)state;
    mrq_description d;
    assert_ok(parse_parts(&(struct parts){.score = ""}, &d));
    assert_true(d.score == MRQ_COSINE && d.scale == 1 && d.shift == 0 && !d.bias);
    assert_true(d.joint == MRQ_DENSE && d.user.activation == MRQ_TANH && d.item.activation == MRQ_TANH);
    assert_true(d.train.optimizer == MRQ_ADAM && d.train.schedule == MRQ_CONSTANT && d.train.order == MRQ_SHUFFLE_RANDOM);
    assert_true(d.train.l2 == 0 && d.train.clip == 0 && d.train.patience == 0 && d.train.validation == 0);
    assert_true(d.user.branch[0].lr == 1 && mrq_description_width(&d) == 24 && mrq_description_dim(&d) == 24);
    assert_ok(parse_parts(&(struct parts){.score = DOT_BIAS, .joint = JOINT_SUM}, &d));
    assert_true(d.score == MRQ_DOT && d.bias && isnan(d.shift));
    assert_true(d.joint == MRQ_SUM && d.user.activation == MRQ_LINEAR && d.item.activation == MRQ_LINEAR);
    assert_int_equal(d.user.branch[0].embedding, 25); /* the bias is one of the numbers that are added */
    assert_true(mrq_description_width(&d) == 25 && mrq_description_dim(&d) == 26);
    assert_ok(parse_parts(&(struct parts){.score = "\"kind\":\"dot\"", .joint = JOINT_SUM ",\"activation\":\"tanh\""}, &d));
    assert_true(isnan(d.shift) && d.user.activation == MRQ_TANH && d.item.activation == MRQ_TANH);
    assert_true(mrq_description_width(&d) == 24 && mrq_description_dim(&d) == 25);
}

/* Written and read again it is the same. */
static void check_round_trip(const mrq_description *d)
{
    mrq_description back;
    cJSON *json = mrq_description_json(d);
    char *text = cJSON_Print(json);
    assert_ok(parse(text, &back));
    assert_memory_equal(d, &back, sizeof back);
    mrq_free(text);
    cJSON_Delete(json);
}

static void test_description_round_trip(void **state)
{
    (void)state;
    mrq_description d;
    assert_ok(mrq_description_load("fusion", &d, &err));
    assert_int_equal(d.dim, 200);
    assert_int_equal(d.user.n, 3);
    assert_int_equal(d.item.n, 4);
    for (const mrq_asset *preset = mrq_presets; preset->name; preset++) {
        assert_ok(mrq_description_load(preset->name, &d, &err));
        check_round_trip(&d);
    }
    static const struct parts parts[] = {
        {.score = "\"scale\":2.5,\"shift\":-0.125", .train = "\"optimizer\":\"sgd\",\"schedule\":\"linear\",\"lr\":0.3"},
        {.score = "\"kind\":\"dot\"", .train = "\"optimizer\":\"momentum\",\"schedule\":\"cosine\",\"l2\":0.01,\"clip\":2.5"},
        {.score = "\"kind\":\"dot\",\"shift\":3.5", .train = "\"optimizer\":\"rmsprop\",\"order\":\"item\",\"batch\":7"},
        {.score = DOT_BIAS, .train = "\"epochs\":77,\"patience\":3,\"validation\":0.25"},
        {.score = DOT_BIAS ",\"shift\":0"},
        {.joint = "\"size\":24,\"activation\":\"linear\""},
        {.joint = "\"size\":24,\"activation\":\"linear\",\"user_activation\":\"tanh\""},
        {.joint = JOINT_SUM ",\"activation\":\"tanh\",\"user_activation\":\"linear\""},
        {.joint = JOINT_SUM, .user = BRANCH("id", "id", ",\"embedding\":24"), .item = SMALL_SUM_ITEM},
        {.joint = JOINT_SUM, .user = SMALL_SUM_USER, .item = BRANCH("t", "text", ",\"window\":5,\"embedding\":3")},
        {.joint = "\"kind\":\"sum\",\"size\":1024", .score = DOT_BIAS, .user = SMALL_SUM_USER, .item = SMALL_SUM_ITEM},
        {.joint = JOINT_SUM, .score = DOT_BIAS, .user = SMALL_RATING_USER, .item = SMALL_RATING_ITEM},
        {.joint = JOINT_SUM,
         .score = DOT_BIAS,
         .user = BRANCH("job", "category", ",\"embedding\":3,\"bias_only\":true,\"lr\":0.5")},
        {.user = BRANCH("id", "id", ",\"embedding\":3,\"lr\":2.5")},
        {.user = SMALL_DENSE_USER, .item = SMALL_DENSE_ITEM "," BRANCH("ratings", "ratings", ",\"embedding\":3,\"optional\":true")},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        assert_ok(parse_parts(&parts[i], &d));
        check_round_trip(&d);
    }
    assert_ok(parse_parts(&parts[1], &d));
    assert_true(d.train.optimizer == MRQ_MOMENTUM && d.train.schedule == MRQ_COSINE_DECAY && d.train.l2 == 0.01 &&
                d.train.clip == 2.5);
    assert_ok(parse_parts(&parts[2], &d));
    assert_true(d.shift == 3.5 && d.train.optimizer == MRQ_RMSPROP && d.train.order == MRQ_SHUFFLE_ITEM && d.train.batch == 7);
    assert_ok(parse_parts(&parts[3], &d));
    assert_true(isnan(d.shift) && d.train.epochs == 77 && d.train.patience == 3 && d.train.validation == 0.25);
    assert_ok(parse_parts(&parts[8], &d));
    assert_true(d.user.branch[0].embedding == 24 && d.user.branch[0].fc == 24);
    assert_true(d.item.branch[1].kind == MRQ_BRANCH_RATINGS && d.item.branch[1].embedding == 24 && d.item.branch[1].dropout == 0.4);
    assert_true(d.item.branch[3].filters == 24 && d.item.branch[3].unit == MRQ_CHARACTERS &&
                d.item.branch[3].pool == MRQ_POOL_AVERAGE);
    assert_ok(parse_parts(&parts[11], &d));
    assert_true(d.item.branch[1].bias_only && d.item.branch[1].embedding == 1 && d.item.branch[3].filters == 1);
}

/* Kernels */

enum { LONGEST = 300, SENTINEL = 77 };

/* An array at an odd address with something around it that must stay. */
struct operand {
    float room[LONGEST + 12];
    float *x; /* (n) */
    size_t n;
};

static float *place(struct operand *o, const float *x, size_t n)
{
    for (size_t i = 0; i < LONGEST + 12; i++)
        o->room[i] = SENTINEL;
    o->x = o->room + 1 + n % 5;
    o->n = n;
    for (size_t i = 0; i < n; i++)
        o->x[i] = x ? x[i] : 0;
    return o->x;
}

static void assert_near(const struct operand *got, const double *want)
{
    for (size_t i = 0; i < got->n; i++)
        assert_true(fabs((double)got->x[i] - want[i]) <= 2e-6 * (1 + fabs(want[i])));
    for (const float *p = got->room; p < got->room + LONGEST + 12; p++)
        assert_true((p >= got->x && p < got->x + got->n) || *p == SENTINEL);
}

static void check_sums(const mrq_kernels *k, const float *x, const float *y, size_t n)
{
    struct operand a, b, c, d;
    double exact = 0, size = 0, want[LONGEST], other[LONGEST];
    place(&a, x, n), place(&b, y, n), place(&c, x, n), place(&d, y, n);
    for (size_t i = 0; i < n; i++) {
        exact += (double)x[i] * (double)y[i];
        size += fabs((double)x[i] * (double)y[i]);
        want[i] = (double)x[i] + (double)y[i];
    }
    assert_true(fabs((double)k->dot(a.x, b.x, n) - exact) <= 1e-6 * size);
    k->add(a.x, b.x, n);
    assert_near(&a, want);
    k->add_scaled(a.x, -0.5f, b.x, n);
    k->scale(a.x, 3, n);
    for (size_t i = 0; i < n; i++)
        want[i] = 3 * (want[i] - 0.5 * (double)y[i]);
    assert_near(&a, want);
    for (size_t i = 0; i < n; i++) {
        other[i] = (double)y[i] + 0.75 * want[i];
        want[i] = (double)x[i] + 0.75 * (double)y[i];
    }
    struct operand du, dm; /* du += a m, dm += a u */
    place(&du, x, n), place(&dm, y, n);
    k->add_both(du.x, dm.x, 0.75f, a.x, d.x, n);
    assert_near(&du, want);
    assert_near(&dm, other);
}

static void check_activations(const mrq_kernels *k, const float *x, const float *y, size_t n)
{
    struct operand a, b;
    double want[LONGEST], pooled[LONGEST], along = 0;
    for (size_t i = 0; i < n; i++) {
        want[i] = tanh((double)x[i]);
        pooled[i] = (double)y[i] + want[i];
        along += (double)x[i] * (double)y[i];
    }
    place(&a, x, n);
    k->tanh(a.x, n);
    for (size_t i = 0; i < n; i++)
        assert_true(fabs((double)a.x[i] - want[i]) < 2e-7);
    assert_near(&a, want);
    place(&a, x, n), place(&b, y, n);
    k->tanh_pool(a.x, b.x, n);
    assert_near(&a, want);
    assert_near(&b, pooled);
    place(&b, y, n);
    k->tanh_pool_backward(a.x, b.x, n);
    for (size_t i = 0; i < n; i++)
        want[i] = (double)y[i] * (1 - want[i] * want[i]);
    assert_near(&a, want);
    place(&a, x, n), place(&b, y, n);
    k->tanh_backward(a.x, b.x, n);
    for (size_t i = 0; i < n; i++)
        want[i] = (double)x[i] * (1 - (double)y[i] * (double)y[i]);
    assert_near(&a, want);
    for (int is_tanh = 0; is_tanh <= 1; is_tanh++) {
        place(&a, x, n), place(&b, y, n);
        k->unit_backward(a.x, b.x, 1.5f, is_tanh, n);
        for (size_t i = 0; i < n; i++)
            want[i] = ((double)x[i] - along * (double)y[i]) / 1.5 * (is_tanh ? 1 - 2.25 * (double)y[i] * (double)y[i] : 1);
        for (size_t i = 0; i < n; i++) /* the sum's error counts in every number */
            assert_true(fabs((double)a.x[i] - want[i]) <= 1e-4 * (1 + fabs(want[i])));
        place(&a, x, n);
        k->unit_backward(a.x, b.x, 0, is_tanh, n); /* of a vector of zeros there is no gradient */
        for (size_t i = 0; i < n; i++)
            assert_true(a.x[i] == 0);
    }
}

/* Three steps of each optimiser. `y` has the signs of `x`, so that nothing cancels in factor × g + l2 × w. */
static void check_optimizers(const mrq_kernels *k, const float *x, const float *y, size_t n)
{
    const mrq_step step = {.lr = 0.01f, .l2 = 0.125f, .factor = 0.75f, .decay1 = 0.9f, .decay2 = 0.99f, .epsilon = 1e-8f};
    mrq_update *const update[] = {k->sgd, k->momentum, k->rmsprop, k->adam};
    for (int kind = MRQ_SGD; kind <= MRQ_ADAM; kind++) {
        struct operand w, g, m, v;
        double want[LONGEST], dm[LONGEST] = {0}, dv[LONGEST] = {0};
        place(&w, x, n), place(&g, y, n), place(&m, NULL, n), place(&v, NULL, n);
        for (size_t i = 0; i < n; i++)
            want[i] = (double)x[i];
        for (int t = 0; t < 3; t++) {
            update[kind](w.x, g.x, kind == MRQ_SGD || kind == MRQ_RMSPROP ? NULL : m.x,
                         kind == MRQ_SGD || kind == MRQ_MOMENTUM ? NULL : v.x, &step, n);
            for (size_t i = 0; i < n; i++) {
                const double gradient = 0.75 * (double)y[i] + 0.125 * want[i];
                dm[i] = 0.9 * dm[i] + (kind == MRQ_MOMENTUM ? 1 : 0.1) * gradient;
                dv[i] = 0.99 * dv[i] + 0.01 * gradient * gradient;
                const double root = sqrt(dv[i]) + 1e-8;
                want[i] -= 0.01 * (kind == MRQ_SGD        ? gradient
                                   : kind == MRQ_MOMENTUM ? dm[i]
                                   : kind == MRQ_RMSPROP  ? gradient / root
                                                          : dm[i] / root);
            }
        }
        for (size_t i = 0; i < n; i++) /* the step itself, too, and not only its sum with what was there */
            assert_true(fabs((double)w.x[i] - want[i]) <= 1e-4 * fabs(want[i] - (double)x[i]) + 1e-6 * fabs((double)x[i]));
        assert_near(&w, want);
        if (kind == MRQ_MOMENTUM || kind == MRQ_ADAM)
            assert_near(&m, dm);
        if (kind == MRQ_RMSPROP || kind == MRQ_ADAM)
            assert_near(&v, dv);
        for (size_t i = 0; i < n; i++)
            assert_true(g.x[i] == y[i]);
    }
}

/* Each instruction set against its definition in double, at every length and at odd addresses. */
static void test_kernels(void **state)
{
    (void)state;
    float x[LONGEST], y[LONGEST], same_sign[LONGEST];
    mrq_random rng;
    mrq_random_init(&rng, 7, 0);
    for (int i = 0; i < LONGEST; i++) {
        x[i] = (float)(8 * mrq_random_unit(&rng) - 4);
        y[i] = (float)(2 * mrq_random_unit(&rng) - 1);
        same_sign[i] = copysignf(fabsf(y[i]) + 0.01f, x[i]);
    }
    assert_string_equal(mrq_kernels_usable()[0]->name, "plain");
    for (const mrq_kernels *const *k = mrq_kernels_usable(); *k; k++)
        for (size_t n = 0; n <= LONGEST; n++) {
            check_sums(*k, x, y, n);
            check_activations(*k, x, y, n);
            check_optimizers(*k, x, same_sign, n);
        }
}

static void test_tanh_at_its_edges(void **state)
{
    (void)state;
    const float edge[] = {0.0f,  -0.0f,  1e-45f, -1e-45f, 1e-30f, -1e-30f,  9.99f,    10.0f,    -10.01f,
                          50.0f, -50.0f, 88.8f,  -200.0f, 1e30f,  -3.4e38f, INFINITY, -INFINITY};
    enum { N = 40 };
    for (const mrq_kernels *const *k = mrq_kernels_usable(); *k; k++)
        for (size_t e = 0; e < sizeof edge / sizeof *edge; e++)
            for (size_t at = 0; at < N; at++) {
                float x[N], z[N], sum[N];
                for (size_t i = 0; i < N; i++) {
                    x[i] = z[i] = i == at ? edge[e] : 0.5f;
                    sum[i] = 1;
                }
                (*k)->tanh(x, N);
                (*k)->tanh_pool(z, sum, N);
                for (size_t i = 0; i < N; i++) {
                    const double want = tanh(i == at ? (double)edge[e] : 0.5);
                    assert_true(fabs((double)x[i] - want) < 2e-7 && !signbit(x[i]) == !signbit(want) && fabsf(x[i]) <= 1);
                    assert_true(fabs((double)sum[i] - 1 - want) < 3e-7);
                }
                x[at] = z[at] = NAN; /* or a run that has lost its way would never be noticed */
                (*k)->tanh(x, N);
                (*k)->tanh_pool(z, sum, N);
                for (size_t i = 0; i < N; i++)
                    assert_true(isnan(x[i]) == (i == at) && isnan(sum[i]) == (i == at));
            }
}

/* A model over the small world; some users and half of the items are not in training. */
struct small {
    mrq_table *users, *items;
    mrq_model *model;
    uint32_t user[200], item[200], train[200];
    float rating[200];
    mrq_model_source source;
};

/* `preset`: a name, or a description. */
static struct small *small_model_of(const char *preset, uint32_t users, uint32_t items)
{
    struct small *s = calloc(1, sizeof *s);
    s->users = small_users(users, 3);
    s->items = small_items(items, 3);
    for (uint32_t i = 0; i < 200; i++) {
        s->user[i] = i % (users - users / 10);
        s->item[i] = i % (items / 2);
        s->rating[i] = (float)(1 + (i * 7 + i / 9) % 5);
        s->train[i] = i;
    }
    mrq_description d;
    assert_ok(preset[0] == '{' ? parse(preset, &d) : mrq_description_load(preset, &d, &err));
    s->source = (mrq_model_source){s->users, s->items, s->user, s->item, s->rating, s->train, 200, 200, 11, 3, NULL};
    assert_ok(mrq_model_new(&d, &s->source, &s->model, &err));
    return s;
}

static struct small *small_model(const char *preset)
{
    return small_model_of(preset, 50, 40);
}

static void small_free(struct small *s)
{
    mrq_model_free(s->model);
    mrq_table_free(s->users);
    mrq_table_free(s->items);
    free(s);
}

/* One of each sort, and what its scores are like. */
static const char *const sorts[] = {
    "fusion",
    SMALL("\"scale\":2.5,\"shift\":3", SMALL_SUM, SMALL_SUM_USER, SMALL_SUM_ITEM, ""),
    SMALL(SMALL_DOT, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, ""),
    SMALL(SMALL_DOT, SMALL_SUM ",\"activation\":\"tanh\"", SMALL_SUM_USER, SMALL_SUM_ITEM, ""),
    SMALL(SMALL_BIASED, SMALL_DENSE ",\"user_activation\":\"linear\"", SMALL_DENSE_USER, SMALL_DENSE_ITEM, ""),
    SMALL(SMALL_BIASED, SMALL_SUM ",\"activation\":\"tanh\"", SMALL_SUM_USER, SMALL_SUM_ITEM, ""),
    SMALL(SMALL_BIASED, SMALL_SUM, SMALL_RATING_USER, SMALL_RATING_ITEM, ""),
};
enum { SORTS = sizeof sorts / sizeof *sorts };

static float *user_vectors(const struct small *s)
{
    float *out = mrq_array(s->users->rows, s->model->user.width * sizeof *out);
    assert_ok(mrq_model_user_vectors(s->model, out, &err));
    return out;
}

static float *item_vectors(const struct small *s)
{
    float *out = mrq_array(s->items->rows, s->model->item.width * sizeof *out);
    assert_ok(mrq_model_item_vectors(s->model, out, &err));
    return out;
}

static void check_vectors(const mrq_tower *tower, const double *param, const float *got)
{
    double want[1025];
    for (uint32_t i = 0; i < tower->entities; i++) {
        reference_vector(tower, param, i, 0, want);
        for (uint32_t d = 0; d < tower->width; d++)
            assert_true(fabs((double)got[i * tower->width + d] - want[d]) < 1e-5 * (1 + fabs(want[d])));
    }
}

static void test_vectors_equal_reference(void **state)
{
    (void)state;
    for (int k = 0; k < SORTS; k++) {
        struct small *s = small_model(sorts[k]);
        MRQ_AUTOFREE double *param = mrq_array(s->model->tensors.size, sizeof *param);
        for (size_t i = 0; i < s->model->tensors.size; i++)
            param[i] = (double)s->model->param[i];
        MRQ_AUTOFREE float *users = user_vectors(s), *items = item_vectors(s);
        check_vectors(&s->model->user, param, users);
        check_vectors(&s->model->item, param, items);
        small_free(s);
    }
}

/* A text as characters: the code points in their order, and no more of them than there are. */
static void test_characters(void **state)
{
    (void)state;
    static const char *const titles[] = {"", "ab", "é€😀a", "ba b", "€"};
    static const uint32_t codes[] = {' ', 'a', 'b', 0xe9, 0x20ac, 0x1f600}, want[] = {1, 2, 3, 4, 5, 1, 2, 1, 0, 2, 4},
                          offset[] = {0, 0, 2, 6, 10, 11};
    struct small *s = small_model_of("fusion", 10, 5);
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *dict = mrq_dict_new();
    for (int i = 0; i < 5; i++)
        assert_int_equal(mrq_dict_push(dict, titles[i], strlen(titles[i])), i);
    s->items->column[1].text = mrq_dict_strings(dict);
    mrq_description d;
    mrq_model *model = NULL;
    assert_ok(parse(
        SMALL(SMALL_COSINE, SMALL_DENSE, SMALL_DENSE_USER,
              "{\"feature\":\"title\",\"kind\":\"text\",\"unit\":\"character\",\"embedding\":3,\"window\":3,\"filters\":2}", ""),
        &d));
    assert_ok(mrq_model_new(&d, &s->source, &model, &err));
    const mrq_branch_plan *plan = &model->item.plan[0];
    assert_int_equal(plan->n_values, sizeof codes / sizeof *codes);
    for (int i = 0; i <= 5; i++)
        assert_int_equal(plan->list.offset[i], offset[i]);
    assert_memory_equal(plan->list.item, want, sizeof want);
    assert_int_equal(model->tensors.tensor[plan->embedding].rows, 6);
    mrq_model_free(model);
    small_free(s);
}

/* Who rated each item and how far from the baseline: mean, damped biases of users and items. */
static void test_raters(void **state)
{
    (void)state;
    struct small *s = small_model(sorts[6]);
    const mrq_lists *raters = &s->model->raters.list;
    double mean = 0, user[50] = {0}, item[40] = {0};
    for (uint32_t i = 0; i < 200; i++)
        mean += (double)s->rating[i] / 200;
    for (int round = 0; round < 10; round++) {
        double sum[50] = {0}, count[50] = {0};
        for (uint32_t i = 0; i < 200; i++) {
            sum[s->item[i]] += (double)s->rating[i] - mean - user[s->user[i]];
            count[s->item[i]]++;
        }
        for (uint32_t m = 0; m < 40; m++)
            item[m] = sum[m] / (count[m] + 3);
        memset(sum, 0, sizeof sum);
        memset(count, 0, sizeof count);
        for (uint32_t i = 0; i < 200; i++) {
            sum[s->user[i]] += (double)s->rating[i] - mean - item[s->item[i]];
            count[s->user[i]]++;
        }
        for (uint32_t u = 0; u < 50; u++)
            user[u] = sum[u] / (count[u] + 5);
    }
    assert_true(fabs(s->model->description.shift - mean) < 1e-6);
    assert_true(s->model->results.rating_min == 1 && s->model->results.rating_max == 5);
    assert_int_equal(raters->offset[40], 200);
    for (uint32_t m = 0; m < 40; m++) {
        uint64_t at = raters->offset[m];
        for (uint32_t i = 0; i < 200; i++) {
            if (s->item[i] != m)
                continue;
            assert_int_equal(raters->item[at], s->user[i]);
            assert_true(fabs((double)s->model->raters.strength[at++] - ((double)s->rating[i] - mean - user[s->user[i]] - item[m])) <
                        1e-5);
        }
        assert_int_equal(at, raters->offset[m + 1]);
    }
    small_free(s);
}

/* Folding and exporting */

/* The network's scores are those of unit vectors along the user's line. */
static void check_folded(const struct small *s, const mrq_folded *folded, const float *exported)
{
    const mrq_description *d = &s->model->description;
    const uint32_t width = mrq_description_width(d), dim = mrq_description_dim(d);
    assert_int_equal(folded->dim, dim);
    MRQ_AUTOFREE float *users = user_vectors(s), *items = item_vectors(s), *unit = mrq_array(dim, sizeof *unit);
    double user[1025], item[1025];
    for (uint32_t u = 0; u < s->users->rows; u++) {
        uint32_t value[MRQ_BRANCHES_MAX];
        mrq_line line;
        mrq_folded_values(folded, s->users, u, value);
        mrq_folded_vector(folded, value, unit, &line);
        for (uint32_t i = 0; i < width; i++)
            user[i] = (double)users[u * width + i];
        for (uint32_t m = 0; m < s->items->rows; m++) {
            double product = 0;
            for (uint32_t i = 0; i < width; i++)
                item[i] = (double)items[m * width + i];
            for (uint32_t i = 0; i < dim; i++)
                product += (double)unit[i] * (double)exported[m * dim + i];
            const double want = reference_match(d, user, item), got = line.slope * product + line.intercept;
            if (!(fabs(got - want) <= 1e-4 * fmax(fabs(want), 0.1)))
                fail_msg("%s: user %u, item %u: %g, want %g", d->name, u, m, got, want);
        }
    }
}

static float *export(const struct small *s, double *reach)
{
    const uint32_t dim = mrq_description_dim(&s->model->description);
    float *out = mrq_array(s->items->rows, dim * sizeof *out);
    assert_ok(mrq_model_export_items(s->model, out, reach, &err));
    for (uint32_t m = 0; m < s->items->rows; m++) {
        double square = 0;
        for (uint32_t i = 0; i < dim; i++)
            square += (double)out[m * dim + i] * (double)out[m * dim + i];
        assert_true(fabs(sqrt(square) - 1) < 1e-5);
    }
    return out;
}

static void save_folded(const struct small *s, const mrq_folded *folded, const char *path)
{
    MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new("users", 1);
    mrq_table_save(s->users, writer, "users");
    mrq_folded_save(folded, s->users, writer);
    assert_ok(mrq_container_write(writer, path, &err));
}

static void test_fold(void **state)
{
    (void)state;
    char path[256], *folder = temporary_folder();
    snprintf(path, sizeof path, "%s/users.mrq", folder);
    for (int k = 0; k < SORTS; k++) {
        struct small *s = small_model(sorts[k]);
        double reach;
        MRQ_AUTOFREE float *exported = export(s, &reach);
        assert_true(reach > 0 && (s->model->description.score == MRQ_DOT || reach == 1));
        MRQ_CLEANUP(mrq_folded_free) mrq_folded *folded = NULL, *loaded = NULL;
        MRQ_CLEANUP(mrq_container_close) mrq_container *container = NULL;
        assert_ok(mrq_model_fold(s->model, reach, &folded, &err));
        check_folded(s, folded, exported);
        save_folded(s, folded, path);
        assert_ok(mrq_container_open(path, "users", 1, &container, &err));
        assert_ok(mrq_folded_load(container, s->users, &loaded, &err));
        assert_true(loaded->scale == folded->scale && loaded->shift == folded->shift && loaded->activation == folded->activation);
        check_folded(s, loaded, exported);
        mrq_table *fewer = small_users(10, 3);
        mrq_folded *none = NULL;
        assert_fails(mrq_folded_load(container, fewer, &none, &err), MRQ_BAD_FILE, "users.mrq");
        mrq_table_free(fewer);
        small_free(s);
    }
    temporary_remove(folder);
}

/* A model that knows nothing yet: vectors of zeros, of which no norm can be taken. */
static void test_fold_of_zeros(void **state)
{
    (void)state;
    for (int k = 2; k < SORTS; k++) {
        struct small *s = small_model(sorts[k]);
        memset(s->model->param, 0, s->model->tensors.size * sizeof(float));
        double reach;
        MRQ_AUTOFREE float *exported = export(s, &reach);
        assert_true(reach == 1);
        MRQ_CLEANUP(mrq_folded_free) mrq_folded *folded = NULL;
        assert_ok(mrq_model_fold(s->model, reach, &folded, &err));
        check_folded(s, folded, exported);
        small_free(s);
    }
}

/* The longest of short vectors needs nothing to be as long as the longest. */
static void short_vectors_reach_less_than_one(void **state)
{
    (void)state;
    for (int k = 2; k < SORTS; k++) {
        struct small *s = small_model(sorts[k]);
        const uint32_t dim = mrq_description_dim(&s->model->description);
        for (size_t i = 0; i < s->model->tensors.size; i++)
            s->model->param[i] *= 0.001f;
        double reach;
        MRQ_AUTOFREE float *exported = export(s, &reach);
        float least = 1;
        for (uint32_t m = 0; m < s->items->rows; m++)
            least = fminf(least, exported[m * dim + dim - 1]);
        assert_true(reach > 0 && reach < 1);
        assert_true(least >= 0 && least <= 0);
        small_free(s);
    }
}

/* The section "tower" with four or eight bytes changed. */
static void test_fold_damage(void **state)
{
    (void)state;
    enum {
        SCALE = 0,
        SHIFT = 8,
        SCORE = 16,
        ACTIVATION = 20,
        BIAS = 24,
        SIZE = 28,
        BRANCHES = 32,
        HAS_ROW = 36,
        HISTORY = 40,
        FEATURE = 48
    };
    static const struct {
        size_t at;
        double real; /* of SCALE and SHIFT */
        uint32_t number;
        const char *sentence;
    } wrong[] = {
        {SCALE, 0, 0, "not a score"},
        {SCALE, -1, 0, "not a score"},
        {SCALE, (double)NAN, 0, "not a score"},
        {SHIFT, (double)INFINITY, 0, "not a score"},
        {SHIFT, (double)NAN, 0, "not a score"},
        {SCORE, 0, 2, "score 2"},
        {SCORE, 0, MRQ_COSINE, "bias 1: not a tower"},
        {ACTIVATION, 0, 2, "activation 2"},
        {BIAS, 0, 2, "bias 2"},
        {BIAS, 0, 0, "users.mrq: section \"tower.start\""},
        {SIZE, 0, 0, "0 dimensions"},
        {SIZE, 0, 18, "users.mrq: section \"tower.start\""},
        {SIZE, 0, 70000, "70000 dimensions"},
        {BRANCHES, 0, 0, "0 branches"},
        {BRANCHES, 0, 17, "17 branches"},
        {BRANCHES, 0, 4, "users.mrq: "},
        {HAS_ROW, 0, 0, "rows for 50 users"},
        {HISTORY, 0, 1, "a history needs rows"},
        {FEATURE, 0, 0x78, "branch \"x\" has"},
    };
    char path[256], *folder = temporary_folder();
    snprintf(path, sizeof path, "%s/users.mrq", folder);
    struct small *s = small_model(sorts[5]);
    MRQ_CLEANUP(mrq_folded_free) mrq_folded *folded = NULL, *none = NULL;
    assert_ok(mrq_model_fold(s->model, 2, &folded, &err));
    save_folded(s, folded, path);
    MRQ_CLEANUP(mrq_container_close) mrq_container *good = NULL;
    assert_ok(mrq_container_open(path, "users", 1, &good, &err));
    static const char *const names[] = {"tower", "tower.start", "tower.user_row", "tower.0", "tower.1", "tower.2"};
    enum { NAMES = sizeof names / sizeof *names, NUMBERS = NAMES };
    const void *data[NAMES];
    size_t size[NAMES];
    for (int i = 0; i < NAMES; i++) {
        size[i] = MRQ_ANY;
        assert_ok(mrq_container_get(good, 1, &size[i], &data[i], &err, "%s", names[i]));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong + NUMBERS; i++) {
        MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new("users", 1);
        MRQ_CLEANUP(mrq_container_close) mrq_container *bad = NULL;
        MRQ_AUTOFREE unsigned char *bytes = mrq_array(size[0] + size[1] + size[3], 1);
        const size_t extra = i - sizeof wrong / sizeof *wrong; /* which section holds NaN, if i is beyond `wrong` */
        const char *sentence = i < sizeof wrong / sizeof *wrong ? wrong[i].sentence : "";
        for (size_t j = 0; j < NAMES; j++) {
            const void *from = data[j];
            if (j == 0 && i < sizeof wrong / sizeof *wrong) {
                memcpy(bytes, data[0], size[0]);
                if (wrong[i].at <= SHIFT)
                    memcpy(bytes + wrong[i].at, &wrong[i].real, 8);
                else
                    memcpy(bytes + wrong[i].at, &wrong[i].number, 4);
                from = bytes;
            } else if (i >= sizeof wrong / sizeof *wrong && j == extra && j != 0) {
                const uint32_t all_ones = UINT32_MAX; /* NaN, or a row beyond all */
                unsigned char *copy = mrq_array(size[j], 1);
                memcpy(copy, data[j], size[j]);
                memcpy(copy + size[j] - 4, &all_ones, 4);
                mrq_free(bytes);
                from = bytes = copy;
                sentence = j == 2 ? "user row 4294967295, want less than" : "not finite";
            }
            mrq_container_add(writer, from, size[j], 1, "%s", names[j]);
        }
        assert_ok(mrq_container_write(writer, path, &err));
        assert_ok(mrq_container_open(path, "users", 1, &bad, &err));
        if (*sentence)
            assert_fails(mrq_folded_load(bad, s->users, &none, &err), MRQ_BAD_FILE, sentence);
        assert_null(none);
    }
    small_free(s);
    temporary_remove(folder);
}

static void test_untrained_share_the_unknown(void **state)
{
    (void)state;
    struct small *s = small_model("fusion");
    assert_int_equal(s->model->user_row[0], 1);
    assert_int_equal(s->model->user_row[44], 45);
    assert_int_equal(s->model->user_row[45], 0);
    assert_int_equal(s->model->item_row[19], 20);
    assert_int_equal(s->model->item_row[20], 0);
    small_free(s);
}

static void test_missing_features(void **state)
{
    (void)state;
    struct small *s =
        small_model(TOWERS(USER_ID ",{\"feature\":\"shoe\",\"kind\":\"category\",\"embedding\":4,\"optional\":true}", ITEM_ID));
    assert_int_equal(s->model->user.n, 1);
    mrq_description d;
    mrq_model *model = NULL;
    const uint32_t none = 0;
    const float rating = 1;
    const mrq_model_source source = {s->users, s->items, &none, &none, &rating, &none, 1, 1, 11, 3, NULL};
    assert_ok(parse(TOWERS("{\"feature\":\"shoe\",\"kind\":\"category\",\"embedding\":4}", ITEM_ID), &d));
    assert_fails(mrq_model_new(&d, &source, &model, &err), MRQ_BAD_FILE,
                 "needs a feature \"shoe\", which the data does not have: add it to the schema, or set \"optional\": true");
    assert_ok(parse(TOWERS(USER_ID, "{\"feature\":\"title\",\"kind\":\"category\",\"embedding\":4}"), &d));
    assert_fails(mrq_model_new(&d, &source, &model, &err), MRQ_BAD_FILE,
                 "which the data has as another kind: set kind \"category\" in the schema");
    small_free(s);
}

static void check_file_round_trip(const char *folder, const char *preset)
{
    struct small *s = small_model(preset);
    char one[256], two[256];
    snprintf(one, sizeof one, "%s/one.mrq", folder);
    snprintf(two, sizeof two, "%s/two.mrq", folder);
    s->model->results = (mrq_model_results){.seed = 9007199254740991,
                                            .train_rmse = 0.5,
                                            .valid_rmse = NAN,
                                            .test_rmse = 0.75,
                                            .test_ndcg = 0.25,
                                            .rating_min = 1,
                                            .rating_max = 4.5,
                                            .data_fingerprint = 77,
                                            .split = "random",
                                            .schema = "x"};
    s->model->curve = (mrq_model_curve){2, mrq_array(2, sizeof(mrq_model_epoch))};
    s->model->curve.epoch[0] = (mrq_model_epoch){1 / 3.0, 0.1234565, NAN};
    s->model->curve.epoch[1] = (mrq_model_epoch){0.25, 1e9, 0};
    assert_ok(mrq_model_save(s->model, one, &err));
    MRQ_CLEANUP(mrq_model_free) mrq_model *loaded = NULL;
    assert_ok(mrq_model_load(one, &loaded, &err));
    assert_true(isnan(loaded->results.valid_rmse) && loaded->results.test_rmse == 0.75 && loaded->results.test_ndcg == 0.25 &&
                loaded->results.data_fingerprint == 77);
    assert_true(loaded->results.rating_min == 1 && loaded->results.rating_max == 4.5 && loaded->results.seed == 9007199254740991);
    const mrq_model_epoch *epoch = mrq_model_curve_of(loaded)->epoch;
    assert_int_equal(mrq_model_curve_of(loaded)->n, 2);
    assert_true(epoch[0].train_rmse == 0.333333 && fabs(epoch[0].valid_rmse - 0.123456) < 1.1e-6 && isnan(epoch[0].test_rmse));
    assert_true(epoch[1].train_rmse == 0.25 && epoch[1].valid_rmse == 1e9 && epoch[1].test_rmse == 0);
    assert_true(fabs(loaded->description.shift - s->model->description.shift) < 1e-14);
    assert_ok(mrq_model_save(loaded, two, &err));
    size_t na, nb;
    MRQ_AUTOFREE unsigned char *a = read_bytes(one, &na), *b = read_bytes(two, &nb);
    assert_int_equal(na, nb);
    assert_memory_equal(a, b, na);
    MRQ_AUTOFREE float *want = item_vectors(s), *got = mrq_array(s->items->rows, s->model->item.width * sizeof *got);
    assert_ok(mrq_model_item_vectors(loaded, got, &err));
    assert_memory_equal(want, got, s->items->rows * s->model->item.width * sizeof *got);
    small_free(s);
}

static void test_file_round_trip(void **state)
{
    (void)state;
    char *folder = temporary_folder();
    for (int k = 0; k < SORTS; k++)
        check_file_round_trip(folder, sorts[k]);
    temporary_remove(folder);
}

#define RESULTS "\"schema\":\"x\",\"data\":\"0\",\"split\":\"random\""

static mrq_status parse_training(const char *text, mrq_model_curve *curve)
{
    mrq_model_results results;
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = NULL;
    assert_ok(mrq_json_parse(text, strlen(text), "m.mrq", &json, &err));
    return mrq_model_training_parse(json, "m.mrq: results:", &results, curve, &err);
}

/* Parses results with this in them. */
static mrq_status parse_results(const char *more, mrq_model_curve *curve)
{
    char text[400];
    snprintf(text, sizeof text, "{" RESULTS "%s}", more);
    return parse_training(text, curve);
}

/* They are told as they are: on terminals, and in JSON, which is UTF-8. */
static void test_texts_of_results_are_plain(void **state)
{
    (void)state;
    assert_fails(parse_training("{\"schema\":\"a\\u001b[31m\",\"data\":\"0\",\"split\":\"random\"}", NULL), MRQ_BAD_FILE,
                 "m.mrq: results: schema: \"a?[31m\", want less than 32 bytes and no control characters");
    assert_fails(parse_training("{\"schema\":\"a\",\"data\":\"0\",\"split\":\"\xff\"}", NULL), MRQ_BAD_FILE,
                 "m.mrq: results: split: \"?\", want less than 16 bytes");
    assert_fails(parse_training("{\"schema\":\"a\",\"data\":\"0\",\"split\":\"sixteen bytes it\"}", NULL), MRQ_BAD_FILE,
                 "m.mrq: results: split: \"sixteen bytes it\", want less than 16 bytes");
}

static void test_curve_is_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *more, *sentence;
    } wrong[] = {
        {",\"curve\":{}", "m.mrq: results: curve: {}, want an array"},
        {",\"curve\":null", "m.mrq: results: curve: null, want an array"},
        {",\"curve\":[1]", "m.mrq: results: curve[0]: want [train, valid, test], each a number, 0 to 1e+09, or null"},
        {",\"curve\":[{}]", "m.mrq: results: curve[0]: want [train, valid, test], each a number, 0 to 1e+09, or null"},
        {",\"curve\":[null]", "m.mrq: results: curve[0]: want [train, valid, test], each a number, 0 to 1e+09, or null"},
        {",\"curve\":[[]]", "m.mrq: results: curve[0]: want [train, valid, test], each a number, 0 to 1e+09, or null"},
        {",\"curve\":[[1,2]]", "m.mrq: results: curve[0]: want [train, valid, test], each a number, 0 to 1e+09, or null"},
        {",\"curve\":[[1,2,3,4]]", "m.mrq: results: curve[0]: want [train, valid, test], each a number, 0 to 1e+09, or null"},
        {",\"curve\":[[1,2,-0.1]]", "m.mrq: results: curve[0]: want [train, valid, test], each a number, 0 to 1e+09, or null"},
        {",\"curve\":[[1,2,1e10]]", "m.mrq: results: curve[0]: want [train, valid, test], each a number, 0 to 1e+09, or null"},
        {",\"curve\":[[1,2,\"3\"]]", "m.mrq: results: curve[0]: want [train, valid, test], each a number, 0 to 1e+09, or null"},
        {",\"curve\":[[1,2,true]]", "m.mrq: results: curve[0]: want [train, valid, test], each a number, 0 to 1e+09, or null"},
        {",\"curve\":[[1,2,[3]]]", "m.mrq: results: curve[0]: want [train, valid, test], each a number, 0 to 1e+09, or null"},
        {",\"curve\":[[1,2,3],[1,2,null],3]", "m.mrq: results: curve[2]: want [train"},
        {",\"test_rmse\":-1", "m.mrq: results: test_rmse: -1, want a number"},
    };
    mrq_model_curve curve = {7, NULL};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_fails(parse_results(wrong[i].more, &curve), MRQ_BAD_FILE, wrong[i].sentence);
        assert_true(curve.n == 7 && !curve.epoch);
        assert_int_equal(parse_results(wrong[i].more, NULL), strstr(wrong[i].more, "curve") ? MRQ_OK : MRQ_BAD_FILE);
    }
    static const char *const empty[] = {"", ",\"curve\":[]", ",\"shoe\":1"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        curve.n = 7;
        assert_ok(parse_results(empty[i], &curve));
        assert_int_equal(curve.n, 0);
        mrq_free(curve.epoch);
    }
    assert_ok(parse_results(",\"curve\":[[null,0.5,1e9],[0,null,null]]", &curve));
    assert_int_equal(curve.n, 2);
    assert_true(isnan(curve.epoch[0].train_rmse) && curve.epoch[0].valid_rmse == 0.5 && curve.epoch[0].test_rmse == 1e9);
    assert_true(curve.epoch[1].train_rmse == 0 && isnan(curve.epoch[1].valid_rmse) && isnan(curve.epoch[1].test_rmse));
    MRQ_CLEANUP(cJSON_Delete) cJSON *shown = mrq_model_curve_json(&curve);
    MRQ_AUTOFREE char *text = cJSON_PrintUnformatted(shown);
    assert_string_equal(text, "[{\"epoch\":1,\"valid\":0.5,\"test\":1000000000},{\"epoch\":2,\"train\":0}]");
    mrq_free(curve.epoch);
}

/* No more passes than a description may ask for. */
static void test_curve_is_bounded(void **state)
{
    (void)state;
    for (int n = MRQ_EPOCHS_MAX; n <= MRQ_EPOCHS_MAX + 1; n++) {
        const char *text = "{" RESULTS ",\"curve\":[]}";
        const double row[3] = {0};
        mrq_model_curve curve = {0};
        mrq_model_results results;
        MRQ_CLEANUP(cJSON_Delete) cJSON *json = NULL;
        assert_ok(mrq_json_parse(text, strlen(text), "m.mrq", &json, &err));
        for (int i = 0; i < n; i++)
            cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(json, "curve"), cJSON_CreateDoubleArray(row, 3));
        if (n > MRQ_EPOCHS_MAX)
            assert_fails(mrq_model_training_parse(json, "m.mrq: results:", &results, &curve, &err), MRQ_BAD_FILE,
                         "m.mrq: results: curve: 10001 epochs, want at most 10000");
        else
            assert_ok(mrq_model_training_parse(json, "m.mrq: results:", &results, &curve, &err));
        assert_int_equal(curve.n, n > MRQ_EPOCHS_MAX ? 0 : n);
        mrq_free(curve.epoch);
    }
}

/* Memory running out in cJSON, at the n-th allocation for every n: NULL, and nothing leaks. */
static int allocations_left;
static void *few_allocations(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

static void test_results_out_of_memory(void **state)
{
    (void)state;
    struct small *s = small_model(TOWERS(USER_ID, "{\"feature\":\"genres\",\"kind\":\"set\",\"embedding\":2}"));
    s->model->curve = (mrq_model_curve){2, mrq_array(2, sizeof(mrq_model_epoch))};
    cJSON *json = NULL;
    int n = 0;
    for (; !json; n++) {
        allocations_left = n;
        cJSON_InitHooks(&(cJSON_Hooks){few_allocations, free});
        json = mrq_model_training_json(s->model);
        cJSON_InitHooks(NULL);
    }
    assert_true(n > 40);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "curve")), 2);
    cJSON_Delete(json);
    small_free(s);
}

static void put(FILE *file, size_t at, const void *bytes, size_t size)
{
    fseek(file, (long)at, SEEK_SET);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
}

/* The file with bit i % 8 of byte `i` flipped and the checksum made right again. */
static void put_forged(FILE *file, const unsigned char *bytes, size_t size, size_t i)
{
    MRQ_AUTOFREE unsigned char *copy = mrq_array(size, 1);
    memcpy(copy, bytes, size);
    copy[i] ^= (unsigned char)(1 << i % 8);
    make_checksum(copy, size);
    put(file, 0, copy, size);
}

/* Every `step`-th truncation and flipped byte of a small model file is refused. */
static void check_file_damage(struct small *s, size_t step)
{
    char path[256], *folder = temporary_folder();
    snprintf(path, sizeof path, "%s/m.mrq", folder);
    s->model->curve = (mrq_model_curve){2, mrq_array(2, sizeof(mrq_model_epoch))};
    assert_ok(mrq_model_save(s->model, path, &err));
    size_t size;
    unsigned char *bytes = read_bytes(path, &size);
    mrq_model *model = NULL;
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    setvbuf(file, NULL, _IONBF, 0);
    for (size_t i = 0; i < size; i += step) {
        fseek(file, (long)i, SEEK_SET);
        fputc(bytes[i] ^ (1 << i % 8), file);
        assert_fails(mrq_model_load(path, &model, &err), MRQ_BAD_FILE, "m.mrq");
        put_forged(file, bytes, size, i);
        if (mrq_model_load(path, &model, &err) == MRQ_OK) /* a hostile writer's file may be taken or refused, but does no harm */
            mrq_model_free(model);
        put(file, 0, bytes, size);
    }
    assert_ok(mrq_model_load(path, &model, &err));
    mrq_model_free(model);
    for (size_t i = size; i-- > 0;) {
        assert_int_equal(ftruncate(fileno(file), (long)i), 0);
        if (i % step == 0)
            assert_fails(mrq_model_load(path, &model, &err), MRQ_BAD_FILE, "m.mrq");
    }
    fclose(file);
    mrq_free(bytes);
    small_free(s);
    temporary_remove(folder);
}

static void test_file_damage(void **state)
{
    (void)state;
    check_file_damage(small_model(TOWERS("{\"feature\":\"gender\",\"kind\":\"category\",\"embedding\":2}",
                                         "{\"feature\":\"genres\",\"kind\":\"set\",\"embedding\":2}")),
                      1);
    mrq_model *model = NULL;
    assert_fails(mrq_model_load("/nowhere/m.mrq", &model, &err), MRQ_NOT_FOUND, "/nowhere/m.mrq");
}

/* With raters and characters; the latter take long to read. */
static void test_file_damage_of_raters(void **state)
{
    (void)state;
    check_file_damage(small_model_of(SMALL(SMALL_BIASED, "\"kind\":\"sum\",\"size\":3", SMALL_RATING_USER,
                                           "{\"feature\":\"ratings\",\"kind\":\"ratings\"}", ""),
                                     12, 8),
                      3);
    check_file_damage(small_model_of(SMALL(SMALL_BIASED, "\"kind\":\"sum\",\"size\":3", SMALL_SUM_USER, SMALL_SUM_ITEM, ""), 12, 8),
                      149);
}

/* Whether the program was started with the variable, whatever has become of it. */
static bool started_with(const char *name)
{
    char all[1 << 16], want[64];
    FILE *file = fopen("/proc/self/environ", "rb");
    assert_non_null(file);
    const size_t n = fread(all, 1, sizeof all, file), size = (size_t)snprintf(want, sizeof want, "%s=", name);
    fclose(file);
    bool found = false;
    for (size_t at = 0; at + size <= n; at++)
        found = found || ((at == 0 || all[at - 1] == '\0') && memcmp(all + at, want, size) == 0);
    return found;
}

/* A CPU with AVX2 is not taken for one of twenty years ago; what the user has set stays, and so does the environment. */
static void test_blas_core_fits_the_cpu(void **state)
{
    (void)state;
    const char *const core = mrq_blas_core(), *const set = getenv("OPENBLAS_CORETYPE");
    assert_int_equal(set != NULL, started_with("OPENBLAS_CORETYPE"));
    assert_int_equal(getenv("OPENBLAS_NUM_THREADS") != NULL, started_with("OPENBLAS_NUM_THREADS"));
    if (set && *set) { /* perhaps to what is no core */
        const bool heeded = strcasecmp(core, set) == 0;
        assert_string_equal(mrq_blas_chosen_by(), heeded ? "OPENBLAS_CORETYPE" : "OpenBLAS");
        if (heeded)
            assert_null(mrq_blas_ignored());
        else
            assert_string_equal(mrq_blas_ignored(), set);
        return;
    }
    if (mrq_cpu_best() >= MRQ_CPU_AVX512)
        assert_true(strcmp(core, "SkylakeX") == 0 || strcmp(core, "Cooperlake") == 0);
    else if (mrq_cpu_best() == MRQ_CPU_AVX2)
        assert_true(strcmp(core, "Haswell") == 0);
    assert_string_equal(mrq_blas_chosen_by(), mrq_cpu_best() == MRQ_CPU_PLAIN ? "OpenBLAS" : "cpu");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blas_core_fits_the_cpu),
        cmocka_unit_test(test_description_refuses),
        cmocka_unit_test(test_description_refuses_each_wrong_value),
        cmocka_unit_test(test_description_defaults),
        cmocka_unit_test(test_description_round_trip),
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_tanh_at_its_edges),
        cmocka_unit_test(test_vectors_equal_reference),
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_raters),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_fold_of_zeros),
        cmocka_unit_test(short_vectors_reach_less_than_one),
        cmocka_unit_test(test_fold_damage),
        cmocka_unit_test(test_untrained_share_the_unknown),
        cmocka_unit_test(test_missing_features),
        cmocka_unit_test(test_file_round_trip),
        cmocka_unit_test(test_texts_of_results_are_plain),
        cmocka_unit_test(test_curve_is_read_strictly),
        cmocka_unit_test(test_curve_is_bounded),
        cmocka_unit_test(test_results_out_of_memory),
        cmocka_unit_test(test_file_damage),
        cmocka_unit_test(test_file_damage_of_raters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
