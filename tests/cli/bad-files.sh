#!/bin/sh
# Damaged models and stores: each ends with exit code 4, or 3 where something is not there, and one sentence that names the file.
. "$(dirname "$0")/lib.sh"
quick_store
size=$(wc -c <m.mrq)

refuse 3 nosuch.mrq "$MARQUEE" export --model nosuch.mrq --store T
# flip FILE OFFSET: one byte of a copy of m.mrq or of a file of the store is changed.
flip() {
    python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); byte = f.read(1)[0]; f.seek(-1, 1); f.write(bytes([byte ^ 64]))' "$1" "$2"
}
for keep in 0 1 7 63 64 1000 $((size / 2)) $((size - 1)); do
    head -c "$keep" m.mrq >cut.mrq
    refuse 4 cut.mrq "$MARQUEE" export --model cut.mrq --store T
    refuse 4 cut.mrq "$MARQUEE" predict --model cut.mrq
    refuse 4 cut.mrq "$MARQUEE" info cut.mrq
done
for at in 0 8 16 24 40 80 200 $((size / 3)) $((size / 2)) $((size - 1)); do
    cp m.mrq flip.mrq
    flip flip.mrq "$at"
    refuse 4 flip.mrq "$MARQUEE" export --model flip.mrq --store T
done
cp m.mrq long.mrq
echo x >>long.mrq
refuse 4 long.mrq "$MARQUEE" export --model long.mrq --store T
refuse 4 ratings.dat "$MARQUEE" export --model "$sample/ratings.dat" --store T
refuse 4 "$sample" "$MARQUEE" export --model "$sample" --store T
[ ! -e T ] || [ -z "$(find T -type f)" ] || fail "a refused export left $(find T -type f)"

# Stores.
ask() {
    status=$1
    text=$2
    shift 2
    refuse "$status" "$text" "$INFER" --store "$1" -a 25 -g F -j 12
}
broken() {
    rm -rf B
    cp -a S B
}
ask 3 nosuch nosuch
ask 3 "$work" "$work"
broken
rm B/current
ask 3 current B
ln -s generations/20200101T000000Z-000000000000 B/current
ask 4 20200101T000000Z-000000000000 B
for file in MANIFEST.json items.faiss vectors.mrq catalogue.mrq users.mrq seen.mrq; do
    broken
    rm B/current/$file
    ask 4 $file B
    for at in 0 100 $(($(wc -c <S/current/$file) / 2)) $(($(wc -c <S/current/$file) - 2)); do
        broken
        flip B/current/$file "$at"
        ask 4 $file B
        broken
        head -c "$at" S/current/$file >B/current/$file
        ask 4 $file B
    done
done

# The history is read by who asks for it; it also has the neighbours, which each answer needs if the model has them.
for parts in vectors both sequence; do
    sed 's/"l2": 1/"l2": 1, "parts": "'$parts'"/' "$MRQ_SOURCE/data/models/retrieval.json" >$parts.json
    [ $parts != sequence ] || cp "$MRQ_SOURCE/data/models/sequence.json" .
    run 0 "$MARQUEE" train --data "$sample" --model $parts.json --out ranks.mrq --test 0.1 --seed 1
    rm -rf H
    run 0 "$MARQUEE" export --model ranks.mrq --store H
    for at in 0 100 5000 $(($(wc -c <H/current/history.mrq) - 2)); do
        rm -rf B
        cp -a H B
        flip B/current/history.mrq "$at"
        if [ $parts = vectors ]; then
            run 0 "$INFER" --store B -i 4
        else
            refuse 4 history.mrq "$INFER" --store B -i 4
        fi
        refuse 4 history.mrq "$INFER" --store B -i 4 --explain
        refuse 4 history.mrq "$INFER" --store B --liked 85
        refuse 4 history.mrq "$MARQUEE" similar --store B 85
        head -c "$at" H/current/history.mrq >B/current/history.mrq
        refuse 4 history.mrq "$INFER" --store B -i 4
    done
done

# Parts of another generation, of the same size and whole in themselves.
run 0 "$MARQUEE" train --data "$sample" --model fusion --out other.mrq --test 0.1 --seed 2 --epochs 1
run 0 "$MARQUEE" export --model other.mrq --store O
for file in items.faiss vectors.mrq catalogue.mrq users.mrq seen.mrq; do
    cmp -s O/current/$file S/current/$file && continue
    broken
    cp O/current/$file B/current/$file
    ask 4 $file B
done
broken
cp O/current/model.mrq B/current/model.mrq
refuse 4 model.mrq "$MARQUEE" predict --store B
run 4 "$MARQUEE" info B
has 'damaged: model.mrq: ' out
has model.mrq err

# Somewhere that is no place for a file.
mkfifo pipe
for place in pipe "$work"; do
    refuse 1 "$place: it is not a regular file" "$MARQUEE" train --data "$sample" --out "$place"
done

# Vectors of another dimension, in a generation that is consistent otherwise: the manifest vouches for the foreign file.
sed 's/"size": *200/"size": 100/' "$MRQ_SOURCE/data/models/fusion.json" >narrow.json
run 0 "$MARQUEE" train --data "$sample" --model narrow.json --out narrow.mrq --seed 1 --epochs 1
run 0 "$MARQUEE" export --model narrow.mrq --store N
broken
cp N/current/vectors.mrq B/current/vectors.mrq
ask 4 vectors.mrq B
python3 - <<'END'
import hashlib, json, os
folder = os.path.realpath("B/current")
manifest = json.load(open(folder + "/MANIFEST.json"))
manifest["files"]["vectors.mrq"] = json.load(open("N/current/MANIFEST.json"))["files"]["vectors.mrq"]
text = json.dumps(manifest)
open(folder + "/MANIFEST.json", "w").write(text)
name = os.path.basename(folder)[:-12] + hashlib.sha256(text.encode()).hexdigest()[:12]
os.rename(folder, os.path.dirname(folder) + "/" + name)
os.remove("B/current")
os.symlink("generations/" + name, "B/current")
END
ask 4 vectors.mrq B
grep -q '160000 bytes, want 320000' err || fail "both sizes should be named: $(cat err)"
