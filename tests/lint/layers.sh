#!/bin/sh
# Every #include keeps to the rooms, and tools/check-layers notices one that does not.
. "$(dirname "$0")/lib.sh"
tools/check-layers || fail "the tree breaks its own layers"

# plant FILE LINE [TEXT]: a tree with this line alone is refused with the text, or passes when there is no text.
plant() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree/src/base" "$work/tree/$(dirname "$1")"
    printf '/* a file */\n%s\n' "$2" >"$work/tree/$1"
    if tools/check-layers "$work/tree" >"$work/out" 2>&1; then
        [ $# -eq 2 ] || fail "not noticed: $2 in $1"
    else
        [ $# -eq 3 ] || fail "wrongly refused: $2 in $1: $(cat "$work/out")"
        grep -qF "$1:" "$work/out" || fail "$2 in $1: its file and line are not named: $(cat "$work/out")"
        grep -qF "$3" "$work/out" || fail "$2 in $1: got \"$(cat "$work/out")\", want \"$3\""
    fi
}
plant src/base/a.c '#include "dataset/dataset.h"' 'base may not include dataset'
plant src/dataset/a.c '#include "model/model.h"' 'dataset may not include model'
plant src/model/a.h ' # include  "index/index.h"' 'model may not include index'
plant src/cache/a.c '#include "store/store.h"' 'cache may not include store'
plant src/train/a.c '#include <cache/cache.h>' 'train may not include cache'
plant src/train/a.c '#include "index/index.h"' 'train may not include index'
plant index/a.cpp '#include "model/model.h"' 'index may not include model'
plant include/marquee/a.h '#include "base/error.h"' 'marquee may not include base'
plant src/model/a.c '#include "model.h"' 'does not begin with a room'
plant src/engine/a.c '#include <cjson/cJSON.h>' 'may be included in base only'
plant src/train/a.c '#include <cblas.h>' 'may be included in model only'
plant src/store/a.c '#include <faiss/c_api/Index_c.h>' 'may be included in index only'
plant src/engine/a.c '#include <hiredis/hiredis.h>' 'may be included in cache only'
plant tools/a.c '#include <hiredis/hiredis.h>' 'may be included in cache only'
plant src/base/a.c '#include <cmocka.h>' 'may be included in tests only'
plant src/model/a.cpp '' 'C++ belongs in index/ alone'
plant benchmarks/a.cpp '' 'C++ belongs in index/ alone'
plant src/attic/a.c '' '"attic" is no room'
plant src/a.c '' 'is no room'

plant src/base/a.c '#include <stdio.h>'
plant src/base/a.c '#include "marquee/error.h"'
plant src/engine/a.c '#include "index/index.h"'
plant src/store/a.c '#include "base/json.h"'
plant index/a.cpp '#include <faiss/IndexFlat.h>'
plant tests/unit/a.c '#include <cmocka.h>'
plant tools/a.c '#include "command.h"'
plant benchmarks/peers/a.cpp '#include <faiss/IndexFlat.h>'
plant src/base/a.c '// #include "dataset/dataset.h"'
