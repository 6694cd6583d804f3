#!/bin/sh
# A backend in the index's place: the same answers over either version of the interface, an upload that is gone on from, a store that
# no failure changes, and a clear end within the deadline whatever the server does. milvus.sh does the same with a real server.
. "$(dirname "$0")/lib.sh"
quick_store
fake=$MRQ_SOURCE/tests/cli/fake-milvus

# start_fake VERSION NAME [OPTION...]: a server, whose process is in $server, its files NAME, NAME.mode and NAME.log, its address in $to.
start_fake() {
    version=$1 server_file=$work/$2
    shift 2
    "$fake" "$version" "$server_file" "$@" 2>"$server_file.err" &
    server=$!
    processes="$processes $server"
    for _ in $(seq 200); do
        [ ! -s "$server_file" ] || break
        sleep 0.05
    done
    [ -s "$server_file" ] || fail "no server: $(cat "$server_file.err")"
    to=milvus://127.0.0.1:$(cat "$server_file")/movies
}
mode() {
    echo "$1" >"$server_file.mode.new"
    mv "$server_file.mode.new" "$server_file.mode"
}

# same OPTION...: the answer from the backend is that of the store's own index.
same() {
    run 0 "$INFER" --store S --json "$@"
    cp out want
    run 0 "$INFER" --store S --json --backend "$to" "$@"
    cmp want out || fail "another answer with $*: $(cat out)"
}

for version in v1 v2; do
    start_fake "$version" "$version"
    refuse 3 "has no collection movies_" "$INFER" --store S -i 4 --backend "$to"
    run 0 "$MARQUEE" export --store S --to "$to"
    has "400 movies, 400 sent" out
    has "recall@10 1.0000" out
    [ "$version" = v1 ] || has "the alias points to it" out
    run 0 "$MARQUEE" export --store S --to "$to"
    has "400 movies, 0 sent" out
    same -i 4
    same -i 4 -k 100 --explain
    same -a 25 -g F -j 12 -k 1000
    same -i 4 --include-seen --exclude 170,249
    same -i 7 --genre Comedy --genre Romance --year 1990-1999
    has "json_contains_any(genres, [\"Comedy\", \"Romance\"]) and year >= 1990 and year <= 1999" "$server_file.log"
    same -i 7 --genre Comedy --genre Romance --all-genres --year -1990
    has "json_contains_all(genres, [\"Comedy\", \"Romance\"]) and year <= 1990" "$server_file.log"
    same -i 7 --year 1890
    for movie in 170 "tiny robot"; do
        run 0 "$MARQUEE" similar --store S --json "$movie"
        cp out want
        run 0 "$MARQUEE" similar --store S --json --backend "$to" "$movie"
        cmp want out || fail "another answer like $movie: $(cat out)"
    done
    export MARQUEE_BACKEND="$to"
    run 0 "$INFER" --store S -i 4
    unset MARQUEE_BACKEND
done

# A server that answers nonsense, little by little or not at all: exit 5 with a sentence, within the deadline of 3 seconds. What of it
# still is an answer is right.
slow=0
for trouble in "hang:no answer within" "cut:" "notjson:without JSON" "endless:" "huge:more than" "500:HTTP 500" "refuse:"; do
    mode "${trouble%%:*}@search"
    start=$(date +%s)
    refuse 5 "Milvus at 127.0.0.1:" "$INFER" --store S -i 4 --backend "$to"
    has "${trouble#*:}" err
    slow=$(($(date +%s) - start))
    [ "$slow" -le 5 ] || fail "$trouble took $slow s"
done
mode 500@search
run 5 "$INFER" --store S -i 4 --backend "$to" --json
holds out 'j["error"]["code"] == "unavailable"'
for trouble in short wrongdim strange slow:0.2; do
    mode "$trouble@search"
    same -i 4
done
mode hang@describe
refuse 5 "no answer within 5 s" "$INFER" --store S -i 4 --backend "$to"
mode ok

# Wrong addresses, and where a token may stand.
for address in milvus:// milvus:///movies http://a/b milvus://a milvus://a/ milvus://a:0/b milvus://a:70000/b milvus://a/9b \
    milvus://a/b/c milvus://a/b-c milvus://::1/b 'milvus://[::1/b'; do
    refuse 2 "backend \"$address\": " "$INFER" --store S -i 4 --backend "$address"
done
refuse 2 "want the login in \$MARQUEE_MILVUS_TOKEN" "$INFER" --store S -i 4 --backend milvus://root:hush@a/b
grep -q hush err && fail "a password is repeated: $(cat err)"
refuse 5 "Milvus at 127.0.0.1:1: " "$INFER" --store S -i 4 --backend milvus://127.0.0.1:1/b
refuse 5 "Milvus at 127.0.0.1:1: " "$MARQUEE" similar --store S 170 --backend milvus://127.0.0.1:1/b
refuse 5 "Milvus at 127.0.0.1:1: " "$MARQUEE" serve --store S --listen 127.0.0.1:0 --backend milvus://127.0.0.1:1/b
FAKE_MILVUS_TOKEN=root:hush start_fake v1 guarded
refuse 5 "refused the token" "$MARQUEE" export --store S --to "$to"
for wrong in root:wrong hush; do
    MARQUEE_MILVUS_TOKEN=$wrong refuse 5 "refused the token" "$MARQUEE" export --store S --to "$to"
done
MARQUEE_MILVUS_TOKEN='a b' refuse 2 "want up to 512 of ASCII" "$MARQUEE" export --store S --to "$to"
echo root:hush >token
export MARQUEE_MILVUS_TOKEN_FILE=token
refuse 2 "everybody may read it" "$MARQUEE" export --store S --to "$to"
chmod 600 token
run 0 "$MARQUEE" export --store S --to "$to"
same -i 4
MARQUEE_MILVUS_TOKEN_FILE=no refuse 3 "token file no: No such file" "$INFER" --store S -i 4 --backend "$to"
unset MARQUEE_MILVUS_TOKEN_FILE
MARQUEE_MILVUS_TOKEN=root:hush run 0 "$INFER" --store S -i 4 --backend "$to"
refuse 5 "refused the token" "$INFER" --store S -i 4 --backend "$to"

# TLS: with the certificate that was told, and with no other.
if command -v openssl >/dev/null; then
    openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1 2>openssl.err || fail "$(cat openssl.err)"
    start_fake v2 tls --tls cert.pem key.pem
    to=milvuss://${to#milvus://}
    MARQUEE_MILVUS_CA=cert.pem run 0 "$MARQUEE" export --store S --to "$to"
    MARQUEE_MILVUS_CA=cert.pem same -i 4
    refuse 5 "certificate" "$INFER" --store S -i 4 --backend "$to"
fi

# An upload that is killed on its way is gone on from, and nobody sees half of it.
start_fake v1 broken
before=$(readlink S/current)
mode slow:0.3@insert
"$MARQUEE" export --store S --model m.mrq --to "$to" >out 2>err &
export=$!
until [ "$(grep -cs insert "$server_file.log")" = 2 ]; do sleep 0.05; done
refuse 1 "locked" "$MARQUEE" export --store S --to "$to" # one at a time
kill -9 $export
wait $export 2>/dev/null && fail "the export was not killed"
[ "$(readlink S/current)" = "$before" ] || fail "an upload that was killed has published"
mode ok
run 0 "$MARQUEE" export --store S --to "$to" # the same movies and vectors, so the same collection
sent=$(sed -n 's/.* 400 movies, \([0-9]*\) sent$/\1/p' out)
if [ "$sent" -eq 0 ] || [ "$sent" -ge 400 ]; then fail "$sent rows were sent to go on: $(cat out)"; fi
same -i 4
run 0 "$MARQUEE" export --store S --to "$to"
has "400 movies, 0 sent" out

# What fails for a moment is tried again; what goes on failing ends the export, and changes nothing.
start_fake v2 passing
mode 500@upsert:2
(sleep 2 && mode ok) &
run 0 "$MARQUEE" export --store S --to "$to"
has "attempt=1" err
has "400 movies, 400 sent" out
same -i 4
start_fake v2 lasting
mode code:1100@upsert:2
refuse 5 "code 1100" "$MARQUEE" export --store S --model m.mrq --to "$to"
[ "$(readlink S/current)" = "$before" ] || fail "a failed upload has published"
[ "$(ls S/generations)" = "$(basename "$before")" ] || fail "a failed upload has left $(ls -a S/generations)"

# Somebody else's collection under the name: other dimensions.
start_fake v1 other
name=$(grep -o 'movies_[0-9a-f]*' "$work/v1.log" | head -n 1)
curl -sf "http://127.0.0.1:$(cat "$server_file")/v1/vector/collections/create" \
    -d "{\"collectionName\":\"$name\",\"dimension\":3,\"metricType\":\"IP\",\"primaryField\":\"key\",\"vectorField\":\"vector\"}" >made
refuse 5 "has vectors of 3 dimensions, want 200" "$MARQUEE" export --store S --to "$to"
refuse 5 "has vectors of 3 dimensions, want 200" "$INFER" --store S -i 4 --backend "$to"

# Two stores on one server, at once: each finds its own, and drops its own alone.
for version in v1 v2; do
    start_fake "$version" "two-$version"
    collections() {
        curl -sf "http://127.0.0.1:$(cat "$server_file")/v1/vector/collections" | grep -o 'movies_[0-9a-f]*' | sort
    }
    rm -rf T
    run 0 "$MARQUEE" train --data "$sample" --model retrieval --out r.mrq
    "$MARQUEE" export --store S --to "$to" >out-1 2>err-1 &
    first=$!
    run 0 "$MARQUEE" export --store T --model r.mrq --to "$to"
    has "generation $(basename "$(readlink T/current)") is on $to: 400 movies, 400 sent" out
    has "queries; 0 old collections dropped" out
    wait $first || fail "$(cat err-1)"
    [ "$(collections | wc -l)" -eq 2 ] || fail "collections: $(collections)"
    same -i 4
    run 0 "$MARQUEE" train --data "$sample" --model mf-dot --epochs 1 --out d.mrq
    run 0 "$MARQUEE" export --store T --model d.mrq --to "$to"
    [ "$(collections | wc -l)" -eq 3 ] || fail "collections: $(collections)"
    run 0 "$MARQUEE" prune --store T --keep 1
    run 0 "$MARQUEE" export --store T --to "$to"
    has "1 old collection dropped" out
    [ "$(collections | wc -l)" -eq 2 ] || fail "collections: $(collections)"
    same -i 4
done

# The night with a backend: uploaded before it is published, told in the report; a backend that is gone leaves what serves.
start_fake v2 night
run 0 "$MARQUEE" rebuild --data "$sample" --store N --backend "$to"
has "step=upload" err
holds N/report.json 'j["upload"]["rows"] == 400 and j["upload"]["sent"] == 400 and j["upload"]["recall"] == 1'
holds N/report.json '"upload" in [s["step"] for s in j["steps"]]'
has "milvus://127.0.0.1:" N/report.html
run 0 "$INFER" --store N -i 4 --backend "$to"
serving=$(readlink N/current)
kill "$server"
refuse 5 "Milvus at 127.0.0.1:" "$MARQUEE" rebuild --data "$sample" --store N --backend "$to"
[ "$(readlink N/current)" = "$serving" ] || fail "a rebuild without its backend has published"
holds N/report.json 'j["outcome"] == "failed" and "Milvus at" in j["reason"]'

python3 "$MRQ_SOURCE/tests/cli/serve_backend.py"

# Rows that a server has taken and does not show yet are waited for.
start_fake v1 late
mode short@query:2-3
run 0 "$MARQUEE" export --store S --to "$to"
[ "$(grep -c vector/query "$server_file.log")" -eq 4 ] || fail "rows were not waited for: $(cat "$server_file.log")"

# What finds too little, as on a server that brings the worst first, is not published.
FAKE_MILVUS_DIGITS=-9 start_fake v1 useless
before=$(readlink S/current)
refuse 1 "recall@10 is 0.0000, want 0.99" "$MARQUEE" export --store S --model m.mrq --to "$to"
[ "$(readlink S/current)" = "$before" ] || fail "an index that finds the worst was published"

# A server that rounds otherwise is asked for more than is wanted, also for somebody who has seen nothing.
FAKE_MILVUS_DIGITS=2 start_fake v1 coarse
run 0 "$MARQUEE" export --store S --to "$to"
same -a 25 -g F -j 12 -k 10

# A genre whose name cannot stand between quotes is not told, and nor is another beside it where any of them will do: movies that have
# it alone are found all the same.
mkdir odd
cp "$sample"/*.dat odd
sed 's/Comedy/Co"medy/' "$sample/movies.dat" >odd/movies.dat
rm -rf S
run 0 "$MARQUEE" train --data odd --model retrieval --out odd.mrq
run 0 "$MARQUEE" export --model odd.mrq --store S
start_fake v1 odd-names
run 0 "$MARQUEE" export --store S --to "$to"
same -i 7 --genre 'Co"medy' --genre Romance
same -i 7 --genre 'Co"medy' --genre Romance --all-genres
has 'json_contains_all(genres, ["Romance"])' "$server_file.log"

for tool in openssl redis-server; do
    command -v $tool >/dev/null || skip "no $tool here; everything else passed"
done
