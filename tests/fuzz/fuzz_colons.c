/* Files with "::" between fields, of ml-1m. */
#include "fuzz/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_shipped("ml-1m", data, size);
    return 0;
}
