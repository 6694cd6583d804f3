/* One table of words. A name is brought to small letters without anything between them; then it is looked up as it is, without "id"
 * at its end, and without a word for users or items before it ("movie_title"). */
#include "dataset/hints.h"

#include <stdio.h>
#include <string.h>

#define WORD 64

static const struct word {
    const char *text;
    mrq_role role;
    const char *one, *many; /* of items: what to call them; NULL: the word itself and an "s" */
} words[] = {
    {"", MRQ_ROLE_ID, "", ""},
    {"user", MRQ_ROLE_USER, "", ""},
    {"username", MRQ_ROLE_USER, "", ""},
    {"nickname", MRQ_ROLE_USER, "", ""},
    {"member", MRQ_ROLE_USER, "", ""},
    {"customer", MRQ_ROLE_USER, "", ""},
    {"reviewer", MRQ_ROLE_USER, "", ""},
    {"visitor", MRQ_ROLE_USER, "", ""},
    {"client", MRQ_ROLE_USER, "", ""},
    {"buyer", MRQ_ROLE_USER, "", ""},
    {"person", MRQ_ROLE_USER, "", ""},
    {"people", MRQ_ROLE_USER, "", ""},
    {"profile", MRQ_ROLE_USER, "", ""},
    {"account", MRQ_ROLE_USER, "", ""},
    {"listener", MRQ_ROLE_USER, "", ""},
    {"reader", MRQ_ROLE_USER, "", ""},
    {"player", MRQ_ROLE_USER, "", ""},
    {"viewer", MRQ_ROLE_USER, "", ""},
    {"u", MRQ_ROLE_USER, "", ""},
    {"item", MRQ_ROLE_ITEM, NULL, NULL},
    {"i", MRQ_ROLE_ITEM, "item", "items"},
    {"movie", MRQ_ROLE_ITEM, NULL, NULL},
    {"film", MRQ_ROLE_ITEM, NULL, NULL},
    {"book", MRQ_ROLE_ITEM, NULL, NULL},
    {"isbn", MRQ_ROLE_ITEM, "book", "books"},
    {"product", MRQ_ROLE_ITEM, NULL, NULL},
    {"sku", MRQ_ROLE_ITEM, "product", "products"},
    {"asin", MRQ_ROLE_ITEM, "product", "products"},
    {"game", MRQ_ROLE_ITEM, NULL, NULL},
    {"app", MRQ_ROLE_ITEM, NULL, NULL},
    {"artist", MRQ_ROLE_ITEM, NULL, NULL},
    {"song", MRQ_ROLE_ITEM, NULL, NULL},
    {"track", MRQ_ROLE_ITEM, NULL, NULL},
    {"album", MRQ_ROLE_ITEM, NULL, NULL},
    {"anime", MRQ_ROLE_ITEM, "anime", "anime"},
    {"show", MRQ_ROLE_ITEM, NULL, NULL},
    {"series", MRQ_ROLE_ITEM, "series", "series"},
    {"video", MRQ_ROLE_ITEM, NULL, NULL},
    {"article", MRQ_ROLE_ITEM, NULL, NULL},
    {"joke", MRQ_ROLE_ITEM, NULL, NULL},
    {"recipe", MRQ_ROLE_ITEM, NULL, NULL},
    {"course", MRQ_ROLE_ITEM, NULL, NULL},
    {"restaurant", MRQ_ROLE_ITEM, NULL, NULL},
    {"business", MRQ_ROLE_ITEM, "business", "businesses"},
    {"venue", MRQ_ROLE_ITEM, NULL, NULL},
    {"place", MRQ_ROLE_ITEM, NULL, NULL},
    {"rating", MRQ_ROLE_VALUE, "", ""},
    {"score", MRQ_ROLE_VALUE, "", ""},
    {"star", MRQ_ROLE_VALUE, "", ""},
    {"overall", MRQ_ROLE_VALUE, "", ""},
    {"value", MRQ_ROLE_VALUE, "", ""},
    {"grade", MRQ_ROLE_VALUE, "", ""},
    {"vote", MRQ_ROLE_VALUE, "", ""},
    {"feedback", MRQ_ROLE_VALUE, "", ""},
    {"preference", MRQ_ROLE_VALUE, "", ""},
    {"r", MRQ_ROLE_VALUE, "", ""},
    {"weight", MRQ_ROLE_COUNT, "", ""},
    {"count", MRQ_ROLE_COUNT, "", ""},
    {"playcount", MRQ_ROLE_COUNT, "", ""},
    {"play", MRQ_ROLE_COUNT, "", ""},
    {"listen", MRQ_ROLE_COUNT, "", ""},
    {"hour", MRQ_ROLE_COUNT, "", ""},
    {"minute", MRQ_ROLE_COUNT, "", ""},
    {"quantity", MRQ_ROLE_COUNT, "", ""},
    {"timestamp", MRQ_ROLE_TIME, "", ""},
    {"time", MRQ_ROLE_TIME, "", ""},
    {"unixreviewtime", MRQ_ROLE_TIME, "", ""},
    {"reviewtime", MRQ_ROLE_TIME, "", ""},
    {"unixtime", MRQ_ROLE_TIME, "", ""},
    {"ts", MRQ_ROLE_TIME, "", ""},
    {"date", MRQ_ROLE_TIME, "", ""},
    {"datetime", MRQ_ROLE_TIME, "", ""},
    {"when", MRQ_ROLE_TIME, "", ""},
    {"created", MRQ_ROLE_TIME, "", ""},
    {"createdat", MRQ_ROLE_TIME, "", ""},
    {"title", MRQ_ROLE_TITLE, "", ""},
    {"name", MRQ_ROLE_TITLE, "", ""},
    {"genre", MRQ_ROLE_GENRES, "", ""},
    {"categories", MRQ_ROLE_GENRES, "", ""},
    {"tag", MRQ_ROLE_GENRES, "", ""},
    {"gender", MRQ_ROLE_GENDER, "", ""},
    {"sex", MRQ_ROLE_GENDER, "", ""},
    {"age", MRQ_ROLE_AGE, "", ""},
    {"job", MRQ_ROLE_JOB, "", ""},
    {"occupation", MRQ_ROLE_JOB, "", ""},
    {"profession", MRQ_ROLE_JOB, "", ""},
};
#define N_WORDS (sizeof words / sizeof *words)

/* The letters of a name as small ones; the name may be cut. */
static size_t letters(const char *name, size_t size, char out[WORD])
{
    size_t n = 0;
    for (size_t i = 0; i < size && n + 1 < WORD; i++) {
        const char small = (char)(name[i] | 0x20);
        if (small >= 'a' && small <= 'z')
            out[n++] = small;
    }
    out[n] = '\0';
    return n;
}

/* The row of a word, or of its singular. */
static const struct word *look_up(const char *text, size_t size)
{
    for (size_t shorter = 0; shorter < (size > 2 ? 2u : 1u); shorter++) {
        if (shorter && text[size - 1] != 's')
            break;
        for (size_t i = 0; i < N_WORDS; i++)
            if (strlen(words[i].text) == size - shorter && strncmp(words[i].text, text, size - shorter) == 0)
                return &words[i];
    }
    return NULL;
}

/* How much "id" or "ids" there is at the end. */
static size_t id_at_end(const char *text, size_t size)
{
    return size >= 2 && memcmp(text + size - 2, "id", 2) == 0 ? 2 : size >= 3 && memcmp(text + size - 3, "ids", 3) == 0 ? 3 : 0;
}

/* The row of "title" for "movietitle". */
static const struct word *behind_noun(const char *text, size_t size)
{
    for (size_t i = 0; i < N_WORDS; i++) {
        const size_t length = strlen(words[i].text);
        if ((words[i].role != MRQ_ROLE_USER && words[i].role != MRQ_ROLE_ITEM) || length < 3 || length >= size ||
            strncmp(text, words[i].text, length) != 0)
            continue;
        const struct word *rest = look_up(text + length, size - length);
        if (rest && rest->role > MRQ_ROLE_ITEM)
            return rest;
    }
    return NULL;
}

static const struct word *word_of(const char *name)
{
    static const struct word year = {"year", MRQ_ROLE_YEAR, "", ""};
    char text[WORD];
    const size_t size = letters(name, strlen(name), text), id = id_at_end(text, size);
    const struct word *word = size ? look_up(text, size) : NULL;
    if (!word && id)
        word = look_up(text, size - id);
    if (!word)
        word = behind_noun(text, size);
    return word ? word : strstr(text, "year") ? &year : NULL;
}

/* "item" itself does not replace a better word. */
static void name_items(const struct word *word, mrq_noun *noun)
{
    if (*noun->one && strcmp(word->one ? word->one : word->text, "item") == 0)
        return;
    snprintf(noun->one, sizeof noun->one, "%s", word->one ? word->one : word->text);
    snprintf(noun->many, sizeof noun->many, "%s%s", word->one ? word->many : word->text, word->one ? "" : "s");
}

mrq_role mrq_hint_noun(const char *name, mrq_noun *noun)
{
    const struct word *word = word_of(name);
    if (word && word->role == MRQ_ROLE_ITEM)
        name_items(word, noun);
    return word ? word->role : MRQ_ROLE_NONE;
}

mrq_role mrq_hint_column(const char *name)
{
    mrq_noun noun = {"", ""};
    return mrq_hint_noun(name, &noun);
}

bool mrq_hint_is_id(const char *name)
{
    static const char *const codes[] = {"id", "isbn", "asin", "sku"};
    const size_t size = strlen(name);
    char text[WORD];
    const size_t n = letters(name, size, text);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(text, codes[i]) == 0)
            return true;
    if (id_at_end(text, n)) {
        const struct word *word = look_up(text, n - id_at_end(text, n));
        if (word && (word->role == MRQ_ROLE_USER || word->role == MRQ_ROLE_ITEM))
            return true;
    }
    if (size < 3 || (name[size - 1] | 0x20) != 'd' || (name[size - 2] | 0x20) != 'i')
        return false;
    const char before = name[size - 3]; /* "Real_ID" and "RealId", not "paid" */
    return strchr("_- .", before) || (name[size - 2] == 'I' && before >= 'a' && before <= 'z');
}

double mrq_hint_action(const char *name)
{
    static const struct action {
        const char *text;
        double weight;
    } actions[] = {
        {"view", 1},     {"click", 1},           {"pageview", 1},    {"pv", 1},          {"visit", 1},    {"detail", 1},
        {"play", 2},     {"listen", 2},          {"watch", 2},       {"read", 2},        {"stream", 2},   {"rent", 2},
        {"cart", 3},     {"addtocart", 3},       {"basket", 3},      {"addtobasket", 3}, {"wishlist", 3}, {"bookmark", 3},
        {"favorite", 3}, {"favourite", 3},       {"fav", 3},         {"save", 3},        {"like", 3},     {"share", 3},
        {"buy", 5},      {"purchase", 5},        {"transaction", 5}, {"order", 5},       {"checkout", 5}, {"sale", 5},
        {"install", 5},  {"bought", 5},          {"purchased", 5},   {"viewed", 1},      {"clicked", 1},  {"played", 2},
        {"liked", 3},    {"removefromcart", -1}, {"skip", -1},       {"dislike", -3},    {"refund", -5},  {"return", -5}};
    char text[WORD];
    size_t size = letters(name, strlen(name), text);
    for (int plural = 0; plural < 2 && size; plural++, size -= text[size - 1] == 's')
        for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
            if (strlen(actions[i].text) == size && strncmp(actions[i].text, text, size) == 0)
                return actions[i].weight;
    return 0;
}

bool mrq_hint_has_actions(const char *name)
{
    static const char *const names[] = {"event",     "eventtype",    "action",      "actiontype", "behavior",
                                        "behaviour", "behaviortype", "interaction", "type"};
    char text[WORD];
    letters(name, strlen(name), text);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], text) == 0)
            return true;
    return false;
}

void mrq_hint_file(const char *file, mrq_role roles[2], mrq_noun *noun)
{
    roles[0] = roles[1] = MRQ_ROLE_NONE;
    int n = 0;
    for (const char *p = file; n < 2 && *p && *p != '.';) {
        size_t size = strcspn(p, "_-. ");
        char text[WORD];
        const size_t length = letters(p, size, text);
        const struct word *word = length > 1 ? look_up(text, length) : NULL;
        if (word && (word->role == MRQ_ROLE_USER || word->role == MRQ_ROLE_ITEM))
            roles[n++] = word->role;
        if (word && word->role == MRQ_ROLE_ITEM)
            name_items(word, noun);
        p += size + strspn(p + size, "_- ");
    }
}
