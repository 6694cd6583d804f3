#!/bin/sh
# Every C and C++ file is as clang-format leaves it, and no line, comments among them, is longer than .editorconfig says.
. "$(dirname "$0")/lib.sh"
need clang-format
sources '*.[ch]' '*.cpp' '*.hpp' | xargs clang-format --dry-run -Werror
long=$(sources '*.[ch]' '*.cpp' '*.hpp' | LC_ALL=C.UTF-8 xargs grep -nE '^.{133,}' | cut -c1-120) || true
[ -z "$long" ] || fail "lines of more than 132 characters:
$long"
