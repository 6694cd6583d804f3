#include "base/id.h"

#include <string.h>

#include "base/dict.h"
#include "base/digest.h"
#include "base/parse.h"
#include "base/utf8.h"

bool mrq_id_is_valid(const char *id, size_t size)
{
    bool plain = size >= 1 && size <= MRQ_ID_BYTES, ascii = true;
    for (size_t i = 0; plain && i < size; i++) {
        const unsigned char c = (unsigned char)id[i];
        plain = c >= 0x20 && c != 0x7f;
        ascii = ascii && c < 0x80;
    }
    for (size_t i = 0, length; plain && !ascii && i < size; i += length) {
        uint32_t code;
        length = mrq_utf8_read(id + i, size - i, &code);
        plain = length && !mrq_utf8_is_control(code);
    }
    return plain;
}

static bool is_number(const char *id, size_t size)
{
    if (*id == '0')
        return size == 1;
    for (size_t i = 0; i < size; i++)
        if (id[i] < '0' || id[i] > '9')
            return false;
    return true;
}

/* Callers that compare many ids learn only once which are numbers. */
static inline int compare(const char *a, size_t a_size, bool a_number, const char *b, size_t b_size, bool b_number)
{
    if (a_number != b_number)
        return a_number ? -1 : 1;
    if (a_number && a_size != b_size)
        return a_size < b_size ? -1 : 1;
    return mrq_compare_bytes(a, a_size, b, b_size);
}

int mrq_id_compare(const char *a, size_t a_size, const char *b, size_t b_size)
{
    return compare(a, a_size, is_number(a, a_size), b, b_size, is_number(b, b_size));
}

uint32_t mrq_ids_out_of_order(const mrq_strings *ids)
{
    const char *before = NULL;
    size_t before_size = 0;
    bool before_number = false;
    for (uint32_t i = 0; i < ids->n; i++) {
        const char *id = mrq_strings_at(ids, i);
        const size_t size = mrq_strings_size(ids, i);
        const bool number = is_number(id, size);
        if (before && compare(before, before_size, before_number, id, size, number) >= 0)
            return i;
        before = id;
        before_size = size;
        before_number = number;
    }
    return ids->n;
}

uint32_t mrq_id_find(const mrq_strings *sorted, const char *id, size_t size)
{
    const bool number = is_number(id, size);
    for (uint32_t low = 0, high = sorted->n; low < high;) {
        const uint32_t middle = low + (high - low) / 2;
        const char *its = mrq_strings_at(sorted, middle);
        const size_t its_size = mrq_strings_size(sorted, middle);
        const int order = compare(its, its_size, is_number(its, its_size), id, size, number);
        if (order == 0)
            return middle;
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return MRQ_NONE;
}

uint64_t mrq_id_number(const char *id, size_t size)
{
    int64_t value;
    if (is_number(id, size) && mrq_parse_int(id, size, 0, INT64_MAX, &value))
        return (uint64_t)value;
    return mrq_checksum(id, size);
}
