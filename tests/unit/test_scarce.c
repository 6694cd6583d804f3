/* Model, train and eval rooms when memory is scarce: whichever one allocation fails, the call says so in a sentence, and leaks
 * nothing. The linker puts the functions here before those of the base room (--wrap in tests/meson.build): an arena has room for
 * what small worlds ask for, and would never run out. */
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>

#include "eval/experiment.h"
#include "model/gemm.h"
#include "model/network.h"
#include "model/warm.h"
#include "train/curve.h"
#include "unit/small_world.h"

static mrq_error err;
static char folder[128];

enum { USERS = 20, ITEMS = 15, RATINGS = 400 };

/* One allocation fails */

static atomic_int left = INT_MAX; /* allocations before that one; below 0: it has failed */

static bool fails(void)
{
    const bool now = atomic_load(&left) != INT_MAX && atomic_fetch_sub(&left, 1) == 0;
    if (now)
        errno = ENOMEM;
    return now;
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__real_mrq_array(size_t count, size_t size);
void *__wrap_mrq_array(size_t count, size_t size);
void *__wrap_mrq_array(size_t count, size_t size)
{
    return fails() ? NULL : __real_mrq_array(count, size);
}

void *__real_mrq_arena_array(mrq_arena *arena, size_t count, size_t size);
void *__wrap_mrq_arena_array(mrq_arena *arena, size_t count, size_t size);
void *__wrap_mrq_arena_array(mrq_arena *arena, size_t count, size_t size)
{
    return fails() ? NULL : __real_mrq_arena_array(arena, count, size);
}

mrq_arena *__real_mrq_arena_new(void);
mrq_arena *__wrap_mrq_arena_new(void);
mrq_arena *__wrap_mrq_arena_new(void)
{
    return fails() ? NULL : __real_mrq_arena_new();
}

static void *allocate_json(size_t size)
{
    return fails() ? NULL : malloc(size);
}

/* What is tried: MRQ_OK, or why not. */
typedef mrq_status operation(void *context, mrq_error *problem);

static void assert_scarce(const char *name, operation *try, void *context, int least)
{
    int n = 0;
    cJSON_InitHooks(&(cJSON_Hooks){allocate_json, free});
    for (bool done = false; !done; n++) {
        mrq_error problem = {0};
        atomic_store(&left, n);
        const mrq_status status = try(context, &problem);
        done = atomic_load(&left) >= 0;
        atomic_store(&left, INT_MAX);
        const bool told = strstr(problem.msg, "out of memory while ") || strstr(problem.msg, "a section is too large");
        if (done ? status != MRQ_OK : status != MRQ_FAILED || !told)
            fail_msg("%s, allocation %d: status %d, \"%s\"", name, n, (int)status, problem.msg);
    }
    cJSON_InitHooks(NULL);
    if (n < least)
        fail_msg("%s: only %d allocations were tried", name, n);
}

static const char *file(const char *name)
{
    static char path[2][200];
    static int turn;
    turn = 1 - turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

#define HISTORY "{\"feature\":\"history\",\"kind\":\"history\"}"
#define ID      "{\"feature\":\"id\",\"kind\":\"id\"}"
#define SIZES   "\"batch\":200,\"epochs\":1,\"validation\":0.1"
static const char *const sorts[] = {
    SMALL(SMALL_BIASED, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, "\"clip\":1," SIZES),
    SMALL(SMALL_BIASED, SMALL_SUM, SMALL_SUM_USER, SMALL_SUM_ITEM, "\"order\":\"item\"," SIZES),
    SMALL("\"kind\":\"dot\"", "\"kind\":\"sum\",\"size\":11", HISTORY ",{\"feature\":\"gender\",\"kind\":\"category\"}",
          ID ",{\"feature\":\"genres\",\"kind\":\"set\"}", "\"objective\":\"ranking\""),
};
enum { SORTS = sizeof sorts / sizeof *sorts, RANKS = SORTS - 1 };

/* A world, and what is made of it. */
struct work {
    small_data *data;
    mrq_description d;
    const mrq_model *model;
    mrq_train_options options;
    mrq_experiment experiment;
    mrq_candidate candidate;
};

static struct work *work_of(const char *text)
{
    struct work *w = calloc(1, sizeof *w);
    *w = (struct work){
        .data = small_data_new(USERS, ITEMS, RATINGS), .d = describe(text), .options = {.test = 0.1, .seed = 3, .threads = 1}};
    return w;
}

static void free_work(struct work *w)
{
    small_data_free(w->data);
    free(w);
}

static mrq_model *train(const struct work *w)
{
    mrq_train_result result = {0};
    assert_ok(mrq_train(&w->data->data, &w->d, &w->options, NULL, &result, &err));
    return result.model;
}

/* The operations */

static mrq_status check_kernels(void *context, mrq_error *problem)
{
    (void)context;
    return mrq_blas_check(problem);
}

static mrq_status read_description(void *context, mrq_error *problem)
{
    const char *const text = context;
    mrq_description d;
    return mrq_description_parse(text, strlen(text), "small.json", &d, problem);
}

static mrq_status write_description(void *context, mrq_error *problem)
{
    const struct work *w = context;
    cJSON *json = mrq_description_json(&w->d);
    cJSON_Delete(json);
    return json ? MRQ_OK : mrq_fail_memory(problem, "writing a description");
}

static mrq_status write_training(void *context, mrq_error *problem)
{
    const struct work *w = context;
    cJSON *training = mrq_model_training_json(w->model), *curve = mrq_model_curve_json(&w->model->curve);
    const bool ok = training && curve;
    cJSON_Delete(training);
    cJSON_Delete(curve);
    return ok ? MRQ_OK : mrq_fail_memory(problem, "writing results");
}

static mrq_status save(void *context, mrq_error *problem)
{
    const struct work *w = context;
    return mrq_model_save(w->model, file("m.mrq"), problem);
}

static mrq_status load(void *context, mrq_error *problem)
{
    (void)context;
    mrq_model *model = NULL;
    const mrq_status status = mrq_model_load(file("m.mrq"), &model, problem);
    mrq_model_free(model);
    return status;
}

static mrq_status fold(void *context, mrq_error *problem)
{
    const struct work *w = context;
    double reach;
    float items[ITEMS * 40];
    mrq_folded *folded = NULL;
    MRQ_TRY(mrq_model_export_items(w->model, items, &reach, problem));
    MRQ_TRY(mrq_model_fold(w->model, reach, &folded, problem));
    MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new("users", 1);
    mrq_status status = writer ? MRQ_OK : mrq_fail_memory(problem, "writing a tower");
    if (writer) {
        mrq_folded_save(folded, w->model->users, writer);
        mrq_folded_save_history(folded, USERS, ITEMS, writer);
        status = mrq_container_write(writer, file("users.mrq"), problem);
    }
    mrq_folded_free(folded);
    return status;
}

static mrq_status load_folded(void *context, mrq_error *problem)
{
    const struct work *w = context;
    MRQ_CLEANUP(mrq_container_close) mrq_container *container = NULL;
    MRQ_CLEANUP(mrq_folded_free) mrq_folded *folded = NULL;
    MRQ_TRY(mrq_container_open(file("users.mrq"), "users", 1, &container, problem));
    MRQ_TRY(mrq_folded_load(container, w->model->users, &folded, problem));
    return mrq_folded_load_history(container, USERS, ITEMS, folded, problem);
}

static mrq_status start_warm(void *context, mrq_error *problem)
{
    const struct work *w = context;
    uint32_t all[RATINGS];
    for (uint32_t i = 0; i < RATINGS; i++)
        all[i] = i;
    const mrq_model_source source = mrq_train_source(&w->data->data, all, RATINGS);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    MRQ_TRY(mrq_model_new(&w->d, &source, &model, problem));
    return w->d.train.objective == MRQ_RANKING ? MRQ_OK : mrq_model_warm(model, w->model, problem);
}

static void note_warning(void *context, const mrq_error *problem)
{
    *(mrq_error *)context = *problem;
}

/* A checkpoint that cannot be written is told, and no more. */
static mrq_status learn(void *context, mrq_error *problem)
{
    const struct work *w = context;
    mrq_error warning = {0};
    const mrq_train_watch watch = {.context = &warning, .warn = note_warning};
    mrq_train_result result = {0};
    MRQ_TRY(mrq_train(&w->data->data, &w->d, &w->options, &watch, &result, problem));
    mrq_model_free(result.model);
    return warning.status == MRQ_OK ? MRQ_OK : mrq_fail(problem, warning.status, "%s", warning.msg);
}

static mrq_status experiment(void *context, mrq_error *problem)
{
    const struct work *w = context;
    mrq_experiment_result result;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    return arena ? mrq_experiment_run(&w->experiment, arena, &result, problem) : mrq_fail_memory(problem, "measuring");
}

static mrq_status rank(void *context, mrq_error *problem)
{
    const struct work *w = context;
    const mrq_dataset *data = &w->data->data;
    const uint32_t user[] = {3, 4};
    float score[2 * ITEMS] = {0};
    mrq_ranker ranker;
    mrq_parts parts;
    MRQ_TRY(mrq_parts_make(data, MRQ_PROTOCOL_TOPN, false, 1, &parts, problem));
    mrq_status status = mrq_ranker_make(w->candidate.baseline, data, &parts, 1, 1, &ranker, problem);
    if (status == MRQ_OK) {
        status = mrq_ranker_score(&ranker, user, 2, score, problem);
        mrq_ranker_clear(&ranker);
    }
    mrq_parts_clear(&parts);
    return status;
}

static mrq_status draw(void *context, mrq_error *problem)
{
    const mrq_train_epoch *epoch = context;
    return mrq_curve_svg(file("curve.svg"), "t", epoch, 2, problem);
}

/* The tests */

static void test_kernels_are_checked(void **state)
{
    (void)state;
    assert_scarce("checking kernels", check_kernels, NULL, 2);
}

static void test_models(void **state)
{
    (void)state;
    for (int k = 0; k < SORTS; k++) {
        struct work *w = work_of(sorts[k]);
        char text[2000];
        strcpy(text, sorts[k]);
        assert_scarce("reading a description", read_description, text, 20);
        assert_scarce("writing a description", write_description, w, 20);
        MRQ_CLEANUP(mrq_model_free) mrq_model *model = train(w);
        w->model = model;
        assert_scarce("writing results", write_training, w, 20);
        assert_scarce("saving", save, w, 20);
        assert_scarce("loading", load, w, 20);
        assert_scarce("folding", fold, w, 20);
        assert_scarce("loading a folded tower", load_folded, w, 2);
        assert_scarce("starting", start_warm, w, 20);
        free_work(w);
    }
}

static void test_trainings(void **state)
{
    (void)state;
    for (int k = 0; k < SORTS; k++) {
        struct work *w = work_of(sorts[k]);
        assert_scarce("training", learn, w, 40);
        MRQ_CLEANUP(mrq_model_free) mrq_model *old = train(w);
        w->options = (mrq_train_options){.test = 0.1, .seed = 3, .threads = 2, .checkpoint = file("checkpoint.mrq")};
        if (k != RANKS)
            w->options.warm = old;
        assert_scarce("training with checkpoints", learn, w, 40);
        w->options.resume = true;
        assert_scarce("resuming", learn, w, 40);
        uint32_t part[RATINGS];
        for (uint32_t i = 0; i < RATINGS; i++)
            part[i] = i;
        const mrq_split given = {
            .n_train = 300, .n_valid = 50, .n_test = 50, .train = part, .valid = part + 300, .test = part + 350};
        w->options = (mrq_train_options){.seed = 3, .threads = 1, .parts = &given};
        assert_scarce("training of given parts", learn, w, 40);
        free_work(w);
    }
}

/* Resumes with another seed than that of the checkpoint. */
static mrq_status resume_another(void *context, mrq_error *problem)
{
    const struct work *w = context;
    mrq_train_result result = {0};
    const mrq_status status = mrq_train(&w->data->data, &w->d, &w->options, NULL, &result, problem);
    assert_null(result.model);
    if (status != MRQ_BAD_FILE)
        return status;
    assert_non_null(strstr(problem->msg, "was saved with training.seed 3, not 4: give the same data and settings, or remove"));
    return MRQ_OK;
}

static void a_checkpoint_of_another_training_is_told(void **state)
{
    (void)state;
    struct work *w = work_of(sorts[0]);
    volatile sig_atomic_t stop = 1;
    const mrq_train_watch watch = {.stop = &stop};
    mrq_train_result result = {0};
    w->options = (mrq_train_options){.test = 0.1, .seed = 3, .threads = 1, .checkpoint = file("another.mrq")};
    assert_ok(mrq_train(&w->data->data, &w->d, &w->options, &watch, &result, &err));
    mrq_model_free(result.model);
    w->options.seed = 4;
    w->options.resume = true;
    assert_scarce("resuming another training", resume_another, w, 40);
    free_work(w);
}

static void test_experiments(void **state)
{
    (void)state;
    struct work *w = work_of(SMALL(SMALL_BIASED, SMALL_SUM, SMALL_RATING_USER, SMALL_RATING_ITEM, SIZES));
    int64_t time[RATINGS];
    for (int i = 0; i < RATINGS; i++)
        time[i] = i;
    w->data->data.time = time;
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = train(w);
    w->data->data.users->n_columns = 1; /* fewer groups to be measured */
    w->experiment =
        (mrq_experiment){.data = &w->data->data, .seed = 1, .seeds = 1, .threads = 1, .n = 1, .candidate = &w->candidate};
    for (int protocol = 0; protocol <= MRQ_PROTOCOL_OWN; protocol++) {
        const bool own = protocol == MRQ_PROTOCOL_OWN;
        w->candidate = (mrq_candidate){.name = "tiny", .description = own ? NULL : &w->d, .model = own ? model : NULL};
        w->experiment.protocol = (mrq_protocol)protocol;
        w->experiment.own = own ? model : NULL;
        w->experiment.on_valid = protocol == MRQ_PROTOCOL_TOPN;
        assert_scarce(mrq_protocol_names[protocol], experiment, w, 40);
    }
    w->experiment =
        (mrq_experiment){.data = &w->data->data, .seed = 1, .seeds = 1, .threads = 1, .n = 1, .candidate = &w->candidate};
    w->candidate = (mrq_candidate){.name = "bias", .baseline = MRQ_BASELINE_BIAS};
    assert_scarce("bias", experiment, w, 20);
    for (int b = MRQ_BASELINE_BIAS + 1; b < MRQ_BASELINES; b++) {
        w->candidate.baseline = (mrq_baseline_kind)b;
        assert_scarce(mrq_baseline_names[b], rank, w, 20);
    }
    free_work(w);
}

static void test_pictures(void **state)
{
    (void)state;
    mrq_train_epoch epoch[] = {{.epoch = 1, .train_rmse = 1}, {.epoch = 2, .train_rmse = 0.5}};
    assert_scarce("drawing a curve", draw, epoch, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_are_checked), /* the first: what has been found right is not looked at again */
        cmocka_unit_test(test_models),
        cmocka_unit_test(test_trainings),
        cmocka_unit_test(a_checkpoint_of_another_training_is_told),
        cmocka_unit_test(test_experiments),
        cmocka_unit_test(test_pictures),
    };
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
