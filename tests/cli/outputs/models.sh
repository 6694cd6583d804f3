# shellcheck shell=sh disable=SC2086 # word splitting is wanted
# Trainings of each preset, what they leave, and what `marquee info` tells of it; predictions.
train() { show marquee train --data sample --threads 2 "$@"; }
train --out retrieval.mrq --seed 2
train --out fusion.mrq --model fusion --epochs 2 --split hash
train --out mf-bias.mrq --model mf-bias --epochs 3 --batch 512 --lr 0.01 --l2 0.02 --test 0.2 --split time
train --out mf-dot --model mf-dot --epochs 1 --test 0 --split user
train --out paddle.mrq --model paddle-demo --epochs 1
train --out rating.mrq --model rating --epochs 2 --schema ml-1m
cat >odd.json <<'END'
{"name": "odd", "about": "All that info tells", "score": {"kind": "cosine", "scale": 2.5, "shift": 3}, "joint": {"size": 8},
 "towers": {"user": [{"feature": "gender", "kind": "category", "embedding": 2, "fc": 3}],
            "item": [{"feature": "genres", "kind": "set", "embedding": 4}]},
 "train": {"lr": 0.01, "batch": 512, "epochs": 40, "validation": 0.2, "patience": 2, "clip": 1}}
END
train --out odd.mrq --model odd.json
sed 's/"epochs": 40/"epochs": 103/; s/"patience": 2/"patience": 0/' odd.json >long.json
marquee train --data sample --threads 2 --out long.mrq --model long.json 2>/dev/null >&2
train --out lost.mrq --model mf-dot --epochs 2 --lr 10 --test 0
for model in retrieval.mrq fusion.mrq mf-bias.mrq mf-dot paddle.mrq rating.mrq odd.mrq; do
    show marquee info $model
done
show ls
show cut -d, -f1-4,7 odd.curve.csv
# shellcheck disable=SC2016 # of awk
show awk -F, 'NR > 102 { print $1, $2, $3, $4, $7 }' long.curve.csv
show marquee info odd.curve.csv

# What is in the way of a training.
show marquee train --data sample --out sample/users.dat --model mf-dot --epochs 1
: >empty.mrq
head -c 8 retrieval.mrq >head.mrq
head -c 7 retrieval.mrq >short.mrq
for out in empty.mrq head.mrq short.mrq nosuch/m.mrq sample; do
    train --out $out --model mf-dot --epochs 1
done
long=$(printf '%04084d' 0)
for end in '' 0; do # the longest name that has room for what stands beside it, and one more
    marquee train --data sample --out "$long$end.mrq" 2>told || :
    show sed 's/0000*/0../g' told
done
for wrong in '--l2 0.0009' '--epochs 1' '--batch 1' '--lr 1' '--resume' '--checkpoint 0'; do
    train --out no.mrq $wrong
done
train --out l2.mrq --l2 0.001
train --out resumed.mrq --model mf-dot --epochs 1 --resume --checkpoint 0
show marquee train --data nosuch --out no.mrq
train --out no.mrq --model nosuch

# Predictions.
seventy=$(printf '%070d' 7)
for model in '--model retrieval.mrq' '--model mf-bias.mrq'; do
    typed '1\n2\n3\n4\n' marquee predict $model
done
p='marquee predict --model mf-bias.mrq'
for text in '' '1' '1\n' 'x\n' '-1\n' '99999\n' '1\n99999\n' "$seventy\n" '1\r\n2\r\n' '1 \n'; do
    typed "$text" $p
done
for text in '' '1 1\n2 3\n' '1\t\t1\r\n\n2 1' '1\t \t1\n' '1\n' ' 1 1\n' '1 \n' '1 1 1\n' '1 1\n\n\nx 1\n' '1 99999\n' '99999 1\n' "$seventy 1\n" \
    "1 $seventy$seventy$seventy$seventy\n" "1 $(printf '%0522d' 1)\n" "1 $(printf '%0523d' 1)\n"; do
    typed "$text" $p --pairs -
done
printf '1 1\n2 x\n' >pairs
show $p --pairs pairs
show $p --pairs nosuch
show $p --pairs sample
show marquee predict --model nosuch
show marquee predict --model sample/users.dat
