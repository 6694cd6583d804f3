/* Inside the engine: what a caller of the library gets. */
#ifndef MRQ_ENGINE_RESULT_H
#define MRQ_ENGINE_RESULT_H

#include "engine/serving.h"

/* Takes over the hold on `finished`, also on failure, which is NULL: out of memory. */
mrq_result *mrq_result_new(mrq_finished *finished, bool from_memory);

#endif
