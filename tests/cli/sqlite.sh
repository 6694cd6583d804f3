#!/bin/sh
# Data in a database of SQLite: what files of the same rows would give, one sentence for each wrong query, and Ctrl-C.
. "$(dirname "$0")/lib.sh"
[ -z "$(ldconfig -p 2>/dev/null)" ] || ldconfig -p | grep -q 'libsqlite3\.so\.0' || skip "libsqlite3-0 is not installed"
cat >make.py <<'END'
import csv, random, sqlite3
random.seed(1)
shop = sqlite3.connect("shop.db")
shop.executescript("""CREATE TABLE log(who TEXT, what INTEGER, stars REAL, at INTEGER);
    CREATE TABLE books(id INTEGER, title TEXT, price REAL); CREATE TABLE people(id TEXT, town TEXT)""")
books = [(i, f'Book "{i}", é\nor\r\n{i % 3}', None if i % 7 == 0 else i * 1.25) for i in range(40)]
people = [(f"u,{i}", ["Ulm", "", None][i % 3]) for i in range(60)]
log = [(f"u,{random.randrange(60)}", random.randrange(40), random.randrange(1, 6), 1500000000 + i) for i in range(3000)]
for table, rows in ("log", log), ("books", books), ("people", people):
    shop.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    with open(f"files/{table}", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([c[1] for c in shop.execute(f"PRAGMA table_info({table})")])
        writer.writerows(rows)
shop.commit()
END
mkdir files
python3 make.py
fields='"people": [{"name": "id", "kind": "id", "column": "id"}, {"name": "town", "kind": "category", "column": "town"}],
"books": [{"name": "id", "kind": "id", "column": "id"}, {"name": "title", "kind": "text", "column": "title"},
  {"name": "price", "kind": "number", "column": "price"}],
"log": [{"name": "user", "kind": "id", "column": "who"}, {"name": "item", "kind": "id", "column": "what"},
  {"name": "rating", "kind": "rating", "column": "stars"}, {"name": "at", "kind": "timestamp", "column": "at"}]'
python3 - "{$fields}" <<'END'
import json, sys
fields = json.loads(sys.argv[1])
roles = {"users": "people", "items": "books", "events": "log"}
for name, how in ("files/schema.json", lambda t: {"file": t, "delimiter": ",", "header": True, "quoted": True}), (
        "schema.json", lambda t: {"query": f"SELECT * FROM {t} -- all of it\n ; "}):
    json.dump({"name": "shop"} | {r: how(t) | {"fields": fields[t]} for r, t in roles.items()}, open(name, "w"))
END

# The same rows give the same data set. A schema.json beside the database is found, from another folder, too.
run 0 "$MARQUEE" info files
grep -v '^data\|^fingerprint' out >want
run 0 "$MARQUEE" info sqlite:shop.db
grep -v '^data\|^fingerprint' out >got
diff want got || fail "the rows of the database are others than those of the files"
has 'Book "1", é or  1' got
cd files
run 0 "$MARQUEE" info sqlite:../shop.db --schema ../schema.json
run 0 "$MARQUEE" info "sqlite:$work/shop.db"
cd ..
run 0 "$MARQUEE" train --data sqlite:shop.db --out m.mrq
run 0 "$MARQUEE" eval --data sqlite:shop.db --model none --baselines popular
run 0 "$MARQUEE" rebuild --data sqlite:shop.db --store S

database=sqlite:shop.db
refuses 'SELECT who AS user, what FROM log' 'events.query: no column "item" in the result, which has user, what'
refuses 'SELECT who, what FROM log' 'events.query: no column "user" in the result, which has who, what'
refuses "SELECT 1 AS user, 2 AS item, 3 AS user" 'events.query: the result has two columns "user"'
refuses 'SELECT who AS user, what AS item FROM log WHERE 0' 'events.query: no rows'
refuses 'SELECT who AS user, what AS item FROM books' 'events.query: SQLite: no such column: who'
refuses 'SELEKT 1' 'events.query: SQLite: near "SELEKT": syntax error'
refuses 'SELECT 1; SELECT 2' 'events.query: more than one statement, want one SELECT'
for writes in 'DELETE FROM log' 'INSERT INTO log(who) VALUES (1) RETURNING who AS user, 1 AS item' 'PRAGMA journal_mode = wal' \
    "ATTACH 'other.db' AS other" 'VACUUM' '-- nothing'; do
    refuses "$writes" 'events.query: a statement that gives no rows or that writes, want a SELECT'
done
refuses ' ; ' 'q.json: events.query: empty, want a SELECT'
refuses "SELECT 1 AS user, 'a' || char(0) || 'b' AS item" 'events.query, row 1: a NUL byte'
refuses "SELECT 1 AS user, 2 AS item UNION ALL SELECT 'a
b', x'' UNION ALL SELECT 3, x'ff'" 'events.query, row 2: user "a\x0ab", want an id'
refuses "SELECT 1 AS user, 2 AS item UNION ALL SELECT 3, x'ff'" 'events.query, row 2: the byte \xff is not valid UTF-8'
refuses 'SELECT load_extension(1) AS user, 2 AS item' 'events.query: SQLite: not authorized'
[ ! -e other.db ] || fail "a query has written other.db"
# A value is not copied whole, however long it is; a record's length is allowed.
big='events.query: a value of more than 64 MB, want columns of ids, numbers and texts'
refuses "SELECT zeroblob(67108865) AS user, 2 AS item" "$big"
refuses "SELECT hex(zeroblob(40000000)) AS user, 2 AS item" "$big"
refuses "SELECT zeroblob(67108864) AS user, 2 AS item" 'events.query:2: a record of more than 64 MB'
python3 -c 'import sqlite3
shop = sqlite3.connect("shop.db")
shop.executescript("CREATE TABLE covers(id INTEGER, picture BLOB); INSERT INTO covers VALUES (1, zeroblob(100000000)); CREATE TABLE x(id)")'
refuses 'SELECT id AS user, picture AS item FROM covers' "$big"
refuses 'SELECT id AS user, 1 AS item FROM covers WHERE id > 1' 'events.query: no rows'
asks 'SELECT id AS user, 1 AS item FROM covers UNION SELECT 2, 2'
run 0 "$MARQUEE" info sqlite:shop.db --schema q.json

python3 -c 'import json
j = json.load(open("schema.json"))
j["items"]["query"] = "SELECT 1 AS id, 2 AS title, 3 AS price UNION ALL SELECT 5, 6, 7 UNION ALL SELECT 1, 4, 4"
json.dump(j, open("twice.json", "w"))
j["items"] = {"file": "books", "delimiter": ",", "fields": [{"name": "id", "kind": "id"}]}
json.dump(j, open("mixed.json", "w"))
j["items"] = {}
j["items"] = {"join": [{"query": "SELECT id, title FROM books", "fields": [{"name": "id", "kind": "id"}, {"name": "title", "kind": "text"}]},
    {"query": "SELECT what AS id, who AS tags FROM log", "fields": [{"name": "id", "kind": "id"}, {"name": "tags", "kind": "set"}]}]}
json.dump(j, open("joined.json", "w"))
j["items"]["join"][0] = {"file": "books", "delimiter": ",", "fields": [{"name": "id", "kind": "id"}, {"name": "title", "kind": "text"}]}
json.dump(j, open("half.json", "w"))
j["items"] = {"query": "SELECT 1 AS id", "file": "books", "fields": [{"name": "id", "kind": "id"}]}
json.dump(j, open("both.json", "w"))'
refuse 4 'items.query, row 3: id 1 is already in items.query, row 1' "$MARQUEE" info sqlite:shop.db --schema twice.json
refuse 4 'items.file: the data is a database, want a "query"' "$MARQUEE" info sqlite:shop.db --schema mixed.json
run 0 "$MARQUEE" info sqlite:shop.db --schema joined.json
has 'tags: set, ' out
has 'title: text, ' out
refuse 4 'items.join[0].file: the data is a database, want a "query"' "$MARQUEE" info sqlite:shop.db --schema half.json
refuse 4 'both.json: items.file: unknown key' "$MARQUEE" info sqlite:shop.db --schema both.json
refuse 4 'users.query: files is a folder, want --data sqlite:FILE or postgresql://USER@HOST/DATABASE' \
    "$MARQUEE" train --data files --schema schema.json --out n.mrq
refuse 2 'a database wants --schema FILE, whose queries say what to read, or a schema.json beside it' "$MARQUEE" info sqlite:nosuch/log
refuse 3 'cannot open nosuch.db: No such file' "$MARQUEE" info sqlite:nosuch.db
refuse 4 'files is no file, want a database of SQLite' "$MARQUEE" info sqlite:files --schema schema.json
refuse 4 'files/log: SQLite: file is not a database' "$MARQUEE" info sqlite:files/log --schema schema.json
refuse 3 'cannot open :memory:: No such file' "$MARQUEE" info sqlite::memory: --schema schema.json

# Ctrl-C cancels a query that would not end, and the program ends by the signal. It is sent until it has come.
asks 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT sum(x) AS user, 1 AS item FROM c'
"$MARQUEE" train --data sqlite:shop.db --schema q.json --out n.mrq >out 2>err &
reader=$!
processes="$processes $reader"
while kill -INT $reader 2>/dev/null; do
    sleep 1
done
got=0
wait $reader || got=$?
[ $got -eq 130 ] || fail "Ctrl-C: ended with $got, want 130"
has 'marquee train: events.query: stopped, and the query was cancelled' err
[ ! -e n.mrq ] || fail "a model of a query that was cancelled"
