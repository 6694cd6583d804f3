#!/bin/sh
# What is live: live.py asks a service from outside, and stops, kills and rebuilds it.
. "$(dirname "$0")/lib.sh"
token=0123456789abcdefghijklmnop
(umask 077 && echo "$token" >token)
run 0 "$MARQUEE" train --data "$sample" --out m.mrq --test 0.1 --seed 1
run 0 "$MARQUEE" export --model m.mrq --store S
refuse 2 "--live: requires --token-file" "$MARQUEE" serve --store S --live live.db
refuse 2 "--strict: requires --live" "$MARQUEE" serve --store S --strict
refuse 3 "nowhere" "$MARQUEE" rebuild --data "$sample" --store S --live nowhere/live.db
refuse 3 "nowhere" "$MARQUEE" serve --store S --live nowhere/live.db --token-file token
echo "no database, but a text that is long enough to be taken for one, were it not for its first sixteen bytes; no, it is none" >text
refuse 4 "text: SQLite: file is not a database" "$MARQUEE" serve --store S --live text --token-file token

# What a shell writes while no service has the database; an import that is repeated adds what is missing.
run 0 "$MARQUEE" event --store S --live shell.db --user ann --item 1 --kind like --id once
has "1 event added" out
run 0 "$MARQUEE" event --store S --live shell.db --user ann --item 1 --kind like --id once
has "nothing added: an event of this id is there already" out
refuse 2 '"nice": want one of like, dislike' "$MARQUEE" event --store S --live shell.db --user ann --item 1 --kind nice
refuse 2 "item ITEM is missing" "$MARQUEE" event --store S --live shell.db --user ann
head -n 300 "$sample/ratings.dat" >part.dat
(cat part.dat && echo "4::1::9::0") >wrong.dat
run 0 "$MARQUEE" import part.dat --schema ml-1m --store S --live shell.db
has "300 events added" out
run 0 "$MARQUEE" import "$sample/ratings.dat" --schema ml-1m --store S --live shell.db
has "events added, 300 were there already" out
all=$(wc -l <"$sample/ratings.dat")
refuse 4 "wrong.dat:301" "$MARQUEE" import wrong.dat --schema ml-1m --store S --live shell.db
run 0 "$MARQUEE" import wrong.dat --schema ml-1m --store S --live shell.db --skip-bad 1%
has "0 events added, 300 were there already, 1 rows left out" out
refuse 2 "no schema.json beside it" "$MARQUEE" import part.dat --store S --live shell.db
run 0 "$MARQUEE" live shell.db --store S --verify --backup copy.db
has "events        $((all + 1))" out
has "every page and row is sound" out
refuse 2 "copy.db exists already" "$MARQUEE" live shell.db --backup copy.db
run 0 "$MARQUEE" live copy.db
has "events        $((all + 1))" out
refuse 3 "nowhere.db" "$MARQUEE" live nowhere.db
python3 -c 'd = bytearray(open("copy.db", "rb").read()); d[len(d) // 2] ^= 255; open("damaged.db", "wb").write(d)'
refuse 4 "damaged.db: SQLite: " "$MARQUEE" live damaged.db --verify

python3 "$MRQ_SOURCE/tests/cli/live.py" "$sample"
