/* Decompression. zlib and libzstd are loaded when a compressed source comes: most data is plain. Both are driven by the same loop:
 * a step takes what it can of the piece at hand and writes what it can into the buffer. */
#include "dataset/flow.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/library.h"
#include "base/memory.h"

static struct {
    __typeof__(inflateInit2_) *init;
    __typeof__(inflate) *inflate;
    __typeof__(inflateReset) *reset;
    __typeof__(inflateEnd) *end;
} zlib;

static mrq_status load_zlib(mrq_error *err)
{
    static const mrq_symbol symbols[] = {
        {"inflateInit2_", &zlib.init}, {"inflate", &zlib.inflate}, {"inflateReset", &zlib.reset}, {"inflateEnd", &zlib.end}};
    return mrq_library_load("libz.so.1", "zlib1g", symbols, sizeof symbols / sizeof *symbols, err);
}

static struct {
    __typeof__(ZSTD_createDStream) *make;
    __typeof__(ZSTD_freeDStream) *free;
    __typeof__(ZSTD_decompressStream) *decompress;
    __typeof__(ZSTD_isError) *is_error;
    __typeof__(ZSTD_getErrorName) *error_name;
} zstd;

static mrq_status load_zstd(mrq_error *err)
{
    static const mrq_symbol symbols[] = {{"ZSTD_createDStream", &zstd.make},
                                         {"ZSTD_freeDStream", &zstd.free},
                                         {"ZSTD_decompressStream", &zstd.decompress},
                                         {"ZSTD_isError", &zstd.is_error},
                                         {"ZSTD_getErrorName", &zstd.error_name}};
    return mrq_library_load("libzstd.so.1", "libzstd1", symbols, sizeof symbols / sizeof *symbols, err);
}

typedef struct unpacker unpacker;
struct unpacker {
    mrq_flow flow;
    const char *name;
    mrq_status (*step)(unpacker *u, mrq_error *err); /* NULL: as it is */
    const char *in;                                  /* the rest of the piece at hand */
    size_t left;
    bool last; /* there is no further piece */
    bool done; /* all is unpacked; what follows, if anything, is left alone */
    size_t taken, given;
    z_stream gzip;
    bool between; /* gzip: behind a member */
    ZSTD_DStream *zstd;
    size_t frame; /* zstd: 0 between two frames */
    size_t size;  /* of what is in `out` */
    char *out;    /* (MRQ_FLOW_STEP) */
};

/* Fetches a piece when the one at hand is used up. */
static mrq_status refill(unpacker *u, mrq_error *err)
{
    if (u->left || u->last)
        return MRQ_OK;
    MRQ_TRY(u->flow.from->next(u->flow.from, &u->in, &u->left, err));
    u->last = !u->left;
    u->taken += u->left;
    return MRQ_OK;
}

static mrq_status damaged(const unpacker *u, const char *format, const char *why, mrq_error *err)
{
    return why ? mrq_fail(err, MRQ_BAD_FILE, "%s: %s: damaged: %s", u->name, format, why)
               : mrq_fail(err, MRQ_BAD_FILE, "%s: %s: cut short", u->name, format);
}

/* All members of the file, one behind the other, as gzip -d does. */
static mrq_status step_gzip(unpacker *u, mrq_error *err)
{
    if (u->between && (u->last || !*u->in)) { /* a file may be filled up with zeros */
        u->done = true;
        return MRQ_OK;
    }
    if (u->between && (unsigned char)*u->in != 0x1f)
        return damaged(u, "gzip", "something else follows the end", err);
    if (u->between && zlib.reset(&u->gzip) != Z_OK)
        return damaged(u, "gzip", "unknown data", err);
    u->between = false;
    u->gzip.next_in = (Bytef *)(uintptr_t)u->in;
    u->gzip.avail_in = (uInt)u->left;
    u->gzip.next_out = (Bytef *)u->out + u->size;
    u->gzip.avail_out = (uInt)(MRQ_FLOW_STEP - u->size);
    const int code = zlib.inflate(&u->gzip, Z_NO_FLUSH);
    u->in += u->left - u->gzip.avail_in;
    u->left = u->gzip.avail_in;
    u->size = MRQ_FLOW_STEP - u->gzip.avail_out;
    if (code == Z_MEM_ERROR)
        return mrq_fail_memory(err, "reading a file");
    if (code == Z_BUF_ERROR && u->last)
        return damaged(u, "gzip", NULL, err);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return damaged(u, "gzip", u->gzip.msg ? u->gzip.msg : "unknown data", err);
    u->between = code == Z_STREAM_END;
    return MRQ_OK;
}

static mrq_status step_zstd(unpacker *u, mrq_error *err)
{
    if (u->last && !u->frame) {
        u->done = true;
        return MRQ_OK;
    }
    ZSTD_inBuffer in = {u->in, u->left, 0};
    ZSTD_outBuffer out = {u->out, MRQ_FLOW_STEP, u->size};
    u->frame = zstd.decompress(u->zstd, &out, &in);
    if (zstd.is_error(u->frame))
        return damaged(u, "zstd", zstd.error_name(u->frame), err);
    if (u->last && out.pos == u->size && u->frame)
        return damaged(u, "zstd", NULL, err);
    u->in += in.pos;
    u->left -= in.pos;
    u->size = out.pos;
    return MRQ_OK;
}

/* Takes what the decompressor left alone, so that it is part of the source's sum and a writer to a pipe can end. */
static mrq_status drain(unpacker *u, mrq_error *err)
{
    while (!u->last) {
        u->left = 0;
        MRQ_TRY(refill(u, err));
    }
    return MRQ_OK;
}

static mrq_status next_unpacked(mrq_flow *flow, const char **bytes, size_t *size, mrq_error *err)
{
    unpacker *u = (unpacker *)flow;
    *bytes = u->out;
    for (u->size = 0; u->size < MRQ_FLOW_STEP && !u->done;) {
        MRQ_TRY(refill(u, err));
        MRQ_TRY(u->step(u, err));
    }
    *size = u->size;
    u->given += u->size;
    const size_t most = MRQ_RATIO_FREE + MRQ_RATIO_MAX * (u->taken - u->left);
    if (u->given > most)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: unpacks to more than %zu bytes, %d times its size: not a file of data", u->name,
                        most, MRQ_RATIO_MAX);
    return u->size ? MRQ_OK : drain(u, err);
}

/* The piece that was looked at comes first. */
static mrq_status next_as_it_is(mrq_flow *flow, const char **bytes, size_t *size, mrq_error *err)
{
    unpacker *u = (unpacker *)flow;
    MRQ_TRY(refill(u, err));
    *bytes = u->in;
    *size = u->left;
    u->left = 0;
    return MRQ_OK;
}

static void close_unpacker(mrq_flow *flow)
{
    unpacker *u = (unpacker *)flow;
    if (u->step == step_gzip)
        zlib.end(&u->gzip);
    if (u->zstd)
        zstd.free(u->zstd);
    mrq_free(u->out);
    free(u);
}

static mrq_status start(unpacker *u, mrq_error *err)
{
    u->flow.next = next_as_it_is;
    MRQ_TRY(refill(u, err));
    const bool gzip = u->left >= 2 && memcmp(u->in, "\x1f\x8b", 2) == 0;
    if (!gzip && !(u->left >= 4 && memcmp(u->in, "\x28\xb5\x2f\xfd", 4) == 0))
        return MRQ_OK;
    u->flow.next = next_unpacked;
    MRQ_TRY(gzip ? load_zlib(err) : load_zstd(err));
    if (!(u->out = mrq_array(MRQ_FLOW_STEP, 1)))
        return mrq_fail_memory(err, "reading a file");
    if (gzip && zlib.init(&u->gzip, 16 + MAX_WBITS, ZLIB_VERSION, (int)sizeof u->gzip) != Z_OK)
        return mrq_fail_memory(err, "reading a file");
    if (!gzip && !(u->zstd = zstd.make()))
        return mrq_fail_memory(err, "reading a file");
    u->step = gzip ? step_gzip : step_zstd;
    return MRQ_OK;
}

mrq_status mrq_flow_unpack(mrq_flow **flow, const char *name, mrq_error *err)
{
    unpacker *u = calloc(1, sizeof *u);
    if (!u)
        return mrq_fail_memory(err, "reading a file");
    u->flow = (mrq_flow){.close = close_unpacker, .from = *flow};
    u->name = name;
    const mrq_status status = start(u, err);
    if (status == MRQ_OK)
        *flow = &u->flow;
    else
        close_unpacker(&u->flow);
    return status;
}
