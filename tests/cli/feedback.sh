#!/bin/sh
# Feedback and explanations on the sample: `infer --liked`, `--disliked` and `--explain`.
. "$(dirname "$0")/lib.sh"
quick_store
run 0 "$MARQUEE" train --data "$sample" --model retrieval --out r.mrq --test 0.1 --seed 1
run 0 "$MARQUEE" export --model r.mrq --store R

# top OPTION...: an answer in order, without the movies that the query names.
top() {
    run 0 "$INFER" --store R --json "$@"
    holds out 'scores == sorted(scores, reverse=True) and [r["rank"] for r in results] == list(range(1, len(ids) + 1))'
    holds out 'j["query"].get("include_seen") or not set(ids) & set(j["query"].get("liked", []) + j["query"].get("disliked", []))'
}

# A stranger of whom only movies are known, in whatever order and however often they are said.
top --liked 85,348
holds out 'len(ids) == 5 and j["query"] == {"user": None, "liked": ["85", "348"], "k": 5}'
cp out first
top --liked 348 --liked 85,348,85
cmp out first || fail "the same feedback in other words is another answer"
top --liked 85,348 --disliked 50
holds out 'j["query"]["disliked"] == ["50"]'
! cmp -s out first || fail "a dislike changes nothing"
top --liked 222 -k 10
json out 'ids' >war
top --liked 253 -k 10
json out 'ids' >children
! cmp -s war children || fail "feedback of two kinds has one answer"
top -a 25 --liked 85
holds out 'set(j["query"]) == {"age", "user", "liked", "k"}'
top --liked 85,348 --include-seen -k 1000
holds out 'len(ids) == 400'
top --liked 85,348 --genre War --year 1950- --exclude 367
holds out '"367" not in ids and all("War" in r["genres"] for r in results)'

# Beside a known user's own, which stay left out.
# shellcheck disable=SC2046 # word splitting is wanted
set -- $(awk -F:: '$1 == 4 { print $2 }' "$sample/ratings.dat")
top -i 4 --liked 222,294 -k 1000
holds out 'set(a).isdisjoint(ids) and len(ids) == 400 - len(set(a) | {"222", "294"})' "$@"
top -a 25 -g F -j 12 --disliked 85 -k 1000
holds out 'len(ids) == 399'

# As many as may be, and all there are.
cut -d: -f1 "$sample/movies.dat" >movies
all=$(paste -sd, movies)
top --liked "$all"
holds out 'results == [] and len(j["query"]["liked"]) == 400'
many=$(yes "$all" | head -n 25 | paste -sd,)
top --liked "$many" --include-seen
holds out 'len(ids) == 5 and len(j["query"]["liked"]) == 400'

# What is not given is the average user's: of the scores of this linear model, the average by how many users have the job. Of whom
# nothing is said is the average person, whose scores are the base of all explanations.
for job in $(seq 0 20); do
    run 0 "$INFER" --store R --json -a 25 -g F -j "$job" -k 1000
    cat out >>by-job
done
run 0 "$INFER" --store R --json -a 25 -g F -k 1000
holds out 'set(j["query"]) == {"age", "gender", "user", "k"} and len(ids) == 400'
python3 - "$sample/users.dat" <<'END' || fail "an occupation that is not given is not the average"
import collections, json, sys
users = collections.Counter(int(line.split("::")[3]) for line in open(sys.argv[1]))
mean = collections.Counter()
for job, line in enumerate(open("by-job")):
    for r in json.loads(line)["results"]:
        mean[r["id"]] += r["score"] * users[job] / sum(users.values())
results = json.load(open("out"))["results"]
sys.exit(not (len(results) == 400 and all(abs(mean[r["id"]] - r["score"]) < 5e-6 for r in results)))
END
run 0 "$INFER" --store R --json --explain -k 1000
holds out 'j["query"] == {"user": None, "k": 1000} and len(ids) == 400'
holds out 'all(not w["parts"] and abs(w["base"] - s) < 1e-6 for w, s in ((r["explanation"], r["score"]) for r in results))'
top --disliked 85 -k 1000
holds out 'len(ids) == 399 and j["query"] == {"user": None, "disliked": ["85"], "k": 1000}'

# What the table says.
run 0 "$INFER" --store R
[ "$(head -n 1 out)" = 'Top 5 for someone' ] || fail "the head: $(cat out)"
run 0 "$INFER" --store R --disliked 1,2
[ "$(head -n 1 out)" = 'Top 5 for someone who dislikes 2 movies' ] || fail "the head: $(cat out)"
run 0 "$INFER" --store R --liked 85,348
[ "$(head -n 1 out)" = 'Top 5 for someone who likes 2 movies' ] || fail "the head: $(cat out)"
run 0 "$INFER" --store R --liked 85 --disliked 1,2
[ "$(head -n 1 out)" = 'Top 5 for someone who likes 1 movie and dislikes 2 movies' ] || fail "the head: $(cat out)"
run 0 "$INFER" --store R -a 25 --liked 85,348,1 --disliked 2
[ "$(head -n 1 out)" = 'Top 5 for age 25-34, likes 3 movies, dislikes 1 movie' ] || fail "the head: $(cat out)"

# explained OPTION...: base and parts of every result sum to its score, whatever the parts' number.
explained() {
    run 0 "$INFER" --json --explain "$@"
    holds out 'len(results) > 0'
    holds out 'all(abs(w["base"] + sum(p["score"] for p in w["parts"]) - s) < 2e-4
                   for w, s in ((r["explanation"], r["score"]) for r in results))'
}
explained --store R --liked 85,348
holds out 'all({p["id"] for p in r["explanation"]["parts"]} == {"85", "348"} for r in results)'
explained --store R -a 25 --liked 85 --disliked 348
holds out '{p["input"] for p in results[0]["explanation"]["parts"]} == {"age", "liked", "disliked"}'
explained --store R -i 4 -k 20
holds out '{p["input"] for p in results[0]["explanation"]["parts"]} == {"age", "gender", "job", "history"}'
holds out 'all(p["id"] in a and p["title"] for p in results[0]["explanation"]["parts"] if p["input"] == "history")' "$@"
explained --store S -a 25 -g F -j 12
holds out '{p["input"] for p in results[0]["explanation"]["parts"]} == {"age", "gender", "job"}'
explained --store S -i 4
holds out '[p["value"] for p in results[0]["explanation"]["parts"] if p["input"] == "id"] == ["4"]'
holds out '[p["label"] for p in results[0]["explanation"]["parts"] if p["input"] == "gender"] == ["female"]'
run 0 "$INFER" --store S --json -i 4
holds out 'all("explanation" not in r for r in results)'

# In the table a line a movie: in a pipe whatever its length, on a terminal broken between words.
run 0 "$INFER" --store R -i 4 --explain
[ "$(wc -l <out)" -eq 12 ] || fail "not two lines a movie: $(cat out)"
why='^      base -\{0,1\}[0-9.]*, .*, because you liked .* (+.*) and [0-9]* others\{0,1\} ([-+][0-9.]*)$'
[ "$(grep -c "$why" out)" -eq 5 ] || fail "explanations: $(cat out)"
run 0 "$INFER" --store S -i 4 --explain
grep -q '^      base [0-9.]*, .*user 4 [-+][0-9.]*' out || fail "explanations: $(cat out)"
on_terminal 80 "$INFER" --store R -i 4 --explain | tr -d '\r' >screen
tail -n +2 screen | LC_ALL=C sed "s/[\x80-\xbf]//g" | awk 'length > 80 { exit 1 }' || fail "wider than the terminal: $(cat screen)"
run 0 "$INFER" --store R -i 4 --explain
[ "$(tr -s ' \n' ' ' <screen)" = "$(tr -s ' \n' ' ' <out)" ] || fail "other words on a terminal: $(cat screen)"

# Refused.
refuse 3 '--liked 999999: not among the 400 movies of the data; want the id of one' "$INFER" --store R --liked 85,999999
refuse 3 '--disliked 0: not among the 400 movies of the data' "$INFER" --store R -i 4 --disliked 0
refuse 2 '--liked 85: disliked as well' "$INFER" --store R --liked 348,85 --disliked 85
refuse 2 '--liked: more than 10000 values' "$INFER" --store R --liked "$many,1"
refuse 2 '--disliked: more than 10000 values' "$INFER" --store R -i 4 --disliked "$many,1"
for option in --liked --disliked; do
    refuse 2 "$option: empty" "$INFER" --store R -i 4 $option ''
    for wrong in '1,' ,1 1,,2; do
        refuse 2 "$option \"\": want an id, 1 to 255 bytes of UTF-8 without control characters" "$INFER" --store R -i 4 $option "$wrong"
    done
    refuse 2 "$option \"1?2\": want an id" "$INFER" --store R -i 4 $option "$(printf '1\t2')"
    for nobody in x -1 1.5 '1;2' '1 2' 01 99999999999999999999; do
        refuse 3 "$option $nobody: not among the 400 movies of the data" "$INFER" --store R -i 4 $option "$nobody"
        refuse 3 "$option $nobody: not among the 400 movies of the data" "$INFER" --store R -i 4 $option "1,$nobody"
    done
    refuse 2 "$option: model \"fusion\" does not learn from what a person likes; train with --model retrieval" \
        "$INFER" --store S -i 4 $option 85
done
refuse 2 '-a "x"' "$INFER" --store R --liked 85 -a x
run 0 "$INFER" --store R --liked 85 -i 999999 -k 1
has 'Top 1 for user 999999 (not in the data), likes 1 movie' out
run 0 "$INFER" --store R --json --liked 85 -i 999999
holds out 'j["user_known"] is False and j["query"]["user"] == "999999"'
cp out named
run 0 "$INFER" --store R --json --liked 85
python3 -c 'import json, sys; a, b = (json.load(open(f))["results"] for f in sys.argv[1:]); assert a == b' named out || fail "an unknown user's answer"
run 3 "$INFER" --store R --json --liked 999999
holds out 'j["error"]["code"] == "not_found" and j["error"]["message"].startswith("--liked 999999")'
