/* zlib and libzstd are loaded when a compressed file comes: most data is plain, and plain files are mapped and not copied. What is
 * decompressed or converted is held in memory whole, because the readers go over a file twice. */
#include "dataset/source.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/library.h"
#include "base/memory.h"
#include "base/utf8.h"

#define STEP ((size_t)1 << 16) /* bytes that a buffer grows by at least */

typedef struct buffer {
    char *bytes;
    size_t size, capacity, most;
} buffer;

/* What failed, with the place in the file where that is known. */
static mrq_status bad(const char *name, const char *what, mrq_error *err)
{
    return mrq_fail(err, MRQ_BAD_FILE, "%s: %s", name, what);
}

/* Makes place for more behind what there is. */
static mrq_status more(buffer *out, const char *name, mrq_error *err)
{
    if (out->size >= out->most)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: unpacks to more than %zu bytes, %d times its size: not a file of data", name,
                        out->most, MRQ_RATIO_MAX);
    return mrq_grow(&out->bytes, &out->capacity, out->size + STEP, 1) ? mrq_fail_memory(err, "reading a file") : MRQ_OK;
}

/* --- gzip --- */

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

/* All members of the file, one behind the other, as gzip -d does. */
static mrq_status inflate_members(z_stream *z, const mrq_map *map, buffer *out, const char *name, mrq_error *err)
{
    size_t left = map->size;
    z->next_in = (Bytef *)(uintptr_t)map->data;
    for (;;) {
        MRQ_TRY(more(out, name, err));
        const size_t place = out->capacity - out->size, given = left < UINT32_MAX ? left : UINT32_MAX;
        const uInt take = (uInt)(place < UINT32_MAX ? place : UINT32_MAX);
        z->avail_in = (uInt)given;
        z->next_out = (Bytef *)out->bytes + out->size;
        z->avail_out = take;
        const int code = zlib.inflate(z, Z_NO_FLUSH);
        left -= given - z->avail_in;
        out->size += take - z->avail_out;
        if (code == Z_MEM_ERROR)
            return mrq_fail_memory(err, "reading a file");
        if (code == Z_BUF_ERROR && left == 0)
            return bad(name, "gzip: cut short", err);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return mrq_fail(err, MRQ_BAD_FILE, "%s: gzip: damaged: %s", name, z->msg ? z->msg : "unknown data");
        if (code == Z_STREAM_END) {
            if (left < 2 || z->next_in[0] != 0x1f || z->next_in[1] != 0x8b)
                return MRQ_OK;
            if (zlib.reset(z) != Z_OK)
                return bad(name, "gzip: damaged", err);
        }
    }
}

static mrq_status unpack_gzip(const mrq_map *map, buffer *out, const char *name, mrq_error *err)
{
    MRQ_TRY(load_zlib(err));
    z_stream z = {.zalloc = NULL};
    if (zlib.init(&z, 16 + MAX_WBITS, ZLIB_VERSION, (int)sizeof z) != Z_OK)
        return mrq_fail_memory(err, "reading a file");
    const mrq_status status = inflate_members(&z, map, out, name, err);
    zlib.end(&z);
    return status;
}

/* --- zstd --- */

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

static mrq_status unpack_zstd(const mrq_map *map, buffer *out, const char *name, mrq_error *err)
{
    MRQ_TRY(load_zstd(err));
    ZSTD_DStream *stream = zstd.make();
    mrq_status status = stream ? MRQ_OK : mrq_fail_memory(err, "reading a file");
    ZSTD_inBuffer in = {map->data, map->size, 0};
    size_t left = 1; /* 0 at the end of a frame */
    while (status == MRQ_OK && (in.pos < in.size || left)) {
        if ((status = more(out, name, err)) != MRQ_OK)
            break;
        ZSTD_outBuffer to = {out->bytes + out->size, out->capacity - out->size, 0};
        const size_t before = in.pos;
        left = zstd.decompress(stream, &to, &in);
        out->size += to.pos;
        if (zstd.is_error(left))
            status = mrq_fail(err, MRQ_BAD_FILE, "%s: zstd: damaged: %s", name, zstd.error_name(left));
        else if (left && in.pos == in.size && before == in.pos && !to.pos)
            status = bad(name, "zstd: cut short", err);
    }
    if (stream)
        zstd.free(stream);
    return status;
}

/* --- encodings --- */

#ifdef MRQ_ANALYSER /* it takes (iconv_t)-1 for a descriptor that is to be closed */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/* Latin-1 is what most old files have, so it needs none of iconv's files. */
static bool is_latin1(const char *encoding)
{
    return strcmp(encoding, "latin1") == 0;
}

bool mrq_source_knows(const char *encoding)
{
    if (is_latin1(encoding))
        return true;
    const iconv_t converter = iconv_open("UTF-8", encoding);
    if (converter == (iconv_t)-1)
        return false;
    iconv_close(converter);
    return true;
}

static mrq_status not_encoded(const char *bytes, const char *at, const char *name, const char *encoding, mrq_error *err)
{
    unsigned long long line = 1;
    for (const char *p = bytes; p < at; p++)
        line += *p == '\n';
    return mrq_fail(err, MRQ_BAD_FILE, "%s:%llu: the byte \\x%02x is no character of encoding %s", name, line, (unsigned char)*at,
                    encoding);
}

static mrq_status convert_latin1(const char *bytes, size_t size, const char *name, buffer *out, mrq_error *err)
{
    for (size_t i = 0; i < size;) {
        MRQ_TRY(more(out, name, err));
        for (; i < size && out->size + 2 <= out->capacity; i++)
            out->size += mrq_utf8_write((unsigned char)bytes[i], out->bytes + out->size);
    }
    return MRQ_OK;
}

static mrq_status convert(const char *bytes, size_t size, const char *name, const char *encoding, buffer *out, mrq_error *err)
{
    if (is_latin1(encoding))
        return convert_latin1(bytes, size, name, out, err);
    const iconv_t converter = iconv_open("UTF-8", encoding);
    if (converter == (iconv_t)-1)
        return errno == ENOMEM ? mrq_fail_memory(err, "reading a file")
                               : mrq_fail(err, MRQ_BAD_FILE, "%s: encoding \"%s\" is not known here", name, encoding);
    mrq_status status = MRQ_OK;
    char *in = (char *)(uintptr_t)bytes;
    for (size_t left = size; left && status == MRQ_OK;) {
        if ((status = more(out, name, err)) != MRQ_OK)
            break;
        char *to = out->bytes + out->size;
        size_t place = out->capacity - out->size;
        const size_t done = iconv(converter, &in, &left, &to, &place);
        out->size = out->capacity - place;
        if (done == (size_t)-1 && errno != E2BIG)
            status = not_encoded(bytes, in, name, encoding, err);
    }
    iconv_close(converter);
    return status;
}

/* --- all of it --- */

static bool begins(const mrq_map *map, const char *magic, size_t size)
{
    return map->size >= size && memcmp(map->data, magic, size) == 0;
}

static mrq_status unpack(mrq_source *source, const char *name, mrq_error *err)
{
    const bool gzip = begins(&source->map, "\x1f\x8b", 2), zstandard = begins(&source->map, "\x28\xb5\x2f\xfd", 4);
    source->bytes = (const char *)source->map.data;
    source->size = source->map.size;
    if (!gzip && !zstandard)
        return MRQ_OK;
    buffer out = {.most = MRQ_RATIO_FREE + MRQ_RATIO_MAX * source->map.size};
    const mrq_status status = gzip ? unpack_gzip(&source->map, &out, name, err) : unpack_zstd(&source->map, &out, name, err);
    source->made = out.bytes;
    source->bytes = out.bytes;
    source->size = out.size;
    return status;
}

mrq_status mrq_source_open(mrq_source *source, const char *path, const char *name, const char *encoding, mrq_error *err)
{
    *source = (mrq_source){0};
    MRQ_TRY(mrq_map_open(&source->map, path, err));
    mrq_status status = unpack(source, name, err);
    if (status == MRQ_OK && encoding) {
        buffer out = {.most = SIZE_MAX};
        status = convert(source->bytes, source->size, name, encoding, &out, err);
        mrq_free(source->made);
        source->made = out.bytes;
        source->bytes = out.bytes ? out.bytes : "";
        source->size = out.size;
    }
    if (status != MRQ_OK)
        mrq_source_close(source);
    return status;
}

void mrq_source_close(mrq_source *source)
{
    mrq_map_close(&source->map);
    mrq_free(source->made);
    *source = (mrq_source){0};
}
