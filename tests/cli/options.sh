#!/bin/sh
# Command lines: help, versions, and every wrong option with the right exit code and one sentence that names it.
. "$(dirname "$0")/lib.sh"

for command in '' init train export infer predict rebuild rollback prune eval serve info; do
    # shellcheck disable=SC2086 # no argument at all for ''
    run 0 "$MARQUEE" $command --help
    has "marquee${command:+ $command}" out
    [ ! -s err ] || fail "$command --help wrote to stderr"
done
run 0 "$INFER" --help
run 0 "$MARQUEE" --version
grep -qE '^marquee [0-9]+\.[0-9]+\.[0-9]+$' out || fail "version: $(cat out)"
run 0 "$INFER" --version

refuse 2 'command' "$MARQUEE"
refuse 2 '"fly"' "$MARQUEE" fly
refuse 2 '--fly' "$MARQUEE" --fly
refuse 2 '"?[31mx?"' "$MARQUEE" "$(printf '\033[31mx\377')"
refuse 2 '--help=x: takes no argument' "$INFER" --help=x
for command in init train export infer predict rebuild rollback prune eval serve info; do
    refuse 2 '--fly' "$MARQUEE" $command --fly
done
refuse 2 '-X' "$INFER" -X
refuse 2 '--data' "$MARQUEE" train
refuse 2 '--data' "$MARQUEE" rebuild --store S
refuse 2 '--out' "$MARQUEE" train --data "$sample" --model fusion
refuse 2 '--model' "$MARQUEE" export --store S
refuse 2 '--data' "$MARQUEE" train --data
for wrong in '--epochs 0' '--epochs x' '--batch 0' '--batch -5' '--threads 0' '--lr 0' '--lr nan' '--lr inf' '--test 1' '--test -0.1' \
    '--test x' '--seed -1' '--seed 1.5' '--split sideways'; do
    # shellcheck disable=SC2086 # word splitting is wanted
    refuse 2 "\"${wrong#* }\": want" "$MARQUEE" train --data "$sample" --model fusion --out m.mrq $wrong
done
for wrong in '--recall 0' '--min-recall 1.5' '--max-shrink 2' '--keep 0' '--warm -1' '--test 1' '--epochs 0'; do
    # shellcheck disable=SC2086 # word splitting is wanted
    refuse 2 "\"${wrong#* }\": want" "$MARQUEE" rebuild --data "$sample" --store S $wrong
done
[ ! -e S ] || fail "a refused rebuild left a store"
for wrong in '--epochs 3' '--batch 64' '--lr 0.1' --resume '--checkpoint 60'; do
    # shellcheck disable=SC2086 # word splitting is wanted
    refuse 2 "${wrong% *}: model \"retrieval\" is solved in closed form" "$MARQUEE" train --data "$sample" --out m.mrq $wrong
done
refuse 2 'epochs: model "retrieval" is solved in closed form' "$MARQUEE" rebuild --data "$sample" --store S --model retrieval --epochs 3
refuse 2 '--l2 0.0001: model "retrieval" wants at least 0.001' "$MARQUEE" train --data "$sample" --out m.mrq --l2 0.0001
refuse 2 '--model and --store: want one of them' "$MARQUEE" predict --model m.mrq --store S
models=fusion,fusion,fusion,fusion,fusion,fusion,fusion,fusion,fusion,fusion,fusion,fusion
refuse 2 '--model: more than 12 models' "$MARQUEE" eval --data "$sample" --model $models,fusion
refuse 2 '--model: more than 12 models' "$MARQUEE" eval --data "$sample" --model $models --store S
long=$(printf '%04100d' 0)
refuse 2 'want less than' "$MARQUEE" train --data "$sample" --model fusion --out "$long/m.mrq"
# shellcheck disable=SC2046 # word splitting is wanted
long=$(printf './%.0s' $(seq 2041))mm # 4084 bytes, and 11 of ".checkpoint"
refuse 3 'cannot open nosuch' "$MARQUEE" train --data nosuch --model fusion --out "$long"
refuse 2 'want less than 4076 bytes' "$MARQUEE" train --data nosuch --model fusion --out "${long}m"
refuse 3 'nosuch' "$MARQUEE" train --data "$sample" --model nosuch --out m.mrq
refuse 3 'nosuch' "$MARQUEE" train --data "$sample" --model fusion --schema nosuch --out m.mrq
refuse 3 'no/such/folder' "$MARQUEE" train --data "$sample" --model fusion --epochs 1 --out no/such/folder/m.mrq
[ ! -e m.mrq ] || fail "a refused run left m.mrq"

quick_store
before=$(find S | sort)
refuse 2 'Sideways' "$MARQUEE" export --model m.mrq --store S --index Sideways
refuse 2 'IVF4096' "$MARQUEE" export --model m.mrq --store S --index IVF4096,Flat
[ "$(find S | sort)" = "$before" ] || fail "a refused export changed the store"

ask() {
    status=$1
    text=$2
    shift 2
    refuse "$status" "$text" "$INFER" --store S "$@"
}
ask 2 '-a "abc"' -a abc -g F -j 12
ask 2 '-a "-3"' -a -3 -g F -j 12
ask 2 '-a: empty' -a '' -g F -j 12
ask 2 '-a "25x"' -a 25x -g F -j 12
ask 2 '-a "0"' -a 0 -g F -j 12
ask 2 '-g "X"' -a 25 -g X -j 12
ask 2 '-j "21"' -a 25 -g F -j 21
ask 2 '-j "astronaut"' -a 25 -g F -j astronaut
ask 2 '-k "0"' -a 25 -g F -j 12 -k 0
ask 2 '-k "100000"' -a 25 -g F -j 12 -k 100000
ask 2 '-k "five"' -a 25 -g F -j 12 -k five
for nobody in 999999 -1 x 04 99999999999999999999 "$(printf '%0255d' 4)"; do # who are answered, and told to be unknown
    run 0 "$INFER" --store S -i "$nobody" -k 1
    has "Top 1 for user $nobody (not in the data, and nothing else is known: the answer for anybody)" out
    run 0 "$INFER" --store S -i "$nobody" -k 1 -g F
    has "Top 1 for female, user $nobody (not in the data)" out
done
ask 2 '--offset "9001": with k 1000 beyond the first 10000, want at most 9000' -k 1000 --offset 9001
run 0 "$INFER" --store S -k 1000 --offset 9000
ask 2 '--offset "10000": want a whole number from 0 to 9999' --offset 10000
ask 2 '--offset "-1": want a whole number from 0 to 9999' --offset=-1
ask 2 '--show "price": the data'"'"'s movies have no column of this name; want one of title, year, genres' --show year,price
ask 2 '--show "": want the name of a column of the items' --show year,
ask 2 '-i: empty' -i ''
ask 2 '-i "4?5": want an id, 1 to 255 bytes of UTF-8 without control characters' -i "$(printf '4\t5')"
ask 2 '-i "0000000000000000000000000000000000000000": want an id' -i "$(printf '%0256d' 4)"
ask 2 '--with age "x": want a number, 1 or more' --with age=x
ask 2 '-a "x": want a number, 1 or more' -a x --with gender=F
ask 2 '--with gender "x": want 0 to 1' -a 25 --with gender=x
ask 2 '-a "1e400": want a number, 1e+15 at most' -a 1e400
ask 2 'foo "1": neither a field of a query nor a column of the users; the columns: gender, age, job' --with foo=1
ask 2 'zip "85208": neither a field of a query' --with zip=85208
ask 2 '--with "foo": want NAME=VALUE, the name of a column of the users and a value' --with foo
ask 2 '--with "=1": want NAME=VALUE' --with =1
ask 2 '--with: empty' --with ''
# shellcheck disable=SC2046 # word splitting is wanted
ask 2 '--with: given more than 64 times' $(seq -f '--with f%g=1' 65)
ask 2 '--where: given more than 16 times' $(seq -f '--where year>%g' 17)
ask 2 '--where: given more than 16 times' $(seq -f '--where year>%g' 65)
ask 2 '--genre: given more than 64 times' $(seq -f '--genre g%g' 65)
ask 2 '--exclude: given more than 64 times' $(seq -f '--exclude %g' 65)
ask 2 'extra' -a 25 -g F -j 12 extra
ask 2 '--redis' -a 25 -g F -j 12 --redis redis://host:99999

# What is given by --with is what its own option gives; of two the last counts, and what is not given is left out.
run 0 "$INFER" --store S --json -a 25 -g F -j 12
cp out first
run 0 "$INFER" --store S --json --with job=12 --with gender=F --with age=25
cmp out first || fail "--with is another answer"
ask 2 '-a: given twice' -a 1 --with age=25
ask 2 '--with age: given twice' --with age=25 --with age=1
run 0 "$INFER" --store S --json
holds out 'j["query"] == {"user": None, "k": 5} and len(ids) == 5'
run 0 "$INFER" --store S
[ "$(head -n 1 out)" = 'Top 5 for someone' ] || fail "the head: $(cat out)"

# An error as JSON is one document on stdout.
run 3 "$INFER" --store nowhere --json -i 4
holds out 'j["schema"] == 1 and j["error"]["code"] == "not_found"'
run 2 "$INFER" --store S --json -a abc -g F -j 12
holds out 'j["error"]["code"] == "usage" and "abc" in j["error"]["message"]'
