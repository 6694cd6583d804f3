#include "engine/query_fields.h"

#include <string.h>

#define ROW(symbol, ...) {__VA_ARGS__},
const mrq_query_field mrq_query_fields[MRQ_Q_FIELDS] = {MRQ_QUERY_FIELDS(ROW)};

const char *const mrq_order_names[MRQ_ORDERS] = {"", "popular", "recent", "trending"};

mrq_order mrq_order_find(const char *name)
{
    unsigned i = MRQ_POPULAR;
    while (i < MRQ_ORDERS && strcmp(mrq_order_names[i], name) != 0)
        i++;
    return (mrq_order)i;
}

mrq_field_index mrq_query_field_find(const char *name)
{
    unsigned i = 0;
    while (i < MRQ_Q_FIELDS && strcmp(mrq_query_fields[i].name, name) != 0)
        i++;
    return (mrq_field_index)i;
}
