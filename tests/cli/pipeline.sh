#!/bin/sh
# Ratings in, top five out, on the sample: the same seed gives the same files, and the planted tastes come back out.
. "$(dirname "$0")/lib.sh"

train() {
    run 0 "$MARQUEE" train --data "$sample" --model fusion --test 0.1 "$@"
}
train --seed 1 --epochs 2 --out one.mrq
train --seed 1 --epochs 2 --out again.mrq
cmp one.mrq again.mrq || fail "the same seed gave two models"
train --seed 2 --epochs 2 --out other.mrq
! cmp -s one.mrq other.mrq || fail "another seed gave the same model"

train --seed 1 --epochs 20 --out m.mrq
run 0 "$MARQUEE" export --model m.mrq --store S
has '400 movies' out
[ -L S/current ] || fail "no S/current"
for file in MANIFEST.json items.faiss catalogue.mrq users.mrq seen.mrq model.mrq; do
    [ -s "S/current/$file" ] || fail "no S/current/$file"
done
first=$(readlink S/current)
run 0 "$MARQUEE" export --model other.mrq --store S
[ "$(readlink S/current)" != "$first" ] || fail "the second export was not published"
[ -s "S/$first/MANIFEST.json" ] || fail "the first generation is gone"
run 0 "$MARQUEE" export --model m.mrq --store S

# The table: a head, five rows with rank, id, title, genres and score.
run 0 "$INFER" --store S -a 12 -g F -j 10
mv out table
[ "$(grep -cE '^ *[1-5] ' table)" -eq 5 ] || fail "not five rows: $(cat table)"
run 0 "$MARQUEE" infer --store S -a 12 -g F -j 10
cmp out table || fail "infer and marquee infer differ"
MARQUEE_STORE=S run 0 "$INFER" -a 12 -g F -j 10
cmp out table || fail "\$MARQUEE_STORE and --store differ"
mv S store
run 0 "$INFER" -a 12 -g F -j 10
cmp out table || fail "the default store is not ./store"
mv store S

# The same as JSON.
top() {
    run 0 "$INFER" --store S --json "$@"
    sound out
    holds out 'j["schema"] == 1 and j["cache"] == "off"'
}
top -a 12 -g F -j 10
holds out 'len(ids) == 5'
for id in $(json out ids); do
    has " $id " table
done

# The codes, names and buckets of the design all mean the same.
for words in '-a 1 -g female -j 10' '-a 17 -g 1 -j 10' '--age 3 --gender f --job 10'; do
    # shellcheck disable=SC2086 # word splitting is wanted
    run 0 "$INFER" --store S $words
    cmp out table || fail "$words is another answer"
done
run 0 "$INFER" --store S -a 12 -g F -j 'K-12 student'
cmp out table || fail "the name of a job is another answer"

# share GENRES OPTION...: how many of the top 20 have one of the genres, separated by |.
share() {
    genres=$1
    shift
    top -k 20 "$@"
    json out 'sum(not set(a[0].split("|")).isdisjoint(r["genres"]) for r in results)' "$genres"
}
more() {
    [ "$1" -ge $(($2 + 6)) ] || fail "$3: $1 and $2 of 20"
    echo "$3: $1 and $2 of 20"
}
young="Animation|Children's"
old='War|Film-Noir|Drama'
more "$(share "$young" -a 12 -g M -j 10)" "$(share "$young" -a 60 -g M -j 11)" "a schoolboy's and an old lawyer's children's movies"
more "$(share "$old" -a 60 -g M -j 11)" "$(share "$old" -a 12 -g M -j 10)" "an old lawyer's and a schoolboy's grave movies"
more "$(share Romance -a 45 -g F -j 3)" "$(share Romance -a 45 -g M -j 3)" "a woman's and a man's romances"
more "$(share Sci-Fi -a 25 -g M -j 12)" "$(share Sci-Fi -a 25 -g M -j 3)" "a programmer's and a clerk's science fiction"

# A known user: seen movies are left out, the rest of the answer needs no demographics, and k may pass the number that is left.
user=$(awk -F:: '{ n[$1]++ } END { for (u in n) if (n[u] > n[best]) best = u; print best }' "$sample/ratings.dat")
seen=$(awk -F:: -v u="$user" '$1 == u { print $2 }' "$sample/ratings.dat")
top -i "$user" -k 1000
# shellcheck disable=SC2086 # word splitting is wanted
holds out 'len(ids) == 400 - len(a) and set(ids).isdisjoint(a)' $seen
top -i "$user"
alone=$(json out ids)
row=$(grep "^$user::" "$sample/users.dat")
top -i "$user" -a "$(echo "$row" | awk -F:: '{ print $3 }')" -g "$(echo "$row" | awk -F:: '{ print $2 }')" -j "$(echo "$row" | awk -F:: '{ print $4 }')"
[ "$(json out ids)" = "$alone" ] || fail "the user's own row is another answer: $(cat out)"
top -a 25 -g F -j 12 -k 400
holds out 'len(set(ids)) == 400'

# Titles are UTF-8 in both shapes.
grep -q "Ca$(printf '\303\261')on" out || fail "no title with its tilde in the JSON"
run 0 "$INFER" --store S -a 25 -g F -j 12 -k 400
grep -q "Ca$(printf '\303\261')on" out || fail "no title with its tilde in the table"

for thing in m.mrq S "$sample"; do
    run 0 "$MARQUEE" info "$thing"
    has 400 out
done
