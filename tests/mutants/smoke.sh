#!/bin/sh
# tools/mutate on a project of two functions: what their test notices is killed, what it does not notice is told with its place, what
# makes no difference is counted apart.
set -eu
fail() {
    echo "FAIL: $*" >&2
    cat out err >&2
    exit 1
}
/usr/bin/python3 -c 'import clang.cindex' 2>/dev/null || { echo "skipped: python3-clang-14 is not installed"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/marquee-mutants-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
cd "$work"
mkdir -p tests/mutants src
cp "$MRQ_SOURCE"/tests/mutants/*.py "$MRQ_SOURCE"/tests/mutants/mutant.h tests/mutants

cat >src/clamp.h <<'END_OF_FILE'
int clamp(int x, int low, int high);
int is_large(int x);
void forget(int *x);
END_OF_FILE
cat >src/clamp.c <<'END_OF_FILE'
#include "clamp.h"
#define LARGE 10
enum { read = 2 }; /* a name that the C library has too */
static int seen[2] = {0, 3 + 4};

int clamp(int x, int low, int high)
{
    if (x < low)
        return low - 0;
    return x > high ? high : x;
}

int is_large(int x)
{
    return x > LARGE && x != seen[1];
}

void forget(int *x)
{
    *x = -clamp(*x, 0, 0);
}
END_OF_FILE
cat >src/test.c <<'END_OF_FILE'
#include <stdio.h>
#include <unistd.h>
#include "clamp.h"
int main(void)
{
    int x = 5;
    forget(&x);
    if (x == 0 && clamp(-3, 1, 4) == 1 && clamp(9, 1, 4) == 4 && clamp(2, 1, 4) == 2 && is_large(20) && !is_large(5))
        return 0;
    fputs("[  FAILED  ] clamp\n", stderr); /* as cmocka says it, and goes on */
    sleep(60);
    return 1;
}
END_OF_FILE
cat >meson.build <<'END_OF_FILE'
project('clamp', 'c', default_options: 'c_std=gnu11')
lib = static_library('clamp', 'src/clamp.c')
test('clamp', executable('test_clamp', 'src/test.c', link_with: lib), suite: 'unit')
test('broken', find_program('false'), suite: 'cli')
END_OF_FILE
printf '%s\t%s\t%s\t%s\t%s\n' src/clamp.c clamp 'bound off by one' 'x < low -> x <= low' 'both are low' \
    src/clamp.c clamp sign 'low - 0 -> low + 0' 'nothing is taken away' \
    src/clamp.c gone sign 'a + b -> a - b' 'an old one' >tests/mutants/equivalent.txt
git init -q .
git add -A

mutate() {
    /usr/bin/python3 tests/mutants/mutate.py --jobs 2 "$@" >out 2>err
}
survived() {
    grep -qxF "survived: $*" out || fail "not told: $*"
}

! mutate --sample 1000 --seed 1 --floor 100 src/clamp.c || fail "100 % were reached"
survived 'src/clamp.c:15: is_large(): bound off by one: x > LARGE -> x >= LARGE'
survived 'src/clamp.c:20: forget(): constant: 0 -> 1 + 0'
survived 'src/clamp.c:20: forget(): sign: -clamp(*x, 0, 0) -> clamp(*x, 0, 0)'
grep -qE '^all +8 +3 +1 +0 +72.7 %$' out || fail "the sums are wrong"
grep -qE '^sign +0 +1 +1 +0 ' out || fail "what makes no difference is not counted apart"
[ "$(grep -c '^survived: ' out)" -eq 3 ] || fail "more or fewer survived"
grep -qF 'there is no such change any more: src/clamp.c gone' err || fail "an old line of equivalent.txt is not told"
grep -qF 'left out, as they skip or fail without a change: broken' err || fail "a test that always fails is not left out"

mutate --sample 1000 --seed 1 --floor 10 src/clamp.c || fail "10 % were not reached"
mutate --sample 100 --seed 1 --list src/clamp.c
! grep -q 'clamp.c:[24]:' out || fail "what must be constant was changed"
mutate --sample 3 --seed 2 --list
cp out first
mutate --sample 3 --seed 2 --list
cmp -s first out || fail "the same seed gives another sample"
[ "$(wc -l <out)" -eq 3 ] || fail "a sample of 3 has other than 3"

printf '7 larger  src/clamp.c\n  - x > LARGE &&\n  + MUT(7) || x > LARGE &&\n\n8 never-found  src/clamp.c\n  - y >\n  + x\n' >own
began=$(date +%s)
mutate --changes own --floor 100 || fail "a change of one's own was not noticed, or not made"
[ $(($(date +%s) - began)) -lt 20 ] || fail "the rest of a test was waited for"
grep -qF 'own: 8 never-found: src/clamp.c has no "y >"' err || fail "a text that is not there is not told"
printf '9 endless  src/clamp.c\n  - if (x < low)\n  + while (MUT(9)) {} if (x < low)\n' >own
mutate --changes own --quick --floor 100 || fail "a loop without end was not noticed"
! mutate --sample 0 || fail "a sample of none"
grep -qF -e '--sample 0: want 1 to 100000' err || fail "not told why"
