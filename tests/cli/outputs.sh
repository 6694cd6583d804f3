#!/bin/sh
# Whole outputs: what the commands in outputs/SUBJECT.sh print, to both streams, and how they end is as outputs/SUBJECT.txt says; what
# differs from run to run is checked and replaced by outputs.py. MRQ_RENEW=1 writes the text anew: read what changed before you keep it.
. "$(dirname "$0")/lib.sh"
here=$MRQ_SOURCE/tests/cli

marquee() { "$MARQUEE" "$@"; }
infer() { "$INFER" "$@"; }

# show COMMAND...: runs it, and notes what it printed and how it ended.
show() {
    {
        printf '\n$ %s\n' "$*"
        ended=0
        "$@" 2>err </dev/null || ended=$?
        sed 's/^/! /' err
        [ $ended -eq 0 ] || echo "? $ended"
    } >>said
}

# typed TEXT COMMAND...: the same, with a text on standard input.
typed() {
    printf '%b' "$1" >typed
    shift
    {
        printf '\n$ %s <typed\n' "$*"
        ended=0
        "$@" <typed 2>err || ended=$?
        sed 's/^/! /' err
        [ $ended -eq 0 ] || echo "? $ended"
    } >>said
}

cp -r "$sample" sample
# shellcheck source=/dev/null
. "$here/outputs/$1.sh"
python3 "$here/outputs.py" "$here/outputs/$1.txt" said
