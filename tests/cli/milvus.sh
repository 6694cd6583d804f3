#!/bin/sh
# A real Milvus server and a real catalogue, MovieLens 1M: its answers are those of the exact scan, to the byte, and it may be paused,
# killed and restarted, while it is asked and while it is uploaded to (milvus-restarts). Skips where it cannot be had.
. "$(dirname "$0")/lib.sh"
data=$(real ml-1m) || skip "no MovieLens 1M: give its folder's place in \$MARQUEE_DATA"
command -v python3 >/dev/null || skip "no python3 here"
run 0 "$MARQUEE" rebuild --data "$data" --store S
run 0 "$MARQUEE" train --data "$data" --model mf-dot --epochs 1 --out other.mrq
export MARQUEE_STORE="$work/S" # for commands that run elsewhere

# inside CHECK [NAME=VALUE...]: this check of milvus.py beside a server that was started with these variables.
inside() {
    check=$1
    shift
    got=0
    env "$@" "$MRQ_SOURCE/tools/with-milvus" python3 "$MRQ_SOURCE/tests/cli/milvus.py" "$check" || got=$?
    [ $got -ne 77 ] || skip "no Milvus here"
    [ $got -eq 0 ] || fail "milvus.py $check ended with $got"
}
case $1 in
milvus)
    inside answers
    inside token COMMON_SECURITY_AUTHORIZATIONENABLED=true
    ;;
milvus-restarts) inside restarts ;;
esac
