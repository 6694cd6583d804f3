/* Writes the sample set: `make-sample DIR` → users.dat, movies.dat and ratings.dat in the layout of ml-1m, always the same bytes.
 *
 * Titles are composed from the word lists below; users and ratings are drawn at random. A rating is the sum of the planted feedback
 * of age, gender and job over the item's genres, the user's own feedback and mood, the item's quality, and noise; users also tend
 * to rate items that they will like. So the features of a user predict ratings roughly, and ids improve the prediction.
 *
 * Invariants: no row, title or figure comes from a real data set. Only + - * / on doubles, so that no maths library can change a
 * byte. data/sample/README.md shows the planted feedback; the test `sample` compares the files there with a fresh run. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/random.h"

enum { USERS = 600, ITEMS = 400, AGES = 7, JOBS = 21, WORDS = 8, ITEM_GENRES = 3, SEED = 4 };

/* clang-format off */
enum genre {
    ACTION, ADVENTURE, ANIMATION, CHILDRENS, COMEDY, CRIME, DOCUMENTARY, DRAMA, FANTASY,
    NOIR, HORROR, MUSICAL, MYSTERY, ROMANCE, SCIFI, THRILLER, WAR, WESTERN, GENRES
};

/* A genre: how many items of a hundred are drawn with it, the genres added to them, the years of its items, the words of its
 * titles. */
static const struct {
    const char *name;
    unsigned share;
    enum genre companion[2];
    unsigned from, to;
    const char *first[WORDS], *second[WORDS];
} genres[GENRES] = {
    [ACTION] = {"Action", 7, {THRILLER, ADVENTURE}, 1975, 2020,
        {"Burning", "Steel", "Hammering", "Full-Throttle", "Armoured", "Reckless", "Turbo", "Bulletproof"},
        {"Convoy", "Overpass", "Ultimatum", "Demolition Crew", "Skyhook", "Getaway", "Detonator", "Knuckle"}},
    [ADVENTURE] = {"Adventure", 6, {ACTION, FANTASY}, 1950, 2020,
        {"Uncharted", "Far", "Forgotten", "Windward", "Perilous", "Emerald", "Boundless", "Stormy"},
        {"Archipelago", "Expedition", "Ca\xF1on", "Compass", "Caravan", "Schooner", "Headwaters", "Summit"}},
    [ANIMATION] = {"Animation", 7, {CHILDRENS, MUSICAL}, 1960, 2020,
        {"Wobbly", "Painted", "Bouncing", "Tiny", "Polka-Dot", "Giggling", "Marzipan", "Paper"},
        {"Dragonfly", "Hedgehog", "Snowglobe", "Beanbag", "Penguins", "Inkpot", "Robot", "Dumpling"}},
    [CHILDRENS] = {"Children's", 6, {ANIMATION, FANTASY}, 1955, 2020,
        {"Barnaby's", "Muddy", "Sleepover", "Summer-Camp", "Grandma's", "Runaway", "Sticky", "Our Teacher's"},
        {"Puppy", "Treehouse", "Birthday", "Lemonade Stand", "Kite", "Lost Mitten", "Pony", "Pillow Fort"}},
    [COMEDY] = {"Comedy", 9, {ROMANCE, CRIME}, 1950, 2020,
        {"Awkward", "Clumsy", "Disastrous", "Slightly Married", "Half-Baked", "Overdressed", "Accidental", "Bungled"},
        {"In-Laws", "Wedding Cake", "Caf\xE9", "Housesitter", "Vacationers", "Butler", "Moustache", "Reunion"}},
    [CRIME] = {"Crime", 5, {DRAMA, THRILLER}, 1945, 2020,
        {"Crooked", "Forged", "Two-Faced", "Bribed", "Stolen", "Harbour", "Counterfeit", "Laundered"},
        {"Ledger", "Safecracker", "Jury", "Syndicate", "Informer", "Alibi", "Racket", "Heist Club"}},
    [DOCUMENTARY] = {"Documentary", 4, {DRAMA, WAR}, 1960, 2020,
        {"Measuring", "Inside", "Remembering", "Counting", "Restoring", "Mapping", "Witnessing", "Understanding"},
        {"the Glaciers", "the Assembly Line", "the Silkworms", "the Archives", "the Tidelands", "the Census",
         "the Loom", "the Delta"}},
    [DRAMA] = {"Drama", 10, {ROMANCE, WAR}, 1940, 2020,
        {"Quiet", "Broken", "Unspoken", "Inherited", "Wintering", "Forgiven", "Faded", "Patient"},
        {"Orchard", "Letters", "Brothers", "Verdict", "Parish", "Homecoming", "Silence", "Widow"}},
    [FANTASY] = {"Fantasy", 5, {ADVENTURE, CHILDRENS}, 1960, 2020,
        {"Enchanted", "Moonlit", "Runic", "Whispering", "Gilded", "Thirteenth", "Elderwood", "Spellbound"},
        {"Griffin", "Wizardess", "Lantern", "Crown", "Mirror Gate", "Changeling", "Talisman", "Tower"}},
    [NOIR] = {"Film-Noir", 4, {CRIME, MYSTERY}, 1940, 1958,
        {"Rain-Soaked", "Midnight", "Smoky", "Lonely", "Double", "Venetian", "Sleepless", "Shadowed"},
        {"Alley", "Stranger", "Cigarette", "Blonde", "Staircase", "Payoff", "Dame", "Streetlamp"}},
    [HORROR] = {"Horror", 6, {THRILLER, MYSTERY}, 1960, 2020,
        {"Bleeding", "Rotting", "Screaming", "Unburied", "Cursed", "Skinless", "Crawling", "Nightmare"},
        {"Cellar", "Mannequins", "Morgue", "Scarecrow", "Asylum", "Swamp", "Possession", "Gravedigger"}},
    [MUSICAL] = {"Musical", 4, {ROMANCE, COMEDY}, 1935, 2015,
        {"Singing", "Tap-Dancing", "Ragtime", "Velvet", "Twirling", "Matinee", "Harmonious", "Sequined"},
        {"Chorus Line-Up", "Serenade", "Soubrette", "Understudies", "Ballroom", "Melody", "Vaudeville", "Operetta"}},
    [MYSTERY] = {"Mystery", 4, {CRIME, THRILLER}, 1945, 2020,
        {"Missing", "Locked", "Unsigned", "Sealed", "Vanished", "Cryptic", "Hidden", "Unsolved"},
        {"Heirloom", "Footprint", "Telegram", "Conservatory", "Cipher", "Passenger", "Manuscript", "Inspector"}},
    [ROMANCE] = {"Romance", 7, {DRAMA, COMEDY}, 1940, 2020,
        {"Tender", "Parisian", "Stolen-Away", "Sunset", "Longing", "Barefoot", "Promised", "Blushing"},
        {"Fianc\xE9", "Honeymoon", "Valentine", "Kiss", "Rendezvous", "Sweethearts", "Proposal", "Love Song"}},
    [SCIFI] = {"Sci-Fi", 6, {ACTION, ADVENTURE}, 1955, 2020,
        {"Orbital", "Quantum", "Martian", "Android", "Cryogenic", "Galactic", "Synthetic", "Interstellar"},
        {"Colony", "Paradox", "Beacon", "Uprising", "Nebula", "Replicator", "Transmission", "Starfarer"}},
    [THRILLER] = {"Thriller", 5, {CRIME, ACTION}, 1960, 2020,
        {"Deadly", "Silent", "Final", "Cornered", "Tapped", "Hunted", "Zero-Hour", "Lethal"},
        {"Deadline", "Witness Box", "Hostage", "Wiretap", "Pursuer", "Stopwatch", "Conspirator", "Elevator"}},
    [WAR] = {"War", 5, {DRAMA, ACTION}, 1940, 2015,
        {"Besieged", "Entrenched", "Fallen", "Marching", "Wounded", "Decorated", "Retreating", "Drafted"},
        {"Battalion", "Bridgehead", "Corporal", "Trenches", "Armistice", "Medic", "Regiment", "Minefield"}},
    [WESTERN] = {"Western", 4, {ACTION, DRAMA}, 1935, 1980,
        {"Dusty", "Lawless", "Tumbleweed", "Lone", "Saddle-Worn", "Prairie", "Six-Gun", "Red Mesa"},
        {"Marshal", "Stagecoach Inn", "Outlaw", "Rustlers", "Homestead", "Gulch", "Posse", "Cattle Drive"}},
};

static const unsigned age_codes[AGES] = {1, 18, 25, 35, 45, 50, 56};
static const unsigned age_shares[AGES] = {10, 18, 28, 16, 10, 8, 10}; /* of a hundred */
enum { COLLEGE = 4, PUPIL = 10, LAWYER = 11, RETIRED = 13 };

/* The planted feedback: how many stars a group adds to its ratings of a genre. Codes are those of ml-1m. */
enum group { AGE, GENDER, JOB };
static const struct {
    enum group group;
    unsigned code;
    enum genre genre;
    double stars;
} feedback[] = {
    {AGE, 1, ANIMATION, 1.4}, {AGE, 1, CHILDRENS, 1.4}, {AGE, 1, FANTASY, 0.6},
    {AGE, 1, DRAMA, -1.0}, {AGE, 1, NOIR, -1.4}, {AGE, 1, WAR, -1.4},
    {AGE, 18, COMEDY, 0.6}, {AGE, 18, HORROR, 1.0}, {AGE, 18, WESTERN, -0.6}, {AGE, 18, DOCUMENTARY, -0.6},
    {AGE, 25, SCIFI, 0.6}, {AGE, 25, THRILLER, 0.6}, {AGE, 25, CHILDRENS, -0.8},
    {AGE, 35, ADVENTURE, 0.6}, {AGE, 35, MYSTERY, 0.6}, {AGE, 35, HORROR, -0.4},
    {AGE, 45, DOCUMENTARY, 0.6}, {AGE, 45, ROMANCE, 0.4}, {AGE, 45, ANIMATION, -0.6},
    {AGE, 50, MUSICAL, 0.6}, {AGE, 50, WESTERN, 0.6}, {AGE, 50, SCIFI, -0.6}, {AGE, 50, HORROR, -0.8},
    {AGE, 56, DRAMA, 1.0}, {AGE, 56, NOIR, 1.2}, {AGE, 56, WAR, 1.2},
    {AGE, 56, ANIMATION, -1.4}, {AGE, 56, CHILDRENS, -1.4}, {AGE, 56, HORROR, -1.0},

    {GENDER, 'F', MUSICAL, 0.6}, {GENDER, 'F', ROMANCE, 0.7}, {GENDER, 'F', WAR, -0.5}, {GENDER, 'F', WESTERN, -0.4},
    {GENDER, 'M', ACTION, 0.6}, {GENDER, 'M', WAR, 0.3}, {GENDER, 'M', ROMANCE, -0.6}, {GENDER, 'M', MUSICAL, -0.5},

    {JOB, 1, DOCUMENTARY, 1.2}, {JOB, 2, FANTASY, 0.8}, {JOB, 2, MUSICAL, 1.0}, {JOB, 3, ROMANCE, 1.0}, {JOB, COLLEGE, COMEDY, 0.8},
    {JOB, 5, COMEDY, 1.2}, {JOB, 6, DOCUMENTARY, 1.0}, {JOB, 6, HORROR, -0.8}, {JOB, 7, THRILLER, 1.2}, {JOB, 8, WESTERN, 1.6},
    {JOB, 9, CHILDRENS, 0.8}, {JOB, 9, ROMANCE, 0.8}, {JOB, PUPIL, ANIMATION, 0.5}, {JOB, PUPIL, CHILDRENS, 0.5},
    {JOB, LAWYER, CRIME, 1.2}, {JOB, LAWYER, DRAMA, 0.6}, {JOB, LAWYER, CHILDRENS, -0.6},
    {JOB, 12, FANTASY, 0.6}, {JOB, 12, SCIFI, 1.4},
    {JOB, RETIRED, WAR, 0.6}, {JOB, RETIRED, WESTERN, 1.0}, {JOB, RETIRED, SCIFI, -0.8}, {JOB, 14, ACTION, 1.2},
    {JOB, 15, DOCUMENTARY, 0.8}, {JOB, 15, SCIFI, 1.0}, {JOB, 16, ADVENTURE, 1.2}, {JOB, 17, ACTION, 0.6}, {JOB, 17, SCIFI, 1.0},
    {JOB, 18, ACTION, 0.8}, {JOB, 18, WESTERN, 1.0}, {JOB, 19, HORROR, 1.2}, {JOB, 20, MYSTERY, 1.2}, {JOB, 20, NOIR, 1.0},
};
/* clang-format on */

struct item {
    unsigned id;
    unsigned n_genres;
    enum genre genre[ITEM_GENRES];
    double quality, popularity;
};

struct user {
    unsigned id, gender, age, job;
    double feedback[GENRES]; /* stars that a genre adds: of all the user's groups and of the user */
    double mood;
};

/* A random number with mean 0 and standard deviation 1, approximately normal. */
static double noise(mrq_random *rng)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += mrq_random_unit(rng);
    return sum;
}

static unsigned below(mrq_random *rng, unsigned n)
{
    return (unsigned)mrq_random_below(rng, n);
}

static double clamp(double x, double min, double max)
{
    return x < min ? min : x > max ? max : x;
}

/* The step to the next id. Ids have gaps, as in real data. */
static unsigned next_id(mrq_random *rng)
{
    return below(rng, 5) ? 1 : 2 + below(rng, 3);
}

/* Adds a genre in alphabetical order, unless the item has it. */
static void add_genre(struct item *item, enum genre genre)
{
    unsigned at = 0;
    while (at < item->n_genres && item->genre[at] < genre)
        at++;
    if (at < item->n_genres && item->genre[at] == genre)
        return;
    for (unsigned i = item->n_genres++; i > at; i--)
        item->genre[i] = item->genre[i - 1];
    item->genre[at] = genre;
}

static enum genre draw_genre(mrq_random *rng)
{
    unsigned total = 0;
    for (unsigned g = 0; g < GENRES; g++)
        total += genres[g].share;
    unsigned left = below(rng, total), g = 0;
    while (left >= genres[g].share)
        left -= genres[g++].share;
    return (enum genre)g;
}

static void make_items(mrq_random *rng, struct item items[ITEMS], FILE *out)
{
    static bool used[GENRES][WORDS][WORDS];
    uint32_t rank[ITEMS];
    for (uint32_t i = 0; i < ITEMS; i++)
        rank[i] = i;
    mrq_random_shuffle(rng, rank, ITEMS);
    for (unsigned i = 0, id = 0; i < ITEMS; i++) {
        enum genre genre;
        unsigned a, b;
        do {
            genre = draw_genre(rng);
            a = below(rng, WORDS);
            b = below(rng, WORDS);
        } while (used[genre][a][b]);
        used[genre][a][b] = true;

        struct item *item = &items[i];
        id += next_id(rng);
        *item = (struct item){.id = id, .quality = 0.3 * noise(rng), .popularity = 1.0 / (20 + rank[i])};
        add_genre(item, genre);
        for (int c = 0; c < 2; c++)
            if (below(rng, 100) < 40)
                add_genre(item, genres[genre].companion[c]);

        const char *article = genre != DOCUMENTARY && below(rng, 2) ? ", The" : "";
        const unsigned year = genres[genre].from + below(rng, genres[genre].to - genres[genre].from + 1);
        fprintf(out, "%u::%s %s%s (%u)::", item->id, genres[genre].first[a], genres[genre].second[b], article, year);
        for (unsigned g = 0; g < item->n_genres; g++)
            fprintf(out, "%s%s", g ? "|" : "", genres[item->genre[g]].name);
        fputc('\n', out);
    }
}

/* Children go to school, most students are young, and most of those past 56 have retired or are lawyers. */
static unsigned draw_job(mrq_random *rng, unsigned age)
{
    const unsigned share = below(rng, 100);
    if (age == 1 && share < 90)
        return PUPIL;
    if (age == 18 && share < 50)
        return COLLEGE;
    if (age == 56 && share < 65)
        return share < 40 ? RETIRED : LAWYER;
    unsigned job;
    do
        job = below(rng, JOBS);
    while (job == PUPIL || job == RETIRED);
    return job;
}

static void make_users(mrq_random *rng, struct user users[USERS], FILE *out)
{
    for (unsigned i = 0, id = 0; i < USERS; i++) {
        unsigned share = below(rng, 100), age = 0;
        while (share >= age_shares[age])
            share -= age_shares[age++];
        id += next_id(rng);

        struct user *user = &users[i];
        *user = (struct user){.id = id, .age = age_codes[age], .mood = 0.3 * noise(rng)};
        user->gender = below(rng, 2) ? 'F' : 'M';
        user->job = draw_job(rng, user->age);
        for (unsigned g = 0; g < GENRES; g++)
            user->feedback[g] = 0.4 * noise(rng);
        const unsigned codes[] = {[AGE] = user->age, [GENDER] = user->gender, [JOB] = user->job};
        for (size_t t = 0; t < sizeof feedback / sizeof *feedback; t++)
            if (codes[feedback[t].group] == feedback[t].code)
                user->feedback[feedback[t].genre] += feedback[t].stars;
        fprintf(out, "%u::%c::%u::%u::%05u\n", user->id, (int)user->gender, user->age, user->job, below(rng, 100000));
    }
}

/* A user's ratings in order of time. Popular items are drawn more often, and items that the user will like are kept more often. */
static void make_ratings(mrq_random *rng, const struct user *user, const struct item items[ITEMS], double popularity, FILE *out)
{
    bool rated[ITEMS] = {0};
    const double activity = mrq_random_unit(rng);
    uint64_t time = 1514764800 + mrq_random_below(rng, 3 * 365 * 86400);
    for (unsigned left = 12 + (unsigned)(87 * activity * activity * activity); left > 0;) {
        double at = popularity * mrq_random_unit(rng);
        unsigned m = 0;
        while (m + 1 < ITEMS && at >= items[m].popularity)
            at -= items[m++].popularity;
        const struct item *item = &items[m];
        double appeal = 0;
        for (unsigned g = 0; g < item->n_genres; g++)
            appeal += user->feedback[item->genre[g]] / item->n_genres;
        if (rated[m] || mrq_random_unit(rng) > clamp(0.25 + 0.4 * appeal, 0.02, 1))
            continue;
        rated[m] = true;
        left--;
        const double stars = 3.3 + appeal + item->quality + user->mood + 0.5 * noise(rng);
        time += 5 + mrq_random_below(rng, 90);
        fprintf(out, "%u::%u::%d::%llu\n", user->id, item->id, (int)(clamp(stars, 1, 5) + 0.5), (unsigned long long)time);
    }
}

/* A file built in memory, so that it is written completely or not at all. */
struct text {
    FILE *stream;
    char *bytes;
    size_t size;
};

static void text_open(struct text *text)
{
    text->stream = open_memstream(&text->bytes, &text->size);
    if (!text->stream) {
        perror("make-sample");
        exit(1);
    }
}

static void text_write(struct text *text, const char *folder, const char *name)
{
    char path[4096];
    mrq_error err;
    if (fclose(text->stream) != 0) {
        perror("make-sample");
        exit(1);
    }
    if (mrq_path_join(path, sizeof path, folder, name, &err) != MRQ_OK ||
        mrq_file_write(path, text->bytes, text->size, &err) != MRQ_OK) {
        fprintf(stderr, "make-sample: %s\n", err.msg);
        exit(1);
    }
    free(text->bytes);
}

int main(int argc, char **argv)
{
    if (argc != 2 || argv[1][0] == '-') {
        fprintf(stderr, "usage: make-sample DIR (writes users.dat, movies.dat and ratings.dat there)\n");
        return 2;
    }
    static struct item items[ITEMS];
    static struct user users[USERS];
    struct text users_dat, movies_dat, ratings_dat;
    text_open(&users_dat);
    text_open(&movies_dat);
    text_open(&ratings_dat);

    mrq_random rng;
    mrq_random_init(&rng, SEED, 0);
    make_items(&rng, items, movies_dat.stream);
    make_users(&rng, users, users_dat.stream);
    double popularity = 0;
    for (unsigned m = 0; m < ITEMS; m++)
        popularity += items[m].popularity;
    for (unsigned u = 0; u < USERS; u++)
        make_ratings(&rng, &users[u], items, popularity, ratings_dat.stream);

    text_write(&users_dat, argv[1], "users.dat");
    text_write(&movies_dat, argv[1], "movies.dat");
    text_write(&ratings_dat, argv[1], "ratings.dat");
    return 0;
}
