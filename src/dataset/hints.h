/* What names of columns and files tell about what they hold. Private to the dataset room. */
#ifndef MRQ_DATASET_HINTS_H
#define MRQ_DATASET_HINTS_H

#include <stdbool.h>

#include "base/table.h"

typedef enum mrq_role {
    MRQ_ROLE_NONE,
    MRQ_ROLE_ID, /* of the table it stands in */
    MRQ_ROLE_USER,
    MRQ_ROLE_ITEM,
    MRQ_ROLE_VALUE,
    MRQ_ROLE_COUNT, /* a value that counts or measures: each event is a like */
    MRQ_ROLE_TIME,
    MRQ_ROLE_TITLE,
    MRQ_ROLE_GENRES,
    MRQ_ROLE_GENDER,
    MRQ_ROLE_AGE,
    MRQ_ROLE_JOB,
    MRQ_ROLE_YEAR,
} mrq_role;

/* The role that a column of this name has: "userId", "User-ID" and "reviewer" are users, "Book-Title" is a title. */
mrq_role mrq_hint_column(const char *name);

/* The same, and what its items are called, if the name tells: "movieId" is a movie. */
mrq_role mrq_hint_noun(const char *name, mrq_noun *noun);

/* Whether the name says that its values are ids: it ends in a word "id", or is one such as ISBN. */
bool mrq_hint_is_id(const char *name);

/* What an action of this name, such as "view", "addtocart" or "purchase", says of how much somebody likes an item; 0 for other
 * texts. */
double mrq_hint_action(const char *name);

/* Whether a column of this name has actions: "event", "behavior". */
bool mrq_hint_has_actions(const char *name);

/* The roles, users or items, of the first two such words of a file's name; MRQ_ROLE_NONE where there are fewer: "user_item.dat". */
void mrq_hint_file(const char *file, mrq_role roles[2], mrq_noun *noun);

#endif
