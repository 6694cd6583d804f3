/* What `marquee info` prints, one function for each kind of thing it is shown. */
#ifndef MRQ_TOOLS_INFO_H
#define MRQ_TOOLS_INFO_H

#include "base/error.h"

/* A folder of data; `schema` is a name, a path or NULL. */
MRQ_CHECKED mrq_status mrq_info_data(const char *folder, const char *schema, mrq_error *err);

/* A model file: settings, results, the network layer by layer. */
MRQ_CHECKED mrq_status mrq_info_model(const char *path, mrq_error *err);

/* A store: its current generation. */
MRQ_CHECKED mrq_status mrq_info_store(const char *path, mrq_error *err);

#endif
