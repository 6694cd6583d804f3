#!/bin/sh
# marquee init: a folder that no schema describes becomes one that the other commands read.
. "$(dirname "$0")/lib.sh"

# Invented: 60 users of three tastes, 30 books.
mkdir shop
awk 'BEGIN { print "customer;isbn;stars;bought"
    for (u = 1; u <= 60; u++) for (k = 0; k < 8; k++) { b = (u % 3 * 10 + k * (1 + u % 7)) % 30
        printf "%03d;%010d;%d;2024-03-%02d\n", u, b, int(b / 10) == u % 3 ? 5 : 1 + k % 4, 1 + k } }' >shop/orders.csv
awk 'BEGIN { print "ISBN,Title,Genres,Price"
    for (b = 0; b < 30; b++) printf "%010d,\"Book %d, or more (19%d)\",%s,%s\n", b, b, 60 + b, b % 2 ? "Crime" : "Crime|War", b % 7 ? b + 0.5 : "NULL" }' \
    | gzip >shop/books.csv.gz
awk 'BEGIN { print "id\tsex\tage"
    for (u = 1; u <= 60; u++) printf "%03d\t%s\t%s\n", u, u % 2 ? "F" : "M", u % 5 ? 15 + u : "-" }' >shop/people.tsv
printf '%s\n' 'About this data.' 'It was made up, for a test.' >shop/README
printf '#!/bin/sh\necho\n' >shop/fetch.sh

run 0 "$MARQUEE" init shop
for line in 'orders.csv: 480 events; utf-8, columns divided by ";", with a header' \
    'orders.csv: customer: the user, 60 different ones, by its name' \
    'orders.csv: isbn: the item, 30 different ones, by its name' \
    'orders.csv: stars: the value, 1 to 5; a like is 3 or more, the middle;' \
    'orders.csv: bought: the time, as dates such as 2024-03-01' \
    'books.csv.gz: 30 books; utf-8, columns divided by ",", with a header, in quotes where needed' \
    'books.csv.gz: Title: the title, with the year in brackets at its end' \
    'books.csv.gz: Genres: a set of 2 members, divided by "|", called genres' \
    'books.csv.gz: Price: a number from 1.5 to 29.5, called price; 5 unknown' \
    'people.tsv: sex: one of 2 values, called gender' \
    'people.tsv: age: a number from 16 to 74, in 6 ranges; 12 unknown' \
    'README: not used: no columns' 'fetch.sh: not used: a script' 'wrote shop/schema.json' \
    'next: marquee info shop; marquee train --data shop --out model.mrq'; do
    has "$line" out
done
[ ! -s err ] || fail "to standard error: $(cat err)"
holds shop/schema.json 'j["noun"] == ["book", "books"] and "like" not in j and j["events"]["file"] == "orders.csv"'

# What was written is what the others read.
run 0 "$MARQUEE" info shop
has 'shop (Written by marquee init)' out
grep -qE '^books +30 ' out || fail "not 30 books: $(cat out)"
run 0 "$MARQUEE" train --data shop --out m.mrq --threads 1
run 0 "$MARQUEE" export --model m.mrq --store S --index Flat
run 0 "$INFER" --store S -i 007 -a 20 --genre War --json
holds out 'len(ids) > 0 and all(len(id) == 10 for id in ids)'

# A schema that is there stays.
echo '{"mine": true}' >shop/schema.json
refuse 2 'shop/schema.json is there already; --force writes over it' "$MARQUEE" init shop
has mine shop/schema.json
run 0 "$MARQUEE" init shop --out elsewhere.json --noun novel,novels
has 'next: marquee info shop --schema elsewhere.json;' out
holds elsewhere.json 'j["noun"] == ["novel", "novels"]'
has mine shop/schema.json
refuse 2 'elsewhere.json is there already' "$MARQUEE" init shop --out elsewhere.json
run 0 "$MARQUEE" init shop/ --force
holds shop/schema.json 'j["name"] == "shop"'
refuse 2 '--noun "novel": want two words' "$MARQUEE" init shop --noun novel --force
refuse 2 '--noun "a,b,c": want two words' "$MARQUEE" init shop --noun a,b,c --force

# Of two files of events the larger is taken; a line for each user will do.
mkdir lists
printf '0 5 6 7\n1\n2 5\n3 6 7 8 9 10\n4 5 6\n' >lists/train.txt
printf '0 8\n1 9 10\n' >lists/test.txt
run 0 "$MARQUEE" init lists
has 'train.txt: 11 events; utf-8, columns divided by a blank, a line for each user' out
has 'test.txt: not used: it could be events too, but train.txt is larger' out
holds lists/schema.json 'j["like"] == "all" and j["events"]["format"] == "lists"'
run 0 "$MARQUEE" info lists

# Files of a folder instead of all; what is known of items stands in several.
mkdir several
awk 'BEGIN { print "user,item"; for (u = 1; u <= 40; u++) for (k = 0; k < 6; k++) print "u" u ",i" (u * k * 7 + k) % 20 }' >several/events.csv
awk 'BEGIN { print "item,tag"; for (i = 0; i < 20; i++) { print "i" i ",red"; print "i" i ",t" i % 5 }; print "x,red" }' >several/tags.csv
awk 'BEGIN { print "item;maker"; for (i = 0; i < 15; i++) print "i" i ";maker " i % 4 }' >several/makers.txt
awk 'BEGIN { print "item,name"; for (i = 0; i < 20; i++) print "i" i ",Thing " i }' >several/things.csv
run 0 "$MARQUEE" init several/events.csv several/tags.csv several/makers.txt
for line in 'tags.csv: 41 rows about items; utf-8, columns divided by ",", with a header' \
    'tags.csv: note: 1 of its 21 ids, such as "x", are those of no item; their rows are left alone' \
    'tags.csv: tag: a set of 6 members, called tag' \
    'makers.txt: maker: one of 4 values, called maker' \
    'items: no file lists them; they are those of the events' 'wrote several/schema.json'; do
    has "$line" out
done
! grep -q things out || fail "what was not named was looked at: $(cat out)"
run 0 "$MARQUEE" train --data several --out several.mrq --threads 1
has 'items: used maker, tag' err
has 'tags.csv: 1 of 41 rows are of ids that no item has, and are left alone' err
run 0 "$MARQUEE" init several --force
has 'things.csv: 20 items' out
has 'tags.csv: 41 rows about items' out
holds several/schema.json '[f["file"] for f in j["items"]["join"]] == ["makers.txt", "tags.csv"] and j["items"]["file"] == "things.csv"'
run 0 "$MARQUEE" info several
refuse 2 'want a folder, or files of one' "$MARQUEE" init
refuse 2 'shop/orders.csv is not in several, as several/events.csv is; want files of one folder' \
    "$MARQUEE" init several/events.csv shop/orders.csv
refuse 2 'events.csv is given twice' "$MARQUEE" init several/events.csv several/events.csv --force
refuse 2 './shop is no file; want files of one folder, or one folder' "$MARQUEE" init shop several
refuse 3 'cannot open several/nosuch.csv: No such file or directory' "$MARQUEE" init several/nosuch.csv several/events.csv --force

# What a schema may say is in the program.
run 0 "$MARQUEE" init --explain
[ "$(head -n 1 out)" = '## Schemas' ] || fail "not the guide: $(head -n 3 out)"
has '"join": [' out
! grep -q '^## Ids' out || fail 'the guide goes on'

# What cannot be.
mkdir none matrix
refuse 3 'none: no files' "$MARQUEE" init none
refuse 3 'cannot open nosuch' "$MARQUEE" init nosuch
echo 'Nothing here.' >none/README
refuse 4 'none: no file of events (who had what): README: no column of users beside one of items' "$MARQUEE" init none
awk 'BEGIN { for (u = 1; u <= 40; u++) for (i = 0; i < 40; i++) printf "%d%s", u * i % 11 - 5, i < 39 ? "," : "\n" }' >matrix/votes.csv
run 0 "$MARQUEE" init matrix --out votes.json
has 'votes.csv: 1600 events; utf-8, a matrix, a line for each user, 40 columns for items' out
holds votes.json 'j["events"]["format"] == "matrix"'
run 0 "$MARQUEE" train --data matrix --schema votes.json --out v.mrq
[ "$(ls none matrix)" = "$(printf 'matrix:\nvotes.csv\n\nnone:\nREADME')" ] || fail 'a refused folder got a schema'
