#!/bin/sh
# Data that is odd but not wrong: each is learned from, exported and asked, without a NaN anywhere, or refused with a sentence.
. "$(dirname "$0")/lib.sh"

# odd: the folder `data` as a copy of the sample with 3,000 ratings, enough for what follows.
odd() {
    rm -rf data
    cp -r "$sample" data
    chmod -R u+w data
    head -n 3000 "$sample/ratings.dat" >data/ratings.dat
}

# only FIELD FILE [FIELD FILE]: of the sample, only the lines whose field is 1.
only() {
    awk -F:: -v field="$1" '$field == 1' "$sample/$2" >"data/$2"
    [ $# -eq 2 ] || {
        shift 2
        only "$@"
    }
}

# each COMMAND: the command with --model M --test T behind it, for the models and both with and without a test part.
each() {
    for model in fusion mf-bias rating; do
        "$@" --model $model --seed 1 --epochs 2 --threads 2 --test 0
        "$@" --model $model --seed 1 --epochs 2 --threads 1
    done
}

no_nan() {
    ! grep -iE '(^|[^a-z])-?(nan|inf)($|[^a-z])' "$@" || fail "not a number: $(cat "$@")"
}

# learned USER MOVIE OPTION...: training works, and so does all that follows, which is tried once a model.
learned() {
    user=$1 movie=$2
    shift 2
    rm -rf m.* S
    run 0 timeout 100 "$MARQUEE" train --data data --out m.mrq "$@"
    no_nan out err m.curve.csv m.curve.svg
    [ "$(wc -l <m.curve.csv)" -eq 3 ] || fail "not two epochs: $(cat m.curve.csv)"
    case $* in
    *--test*) return ;;
    esac
    run 0 "$MARQUEE" info m.mrq
    no_nan out
    run 0 "$MARQUEE" export --model m.mrq --store S
    run 0 "$INFER" --store S -i "$user" -k 1000 --json
    has '"results":[' out
    ! grep -qE '"score":(null|[^}]*[a-df-z])' out || fail "not a number: $(cat out)"
    run 0 sh -c "echo $user $movie | '$MARQUEE' predict --store S --pairs -"
    awk '!($3 >= 1 && $3 <= 5) { exit 1 }' out || fail "no rating: $(cat out)"
}

# ranked USER MOVIE: the model that ranks is solved, answers the user and who likes the movie, and its explanations add up.
ranked() {
    rm -rf m.* S
    run 0 timeout 100 "$MARQUEE" train --data data --model retrieval --out m.mrq --seed 1 --threads 2
    no_nan out err
    run 0 "$MARQUEE" export --model m.mrq --store S
    for who in "-i $1" "--liked $2" "-i $1 --disliked $2"; do
        # shellcheck disable=SC2086 # word splitting is wanted
        run 0 "$INFER" --store S $who -k 1000 --json --explain
        holds out 'all(abs(r["explanation"]["base"] + sum(p["score"] for p in r["explanation"]["parts"]) - r["score"]) < 1e-5 for r in results)'
    done
}

# unranked: too few likes to rank by.
unranked() {
    rm -f n.mrq
    refuse 2 'want 2 or more' "$MARQUEE" train --data data --model retrieval --out n.mrq --test 0
    [ ! -e n.mrq ] || fail "a refused run left n.mrq"
}

odd
only 1 users.dat 1 ratings.dat
each learned 1 335
ranked 1 335

odd
only 1 movies.dat 2 ratings.dat
unranked
each learned "$(awk -F:: 'NR == 1 { print $1 }' data/ratings.dat)" 1

odd
head -n 1 "$sample/ratings.dat" >data/ratings.dat
each learned 1 335
unranked

# A user with one rating, a movie with none.
odd
awk -F:: '$2 != 335 && !($1 == 1 && n++)' "$sample/ratings.dat" >data/ratings.dat
[ "$(grep -c '^1::' data/ratings.dat)" -eq 1 ] || fail "not one rating: $(grep '^1::' data/ratings.dat)"
ranked 1 335
run 0 "$MARQUEE" eval --data data --protocol all --baselines none --json

# Nothing is liked.
odd
awk -F:: -v OFS=:: '{ $3 = 2; print }' "$sample/ratings.dat" >data/ratings.dat
unranked
refuse 2 'topn: too few likes' "$MARQUEE" eval --data data

# All ratings equal: there is one rating to predict.
odd
head -n 3000 "$sample/ratings.dat" | awk -F:: -v OFS=:: '{ $3 = 4; print }' >data/ratings.dat
each learned 1 335
has '1 335 4.0000' out
ranked 1 335

# Every rating twice; one rating a thousand times.
odd
cat data/ratings.dat data/ratings.dat >twice
mv twice data/ratings.dat
each learned 1 335
run 0 "$MARQUEE" train --data data --model mf-bias --epochs 1 --out m.mrq
has " repeated=$(($(wc -l <data/ratings.dat) / 2))" err
awk 'NR == 1 { for (i = 0; i < 1000; i++) print }' "$sample/ratings.dat" >data/ratings.dat
each learned 1 335

# Ids that no whole number of a machine holds: of users the longest there are, with zeros in front; of movies 24 digits.
odd
zeros=$(printf '%0250d' 0)
for file in users movies ratings; do
    awk -F:: -v OFS=:: -v file=$file -v zeros="$zeros" '{
        if (file != "movies")
            $1 = sprintf("%s%05d", zeros, 75808 - $1)
        if (file == "ratings")
            $2 = sprintf("9223372036854775807%05d", 75808 - $2)
        if (file == "movies")
            $1 = sprintf("9223372036854775807%05d", 75808 - $1)
        print
    }' data/$file.dat >big
    mv big data/$file.dat
done
each learned "${zeros}75807" 922337203685477580775473
ranked "${zeros}75807" 922337203685477580775473
sed 1s/^0/00/ data/users.dat >big
mv big data/users.dat
refuse 4 "users.dat:1: id \"$(printf '%040d' 0)\"..., want an id: 1 to 255 bytes" "$MARQUEE" train --data data --out n.mrq

# 100,000 genres, 250 each movie.
odd
awk -F:: -v OFS=:: '{
    $3 = ""
    for (i = 0; i < 250; i++)
        $3 = $3 (i ? "|" : "") "genre " NR * 250 + i
    print
}' "$sample/movies.dat" >data/movies.dat
each learned 1 335

# A title of a megabyte, and one that is just short enough.
odd
title() {
    {
        printf 1::
        seq -f 'w%06g ' "$1" | tr -d '\n'
        echo ::Drama
        tail -n +2 "$sample/movies.dat"
    } >data/movies.dat
}
title 125000
each refuse 4 'movies.dat:1: title: 1000000 bytes, want at most 65535' "$MARQUEE" train --data data --out n.mrq
[ ! -e n.mrq ] || fail "a refused run left n.mrq"
title 8191
each learned 1 335

# Almost nothing to learn from: three likes of 270 events. It is told in the log, in the report, and by info of all three.
mkdir few
awk 'BEGIN { print "user,item,rating"; for (u = 0; u < 27; u++) for (i = 0; i < 10; i++) print u "," (7 * u + i) % 80 "," (i + u % 9 ? 1 : 5) }' \
    >few/ratings.csv
told='3 of 270 events are likes, values of 3 or more'
run 0 "$MARQUEE" init few
run 0 "$MARQUEE" train --data few --out few.mrq
has "WARN train only $told" err
run 0 "$MARQUEE" info few
has "warning     only $told" out
run 0 "$MARQUEE" info few.mrq
has "warning       only $told" out
run 0 "$MARQUEE" rebuild --data few --store few.store
has "WARN train only $told" err
holds few.store/report.json '"only " + a[0] in j["doubts"][0]["text"] and j["doubts"][0]["check"] == "rare likes"' "$told"
has "<li class=\"bad\">only $told" few.store/report.html
run 0 "$MARQUEE" info few.store
has "warning       only $told" out

# Rows that do not fit are left out where that is asked for: told in the log and in the report, and listed in a file.
odd
for user in 1 2; do
    echo "$user::999999::4::1" >>data/ratings.dat
done
echo x >>data/ratings.dat
refuse 4 'ratings.dat:3001: item 999999 is not in movies.dat' "$MARQUEE" train --data data --out bad.mrq
run 0 "$MARQUEE" train --data data --out bad.mrq --skip-bad 1% --bad list
has 'WARN data left out 3 of ' err
has ' rows that do not fit: fields 1, unlisted 2' err
printf 'file\tline\treason\twhat\n' >want
printf 'ratings.dat\t%s\n' '3001	unlisted	item 999999 is not in movies.dat' '3002	unlisted	item 999999 is not in movies.dat' \
    '3003	fields	1 field, want 4 (user::item::rating::timestamp)' >>want
diff want list || fail "the list of rows that do not fit"
run 0 "$MARQUEE" rebuild --data data --store bad.store --skip-bad 0.01
holds bad.store/report.json '{name: j["data"]["rows_left_out"][name] for name in ("fields", "unlisted")} == {"fields": 1, "unlisted": 2}'
refuse 4 'ratings.dat: 3 of 3003 rows do not fit (fields 1, unlisted 2), --skip-bad 0.05% leaves out at most 1; line 3001: item' \
    "$MARQUEE" train --data data --out bad.mrq --skip-bad 0.05%
refuse 2 '--bad bad.mrq: this is the model of --out; want another file' \
    "$MARQUEE" train --data data --out bad.mrq --skip-bad 1% --bad bad.mrq
refuse 2 'want --skip-bad SHARE too' "$MARQUEE" train --data data --out bad.mrq --bad list
ln -s target link
refuse 1 'cannot write link: it is a symbolic link' "$MARQUEE" train --data data --out bad.mrq --skip-bad 1% --bad link
[ ! -e target ] || fail "a list was written through a symbolic link"

# A column of as many different values as a category may have, and of one more.
mkdir many
echo '{"name": "many", "users": {"file": "users", "delimiter": ",", "fields": [{"name": "id", "kind": "id"},
  {"name": "town", "kind": "category"}]}, "events": {"file": "events", "delimiter": ",", "fields": [{"name": "user", "kind": "id"},
  {"name": "item", "kind": "id"}]}}' >many/schema.json
echo 1,1 >many/events
seq 1000000 | sed 's/.*/&,t&/' >many/users
run 0 "$MARQUEE" info many
has 'town: category, 1000000 values' out
echo 1000001,t1000001 >>many/users
refuse 4 'users: town has more than 1000000 different values, want a column that comes back to them; or leave it out' \
    "$MARQUEE" info many
