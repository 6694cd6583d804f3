#!/bin/sh
# The real data sets: real-data.sh NAME. ml-1m is to be learned well and quickly; the others are to work.
. "$(dirname "$0")/lib.sh"
data=$(real "$1") || skip "no $1 in \$MARQUEE_DATA or ../shared/data"

start=$(date +%s)
run 0 "$MARQUEE" train --data "$data" --model fusion --out m.mrq --test 0.1 --seed 1
seconds=$(($(date +%s) - start))
rmse=$(sed -n 's/.*test_rmse=\([0-9.]*\).*/\1/p' out)
echo "$1: test RMSE $rmse in $seconds s"
[ -n "$rmse" ] || fail "no test RMSE: $(cat out)"

if [ "$1" = ml-1m ]; then
    run 0 "$MARQUEE" train --data "$data" --model fusion --out again.mrq --test 0.1 --seed 1
    cmp m.mrq again.mrq || fail "the same command gave another file"
fi

case $1 in
ml-1m) movies=3883 limit=0.90 options='-a 25 -g F -j 12' ;;
ml-100k) movies=1682 limit=1.00 options='-a 25 -g F -j programmer' ;;
ml-latest-small) movies=9742 limit=1.00 options='-i 1' ;;
esac
awk -v rmse="$rmse" -v limit="$limit" 'BEGIN { exit !(rmse <= limit) }' || fail "test RMSE $rmse, want $limit at most"
[ "$1" != ml-1m ] || [ "$seconds" -le 180 ] || fail "training took $seconds s, want 180 at most"

run 0 "$MARQUEE" export --model m.mrq --store S
has "$movies movies" out
# shellcheck disable=SC2086 # word splitting is wanted
run 0 "$INFER" --store S --json $options
sound out
holds out 'len(ids) == 5'
# shellcheck disable=SC2086
run 0 "$INFER" --store S $options
