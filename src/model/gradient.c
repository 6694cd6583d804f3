#include "model/gradient.h"

mrq_status mrq_gradient_make(const mrq_tensors *tensors, mrq_arena *arena, mrq_gradient *out, mrq_error *err)
{
    *out = (mrq_gradient){.block = mrq_arena_array(arena, tensors->size, sizeof(float))};
    bool ok = out->block != NULL;
    for (uint32_t i = 0; ok && i < tensors->n; i++) {
        if (!tensors->tensor[i].sparse)
            continue;
        out->touched[i] = mrq_arena_array(arena, tensors->tensor[i].rows, sizeof *out->touched[i]);
        out->mark[i] = mrq_arena_array(arena, tensors->tensor[i].rows, 1);
        ok = out->touched[i] && out->mark[i];
    }
    return ok ? MRQ_OK : mrq_fail_memory(err, "preparing gradients");
}
