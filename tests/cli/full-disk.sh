#!/bin/sh
# A disk that fills up during training or export: exit code 1, one sentence, nothing half-written, and the store as it was.
. "$(dirname "$0")/lib.sh"

# A small disk of our own needs a mount namespace of our own, which goes away with the script.
if [ -z "${MRQ_NAMESPACE-}" ]; then
    for unshare in 'unshare -m' 'unshare -rm'; do
        if $unshare mount -t tmpfs none "$work" 2>/dev/null; then
            MRQ_NAMESPACE=yes $unshare "$MRQ_SOURCE/tests/cli/full-disk.sh"
            exit
        fi
    done
    skip "no tmpfs may be mounted here"
fi
trap 'umount disk 2>/dev/null || true; finish' EXIT
quick_store
# with SIZE: an empty disk of this size at ./disk.
with() {
    umount disk 2>/dev/null || true
    mkdir -p disk
    mount -t tmpfs -o "size=$1" none disk
}
for size in 16k 100k 300k; do
    with $size
    refuse 1 'No space left on device' "$MARQUEE" train --data "$sample" --model fusion --epochs 1 --out disk/m.mrq
    left=$(find disk -type f ! -name 'm.curve.*') # the curve tells of what was learned before
    [ -z "$left" ] || fail "training left $left"
done

# At the end, over an older model: that one stays, and the sentence names the file.
size=$(($(wc -c <m.mrq) / 1024))
with "$((size * 3 / 2))k"
cp m.mrq disk/m.mrq
refuse 1 "disk/m.mrq: No space left on device" "$MARQUEE" train --data "$sample" --model fusion --epochs 2 --out disk/m.mrq
cmp m.mrq disk/m.mrq || fail "the old model is gone"
left=$(find disk -type f ! -name 'm.curve.*' ! -name m.mrq)
[ -z "$left" ] || fail "training left $left"

# At a checkpoint: a warning that names the file, and no harm to the training.
with "$((size * 3 / 2))k"
run 0 "$MARQUEE" train --data "$sample" --model fusion --test 0.1 --seed 1 --epochs 1 --checkpoint 0 --out disk/m.mrq
has 'WARN train cannot write disk/m.checkpoint: No space left on device' err
cmp m.mrq disk/m.mrq || fail "another model after a full disk"

total=$(du -sk S/current/ | awk '{ print $1 }')
for part in 1 5 20 40 60 80 95; do
    with $((total * part / 100))k
    refuse 1 'No space left on device' "$MARQUEE" export --model m.mrq --store disk/S
    left=$(find disk -type f -o -type l)
    [ -z "$left" ] || fail "export left $left on a disk of $part %"
done

# A store that works goes on working, whatever the write at which the disk is full; and so it is pruned.
with $((total * 3))k
run 0 "$MARQUEE" export --model m.mrq --store disk/S
run 0 "$MARQUEE" export --model m.mrq --store disk/S
run 0 "$INFER" --store disk/S -a 25 -g F -j 12
cp out table
before=$(find disk | sort)
failures=0
used=$(df -k disk | awk 'END { print $3 }')
for room in $(seq 0 $((total / 30)) $((total * 3 / 2))); do
    mount -o "remount,size=$((used + room))k" disk
    if "$MARQUEE" export --model m.mrq --store disk/S --index SQ8 --recall 0.5 >out 2>err; then
        break
    fi
    grep -q 'No space left on device' err || fail "with $room kB: $(cat err)"
    [ "$(find disk | sort)" = "$before" ] || fail "the store is not as it was with $room kB: $(find disk)"
    run 0 "$INFER" --store disk/S -a 25 -g F -j 12
    cmp out table || fail "another answer after a refused export"
    failures=$((failures + 1))
done
[ $failures -gt 20 ] || fail "the disk was full $failures times only"

# A night that fails for want of room says so, or has no report, but none that says "running": with room for the first report, and
# for a part of the second beside it.
said=0
for room in $(seq 0 4 48); do
    rm -f disk/S/report.*
    mount -o "remount,size=$(($(df -k disk | awk 'END { print $3 }') + room))k" disk
    refuse 1 'No space left on device' "$MARQUEE" rebuild --data "$sample" --store disk/S --threads 2
    [ ! -e disk/S/report.json ] || grep -q '"outcome":.*"failed"' disk/S/report.json ||
        fail "with $room kB the report says $(grep outcome disk/S/report.json)"
    [ ! -e disk/S/report.html ] || grep -q 'No space left' disk/S/report.html || fail "with $room kB the page says otherwise"
    [ ! -e disk/S/report.html ] || said=$((said + 1))
done
[ $said -ge 8 ] || fail "a full report $said times only"
rm disk/S/report.*
mount -o "remount,size=$(df -k disk | awk 'END { print $3 }')k" disk
run 0 "$MARQUEE" prune --store disk/S --keep 1
run 0 "$INFER" --store disk/S -a 25 -g F -j 12
cmp out table || fail "another answer after pruning"
umount disk
