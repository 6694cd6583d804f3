#!/bin/sh
# data/sample is what tools/make-sample writes, byte for byte; and what that says when it cannot.
. "$(dirname "$0")/lib.sh"
: "${MAKE_SAMPLE:?is the generator}"
run 0 "$MAKE_SAMPLE" .
for file in users.dat movies.dat ratings.dat; do
    cmp "$file" "$sample/$file" || fail "data/sample/$file is not what tools/make-sample.c makes"
done
[ "$(cat out err | wc -c)" -eq 0 ] || fail "something was printed: $(cat out err)"
[ "$(wc -c <ratings.dat)" -lt 600000 ] || fail "ratings.dat has grown past 600 kB"
mkdir other
for arguments in '' '-x' '--help' 'other other'; do
    # shellcheck disable=SC2086 # word splitting is wanted
    run 2 "$MAKE_SAMPLE" $arguments
    [ "$(cat out err)" = 'usage: make-sample DIR (writes users.dat, movies.dat and ratings.dat there)' ] || fail "no usage: $(cat out err)"
done
[ -z "$(ls other)" ] || fail "two folders were taken for one"
run 1 "$MAKE_SAMPLE" nosuch
has 'make-sample: cannot write nosuch/users.dat: No such file or directory' err
run 1 "$MAKE_SAMPLE" "$(printf '%05000d' 0)"
has 'make-sample: ' err
