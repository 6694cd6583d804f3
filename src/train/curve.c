/* The learning curve as CSV and SVG. Each file is written completely or not at all. */
#include "train/curve.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/plot.h"

enum { PARTS = 3, NOTE_SIZE = 160 };
static const char *const part_names[PARTS] = {"training", "validation", "test"};

static void write_field(mrq_writer *out, double value, int decimals)
{
    if (isfinite(value))
        mrq_writer_put(out, "%.*f", decimals, value);
    mrq_writer_put(out, ",");
}

mrq_status mrq_curve_csv(const char *path, const mrq_train_epoch *epoch, uint32_t n, mrq_error *err)
{
    mrq_writer out MRQ_CLEANUP(mrq_writer_close) = {0};
    mrq_writer_open(&out);
    mrq_writer_put(&out, "epoch,train_rmse,valid_rmse,test_rmse,seconds,samples_per_second,best\n");
    for (uint32_t i = 0; i < n; i++) {
        const mrq_train_epoch *e = &epoch[i];
        mrq_writer_put(&out, "%" PRId64 ",", e->epoch);
        write_field(&out, e->train_rmse, 6);
        write_field(&out, e->valid_rmse, 6);
        write_field(&out, e->test_rmse, 6);
        write_field(&out, e->seconds, 3);
        write_field(&out, e->samples_per_second, 0);
        mrq_writer_put(&out, "%" PRIu64 "\n", e->best);
    }
    return mrq_writer_save(&out, path, err);
}

static double rmse(const mrq_train_epoch *e, uint32_t part)
{
    const double value[PARTS] = {e->train_rmse, e->valid_rmse, e->test_rmse};
    return value[part];
}

/* The last epoch that was the best so far, or NULL. `*part` is the part to show for it: validation, or else test, or else
 * training. */
static const mrq_train_epoch *find_best(const mrq_train_epoch *epoch, uint32_t n, uint32_t *part)
{
    static const uint32_t order[PARTS] = {1, 2, 0};
    for (uint32_t i = n; i-- > 0;)
        for (uint32_t j = 0; epoch[i].best && j < PARTS; j++)
            if (isfinite(rmse(&epoch[i], order[j]))) {
                *part = order[j];
                return &epoch[i];
            }
    return NULL;
}

/* The series of one part; `y` has `n` places. The last value is part of its name. */
static mrq_plot_series make_series(const mrq_train_epoch *epoch, uint32_t n, uint32_t part, const double *x, double *y, char *name)
{
    double last = NAN;
    for (uint32_t i = 0; i < n; i++) {
        y[i] = rmse(&epoch[i], part);
        last = isfinite(y[i]) ? y[i] : last;
    }
    snprintf(name, NOTE_SIZE, "%s %.4f", part_names[part], last);
    return (mrq_plot_series){.name = name, .x = x, .y = y, .n = n, .dashed = part == 2};
}

mrq_status mrq_curve_draw(const char *title, const mrq_train_epoch *epoch, uint32_t n, mrq_writer *out, mrq_error *err)
{
    MRQ_AUTOFREE double *values = mrq_array((PARTS + 1) * (size_t)n, sizeof *values);
    if (!values)
        return mrq_fail_memory(err, "drawing the learning curve");
    for (uint32_t i = 0; i < n; i++)
        values[i] = (double)epoch[i].epoch;
    char names[PARTS][NOTE_SIZE], mark[NOTE_SIZE], about[2 * NOTE_SIZE];
    mrq_plot_series series[PARTS];
    for (uint32_t part = 0; part < PARTS; part++)
        series[part] = make_series(epoch, n, part, values, values + (part + 1) * (size_t)n, names[part]);
    uint32_t part = 0;
    const mrq_train_epoch *best = find_best(epoch, n, &part);
    int size = snprintf(about, sizeof about, "Root mean squared error by training epoch, %" PRIu32 " in all", n);
    if (best) {
        snprintf(mark, sizeof mark, "best: epoch %" PRId64 ", %s %.4f", best->epoch, part_names[part], rmse(best, part));
        size += snprintf(about + size, sizeof about - (size_t)size, "; the best is epoch %" PRId64 " with a %s RMSE of %.4f",
                         best->epoch, part_names[part], rmse(best, part));
    }
    snprintf(about + size, sizeof about - (size_t)size, ".");
    const mrq_plot plot = {.title = title,
                           .about = about,
                           .x_label = "epoch",
                           .y_label = "RMSE",
                           .whole_x = true,
                           .series = series,
                           .n_series = PARTS,
                           .mark = best ? mark : NULL,
                           .mark_x = best ? (double)best->epoch : 0,
                           .mark_y = best ? rmse(best, part) : 0,
                           .mark_series = part};
    mrq_plot_draw(&plot, out);
    return MRQ_OK;
}

mrq_status mrq_curve_svg(const char *path, const char *title, const mrq_train_epoch *epoch, uint32_t n, mrq_error *err)
{
    mrq_writer out MRQ_CLEANUP(mrq_writer_close) = {0};
    mrq_writer_open(&out);
    MRQ_TRY(mrq_curve_draw(title, epoch, n, &out, err));
    return mrq_writer_save(&out, path, err);
}
