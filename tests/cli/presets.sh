#!/bin/sh
# Every model in data/models goes all the way: train, info, export, infer and predict, with demographics and without. A model of
# one's own may use every key there is, and a wrong one is refused with the path of the key.
. "$(dirname "$0")/lib.sh"
presets=$(cd "$MRQ_SOURCE/data/models" && for file in *.json; do echo "${file%.json}"; done)
[ -n "$presets" ] || fail "no presets"

# layers: `info m.mrq` prints what the model is made of, and the parameters of the layers add up.
layers() {
    run 0 "$MARQUEE" info m.mrq
    awk '/^layer / { on = 1; next }
        on && $1 == "total" { total = $2 }
        on && $1 ~ /^(user|item)\./ && $NF ~ /^[0-9]+$/ { sum += $NF; n++ }
        END { exit !(n >= 4 && sum > 0 && sum == total) }' out || fail "the layers do not add up: $(cat out)"
    for layer in user.joint item.joint score; do
        grep -q "^$layer " out || fail "no $layer: $(cat out)"
    done
}

# agree USER: infer and predict give a user's movies the same scores; predict holds them within the ratings' range, 1 to 5, unless the
# model only ranks.
agree() {
    range='1, 5'
    [ -z "$ranks" ] || range='-9, 9'

    run 0 "$INFER" --store S --json -i "$1" -k 1000
    mv out answer
    holds answer 'len(ids) > 300 and scores == sorted(scores, reverse=True)'
    for movie in $(json answer ids); do
        echo "$1 $movie"
    done >pairs
    for from in --store\ S --model\ m.mrq; do
        # shellcheck disable=SC2086 # word splitting is wanted
        run 0 "$MARQUEE" predict $from --pairs pairs
        # shellcheck disable=SC2046
        holds answer 'len(a) == len(ids) and all(abs(float(x) - min(max(y, r[0]), r[1])) < 0.0003 for r in [('"$range"')] for x, y in zip(a, scores))' \
            $(awk '{ print $3 }' out)
    done
}

# way DATA MODEL: through all programs.
way() {
    rm -rf m.* S
    ranks=
    case $2 in
    *.json) file=$2 ;;
    *) file=$MRQ_SOURCE/data/models/$2.json ;;
    esac
    if grep -q '"objective": "ranking"' "$file"; then
        ranks=yes
        run 0 "$MARQUEE" train --data "$1" --model "$2" --out m.mrq --seed 1 --threads 1
        has "m.mrq: model $(basename "$2" .json), test_ndcg@10=" out
    else
        run 0 "$MARQUEE" train --data "$1" --model "$2" --out m.mrq --seed 1 --epochs 2 --threads 1
        has "m.mrq: model $(basename "$2" .json), best of 2 epochs: " out
    fi
    layers
    run 0 "$MARQUEE" export --model m.mrq --store S
    agree 4
}

# stranger MODEL: someone who is not in the data has an answer, whatever is told of them: by what the model looks at, and of the
# average user by what it does not know. A model that looks at the id alone has one answer for all strangers.
stranger() {
    run 0 "$INFER" --store S --json -a 25 -g F -j 12 -k 400
    holds out 'len(ids) == 400 and all(s < 20 for s in scores) and set(j["query"]) == {"age", "gender", "job", "user", "k"}'
    json out 'scores' >all
    run 0 "$INFER" --store S --json -a 25 -g F -k 400
    holds out 'len(ids) == 400 and set(j["query"]) == {"age", "gender", "user", "k"}'
    json out 'scores' >some
    run 0 "$INFER" --store S --json -k 400
    holds out 'len(ids) == 400 and j["query"] == {"user": None, "k": 400}'
    json out 'scores' >none
    if grep -q '"age"\|"\*", "kind": "category"' "$MRQ_SOURCE/data/models/$1.json"; then
        ! cmp -s all some || fail "$1: the occupation changes nothing"
        ! cmp -s some none || fail "$1: age and gender change nothing"
    else
        cmp all some || fail "$1: the occupation changes the answer"
        cmp some none || fail "$1: age and gender change the answer"
    fi
}
for preset in $presets; do
    way "$sample" "$preset"
    stranger "$preset"
done

# The sample in the layout of MovieLens latest: no demographics, so that people are known by their id alone, whatever the model.
mkdir latest
{
    echo userId,movieId,rating,timestamp
    sed 's/::/,/g' "$sample/ratings.dat"
} >latest/ratings.csv
{
    echo movieId,title,genres
    iconv -f latin1 -t utf-8 "$sample/movies.dat" |
        awk -F:: '{ gsub(/"/, "\"\"", $2); gsub(/"/, "\"\"", $3); printf "%s,\"%s\",\"%s\"\r\n", $1, $2, $3 }'
} >latest/movies.csv
for preset in $presets; do
    way latest "$preset"
    run 0 "$MARQUEE" info m.mrq
    has 'schema ml-latest' out
    ! grep -qE '^user\.(age|gender|job) ' out || fail "demographics out of nowhere: $(cat out)"
    refuse 2 "-a \"25\": neither a field of a query nor a column of the users; the columns: none" "$INFER" --store S -a 25 -g F
    run 0 "$INFER" --store S --json
    holds out 'len(ids) == 5 and j["query"] == {"user": None, "k": 5}'
done
refuse 3 'no model "nosuch": want one of' "$MARQUEE" train --data "$sample" --model nosuch --out n.mrq
for preset in $presets; do
    has "$preset" err
done

# Models of one's own with every key: a joint layer over all, and one that sums.
cat >dense.json <<'END'
{
  "name": "dense",
  "about": "Every key of a model with a dense joint layer.",
  "score": {"kind": "cosine", "scale": 4, "shift": 1.5},
  "joint": {"kind": "dense", "size": 24, "activation": "linear", "user_activation": "tanh"},
  "towers": {
    "user": [
      {"feature": "id", "kind": "id", "embedding": 8, "fc": 6, "dropout": 0.25, "lr": 2},
      {"feature": "gender", "kind": "category", "embedding": 4, "fc": 3, "optional": false},
      {"feature": "age", "kind": "category", "embedding": 4},
      {"feature": "shoe size", "kind": "category", "embedding": 4, "optional": true}
    ],
    "item": [
      {"feature": "id", "kind": "id", "embedding": 8, "fc": 6, "dropout": 0.1},
      {"feature": "ratings", "kind": "ratings", "embedding": 8, "dropout": 0.5},
      {"feature": "genres", "kind": "set", "embedding": 8, "optional": true},
      {"feature": "title", "kind": "text", "unit": "character", "embedding": 8, "window": 5, "filters": 6, "pool": "average"}
    ]
  },
  "train": {"optimizer": "momentum", "lr": 0.05, "schedule": "linear", "l2": 1e-6, "clip": 1, "order": "item", "batch": 500,
            "epochs": 2, "patience": 2, "validation": 0.1}
}
END
cat >sum.json <<'END'
{
  "name": "sum",
  "about": "Every key of a model with a joint layer that sums.",
  "score": {"kind": "dot", "bias": true, "shift": 3.5},
  "joint": {"kind": "sum", "size": 12, "activation": "tanh", "user_activation": "linear"},
  "towers": {
    "user": [
      {"feature": "id", "kind": "id", "dropout": 0.1, "lr": 0.5},
      {"feature": "gender", "kind": "category", "embedding": 4},
      {"feature": "age", "kind": "category", "bias_only": true},
      {"feature": "job", "kind": "category", "optional": true}
    ],
    "item": [
      {"feature": "id", "kind": "id", "bias_only": true},
      {"feature": "ratings", "kind": "ratings", "dropout": 0.5},
      {"feature": "genres", "kind": "set"},
      {"feature": "title", "kind": "text", "unit": "word", "embedding": 8, "window": 3, "pool": "sum"}
    ]
  },
  "train": {"optimizer": "rmsprop", "lr": 0.001, "schedule": "cosine", "l2": 0.0001, "clip": 10, "order": "random", "batch": 100,
            "epochs": 2, "patience": 1, "validation": 0.05}
}
END
cat >rank.json <<'END'
{
  "name": "rank",
  "about": "A model that ranks.",
  "score": {"kind": "dot"},
  "joint": {"kind": "sum", "size": 20},
  "towers": {
    "user": [{"feature": "age", "kind": "category"}, {"feature": "history", "kind": "history"}],
    "item": [{"feature": "title", "kind": "set"}, {"feature": "id", "kind": "id"}]
  },
  "train": {"objective": "ranking", "l2": 0.5}
}
END
for model in dense sum rank; do
    way "$sample" $model.json
    run 0 "$INFER" --store S --json -a 25 -g F -j 12
    holds out 'len(ids) == 5'
done
for optimizer in sgd momentum rmsprop adam; do
    sed "s/\"rmsprop\"/\"$optimizer\"/" sum.json >any.json
    run 0 "$MARQUEE" train --data "$sample" --model any.json --out any.mrq --epochs 1 --threads 1
done

# Each with one change is refused, and the sentence begins with the path: MODEL @ CHANGE, a line of Python about j @ TEXT.
cat >wrong <<'END'
dense @ user[2]["kind"] = "foo" @ wrong.json: towers.user[2].kind: "foo", want one of id, category
dense @ user[2]["kind"] = "text" @ wrong.json: towers.user[2].kind: "text", want one of id, category, set, history
dense @ del user[2]["kind"] @ wrong.json: towers.user[2].kind: missing
dense @ user[0]["feature"] = "name" @ wrong.json: towers.user[0].feature: "name" cannot be of kind "id"
dense @ del user[1]["feature"] @ wrong.json: towers.user[1].feature: missing
dense @ user[1]["feature"] = 3 @ wrong.json: towers.user[1].feature: 3, want a string
dense @ user[1]["feature"] = "age" @ wrong.json: towers.user[2].feature: "age" is already in towers.user[1]
dense @ user[1] = "gender" @ wrong.json: towers.user[1]: want an object
dense @ user[1]["colour"] = 1 @ wrong.json: towers.user[1].colour: unknown key, want one of feature, kind
dense @ user[1]["optional"] = "yes" @ wrong.json: towers.user[1].optional: "yes", want
dense @ user[1]["dropout"] = 0.5 @ wrong.json: towers.user[1].dropout: belongs to kind "id" or "ratings"
dense @ user[0]["dropout"] = 1 @ wrong.json: towers.user[0].dropout: 1, want a number, 0 to 0.9
dense @ user[0]["embedding"] = 0 @ wrong.json: towers.user[0].embedding: 0, want a whole number, 1 to
dense @ user[0]["embedding"] = 8.5 @ wrong.json: towers.user[0].embedding: 8.5, want a whole number
dense @ user[0]["fc"] = 100000 @ wrong.json: towers.user[0].fc: 100000, want a whole number
dense @ del user[0]["embedding"] @ wrong.json: towers.user[0].embedding: missing
dense @ j["towers"]["user"] = [] @ wrong.json: towers.user: 0 branches, want 1 to 16
dense @ j["towers"]["user"] = 17 * user[:1] @ wrong.json: towers.user: 17 branches, want 1 to 16
dense @ del j["towers"]["item"] @ wrong.json: towers.item: missing
dense @ j["towers"]["shop"] = [] @ wrong.json: towers.shop: unknown key, want one of user, item
dense @ item[2]["fc"] = 4 @ wrong.json: towers.item[2].fc: belongs to kind "id" or "category"
dense @ item[2]["pool"] = "average" @ wrong.json: towers.item[2]: unit and pool belong to kind "text"
dense @ item[2]["window"] = 3 @ wrong.json: towers.item[2]: window and filters belong to kind "text"
dense @ user[0]["lr"] = 0 @ wrong.json: towers.user[0].lr: 0, want a number, 0.001 to 100
dense @ item[3]["window"] = 4 @ wrong.json: towers.item[3].window: 4, want an odd number
dense @ del item[3]["filters"] @ wrong.json: towers.item[3]: window and filters belong to kind "text", which needs
dense @ item[3]["unit"] = "letter" @ wrong.json: towers.item[3].unit: "letter", want one of word, character
dense @ item[3]["pool"] = "max" @ wrong.json: towers.item[3].pool: "max", want one of sum, average
dense @ item[0]["bias_only"] = True @ wrong.json: towers.item[0].bias_only: needs joint.kind "sum" and score.bias
sum @ user[0]["fc"] = 12 @ wrong.json: towers.user[0].fc: leave it out
sum @ item[3]["filters"] = 12 @ wrong.json: towers.item[3].filters: leave it out
sum @ del j["score"]["bias"] @ wrong.json: towers.user[2].bias_only: needs
sum @ j["score"]["scale"] = 5 @ wrong.json: score.scale: belongs to kind "cosine"
dense @ j["score"]["bias"] = True @ wrong.json: score.bias: belongs to kind "dot"
dense @ j["score"]["kind"] = "euclid" @ wrong.json: score.kind: "euclid", want one of cosine, dot
dense @ j["score"]["scale"] = -5 @ wrong.json: score.scale: -5, want a number
dense @ del j["score"] @ wrong.json: score: missing
dense @ j["joint"]["size"] = 0 @ wrong.json: joint.size: 0, want a whole number, 1 to 1024
dense @ del j["joint"]["size"] @ wrong.json: joint.size: missing
dense @ j["joint"]["kind"] = "product" @ wrong.json: joint.kind: "product", want one of dense, sum
dense @ j["joint"]["activation"] = "relu" @ wrong.json: joint.activation: "relu", want one of linear, tanh
dense @ j["joint"]["user_activation"] = None @ wrong.json: joint.user_activation: null, want one of linear, tanh
dense @ train["optimizer"] = "adagrad" @ wrong.json: train.optimizer: "adagrad", want one of sgd, momentum, rmsprop, adam
dense @ train["schedule"] = "step" @ wrong.json: train.schedule: "step", want one of constant, linear, cosine
dense @ train["order"] = "user" @ wrong.json: train.order: "user", want one of random, item
dense @ train["lr"] = 0 @ wrong.json: train.lr: 0, want a number, 1e-09 to 1000
dense @ train["l2"] = 20000 @ wrong.json: train.l2: 20000, want a number, 0 to 10000
dense @ train["clip"] = -1 @ wrong.json: train.clip: -1, want a number
dense @ train["batch"] = 0 @ wrong.json: train.batch: 0, want a whole number, 1 to
dense @ train["epochs"] = 1.5 @ wrong.json: train.epochs: 1.5, want a whole number
dense @ train["validation"] = 1 @ wrong.json: train.validation: 1, want a number, 0 to 0.5
dense @ train["validation"] = 0 @ wrong.json: train.patience: needs a validation share
dense @ train["rate"] = 1 @ wrong.json: train.rate: unknown key, want one of objective, optimizer, lr
dense @ del j["train"] @ wrong.json: train: missing
dense @ del j["name"] @ wrong.json: name: missing
dense @ j["name"] = "" @ wrong.json: name: "", want 1 to 31 bytes
dense @ j["about"] = "two\nlines" @ wrong.json: about: want one line
dense @ j["author"] = "me" @ wrong.json: author: unknown key, want one of name, about
dense @ j["score"]["shift"] = 0 @ ratings of 1 to 5 lie outside the scores of model "dense", -4 to 4
dense @ user[3]["optional"] = False @ shoe size
dense @ user[3].update(feature="zip", optional=False) @ zip
dense @ item[2].update(feature="year", kind="text", window=3, filters=2) @ a feature "year", which the data has as another kind
END
python3 - <<'END'
import json, os
for n, line in enumerate(open("wrong"), 1):
    model, change, _ = line.split(" @ ")
    j = json.load(open(model + ".json"))
    user, item, train = j["towers"]["user"], j["towers"]["item"], j["train"]
    exec(change)
    os.mkdir(str(n))
    json.dump(j, open(f"{n}/wrong.json", "w"))
END
n=0
while read -r line; do
    n=$((n + 1))
    refuse 4 "${line##* @ }" "$MARQUEE" train --data "$sample" --model $n/wrong.json --out n.mrq
done <wrong
[ $n -gt 50 ] || fail "only $n wrong models"
[ ! -e n.mrq ] || fail "a refused run left n.mrq"
