#!/bin/sh
# Filters of `infer` and `similar` on the sample, each answer held against movies.dat; and the movies like a movie.
. "$(dirname "$0")/lib.sh"
quick_store
run 0 "$MARQUEE" train --data "$sample" --model rating --out r.mrq --test 0.1 --epochs 2
run 0 "$MARQUEE" export --model r.mrq --store R

# want EXPRESSION: ids of the movies of the sample for which this is true of id, genres and year, on a line of the file wanted.
want() {
    python3 - "$sample/movies.dat" "$1" >wanted <<'END'
import re, sys
for line in open(sys.argv[1], encoding="latin-1"):
    id, title, genres = line.rstrip("\n").split("::")
    id, genres, year = int(id), set(genres.split("|")), int(re.search(r"\((\d{4})\)$", title)[1])
    if eval(sys.argv[2]):
        print(id, end=" ")
END
}

# top K OPTION...: the answer has K rows, or all that are wanted, and each is wanted.
top() {
    k=$1
    shift
    run 0 "$INFER" --store S --json -a 25 -g F -j 12 -k "$k" "$@"
    sound out
    # shellcheck disable=SC2046 # word splitting is wanted
    holds out 'set(ids) <= set(a[1:]) and len(ids) == min(int(a[0]), len(a) - 1)' "$k" $(cat wanted)
}
want '"Comedy" in genres'
top 5 --genre Comedy
top 1000 --genre comedy
want 'genres & {"Comedy", "War"}'
top 1000 --genre War --genre Comedy
top 20 --genre War --genre Comedy
want 'genres >= {"Comedy", "Romance"}'
top 1000 --all-genres --genre Romance --genre Comedy
want 'genres >= {"Comedy", "Western", "War"}'
top 10 --all-genres --genre Comedy --genre Western --genre War
want '1990 <= year <= 1999'
top 1000 --year 1990-1999
want 'year == 1994'
top 1000 --year 1994
want 'year >= 2010'
top 1000 --year 2010-
want 'year <= 1940'
top 1000 --year -1940
want 'id not in (1, 2, 5)'
top 1000 --exclude 1,2,5
top 1000 --exclude 1 --exclude 5,2,5
want '"Drama" in genres and year >= 1980 and id not in (1, 6)'
top 7 --genre Drama --year 1980- --exclude 1,6
holds out 'j["query"]["genre"] == ["Drama"] and j["query"]["year"] == "1980-" and j["query"]["exclude"] == ["1", "6"]'
holds out '"all_genres" not in j["query"] and "include_seen" not in j["query"]'

# Conditions on columns; --genre and --year are short for some.
want '"Comedy" in genres and year >= 1990 and "War" not in genres'
top 1000 --where genres=comedy --where 'year>=1990' --where genres!=War
holds out 'j["query"]["where"] == ["year>=1990", "genres=Comedy", "genres!=War"]'
want 'genres & {"Comedy", "War"} and year < 1980 and year not in (1950, 1960)'
top 1000 --where 'genres = War, Comedy' --where 'year<1980' --where 'year != 1960,1950'
top 7 --genre Comedy --genre War --where 'year<1980' --where 'year!=1950,1960'
want 'title == "Besieged Medic (2005)" or title == "Tiny Robot, The (1994)"'
top 5 --where 'title=Besieged Medic (2005),Tiny Robot\, The (1994)'
holds out 'j["query"]["where"] == ["title=Besieged Medic (2005),Tiny Robot\\, The (1994)"] and len(ids) == 2'
run 0 "$INFER" --store S -a 25 -g F -j 12 --genre War --where 'year>=1950' --where 'genres!=Drama,Comedy' --exclude 5
has 'Top 5 for age 25-34, female, programmer; War, year >= 1950, genres not Comedy or Drama, without 1 movie' out
run 0 "$INFER" --store S -a 25 -g F -j 12 --where 'year>1950' --where 'year<1950'
[ "$(cat out)" = 'Nothing is left for age 25-34, female, programmer; year < 1950, year > 1950' ] || fail "nothing left: $(cat out)"

# The same filters in other words are the same answer to the byte; the table says what was filtered.
run 0 "$INFER" --store S --json -a 25 -g F -j 12 --genre War --genre Comedy --genre war --exclude 5,3 --year 1950-2010
cp out first
run 0 "$INFER" --store S --json -a 25 -g F -j 12 --year 1950-2010 --exclude 3 --exclude 5,3 --genre comedy --genre WAR
cmp out first || fail "the same filters in another order are another answer"
run 0 "$INFER" --store S -a 25 -g F -j 12 --genre War --genre Comedy --exclude 5,3 --year 1950-2010
has 'Top 5 for age 25-34, female, programmer; Comedy or War, 1950-2010, without 2 movies' out
run 0 "$INFER" --store S -a 25 -g F -j 12 --all-genres --genre War --genre Comedy --genre Western
has 'Nothing is left for age 25-34, female, programmer; Comedy and War and Western' out
[ "$(wc -l <out)" -eq 1 ] || fail "rows where nothing is left: $(cat out)"
run 0 "$INFER" --store S --json -a 25 -g F -j 12 --year 1800
holds out 'results == [] and j["query"]["year"] == "1800"'

# Every movie excluded.
# shellcheck disable=SC2046 # word splitting is wanted
set -- $(cut -d: -f1 "$sample/movies.dat")
run 0 "$INFER" --store S --json -a 25 -g F -j 12 --exclude "$(echo "$@" | tr ' ' ,)"
holds out 'results == []'
shift
run 0 "$INFER" --store S --json -a 25 -g F -j 12 --exclude "$(echo "$@" | tr ' ' ,)"
holds out 'ids == ["1"]'

# A known user's movies come back with --include-seen.
user=4
# shellcheck disable=SC2046 # word splitting is wanted
set -- $(awk -F:: -v u=$user '$1 == u { print $2 }' "$sample/ratings.dat")
run 0 "$INFER" --store S --json -i $user -k 1000 --include-seen
holds out 'len(ids) == 400 and set(a) <= set(ids) and j["query"]["include_seen"] is True' "$@"
run 0 "$INFER" --store S --json -i $user -k 1000
holds out 'len(ids) == 400 - len(a) and set(a).isdisjoint(ids)' "$@"
run 0 "$INFER" --store S -i $user --include-seen
has "user $user ($# rated movies included)" out
run 0 "$INFER" --store S --json -a 25 -g F -j 12 --include-seen
holds out '"include_seen" not in j["query"]'

# ask STATUS TEXT OPTION...: both commands refuse.
ask() {
    status=$1
    text=$2
    shift 2
    refuse "$status" "$text" "$INFER" --store S -a 25 -g F -j 12 "$@"
    refuse "$status" "$text" "$MARQUEE" similar --store S 1 "$@"
}
ask 2 '--genre "Comdey": want one of Action, Adventure, Animation' --genre Comdey
ask 2 '--genre "3": want one of' --genre 3
ask 2 '--genre: empty' --genre ''
ask 2 '--year "x": want a year or years, such as' --year x
ask 2 '--year "1999-1990": the first comes after the last, want 1990-1999' --year 1999-1990
ask 2 '--year "0"' --year 0
ask 2 '--year: empty' --year ''
ask 2 '--where "yeer>1990": the data'"'"'s movies have no column yeer; want one of title, year, genres' --where 'yeer>1990'
ask 2 '--where "genres=Comdey": genres "Comdey": want one of Action, Adventure, Animation' --where genres=Comdey
ask 2 '--where "title=medic": none of the data'"'"'s movies has the title "medic"' --where title=medic
ask 2 '--where "genres>1": genres is a set, and > compares numbers; want = or !=' --where 'genres>1'
ask 2 '--where "year": want a column of the items, one of = != < <= > >=, and a value, such as year>=1990' --where year
ask 2 '--exclude "": want an id, 1 to 255 bytes of UTF-8 without control characters' --exclude 1,
ask 2 '--exclude "1?2": want an id' --exclude "$(printf '1\t2')"
for none in 999999 x -1; do # which no answer has
    run 0 "$INFER" --store S -a 25 -g F -j 12 --exclude $none
done
ask 2 '--exclude: more than 1000 values' --exclude "$(seq -s, 1001)"
run 2 "$INFER" --store S --json -a 25 -g F -j 12 --genre Comdey
holds out 'j["error"]["code"] == "usage" and j["error"]["message"].startswith("--genre \"Comdey\"")'

# like OPTION...: an answer of `similar`, cosines in order.
like() {
    run 0 "$MARQUEE" similar --json "$@"
    holds out 'j["schema"] == 1 and j["cache"] == "off" and [r["rank"] for r in results] == list(range(1, len(ids) + 1))'
    holds out 'scores == sorted(scores, reverse=True) and all(-1 <= s <= 1 for s in scores)'
    holds out 'j["query"]["item"]["id"] not in ids'
}
for store in S R; do
    like 348 --store $store
    holds out 'len(ids) == 5 and j["query"] == {"item": {"id": "348", "title": "Besieged Medic (2005)"}, "k": 5}'
    cp out first
    for title in 'Besieged Medic (2005)' 'besieged medic' 'SIEGED MED'; do
        like "$title" --store $store
        cmp out first || fail "\"$title\" is another answer than 348"
    done
    like 348 --store $store -k 1000
    holds out 'len(ids) == 399'
    want '"War" in genres and year >= 1950 and id != 348'
    like 348 --store $store -k 1000 --genre War --year 1950-
    # shellcheck disable=SC2046 # word splitting is wanted
    holds out 'set(ids) == set(a)' $(cat wanted)
done
run 0 "$MARQUEE" similar 348 --store S
[ "$(head -n 1 out)" = 'Top 5 like Besieged Medic (2005)' ] || fail "the head: $(cat out)"
[ "$(grep -cE '^ *[1-5] ' out)" -eq 5 ] || fail "not five rows: $(cat out)"
run 0 "$MARQUEE" similar 348 --store S --year 1800
[ "$(cat out)" = 'Nothing is left like Besieged Medic (2005); 1800' ] || fail "nothing left: $(cat out)"
refuse 2 "movie \"medic\": 2 titles match, want the id of one: 320 Drafted Medic (1945), 348 Besieged Medic (2005)" \
    "$MARQUEE" similar --store S medic
refuse 3 'movie "nosuch": want the id of one of the 400 movies, or its title or a part of it' "$MARQUEE" similar --store S nosuch
refuse 2 'too few arguments' "$MARQUEE" similar --store S
refuse 2 'unexpected argument "medic"' "$MARQUEE" similar --store S besieged medic
run 3 "$MARQUEE" similar --store S --json nosuch
holds out 'j["error"]["code"] == "not_found"'
refuse 3 nowhere "$MARQUEE" similar --store nowhere 1

# Lists without a person, held against the files: most events, first event, and of late; with filters, page after page.
python3 - "$sample" >wanted <<'END'
import sys
first, count, genres = {}, {}, {}
for line in open(sys.argv[1] + "/movies.dat", encoding="latin-1"):
    id, title, its = line.rstrip("\n").split("::")
    genres[id] = its.split("|")
for line in open(sys.argv[1] + "/ratings.dat"):
    user, id, rating, time = line.split("::")
    first[id] = min(first.get(id, 1 << 60), int(time))
    count[id] = count.get(id, 0) + 1
ids = sorted(genres, key=int)
print(*sorted((i for i in ids if "Comedy" in genres[i]), key=lambda i: -count.get(i, 0)))
print(*sorted((i for i in ids if "Comedy" in genres[i]), key=lambda i: (-first.get(i, -1), -count.get(i, 0))))
END
# listed EXPRESSION ARGUMENT...: true of the results in the file out, their ids, and the arguments.
listed() {
    python3 -c 'import json, sys
results = json.load(open("out"))["results"]
ids, a = [r["id"] for r in results], sys.argv[2:]
sys.exit(not eval(sys.argv[1]))' "$@" || fail "not true: $1: $(cut -c1-300 out)"
}
line=0
for order in popular recent; do
    line=$((line + 1))
    # shellcheck disable=SC2046 # word splitting is wanted
    set -- $(sed -n ${line}p wanted)
    run 0 "$MARQUEE" top --store S --order $order --where genres=Comedy --json -k 1000
    listed 'ids == a and all("ratings" in r for r in results)' "$@"
done
listed 'all(r["first"] is None or len(r["first"]) == 20 for r in results)'
run 0 "$MARQUEE" top --store S --order trending --json -k 400
listed 'len(ids) == 400 and [r["trend"] for r in results] == sorted((r["trend"] for r in results), reverse=True)'
cp out all
run 0 "$MARQUEE" top --store S --order trending --json -k 7 --offset 390
python3 -c 'import json; a, b = (json.load(open(f))["results"] for f in ("all", "out")); assert a[390:397] == b' || fail "a page of a list"
run 0 "$MARQUEE" top --store S -k 2 --genre Comedy --show year
[ "$(head -n 1 out)" = 'Top 2 of the most popular movies; Comedy' ] || fail "the head of a list: $(cat out)"
[ "$(sed -n 2p out | tr -s ' ')" = 'rank id title genres year events' ] || fail "the columns of a list: $(cat out)"
refuse 2 '--order "best": want popular, recent or trending' "$MARQUEE" top --store S --order best

# Times of all centuries: the year has four digits, and an hour after the beginning of 1970 is no year.
mkdir old
awk 'BEGIN { for (u = 0; u < 40; u++) for (k = 0; k < 5; k++) { i = (u + 3 * k) % 12
    print u "," i "," (i == 0 ? "0987-06-05" : i == 1 ? "1970-01-01T01:00:00Z" : 1980 + i "-01-01") } }' >old/events.csv
echo '{"name": "old", "events": {"file": "events.csv", "delimiter": ",", "fields": [{"name": "user", "kind": "id"},
    {"name": "item", "kind": "id"}, {"name": "time", "kind": "timestamp", "unit": "iso"}]}}' >old/schema.json
run 0 "$MARQUEE" info old
has '0987-06-05 00:00 to 1991-01-01 00:00 UTC' out
run 0 "$MARQUEE" train --data old --out old.mrq
run 0 "$MARQUEE" export --model old.mrq --store old.store --index Flat
run 0 "$MARQUEE" top --store old.store --order recent -k 12
[ "$(tail -n 2 out | tr -s ' ')" = "$(printf ' 11 1 1970-01-01\n 12 0 0987-06-05')" ] || fail "old times: $(cat out)"
run 0 "$MARQUEE" top --store old.store --order recent -k 12 --json
has '"first":"0987-06-05T00:00:00Z"' out
