/* The learning curve: the RMSEs of each epoch as a table and as a picture. */
#ifndef MRQ_TRAIN_CURVE_H
#define MRQ_TRAIN_CURVE_H

#include "base/writer.h"
#include "train/train.h"

/* Writes `n` epochs as CSV to `path`, completely or not at all: a header line, and empty fields where a part is missing. */
MRQ_CHECKED mrq_status mrq_curve_csv(const char *path, const mrq_train_epoch *epoch, uint32_t n, mrq_error *err);

/* Writes the same as an SVG: RMSE by epoch, one line each for training, validation and test, the best epoch marked, `title` on
 * top. */
MRQ_CHECKED mrq_status mrq_curve_svg(const char *path, const char *title, const mrq_train_epoch *epoch, uint32_t n, mrq_error *err);

/* Appends that SVG to `out`. */
MRQ_CHECKED mrq_status mrq_curve_draw(const char *title, const mrq_train_epoch *epoch, uint32_t n, mrq_writer *out, mrq_error *err);

#endif
