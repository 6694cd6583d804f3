/* A site whose users have tastes: each rates items of one kind well, and a few others less. Some items are better than others. */
#ifndef MRQ_TESTS_TASTE_H
#define MRQ_TESTS_TASTE_H

#include "unit/small_world.h"

enum { TASTES = 5, TASTE_EVENTS = 40 };

/* `users` users with TASTE_EVENTS ratings each of `items` items. */
static inline small_data *taste_new(uint32_t users, uint32_t items, uint64_t seed)
{
    small_data *s = small_data_new(users, items, users * TASTE_EVENTS);
    mrq_random rng;
    mrq_random_init(&rng, seed, 3);
    for (uint32_t i = 0; i < users * TASTE_EVENTS; i++) {
        const uint32_t user = i / TASTE_EVENTS, kind = user % TASTES;
        const bool own = mrq_random_below(&rng, 5) > 0;
        const uint32_t of_kind = (uint32_t)(mrq_random_unit(&rng) * (items / TASTES));
        s->user[i] = user;
        s->item[i] = of_kind * TASTES + (own ? kind : (uint32_t)mrq_random_below(&rng, TASTES));
        s->rating[i] = (float)((own ? 3 : 1) + s->item[i] / TASTES % 3);
    }
    return s;
}

#endif
