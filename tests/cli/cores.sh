#!/bin/sh
# OpenBLAS on each core that this CPU can be: the tests of what computes by it pass, and a training tells which core it was and who
# chose it. Arguments: those tests.
. "$(dirname "$0")/lib.sh"

# can FLAGS: the CPU has all of these.
can() {
    for flag in $1; do
        grep -qw "$flag" /proc/cpuinfo || return 1
    done
}

# check CORE WHO TEST...: every test and a training, with the variable as it is.
check() {
    core=$1 who=$2
    shift 2
    for test; do
        "$test" >out 2>&1 || { cat out >&2; fail "$test with OPENBLAS_CORETYPE=${OPENBLAS_CORETYPE-, not set}"; }
    done
    run 0 "$MARQUEE" train --data "$sample" --out m.mrq
    grep -q " INFO train blas core=$core chosen_by=$who\$" err || fail "the log does not name $core, chosen by $who: $(cat err)"
    cp err log
    run 0 "$MARQUEE" info m.mrq
    grep -q "^BLAS core     $core, chosen by $who\$" out || fail "the model file does not name $core, chosen by $who: $(cat out)"
}

[ $# -gt 0 ] || skip "libcmocka-dev is not installed"
[ "$(uname -m)" = x86_64 ] || skip "not an x86-64"
for core in Prescott:pni Haswell:avx2:fma SkylakeX:avx512f:avx512bw:avx512dq:avx512vl Cooperlake:avx512_bf16:avx512vl; do
    export OPENBLAS_CORETYPE="${core%%:*}"
    if ! can "$(echo "${core#*:}" | tr : " ")"; then
        echo "not on this CPU: $OPENBLAS_CORETYPE"
        continue
    fi
    check "$OPENBLAS_CORETYPE" OPENBLAS_CORETYPE "$@"
    ! grep ' WARN train blas' log || fail "a warning with $OPENBLAS_CORETYPE"
done
export OPENBLAS_CORETYPE=Nonsense # which OpenBLAS takes for nothing that it knows, and goes by the CPU's number
check '[A-Z][A-Za-z]*' OpenBLAS "$@"
grep -q ' WARN train blas OPENBLAS_CORETYPE=Nonsense is ignored' log || fail "no warning of Nonsense: $(cat log)"
if can 'avx2 fma'; then
    export OPENBLAS_CORETYPE= # as good as not set
    check '[A-Z][A-Za-z]*' cpu "$@"
    unset OPENBLAS_CORETYPE
    check '[A-Z][A-Za-z]*' cpu "$@"
    ! grep ' WARN train blas' log || fail "a warning without the variable"
fi
