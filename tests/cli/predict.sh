#!/bin/sh
# marquee predict: the dialogue, and pairs in bulk.
. "$(dirname "$0")/lib.sh"
quick_store

run 0 sh -c "printf '1\n1\n' | '$MARQUEE' predict --model m.mrq"
has 'Input movie_id: ' out
has 'Input user_id: ' out
grep -qE 'Prediction Score is -?[0-5]\.[0-9]{2}$' out || fail "no score: $(cat out)"
score=$(sed -n 's/.*Prediction Score is //p' out)
run 0 sh -c "printf '1\n1\n' | '$MARQUEE' predict --store S"
[ "$(sed -n 's/.*Prediction Score is //p' out)" = "$score" ] || fail "store and model differ: $(cat out), want $score"

# Pairs: user, movie, score; the score is the dialogue's, and the table's of infer.
printf '1 1\n836\t579\n2 1\n' >pairs
run 0 "$MARQUEE" predict --store S --pairs pairs
[ "$(awk '{ print $1, $2 }' out)" = '1 1
836 579
2 1' ] || fail "pairs: $(cat out)"
[ "$(awk 'NR == 1 { printf "%.2f", $3 }' out)" = "$score" ] || fail "pairs and dialogue differ: $(cat out), $score"
cp out scores
run 0 sh -c "'$MARQUEE' predict --store S --pairs - <pairs"
cmp out scores || fail "--pairs - differs"
run 0 "$MARQUEE" predict --model m.mrq --pairs pairs
cmp out scores || fail "store and model differ"
awk '$3 < -5 || $3 > 5 || $3 != $3 + 0 { exit 1 }' scores || fail "scores out of range: $(cat scores)"
run 0 "$INFER" --store S --json -i 4 -k 3
mv out answer
for movie in $(json answer ids); do
    echo "4 $movie"
done >pairs
run 0 "$MARQUEE" predict --store S --pairs pairs
# shellcheck disable=SC2046 # word splitting is wanted
holds answer 'len(a) == 3 and all(abs(float(x) - y) < 0.001 for x, y in zip(a, scores))' $(awk '{ print $3 }' out)

# What does not do.
# wrong STATUS TEXT PAIRS: a list with a bad line; what stands before it is scored.
wrong() {
    printf '%b' "$3" >pairs
    run "$1" "$MARQUEE" predict --store S --pairs pairs
    has "$2" err
    [ "$(wc -l <err)" -eq 1 ] || fail "not one sentence: $(cat err)"
    [ "$(wc -l <out)" -eq $(($(wc -l <pairs) - 1)) ] || fail "not the pairs before the bad one: $(cat out)"
}
wrong 3 'pairs:2: ' '1 1\n1 99999\n'
wrong 3 'pairs:2: ' '1 1\n99999 1\n'
wrong 4 'pairs:1: ' '1\n'
wrong 3 'pairs:3: no movie "1 1" in the model' '1 1\n2 1\n1 1 1\n'
wrong 3 'pairs:1: no user "x" in the model' 'x 1\n'
wrong 3 'pairs:1: no movie "-1" in the model' '1 -1\n'
refuse 3 nosuch "$MARQUEE" predict --store S --pairs nosuch
refuse 3 nosuch "$MARQUEE" predict --store nosuch --pairs pairs
run 3 sh -c "printf '99999\n1\n' | '$MARQUEE' predict --store S"
has 99999 err
run 0 "$MARQUEE" predict --store S # nothing said, nothing answered
