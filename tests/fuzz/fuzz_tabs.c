/* Files with tabs and bars between fields, flags and Latin-1, of ml-100k. */
#include "fuzz/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_shipped("ml-100k", data, size);
    return 0;
}
