#!/bin/sh
# All shell scripts pass shellcheck, those without ".sh" in their names included.
. "$(dirname "$0")/lib.sh"
need shellcheck
{
    sources '*.sh'
    echo tools/completion.bash
    grep -lE '^#!/bin/(ba)?sh' tools/* .ci/* benchmarks/* benchmarks/peers/* tests/*/* 2>/dev/null | grep -v '\.sh$'
} | xargs shellcheck --external-sources --source-path=SCRIPTDIR
