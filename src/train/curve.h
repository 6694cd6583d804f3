/* The learning curve: what each epoch came to, as a table and as a picture. */
#ifndef MRQ_TRAIN_CURVE_H
#define MRQ_TRAIN_CURVE_H

#include "base/writer.h"
#include "train/train.h"

/* Writes `n` epochs as CSV (a header line; empty fields where there is no such part) to `path`, at once or not at all. */
MRQ_CHECKED mrq_status mrq_curve_csv(const char *path, const mrq_train_epoch *epoch, uint32_t n, mrq_error *err);

/* The same as an SVG of RMSE by epoch: a line each for training, validation and test, the best epoch marked. `title` stands above.
 * */
MRQ_CHECKED mrq_status mrq_curve_svg(const char *path, const char *title, const mrq_train_epoch *epoch, uint32_t n, mrq_error *err);

/* Adds that picture to a page. */
MRQ_CHECKED mrq_status mrq_curve_draw(const char *title, const mrq_train_epoch *epoch, uint32_t n, mrq_writer *out, mrq_error *err);

#endif
