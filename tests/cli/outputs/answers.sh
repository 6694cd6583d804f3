# shellcheck shell=sh disable=SC2086 # word splitting is wanted
# Tables of answers, of a model that ranks and of one of stars: who was asked for, which movies may come, why they come.
marquee train --data sample --out r.mrq --threads 2 2>/dev/null >&2
marquee train --data sample --out f.mrq --threads 2 --model fusion --epochs 1 --seed 2 2>/dev/null >&2
show marquee export --model r.mrq --store R --index Flat
show marquee export --model f.mrq --store F --index HNSW16
export MARQUEE_STORE=R
show infer -a 25 -g F -j programmer
show infer -a 25 -g F -j 12 --store F --explain
show infer -i 4 -k 3 --explain
show infer -i 4 -k 3 --include-seen
show infer -i 1 -a 56 -k 2 --genre Comedy
show infer --liked 85,348 -k 4 --explain
show infer --liked 85 --liked 348,1,2,3 -k 2 --explain
show infer --liked 85 --disliked 348 -k 2 --explain
show infer --liked 348,349,350,85 --disliked 1,2,6 -k 2 --explain
show infer --disliked 1,2 -a 18 -g M -j 4 -k 2 --explain
show infer --disliked 7 -i 2 -k 2 --include-seen --liked 8
show infer -a 25 -g F -j 12 --genre Comedy --genre Romance --year 1990-1999
show infer -a 25 -g F -j 12 --genre Comedy --genre Romance --all-genres -k 3 --exclude 1
show infer -a 25 -g F -j 12 --year 1990 --exclude 1,2,3
show infer -a 25 -g F -j 12 --year -1950 -k 2
show infer -a 25 -g F -j 12 --exclude 12 -k 1
show infer -a 25 -g F -j 12 --year 1700
show infer -a 25 -g F -j 12 --json -k 2
show infer -i 4 --json -k 2 --genre Drama --genre War --all-genres --year 1950- --exclude 5 --explain
show infer --liked 85,348 --disliked 3 -k 2 --json --explain
show marquee similar 85
show marquee similar 85 -k 2 --store F
show marquee similar 'besieged medic' -k 2 --year 1990- --exclude 1
show marquee similar 85 --genre Comedy --genre Drama -k 1 --json
show marquee similar 85 --year 1700
show marquee similar 85 --year 1700 --json

# On a terminal texts are cut to its width, genres before titles, and words are not.
on() { on_terminal "$1" "$INFER" -i 4 -k 3 --explain | tr -d '\r'; }
for columns in 200 79 78 70 64 60 56 50 49 48 40; do
    show on $columns
done

# A table without titles, genres or people; letters that are no terminal's.
mkdir plain
printf '{"name": "plain", "about": "Ids", "movies": {"file": "m", "delimiter": ";", "fields": [{"name": "id", "kind": "id"}]},
"ratings": {"file": "r", "delimiter": ";", "fields": [{"name": "user", "kind": "id"}, {"name": "movie", "kind": "id"},
{"name": "rating", "kind": "rating", "min": 1, "max": 5}]}}' >plain.json
seq 1000 1059 >plain/m
awk 'BEGIN { for (u = 1; u <= 60; u++) for (m = 0; m < 12; m++) print u ";" 1000 + (u * 7 + m * m) % 60 ";" 1 + (u + m) % 5 }' >plain/r
show marquee train --data plain --schema plain.json --out p.mrq --threads 2
show marquee export --model p.mrq --store P --index Flat
show infer --store P -i 5 --explain
show infer --store P --liked 1000,1001,1002,1003 --explain
show marquee similar --store P 1003 --json
show marquee similar --store P 1003
sed 's/"id", "kind": "id"}]}/"id", "kind": "id"}, {"name": "title", "kind": "text"}, {"name": "kinds", "kind": "set", "delimiter": "|"}]}/' \
    plain.json >titled.json
for id in $(seq 1000 1059); do
    printf '%d;Tïtle\001\177 %d%s;a\t|b%d\n' "$id" "$id" "$(printf 'ü%.0s' $(seq $((id % 7))))" $((id % 3))
done >plain/m
show marquee train --data plain --schema titled.json --out t.mrq --threads 2 --test 0
show marquee export --model t.mrq --store T --index Flat
show infer --store T -i 5 --explain -k 3
show marquee similar --store T 1003 -k 2 --genre b1

# What cannot be answered.
for wrong in '-a 0 -g F -j 12' '-a 25 -g X -j 12' '-a 25 -g F -j nothing' '-a 25 -g F' '-i 3' '-i 3 --json' '-i 4 --genre nosuch' \
    '-i 4 --year 2000-1990' '-i 4 --year x' '-i 4 --exclude 999999' '-i 4 --exclude 1,x' '-i 4 --exclude 1,,2' '-i 4 --exclude ,' \
    '--liked 999999' '--liked 1,2x' '--liked 1 --disliked 1' '--disliked 1' '--disliked x' '-i 4 extra' \
    '-i 4 --liked 12345678901234567890123456789012345678901234567890,1' '-i 4 --json --liked x' '-i 4 --store nosuch' \
    '--liked 85 --explain --store F'; do
    show infer $wrong
done
for wrong in 999999 nosuch 'the' '85 --genre nosuch' '85 --exclude x' '85 --year x' '85 --json --year x'; do
    show marquee similar $wrong
done
