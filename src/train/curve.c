/* The learning curve as CSV and SVG. Each text is built whole in memory and then put in its place at once, so that whoever follows
 * a run never reads half a file. (Not with open_memstream(): glibc's loses text without a word when memory runs out.) Numbers are
 * printed in the C locale of this thread alone, whatever the program around it has set. The picture is plain SVG 1.1: no script, no
 * style sheet, no font of its own. It paints its own white ground, so that it reads the same on a dark page; colours are Okabe and
 * Ito's, told apart by colour-blind eyes too. */
#include "train/curve.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"

enum { WIDTH = 720, HEIGHT = 420, LEFT = 70, RIGHT = 696, TOP = 76, BOTTOM = 368, INSET = 14 };
enum { POINTS_MAX = 1000, MARKED_MAX = 40, TITLE_MAX = 70 }; /* points of a line, with a marker on each, characters of the title */

enum { PARTS = 3 };
static const struct part {
    const char *name, *colour, *dash;
} parts[PARTS] = {{"training", "#0072b2", "none"}, {"validation", "#d55e00", "none"}, {"test", "#009e73", "7 3"}};

/* A text being built; once memory has run out, the rest is dropped. */
struct text {
    char *data;
    size_t size, capacity;
    bool failed;
    locale_t locale, before;
};

static mrq_status text_open(struct text *text, mrq_error *err)
{
    *text = (struct text){.locale = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    if (!text->locale)
        return mrq_fail_memory(err, "writing the learning curve");
    text->before = uselocale(text->locale);
    return MRQ_OK;
}

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    text->failed |= n < 0 || mrq_grow(&text->data, &text->capacity, text->size + (size_t)n + 1, 1) != 0;
    if (!text->failed) {
        vsnprintf(text->data + text->size, (size_t)n + 1, format, again);
        text->size += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

/* Frees the text, whatever it returns. */
static mrq_status text_save(struct text *text, const char *path, mrq_error *err)
{
    uselocale(text->before);
    freelocale(text->locale);
    const mrq_status status =
        text->failed ? mrq_fail_memory(err, "writing the learning curve") : mrq_file_write(path, text->data, text->size, err);
    mrq_free(text->data);
    return status;
}

static void write_field(struct text *out, double value, int decimals)
{
    if (isfinite(value))
        put(out, "%.*f", decimals, value);
    put(out, ",");
}

mrq_status mrq_curve_csv(const char *path, const mrq_train_epoch *epoch, uint32_t n, mrq_error *err)
{
    struct text text;
    MRQ_TRY(text_open(&text, err));
    put(&text, "pass,train_rmse,valid_rmse,test_rmse,seconds,samples_per_second,best\n");
    for (uint32_t i = 0; i < n; i++) {
        const mrq_train_epoch *e = &epoch[i];
        put(&text, "%" PRId64 ",", e->epoch);
        write_field(&text, e->train_rmse, 6);
        write_field(&text, e->valid_rmse, 6);
        write_field(&text, e->test_rmse, 6);
        write_field(&text, e->seconds, 3);
        write_field(&text, e->samples_per_second, 0);
        put(&text, "%" PRIu64 "\n", e->best);
    }
    return text_save(&text, path, err);
}

struct axis {
    double lo, hi, step; /* ends, and from one tick to the next */
};

struct plot {
    struct text *out;
    const mrq_train_epoch *epoch;
    uint32_t n;
    struct axis x, y;
};

static double rmse(const mrq_train_epoch *e, uint32_t part)
{
    const double value[PARTS] = {e->train_rmse, e->valid_rmse, e->test_rmse};
    return value[part];
}

/* The first of 1, 2, 5, 10, 20 ..., and of 0.5, 0.2 ..., that is not below `least`. */
static double nice_step(double least)
{
    const double unit = pow(10, floor(log10(least))), times = least / unit;
    return unit * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static struct axis pass_axis(const mrq_train_epoch *epoch, uint32_t n)
{
    const double lo = n ? (double)epoch[0].epoch : 1, hi = n ? (double)epoch[n - 1].epoch : 1;
    return (struct axis){lo, hi, nice_step(fmax(1, (hi - lo) / 9))};
}

static struct axis rmse_axis(const mrq_train_epoch *epoch, uint32_t n)
{
    double lo = INFINITY, hi = -INFINITY;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t part = 0; part < PARTS; part++)
            if (isfinite(rmse(&epoch[i], part))) {
                lo = fmin(lo, rmse(&epoch[i], part));
                hi = fmax(hi, rmse(&epoch[i], part));
            }
    if (lo > hi)
        lo = hi = 0;
    if (!(hi - lo > 1e-4 * fabs(hi))) { /* all equal, or nearly: some room, rather than ticks that differ in the tenth digit */
        const double room = 0.02 * fabs(hi);
        lo -= room;
        hi += room > 0 ? room : 1;
    }
    const double step = nice_step((hi - lo) / 6);
    return (struct axis){step * floor(lo / step), step * ceil(hi / step), step};
}

static double place_x(const struct plot *p, double pass)
{
    const double share = p->x.hi > p->x.lo ? (pass - p->x.lo) / (p->x.hi - p->x.lo) : 0.5; /* one pass alone: in the middle */
    return LEFT + INSET + share * (RIGHT - LEFT - 2 * INSET);
}

static double place_y(const struct plot *p, double value)
{
    return BOTTOM - (value - p->y.lo) / (p->y.hi - p->y.lo) * (BOTTOM - TOP);
}

/* Up to `most` characters, then "..."; markup is escaped, and what XML does not allow becomes '?'. */
static void write_escaped(struct text *out, const char *text, size_t most)
{
    uint32_t code;
    for (size_t n; *text; text += n) {
        if (most-- == 0) {
            put(out, "...");
            return;
        }
        n = mrq_utf8_read(text, strlen(text), &code);
        if (n == 0 || code < 0x20 || (code & 0xfffe) == 0xfffe) {
            n = n ? n : 1;
            put(out, "?");
        } else if (strchr("&<>\"'", *text)) {
            put(out, "&#%d;", *text);
        } else {
            put(out, "%.*s", (int)n, text);
        }
    }
}

static void write_axes(const struct plot *p)
{
    const int decimals = (int)fmax(0, -floor(log10(p->y.step) + 1e-9));
    put(p->out, "<g fill=\"#444\" stroke=\"none\">\n");
    for (double k = round(p->y.lo / p->y.step); k <= round(p->y.hi / p->y.step); k++) { /* counted, so that no error adds up */
        const double y = place_y(p, k * p->y.step);
        put(p->out, "<path d=\"M%d %.1fH%d\" stroke=\"#e2e2e2\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.*f</text>\n", LEFT,
            y, RIGHT, LEFT - 8, y + 4, decimals, k * p->y.step);
    }
    for (double k = ceil(p->x.lo / p->x.step); k <= floor(p->x.hi / p->x.step); k++) {
        const double x = place_x(p, k * p->x.step);
        put(p->out, "<path d=\"M%.1f %dV%d\" stroke=\"#e2e2e2\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n", x,
            TOP, BOTTOM, x, BOTTOM + 18, k * p->x.step);
    }
    put(p->out, "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#888\"/>\n", LEFT, TOP, BOTTOM, RIGHT);
    put(p->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">pass</text>\n", (LEFT + RIGHT) / 2, BOTTOM + 38);
    put(p->out, "<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\">RMSE</text>\n</g>\n", (TOP + BOTTOM) / 2);
}

/* The line of one part and, at `column`, its entry in the legend. Returns whether there is such a part. */
static bool write_part(const struct plot *p, uint32_t part, int column)
{
    const struct part *look = &parts[part];
    uint32_t known = 0, seen = 0;
    double last = NAN;
    for (uint32_t i = 0; i < p->n; i++)
        if (isfinite(rmse(&p->epoch[i], part))) {
            known++;
            last = rmse(&p->epoch[i], part);
        }
    if (!known)
        return false;
    const uint32_t stride = (known - 1) / (POINTS_MAX - 1) + 1; /* more points than pixels would only make the file larger */
    put(p->out, "<g fill=\"%s\" stroke=\"%s\" stroke-width=\"2\">\n<polyline fill=\"none\" stroke-dasharray=\"%s\" points=\"",
        look->colour, look->colour, look->dash);
    for (uint32_t i = 0; i < p->n; i++) {
        const double value = rmse(&p->epoch[i], part);
        if (isfinite(value) && (seen++ % stride == 0 || seen == known))
            put(p->out, " %.1f,%.1f", place_x(p, (double)p->epoch[i].epoch), place_y(p, value));
    }
    put(p->out, "\"/>\n");
    for (uint32_t i = 0; i < p->n && known <= MARKED_MAX; i++)
        if (isfinite(rmse(&p->epoch[i], part)))
            put(p->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2\"/>\n", place_x(p, (double)p->epoch[i].epoch),
                place_y(p, rmse(&p->epoch[i], part)));
    const int x = LEFT + 185 * column;
    put(p->out, "<path d=\"M%d 50h26\" stroke-dasharray=\"%s\"/>\n</g>\n<text x=\"%d\" y=\"54\">%s %.4f</text>\n", x, look->dash,
        x + 33, look->name, last);
    return true;
}

/* The last pass that was the best so far, or NULL. `*part` is what it is shown by: validation, or else test, or else training. */
static const mrq_train_epoch *find_best(const struct plot *p, uint32_t *part)
{
    static const uint32_t order[PARTS] = {1, 2, 0};
    for (uint32_t i = p->n; i-- > 0;)
        for (uint32_t j = 0; p->epoch[i].best && j < PARTS; j++)
            if (isfinite(rmse(&p->epoch[i], order[j]))) {
                *part = order[j];
                return &p->epoch[i];
            }
    return NULL;
}

static void write_best(const struct plot *p, const mrq_train_epoch *best, uint32_t part)
{
    const double x = place_x(p, (double)best->epoch), y = place_y(p, rmse(best, part));
    const char *anchor = x < LEFT + 110 ? "start" : x > RIGHT - 110 ? "end" : "middle";
    put(p->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5.5\" fill=\"%s\" stroke=\"#fff\" stroke-width=\"2\"/>\n", x, y,
        parts[part].colour);
    put(p->out,
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-weight=\"bold\" stroke=\"#fff\" stroke-width=\"4\" "
        "stroke-linejoin=\"round\" paint-order=\"stroke\">best: pass %" PRId64 ", %s %.4f</text>\n",
        x, y > TOP + 40 ? y - 20 : y + 28, anchor, best->epoch, parts[part].name, rmse(best, part));
}

static void write_head(const struct plot *p, const char *title, const mrq_train_epoch *best, uint32_t part)
{
    put(p->out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
        "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"#222\">\n<title>",
        WIDTH, HEIGHT, WIDTH, HEIGHT);
    write_escaped(p->out, title, SIZE_MAX);
    put(p->out, "</title>\n<desc>Root mean squared error by training pass, %" PRIu32 " in all", p->n);
    if (best)
        put(p->out, "; the best is pass %" PRId64 " with a %s RMSE of %.4f", best->epoch, parts[part].name, rmse(best, part));
    put(p->out, ".</desc>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", WIDTH, HEIGHT);
    put(p->out, "<text x=\"%d\" y=\"28\" font-size=\"16\" font-weight=\"bold\">", LEFT);
    write_escaped(p->out, title, TITLE_MAX);
    put(p->out, "</text>\n");
}

mrq_status mrq_curve_svg(const char *path, const char *title, const mrq_train_epoch *epoch, uint32_t n, mrq_error *err)
{
    struct text text;
    MRQ_TRY(text_open(&text, err));
    const struct plot plot = {&text, epoch, n, pass_axis(epoch, n), rmse_axis(epoch, n)};
    uint32_t best_part = 0;
    const mrq_train_epoch *best = find_best(&plot, &best_part);
    write_head(&plot, title, best, best_part);
    write_axes(&plot);
    for (uint32_t part = 0, column = 0; part < PARTS; part++)
        column += write_part(&plot, part, (int)column);
    if (best)
        write_best(&plot, best, best_part);
    put(&text, "</svg>\n");
    return text_save(&text, path, err);
}
