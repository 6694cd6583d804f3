/* Plots as SVG: lines or marked points over two axes, each linear or logarithmic, with a legend. */
#ifndef MRQ_BASE_PLOT_H
#define MRQ_BASE_PLOT_H

#include <stdint.h>

#include "base/writer.h"

/* Points in the order of the line. A point that is not finite, or not above 0 on a logarithmic axis, is left out. */
typedef struct mrq_plot_series {
    const char *name;         /* in the legend */
    const double *x, *y;      /* (n) */
    const char *const *label; /* (n) texts beside the points; any of them, or all, may be NULL */
    uint32_t n;
    bool points; /* only marks, no line */
    bool dashed;
} mrq_plot_series;

typedef struct mrq_plot {
    const char *title, *about; /* title above the picture; a sentence for people who cannot see it, or NULL */
    const char *x_label, *y_label;
    bool log_x, log_y, whole_x;    /* `whole_x`: ticks only at whole numbers */
    const mrq_plot_series *series; /* (n_series) a series without points is left out, also of the legend */
    uint32_t n_series;
    const char *mark; /* text at one special point, or NULL */
    double mark_x, mark_y;
    uint32_t mark_series; /* the series whose colour it has */
} mrq_plot;

/* Writes an <svg> element for a file or an HTML page: plain SVG 1.1, no script, style sheet or ids, with a white background. */
void mrq_plot_draw(const mrq_plot *plot, mrq_writer *out);

/* Writes it to a file, completely or not at all. */
MRQ_CHECKED mrq_status mrq_plot_save(const mrq_plot *plot, const char *path, mrq_error *err);

#endif
