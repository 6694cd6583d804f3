#!/bin/sh
# data/sample is what tools/make-sample writes, byte for byte.
. "$(dirname "$0")/lib.sh"
"${MAKE_SAMPLE:?is the generator}" "$work"
for file in users.dat movies.dat ratings.dat; do
    cmp "$work/$file" "data/sample/$file" || fail "data/sample/$file is not what tools/make-sample.c makes"
done
[ "$(wc -c <data/sample/ratings.dat)" -lt 600000 ] || fail "ratings.dat has grown past 600 kB"
