#!/bin/sh
# marquee eval: eval.sh asks the sample everything that can be asked, and wrongly; eval.sh ml-1m compares baselines with what is known
# of them, holds the model retrieval to what it is there for, and the index to the model's own ranking.
. "$(dirname "$0")/lib.sh"

# near NAME PROTOCOL ROW MEASURE WANT TOLERANCE: of the document in out.
near() {
    got=$(json out '[r["measures"][a[2]]["mean"] for p in j["protocols"] if p["protocol"] == a[0] for r in p["rows"] if r["name"] == a[1]]' \
        "$1" "$2" "$3")
    awk -v got="$got" -v want="$4" -v tolerance="$5" 'BEGIN { exit !(got >= want - tolerance && got <= want + tolerance) }' ||
        fail "$1 $2: $3 is $got, want $4 within $5"
}

if [ $# -gt 0 ]; then
    data=$(real "$1") || skip "no $1 in \$MARQUEE_DATA or ../shared/data"
    # EASE and Most Popular as measured in two other implementations, and the popular strangers of the public record.
    run 0 "$MARQUEE" eval --data "$data" --baselines popular,ease --seeds 3 --json
    near topn retrieval recall@10 0.2166 0.005 # 0.2116 at least
    near topn retrieval ndcg@10 0.3050 0.005   # 0.3000 at least
    near topn popular recall@10 0.078 0.003
    near topn popular ndcg@10 0.124 0.003
    near topn ease recall@10 0.2075 0.004
    near topn ease ndcg@10 0.295 0.005
    run 0 "$MARQUEE" eval --data "$data" --protocol cold-users --seeds 3 --json
    near cold-users popular ndcg@10 0.461 0.01
    near cold-users demographic-popular ndcg@10 0.478 0.01
    near cold-users retrieval ndcg@10 0.485 0.0065 # 1.04 times Most Popular at least
    run 0 "$MARQUEE" eval --data "$data" --protocol cold-items --seeds 3 --json
    near cold-items random recall@10 0.027 0.003
    near cold-items retrieval recall@10 0.225 0.03 # 0.185 without the years and titles

    start=$(date +%s)
    run 0 "$MARQUEE" train --data "$data" --out m.mrq
    [ $(($(date +%s) - start)) -le 30 ] || fail "training took more than 30 s"
    run 0 "$MARQUEE" export --model m.mrq --store S
    run 0 "$MARQUEE" eval --data "$data" --store S --baselines none --json
    holds out 'j["protocols"][0]["index"]["same_set"] >= 0.999'
    exit
fi

ask() {
    run 0 "$MARQUEE" eval --data "$sample" "$@"
}
deny() {
    text=$1
    shift
    refuse 2 "$text" "$MARQUEE" eval --data "$sample" "$@"
}

# Everything at once, twice: what is not a time is the same.
timeless='[{k: v for k, v in r.items() if k != "seconds"} for p in j["protocols"] for r in p["rows"]]'
ask --protocol all --model retrieval,mf-bias --seeds 2 --threads 2 --json
holds out 'j["schema"] == 1 and j["like"] == 3'
holds out '[p["protocol"] for p in j["protocols"]] == ["rating", "topn", "time", "cold-users", "cold-items", "last", "next"]'
holds out 'all(p["definition"] and p["seeds"] == [1, 2] and p["part"] == "test" for p in j["protocols"])'
holds out 'all(p["users"] > 0 for p in j["protocols"][1:])'
holds out '{r["name"] for r in j["protocols"][0]["rows"]} == {"mf-bias", "bias"}'
has 'retrieval is left out: it ranks' out
holds out 'all(len(r["measures"]) == 31 and len(r["by_seed"]["ndcg@10"]) == 2 for p in j["protocols"][1:] for r in p["rows"])'
holds out 'all(0 <= m["low"] <= m["mean"] <= m["high"] <= 1 for p in j["protocols"][1:] for r in p["rows"] for m in r["measures"].values())'
holds out 'all({g["column"] for g in r["groups"]} == {"gender", "age"} for p in j["protocols"][1:] for r in p["rows"])'
json out "$timeless" >first
ask --protocol all --model retrieval,mf-bias --seeds 2 --threads 2 --json
json out "$timeless" >second
cmp first second || fail "the same command gave other numbers"

# The tables say what was done, and to whom.
ask --model retrieval
has 'protocol topn: each user' out
has 'A like is a rating of 3 or more' out
has 'EASE (Steck 2019), lambda 500' out
has 'coverage' out
has 'female' out
awk '$1 == "retrieval" || $1 == "popular"' out | grep -q '(\.' || fail "no intervals: $(cat out)"
ask --model none --protocol cold-items --baselines popular,random
has 'popular is left out: it cannot score a new item' out
ask --model none --baselines popular --part valid
has 'for the validation part' out
ask --protocol rating --model mf-dot --baselines none
has RMSE out

# What is wrong is told.
run 0 "$MARQUEE" eval --help
refuse 2 '--data DIR is missing, or --train FILE and --test FILE' "$MARQUEE" eval
refuse 3 'nosuch' "$MARQUEE" eval --data nosuch
refuse 3 'nosuch' "$MARQUEE" eval --data "$sample" --model nosuch
deny '--protocol "nosuch": want rating, topn, time, cold-users, cold-items, last, next, or all alone' --protocol topn,nosuch --model none
deny '--baselines "nosuch": want bias' --baselines nosuch --model none
deny '--part "train": want test or valid' --part train --model none
deny 'only topn and last have a validation part, not time' --part valid --protocol time
deny 'model retrieval ranks, it does not predict stars' --protocol rating --model retrieval
deny 'baseline ease ranks, it does not predict stars' --protocol rating --baselines ease --model mf-dot
deny 'baseline bias predicts stars' --protocol topn --baselines bias
deny 'no model or baseline to measure' --model none --baselines none
deny '"0": want' --seeds 0 --model none
run 2 "$MARQUEE" eval --data "$sample" --protocol nosuch --json
holds out 'j["error"]["code"] == "usage" and "nosuch" in j["error"]["message"]'

# Data without users or times, and too few of all: refused by name, left out of "all".
mkdir plain
printf '%s\n' movieId,title,genres >plain/movies.csv
iconv -f latin1 -t utf-8 "$sample/movies.dat" | sed 's/::/\t/g' | awk -F '\t' '{ printf "%s,\"%s\",%s\n", $1, $2, $3 }' >>plain/movies.csv
printf '%s\n' userId,movieId,rating,timestamp >plain/ratings.csv
sed 's/::/,/g' "$sample/ratings.dat" | awk -F , '{ print $1 "," $2 "," $3 ",1000" }' >>plain/ratings.csv
refuse 2 'have no categories' "$MARQUEE" eval --data plain --protocol cold-users --model none
refuse 2 'have the same timestamp, 1000' "$MARQUEE" eval --data plain --protocol time --model none
run 0 "$MARQUEE" eval --data plain --protocol all --model none --json
holds out '[p["protocol"] for p in j["protocols"]] == ["rating", "topn", "cold-items", "last"]'
has 'left out: time' out
has 'left out: cold-users' out
has 'left out: next: all' out
head -n 5 plain/ratings.csv >few.csv && mv few.csv plain/ratings.csv
refuse 2 'want at least 10' "$MARQUEE" eval --data plain --protocol cold-items --model none
refuse 2 'support no protocol' "$MARQUEE" eval --data plain --protocol all --model none --baselines popular

# A published split of two files: lists, pairs, and what a schema says; the catalogue is that of both.
mkdir split
awk 'BEGIN { for (u = 1; u <= 60; u++) { line = "u" u; for (i = 0; i < 12; i++) line = line " i" (u * 7 + i * i) % 31; print line } }' >split/train
awk 'BEGIN { for (u = 1; u <= 60; u += 2) print "u" u, "i" (u * 7 + 3) % 31, "i" (u * 7 + 6) % 31, "new" u % 2 }' >split/test
given() {
    run 0 "$MARQUEE" eval --train "split/$1" --test "split/$2" --baselines ease,itemknn,popular --threads 1 --json "$3" "$4"
    json out '[[r["name"], r["measures"]] for r in j["protocols"][0]["rows"]]'
}
given train test --k 1,3 >lists
holds out 'j["data"] == {"train": "split/train", "test": "split/test", "schema": "lists", "users": 60, "items": 32, "ratings": 810}'
holds out 'j["protocols"][0]["protocol"] == "given" and j["protocols"][0]["users"] == 30'
holds out '{k for r in j["protocols"][0]["rows"] for k in r["measures"]} == {m + at for m in ("recall", "ndcg", "mrr", "hit", "precision", "recall_min") for at in ("@1", "@3")} | {"auc"}'
awk '{ for (i = 2; i <= NF; i++) print $1 "\t" $i }' split/train >split/train.tsv
awk '{ for (i = 2; i <= NF; i++) print $1 "\t" $i }' split/test | gzip >split/test.tsv
given train.tsv test.tsv --k 1,3 >pairs
cmp lists pairs || fail "pairs gave other numbers than lists"
cat >split/schema.json <<'EOF'
{"name": "pairs", "noun": ["book", "books"], "events": {"file": "any", "delimiter": "\t", "header": true,
 "fields": [{"name": "item", "kind": "id", "column": "item"}, {"name": "user", "kind": "id", "column": "user"}]}}
EOF
for part in train test; do
    awk 'BEGIN { print "item\tuser" } { for (i = 2; i <= NF; i++) print $i "\t" $1 }' split/$part >split/$part.turned
done
given train.turned test.turned --schema split/schema.json >turned
json out '[[r["name"], r["measures"]["recall@10"]] for r in j["protocols"][0]["rows"]]' >turned
run 0 "$MARQUEE" eval --train split/train --test split/test --baselines ease,itemknn,popular --threads 1 --json
json out '[[r["name"], r["measures"]["recall@10"]] for r in j["protocols"][0]["rows"]]' >usual
cmp turned usual || fail "a schema gave other numbers than lists"
run 0 "$MARQUEE" eval --train split/train --test split/test --baselines ease,popular --compare ease,popular
has 'ease minus popular, with 95% intervals by 2000 resamples of the same users' out
run 0 "$MARQUEE" eval --train split/train --test split/test --model none --baselines random,popular --compare popular,random --json
holds out 'j["protocols"][0]["compared"]["first"] == "popular" and j["protocols"][0]["compared"]["resamples"] == 2000'
refuse 2 '--test FILE is missing: a published split has two files' "$MARQUEE" eval --train split/train
refuse 2 '--train FILE is missing' "$MARQUEE" eval --test split/test --data "$sample"
refuse 2 '--protocol: the files of --train and --test are the parts' "$MARQUEE" eval --train split/train --test split/test --protocol last
refuse 2 '--store: the files' "$MARQUEE" eval --train split/train --test split/test --store S
refuse 3 'nosuch' "$MARQUEE" eval --train split/nosuch --test split/test
refuse 3 'nosuch' "$MARQUEE" eval --train split/train --test split/nosuch
: >split/empty
refuse 4 'empty: no rows' "$MARQUEE" eval --train split/train --test split/empty
refuse 2 'too few likes' "$MARQUEE" eval --train split/train --test split/train --model none --baselines popular

printf 'u1 i1\nu2 \001\n' >split/bad
refuse 4 'bad:2:' "$MARQUEE" eval --train split/train --test split/bad
deny '--compare "popular": want two different names' --compare popular
deny '--compare "ease,ease": want two different names' --compare ease,ease
deny '--compare "ease,popular,random": want two different' --compare ease,popular,random
deny '--compare "nosuch": no model or baseline of this run' --compare ease,nosuch --model none
deny '--compare: protocol rating ranks nothing' --protocol rating --model mf-bias --baselines bias --compare mf-bias,bias
deny '--k "0": want whole numbers from 1 to 10000' --k 5,0
deny '--k "10001": want whole numbers from 1 to 10000' --k 10001
deny '--k: 5 stands after 5, want ascending numbers' --k 5,5
deny '--k: more than 8 numbers' --k 1,2,3,4,5,6,7,8,9
ask --k 1,2,3,4,5,6,7,10000 --model none --baselines popular
has '10000' out

# The last like of each, and what comes next.
mkdir order
printf '{"name": "order", "events": {"file": "lists", "format": "lists", "delimiter": " "}}\n' >order/schema.json
cp split/train order/lists
run 0 "$MARQUEE" eval --data order --protocol last --baselines ease,itemknn --json
holds out 'j["protocols"][0]["users"] == 60'
refuse 2 'next: these ratings have no timestamps' "$MARQUEE" eval --data order --protocol next
run 0 "$MARQUEE" eval --data order --protocol all --model none --baselines popular
has 'left out: last: these ratings have no timestamps' out
ask --protocol next --model retrieval --baselines itemknn,popular --json
holds out 'j["protocols"][0]["asked"] == j["protocols"][0]["of"] > j["protocols"][0]["users"]'

# Trained models: on their own test part and no other.
run 0 "$MARQUEE" train --data "$sample" --model mf-bias --out m.mrq --seed 4 --test 0.2 --split user
told=$(sed -n 's/.*test_rmse=\([0-9.]*\).*/\1/p' out)
ask --model m.mrq --json
holds out 'j["protocols"][0]["protocol"] == "own" and j["protocols"][0]["rows"][0]["kind"] == "trained"'
holds out '"%.4f" % j["protocols"][0]["rows"][0]["rmse"]["mean"] == a[0]' "$told"
holds out '{r["name"] for r in j["protocols"][0]["rows"]} >= {"m.mrq", "bias", "popular", "ease"}'
deny 'm.mrq is trained' --model m.mrq --protocol topn
deny 'm.mrq is trained' --model m.mrq --seeds 2
refuse 2 'm.mrq is trained, on what is not known here' "$MARQUEE" eval --train split/train --test split/test --model m.mrq
deny 'measure them in two runs' --model retrieval,m.mrq --baselines none
refuse 4 'was trained on other data' "$MARQUEE" eval --data plain --model m.mrq
run 0 "$MARQUEE" train --data "$sample" --model mf-bias --out all.mrq --test 0 --epochs 1
deny 'without a test part' --model all.mrq --baselines none
head -c 1000 m.mrq >cut.mrq
refuse 4 'cut.mrq' "$MARQUEE" eval --data "$sample" --model cut.mrq

# A store: its model, and whether its index answers as the model does.
run 0 "$MARQUEE" train --data "$sample" --model retrieval --out r.mrq
run 0 "$MARQUEE" export --model r.mrq --store S --index Flat
ask --store S --baselines popular --json
holds out 'j["protocols"][0]["index"]["users"] == 600 and j["protocols"][0]["index"]["same_set"] >= 0.99'
ask --store S --baselines popular
has 'get the ten movies of the exact ranking' out
refuse 3 'nosuch' "$MARQUEE" eval --data "$sample" --store nosuch

# Of more than a thousand users a thousand are asked.
mkdir crowd
awk 'BEGIN { print "user,item,rating"; for (u = 1; u <= 1001; u++) for (i = 1; i < 5; i++) print u "," u * i % 31 "," 3 + u * i % 3 }' \
    >crowd/ratings.csv
awk 'BEGIN { print "id,title"; for (i = 0; i < 31; i++) print i ",Title of number " i }' >crowd/items.csv
run 0 "$MARQUEE" init crowd
run 0 "$MARQUEE" train --data crowd --out crowd.mrq
run 0 "$MARQUEE" export --model crowd.mrq --store C --index Flat
run 0 "$MARQUEE" eval --data crowd --store C --baselines none
has 'index: of 1000 known users' out

# Ctrl-C ends it, by the signal and with a word.
"$MARQUEE" eval --data "$sample" --model fusion --seeds 1000 --baselines none >out 2>err &
process=$!
processes=$process
for _ in $(seq 100); do
    ! grep -q 'seed=1 candidate=fusion' err || break
    sleep 0.1
done
kill -TERM $process
status=0
wait $process || status=$?
[ "$status" -eq 143 ] || fail "a stopped eval ended with $status: $(tail -n 3 err)"
has 'stopped in protocol topn' err
