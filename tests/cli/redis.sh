#!/bin/sh
# The cache in Redis: a second call hits, the answer is the same with and without it, and no misbehaving server makes an answer wrong
# or late.
. "$(dirname "$0")/lib.sh"
command -v redis-server >/dev/null || skip "no redis-server here"
quick_store

# ask STATE OPTION...: the answer as JSON says this of the cache, and is otherwise the one without a cache.
ask() {
    state=$1
    shift
    run 0 "$INFER" --store S --json -a 25 -g F -j 12 "$@"
    holds out 'j["cache"] == a[0]' "$state"
    [ ! -f plain ] || [ "$(json out results)" = "$(json plain results)" ] || fail "another answer with $*: $(cat out)"
}
ask off
cp out plain

start_redis
refuse 2 '--redis: other users can see a password' "$INFER" --store S -a 25 -g F -j 12 --redis redis://:hush@127.0.0.1
grep -q hush err && fail "a password is repeated: $(cat err)"
ask miss --redis "unix:$work/redis"
ask hit --redis "unix:$work/redis"
ask down --redis "unix:$work/redis@night" # no login
MARQUEE_REDIS=unix:$work/redis ask hit
ask off --redis "unix:$work/redis" --no-cache
ask hit --redis "unix:$work/redis" # the same query in other words
run 0 "$INFER" --store S --json -a 30 -g female -j programmer --redis "unix:$work/redis"
holds out 'j["cache"] == "hit"'
run 0 "$INFER" --store S --json -a 30 -g M -j programmer --redis "unix:$work/redis"
holds out 'j["cache"] == "miss"'
run 0 "$INFER" --store S --json -a 25 -g F -j 12 -k 6 --redis "unix:$work/redis"
holds out 'j["cache"] == "miss" and len(ids) == 6'
run 0 "$INFER" --store S -a 25 -g F -j 12 --redis "unix:$work/redis"
cp out table
run 0 "$INFER" --store S -a 25 -g F -j 12
cmp out table || fail "the table differs with the cache"

# What was asked is counted: six times the first query, once each of two others.
[ "$(redis-cli -s redis zcard marquee:2:hot)" -eq 3 ] || fail "counted: $(redis-cli -s redis zrange marquee:2:hot 0 -1 withscores)"
redis-cli -s redis zrevrange marquee:2:hot 0 0 >hottest
[ "$(redis-cli -s redis zscore marquee:2:hot "$(cat hottest)")" -eq 6 ] || fail "the hottest: $(cat hottest)"
holds hottest 'j["age"]["value"] == "25" and j["gender"]["value"] == "F" and j["k"] == 5'

# Keys as designed, each with a time to live; a new generation asks anew.
name=$(basename "$(readlink S/current)")
keys=$(redis-cli -s redis --scan)
[ -n "$keys" ] || fail "no keys"
for key in $keys; do
    case $key in
    marquee:2:"$name":* | marquee:2:hot) [ "$(redis-cli -s redis ttl "$key")" -gt 0 ] || fail "$key has no time to live" ;;
    *) fail "key $key" ;;
    esac
done
sleep 1 # the generation's name holds the second
run 0 "$MARQUEE" export --model m.mrq --store S
ask miss --redis "unix:$work/redis"
ask hit --redis "unix:$work/redis"

# A value that someone spoilt is no answer.
for key in $(redis-cli -s redis --scan); do
    redis-cli -s redis set "$key" '{"movies": 3' ex 60 >/dev/null
done
run 0 "$INFER" --store S --json -a 25 -g F -j 12 --redis "unix:$work/redis"
holds out 'j["cache"] != "hit"'
[ "$(json out results)" = "$(json plain results)" ] || fail "a spoilt value is answered: $(cat out)"

# A server that stops answering (SIGSTOP), is gone, or was never one. Late means 150 ms more than without: the best of five, both ways.
best() {
    python3 - "$@" <<'END'
import subprocess, sys, time
times = []
for _ in range(5):
    start = time.monotonic()
    subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
    times.append(time.monotonic() - start)
print(int(min(times) * 1000))
END
}
plain_ms=$(best "$INFER" --store S --json -a 25 -g F -j 12)
prompt() {
    ms=$(best "$INFER" --store S --json -a 25 -g F -j 12 --redis "$1")
    [ "$ms" -le $((plain_ms + 150)) ] || fail "$1 ($2): $ms ms, $plain_ms ms without Redis"
    echo "$2: $ms ms, $plain_ms ms without Redis"
}
kill -STOP "$redis"
ask down --redis "unix:$work/redis"
prompt "unix:$work/redis" stopped
kill -CONT "$redis"
ask hit --redis "unix:$work/redis"
for mode in hang slow garbage close; do
    "$MRQ_SOURCE/tests/cli/fake-redis" "$work/$mode" $mode >$mode.log &
    processes="$processes $!"
    until grep -qs ready $mode.log; do sleep 0.05; done
    ask down --redis "unix:$work/$mode"
    prompt "unix:$work/$mode" $mode
done
ask down --redis "unix:$work/nobody"
ask down --redis 127.0.0.1:1
prompt 127.0.0.1:1 refused

# A name that takes seconds to look up is not waited for, at the end as little.
(
    # The look-up's memory is not given back when the program ends before it, which a sanitizer would take for a leak.
    export LD_PRELOAD="$SLOW_NAMES" ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0:detect_leaks=0"
    ask down --redis slow.test
    prompt slow.test 'looked up'
)
