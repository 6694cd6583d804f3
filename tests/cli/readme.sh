#!/bin/sh
# The commands of README.md work: every line that begins with "$ " in a ```console block, in order, in one shell. They run where build/
# holds this build and the project's other folders are at hand, but what they write is thrown away. tools/demo and tools/check have
# tests of their own.
. "$(dirname "$0")/lib.sh"
mkdir -p clone/build
for folder in data tools src include tests; do
    ln -s "$MRQ_SOURCE/$folder" "clone/$folder"
done
ln -s "${BUILD:?is the build folder}" clone/build/release
[ ! -d "$MRQ_SOURCE/../shared" ] || ln -s "$(realpath "$MRQ_SOURCE/../shared")" shared

awk '/^```/ { inside = $0 == "```console"; more = 0 }
    inside && (more || /^\$ /) { sub(/^(\$|>) /, ""); print; more = /\\$/ }' "$MRQ_SOURCE/README.md" |
    grep -vE '^tools/(demo|check)( |$)' >commands || fail "README.md shows no commands"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed -i "s/:8080/:$port/; s/^marquee serve --store store/& --listen 127.0.0.1:$port/" commands
cd clone
PATH=$PWD/build/release/tools:$PATH sh -eux ../commands </dev/null
