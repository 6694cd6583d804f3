/* What `marquee info` prints of a data folder, a model file and a store. */
#ifndef MRQ_TOOLS_INFO_H
#define MRQ_TOOLS_INFO_H

#include "base/error.h"
#include "model/model.h"

/* A folder of data; `schema` is a name, a path or NULL. */
MRQ_CHECKED mrq_status mrq_info_data(const char *folder, const char *schema, mrq_error *err);

/* A model file: settings, results, the network layer by layer. */
MRQ_CHECKED mrq_status mrq_info_model(const char *path, mrq_error *err);

/* The settings and the results of a training: part of what is printed of a model file and of a store. */
void mrq_info_results(const mrq_model *model);

/* What gives reason to doubt a model of such data, a line each; the texts begin in column `width`. */
void mrq_info_doubts(const mrq_evidence *evidence, const mrq_noun *noun, int width);

/* A store: a table of its generations, and the current one. */
MRQ_CHECKED mrq_status mrq_info_store(const char *path, mrq_error *err);

#endif
