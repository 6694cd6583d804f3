/* Ratings, counts and actions.
 *
 * Who has rated an item twice has changed his mind, so the later rating counts; who has played a song twice has played it more, so
 * counts and weights are added. Events are compared within each user, through the position of his last event of each item. Where
 * the users of a file follow each other, as in most, its order is that of the users, and nothing is sorted. */
#include "dataset/value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/table.h"

#define VALUE_MAX 1e9

static mrq_status read_number(const mrq_reader *reader, const mrq_field *field, float *out, mrq_error *err)
{
    char shown[MRQ_SHOWN];
    const mrq_span span = reader->field[field->place];
    const bool counts = field->kind == MRQ_FIELD_COUNT, ranged = !counts && !isnan(field->min);
    double value;
    if (mrq_parse_real(span.text, span.size,
                       counts   ? 0
                       : ranged ? field->min
                                : -VALUE_MAX,
                       ranged ? field->max : VALUE_MAX, &value)) {
        *out = (float)value;
        return MRQ_OK;
    }
    if (counts)
        return mrq_reader_fail(reader, err, "%s %s, want a count: a number, 0 to %.0f", field->name, mrq_show(span, shown),
                               VALUE_MAX);
    if (!ranged && mrq_is_number(span.text, span.size))
        return mrq_reader_fail(reader, err, "rating %s, want %.0f to %.0f", mrq_show(span, shown), -VALUE_MAX, VALUE_MAX);
    return ranged ? mrq_reader_fail(reader, err, "rating %s, want %g to %g", mrq_show(span, shown), field->min, field->max)
                  : mrq_reader_fail(reader, err, "rating %s, want a number", mrq_show(span, shown));
}

static mrq_status read_action(const mrq_reader *reader, const mrq_field *field, float *out, mrq_error *err)
{
    const mrq_span span = reader->field[field->place];
    for (uint32_t i = 0; i < field->values.n; i++)
        if (mrq_strings_size(&field->values, i) == span.size &&
            memcmp(mrq_strings_at(&field->values, i), span.text, span.size) == 0) {
            *out = (float)field->weight[i];
            return MRQ_OK;
        }
    return mrq_reader_fail_values(reader, field, span, err);
}

mrq_status mrq_value_read(const mrq_reader *reader, const mrq_field *field, float *out, bool *event, mrq_error *err)
{
    *out = 1;
    *event = true;
    if (!field)
        return MRQ_OK;
    if (mrq_reader_is_named_null(reader, field)) {
        *event = false;
        return MRQ_OK;
    }
    MRQ_TRY(field->kind == MRQ_FIELD_ACTION ? read_action(reader, field, out, err) : read_number(reader, field, out, err));
    *event = field->kind == MRQ_FIELD_RATING || *out != 0;
    return MRQ_OK;
}

/* Event indices by user, in the order of the file; NULL in `*out` when that is so already. */
static mrq_status order_by_user(const mrq_event_list *e, uint32_t **out, mrq_error *err)
{
    *out = NULL;
    uint64_t i = 1;
    while (i < e->n && e->user[i - 1] <= e->user[i])
        i++;
    if (i >= e->n)
        return MRQ_OK;
    MRQ_AUTOFREE uint64_t *offset = mrq_array((size_t)e->users + 1, sizeof *offset);
    MRQ_AUTOFREE uint32_t *order = mrq_array((size_t)e->n, sizeof *order);
    if (!offset || !order || mrq_list_group(NULL, e->n, e->user, e->users, offset, order))
        return mrq_fail_memory(err, "comparing events");
    *out = order;
    order = NULL;
    return MRQ_OK;
}

/* Moves the events that are left, those with a user, to the front. */
static void close_up(mrq_event_list *e)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < e->n; i++) {
        if (e->user[i] == MRQ_NONE)
            continue;
        e->user[n] = e->user[i];
        e->item[n] = e->item[i];
        e->value[n] = e->value[i];
        if (e->time)
            e->time[n] = e->time[i];
        n++;
    }
    e->n = n;
}

mrq_status mrq_value_merge(mrq_event_list *e, bool add, mrq_error *err)
{
    MRQ_AUTOFREE uint32_t *order = NULL;
    MRQ_AUTOFREE uint32_t *last = mrq_array(e->items, sizeof *last); /* by item: 1 + the position of the user's event; or older */
    if (!last)
        return mrq_fail_memory(err, "comparing events");
    MRQ_TRY(order_by_user(e, &order, err));
    uint32_t user = MRQ_NONE;
    bool any = false;
    for (uint64_t at = 0, start = 0; at < e->n; at++) {
        const uint64_t i = order ? order[at] : at;
        start = e->user[i] == user ? start : at;
        user = e->user[i];
        uint32_t *place = &last[e->item[i]];
        const uint64_t before = *place;
        *place = (uint32_t)at + 1;
        if (before <= start)
            continue;
        const uint64_t j = order ? order[before - 1] : before - 1;
        const bool later = !e->time || e->time[i] >= e->time[j];
        const uint64_t kept = later ? i : j, dropped = later ? j : i;
        if (add)
            e->value[kept] += e->value[dropped];
        if (!later)
            *place = (uint32_t)before;
        e->user[dropped] = MRQ_NONE;
        any = true;
    }
    if (any)
        close_up(e);
    return MRQ_OK;
}

float mrq_value_seen(const mrq_field *field, double value)
{
    return field && field->kind == MRQ_FIELD_COUNT ? log1pf((float)value) : (float)value;
}

double mrq_value_like(const mrq_field *field, double min, double max)
{
    if (!field || field->kind == MRQ_FIELD_RATING)
        return (min + max) / 2;
    if (field->kind == MRQ_FIELD_COUNT)
        return -INFINITY;
    double least = INFINITY;
    for (uint32_t i = 0; i < field->values.n; i++)
        if (field->weight[i] > 0)
            least = fmin(least, field->weight[i]);
    return least;
}
