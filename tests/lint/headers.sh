#!/bin/sh
# Every header compiles alone; the public ones as C++ too.
. "$(dirname "$0")/lib.sh"
need gcc
need g++
flags="-fsyntax-only -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -Isrc -Iinclude -I. -Itests -Itools"
for header in $(sources '*.h'); do
    printf '#include "%s"\nextern int something;\n' "$PWD/$header" >"$work/alone.c" # macros alone are no C
    # shellcheck disable=SC2086 # word splitting is wanted
    gcc -std=c11 $flags "$work/alone.c" || fail "$header does not compile alone"
    case $header in
    include/*)
        # shellcheck disable=SC2086
        g++ -std=c++17 $flags -x c++ "$work/alone.c" || fail "$header does not compile as C++"
        ;;
    esac
done
