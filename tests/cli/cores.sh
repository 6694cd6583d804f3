#!/bin/sh
# OpenBLAS on each core that this CPU can be: the tests of what computes by it pass, and a training tells which core it was and who
# chose it. Arguments: those tests.
. "$(dirname "$0")/lib.sh"

# can FLAG...: the CPU has all of these.
can() {
    for flag; do
        grep -qw "$flag" /proc/cpuinfo || return 1
    done
}

# check CORE WHO: every test and a training, with the variable as it is.
check() {
    for test in $tests; do
        "$BUILD/tests/$test" >out 2>&1 || { cat out >&2; fail "$test with OPENBLAS_CORETYPE=${OPENBLAS_CORETYPE-, not set}"; }
    done
    run 0 "$MARQUEE" train --data "$sample" --out m.mrq
    grep -q " INFO train blas core=$1 chosen_by=$2\$" err || fail "the log does not name $1, chosen by $2: $(cat err)"
    run 0 "$MARQUEE" info m.mrq
    grep -q "^BLAS core     $1, chosen by $2\$" out || fail "the model file does not name $1, chosen by $2: $(cat out)"
}

[ $# -gt 0 ] || skip "libcmocka-dev is not installed"
tests=$(basename -a "$@")
[ "$(uname -m)" = x86_64 ] || skip "not an x86-64"
for core in Prescott:pni Haswell:avx2:fma SkylakeX:avx512f:avx512bw:avx512dq:avx512vl Cooperlake:avx512_bf16:avx512vl; do
    # shellcheck disable=SC2046
    can $(echo "${core#*:}" | tr : " ") || continue
    export OPENBLAS_CORETYPE="${core%%:*}"
    check "$OPENBLAS_CORETYPE" OPENBLAS_CORETYPE
done
if can avx2 fma; then
    export OPENBLAS_CORETYPE= # as good as not set
    check '[A-Z][A-Za-z]*' cpu
    unset OPENBLAS_CORETYPE
    check '[A-Z][A-Za-z]*' cpu
fi
