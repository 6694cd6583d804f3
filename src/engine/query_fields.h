/* The fields of a query. This table defines command-line options and --help, URL parameters, JSON bodies, the OpenAPI document, the
 * reader of hot queries, the query in JSON answers, and the cache keys of memory and Redis. A new field is a line here and its
 * meaning in resolve.c.
 *
 * A query may also name any category, set or number column of the generation's users: "country=DE". */
#ifndef MRQ_ENGINE_QUERY_FIELDS_H
#define MRQ_ENGINE_QUERY_FIELDS_H

#include "base/error.h"
#include "marquee/marquee.h"

#define MRQ_GENRES_MAX      64 /* in one query */
#define MRQ_FEATURES_MAX    64
#define MRQ_SHOW_MAX        16
#define MRQ_EXPLAIN_DEFAULT 10 /* parts, of explain=true */
#define MRQ_EXPLAIN_MAX     1000

/* How the text of a value is read. */
typedef enum mrq_query_type {
    MRQ_QT_FEATURE, /* a text: a value of the users' column that has the field's name */
    MRQ_QT_PAIR,    /* NAME=VALUE: any column of the users */
    MRQ_QT_TEXT,
    MRQ_QT_ITEM,   /* the id of an item */
    MRQ_QT_USER,   /* the id of a user */
    MRQ_QT_WHOLE,  /* a whole number from min to max */
    MRQ_QT_FLAG,   /* true, 1, false or 0; false is the same as not given */
    MRQ_QT_YEARS,  /* 1994, 1990-1999, 1990- or -1999 */
    MRQ_QT_ORDER,  /* a name of mrq_order_names */
    MRQ_QT_COLUMN, /* the name of a column of the items */
    MRQ_QT_WHERE,  /* a column of the items, an operator and values: where.h */
    MRQ_QT_PARTS,  /* true, false, all, or a whole number from 0 to max */
} mrq_query_type;

#define MRQ_ASKS(what)   (1u << (what))
#define MRQ_ASKS_PERSON  MRQ_ASKS(MRQ_ASK_RECOMMEND)
#define MRQ_ASKS_FILTERS (MRQ_ASKS_PERSON | MRQ_ASKS(MRQ_ASK_SIMILAR) | MRQ_ASKS(MRQ_ASK_SEARCH))
#define MRQ_ASKS_LISTS   (MRQ_ASKS_FILTERS | MRQ_ASKS(MRQ_ASK_USER))

/* X(symbol, name, option or NULL: the name, letter, type, most values, min, max, asks, meta, help, example or NULL) */
#define MRQ_QUERY_FIELDS(X)                                                                                                        \
    X(AGE, "age", NULL, 'a', MRQ_QT_FEATURE, 1, 0, 0, MRQ_ASKS_PERSON, "AGE", "age in years", "25")                                \
    X(GENDER, "gender", NULL, 'g', MRQ_QT_FEATURE, 1, 0, 0, MRQ_ASKS_PERSON, "GENDER",                                             \
      "M or F, male or female, or a number from 0", "F")                                                                           \
    X(JOB, "job", NULL, 'j', MRQ_QT_FEATURE, 1, 0, 0, MRQ_ASKS_PERSON, "JOB", "an occupation in the data, or its number",          \
      "programmer")                                                                                                                \
    X(WITH, "with", NULL, 0, MRQ_QT_PAIR, MRQ_FEATURES_MAX, 0, 0, MRQ_ASKS_PERSON, "NAME=VALUE",                                   \
      "a value of any other column of the users, for example\ncountry=DE; repeat for several columns", NULL)                       \
    X(USER, "user", NULL, 'i', MRQ_QT_USER, 1, 0, 0, MRQ_ASKS_PERSON | MRQ_ASKS(MRQ_ASK_USER), "USER",                             \
      "a user of the data: supplies the features not given;\nitems that the user has rated are left out", NULL)                    \
    X(LIKED, "liked", NULL, 0, MRQ_QT_ITEM, MRQ_FEEDBACK_MAX, 0, 0, MRQ_ASKS_PERSON, "ID,ID,...",                                  \
      "items that the person likes, the newest last: a model that\nlearned from the order of likes counts it most", NULL)          \
    X(DISLIKED, "disliked", NULL, 0, MRQ_QT_ITEM, MRQ_FEEDBACK_MAX, 0, 0, MRQ_ASKS_PERSON, "ID,ID,...",                            \
      "items that the person does not like", NULL)                                                                                 \
    X(ITEM, "item", NULL, 0, MRQ_QT_TEXT, 1, 0, 0, MRQ_ASKS(MRQ_ASK_SIMILAR) | MRQ_ASKS(MRQ_ASK_ITEM), "ITEM", "an id or a title", \
      NULL)                                                                                                                        \
    X(K, "k", "top", 'k', MRQ_QT_WHOLE, 1, 1, MRQ_K_MAX, MRQ_ASKS_LISTS, "K", "how many items", NULL)                              \
    X(OFFSET, "offset", NULL, 0, MRQ_QT_WHOLE, 1, 0, MRQ_REACH_MAX - 1, MRQ_ASKS_FILTERS, "N",                                     \
      "leave out the first N of the list: its next page", NULL)                                                                    \
    X(GENRE, "genre", NULL, 0, MRQ_QT_TEXT, MRQ_GENRES_MAX, 0, 0, MRQ_ASKS_FILTERS, "GENRE",                                       \
      "only items of this genre; repeat to allow any of several", NULL)                                                            \
    X(ALL_GENRES, "all_genres", NULL, 0, MRQ_QT_FLAG, 1, 0, 0, MRQ_ASKS_FILTERS, NULL,                                             \
      "only items that have all the given genres", NULL)                                                                           \
    X(YEAR, "year", NULL, 0, MRQ_QT_YEARS, 1, 0, 0, MRQ_ASKS_FILTERS, "YEARS",                                                     \
      "only items of these years: 1994, 1990-1999,\n1990- or -1999", "1990-1999")                                                  \
    X(WHERE, "where", NULL, 0, MRQ_QT_WHERE, MRQ_WHERE_MAX, 0, 0, MRQ_ASKS_FILTERS, "CONDITION",                                   \
      "only items of which this is true: a column, then one of\n= != < <= > >=, then a value: language=en, price<20.\n"            \
      "Several values with commas: any of them; after != none.\nIn a value \\, is a comma, and a blank at its ends has a "         \
      "\\\nbefore it. Repeat: all must be true",                                                                                   \
      "year>=1990")                                                                                                                \
    X(EXCLUDE, "exclude", NULL, 0, MRQ_QT_ITEM, MRQ_EXCLUDE_MAX, 0, 0, MRQ_ASKS_FILTERS, "ID,ID,...", "leave out these items",     \
      NULL)                                                                                                                        \
    X(INCLUDE_SEEN, "include_seen", NULL, 0, MRQ_QT_FLAG, 1, 0, 0, MRQ_ASKS_PERSON, NULL,                                          \
      "also recommend items that the user has rated, liked or\ndisliked", NULL)                                                    \
    X(SHOW, "show", NULL, 0, MRQ_QT_COLUMN, MRQ_SHOW_MAX, 0, 0, MRQ_ASKS_FILTERS, "COLUMN,...",                                    \
      "also print these columns of the items", NULL)                                                                               \
    X(EXPLAIN, "explain", NULL, 0, MRQ_QT_PARTS, 1, 0, MRQ_EXPLAIN_MAX, MRQ_ASKS_PERSON, NULL, "show what each score is made of",  \
      NULL)                                                                                                                        \
    X(ORDER, "order", NULL, 0, MRQ_QT_ORDER, 1, 0, 0, MRQ_ASKS(MRQ_ASK_SEARCH), "ORDER",                                           \
      "popular: most events first; recent: newest first, by the\nfirst event or else the year; trending: most events of\n"         \
      "late against before",                                                                                                       \
      "trending")                                                                                                                  \
    X(TEXT, "query", NULL, 0, MRQ_QT_TEXT, 1, 0, 0, MRQ_ASKS(MRQ_ASK_SEARCH), "TEXT",                                              \
      "words; each must begin a word of the title. Without it: the most rated items", "star wars")

#define MRQ_QUERY_SYMBOL(symbol, ...) MRQ_Q_##symbol,
typedef enum mrq_field_index { MRQ_QUERY_FIELDS(MRQ_QUERY_SYMBOL) MRQ_Q_FIELDS } mrq_field_index;

typedef struct mrq_query_field {
    const char *name;   /* in URLs, JSON and mrq_query_set() */
    const char *option; /* on the command line, without dashes */
    char letter;        /* there too, or 0 */
    mrq_query_type type;
    uint32_t most; /* values; if more than one, the field can be repeated */
    int64_t min, max;
    uint32_t asks; /* kinds of query that accept it: MRQ_ASKS() */
    const char *meta, *help;
    const char *example; /* a value, for OpenAPI; NULL: none */
} mrq_query_field;
extern const mrq_query_field mrq_query_fields[MRQ_Q_FIELDS];

/* Whether the field's values are written as one text, with commas between them. */
static inline bool mrq_query_is_list(mrq_field_index field)
{
    return mrq_query_fields[field].type == MRQ_QT_ITEM || mrq_query_fields[field].type == MRQ_QT_COLUMN;
}

/* The number of items in an answer if the query does not give it. */
static inline int64_t mrq_k_default(mrq_ask what)
{
    return what == MRQ_ASK_SEARCH || what == MRQ_ASK_USER ? MRQ_LIST_DEFAULT : MRQ_K_DEFAULT;
}

/* How a list without a person is ordered. */
typedef enum mrq_order { MRQ_BY_TITLE, MRQ_POPULAR, MRQ_RECENT, MRQ_TRENDING, MRQ_ORDERS } mrq_order;
extern const char *const mrq_order_names[MRQ_ORDERS]; /* that of MRQ_BY_TITLE is no value: "" */

/* MRQ_ORDERS if no order has this name. */
mrq_order mrq_order_find(const char *name);

/* MRQ_Q_FIELDS if no field has this name. */
mrq_field_index mrq_query_field_find(const char *name);

#endif
