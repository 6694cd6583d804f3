#!/bin/sh
# Static analysis finds nothing in the C of src, index and tools: analyser.sh gcc|clang. Both follow every path through a file;
# gcc's knows the cleanup attribute and so what leaks, clang's (.clang-tidy) more kinds of mistakes.
. "$(dirname "$0")/lib.sh"
flags="-std=c11 -O2 -D_GNU_SOURCE -DMRQ_ANALYSER -Isrc -Iinclude -I. $(pkg-config --cflags libpq)"
case $1 in
gcc)
    need gcc
    # shellcheck disable=SC2086 # word splitting is wanted, here and below
    analyse() { xargs -P "$(nproc)" -I FILE gcc $flags -fanalyzer -Werror -c -o /dev/null FILE; }
    ;;
clang)
    need clang-tidy
    cp .clang-tidy "$work"
    # One file a process: between files it forgets to forget a va_list.
    # shellcheck disable=SC2086
    analyse() { xargs -P "$(nproc)" -I FILE clang-tidy --quiet FILE -- $flags; }
    ;;
esac

# Not error.c, whose functions MRQ_ANALYSER hides, nor the kernels: analysers don't understand vectors ("shift by count (23) >=
# precision of type (2)"), and tests compare them with plain loops.
find src index tools -name '*.c' ! -path src/base/error.c ! -name kernels.c | analyse >"$work/said" 2>&1 ||
    fail "$(grep -v 'warnings generated' "$work/said")"

# That it does look: what is freed twice and what is not there, found through the hint in base/error.h too.
cat >"$work/wrong.c" <<'C'
#include <stdlib.h>
#include "base/error.h"
static mrq_status find(int n, int **out, mrq_error *err)
{
    static int thing;
    if (n > 9)
        return mrq_fail(err, MRQ_FAILED, "too many");
    *out = &thing;
    return MRQ_OK;
}
int wrong(int n, mrq_error *err);
int wrong(int n, mrq_error *err)
{
    int *p = NULL;
    const mrq_status status = find(n, &p, err);
    return status SIGN MRQ_OK ? *p : 0;
}
C
sed 's/SIGN/==/' "$work/wrong.c" >"$work/right.c"
echo "$work/right.c" | analyse >"$work/said" 2>&1 || fail "what is right is called wrong: $(cat "$work/said")"
sed -i 's/SIGN/!=/' "$work/wrong.c"
! echo "$work/wrong.c" | analyse >"$work/said" 2>&1 || fail "the analyser does not see a NULL that is followed"
grep -qi 'null' "$work/said" || fail "the analyser complains of something else: $(cat "$work/said")"
