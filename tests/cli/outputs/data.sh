# shellcheck shell=sh disable=SC2086 # word splitting is wanted
# `marquee info` of data: the sample, and a folder in which everything is odd.
show marquee info sample
show marquee info sample --schema ml-100k
mkdir odd half none
cat >odd.json <<'END'
{"name": "odd", "about": "All kinds of columns", "users": {"file": "u", "delimiter": ";", "fields": [
  {"name": "id", "kind": "id"}, {"name": "town", "kind": "category"}, {"name": "height", "kind": "number"},
  {"name": "hobbies", "kind": "set", "delimiter": "|"}, {"name": "blank", "kind": "number"}]},
 "movies": {"file": "m", "delimiter": ";", "fields": [{"name": "id", "kind": "id"}, {"name": "name", "kind": "text"},
  {"name": "kinds", "kind": "set", "flags": ["new", "old"]}]},
 "ratings": {"file": "r", "delimiter": ";", "fields": [{"name": "user", "kind": "id"}, {"name": "movie", "kind": "id"},
  {"name": "rating", "kind": "rating", "min": -10, "max": 10}]}}
END
for n in $(seq 26); do
    printf '%d;Tówn %02d;%d.5;sews|sings|%s;\n' "$((n * 1001))" "$n" "$((n - 3))" "$(printf 'h%.0s' $(seq "$n"))" >>odd/u
done
printf '77;Tówn 01;;%s;\n' "$(seq -s '|' 1000 1030)" >>odd/u
# 63 bytes of a cell are shown, and of a character all or nothing.
printf '1;One;1;0\n2;%s;0;1\n' "$(printf 'é%.0s' $(seq 40))" >odd/m
for n in $(seq 19); do
    printf '%d;%d;%s\n' "$((n * 1001))" $((n % 2 + 1)) "$((n - 10)).25"
done >odd/r
show marquee info odd --schema odd.json
cp odd/u odd/m half
{ cat odd/r; printf '26026;1;9.5\n'; } >half/r # twenty different ones are listed
show marquee info half --schema odd.json
printf '24024;1;9.75\n' >>half/r # and one more is too many
show marquee info half --schema odd.json
printf '%s' '{"name": "none", "about": "Of people only ids", "movies": {"file": "m", "delimiter": ";", "fields": [{"name": "id", "kind": "id"},
{"name": "name", "kind": "text", "split": "characters"}]}, "ratings": {"file": "r", "delimiter": ";", "fields": [
{"name": "user", "kind": "id"}, {"name": "movie", "kind": "id"}, {"name": "rating", "kind": "rating", "min": 1, "max": 5},
{"name": "at", "kind": "timestamp"}]}}' >none.json
printf '5;A\n1000000;Bcd\n' >none/m
printf '7;5;3;951782400\n8;5;3;951782399\n' >none/r
show marquee info none --schema none.json
show marquee info nosuch
show marquee info none
mkdir empty
show marquee info empty
show marquee info empty --schema ml-1m
