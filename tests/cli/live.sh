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
python3 "$MRQ_SOURCE/tests/cli/live.py" "$sample"
