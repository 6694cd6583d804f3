/* The ends of flows: a map, a descriptor, and the thread that draws ahead. While that thread decompresses or waits for a
 * server, the reader cuts the blocks that are there already, so a compressed file takes as long as the slower of the two. Blocks
 * go round in a ring; one lock for a block of 256 KiB costs nothing. */
#include "dataset/flow.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/parallel.h"

#ifdef MRQ_ANALYSER /* it does not see that a flow is kept by its first member */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

#define BLOCKS  4
#define WAIT_MS 100 /* how often a flow that waits looks whether it was stopped */

void mrq_flow_free(mrq_flow *flow)
{
    while (flow) {
        mrq_flow *from = flow->from;
        flow->close(flow);
        flow = from;
    }
}

void mrq_flow_stop(mrq_flow *flow)
{
    for (; flow; flow = flow->from)
        atomic_store(&flow->stopped, true);
}

static void close_plain(mrq_flow *flow)
{
    free(flow);
}

/* --- maps --- */

struct map {
    mrq_flow flow;
    const mrq_map *map;
    size_t at;
    mrq_sum *sum;
};

static mrq_status next_of_map(mrq_flow *flow, const char **bytes, size_t *size, mrq_error *err)
{
    struct map *m = (struct map *)flow;
    const size_t left = m->map->size - m->at;
    (void)err;
    mrq_map_forget(m->map, m->at > MRQ_FLOW_STEP ? m->at - MRQ_FLOW_STEP : 0, m->at);
    *bytes = (const char *)m->map->data + m->at;
    *size = left < MRQ_FLOW_STEP ? left : MRQ_FLOW_STEP;
    if (m->sum)
        mrq_sum_update(m->sum, *bytes, *size);
    m->at += *size;
    return MRQ_OK;
}

mrq_status mrq_flow_map(mrq_flow **flow, const mrq_map *map, mrq_sum *sum, mrq_error *err)
{
    struct map *m = calloc(1, sizeof *m);
    if (!m)
        return mrq_fail_memory(err, "reading a file");
    *m = (struct map){{.next = next_of_map, .close = close_plain, .from = *flow}, map, 0, sum};
    *flow = &m->flow;
    return MRQ_OK;
}

/* --- descriptors --- */

struct descriptor {
    mrq_flow flow;
    int number;
    const char *name;
    mrq_sum *sum;
    char bytes[MRQ_FLOW_STEP];
};

/* Fills all of the piece, so that the first one has the bytes by which a compressed stream is known. */
static mrq_status next_of_descriptor(mrq_flow *flow, const char **bytes, size_t *size, mrq_error *err)
{
    struct descriptor *d = (struct descriptor *)flow;
    *bytes = d->bytes;
    *size = 0;
    while (*size < sizeof d->bytes) {
        struct pollfd ready = {.fd = d->number, .events = POLLIN};
        if (atomic_load(&flow->stopped))
            return mrq_fail(err, MRQ_FAILED, "%s: stopped", d->name);
        if (poll(&ready, 1, WAIT_MS) == 0)
            continue;
        const ssize_t got = read(d->number, d->bytes + *size, sizeof d->bytes - *size);
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return mrq_fail(err, MRQ_FAILED, "%s: cannot read: %s", d->name, strerror(errno));
        if (got == 0)
            break;
        *size += got > 0 ? (size_t)got : 0;
    }
    if (d->sum)
        mrq_sum_update(d->sum, *bytes, *size);
    return MRQ_OK;
}

mrq_status mrq_flow_descriptor(mrq_flow **flow, int descriptor, const char *name, mrq_sum *sum, mrq_error *err)
{
    struct descriptor *d = malloc(sizeof *d);
    if (!d)
        return mrq_fail_memory(err, "reading a file");
    d->flow = (mrq_flow){.next = next_of_descriptor, .close = close_plain, .from = *flow};
    d->number = descriptor;
    d->name = name;
    d->sum = sum;
    *flow = &d->flow;
    return MRQ_OK;
}

/* --- ahead --- */

struct ahead {
    mrq_flow flow;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows, but the bytes: a block belongs to the thread until it is counted in `made` */
    pthread_cond_t change;
    uint64_t made, taken; /* blocks */
    bool in_use;          /* the block behind those taken was given */
    bool ended;
    mrq_status status; /* with which it ended */
    mrq_error err;
    size_t block, size[BLOCKS];
    char *bytes[BLOCKS];
};

/* Waits until a block is free; false when no more is wanted. */
static bool wait_for_room(struct ahead *a)
{
    pthread_mutex_lock(&a->lock);
    while (a->made - a->taken == BLOCKS && !atomic_load(&a->flow.stopped))
        pthread_cond_wait(&a->change, &a->lock);
    pthread_mutex_unlock(&a->lock);
    return !atomic_load(&a->flow.stopped);
}

static void hand_over(struct ahead *a, size_t size, bool ended, mrq_status status)
{
    pthread_mutex_lock(&a->lock);
    a->size[a->made % BLOCKS] = size;
    a->made += size > 0;
    a->ended = ended;
    a->status = status;
    pthread_cond_signal(&a->change);
    pthread_mutex_unlock(&a->lock);
}

static void *draw_ahead(void *argument)
{
    struct ahead *a = argument;
    const char *piece = NULL;
    size_t left = 0;
    for (bool ended = false; !ended && wait_for_room(a);) {
        char *block = a->bytes[a->made % BLOCKS];
        size_t size = 0;
        mrq_status status = MRQ_OK;
        while (size < a->block && !ended) {
            if (!left)
                status = a->flow.from->next(a->flow.from, &piece, &left, &a->err);
            ended = status != MRQ_OK || !left;
            left = status == MRQ_OK ? left : 0;
            const size_t take = left < a->block - size ? left : a->block - size;
            if (take)
                memcpy(block + size, piece, take);
            piece += take;
            size += take;
            left -= take;
        }
        hand_over(a, size, ended, status);
    }
    return NULL;
}

/* Blocks that were made before an error are given before it. */
static mrq_status next_of_ahead(mrq_flow *flow, const char **bytes, size_t *size, mrq_error *err)
{
    struct ahead *a = (struct ahead *)flow;
    pthread_mutex_lock(&a->lock);
    a->taken += a->in_use;
    pthread_cond_signal(&a->change);
    while (a->made == a->taken && !a->ended)
        pthread_cond_wait(&a->change, &a->lock);
    a->in_use = a->made > a->taken;
    *bytes = a->bytes[a->taken % BLOCKS];
    *size = a->in_use ? a->size[a->taken % BLOCKS] : 0;
    const mrq_status status = a->in_use ? MRQ_OK : a->status;
    pthread_mutex_unlock(&a->lock);
    return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "%s", a->err.msg);
}

static void free_ahead(struct ahead *a)
{
    pthread_cond_destroy(&a->change);
    pthread_mutex_destroy(&a->lock);
    for (int i = 0; i < BLOCKS; i++)
        mrq_free(a->bytes[i]);
    free(a);
}

static void close_ahead(mrq_flow *flow)
{
    struct ahead *a = (struct ahead *)flow;
    pthread_mutex_lock(&a->lock);
    mrq_flow_stop(flow);
    pthread_cond_signal(&a->change);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    free_ahead(a);
}

mrq_status mrq_flow_ahead(mrq_flow **flow, size_t block, mrq_error *err)
{
    struct ahead *a = calloc(1, sizeof *a);
    if (!a)
        return mrq_fail_memory(err, "reading a file");
    a->flow = (mrq_flow){.next = next_of_ahead, .close = close_ahead, .from = *flow};
    a->block = block;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->change, NULL);
    mrq_status status = MRQ_OK;
    for (int i = 0; i < BLOCKS && status == MRQ_OK; i++)
        if (!(a->bytes[i] = mrq_array(block, 1)))
            status = mrq_fail_memory(err, "reading a file");
    if (status == MRQ_OK && mrq_thread_start(&a->thread, draw_ahead, a) == 0)
        *flow = &a->flow;
    else
        free_ahead(a);
    return status;
}
