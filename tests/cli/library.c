/* A program of somebody else's: 8 threads ask the installed library while the store changes 200 times under them:
 * library STORE GENERATION GENERATION. Each answer is that of its generation, whoever asked, whatever else was going on. */
#include <marquee/marquee.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 8
#define RELOADS 200
#define PEOPLE  20
#define K       10

typedef struct id {
    char text[256];
} id;

static mrq_recommender *recommender;
static const char *const *generation; /* (2) names */
static id best[2][PEOPLE][K];         /* what each generation answers, asked alone */
static atomic_bool enough;
static atomic_ulong answers[2];

static void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* Asks for a person and returns which generation answered. */
static int ask(int person, id out[K])
{
    mrq_error err = {MRQ_OK, ""};
    mrq_answer *result = NULL;
    mrq_query *query = mrq_query_new();
    char age[16], k[16];
    snprintf(age, sizeof age, "%d", 10 + 3 * person);
    snprintf(k, sizeof k, "%d", K);
    const char *const fields[][2] = {{"age", age}, {"gender", person % 2 ? "F" : "M"}, {"job", "programmer"}, {"k", k}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (mrq_query_set(query, fields[i][0], fields[i][1], &err) != MRQ_OK)
            die("set", err.msg);
    if (mrq_recommender_ask(recommender, MRQ_ASK_RECOMMEND, query, &result, &err) != MRQ_OK)
        die("recommend", err.msg);
    mrq_query_free(query);
    const int which = strcmp(mrq_answer_info_text(result, "generation"), generation[0]) == 0 ? 0 : 1;
    size_t size = 0;
    const char *json = mrq_answer_json(result, &size);
    if (!json || strlen(json) != size || !strstr(json, generation[which]) || mrq_answer_size(result) != K)
        die("a result", json ? json : "no JSON");
    memset(out, 0, K * sizeof *out); /* they are compared whole */
    for (uint32_t i = 0; i < K; i++)
        snprintf(out[i].text, sizeof out[i].text, "%s", mrq_answer_id(result, i));
    mrq_answer_free(result);
    return which;
}

static void *ask_on(void *argument)
{
    id have[K] = {{""}};
    for (int i = *(const int *)argument; !atomic_load(&enough); i++) {
        const int person = i % PEOPLE, which = ask(person, have);
        if (memcmp(have, best[which][person], sizeof have) != 0)
            die("an answer", "not its generation's");
        atomic_fetch_add(&answers[which], 1);
    }
    return NULL;
}

static void serve(const char *store, int which)
{
    char link[4096], next[4096], target[256];
    snprintf(link, sizeof link, "%s/current", store);
    snprintf(next, sizeof next, "%s/next", store);
    snprintf(target, sizeof target, "generations/%s", generation[which]);
    if (symlink(target, next) != 0 || rename(next, link) != 0)
        die("symlink", next);
    mrq_error err = {MRQ_OK, ""};
    bool changed = false;
    if (mrq_recommender_reload(recommender, &changed, &err) != MRQ_OK || !changed)
        die("reload", err.status ? err.msg : "nothing changed");
}

int main(int argc, char **argv)
{
    if (argc != 4)
        die("library", "want STORE GENERATION GENERATION, the second being current");
    generation = (const char *const *)argv + 2;
    mrq_error err = {MRQ_OK, ""};
    mrq_options *options = mrq_options_new();
    if (mrq_options_set(options, "store", argv[1], &err) != MRQ_OK ||
        mrq_options_set(options, "memory", "65536", &err) != MRQ_OK || /* so little that answers have to go */
        mrq_recommender_open(options, &recommender, &err) != MRQ_OK)
        die("open", err.msg);
    mrq_options_free(options);
    for (int which = 0; which < 2; which++) {
        serve(argv[1], which);
        for (int person = 0; person < PEOPLE; person++)
            if (ask(person, best[which][person]) != which)
                die("reload", "another generation answers");
    }
    pthread_t thread[THREADS];
    int start[THREADS];
    for (int i = 0; i < THREADS; i++) {
        start[i] = i * 3;
        if (pthread_create(&thread[i], NULL, ask_on, &start[i]) != 0)
            die("pthread_create", "failed");
    }
    for (int i = 0; i < RELOADS; i++)
        serve(argv[1], i % 2);
    atomic_store(&enough, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    mrq_stats *stats = mrq_recommender_stats(recommender);
    mrq_recommender_close(recommender);
    if (mrq_stats_number(stats, "reloads") != RELOADS + 2 || mrq_stats_number(stats, "reloads_refused") != 0 ||
        answers[0] < RELOADS || answers[1] < RELOADS)
        die("statistics", "reloads or answers are missing");
    mrq_stats_free(stats);
    printf("%lu and %lu answers\n", answers[0], answers[1]);
    return 0;
}
