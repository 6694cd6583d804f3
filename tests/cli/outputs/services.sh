# shellcheck shell=sh disable=SC2086,SC2154,SC3045 # word splitting is wanted; sh has ulimit -n
# What a service says from its start to its end, and of what it cannot start with.
marquee train --data sample --threads 2 --out r.mrq 2>/dev/null >&2
marquee export --model r.mrq --store S --index Flat 2>/dev/null >&2

# told TEXT: waits until the service has logged it.
told() {
    for _ in $(seq 3000); do
        ! grep -q -e "$1" err || return 0
        sleep 0.02
    done
    echo "not told: $1"
}
# ask PATH...: the statuses of these requests, over one connection.
ask() {
    python3 - "$(sed -n 's|.* start address=http://||p' err | cut -d ' ' -f 1)" "$@" <<'END'
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], timeout=20)
for path in sys.argv[2:]:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    print(path, answer.status)
END
}
# life COMMAND OPTION...: a service, what is asked of it meanwhile, and its end.
life() {
    during=$1
    shift
    "$MARQUEE" serve --store S --workers 2 "$@" &
    service=$!
    processes="$processes $service"
    told 'serve start'
    $during
    kill -TERM $service
    ended=0
    wait $service || ended=$?
    return $ended
}
questions() {
    ask '/v1/recommendations?user=4' '/v1/recommendations?user=4' '/v1/recommendations?user=5' '/v1/recommendations?user=3' /healthz
}
publish() {
    ask '/v1/recommendations?user=4'
    "$MARQUEE" export --model r.mrq --store S --index Flat >/dev/null 2>&1
    told 'reload generation'
    ask '/v1/recommendations?user=4'
    mv S/current kept
    kill -HUP $service
    told 'reload refused'
    sleep 0.1
    kill -HUP $service
    for _ in $(seq 3000); do
        [ "$(grep -c 'reload refused' err)" -lt 2 ] || break
        sleep 0.02
    done
    mv kept S/current
    ask '/v1/recommendations?user=4'
}
health() {
    ask /healthz
}
rotate() {
    ask /healthz
    mv access access.1
    kill -HUP $service
    for _ in $(seq 3000); do
        [ ! -e access ] || break
        sleep 0.02
    done
    ask /readyz /nothing
}
show life questions --listen 127.0.0.1:0
show life questions --listen 127.0.0.1:0 --memory 0
show life publish --listen 127.0.0.1:0
show life rotate --listen 127.0.0.1:0 --access-log access
show cut -d ' ' -f 3-6,8 access.1 access
show life health --listen 127.0.0.1:0 --access-log /dev/full
show life true --listen "unix:$work/socket"

# Files that may be open, of which a hundred are not for connections.
files() {
    limit=$1
    shift
    (ulimit -n "$limit" && life "$@" --listen 127.0.0.1:0)
}
refused() {
    limit=$1
    shift
    (ulimit -n "$limit" && exec "$MARQUEE" serve --store S --listen 127.0.0.1:0 "$@")
}
show refused 115
show refused 215 --connections 116
show files 116 true
show files 216 true --connections 116
show files 217 true --connections 116
soft() { (ulimit -S -n 116 && life "$@" --listen 127.0.0.1:0); }
show soft true --connections 17

# What stands in the way.
cannot() { show marquee serve --store S "$@"; }
for listen in 8080 :8080 localhost:x 127.0.0.1:65536 unix:relative 0.0.0.0:0 '[::]:0' "unix:$work/no/socket"; do
    cannot --listen $listen
done
for wrong in '--host a:80' '--allow-origin null' '--allow-origin https://b/' '--redis redis://host:99999' '--redis redis://:x@host' \
    '--token-file nosuch' '--access-log no/such' '--backend nosuch' 'extra'; do
    cannot --listen 127.0.0.1:0 $wrong
done
show marquee serve --store nosuch --listen 127.0.0.1:0
hosts=$(printf ' --host h%d' $(seq 32))
cannot --listen 0.0.0.0:0 $hosts
cannot --listen 127.0.0.1:x $hosts
cannot --listen 127.0.0.1:x $hosts --host h33
export MARQUEE_REDIS=redis://host:99999
cannot --listen 127.0.0.1:0
show life true --listen 127.0.0.1:0 --no-cache
