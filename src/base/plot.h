/* Plots as SVG: lines or marked points over two axes, each linear or logarithmic, with a legend. */
#ifndef MRQ_BASE_PLOT_H
#define MRQ_BASE_PLOT_H

#include <stdint.h>

#include "base/writer.h"

/* Points in the order they are joined. One that is not finite, or not above 0 on a logarithmic axis, is left out. */
typedef struct mrq_plot_series {
    const char *name;         /* in the legend */
    const double *x, *y;      /* (n) */
    const char *const *label; /* (n) beside each point, each or all may be NULL */
    uint32_t n;
    bool points; /* marks alone, no line */
    bool dashed;
} mrq_plot_series;

typedef struct mrq_plot {
    const char *title, *about; /* above the picture; a sentence for who cannot see it, or NULL */
    const char *x_label, *y_label;
    bool log_x, log_y, whole_x;    /* `whole_x`: no ticks between whole numbers */
    const mrq_plot_series *series; /* (n_series) a series without a point is left out, of the legend too */
    uint32_t n_series;
    const char *mark; /* what is written at one point that stands out, or NULL */
    double mark_x, mark_y;
    uint32_t mark_series; /* whose colour it has */
} mrq_plot;

/* Adds an <svg> element to a file or an HTML page: plain SVG 1.1, no script, no style sheet, no id, on white ground of its own. */
void mrq_plot_draw(const mrq_plot *plot, mrq_writer *out);

/* Writes it to a file, at once or not at all. */
MRQ_CHECKED mrq_status mrq_plot_save(const mrq_plot *plot, const char *path, mrq_error *err);

#endif
