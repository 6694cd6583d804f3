/* The query string of a request, read strictly: every parameter is known, decodes, and stands there once. */
#ifndef MRQ_HTTP_PARAMS_H
#define MRQ_HTTP_PARAMS_H

#include "base/error.h"
#include "marquee/marquee.h"

#define MRQ_URL_MAX         8192 /* bytes of path and query string */
#define MRQ_GENRES_MAX      64   /* in one query */
#define MRQ_EXPLAIN_DEFAULT 10   /* parts, of explain=true */
#define MRQ_EXPLAIN_MAX     1000
#define MRQ_LIST_DEFAULT    10 /* movies of a search, and of a user's */

/* One bit a parameter; a route knows some of them. */
typedef enum mrq_param {
    MRQ_PARAM_AGE = 1 << 0,
    MRQ_PARAM_GENDER = 1 << 1,
    MRQ_PARAM_JOB = 1 << 2,
    MRQ_PARAM_USER = 1 << 3,
    MRQ_PARAM_LIKED = 1 << 4,
    MRQ_PARAM_DISLIKED = 1 << 5,
    MRQ_PARAM_K = 1 << 6,
    MRQ_PARAM_GENRE = 1 << 7,
    MRQ_PARAM_ALL_GENRES = 1 << 8,
    MRQ_PARAM_YEAR = 1 << 9,
    MRQ_PARAM_EXCLUDE = 1 << 10,
    MRQ_PARAM_INCLUDE_SEEN = 1 << 11,
    MRQ_PARAM_EXPLAIN = 1 << 12,
    MRQ_PARAM_QUERY = 1 << 13,
} mrq_param;

/* What they came to. Its pointers point into itself: it is not to be copied. */
typedef struct mrq_params {
    uint32_t known, given; /* sets of mrq_param */
    mrq_query query;       /* all but the text of a search */
    const char *search;    /* "" without */
    const char *genre[MRQ_GENRES_MAX];
    int64_t liked[MRQ_URL_MAX / 2], disliked[MRQ_URL_MAX / 2], exclude[MRQ_EXCLUDE_MAX];
    size_t used;
    char text[MRQ_URL_MAX]; /* values, decoded */
} mrq_params;

/* `known`: the set of what may come; `k`: how many movies without k. Leaves the arrays as they are. */
void mrq_params_init(mrq_params *params, uint32_t known, uint32_t k);

/* Takes a query string as it stands in a URL, behind the '?'; splits it where it lies. '+' is a blank; genre, liked, disliked and
 * exclude may come again. MRQ_USAGE: the sentence begins with the name of the parameter that is wrong. */
MRQ_CHECKED mrq_status mrq_params_read(mrq_params *params, char *text, mrq_error *err);

#endif
