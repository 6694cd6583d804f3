/* What threads are worth where other programs want the cores. Trains on one thread and on several, on the machine as it is and
 * beside processes that do nothing but compute, one for each core; all four in turn, again and again, so that what else goes on
 * meets them alike. Fails where several threads take more than BOUND times as long as one beside those processes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/option.h"
#include "base/parallel.h"
#include "bench.h"
#include "train/train.h"

enum { REPEATS_MAX = 100 };
#define BOUND 3.0 /* times as long as on one thread, beside other programs: more is a fault */

struct arguments {
    const char *data;
    int64_t threads, repeats;
    bool json, smoke;
};

struct times {
    double seconds[2][2][REPEATS_MAX]; /* [busy][several threads] */
};

static void compute_for_ever(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    for (volatile unsigned i = 0;; i++)
        ;
}

/* Starts a process for each core that takes it, and ends them. */
static mrq_status start_load(pid_t *pid, long cores, mrq_error *err)
{
    const pid_t parent = getpid();
    for (long i = 0; i < cores; i++) {
        if ((pid[i] = fork()) < 0)
            return mrq_fail_errno(err, "cannot start a process");
        if (pid[i] == 0)
            compute_for_ever(parent);
    }
    return MRQ_OK;
}

static void end_load(pid_t *pid, long cores)
{
    for (long i = 0; i < cores; i++)
        if (pid[i] > 0) {
            kill(pid[i], SIGKILL);
            waitpid(pid[i], NULL, 0);
        }
}

static mrq_status train_once(const mrq_dataset *data, const char *preset, uint32_t threads, double *seconds, mrq_error *err)
{
    mrq_description description;
    MRQ_TRY(mrq_description_load(preset, &description, err));
    if (description.train.objective != MRQ_RANKING)
        description.train.epochs = 5;
    const mrq_train_options options = {.test = 0.1, .seed = 1, .threads = threads};
    mrq_train_result result = {0};
    const double start = mrq_clock();
    MRQ_TRY(mrq_train(data, &description, &options, NULL, &result, err));
    *seconds = mrq_clock() - start;
    mrq_model_free(result.model);
    return MRQ_OK;
}

static mrq_status train_both(const struct arguments *a, const mrq_dataset *data, const char *preset, int64_t repeat,
                             struct times *times, bool busy, mrq_error *err)
{
    for (int several = 0; several < 2; several++)
        MRQ_TRY(train_once(data, preset, several ? (uint32_t)a->threads : 1, &times->seconds[busy][several][repeat], err));
    return MRQ_OK;
}

/* Returns how many times as long several threads take as one. */
static double print_case(const struct arguments *a, const char *preset, struct times *times, bool busy)
{
    const size_t n = (size_t)a->repeats;
    double *one = times->seconds[busy][0], *several = times->seconds[busy][1];
    const double of_one = mrq_bench_median(one, n), of_several = mrq_bench_median(several, n);
    if (!a->json) {
        printf("%-10s %-5s %8lld %9.3f %9.3f %9.3f %9.3f %6.2f\n", preset, busy ? "busy" : "idle", (long long)a->threads, of_one,
               of_several, several[0], several[n - 1], of_several / of_one);
        fflush(stdout);
        return of_several / of_one;
    }
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "preset", preset);
    cJSON_AddBoolToObject(line, "busy", busy);
    cJSON_AddNumberToObject(line, "threads", (double)a->threads);
    cJSON_AddNumberToObject(line, "repeats", (double)a->repeats);
    cJSON_AddNumberToObject(line, "seconds_of_one", of_one);
    cJSON_AddNumberToObject(line, "seconds", of_several);
    cJSON_AddNumberToObject(line, "fastest", several[0]);
    cJSON_AddNumberToObject(line, "slowest", several[n - 1]);
    cJSON_AddNumberToObject(line, "times_one", of_several / of_one);
    mrq_bench_print(line);
    return of_several / of_one;
}

static mrq_status run_case(const struct arguments *a, const mrq_dataset *data, const char *preset, mrq_error *err)
{
    struct times times;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    MRQ_AUTOFREE pid_t *pid = mrq_array((size_t)cores, sizeof *pid);
    if (!pid)
        return mrq_fail_memory(err, "preparing the load");
    for (int64_t r = 0; r < a->repeats; r++) {
        MRQ_TRY(train_both(a, data, preset, r, &times, false, err));
        mrq_status status = start_load(pid, cores, err);
        if (status == MRQ_OK)
            status = train_both(a, data, preset, r, &times, true, err);
        end_load(pid, cores);
        MRQ_TRY(status);
    }
    print_case(a, preset, &times, false);
    const double ratio = print_case(a, preset, &times, true);
    return a->smoke || ratio <= BOUND
               ? MRQ_OK
               : mrq_fail(err, MRQ_FAILED,
                          "%s: %.2f times as long on %lld threads as on one beside other programs, want at most %g", preset, ratio,
                          (long long)a->threads, BOUND);
}

static mrq_status run(int argc, char **argv, mrq_error *err)
{
    struct arguments a = {.data = "data/sample", .threads = 2, .repeats = 9};
    const mrq_option options[] = {
        {"data", 'd', MRQ_OPT_TEXT, &a.data, 0, 0, "DIR", "the data set"},
        {"threads", 't', MRQ_OPT_INT, &a.threads, 2, MRQ_THREADS_MAX, "N", "workers, compared with one"},
        {"repeats", 'n', MRQ_OPT_INT, &a.repeats, 1, REPEATS_MAX, "N", "trainings of each kind; the middle one counts"},
        {"json", 'j', MRQ_OPT_FLAG, &a.json, 0, 0, NULL, "a JSON document a line"},
        {"smoke", 0, MRQ_OPT_FLAG, &a.smoke, 0, 0, NULL, "one training of each kind, to see that it runs; times are not judged"},
        {0},
    };
    const mrq_command command = {"bench_busy",
                                 "[option...]",
                                 "Measures what threads are worth to a training on a busy machine, which it keeps busy itself.",
                                 options,
                                 0,
                                 0,
                                 "  bench_busy --threads 2\n"};
    int first;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    a.repeats = a.smoke ? 1 : a.repeats;
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = NULL;
    MRQ_TRY(mrq_dataset_load(a.data, NULL, &data, err));
    if (!a.json)
        printf("%-10s %-5s %8s %9s %9s %9s %9s %6s\n", "preset", "", "threads", "s of one", "s", "fastest", "slowest", "times");
    static const char *const presets[] = {"retrieval", "rating"};
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        MRQ_TRY(run_case(&a, data, presets[i], err));
    return MRQ_OK;
}

int main(int argc, char **argv)
{
    return mrq_bench_main("bench_busy", MRQ_LOG_WARN, run, argc, argv);
}
