/* CSV with headers and quotes, of ml-latest. */
#include "fuzz/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_shipped("ml-latest", data, size);
    return 0;
}
