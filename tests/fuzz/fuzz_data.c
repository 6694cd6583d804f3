/* A schema and the files that it describes, for what the shipped schemas do not ask of the reader. Patterns are left out: they are
 * the schema's author's, and may be slow. */
#include "fuzz/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = 0, part_size;
    const char *part = fuzz_part(data, size, &at, &part_size);
    mrq_schema *schema = NULL;
    if (memmem(part, part_size, "extract", 7) || mrq_schema_parse(part, part_size, "fuzz.json", &schema, NULL) != MRQ_OK)
        return 0;
    at = at < size ? at : size;
    fuzz_dataset(schema, data + at, size - at, FUZZ_GIVEN);
    mrq_schema_free(schema);
    return 0;
}
