#!/bin/sh
# Users of whom the data tells other columns than age, gender and job: a category, a set and numbers, one of them called like a field
# of a query. Each can be asked for, is told, and counts where the model looks at it.
. "$(dirname "$0")/lib.sh"
cat >columns.json <<'END'
{"name": "columns", "about": "Users of every kind of column",
 "users": {"file": "u", "delimiter": ";", "fields": [{"name": "id", "kind": "id"}, {"name": "town", "kind": "category"},
  {"name": "pets", "kind": "set", "delimiter": "|"}, {"name": "height", "kind": "number"}, {"name": "year", "kind": "number"}]},
 "movies": {"file": "m", "delimiter": ";", "fields": [{"name": "id", "kind": "id"}, {"name": "year", "kind": "number"}]},
 "ratings": {"file": "r", "delimiter": ";", "fields": [{"name": "user", "kind": "id"}, {"name": "movie", "kind": "id"},
  {"name": "rating", "kind": "rating", "min": 1, "max": 5}]}}
END
cat >towns.json <<'END'
{"name": "towns", "about": "By town", "score": {"kind": "dot", "shift": 3}, "joint": {"kind": "sum", "size": 8},
 "towers": {"user": [{"feature": "town", "kind": "category"}], "item": [{"feature": "id", "kind": "id"}]},
 "train": {"optimizer": "adam", "lr": 0.05, "batch": 100, "epochs": 20}}
END
mkdir data
seq 1000 1059 | awk '{ print $1 ";" 1950 + $1 % 60 }' >data/m
# Each town likes movies of its own.
awk 'BEGIN { for (u = 1; u <= 60; u++) for (m = u % 2; m < 60; m += 2) print u ";" 1000 + m ";" (int(m / 20) == u % 3 ? 5 : 1) }' >data/r
awk 'BEGIN { split("Ulm Bonn Rom", t)
    for (u = 1; u <= 60; u++) print u ";" t[1 + u % 3] ";" (u % 2 ? "cat" : "cat|dog") ";" 1.5 + u / 100 ";" 1950 + u }' >data/u
run 0 "$MARQUEE" train --data data --schema columns.json --model towns.json --out m.mrq --test 0 --threads 1
run 0 "$MARQUEE" export --model m.mrq --store S --index Flat

# head_is TEXT OPTION...: the first line of the table is this.
head_is() {
    head=$1
    shift
    run 0 "$INFER" --store S "$@"
    [ "$(head -n 1 out)" = "$head" ] || fail "the head: $(cat out), want $head"
}
head_is 'Top 5 for height under 1.58, pets cat,dog, Bonn, year under 1958, user 4 (30 rated movies left out)' -i 4
head_is 'Top 2 for height 1.79 to 1.87, pets cat,dog, Ulm, year under 1958; 1990-' --with town=ulm --with 'pets=dog,cat' --with height=1.80 \
    --with year=1950 --year 1990- -k 2
head_is 'Top 5 for someone'
run 0 "$INFER" --store S --json -i 4 -k 1 --year 1990-
holds out 'j["query"] == {"height": {"value": "1.51", "label": "under 1.58"}, "pets": {"value": ["cat", "dog"]},
    "town": {"value": "Bonn"}, "with": {"year": {"value": "1951", "label": "under 1958"}}, "user": "4", "k": 1, "year": "1990-"}'

# The towns' own movies come first, and a town that is not given is all towns in equal parts.
for town in Ulm:1000 Bonn:1020 Rom:1040; do
    run 0 "$INFER" --store S --json --with "town=${town%:*}" -k 60
    cat out >>towns
    holds out 'all(int(a[0]) <= int(id) < int(a[0]) + 20 for id in ids[:20])' "${town#*:}"
    run 0 "$INFER" --store S --json --with "town=${town%:*}" --with pets=cat --with height=2 --with year=7 -k 60
    holds out 'results == json.loads(open("towns").readlines()[-1])["results"]'
done
run 0 "$INFER" --store S --json -k 60
holds out 'len(ids) == 60 and all(abs(s - sum(r["score"] for line in open("towns") for r in json.loads(line)["results"]
    if r["id"] == id) / 3) < 1e-5 for id, s in zip(ids, scores))'

refuse 2 'town "Paris": want one of Bonn, Rom, Ulm' "$INFER" --store S --with town=Paris
refuse 2 'pets "fox": not among the 2 values of the data' "$INFER" --store S --with pets=cat,fox
refuse 2 'height "tall": want a number' "$INFER" --store S --with height=tall
refuse 2 "-a \"3\": neither a field of a query nor a column of the users; the columns: town, pets, height, year" \
    "$INFER" --store S -a 3

# A model that learns from pets: who has a dog likes the last ten movies, and everybody else the first ten.
awk 'BEGIN { for (u = 1; u <= 60; u++) for (m = u % 2; m < 60; m += 2)
    print u ";" 1000 + m ";" ((u % 3 ? m >= 50 : m < 10) ? 5 : 1) }' >data/r
awk 'BEGIN { for (u = 1; u <= 60; u++) print u ";;" (u % 3 ? u % 4 > 1 ? "dog" : "cat, big|dog" : u % 4 > 1 ? "" : "cat, big") ";;" }' >data/u
run 0 "$MARQUEE" train --data data --schema columns.json --out pets.mrq --threads 1
grep -q 'train users: used pets$' err || fail "the pets are not used: $(cat err)"
run 0 "$MARQUEE" export --model pets.mrq --store P --index Flat
run 0 "$INFER" --store P --json --with 'pets=cat\, big,dog' --explain -k 10
cp out both
holds out '(j["query"]["pets"] == {"value": ["cat, big", "dog"]} and all(int(id) >= 1050 for id in ids) and
    all(p["input"] == "pets" and p["value"] == ["cat, big", "dog"] and p["score"] > 0
        for r in results for p in r["explanation"]["parts"]))'
run 0 "$INFER" --store P --json --with 'pets=dog, cat\, big,dog' --explain -k 10
cmp -s out both || fail 'the order of members changes the answer'
run 0 "$INFER" --store P --json --with pets= --explain -k 10
holds out '(j["query"]["pets"] == {"value": []} and all(int(id) < 1010 for id in ids[:2]) and
    results[0]["explanation"]["parts"][0]["value"] == [])'
run 0 "$INFER" --store P --with 'pets=dog' --explain -k 1
grep -q '^      base -*0\.[0-9]*, pets dog +0\.[0-9]*$' out || fail "no pets in the explanation: $(cat out)"
run 0 "$INFER" --store P --with 'pets=' --explain -k 1
grep -q '^      base -*0\.[0-9]*, no pets +0\.[0-9]*$' out || fail "no pets in the explanation: $(cat out)"
refuse 2 'pets "dog, big": not among the 2 values of the data' "$INFER" --store P --with 'pets=dog\, big'
