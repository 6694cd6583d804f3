#!/bin/sh
# Data in a real PostgreSQL, which this test starts for itself on a socket: what files of the same rows would give, one snapshot for
# all queries, passwords, one sentence for each wrong query, Ctrl-C, and a server that stops midway.
. "$(dirname "$0")/lib.sh"
bin=
for folder in /usr/lib/postgresql/*/bin; do
    [ ! -x "$folder/initdb" ] || bin=$folder
done
[ -n "$bin" ] || skip "PostgreSQL is not installed (Debian's package postgresql)"

# The server does not run as root.
as=
if [ "$(id -u)" -eq 0 ]; then
    as='setpriv --reuid=nobody --regid=nogroup --clear-groups'
fi
server=$(mktemp -d "${TMPDIR:-/tmp}/marquee-pg-XXXXXX")
postmaster=
stop_server() {
    [ -z "$postmaster" ] || kill -INT "$postmaster" 2>/dev/null || true
    [ -z "$postmaster" ] || wait "$postmaster" || true
    postmaster=
}
trap 'stop_server; rm -rf "$server"; finish' EXIT
echo geheim >"$server/password"
[ -z "$as" ] || chown -R nobody:nogroup "$server"
chmod 711 "$server"
$as "$bin/initdb" -D "$server/data" -U ada -A scram-sha-256 --pwfile="$server/password" -E UTF8 --locale=C --no-sync >init.log 2>&1 ||
    fail "initdb: $(cat init.log)"
echo '*:*:*:ada:geheim' >pass
chmod 600 pass
export PGPASSFILE="$work/pass"
url="postgresql://ada@/postgres?host=$server"
sql() {
    "$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 "$url" "$@"
}
start_server() {
    $as "$bin/postgres" -D "$server/data" -k "$server" -c listen_addresses= -c fsync=off </dev/null >server.log 2>&1 &
    postmaster=$!
    for _ in $(seq 300); do
        ! sql -c 'SELECT 1' >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    fail "PostgreSQL does not start: $(cat server.log)"
}
start_server
sql <<'END'
CREATE TABLE people AS SELECT 'u,' || i AS id, (ARRAY['Ulm', '', NULL])[1 + i % 3] AS town, i % 2 = 0 AS member
    FROM generate_series(0, 59) i;
CREATE TABLE books AS SELECT i AS id, 'Book "' || i || '", é' || chr(10) || 'or' AS title, nullif(i % 7, 0) * 1.25 AS price
    FROM generate_series(0, 39) i;
CREATE TABLE log AS SELECT 'u,' || i % 60 AS who, (i / 60 + i) % 40 AS what, 1 + i * 31 % 5 AS stars,
    timestamptz '2026-01-31 03:00+01' + i * interval '1 minute' AS at FROM generate_series(0, 2399) i;
END
mkdir files
for table in people books log; do
    sql -c "COPY $table TO STDOUT (FORMAT csv, HEADER)" >files/$table
done
python3 - <<'END'
import json
fields = {
    "people": [{"name": "id", "kind": "id"}, {"name": "town", "kind": "category"}, {"name": "member", "kind": "category"}],
    "books": [{"name": "id", "kind": "id"}, {"name": "title", "kind": "text"}, {"name": "price", "kind": "number"}],
    "log": [{"name": "user", "kind": "id", "column": "who"}, {"name": "item", "kind": "id", "column": "what"},
            {"name": "rating", "kind": "rating", "column": "stars"},
            {"name": "at", "kind": "timestamp", "unit": "iso"}]}
roles = {"users": "people", "items": "books", "events": "log"}
asked = {"name": "shop"} | {r: {"query": f"SELECT * FROM {t} -- all of it\n ; ", "fields": fields[t]} for r, t in roles.items()}
json.dump(asked, open("asked.json", "w"))
for table in fields.values():
    for field in table:
        field.setdefault("column", field["name"])
json.dump({"name": "shop"} | {r: {"file": t, "delimiter": ",", "header": True, "quoted": True, "fields": fields[t]}
                              for r, t in roles.items()}, open("files/schema.json", "w"))
# The first query waits for a lock, which says that the snapshot was taken before it is let go.
asked["users"]["query"] = "SELECT people.* FROM people, (SELECT pg_advisory_xact_lock_shared(7)) AS waits"
json.dump(asked, open("waits.json", "w"))
END

# The same rows give the same data set, whatever the server's zone and style of dates.
run 0 "$MARQUEE" info files
grep -v '^data\|^fingerprint' out >want
sql -c "ALTER ROLE ada SET TimeZone = 'Asia/Tokyo'" -c "ALTER ROLE ada SET DateStyle = 'German'"
run 0 "$MARQUEE" info "$url" --schema asked.json
grep -v '^data\|^fingerprint' out >got
diff want got || fail "the rows of the database are others than those of the files"
has 'time        2026-01-31 02:00 to ' got
run 0 "$MARQUEE" train --data "$url" --schema asked.json --out m.mrq
run 0 "$MARQUEE" eval --data "$url" --schema asked.json --model none --baselines popular
run 0 "$MARQUEE" rebuild --data "$url" --schema asked.json --store S

# waits_for SQL: until it gives a row.
waits_for() {
    for _ in $(seq 300); do
        [ -z "$(sql -c "$1")" ] || return 0
        sleep 0.1
    done
    fail "never: $1"
}
ours="SELECT 1 FROM pg_stat_activity WHERE application_name = 'marquee' AND state = 'active'"

# All queries see one state: what is written while the first one runs is not in the events.
{
    echo 'SELECT pg_advisory_lock(7);'
    while [ ! -e go ]; do
        sleep 0.1
    done
} | sql >/dev/null &
holder=$!
processes="$processes $holder"
waits_for "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
"$MARQUEE" info "$url" --schema waits.json >got 2>err &
reader=$!
processes="$processes $reader"
waits_for "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
sql -c "INSERT INTO log VALUES ('nobody', 0, 1, now())"
touch go
wait $holder
wait $reader || fail "a snapshot: $(cat err)"
grep -v '^data\|^fingerprint' got | diff want - || fail "what was written meanwhile was read"
refuse 4 'events.query, row 2401: user "nobody" is not in users.query' "$MARQUEE" info "$url" --schema asked.json
sql -c "DELETE FROM log WHERE who = 'nobody'"

# Passwords come by libpq's own means; in an address they are refused, and nothing repeats them.
for address in "postgresql://ada:geheim@/postgres?host=$server" "$url&password=geheim" "postgres://ada@/postgres?host=$server&pass%77ord=geheim"; do
    refuse 2 'a password in the address of a database can be seen by all users of this machine: put it into the file that' \
        "$MARQUEE" info "$address" --schema asked.json
    ! grep -q geheim err || fail "the password was repeated: $(cat err)"
done
refuse 2 'the address of the database is not valid, want postgresql://USER@HOST:PORT/DATABASE' \
    "$MARQUEE" info "postgresql://ada:ge%heim@/postgres" --schema asked.json
! grep -q heim err || fail "the password was repeated: $(cat err)"
printf '[shop]\nhost=%s\nuser=ada\ndbname=postgres\npassword=geheim\n' "$server" >service
PGPASSFILE=/nosuch PGSERVICEFILE=$work/service run 0 "$MARQUEE" info 'postgresql://?service=shop' --schema asked.json
PGPASSFILE=/nosuch refuse 1 'no connection: PostgreSQL: connection to server on socket' "$MARQUEE" info "$url" --schema asked.json
has 'no password supplied' err
refuse 1 'database "nosuch" does not exist' "$MARQUEE" info "postgresql://ada@/nosuch?host=$server" --schema asked.json
refuse 2 'a database wants --schema FILE, whose queries say what to read' "$MARQUEE" train --data "$url" --out n.mrq

database=$url
refuses 'SELECT who AS "user", what FROM log' 'events.query: no column "item" in the result, which has user, what'
refuses 'SELECT who AS "user", what AS item FROM log WHERE false' 'events.query: no rows'
refuses 'SELECT * FROM nosuch' 'events.query: PostgreSQL: relation "nosuch" does not exist'
refuses 'SELEKT 1' 'events.query: PostgreSQL: syntax error at or near "SELEKT"'
refuses 'SELECT 1; SELECT 2' 'events.query: PostgreSQL: cannot insert multiple commands into a prepared statement'
refuses 'DELETE FROM log' 'events.query: PostgreSQL: COPY query must have a RETURNING clause'
refuses 'DELETE FROM log RETURNING who AS "user", what AS item' 'events.query: PostgreSQL: cannot execute DELETE in a read-only transaction'
refuses "SELECT 1) TO '$work/stolen' --" 'events.query: PostgreSQL: syntax error at or near ")"'
refuses 'SELECT 1 AS "user", 2 AS item /*' 'events.query: PostgreSQL: unterminated /* comment'
refuses 'DROP TABLE log' 'events.query: PostgreSQL: syntax error at or near "DROP"'
refuses 'SELECT 1/(what - 39) AS "user", 2 AS item FROM log' 'events.query: PostgreSQL: division by zero'
refuses "SELECT 1 AS \"user\", CASE WHEN i < 70000 THEN 'a' || chr(10) ELSE '' END || 'b' AS item FROM generate_series(1, 2) i" \
    'events.query, row 1: item "a\x0ab", want an id'
refuses "SELECT 1 AS \"user\", CASE WHEN i < 70000 THEN 'a' ELSE '' END AS item FROM generate_series(1, 80000) i" \
    'events.query, row 70000: item "", want an id'
[ "$(sql -c 'SELECT count(*) FROM log')" -eq 2400 ] || fail "a query has written"

# Ctrl-C cancels the query on the server, too, and the program ends by the signal.
asks 'SELECT 1 AS "user", 2 AS item FROM pg_sleep(1000)'
"$MARQUEE" train --data "$url" --schema q.json --out n.mrq >out 2>err &
reader=$!
processes="$processes $reader"
waits_for "$ours"
kill -INT $reader
got=0
wait $reader || got=$?
[ $got -eq 130 ] || fail "Ctrl-C: ended with $got, want 130: $(cat err)"
has 'marquee train: events.query: stopped, and the query was cancelled' err
[ ! -e n.mrq ] || fail "a model of a query that was cancelled"
waits_for "SELECT 1 WHERE NOT EXISTS ($ours)"
"$MARQUEE" rebuild --data "$url" --schema q.json --store S >out 2>err &
reader=$!
processes="$processes $reader"
waits_for "$ours"
kill -TERM $reader
got=0
wait $reader || got=$?
[ $got -eq 143 ] || fail "SIGTERM: ended with $got, want 143: $(cat err)"
has 'marquee rebuild: events.query: stopped, and the query was cancelled' err

# So it does while the query waits for somebody who changes the table.
{
    echo 'BEGIN; LOCK TABLE log;'
    while [ ! -e unlock ]; do
        sleep 0.1
    done
} | sql >/dev/null &
holder=$!
processes="$processes $holder"
waits_for "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'log'::regclass"
asks 'SELECT who AS "user", what AS item FROM log'
"$MARQUEE" train --data "$url" --schema q.json --out n.mrq >out 2>err &
reader=$!
processes="$processes $reader"
waits_for "SELECT 1 FROM pg_locks WHERE relation = 'log'::regclass AND NOT granted"
kill -INT $reader
waits_for "SELECT 1 WHERE NOT EXISTS ($ours)"
touch unlock
got=0
wait $reader || got=$?
wait $holder
[ $got -eq 130 ] || fail "Ctrl-C while a table is locked: ended with $got, want 130: $(cat err)"
has 'marquee train: events.query: stopped, and the query was cancelled' err

# The server stops midway: an error, and the old generation serves.
before=$(readlink S/current)
asks "SELECT i % 9 AS \"user\", i % 13 AS item, pg_sleep(0.001) FROM generate_series(1, 1000000) i"
"$MARQUEE" rebuild --data "$url" --schema q.json --store S >out 2>err &
reader=$!
processes="$processes $reader"
waits_for "$ours"
sleep 0.5
stop_server
got=0
wait $reader || got=$?
[ $got -eq 1 ] || fail "the server stopped: ended with $got, want 1: $(cat err)"
has 'marquee rebuild: events.query: PostgreSQL: terminating connection due to administrator command' err
[ "$(readlink S/current)" = "$before" ] || fail "the server stopped, and another generation serves"
run 0 "$INFER" --store S --liked 1,2 -k 3
has 'events.query: PostgreSQL: terminating connection' S/report.json
refuse 1 'no connection: PostgreSQL: connection to server on socket' "$MARQUEE" rebuild --data "$url" --schema asked.json --store S
! grep -rqF geheim ./out ./err S || fail "the password was written"
start_server
run 0 "$MARQUEE" rebuild --data "$url" --schema asked.json --store S

# A server that takes the connection and says nothing: Ctrl-C is heard at once, and waiting has an end.
mkdir silent
python3 -c 'import socket, time
listening = socket.socket(socket.AF_UNIX)
listening.bind("silent/.s.PGSQL.5432")
listening.listen()
time.sleep(100)' &
processes="$processes $!"
until [ -S silent/.s.PGSQL.5432 ]; do
    sleep 0.1
done
silent="postgresql://ada@/shop?host=$work/silent"
refuse 1 'no connection: PostgreSQL: no answer within 2 s' "$MARQUEE" info "$silent&connect_timeout=2" --schema asked.json
"$MARQUEE" train --data "$silent&connect_timeout=0" --schema asked.json --out n.mrq >out 2>err &
reader=$!
processes="$processes $reader"
sleep 1
kill -INT $reader
got=0
wait $reader || got=$?
[ $got -eq 130 ] || fail "Ctrl-C while connecting: ended with $got, want 130"
has 'marquee train: no connection: stopped while waiting for the server' err
