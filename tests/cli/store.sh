#!/bin/sh
# A store over its life: exports of every kind, list, going back, pruning, the lock; a damaged generation; exports that are killed at
# any moment, and files that do not fit, while a reader asks without pause.
. "$(dirname "$0")/lib.sh"
quick_store
ask() {
    run 0 "$INFER" --store S -a 25 -g F -j 12
}
current() {
    basename "$(readlink S/current)"
}

# Kinds.
run 0 "$MARQUEE" export --index list
has HNSW32 out
ask
cp out table
first=$(current)
for kind in auto Flat HNSW32,SQ8 IVF16,Flat; do
    run 0 "$MARQUEE" export --model m.mrq --store S --index $kind --recall 1
    grep -qE 'recall@10 1\.0000, p50 [0-9.]+ us, p99 [0-9.]+ us over [0-9]+ queries' out || fail "no measurement: $(cat out)"
    ask
    cmp out table || fail "$kind answers otherwise: $(cat out)"
    [ -e S/current/vectors.mrq ] || fail "$kind without the vectors beside it"
done
last=$(current)
refuse 2 '--recall "1.5"' "$MARQUEE" export --model m.mrq --store S --recall 1.5
refuse 2 '--recall "0"' "$MARQUEE" export --model m.mrq --store S --recall 0

# The list, going back, pruning.
run 0 "$MARQUEE" info S
[ "$(grep -cE '^[* ] [0-9]{8}T[0-9]{6}Z-[0-9a-f]{12} +[0-9]+ s +400  fusion ' out)" -eq 5 ] || fail "not five lines: $(cat out)"
grep -q "^\* $last .* IVF16,Flat  *1\.0000 " out || fail "the current one is not marked: $(cat out)"
has "$last (current, verified)" out
run 0 "$MARQUEE" rollback --store S
has "is current in S" out
[ "$(printf '%s\n' "$last" "$(current)" | LC_ALL=C sort | tail -n 1)" = "$last" ] || fail "not an older one: $(current)"
[ "$(current)" != "$last" ] || fail "still $last"
run 0 "$MARQUEE" rollback --store S "$first"
[ "$(current)" = "$first" ] || fail "not $first: $(current)"
refuse 3 "S has no intact generation older than $first" "$MARQUEE" rollback --store S
refuse 3 'S has no generation 20200101T000000Z-0123456789ab' "$MARQUEE" rollback --store S 20200101T000000Z-0123456789ab
refuse 2 '"yesterday" is not the name of a generation' "$MARQUEE" rollback --store S yesterday
mv S/current/seen.mrq kept.mrq # what could serve instead of a damaged one stays
refuse 4 'nothing is removed, because the current generation cannot be verified: ' "$MARQUEE" prune --store S --keep 1
mv kept.mrq S/current/seen.mrq
run 0 "$MARQUEE" prune --store S --keep 2
has 'removed 2 generations from S' out
[ "$(find S/generations -mindepth 1 -maxdepth 1 | wc -l)" -eq 3 ] || fail "not three left: $(ls -A S/generations)"
ask
cmp out table || fail "another answer after pruning"
refuse 2 '--keep "0"' "$MARQUEE" prune --store S --keep 0
mkdir empty
for command in rollback prune; do
    refuse 3 nosuch "$MARQUEE" $command --store nosuch
    refuse 3 empty "$MARQUEE" $command --store empty
done
[ -z "$(ls -A empty)" ] || fail "something was left in what is no store: $(ls -A empty)"

# A copy that followed the link, as scp makes one: what is advised helps, and nobody trains for hours before he is told.
cp -rL S copied
for command in "infer -i 4" rollback prune "export --model m.mrq" "rebuild --data $sample"; do
    # shellcheck disable=SC2086 # word splitting is wanted
    refuse 4 'copied/current is not a symbolic link, perhaps because the store was copied with links followed; remove it' \
        "$MARQUEE" $command --store copied
done
run 4 "$MARQUEE" info copied
has "; try \`marquee rollback --store copied\`: $last looks intact" err
rm -r copied/current
run 0 "$MARQUEE" rollback --store copied
run 0 "$INFER" --store copied -a 25 -g F -j 12
rm -r copied

# The lock names its holder; the kernel lets go of it when the holder is gone.
exec 9>S/lock
flock 9
echo rebuild 4711 2026-01-31T02:00:00Z >&9
for command in 'export --model m.mrq' rollback prune; do
    # shellcheck disable=SC2086 # word splitting is wanted
    refuse 1 'S is locked by rebuild, process 4711, since 2026-01-31T02:00:00Z' "$MARQUEE" $command --store S
done
ask
exec 9>&-
run 0 "$MARQUEE" rollback --store S "$last"

# A damaged generation: the sentence tells file and way out, and the way out is one.
printf X | dd of=S/current/users.mrq bs=1 seek=5000 conv=notrunc 2>/dev/null
refuse 4 users.mrq "$INFER" --store S -a 25 -g F -j 12
# shellcheck disable=SC2016 # the quotes are the sentence's
way=$(sed -n 's/.*; try `\(marquee rollback --store S\)`: .* looks intact$/\1/p' err)
[ -n "$way" ] || fail "no way out: $(cat err)"
run 4 "$MARQUEE" info S
has 'damaged: users.mrq: ' out
has users.mrq err
# shellcheck disable=SC2086 # word splitting is wanted
run 0 "$MARQUEE" ${way#marquee }
ask
run 0 "$MARQUEE" info S
[ "$(grep -c damaged out)" -eq 1 ] || fail "not one damaged: $(cat out)"
rm -r "S/generations/$last"

# Killed at a hundred moments, of which some come after the end, under a reader that never fails.
(
    while [ ! -e stop ]; do
        "$INFER" --store S -a 25 -g F -j 12 >answer 2>problem || { echo failed >>problem; exit; }
        cmp -s answer table || { echo "another answer" >>problem; exit; }
    done
) &
reader=$!
processes=$reader
cat >killer.py <<'END'
import os, random, subprocess, sys, time
marquee, seed = sys.argv[1], int(sys.argv[2])
print(f"seed {seed}", flush=True)
random.seed(seed)
def run(*command):
    return subprocess.run([marquee, *command, "--store", "S"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
start = time.monotonic()
run("export", "--model", "m.mrq").check_returncode()
whole = time.monotonic() - start
ended = 0
for i in range(100):
    process = subprocess.Popen([marquee, "export", "--model", "m.mrq", "--store", "S"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(random.uniform(0, 1.1 * whole))
    except subprocess.TimeoutExpired:
        process.kill()
    status = process.wait()
    ended += status == 0
    assert status in (0, -9), status
    if i % 10 == 0:
        answer = run("prune", "--keep", "3")
        assert answer.returncode == 0, answer.stderr
    if i % 25 == 0:
        answer = run("rollback") # from the oldest, when none of the exports since the last time has come to its end, there is no way
        assert answer.returncode in (0, 3), answer.stderr
print(f"one export takes {whole:.2f} s; {100 - ended} of 100 were killed")
assert ended < 90, "hardly any was killed"
END
python3 killer.py "$MARQUEE" 4 || fail "a killed export harms the next command"
touch stop
wait $reader
processes=
[ ! -s problem ] || fail "the reader: $(cat problem)"
run 0 "$MARQUEE" info S
! grep damaged out || fail "a killed export left half a generation"
run 0 "$MARQUEE" prune --store S
left=$(find S -name '.tmp*' -o -name lock)
[ -z "$left" ] || fail "a killed export left $left"

# Files that do not fit: each in turn is the first that is too large.
run 0 "$MARQUEE" export --model m.mrq --store S --index SQ8 --recall 0.5
before=$(find S | sort)
for file in S/current/*; do
    blocks=$((($(wc -c <"$file") - 1) / 512))
    [ $blocks -gt 0 ] || continue # a limit of nothing would take the message too
    refuse 1 'File too large' sh -c "ulimit -f $blocks && exec \"\$0\" export --model m.mrq --store S --index SQ8 --recall 0.5" "$MARQUEE"
    [ "$(find S | sort)" = "$before" ] || fail "the store is not as it was: $(find S)"
done
ask
cmp out table || fail "another answer after refused exports"
