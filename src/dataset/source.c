/* Windows on a source. Of a map they are parts; the splitter's pointers stay valid until the source is closed. Of a stream they are
 * copied into one buffer, block by block, which costs a hundredth of decompressing: the part behind the last line end waits there
 * for the next window. Rejected: reading in place in the blocks, which saves the copy but needs a second way for records that
 * cross two of them. */
#include "dataset/source.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static mrq_status fail_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "reading a file");
}

static mrq_status too_long(const mrq_source *source, uint64_t line, mrq_error *err)
{
    return mrq_fail(err, MRQ_BAD_FILE,
                    "%s:%llu: a record of more than %zu MB: want records that end with a line end, and quotes that are closed",
                    source->name, (unsigned long long)line, MRQ_RECORD_MAX >> 20);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* --- maps --- */

#define WINDOW ((size_t)8 << 20) /* what is behind it is given back */

static void add_to_sum(mrq_source *source)
{
    const size_t end = (size_t)(source->bytes + source->size - (const char *)source->map.data);
    if (source->sum && end > source->summed)
        mrq_sum_update(source->sum, source->map.data + source->summed, end - source->summed);
    source->summed = end;
}

static mrq_status more_of_map(mrq_source *source, size_t keep, uint64_t line, mrq_error *err)
{
    const char *begin = source->bytes + source->size - keep, *end = (const char *)source->map.data + source->map.size;
    const size_t left = (size_t)(end - begin), want = 2 * keep > WINDOW ? 2 * keep : WINDOW;
    const char *cut = NULL;
    size_t most = smaller(left, smaller(want, MRQ_RECORD_MAX));
    for (;; most = smaller(left, MRQ_RECORD_MAX)) { /* a line that is longer than usual gets all that it may have */
        cut = most == left ? end - 1 : keep < most ? memrchr(begin + keep, '\n', most - keep) : NULL;
        if (cut)
            break;
        if (most == MRQ_RECORD_MAX)
            return too_long(source, line, err);
    }
    const char *data = (const char *)source->map.data;
    mrq_map_forget(&source->map, (size_t)(source->bytes - data), (size_t)(begin - data));
    source->bytes = begin;
    source->size = (size_t)(cut + 1 - begin);
    source->last = most == left;
    add_to_sum(source);
    return MRQ_OK;
}

/* --- streams --- */

/* Puts the next block behind what there is. */
static mrq_status append(mrq_source *source, mrq_error *err)
{
    const char *block;
    size_t size;
    MRQ_TRY(source->flow->next(source->flow, &block, &size, err));
    source->ended = !size;
    if (mrq_grow(&source->buffer, &source->room, source->filled + size + 1, 1))
        return fail_memory(err);
    if (size)
        memcpy(source->buffer + source->filled, block, size);
    source->filled += size;
    return MRQ_OK;
}

/* The bytes up to the last line end behind `seen`, within the length of a record; 0 without one. */
static size_t whole_lines(const mrq_source *source, size_t seen)
{
    const size_t most = smaller(source->filled, MRQ_RECORD_MAX);
    const char *end = seen < most ? memrchr(source->buffer + seen, '\n', most - seen) : NULL;
    return end ? (size_t)(end + 1 - source->buffer) : 0;
}

/* A record that goes on gets a window of twice its length so far, so that a long one is not cut anew for every block. */
static mrq_status more_of_stream(mrq_source *source, size_t keep, uint64_t line, mrq_error *err)
{
    const size_t begin = source->size - keep, want = smaller(2 * keep, MRQ_RECORD_MAX);
    source->filled -= begin;
    if (source->filled)
        memmove(source->buffer, source->buffer + begin, source->filled);
    size_t size = whole_lines(source, keep);
    while ((!size || size < want) && source->filled <= MRQ_RECORD_MAX && !source->ended) {
        const size_t seen = source->filled;
        MRQ_TRY(append(source, err));
        const size_t longer = whole_lines(source, seen > keep ? seen : keep);
        size = longer ? longer : size;
    }
    source->last = source->ended && source->filled <= MRQ_RECORD_MAX;
    source->size = source->last ? source->filled : size;
    source->bytes = source->buffer;
    return source->size || source->last ? MRQ_OK : too_long(source, line, err);
}

static mrq_status whole_of_stream(mrq_source *source, mrq_error *err)
{
    uint64_t line = 1; /* of `begin` */
    for (size_t begin = 0; !source->ended;) {
        const size_t seen = source->filled;
        MRQ_TRY(append(source, err));
        const char *p = source->buffer + seen, *end = source->buffer + source->filled;
        for (size_t size; (p = memchr(p, '\n', (size_t)(end - p))); line++, begin += size)
            if ((size = (size_t)(++p - source->buffer) - begin) > MRQ_RECORD_MAX)
                return too_long(source, line, err);
        if (source->filled - begin > MRQ_RECORD_MAX)
            return too_long(source, line, err);
    }
    source->bytes = source->buffer;
    source->size = source->filled;
    source->last = true;
    return MRQ_OK;
}

mrq_status mrq_source_more(mrq_source *source, size_t keep, uint64_t line, mrq_error *err)
{
    return source->flow ? more_of_stream(source, keep, line, err) : more_of_map(source, keep, line, err);
}

mrq_status mrq_source_whole(mrq_source *source, mrq_error *err)
{
    if (source->flow)
        return whole_of_stream(source, err);
    source->bytes = (const char *)source->map.data;
    source->size = source->map.size;
    source->last = true;
    add_to_sum(source);
    return MRQ_OK;
}

/* --- opening --- */

/* Says what is in the place of a file; the general message of a map names no way out. */
static mrq_status open_map(mrq_source *source, const char *path, mrq_error *err)
{
    struct stat *st = &source->opened;
    if (stat(path, st) == 0 && S_ISDIR(st->st_mode))
        return mrq_fail(err, MRQ_BAD_FILE, "%s: a folder, want a file", source->name);
    if (S_ISFIFO(st->st_mode))
        return mrq_fail(err, MRQ_BAD_FILE, "%s: a pipe, want a file; events can come by standard input: \"file\": \"-\"",
                        source->name);
    return mrq_map_open(&source->map, path, err);
}

static bool begins(const mrq_map *map, const char *magic, size_t size)
{
    return map->size >= size && memcmp(map->data, magic, size) == 0;
}

/* A stream begins with a thread that is a few blocks ahead of the reader. */
static mrq_status start_stream(mrq_source *source, const char *encoding, mrq_error *err)
{
    MRQ_TRY(mrq_flow_unpack(&source->flow, source->name, err));
    if (encoding)
        MRQ_TRY(mrq_flow_convert(&source->flow, source->name, encoding, err));
    return mrq_flow_ahead(&source->flow, source->block ? source->block : MRQ_FLOW_STEP, err);
}

static mrq_status start(mrq_source *source, const char *path, const char *encoding, mrq_error *err)
{
    if (strcmp(source->name, "-") == 0) {
        source->name = "standard input";
        MRQ_TRY(mrq_flow_descriptor(&source->flow, STDIN_FILENO, source->name, source->sum, err));
        return start_stream(source, encoding, err);
    }
    MRQ_TRY(open_map(source, path, err));
    source->bytes = (const char *)source->map.data;
    if (!encoding && !source->block && !begins(&source->map, "\x1f\x8b", 2) && !begins(&source->map, "\x28\xb5\x2f\xfd", 4))
        return MRQ_OK;
    MRQ_TRY(mrq_flow_map(&source->flow, &source->map, source->sum, err));
    return start_stream(source, encoding, err);
}

mrq_status mrq_source_open(mrq_source *source, const char *path, const char *name, const char *encoding, mrq_sum *sum,
                           mrq_error *err)
{
    *source = (mrq_source){.name = name, .sum = sum, .block = source->block};
    const mrq_status status = start(source, path, encoding, err);
    if (status != MRQ_OK)
        mrq_source_close(source);
    return status;
}

mrq_status mrq_source_take(mrq_source *source, mrq_flow *flow, const char *name, mrq_error *err)
{
    *source = (mrq_source){.name = name, .flow = flow, .block = source->block};
    const mrq_status status = mrq_flow_ahead(&source->flow, source->block ? source->block : MRQ_FLOW_STEP, err);
    if (status != MRQ_OK)
        mrq_source_close(source);
    return status;
}

bool mrq_source_changed(const mrq_source *source, const char *path)
{
    const struct stat *then = &source->opened;
    struct stat now;
    return then->st_ino && stat(path, &now) == 0 && now.st_dev == then->st_dev && now.st_ino == then->st_ino &&
           (now.st_size != then->st_size || now.st_mtim.tv_sec != then->st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != then->st_mtim.tv_nsec);
}

void mrq_source_close(mrq_source *source)
{
    mrq_flow_free(source->flow);
    mrq_map_close(&source->map);
    mrq_free(source->buffer);
    *source = (mrq_source){.block = source->block};
}
