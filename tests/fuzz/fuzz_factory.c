/* A factory string, of a manifest or of a command line: an empty index is made of it and written, or it is refused; whatever it
 * says, neither takes long nor much memory. */
#include "index/faiss.c" /* what makes and writes one is its own */

#include "fuzz/fuzz.h"

enum { DIM = 8 };

/* FAISS 1.7.2 loses the coarse quantizer, 72 bytes, when it refuses what stands behind it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:index_factory_sub";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mrq_error err = {0};
    char *text = fuzz_text(data, size), *bytes = NULL;
    size_t written = 0;
    const mrq_status status = write_empty(text, DIM, &bytes, &written, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_USAGE));
    FUZZ_CHECK(status != MRQ_OK || written > 36);
    free(bytes);
    free(text);
    return 0;
}
