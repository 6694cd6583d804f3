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

int mrq_id_compare(const char *a, size_t a_size, const char *b, size_t b_size)
{
    const bool a_number = is_number(a, a_size), b_number = is_number(b, b_size);
    if (a_number != b_number)
        return a_number ? -1 : 1;
    if (a_number && a_size != b_size)
        return a_size < b_size ? -1 : 1;
    return mrq_compare_bytes(a, a_size, b, b_size);
}

uint64_t mrq_id_number(const char *id, size_t size)
{
    int64_t value;
    if (is_number(id, size) && mrq_parse_int(id, size, 0, INT64_MAX, &value))
        return (uint64_t)value;
    return mrq_checksum(id, size);
}
