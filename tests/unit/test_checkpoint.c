/* Train room, what a checkpoint may hold: each field of its position wrong one by one, each section missing, short or not finite.
 * The file itself is whole each time, as a hostile writer's would be. */
#include "base/clock.h"
#include "train/trainer.h"
#include "unit/small_world.h"

static mrq_error err;
static char folder[128], path[200];

enum { USERS = 20, ITEMS = 15, RATINGS = 90, LEARNED = 73, EPOCHS = 3 };

/* A training that is interrupted in its second epoch, and its checkpoint. */
static struct {
    small_data *data;
    mrq_description d;
    mrq_train_options options; /* to resume */
    mrq_container *file;
    volatile sig_atomic_t stop;
} world;

static void stop_in_the_second_pass(void *context, const mrq_train_epoch *all, uint32_t n)
{
    (void)context, (void)all, (void)n;
    world.stop = 1;
}

static int interrupt(void **state)
{
    (void)state;
    world.data = small_data_new(USERS, ITEMS, RATINGS);
    world.d = describe(SMALL(SMALL_BIASED, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM,
                             "\"lr\":0.01,\"batch\":16,\"epochs\":3,\"validation\":0.1"));
    world.options = (mrq_train_options){.test = 0.1, .seed = 3, .threads = 2, .checkpoint = path, .checkpoint_seconds = 1e9};
    const mrq_train_watch watch = {.epoch = stop_in_the_second_pass, .stop = &world.stop};
    mrq_train_result result = {0};
    assert_ok(mrq_train(&world.data->data, &world.d, &world.options, &watch, &result, &err));
    assert_true(result.end == MRQ_TRAIN_INTERRUPTED && result.saved && result.epoch == 2);
    assert_int_equal(result.model->results.train_ratings, LEARNED);
    mrq_model_free(result.model);
    world.options.resume = true;
    assert_ok(mrq_container_open(path, "resume", 2, &world.file, &err));
    return 0;
}

static int end(void **state)
{
    (void)state;
    mrq_container_close(world.file);
    small_data_free(world.data);
    return 0;
}

static const struct {
    const char *name;
    size_t size; /* of an element */
} sections[] = {{"settings", 1},
                {"position", sizeof(mrq_position)},
                {"epochs", sizeof(mrq_train_epoch)},
                {"order", sizeof(uint32_t)},
                {"random", sizeof(mrq_random)},
                {"parameters", sizeof(float)},
                {"best", sizeof(float)},
                {"moment1", sizeof(float)},
                {"moment2", sizeof(float)}};
enum { SECTIONS = sizeof sections / sizeof *sections };

/* The checkpoint with another section `name`, or none where `data` is NULL. */
static void write_with(const char *name, const void *data, size_t size)
{
    MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new("resume", 2);
    for (int i = 0; i < SECTIONS; i++) {
        size_t bytes = MRQ_ANY;
        const void *was;
        assert_ok(mrq_container_get(world.file, 1, &bytes, &was, &err, "%s", sections[i].name));
        if (strcmp(sections[i].name, name) != 0)
            mrq_container_add(writer, was, bytes, 1, "%s", sections[i].name);
        else if (data)
            mrq_container_add(writer, data, size, 1, "%s", name);
    }
    assert_ok(mrq_container_write(writer, path, &err));
}

static mrq_status resume_with(const char *name, const void *data, size_t size)
{
    write_with(name, data, size);
    mrq_train_result result = {0};
    const mrq_status status = mrq_train(&world.data->data, &world.d, &world.options, NULL, &result, &err);
    assert_true(status == MRQ_OK ? result.end == MRQ_TRAIN_DONE : !result.model);
    mrq_model_free(result.model);
    return status;
}

/* A copy of a section, freed with mrq_free(). */
static void *copy_of(const char *name, size_t *size)
{
    const void *was;
    *size = MRQ_ANY;
    assert_ok(mrq_container_get(world.file, 1, size, &was, &err, "%s", name));
    void *copy = mrq_array(*size, 1);
    memcpy(copy, was, *size);
    return copy;
}

static mrq_position position(void)
{
    size_t size;
    MRQ_AUTOFREE mrq_position *at = copy_of("position", &size);
    assert_int_equal(size, sizeof *at);
    return *at;
}

static void as_it_is_it_is_taken(void **state)
{
    (void)state;
    const mrq_position at = position();
    assert_true(at.epoch == 2 && at.n_epochs == 1 && at.done == 16 && at.step == 6 && at.best_epoch == 1 && at.loss > 0 &&
                at.seconds > 0);
    assert_ok(resume_with("position", &at, sizeof at));
}

static void a_position_lies_within_the_training(void **state)
{
    (void)state;
    mrq_position at;
    const double nan = (double)NAN, infinite = (double)INFINITY;
    const struct {
        void *member; /* of `at` */
        size_t size;
        int64_t whole;
        double real; /* of 8 bytes where `whole` is 0 */
        bool is_real, fine;
    } cases[] = {
#define WHOLE(member, value, fine) {&at.member, sizeof at.member, value, 0, false, fine}
#define REAL(member, value, fine)                                                                                                  \
    {                                                                                                                              \
        &at.member, sizeof at.member, 0, value, true, fine                                                                         \
    }
        WHOLE(epoch, 0, false),    WHOLE(epoch, 1, false),         WHOLE(epoch, 3, false),     WHOLE(epoch, EPOCHS + 1, false),
        WHOLE(n_epochs, 0, false), WHOLE(n_epochs, 2, false),      WHOLE(done, LEARNED, true), WHOLE(done, LEARNED + 1, false),
        WHOLE(done, -1, false),    WHOLE(best_epoch, -1, false),   WHOLE(best_epoch, 0, true), WHOLE(best_epoch, 2, false),
        REAL(loss, nan, false),    REAL(loss, infinite, false),    REAL(loss, -0.5, false),    REAL(loss, 0, true),
        REAL(seconds, nan, false), REAL(seconds, infinite, false), REAL(seconds, -0.5, false), REAL(seconds, 0, true),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        at = position();
        memcpy(cases[i].member, cases[i].is_real ? (const void *)&cases[i].real : (const void *)&cases[i].whole, cases[i].size);
        char sentence[200];
        snprintf(sentence, sizeof sentence, "epoch %lld, %llu ratings, %u epochs ended: not a position in this training",
                 (long long)at.epoch, (unsigned long long)at.done, at.n_epochs);
        if (cases[i].fine)
            assert_ok(resume_with("position", &at, sizeof at));
        else
            assert_fails(resume_with("position", &at, sizeof at), MRQ_BAD_FILE, sentence);
    }
}

static void keep_last(void *context, const mrq_train_epoch *all, uint32_t n)
{
    memcpy(context, all, n * sizeof *all);
}

/* The seconds before an interruption count, in the epoch that was interrupted and in no other. */
static void seconds_before_an_interruption_count(void **state)
{
    (void)state;
    mrq_position at = position();
    at.seconds = 1000;
    write_with("position", &at, sizeof at);
    mrq_train_epoch epoch[EPOCHS];
    const mrq_train_watch watch = {.context = epoch, .epoch = keep_last};
    mrq_train_result result = {0};
    const double start = mrq_clock();
    assert_ok(mrq_train(&world.data->data, &world.d, &world.options, &watch, &result, &err));
    const double took = mrq_clock() - start;
    assert_true(epoch[1].seconds >= 1000 && epoch[1].seconds <= 1000 + took);
    assert_true(epoch[2].seconds > 0 && epoch[2].seconds <= took);
    mrq_model_free(result.model);
}

static void passes_stand_in_their_order(void **state)
{
    (void)state;
    size_t size;
    MRQ_AUTOFREE mrq_train_epoch *epoch = copy_of("epochs", &size);
    assert_int_equal(size, sizeof *epoch);
    epoch->epoch = 2;
    assert_fails(resume_with("epochs", epoch, size), MRQ_BAD_FILE, "found epoch 2, want epoch 1");
}

static void each_section_is_there_and_whole(void **state)
{
    (void)state;
    for (int i = 0; i < SECTIONS; i++) {
        size_t size;
        MRQ_AUTOFREE unsigned char *copy = copy_of(sections[i].name, &size);
        char sentence[100];
        snprintf(sentence, sizeof sentence, "section \"%s\"", sections[i].name);
        assert_fails(resume_with(sections[i].name, NULL, 0), MRQ_BAD_FILE, sentence);
        assert_fails(resume_with(sections[i].name, copy, size - sections[i].size), MRQ_BAD_FILE, i ? sentence : "");
        if (sections[i].size != sizeof(float) || strcmp(sections[i].name, "order") == 0)
            continue;
        static const float wrong[] = {NAN, INFINITY, -INFINITY};
        for (int k = 0; k < 3; k++) {
            memcpy(copy + (k ? size - sizeof *wrong : 0), &wrong[k], sizeof *wrong);
            snprintf(sentence, sizeof sentence, "%s holds a number that is not finite", sections[i].name);
            assert_fails(resume_with(sections[i].name, copy, size), MRQ_BAD_FILE, sentence);
        }
    }
}

/* The settings of the checkpoint, changed by what is told: a member absent, another, one more. */
static void the_first_setting_that_differs_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *sentence;
    } cases[] = {
        {"\"schema\":\"small\",", "",
         "was saved with training.schema absent, not \"small\": give the same data and settings, or remove the file"},
        {"\"threads\":2", "\"threads\":\"2\"", "was saved with training.threads \"2\", not 2"},
        {"\"threads\":2", "\"threads\":2.5", "was saved with training.threads 2.5, not 2"},
        {"\"threads\":2", "\"threads\":1", "was saved with training.threads 1, not 2"},
        {"\"kind\":\"id\"", "\"kind\":\"ID\"", "was saved with model.towers.user[0].kind \"ID\", not \"id\""},
        {"\"kind\":\"id\"", "\"kind\":\"di\"", "was saved with model.towers.user[0].kind \"di\", not \"id\""},
        {"\"feature\":\"job\"", "\"feature\":{}", "was saved with model.towers.user[2].feature {}, not \"job\""},
        {"\"score\":{", "\"score\":{\"more\":1,", "was saved with model.score {\"more\":1,\"kind\":\"dot\",\"shift\":3.15"},
        {"\"user\":[", "\"user\":[{},", "was saved with model.towers.user[0].feature absent, not \"id\""},
        {"\"joint\":{", "\"joint\":7,\"j\":{", "was saved with model.joint 7, not {"},
        {"\"bias\":true", "\"bias\":false", "was saved with model.score.bias false, not true"},
    };
    size_t size;
    MRQ_AUTOFREE char *was = copy_of("settings", &size);
    char text[4000];
    snprintf(text, sizeof text, "%.*s", (int)size, was);
    assert_ok(resume_with("settings", text, size));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char all[4100];
        const char *at = strstr(text, cases[i].from);
        assert_non_null(at);
        snprintf(all, sizeof all, "%.*s%s%s", (int)(at - text), text, cases[i].to, at + strlen(cases[i].from));
        assert_fails(resume_with("settings", all, strlen(all)), MRQ_BAD_FILE, cases[i].sentence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_it_is_it_is_taken),
        cmocka_unit_test(a_position_lies_within_the_training),
        cmocka_unit_test(seconds_before_an_interruption_count),
        cmocka_unit_test(passes_stand_in_their_order),
        cmocka_unit_test(each_section_is_there_and_whole),
        cmocka_unit_test(the_first_setting_that_differs_is_named),
    };
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    snprintf(path, sizeof path, "%s/m.checkpoint", folder);
    const int failed = cmocka_run_group_tests(tests, interrupt, end);
    temporary_remove(folder);
    return failed;
}
