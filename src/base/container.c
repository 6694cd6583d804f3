/* The container format of every .mrq file. All of them share one reader and one writer, so only one parser has to be secured. The
 * file is mapped and checked completely once; then its arrays are used in place. The header and the numbers in sections are
 * little-endian; on a machine of the other byte order the mark does not match, and the file is refused instead of converted. */
#include "base/container.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

static const char magic[8] = {'M', 'A', 'R', 'Q', 'U', 'E', 'E', '\n'};
#define BYTE_ORDER_MARK 0x01020304u
#define FORMAT          1 /* of the container itself; format 0 had another checksum */

struct header {
    char magic[8], kind[8];
    uint32_t version, byte_order, sections, format;
    uint64_t file_size, checksum;
};

struct section {
    char name[MRQ_CONTAINER_NAME];
    uint64_t offset, size;
};

/* The beginning of a file. */
struct head {
    struct header header;
    struct section section[MRQ_CONTAINER_SECTIONS];
};
_Static_assert(offsetof(struct head, section) == sizeof(struct header), "no gap between them");

struct mrq_container_writer {
    struct head head;
    const char *problem; /* the error of a mrq_container_add(), or NULL */
    const void *data[MRQ_CONTAINER_SECTIONS];
};

static uint64_t align_up(uint64_t n)
{
    return (n + MRQ_ALIGN - 1) / MRQ_ALIGN * MRQ_ALIGN;
}

static size_t head_size(const struct head *head)
{
    return sizeof head->header + head->header.sections * sizeof *head->section;
}

mrq_container_writer *mrq_container_writer_new(const char *kind, uint32_t version)
{
    mrq_container_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return NULL;
    struct header *header = &writer->head.header;
    memcpy(header->magic, magic, sizeof magic);
    snprintf(header->kind, sizeof header->kind, "%s", kind);
    header->version = version;
    header->byte_order = BYTE_ORDER_MARK;
    header->format = FORMAT;
    return writer;
}

void mrq_container_writer_free(mrq_container_writer *writer)
{
    free(writer);
}

void mrq_container_add(mrq_container_writer *writer, const void *data, size_t count, size_t size, const char *name, ...)
{
    struct head *head = &writer->head;
    if (head->header.sections == MRQ_CONTAINER_SECTIONS) {
        writer->problem = "too many sections";
        return;
    }
    struct section *section = &head->section[head->header.sections];
    va_list args;
    va_start(args, name);
    const int length = vsnprintf(section->name, sizeof section->name, name, args);
    va_end(args);
    if (length <= 0 || (size_t)length >= sizeof section->name)
        writer->problem = "a section's name is too long";
    for (uint32_t i = 0; i < head->header.sections; i++)
        if (strcmp(head->section[i].name, section->name) == 0)
            writer->problem = "two sections of one name";
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        writer->problem = "a section is too large";
    section->size = bytes;
    writer->data[head->header.sections++] = data;
}

static mrq_status add_to_sum(void *sum, const void *data, size_t size, mrq_error *err)
{
    (void)err;
    mrq_sum_update(sum, data, size);
    return MRQ_OK;
}

static mrq_status write_out(void *output, const void *data, size_t size, mrq_error *err)
{
    return mrq_output_write(output, data, size, err);
}

/* Where the bytes of a file are written. */
struct sink {
    mrq_status (*put)(void *to, const void *data, size_t size, mrq_error *err);
    void *to;
};

/* Writes bytes, and zeros up to the start of the next section. */
static mrq_status put(struct sink sink, const void *data, uint64_t size, mrq_error *err)
{
    static const unsigned char zeros[MRQ_ALIGN];
    MRQ_TRY(sink.put(sink.to, data, size, err));
    return sink.put(sink.to, zeros, align_up(size) - size, err);
}

/* Writes the whole file. */
static mrq_status put_all(const mrq_container_writer *writer, struct sink sink, mrq_error *err)
{
    const struct head *head = &writer->head;
    MRQ_TRY(put(sink, head, head_size(head), err));
    for (uint32_t i = 0; i < head->header.sections; i++)
        MRQ_TRY(put(sink, writer->data[i], head->section[i].size, err));
    return MRQ_OK;
}

/* A file may be larger than the free memory, so it is never built in memory. It is generated twice, because the checksum comes
 * before the data that it covers. */
mrq_status mrq_container_write(mrq_container_writer *writer, const char *path, mrq_error *err)
{
    if (writer->problem)
        return mrq_fail(err, MRQ_FAILED, "cannot write %s: %s", path, writer->problem);
    struct header *header = &writer->head.header;
    mrq_sum sum;
    header->file_size = align_up(head_size(&writer->head));
    for (uint32_t i = 0; i < header->sections; i++) {
        writer->head.section[i].offset = header->file_size;
        header->file_size = align_up(header->file_size + writer->head.section[i].size);
    }
    header->checksum = 0;
    mrq_sum_init(&sum);
    MRQ_TRY(put_all(writer, (struct sink){add_to_sum, &sum}, err));
    header->checksum = mrq_sum_value(&sum);
    MRQ_CLEANUP(mrq_output_discard) mrq_output *out = NULL;
    MRQ_TRY(mrq_output_open(path, &out, err));
    MRQ_TRY(put_all(writer, (struct sink){write_out, out}, err));
    mrq_output *full = out;
    out = NULL;
    return mrq_output_commit(full, err);
}

struct mrq_container {
    mrq_map map;
    struct header header;
    const struct section *section; /* (header.sections), in the mapped file */
    char path[];
};

mrq_status mrq_container_bad(const mrq_container *container, mrq_error *err, const char *format, ...)
{
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return mrq_fail(err, MRQ_BAD_FILE, "%s: %s", container->path, what);
}

/* The checksum of the mapped file with its checksum field zero. */
static uint64_t file_checksum(const mrq_map *map)
{
    unsigned char first[MRQ_ALIGN]; /* the header with the checksum zeroed */
    _Static_assert(sizeof(struct header) <= sizeof first, "the header fits the first block");
    memcpy(first, map->data, sizeof first);
    memset(first + offsetof(struct header, checksum), 0, sizeof(uint64_t));
    mrq_sum sum;
    mrq_sum_init(&sum);
    mrq_sum_update(&sum, first, sizeof first);
    mrq_sum_update(&sum, map->data + sizeof first, map->size - sizeof first);
    return mrq_sum_value(&sum);
}

static mrq_status check_header(const mrq_container *c, const char *kind, uint32_t version, mrq_error *err)
{
    const struct header *h = &c->header;
    char want[sizeof h->kind] = {0};
    snprintf(want, sizeof want, "%s", kind);
    if (memcmp(h->magic, magic, sizeof magic) != 0)
        return mrq_container_bad(c, err, "not a Marquee file");
    if (h->byte_order != BYTE_ORDER_MARK)
        return mrq_container_bad(c, err, "written on a machine of another byte order");
    if (h->format != FORMAT)
        return mrq_container_bad(c, err, "container format %u, this program reads format %d", h->format, FORMAT);
    if (memcmp(h->kind, want, sizeof want) != 0)
        return mrq_container_bad(c, err, "holds \"%.7s\", want \"%s\"", h->kind, want);
    if (h->version != version)
        return mrq_container_bad(
            c, err, "format version %u, this program reads version %u; make it anew: `marquee train`, then `marquee export`",
            h->version, version);
    if (h->file_size != c->map.size)
        return mrq_container_bad(c, err, "%zu bytes, its header says %llu: cut short or damaged", c->map.size,
                                 (unsigned long long)h->file_size);
    if (h->checksum != file_checksum(&c->map))
        return mrq_container_bad(c, err, "the checksum does not match: the file is damaged");
    return MRQ_OK;
}

/* The checksum matched, so this fails only if the writer was faulty or hostile; the reader must be safe in that case, too. */
static mrq_status check_sections(const mrq_container *c, mrq_error *err)
{
    const struct header *h = &c->header;
    if (h->sections > MRQ_CONTAINER_SECTIONS || sizeof *h + h->sections * sizeof *c->section > c->map.size)
        return mrq_container_bad(c, err, "%u sections do not fit", h->sections);
    for (uint32_t i = 0; i < h->sections; i++) {
        const struct section *s = &c->section[i];
        if (!memchr(s->name, '\0', sizeof s->name) || s->offset % MRQ_ALIGN || s->offset > c->map.size ||
            s->size > c->map.size - s->offset)
            return mrq_container_bad(c, err, "section %u lies outside the file", i);
    }
    return MRQ_OK;
}

mrq_status mrq_container_open(const char *path, const char *kind, uint32_t version, mrq_container **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_container_close) mrq_container *c = calloc(1, sizeof *c + strlen(path) + 1);
    if (!c)
        return mrq_fail_memory(err, "opening a file");
    strcpy(c->path, path);
    MRQ_TRY(mrq_map_open(&c->map, path, err));
    if (c->map.size < MRQ_ALIGN)
        return mrq_container_bad(c, err, "not a Marquee file: %zu bytes", c->map.size);
    memcpy(&c->header, c->map.data, sizeof c->header);
    c->section = (const struct section *)(const void *)(c->map.data + sizeof c->header);
    MRQ_TRY(check_header(c, kind, version, err));
    MRQ_TRY(check_sections(c, err));
    *out = c;
    c = NULL;
    return MRQ_OK;
}

mrq_status mrq_container_check_again(const mrq_container *c, mrq_error *err)
{
    return file_checksum(&c->map) == c->header.checksum
               ? MRQ_OK
               : mrq_container_bad(c, err, "changed while it was used: replace a file by renaming another to its name");
}

uint64_t mrq_container_checksum(const mrq_container *container)
{
    return container->header.checksum;
}

uint64_t mrq_container_claim(const mrq_map *file)
{
    struct header header = {.checksum = 0};
    if (file->size >= sizeof header)
        memcpy(&header, file->data, sizeof header);
    return header.checksum;
}

void mrq_container_close(mrq_container *container)
{
    if (!container)
        return;
    mrq_map_close(&container->map);
    free(container);
}

static const struct section *find_section(const mrq_container *container, const char *name)
{
    for (uint32_t i = 0; i < container->header.sections; i++)
        if (strcmp(container->section[i].name, name) == 0)
            return &container->section[i];
    return NULL;
}

bool mrq_container_has(const mrq_container *container, const char *name)
{
    return find_section(container, name) != NULL;
}

mrq_status mrq_container_get(const mrq_container *container, size_t size, size_t *count, const void **data, mrq_error *err,
                             const char *name, ...)
{
    char full[MRQ_CONTAINER_NAME];
    va_list args;
    va_start(args, name);
    vsnprintf(full, sizeof full, name, args);
    va_end(args);
    const struct section *section = find_section(container, full);
    if (!section)
        return mrq_container_bad(container, err, "no section \"%s\"", full);
    const size_t held = section->size / size;
    if (section->size % size || (*count != MRQ_ANY && *count != held))
        return mrq_container_bad(container, err, "section \"%s\" has %llu bytes, want %s%zu", full,
                                 (unsigned long long)section->size, *count == MRQ_ANY ? "a multiple of " : "",
                                 *count == MRQ_ANY ? size : *count * size);
    *count = held;
    *data = container->map.data + section->offset;
    return MRQ_OK;
}
