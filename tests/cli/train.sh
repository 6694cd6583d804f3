#!/bin/sh
# A training from outside: its learning curve, its progress bar, signals, checkpoints and how they are resumed, a full disk, a lost
# loss, early stopping, threads, and wrong options. The model is small: this is about the edges, not about learning.
. "$(dirname "$0")/lib.sh"

# Random numbers of every kind that a checkpoint has to keep: dropout, order, a schedule over the epochs, moments, the best epoch.
cat >small.json <<'END'
{
  "name": "small",
  "score": {"kind": "cosine", "scale": 5},
  "joint": {"size": 16},
  "towers": {
    "user": [
      {"feature": "id", "kind": "id", "embedding": 8, "dropout": 0.2},
      {"feature": "age", "kind": "category", "embedding": 4}
    ],
    "item": [
      {"feature": "id", "kind": "id", "embedding": 8},
      {"feature": "genres", "kind": "set", "embedding": 8}
    ]
  },
  "train": {"optimizer": "adam", "lr": 0.002, "schedule": "cosine", "batch": 32, "epochs": 12, "validation": 0.02}
}
END

# epochs N: CSV and SVG m.curve.* tell of N epochs.
epochs() {
    [ "$(head -n 1 m.curve.csv)" = 'epoch,train_rmse,valid_rmse,test_rmse,seconds,samples_per_second,best' ] ||
        fail "head of the curve: $(cat m.curve.csv)"
    awk -F, -v want="$1" 'NR > 1 && !(NF == 7 && $1 == NR - 1 && $2 > 0 && $2 < 5 && $5 >= 0 && $6 > 0 && $7 ~ /^[01]$/) { exit 1 }
        NR > 1 { best += $7 } END { if (NR - 1 != want || !best) exit 1 }' m.curve.csv || fail "not $1 epochs: $(cat m.curve.csv)"
    [ "$(head -c 4 m.curve.svg)" = '<svg' ] || head -n 2 m.curve.svg | grep -q '^<svg' || fail "no SVG: $(head m.curve.svg)"
    python3 -c 'import sys, xml.etree.ElementTree as tree
root = tree.parse("m.curve.svg").getroot()
sys.exit(root.tag != "{http://www.w3.org/2000/svg}svg" or "nan" in open("m.curve.svg").read())' || fail "m.curve.svg is no SVG"
}

# The curve; nothing but whole lines of log on stderr, which is no terminal.
run 0 "$MARQUEE" train --data "$sample" --model small.json --threads 2 --out m.mrq
mv m.mrq whole.mrq
epochs 12
[ "$(grep -cE '^[0-9T:-]*Z INFO train epoch=[0-9]+/12 train_rmse=[0-9.]+ valid_rmse=[0-9.]+ test_rmse=[0-9.]+ ' err)" -eq 12 ] ||
    fail "not a line of log an epoch: $(cat err)"
[ "$(wc -l <out)" -eq 1 ] || fail "not one line on stdout: $(cat out)"
[ "$(LC_ALL=C tr -d '\n -~' <err | wc -c)" -eq 0 ] || fail "control characters in a log: $(cat err)"
[ ! -e m.checkpoint ] || fail "a training that ended left its checkpoint"
run 0 "$MARQUEE" train --data "$sample" --model small.json --epochs 2 --test 0 --out other.name
[ -s other.name.curve.svg ] || fail "no curve beside other.name: $(ls)"
grep -qE '^1,[0-9.]+,[0-9.]+,,' other.name.curve.csv || fail "no empty field without a test part: $(cat other.name.curve.csv)"

# A progress bar on a terminal.
on_terminal 80 "$MARQUEE" train --data "$sample" --model small.json --epochs 1 --out n.mrq >typescript
grep -q "$(printf '\r')epoch 1 \[[#.]*\]" typescript || fail "no progress bar on a terminal: $(cat typescript)"

# stop SIGNAL TEXT OPTION...: the small model's training is sent the signal at the first line of its log that holds TEXT; $got is
# its exit code. It may have to wait for a file $await, or for $pause seconds, first. (A shell starts what it puts in the
# background deaf to SIGINT, hence Python.)
await=/ pause=0
stop() {
    signal=$1
    text=$2
    shift 2
    rm -f pipe
    mkfifo pipe
    python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$MARQUEE" train --data "$sample" --model small.json --threads 2 --out m.mrq "$@" \
        >out 2>pipe </dev/null &
    process=$!
    processes="$processes $process"
    exec 3<pipe
    : >err
    while read -r line <&3; do
        echo "$line" >>err
        case $line in
        *"$text"*)
            for _ in $(seq 1000); do
                [ ! -e $await ] || break
                sleep 0.01
            done
            sleep $pause
            kill -s "$signal" "$process" 2>/dev/null || true
            break
            ;;
        esac
    done
    cat <&3 >>err
    exec 3<&-
    got=0
    wait "$process" 2>/dev/null || got=$?
}

# same: the training goes on from its checkpoint, to the bytes and the curve of one that was never stopped.
same() {
    run 0 "$MARQUEE" train --data "$sample" --model small.json --threads 2 --out m.mrq --resume
    cmp m.mrq whole.mrq || fail "another model after a stop in the middle"
    epochs 12
    [ ! -e m.checkpoint ] || fail "the checkpoint is still there"
}

for stopped in INT,epoch=1/,130 TERM,epoch=4/,143; do
    rm -f m.*
    epoch=${stopped#*,}
    stop "${stopped%%,*}" "${epoch%,*}" --checkpoint 1000
    [ "$got" -eq "${stopped##*,}" ] || fail "$stopped: exit code $got: $(cat err)"
    has 'continue with --resume, the state is in m.checkpoint' err
    [ -s m.checkpoint ] || fail "$stopped: no checkpoint"
    run 0 "$MARQUEE" info m.mrq
    cp m.checkpoint kept.checkpoint
    cp m.mrq kept.mrq
    cp m.curve.csv kept.csv
    same
    ! grep -q 'epoch=1/' err || fail "$stopped: began anew: $(cat err)"
    head -n "$(wc -l <kept.csv)" m.curve.csv | cmp kept.csv || fail "$stopped: the epochs before the stop have changed"
done

# A curve that is drawn now and then is up to date when a stop ends it.
rm -f m.*
stop TERM epoch=113/ --batch 4000 --epochs 400
epochs "$(grep -c ' train epoch=' err)"
[ "$(wc -l <m.curve.csv)" -gt 113 ] || fail "the curve ends early: $(tail -n 1 m.curve.csv)"

# Movie by movie, and with ratings left out.
rm -f m.*
run 0 "$MARQUEE" train --data "$sample" --model rating --batch 500 --epochs 4 --threads 2 --out rating.mrq
stop TERM epoch=1/ --model rating --batch 500 --epochs 4 --checkpoint 0
[ "$got" -eq 143 ] || fail "model rating: exit code $got: $(cat err)"
run 0 "$MARQUEE" train --data "$sample" --model rating --batch 500 --epochs 4 --threads 2 --out m.mrq --resume
! grep -q 'epoch=1/' err || fail "model rating: began anew: $(cat err)"
cmp m.mrq rating.mrq || fail "model rating: another model after a stop"

# In the first epoch there is no best one yet: what it had come to is saved. (Thousands of checkpoints take their time.)
rm -f m.*
run 0 "$MARQUEE" train --data "$sample" --model small.json --threads 2 --batch 8 --epochs 1 --out first.mrq
await=m.checkpoint
stop INT 'INFO data' --batch 8 --epochs 1 --checkpoint 0
await=/
[ "$got" -eq 130 ] || fail "stopped in the first epoch: exit code $got: $(cat err)"
has 'stopped in epoch 1' err
run 0 "$MARQUEE" info m.mrq
has 'best epoch    0 of 0' out
refuse 4 m.checkpoint "$MARQUEE" info m.checkpoint
refuse 4 m.checkpoint "$MARQUEE" export --model m.checkpoint --store S
run 0 "$MARQUEE" train --data "$sample" --model small.json --threads 2 --batch 8 --epochs 1 --out m.mrq --resume
cmp m.mrq first.mrq || fail "another model after a stop in the first epoch"

# Another training does not go on from there, and the sentence says what differs; nothing is touched.
cp kept.checkpoint m.checkpoint
cp kept.mrq m.mrq
differs() {
    text=$1
    shift
    refuse 4 "m.checkpoint: was saved with $text" "$MARQUEE" train --data "$sample" --model small.json --threads 2 --out m.mrq \
        --resume "$@"
    has 'give the same data and settings, or remove the file' err
    cmp m.checkpoint kept.checkpoint || fail "$text: the checkpoint has changed"
    cmp m.mrq kept.mrq || fail "$text: the model has changed"
}
differs 'training.seed 1, not 2' --seed 2
differs 'model.train.lr 0.002, not 0.01' --lr 0.01
differs 'model.train.batch 32, not 100' --batch 100
differs 'model.train.epochs 12, not 13' --epochs 13
differs 'training.threads 2, not 1' --threads 1
differs 'training.test_share 0.1, not 0.2' --test 0.2
differs 'training.split "random", not "user"' --split user
differs 'model.name "small", not "fusion"' --model fusion
sed 's/"embedding": 4/"embedding": 5/' small.json >changed.json
differs 'model.towers.user[1].embedding 4, not 5' --model changed.json
cp -r "$sample" data
chmod -R u+w data
awk -F:: -v OFS=:: 'NR == 5000 { $3 = $3 % 5 + 1 } 1' "$sample/ratings.dat" >data/ratings.dat
differs training.data --data data

# Damaged: any byte changed, any end cut off, something else.
size=$(wc -c <m.checkpoint)
damaged() {
    refuse 4 m.checkpoint "$MARQUEE" train --data "$sample" --model small.json --threads 2 --out m.mrq --resume
    cmp m.mrq kept.mrq || fail "the model has changed"
}
for at in 0 8 16 24 40 100 200 1000 $((size / 3)) $((size / 2)) $((size - 2000)); do
    python3 -c 'import sys
with open("kept.checkpoint", "rb") as f:
    data = bytearray(f.read())
data[int(sys.argv[1])] ^= 64
open("m.checkpoint", "wb").write(data)' "$at"
    damaged
    head -c "$at" kept.checkpoint >m.checkpoint
    damaged
done
cp kept.mrq m.checkpoint
damaged
rm m.checkpoint
mkdir m.checkpoint
damaged
rmdir m.checkpoint

# None: that is said, and the training begins.
rm -f m.*
run 0 "$MARQUEE" train --data "$sample" --model small.json --threads 2 --out m.mrq --resume
has 'no m.checkpoint: starting from the beginning' err
cmp m.mrq whole.mrq || fail "another model with --resume and nothing to resume"

# Killed again and again, while checkpoints are written all the time: what there is always opens, the model that stood there stays,
# and the end is the same.
rm -f m.*
cp kept.mrq m.mrq
resumed=0 epoch=1
for pause in 0 0.013 0.004 0.021 0.001 0.009; do
    had=no
    [ ! -e m.checkpoint ] || had=yes
    stop KILL "epoch=$epoch/" --checkpoint 0.01 --resume
    [ "$got" -eq 137 ] || break # a quick machine was done before
    grep -q "epoch=$epoch/" err || fail "no epoch $epoch: $(cat err)"
    [ $had = no ] || resumed=$((resumed + 1))
    [ $had = no ] || ! grep -q 'starting from' err || fail "a checkpoint was not taken up: $(cat err)"
    cmp -s m.mrq kept.mrq || cmp m.mrq whole.mrq || fail "neither the old model nor the whole new one"
    if [ -e m.checkpoint ]; then
        epoch=$(sed -n 's/.*epoch=\([0-9]*\)\/.*/\1/p' err | tail -n 1)
        epoch=$((epoch + 1))
    fi
done
[ $resumed -ge 2 ] || fail "killed $resumed times only with a checkpoint at hand"
same
cmp m.mrq whole.mrq || fail "another model after being killed"
for left in m.*; do
    case $left in
    m.mrq | m.curve.csv | m.curve.svg) ;;
    *) fail "left over: $left" ;;
    esac
done

# A limit on the size of files is like a full disk (full-disk.sh has a real one): a warning at a checkpoint, an error at the end.
rm -f m.*
cp kept.mrq m.mrq
refuse 1 'm.mrq: File too large' sh -c 'ulimit -f 40 && exec "$@"' limited "$MARQUEE" train --data "$sample" \
    --model small.json --threads 2 --epochs 2 --batch 4096 --out m.mrq --checkpoint 0
has 'WARN train cannot write m.checkpoint: File too large' err
cmp m.mrq kept.mrq || fail "the old model has changed"
[ -z "$(find . -name '*.tmp-*' -o -name m.checkpoint)" ] || fail "left over: $(ls)"

# A file that is no model is not overwritten by one.
cp small.json precious.json
refuse 2 'precious.json: this file exists and is not a model' "$MARQUEE" train --data "$sample" --model small.json --out precious.json
cmp small.json precious.json || fail "train wrote over a file that is no model"

# A curve that cannot be written is no reason to stop.
rm -f m.*
mkdir m.curve.svg
run 0 "$MARQUEE" train --data "$sample" --model small.json --epochs 1 --out m.mrq
has 'WARN train no learning curve: ' err
rmdir m.curve.svg

# A lost loss: in the first epoch nothing has been learned, and what stood there stays; later, the best epoch is kept.
cat >lost.json <<'END'
{
  "name": "lost",
  "score": {"kind": "dot"},
  "joint": {"kind": "sum", "size": 8},
  "towers": {"user": [{"feature": "id", "kind": "id"}], "item": [{"feature": "id", "kind": "id"}]},
  "train": {"optimizer": "sgd", "lr": 1000, "batch": 1000, "epochs": 5, "validation": 0.02}
}
END
cp kept.mrq m.mrq
refuse 1 'try a smaller learning rate than 1000, or a "clip" of 1' "$MARQUEE" train --data "$sample" --model lost.json --out m.mrq
cmp m.mrq kept.mrq || fail "a lost training has changed the old model"
run 1 "$MARQUEE" train --data "$sample" --model lost.json --batch 100000 --out m.mrq
has 'm.mrq holds epoch 1, the best before. Try a smaller learning rate than 1000' err
run 0 "$MARQUEE" info m.mrq
has 'best epoch    1 of ' out
sed 's/"lr": 1000/"lr": 10, "clip": 0.5/' lost.json >clipped.json
run 0 "$MARQUEE" train --data "$sample" --model clipped.json --out m.mrq

# Early stopping: two epochs after the best one.
sed 's/"lr": 0.002, "schedule": "cosine"/"lr": 0.02, "patience": 2/; s/"epochs": 12/"epochs": 300/' small.json >patient.json
rm -f m.*
run 0 "$MARQUEE" train --data "$sample" --model patient.json --batch 256 --threads 1 --out m.mrq
awk -F'[ ,:]+' '{ for (i = 1; i < NF; i++) if ($i == "epochs") exit !($(i - 1) == $(i + 1) + 2 && $(i - 1) < 300) }' out ||
    fail "not stopped two epochs after the best: $(cat out)"
epochs "$(sed 's/.* best of \([0-9]*\) .*/\1/' out)"
[ "$(tail -n 2 m.curve.csv | cut -d, -f7 | tr -d '\n')" = 00 ] || fail "a best epoch at the end: $(cat m.curve.csv)"

# As many threads as may be; the same number gives the same bytes.
for threads in 1 2 3 64 3; do
    run 0 "$MARQUEE" train --data "$sample" --model small.json --batch 256 --epochs 2 --threads $threads --out t.mrq
    [ ! -e t$threads.mrq ] || cmp t.mrq t$threads.mrq || fail "another model with $threads threads again"
    mv t.mrq t$threads.mrq
    run 0 "$MARQUEE" info t$threads.mrq
    has "seed 1, $threads threads" out
done

rm -f m.*
for wrong in '--lr nan' '--lr inf' '--lr 0' '--lr -1' '--lr 1001' '--batch 0' '--batch 1000001' '--epochs -1' '--epochs 0' \
    '--epochs 1.5' '--threads 0' '--threads 65' '--checkpoint -1' '--checkpoint nan' '--checkpoint x'; do
    # shellcheck disable=SC2086 # word splitting is wanted
    refuse 2 "${wrong% *} \"${wrong#* }\": want" "$MARQUEE" train --data "$sample" --model small.json --out m.mrq $wrong
done
refuse 2 --resume "$MARQUEE" train --data "$sample" --model small.json --out m.mrq --resume=yes
[ -z "$(find . -name 'm.*')" ] || fail "a refused run left something: $(ls)"
