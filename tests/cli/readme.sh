#!/bin/sh
# The commands of every README.md work: those of its ```console blocks, in order, in one shell a file, README.md first, as the others
# go on with what it has made. readme.py says what else it refuses, and which blocks are not run. They run where build/ holds this
# build and the project's other folders are at hand, but what they write is thrown away. Beside them are a Redis, where there is one,
# and a Milvus of ours.
. "$(dirname "$0")/lib.sh"
mkdir -p clone/build commands
for folder in data tools src include index tests benchmarks; do
    ln -s "$MRQ_SOURCE/$folder" "clone/$folder"
done
ln -s "${BUILD:?is the build folder}" clone/build/release

python3 "$MRQ_SOURCE/tests/cli/readme.py" "$MRQ_SOURCE" "$BUILD" commands || fail "the documents are wrong: see above"
[ "$(head -n 1 commands/list)" = README.md ] || fail "README.md shows no commands"

redis='' scripts=commands
if command -v redis-server >/dev/null; then
    start_redis
    scripts=commands/redis
fi
"$MRQ_SOURCE/tests/cli/fake-milvus" v2 "$work/milvus" 2>milvus.err &
processes="$processes $!"
for _ in $(seq 200); do
    [ ! -s milvus ] || break
    sleep 0.05
done
[ -s milvus ] || fail "no Milvus: $(cat milvus.err)"

cd clone
while read -r name; do
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    sed "s/:8080/:$port/; s/^marquee serve --store store/& --listen 127.0.0.1:$port/; s/^kill \$!\$/&; wait/; s/^curl -s/&f/
        s/127\.0\.0\.1:19530/127.0.0.1:$(cat ../milvus)/; s|127\.0\.0\.1:6379|unix:$work/redis|" "../$scripts/$name" >../script
    PATH=$PWD/build/release/tools:$PATH sh -eux ../script </dev/null || fail "a command of $name, the last one above, fails"
done <../commands/list

# The picture of a terminal shows what the program prints.
"$MRQ_SOURCE/data/pictures/make" "$BUILD" pictures terminal.svg
diff "$MRQ_SOURCE/data/pictures/terminal.svg" pictures/terminal.svg || fail "data/pictures/terminal.svg is old: \
\`data/pictures/make BUILD\` makes it anew"

[ -n "$redis" ] || skip "no redis-server here, so commands that need one were not run; everything else passed"
