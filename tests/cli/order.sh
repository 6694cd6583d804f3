#!/bin/sh
# The order of likes: people go round a circle of 30 things, one step at a time. Only who knows the order can tell what comes next.
. "$(dirname "$0")/lib.sh"
mkdir data
awk 'BEGIN { for (u = 0; u < 300; u++) for (t = 0; t < 8; t++) print "u" u "," (u * 7 + t) % 30 "," 1000 + 10 * t }' |
    sort -t, -k2,2n -s >data/events.csv # the file's own order tells nothing
cat >data/schema.json <<'END'
{"name": "circle", "noun": ["stop", "stops"],
 "events": {"file": "events.csv", "delimiter": ",", "fields": [
   {"name": "user", "kind": "id"}, {"name": "item", "kind": "id"}, {"name": "when", "kind": "timestamp"}]}}
END

# build MODEL OPTION...: a store of this model.
build() {
    run 0 "$MARQUEE" train --data data --out m.mrq --model "$@"
    rm -rf S
    run 0 "$MARQUEE" export --model m.mrq --store S
    run 0 "$MARQUEE" info m.mrq
}

# next ID OPTION...: the best answer.
next() {
    expected=$1
    shift
    run 0 "$INFER" --store S --json --explain "$@"
    holds out 'ids[0] == a[0]' "$expected"
    holds out 'all(abs(r["explanation"]["base"] + sum(p["score"] for p in r["explanation"]["parts"]) +
        (r["explanation"].get("rest") or 0) - r["score"]) < 1e-4 for r in results)'
}

for parts in chosen vectors neighbours both; do
    sed 's/"recency": "on"/&, "parts": "'$parts'"/' "$MRQ_SOURCE/data/models/sequence.json" >sequence-$parts.json
    build sequence-$parts.json --test 0
    has 'order         what was liked lately counts more' out
    has "30 directions of scores" out
    next 8 --liked 5,6,7
    next 21 --liked 5,20
    holds out 'j["query"]["liked"] == ["5", "20"]'
    next 6 --liked 20,5
    holds out 'j["query"]["liked"] == ["20", "5"]'
    next 21 --liked 20,5,20 # named twice: where it was named last
    holds out 'j["query"]["liked"] == ["5", "20"]'
    run 0 "$MARQUEE" similar 5 --store S --json # what liking it adds most to
    holds out 'ids[0] == "6"'
    next 15 -i u1 # who has had 7 to 14
    next 16 -i u1 --liked 15
    next 23 -i u1 --liked 22
    next 11 -i u1 --liked 10 --include-seen # again, and now the newest
done

# A small circle: all sixty of its people are found what they liked last, and their mean is one, not a little more.
mkdir small
awk 'BEGIN { for (u = 0; u < 60; u++) for (t = 0; t < 6; t++) print "u" u "," (u * 7 + t) % 12 "," 1000 + t }' >small/events.csv
cp data/schema.json small
run 0 "$MARQUEE" train --data small --out small.mrq --model sequence --test 0
run 0 "$MARQUEE" info small.mrq
has 'NDCG@100 1.0000 of likes held out from 60 users' out

# Each --liked makes the known likes older: what u1's newest, 14, adds to 15 falls by the recency of ages 0, 1 and 2.
: >adds
for liked in "" "--liked 1" "--liked 1,2"; do
    # shellcheck disable=SC2086 # two words
    run 0 "$INFER" --store S --json --explain -i u1 --include-seen -k 30 $liked
    json out '[p["score"] for r in results if r["id"] == "15" for p in r["explanation"]["parts"] if p.get("id") == "14"][0]' >>adds
done
awk '{ add[NR] = $1 } END { exit !(add[2] / add[1] > 0.54 && add[2] / add[1] < 0.55 && add[3] / add[1] > 0.36 && add[3] / add[1] < 0.37) }' \
    adds || fail "the likes of u1 age otherwise: $(cat adds)"

# retrieval finds out by itself where what comes later is wanted, and does not try where it is not.
build retrieval --test 0.2 --split time
has 'order         what was liked lately counts more' out
build retrieval --test 0.2 --split random
! grep -q '^order' out || fail "the order is used for random likes"
run 0 "$MARQUEE" eval --data data --protocol last,next --model retrieval,sequence --baselines itemknn --k 1,5 --json
python3 -c 'import json
for protocol in json.load(open("out"))["protocols"]:
    hit = {r["name"]: r["measures"]["hit@1"]["mean"] for r in protocol["rows"]}
    assert hit["retrieval"] > 0.99 and hit["sequence"] > 0.99 and hit["itemknn"] < 0.9, hit
' || fail "what comes next is not found by the order"

# Without times, or where all are the same, the order of the file counts.
mkdir lists
awk 'BEGIN { for (u = 0; u < 300; u++) { printf "u%d", u; for (t = 0; t < 8; t++) printf " %d", (u * 7 + t) % 30; print "" } }' \
    >lists/events.txt
echo '{"name": "lists", "events": {"file": "events.txt", "format": "lists", "delimiter": " "}}' >lists/schema.json
run 0 "$MARQUEE" train --data lists --out m.mrq --model sequence --test 0
rm -rf S
run 0 "$MARQUEE" export --model m.mrq --store S
next 8 --liked 5,6,7
next 15 -i u1
mkdir equal
awk 'BEGIN { for (u = 0; u < 300; u++) for (t = 0; t < 8; t++) print "u" u "," (u * 7 + t) % 30 ",1000" }' >equal/events.csv
cp data/schema.json equal
run 0 "$MARQUEE" train --data equal --out m.mrq --model sequence --test 0
rm -rf S
run 0 "$MARQUEE" export --model m.mrq --store S
next 8 --liked 5,6,7
next 15 -i u1
