/* What marquee init makes of a file: its layout, its columns, lines of JSON, matrices. */
#include "base/utf8.h"
#include "fuzz/fuzz.h"
#include "guess/look.h"

static void check_column(const mrq_look *look, uint32_t i)
{
    const mrq_look_column *c = &look->column[i];
    FUZZ_CHECK(c->n + c->empty + c->unknown == look->rows && c->numbers <= c->n && c->wholes <= c->numbers);
    FUZZ_CHECK(strlen(c->name) <= MRQ_HEADER_NAME && mrq_dict_strings(c->values).n <= c->n + (c->lists ? c->set[0].members : 0));
    (void)mrq_look_median(look, i);
}

static void check(const mrq_look *look)
{
    FUZZ_CHECK(*look->why_not || (look->columns && look->columns <= MRQ_FIELDS_MAX));
    for (uint32_t i = 0; !*look->why_not && !look->lists && i < look->columns; i++)
        check_column(look, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mrq_look look = {.file = "fuzz"};
    mrq_error err = {0};
    char *sample = mrq_array(size + 8, 1); /* ends with NUL */
    FUZZ_CHECK(sample);
    if (size)
        memcpy(sample, data, size);
    if (mrq_utf8_bad(sample, size)) { /* a sample is converted before */
        mrq_free(sample);
        return 0;
    }
    FUZZ_CHECK(mrq_look_at(&look, sample, size, size, &err) == MRQ_OK);
    check(&look);
    if (look.matrix && !*look.why_not) {
        FUZZ_CHECK(mrq_look_as_matrix(&look, &err) == MRQ_OK);
        check(&look);
    }
    mrq_look_close(&look);
    return 0;
}
