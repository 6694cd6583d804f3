#!/bin/sh
# The page in a headless Chromium, against the real service: page.py says what is looked at. Screenshots stay in the build folder.
. "$(dirname "$0")/lib.sh"
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip "no chromium here"
command -v chromedriver >/dev/null || skip "no chromedriver here"

# One title is hostile, users have columns of which no code knows the names, and a store has two generations; the other store's
# model predicts stars and learns in passes.
make_country data
LC_ALL=C sed -i 's/^249::[^:]*::/249::<img src=x onerror="document.title=1">Tiny <b>Robot<\/b> \& Co (1994)::/' data/movies.dat
grep -q '^249::<img' data/movies.dat || fail "no movie 249 to give another title"
for seed in 1 2; do
    run 0 "$MARQUEE" train --data data --schema data.schema.json --model data.model.json --out m.mrq --seed $seed
    run 0 "$MARQUEE" export --model m.mrq --store S
done
run 0 "$MARQUEE" train --data "$sample" --model fusion --out f.mrq --epochs 4
run 0 "$MARQUEE" export --model f.mrq --store F
(umask 077 && echo open-sesame-open-sesame >token)

# serve NAME OPTION...: starts the service on a free port of this machine, which is then in the file NAME.port.
serve() {
    name=$1
    shift
    : >"$name.log"
    "$MARQUEE" serve --listen 127.0.0.1:0 "$@" 2>"$name.log" </dev/null &
    processes="$processes $!"
    for _ in $(seq 100); do
        sed -n 's|.* start address=http://127\.0\.0\.1:\([0-9]*\) .*|\1|p' "$name.log" >"$name.port"
        [ ! -s "$name.port" ] || return 0
        sleep 0.1
    done
    fail "the service does not say where it listens: $(cat "$name.log")"
}
serve open --store S
serve closed --store F --token-file token

shots=${BUILD:-$work}/meson-logs/page
mkdir -p "$shots"
# The browser keeps its profile where temporary files go.
TMPDIR=$work python3 "$MRQ_SOURCE/tests/cli/page.py" "$chromium" "http://127.0.0.1:$(cat open.port)/" \
    "http://127.0.0.1:$(cat closed.port)/" "$(cat token)" "$shots" ||
    fail "see above; the services said: $(cat open.log closed.log)"
