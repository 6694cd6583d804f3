#!/bin/sh
# The HTTP service from outside: what it refuses to start with here, what it answers in serve_requests.py, its life in
# serve_life.py.
. "$(dirname "$0")/lib.sh"
quick_store
run 0 "$MARQUEE" train --data "$sample" --model retrieval --out r.mrq --seed 1
run 0 "$MARQUEE" export --model r.mrq --store R

serve() {
    text=$1
    shift
    refuse 2 "$text" "$MARQUEE" serve --store S "$@"
}
run 0 "$MARQUEE" serve --help
has 'curl' out
for wrong in 8080 :8080 localhost localhost:x 127.0.0.1:65536 ::1:80 unix:relative; do
    serve "--listen \"$wrong\" is not an address to listen on" --listen "$wrong"
done
serve '--listen 0.0.0.0:0 can be reached from other machines, which requires --token-file' --listen 0.0.0.0:0
serve '--listen [::]:0 can be reached from other machines' --listen '[::]:0'
serve '--workers "0": want' --workers 0
serve '--workers "1000": want' --workers 1000
serve '--memory "-1": want' --memory -1
serve '--connections "3": want' --connections 3
serve 'extra' --listen 127.0.0.1:0 extra
serve '--host "movies.example:80" is not a host name: want one without a port' --listen 127.0.0.1:0 --host movies.example:80
serve '--allow-origin "*" is not an origin, want scheme://host[:port]: any page could read the answers' --allow-origin '*'
serve 'it may not have a path, not even a slash' --listen 127.0.0.1:0 --allow-origin https://a --allow-origin https://b/
serve '--redis' --listen 127.0.0.1:0 --redis redis://host:99999
printf 0123456789abcdef >token
chmod 644 token
serve 'token file token: everybody may read it' --token-file token
chmod 600 token
printf 0123456789abcde >short
chmod 600 short
serve 'token file short: has 15 characters, want one line of 16 to 512' --token-file short
refuse 3 'token file nosuch: No such file' "$MARQUEE" serve --store S --listen 127.0.0.1:0 --token-file nosuch
refuse 3 'cannot write the access log no/such/folder' "$MARQUEE" serve --store S --listen 127.0.0.1:0 --access-log no/such/folder
refuse 3 nosuch "$MARQUEE" serve --store nosuch --listen 127.0.0.1:0
# shellcheck disable=SC2016 # the dollar is the inner shell's
refuse 2 'needs 9100 open files, but this process may open only 500' \
    sh -c 'ulimit -n 500 && exec "$0" serve --store S --listen 127.0.0.1:0 --connections 9000' "$MARQUEE"

for part in requests life; do
    got=0
    python3 "$MRQ_SOURCE/tests/cli/serve_$part.py" || got=$?
    [ $got -eq 0 ] || [ $got -eq 77 ] || fail "serve_$part.py"
done
exit $got # 77: a part of life was skipped
