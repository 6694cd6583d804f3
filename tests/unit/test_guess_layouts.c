/* What marquee init makes of public data sets. The rows are invented; names of files, delimiters, headers and the look of ids,
 * values and times are those of the sets. */
#include "unit/guess_folder.h"

#define USERS 40
#define ITEMS 30

/* Writes a letter's meaning: u a user, i an item, k a number that differs in each line, and what follows from them. */
static size_t expand(char *out, size_t room, char letter, int u, int i, int k)
{
    static const char *const actions[] = {"view", "addtocart", "transaction"}, *const genres[] = {"Crime", "Crime|War", "War"};
    switch (letter) {
    case 'u':
        return (size_t)snprintf(out, room, "%d", u);
    case 'i':
        return (size_t)snprintf(out, room, "%d", i);
    case 'k':
        return (size_t)snprintf(out, room, "%d", k);
    case 'z': /* an id of seven digits */
        return (size_t)snprintf(out, room, "%07d", i);
    case 'x': /* one of 40 */
        return (size_t)snprintf(out, room, "%040x", 77 * u);
    case 's': /* a value */
        return (size_t)snprintf(out, room, "%d", 1 + (u + i) % 5);
    case 'b': /* 1 to 10, or 0: not rated */
        return (size_t)snprintf(out, room, "%d", k % 2 ? 0 : 1 + k / 2 % 10);
    case 'h': /* with halves */
        return (size_t)snprintf(out, room, "%.1f", 0.5 + (u + i) % 10 / 2.0);
    case 'p': /* plays */
        return (size_t)snprintf(out, room, "%d", (u + i) % 11 ? 1 + u * i % 23 : 900 + u);
    case 't':
        return (size_t)snprintf(out, room, "%d", 1300000000 + 1000 * k);
    case 'a':
        return (size_t)snprintf(out, room, "%s", actions[(u + i) % 3]);
    case 'o':
        return (size_t)snprintf(out, room, "%s", (u + i) % 2 ? "purchase" : "play");
    case 'y':
        return (size_t)snprintf(out, room, "%d", 1950 + i % 60);
    case 'g':
        return (size_t)snprintf(out, room, "%s", genres[i % 3]);
    case 'm':
        return (size_t)snprintf(out, room, "%s", u % 3 ? "F" : "M");
    case 'n': /* an age, or none */
        return (size_t)snprintf(out, room, u % 4 ? "\"%d\"" : "NULL", 15 + u);
    case 'c':
        return (size_t)snprintf(out, room, "%s", u % 5 ? "usa" : "spain");
    default:
        return 0;
    }
}

/* Behind the header and ~ a letter says what each line is for: E an event, U a user, I an item, T a tag, of which users have
 * several, but fewer than events, S one of 12 others. */
static void put_lines(const char *file, const char *format)
{
    static char text[400000];
    size_t n = 0;
    const char *what = strchr(format, '~');
    const int lines = what[1] == 'E' ? 5 * USERS : what[1] == 'T' ? 60 : what[1] == 'S' ? 12 : what[1] == 'U' ? USERS : ITEMS;
    n += (size_t)snprintf(text, sizeof text, "%.*s", (int)(what - format), format);
    for (int k = 0; k < lines; k++) {
        const bool several = what[1] == 'E' || what[1] == 'T';
        const int u = 1 + (what[1] == 'E'   ? k / 5
                           : what[1] == 'T' ? k / 3
                                            : k),
                  i = 1 + (several ? (3 * u + 7 * (k % 5)) % ITEMS : k);
        for (const char *p = what + 2; *p; p++)
            if (*p == '$')
                n += expand(text + n, sizeof text - n, *++p, u, i, k);
            else
                text[n++] = *p;
    }
    text[n] = '\0';
    put(file, text);
}

typedef struct layout {
    const char *name;
    struct {
        const char *file, *lines;
    } file[7];
    uint32_t users, items;
    uint64_t events;
    const char *schema[6], *report[4];
} layout;

static const layout layouts[] = {
    {"MovieLens 100K",
     {{"u.data", "~E$u\t$i\t$s\t$t\n"},
      {"u.item", "~I$i|Film $i ($y)|01-Jan-1995||http://us.imdb.com/$i|0|1|0|1\n"},
      {"u.user", "~U$u|2$u|$m|other|0$k\n"},
      {"u.genre", "unknown|0\nAction|1\nComedy|2\nDrama|3\n~I"}},
     USERS,
     ITEMS,
     200,
     {"\"events\": {\"file\": \"u.data\", \"delimiter\": \"\\t\", \"fields\"",
      "\"items\": {\"file\": \"u.item\", \"delimiter\": \"|\"", "\"users\": {\"file\": \"u.user\", \"delimiter\": \"|\"",
      "{\"name\": \"title\", \"kind\": \"text\"", "{\"name\": \"gender\", \"kind\": \"category\""},
     {"u.genre: not used: ", "u.data: column 4: the time, seconds since 1970"}},
    {"MovieLens 1M",
     {{"ratings.dat", "~E$u::$i::$s::$t\n"},
      {"movies.dat", "~I$i::Film \xe9 $i ($y)::$g\n"},
      {"users.dat", "~U$u::$m::25::1$u::0$k\n"}},
     USERS,
     ITEMS,
     200,
     {"\"events\": {\"file\": \"ratings.dat\", \"delimiter\": \"::\", \"fields\"", "\"encoding\": \"windows-1252\"",
      "\"extract\": {\"year\"", "{\"name\": \"genres\", \"kind\": \"set\", \"delimiter\": \"|\""},
     {"ratings.dat: column 3: the value, 1 to 5; a like is 3 or more"}},
    {"MovieLens 10M",
     {{"ratings.dat", "~E$u::$i::$h::$t\n"}, {"movies.dat", "~I$i::Film $i ($y)::$g\n"}, {"tags.dat", "~T$u::$i::fun $k::$t\n"}},
     USERS,
     ITEMS,
     200,
     {"\"events\": {\"file\": \"ratings.dat\"", "\"items\": {\"file\": \"movies.dat\""},
     {"ratings.dat: column 3: the value, 0.5 to 5;", "tags.dat: not used: "}},
    {"MovieLens 20M and 32M",
     {{"ratings.csv", "userId,movieId,rating,timestamp\n~E$u,$i,$h,$t\n"},
      {"movies.csv", "movieId,title,genres\n~I$i,\"Film $i, The ($y)\",$g\n"},
      {"tags.csv", "userId,movieId,tag,timestamp\n~T$u,$i,fun,$t\n"},
      {"links.csv", "movieId,imdbId,tmdbId\n~I$i,$z,8$i\n"},
      {"genome-scores.csv", "movieId,tagId,relevance\n~T$i,$u,0.0$k\n"},
      {"genome-tags.csv", "tagId,tag\n~S$u,tag $u\n"}},
     USERS,
     ITEMS,
     200,
     {"\"events\": {\"file\": \"ratings.csv\", \"delimiter\": \",\", \"header\": true", "\"items\": {\"file\": \"movies.csv\"",
      "\"column\": \"movieId\""},
     {"ratings.csv: userId: the user, 40 different ones, by its name"}},
    {"MovieLens latest",
     {{"ratings.csv", "userId,movieId,rating,timestamp\n~E$u,$i,$h,$t\n"},
      {"movies.csv", "movieId,title,genres\n~I$i,\"Film $i ($y)\",$g\n"},
      {"tags.csv", "userId,movieId,tag,timestamp\n~T$u,$i,fun,$t\n"},
      {"links.csv", "movieId,imdbId,tmdbId\n~I$i,$z,\n"}},
     USERS,
     ITEMS,
     200,
     {"\"events\": {\"file\": \"ratings.csv\"", "\"items\": {\"file\": \"movies.csv\""},
     {NULL}},
    {"goodbooks-10k",
     {{"ratings.csv", "user_id,book_id,rating\n~E$u,$i,$s\n"},
      {"books.csv", "book_id,goodreads_book_id,best_book_id,work_id,isbn,authors,original_publication_year,original_title,title,"
                    "language_code,image_url\n~I$i,90$i,90$i,70$i,10101010$i,\"A. Writer, B. $i\",$y.0,,\"Book $i (Set, #1)\",eng,"
                    "https://i.invalid/$i.jpg\n"},
      {"to_read.csv", "user_id,book_id\n~T$u,$i\n"},
      {"book_tags.csv", "goodreads_book_id,tag_id,count\n~T90$i,$u,$p\n"},
      {"tags.csv", "tag_id,tag_name\n~S$u,to-read-$u\n"}},
     USERS,
     ITEMS,
     200,
     {"\"noun\": [\"book\", \"books\"]", "\"events\": {\"file\": \"ratings.csv\"", "\"items\": {\"file\": \"books.csv\"",
      "{\"name\": \"title\", \"kind\": \"text\", \"column\": \"title\"}"},
     {"ratings.csv: rating: the value, 1 to 5; a like is 3 or more"}},
    {"Book-Crossing",
     {{"BX-Book-Ratings.csv", "\"User-ID\";\"ISBN\";\"Book-Rating\"\n~E\"$u\";\"$z\";\"$b\"\n"},
      {"BX-Books.csv",
       "\"ISBN\";\"Book-Title\";\"Book-Author\";\"Year-Of-Publication\";\"Publisher\";\"Image-URL-S\"\n"
       "~I\"$z\";\"Say \\\"$i\\\"; caf\xe9 &amp; more\";\"A. Writer\";\"$y\";\"Press\";\"http://i.invalid/$i.jpg\"\n"},
      {"BX-Users.csv", "\"User-ID\";\"Location\";\"Age\"\n~U\"$u\";\"town $k, state, $c\";$n\n"}},
     USERS,
     ITEMS,
     100,
     {"\"events\": {\"file\": \"BX-Book-Ratings.csv\", \"delimiter\": \";\", \"header\": true, \"quoted\": true",
      "\"quoted\": true, \"escape\": \"\\\\\", \"encoding\": \"windows-1252\"", "\"column\": \"Book-Title\"",
      "{\"name\": \"age\", \"kind\": \"category\", \"column\": \"Age\"", "\"null\": [\"NULL\"]",
      "\"column\": \"Book-Rating\", \"null\": [\"0\"]}"},
     {"BX-Books.csv: 30 books; windows-1252, columns divided by \";\", with a header, in quotes where needed, quotes escaped"}},
    {"Amazon's ratings",
     {{"ratings_Musical_Instruments.csv", "~EA$u,B$z,$s.0,$t\n"}},
     USERS,
     ITEMS,
     200,
     {"\"delimiter\": \",\", \"fields\": [\n   {\"name\": \"user\", \"kind\": \"id\"},\n   {\"name\": \"item\", \"kind\": "
      "\"id\"},\n"
      "   {\"name\": \"rating\", \"kind\": \"rating\"},\n   {\"name\": \"timestamp\", \"kind\": \"timestamp\", \"unit\": "
      "\"seconds\"}"},
     {"column 1: the user, 40 different ones, by its place: nothing names it"}},
    {"Amazon's reviews",
     {{"reviews.json",
       "~E{\"reviewerID\": \"A$u\", \"asin\": \"B$z\", \"reviewerName\": \"N \\\"$u\\\"\", \"helpful\": [$s, 5], "
       "\"reviewText\": \"It\\u2019s good\\n\", \"overall\": $s.0, \"unixReviewTime\": $t, \"reviewTime\": \"02 28, 2014\"}\n"}},
     USERS,
     ITEMS,
     200,
     {"\"format\": \"json-lines\"", "\"column\": \"reviewerID\"", "\"column\": \"asin\"", "\"column\": \"overall\"",
      "\"column\": \"unixReviewTime\", \"unit\": \"seconds\""},
     {NULL}},
    {"Steam-200k",
     {{"steam-200k.csv", "~E15$u,\"Game $i, The\",$o,$p.0,0\n"}},
     USERS,
     ITEMS,
     200,
     {"\"quoted\": true", "{\"name\": \"action\", \"kind\": \"action\", \"weights\": {\"purchase\": 5, \"play\": 2}}"},
     {"steam-200k.csv: column 3: what was done, and its weight: \"purchase\": 5, \"play\": 2; \"weights\" changes that",
      "steam-200k.csv: column 2: the item, 30 different ones"}},
    {"Last.fm, hetrec 2011",
     {{"user_artists.dat", "userID\tartistID\tweight\n~E$u\t$i\t$p\n"},
      {"artists.dat", "id\tname\turl\tpictureURL\n~I$i\tArtist \"$i\"\thttp://a.invalid/$i\thttp://b.invalid/$i.jpg\n"},
      {"user_friends.dat", "userID\tfriendID\n~T$u\t$i\n"},
      {"user_taggedartists.dat", "userID\tartistID\ttagID\tday\tmonth\tyear\n~T$u\t$i\t$s\t1\t4\t2009\n"},
      {"tags.dat", "tagID\ttagValue\n~S$u\ttag $u\n"}},
     USERS,
     ITEMS,
     200,
     {"\"noun\": [\"artist\", \"artists\"]",
      "\"events\": {\"file\": \"user_artists.dat\", \"delimiter\": \"\\t\", \"header\": true, \"fields\"",
      "{\"name\": \"count\", \"kind\": \"count\", \"column\": \"weight\"}", "\"items\": {\"file\": \"artists.dat\"",
      "{\"name\": \"title\", \"kind\": \"text\", \"column\": \"name\"}"},
     {"user_artists.dat: weight: a count, 1 to "}},
    {"Last.fm, 360K users",
     {{"usersha1-artmbid-artname-plays.tsv", "~E$x\tmb-$z\tArtist $i\t$p\n"},
      {"usersha1-profile.tsv", "~U$x\t$m\t2$u\t$c\tJan 1, 2009\n"}},
     USERS,
     ITEMS,
     200,
     {"\"events\": {\"file\": \"usersha1-artmbid-artname-plays.tsv\"", "{\"name\": \"count\", \"kind\": \"count\"}",
      "\"users\": {\"file\": \"usersha1-profile.tsv\"", "{\"name\": \"gender\", \"kind\": \"category\""},
     {"plays.tsv: column 4: a count, 1 to "}},
    {"Retailrocket",
     {{"events.csv", "timestamp,visitorid,event,itemid,transactionid\n~E$t000,$u,$a,$i,\n"},
      {"category_tree.csv", "categoryid,parentid\n~S$k,1\n"},
      {"item_properties_part1.csv", "timestamp,itemid,property,value\n~T$t000,$i,categoryid,n9$k.000 7$k\n"}},
     USERS,
     ITEMS,
     200,
     {"\"events\": {\"file\": \"events.csv\"", "\"unit\": \"milliseconds\"",
      "{\"name\": \"user\", \"kind\": \"id\", \"column\": \"visitorid\"}",
      "{\"name\": \"action\", \"kind\": \"action\", \"column\": \"event\", \"weights\": {", "\"view\": 1", "\"transaction\": 5"},
     {"events.csv: transactionid: not used: "}},
    {"MovieTweetings",
     {{"ratings.dat", "~E$u::$z::$s::$t\n"}, {"movies.dat", "~I$z::Film $i ($y)::$g\n"}, {"users.dat", "~U$u::139$k\n"}},
     USERS,
     ITEMS,
     200,
     {"\"events\": {\"file\": \"ratings.dat\", \"delimiter\": \"::\", \"fields\"", "\"items\": {\"file\": \"movies.dat\"",
      "\"extract\": {\"year\""},
     {"ratings.dat: column 2: the item, 30 different ones"}},
};

static void check_layout(const layout *l)
{
    mrq_dataset *data = load();
    if (data->users->rows != l->users || data->items->rows != l->items || data->n != l->events)
        fail_msg("%s: %u users, %u items, %llu events\n%s", l->name, data->users->rows, data->items->rows,
                 (unsigned long long)data->n, report.data);
    for (int i = 0; i < 6 && l->schema[i]; i++)
        if (!strstr(schema.data, l->schema[i]))
            fail_msg("%s: no %s in:\n%s%s", l->name, l->schema[i], report.data, schema.data);
    for (int i = 0; i < 4 && l->report[i]; i++)
        if (!strstr(report.data, l->report[i]))
            fail_msg("%s: no %s in:\n%s", l->name, l->report[i], report.data);
    mrq_dataset_free(data);
}

static void public_layouts_are_found(void **state)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        print_message("%s\n", layouts[i].name);
        fresh(state);
        for (int k = 0; k < 7 && layouts[i].file[k].file; k++)
            put_lines(layouts[i].file[k].file, layouts[i].file[k].lines);
        check_layout(&layouts[i]);
        clear(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(public_layouts_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
