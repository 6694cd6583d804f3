#!/bin/sh
# Every C and C++ file is as clang-format leaves it.
. "$(dirname "$0")/lib.sh"
need clang-format
sources '*.[ch]' '*.cpp' '*.hpp' | xargs clang-format --dry-run -Werror
