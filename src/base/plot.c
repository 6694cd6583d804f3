/* Plots. The picture has its own white background, so that it looks the same on a dark page. Colours are those of Okabe and Ito,
 * which colour-blind people can distinguish. The x axis ends at the outermost points, the y axis at the ticks around them. A
 * logarithmic axis has ticks at 1, 2 and 5 of each decade; only at the powers of ten when there are many decades; at the ticks of a
 * linear axis within one decade. */
#include "base/plot.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 720, HEIGHT = 420, LEFT = 70, RIGHT = 696, TOP = 76, BOTTOM = 368, INSET = 14 }; /* with one row of legend */
enum { COLUMNS = 3, COLUMN = 205, ROW = 22 };                                                   /* of the legend */
enum { POINTS_MAX = 1000, MARKED_MAX = 40, TITLE_MAX = 70, TICKS_MAX = 32 };
#define VALUE_MAX 1e100 /* larger values could make differences overflow */

static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9", "#000000", "#f0e442"};
enum { COLOURS = sizeof colours / sizeof *colours };

struct axis {
    bool log;
    double lo, hi, tick[TICKS_MAX];
    uint32_t n;
    int decimals; /* of the ticks' numbers, or -1: as many as each needs */
};

struct picture {
    const mrq_plot *plot;
    mrq_writer *out;
    struct axis x, y;
    int top, bottom;
};

/* The smallest of ..., 0.2, 0.5, 1, 2, 5, 10, 20, ... that is not below `least`. */
static double nice_step(double least)
{
    const double unit = pow(10, floor(log10(least))), times = least / unit;
    return unit * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static bool fits(bool logarithmic, double value)
{
    return fabs(value) < VALUE_MAX && (!logarithmic || value > 1 / VALUE_MAX);
}

static bool shown(const mrq_plot *plot, const mrq_plot_series *series, uint32_t i)
{
    return fits(plot->log_x, series->x[i]) && fits(plot->log_y, series->y[i]);
}

static void linear_ticks(struct axis *axis, double parts, double least, bool round_out)
{
    const double step = nice_step(fmax(least, (axis->hi - axis->lo) / parts));
    const double first = round_out ? fmax(floor(axis->lo / step), axis->log) : ceil(axis->lo / step); /* a logarithm needs a
                                                                                                         value > 0 */
    const double last = round_out ? ceil(axis->hi / step) : floor(axis->hi / step);
    for (double k = first; k <= last && axis->n < TICKS_MAX; k++) /* counts steps, so that rounding errors do not add up */
        axis->tick[axis->n++] = k * step;
    axis->decimals = (int)fmax(0, -floor(log10(step) + 1e-9));
}

static void decade_ticks(struct axis *axis, bool round_out)
{
    const double first = floor(log10(axis->lo)), last = ceil(log10(axis->hi));
    const bool fine = axis->hi / axis->lo < 1e4;
    const double stride = fine ? 1 : ceil((last - first) / 8);
    double tick[TICKS_MAX];
    uint32_t n = 0;
    for (double k = first; k <= last; k += stride)
        for (int i = 0; i < (fine ? 3 : 1) && n < TICKS_MAX; i++)
            tick[n++] = pow(10, k) * (double[]){1, 2, 5}[i];
    for (uint32_t i = 0; i < n; i++)
        if (round_out ? (i + 1 == n || tick[i + 1] > axis->lo) && (i == 0 || tick[i - 1] < axis->hi)
                      : tick[i] >= axis->lo && tick[i] <= axis->hi)
            axis->tick[axis->n++] = tick[i];
    axis->decimals = -1;
}

/* The axis over all shown points; `round_out`: extended to ticks. */
static struct axis make_axis(const mrq_plot *plot, bool vertical)
{
    struct axis axis = {.log = vertical ? plot->log_y : plot->log_x, .lo = INFINITY, .hi = -INFINITY};
    for (uint32_t s = 0; s < plot->n_series; s++)
        for (uint32_t i = 0; i < plot->series[s].n; i++)
            if (shown(plot, &plot->series[s], i)) {
                const double value = vertical ? plot->series[s].y[i] : plot->series[s].x[i];
                axis.lo = fmin(axis.lo, value);
                axis.hi = fmax(axis.hi, value);
            }
    if (axis.lo > axis.hi)
        axis.lo = axis.hi = 1;
    if (!(axis.hi - axis.lo > 1e-4 * fabs(axis.hi))) { /* all values are (nearly) equal: add a margin instead of ticks that
                                                          differ in the tenth digit */
        const double margin = axis.hi != 0 ? 0.02 * fabs(axis.hi) : 1;
        axis.lo -= margin;
        axis.hi += margin;
    }
    if (axis.log && axis.hi / axis.lo < 1.2) { /* values that hardly differ should look like it */
        axis.lo /= 1.1;
        axis.hi *= 1.1;
    }
    if (axis.log && axis.hi / axis.lo >= 10)
        decade_ticks(&axis, vertical);
    else
        linear_ticks(&axis, vertical ? 6 : 9, !vertical && plot->whole_x ? 1 : 0, vertical);
    if (vertical && axis.n > 1) {
        axis.lo = fmin(axis.lo, axis.tick[0]);
        axis.hi = fmax(axis.hi, axis.tick[axis.n - 1]);
    }
    return axis;
}

/* The position of a value on the axis, 0 to 1. */
static double share(const struct axis *axis, double value)
{
    return axis->log ? log(value / axis->lo) / log(axis->hi / axis->lo) : (value - axis->lo) / (axis->hi - axis->lo);
}

static double place_x(const struct picture *p, double value)
{
    return LEFT + INSET + share(&p->x, value) * (RIGHT - LEFT - 2 * INSET);
}

static double place_y(const struct picture *p, double value)
{
    return p->bottom - share(&p->y, value) * (p->bottom - p->top);
}

static void write_number(const struct picture *p, const struct axis *axis, double value)
{
    if (axis->decimals < 0)
        mrq_writer_put(p->out, "%.10g</text>\n", value);
    else
        mrq_writer_put(p->out, "%.*f</text>\n", axis->decimals, value);
}

static void write_axes(const struct picture *p)
{
    mrq_writer_put(p->out, "<g fill=\"#444\" stroke=\"none\">\n");
    for (uint32_t i = 0; i < p->y.n; i++) {
        const double y = place_y(p, p->y.tick[i]);
        mrq_writer_put(p->out, "<path d=\"M%d %.1fH%d\" stroke=\"#e2e2e2\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT,
                       y, RIGHT, LEFT - 8, y + 4);
        write_number(p, &p->y, p->y.tick[i]);
    }
    for (uint32_t i = 0; i < p->x.n; i++) {
        const double x = place_x(p, p->x.tick[i]);
        mrq_writer_put(p->out, "<path d=\"M%.1f %dV%d\" stroke=\"#e2e2e2\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">", x,
                       p->top, p->bottom, x, p->bottom + 18);
        write_number(p, &p->x, p->x.tick[i]);
    }
    mrq_writer_put(p->out, "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#888\"/>\n", LEFT, p->top, p->bottom, RIGHT);
    mrq_writer_put(p->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (LEFT + RIGHT) / 2, p->bottom + 38);
    mrq_writer_escape(p->out, p->plot->x_label, SIZE_MAX);
    mrq_writer_put(p->out, "</text>\n<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\">",
                   (p->top + p->bottom) / 2);
    mrq_writer_escape(p->out, p->plot->y_label, SIZE_MAX);
    mrq_writer_put(p->out, "</text>\n</g>\n");
}

/* Writes a text beside a point, inside the picture and readable on top of lines. */
static void write_note(const struct picture *p, double x, double y, int distance, const char *style, const char *text)
{
    const char *anchor = x < LEFT + 110 ? "start" : x > RIGHT - 110 ? "end" : "middle";
    mrq_writer_put(p->out,
                   "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" %s stroke=\"#fff\" stroke-width=\"4\" stroke-linejoin=\"round\" "
                   "paint-order=\"stroke\">",
                   x, y > p->top + 2 * distance ? y - distance : y + distance + 8, anchor, style);
    mrq_writer_escape(p->out, text, SIZE_MAX);
    mrq_writer_put(p->out, "</text>\n");
}

static uint32_t count_shown(const mrq_plot *plot, const mrq_plot_series *series)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < series->n; i++)
        n += shown(plot, series, i);
    return n;
}

static void write_line(const struct picture *p, const mrq_plot_series *series, uint32_t known, const char *dash)
{
    const uint32_t stride = (known - 1) / (POINTS_MAX - 1) + 1; /* more points than pixels would only enlarge the file */
    uint32_t seen = 0;
    mrq_writer_put(p->out, "<polyline fill=\"none\" stroke-dasharray=\"%s\" points=\"", dash);
    for (uint32_t i = 0; i < series->n; i++)
        if (shown(p->plot, series, i) && (seen++ % stride == 0 || seen == known))
            mrq_writer_put(p->out, " %.1f,%.1f", place_x(p, series->x[i]), place_y(p, series->y[i]));
    mrq_writer_put(p->out, "\"/>\n");
}

/* Draws a series and, at `place`, its entry in the legend. Returns whether it has any point. */
static bool write_series(const struct picture *p, uint32_t number, uint32_t place)
{
    const mrq_plot_series *series = &p->plot->series[number];
    const uint32_t known = count_shown(p->plot, series);
    if (!known)
        return false;
    const char *colour = colours[number % COLOURS], *dash = series->dashed || number >= COLOURS ? "7 3" : "none";
    mrq_writer_put(p->out, "<g fill=\"%s\" stroke=\"%s\" stroke-width=\"2\">\n", colour, colour);
    if (!series->points)
        write_line(p, series, known, dash);
    for (uint32_t i = 0; i < series->n && (series->points || known <= MARKED_MAX); i++)
        if (shown(p->plot, series, i))
            mrq_writer_put(p->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\"/>\n", place_x(p, series->x[i]),
                           place_y(p, series->y[i]), series->points ? 3 : 2);
    const int x = LEFT + COLUMN * (int)(place % COLUMNS), y = 50 + ROW * (int)(place / COLUMNS);
    if (series->points)
        mrq_writer_put(p->out, "<path d=\"M%d %dh6v6h-6z\"/>\n</g>\n", x + 10, y - 3);
    else
        mrq_writer_put(p->out, "<path d=\"M%d %dh26\" stroke-dasharray=\"%s\"/>\n</g>\n", x, y, dash);
    mrq_writer_put(p->out, "<text x=\"%d\" y=\"%d\">", x + 33, y + 4);
    mrq_writer_escape(p->out, series->name, SIZE_MAX);
    mrq_writer_put(p->out, "</text>\n");
    return true;
}

/* Writes labels on top of all lines. */
static void write_labels(const struct picture *p)
{
    for (uint32_t s = 0; s < p->plot->n_series; s++)
        for (uint32_t i = 0; p->plot->series[s].label && i < p->plot->series[s].n; i++)
            if (p->plot->series[s].label[i] && shown(p->plot, &p->plot->series[s], i))
                write_note(p, place_x(p, p->plot->series[s].x[i]), place_y(p, p->plot->series[s].y[i]), 8, "font-size=\"11\"",
                           p->plot->series[s].label[i]);
    if (!p->plot->mark || !fits(p->plot->log_x, p->plot->mark_x) || !fits(p->plot->log_y, p->plot->mark_y))
        return;
    const double x = place_x(p, p->plot->mark_x), y = place_y(p, p->plot->mark_y);
    mrq_writer_put(p->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5.5\" fill=\"%s\" stroke=\"#fff\" stroke-width=\"2\"/>\n", x, y,
                   colours[p->plot->mark_series % COLOURS]);
    write_note(p, x, y, 20, "font-weight=\"bold\"", p->plot->mark);
}

static void write_head(const struct picture *p, int height)
{
    mrq_writer_put(p->out,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
                   "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"#222\">\n<title>",
                   WIDTH, height, WIDTH, height);
    mrq_writer_escape(p->out, p->plot->title, SIZE_MAX);
    mrq_writer_put(p->out, "</title>\n");
    if (p->plot->about) {
        mrq_writer_put(p->out, "<desc>");
        mrq_writer_escape(p->out, p->plot->about, SIZE_MAX);
        mrq_writer_put(p->out, "</desc>\n");
    }
    mrq_writer_put(p->out, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", WIDTH, height);
    mrq_writer_put(p->out, "<text x=\"%d\" y=\"28\" font-size=\"16\" font-weight=\"bold\">", LEFT);
    mrq_writer_escape(p->out, p->plot->title, TITLE_MAX);
    mrq_writer_put(p->out, "</text>\n");
}

void mrq_plot_draw(const mrq_plot *plot, mrq_writer *out)
{
    uint32_t named = 0;
    for (uint32_t s = 0; s < plot->n_series; s++)
        named += count_shown(plot, &plot->series[s]) > 0;
    const int more = named > COLUMNS ? ROW * (int)((named - 1) / COLUMNS) : 0; /* further rows of the legend move everything
                                                                                  else down */
    const struct picture picture = {plot, out, make_axis(plot, false), make_axis(plot, true), TOP + more, BOTTOM + more};
    write_head(&picture, HEIGHT + more);
    write_axes(&picture);
    for (uint32_t s = 0, place = 0; s < plot->n_series; s++)
        place += write_series(&picture, s, place);
    write_labels(&picture);
    mrq_writer_put(out, "</svg>\n");
}

mrq_status mrq_plot_save(const mrq_plot *plot, const char *path, mrq_error *err)
{
    mrq_writer writer MRQ_CLEANUP(mrq_writer_close) = {0};
    mrq_writer_open(&writer);
    mrq_plot_draw(plot, &writer);
    return mrq_writer_save(&writer, path, err);
}
