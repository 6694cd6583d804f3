#!/bin/sh
# tools/check tells the truth: it counts what was skipped, each with its reason, and installs nothing that nobody was told of. It runs
# in a tree of its own, beside a meson that has run the tests of $LOG already and ends with $STATUS; and nothing is installed.
. "$(dirname "$0")/lib.sh"
: "${BUILD:?is the build folder}"
mkdir -p tree/tools bin few
cp "$MRQ_SOURCE/tools/check" "$MRQ_SOURCE/tools/install-packages" tree/tools
cat >bin/meson <<'END'
#!/bin/sh
case $1 in
setup) mkdir -p "$2/meson-logs" ;;
test) cp "$LOG" "$3/meson-logs/$6.json" && exit "$STATUS" ;;
esac
END
cat >tree/tools/install <<'END'
#!/bin/sh
echo "$@" >"$ASKED"
END
printf '#!/bin/sh\nexit 77\n' >tree/tools/with-milvus
printf '#!/bin/sh\n' >bin/dpkg-query # no package is installed
printf '#!/bin/sh\necho 0\n' >bin/id
cat >bin/apt-get <<'END'
#!/bin/sh
echo "$@" >>"$APT"
END
chmod +x bin/* tree/tools/*
path=$PATH
export PATH="$work/bin:$PATH" LOG="$work/log" ASKED="$work/asked" APT="$work/apt" STATUS=0

# What it installs: it asks on a terminal, unless it is told not to, and goes on elsewhere.
TYPED=n on_terminal 80 tree/tools/install-packages --ask test >said && fail "installed against the answer: $(cat said)"
has 'will be installed: abigail-tools binutils' said
[ ! -e apt ] || fail "installed against the answer: $(cat apt)"
TYPED=y on_terminal 80 tree/tools/install-packages --ask test >said || fail "not installed: $(cat said)"
grep -q 'install .* libcmocka-dev ' apt || fail "not installed: $(cat apt)"
rm apt
run 0 tree/tools/install-packages --ask test
grep -q 'install .* libcmocka-dev ' apt || fail "not installed where there is nobody to ask: $(cat apt)"
! grep -qE 'clang|valgrind|chromium|wrk|gcovr' apt || fail "more is installed than the tests need: $(cat apt)"
mv tree/tools/install tree/tools/install-packages

# log [RESULT NAME FILE]...: writes the log of such tests, a file being what the test printed.
log() {
    python3 -c 'import json, sys
a = sys.argv[1:]
for result, name, file in zip(a[::3], a[1::3], a[2::3]):
    print(json.dumps({"name": "marquee:unit / " + name, "result": result, "stdout": open(file).read()}))' "$@" >"$LOG"
}
# ends STATUS LINE OPTION...: tools/check ends with this status and this last line.
ends() {
    status=$1 line=$2
    shift 2
    run "$status" tree/tools/check "$@"
    [ "$(tail -n 1 out)" = "$line" ] || fail "check $* says \"$(tail -n 1 out)\", want \"$line\": $(cat out)"
}
: >nothing
log OK one nothing OK two nothing
ends 0 '2 passed, 0 failed'
[ "$(cat asked)" = '--ask build test' ] || fail "installs $(cat asked)"
ends 0 '2 passed, 0 failed' --yes --strict
[ "$(cat asked)" = 'build test' ] || fail "--yes asks: $(cat asked)"
! grep -q skipped: out || fail "something is skipped: $(cat out)"

# A skip is counted and says why, whatever CI is, and is a failure with --strict alone; so is a part that was skipped.
echo 'skipped: no redis-server here' >why
log OK one nothing SKIP redis why SKIP silent nothing OK partly why
for ci in '' true; do
    CI=$ci ends 0 '2 passed, 0 failed, 3 skipped'
    for line in 'redis: no redis-server here' 'partly: no redis-server here' 'silent: it does not say why'; do
        has "gcc release: $line" out
    done
done
ends 1 '2 passed, 3 failed' --strict
has 'gcc release: redis: no redis-server here' out

# What failed, and what never ran.
log OK one nothing FAIL two nothing TIMEOUT three nothing
STATUS=1 ends 1 '1 passed, 2 failed'
log OK one nothing
STATUS=1 ends 1 '1 passed, 1 failed'
log
ends 1 '0 passed, 0 failed'
LOG=nowhere STATUS=0 ends 1 '0 passed, 1 failed'
has 'none of the tests of "gcc release" ran' err
run 1 tree/tools/check --what
run 0 tree/tools/check --help

# Milvus that was left out is a skip; without --ci nobody asks for it.
log OK one nothing
ends 0 '4 passed, 0 failed, 1 skipped' --ci
has 'beside Milvus: milvus: there is no Milvus here' out

# A unit test that is skipped shows in its program's result and has a line of its own in the end.
program=$BUILD/tests/test_cache
[ -x "$program" ] || skip "libcmocka-dev is not installed; everything else passed"
for tool in sh rm env chmod mkdir; do
    ln -s "$(PATH=$path command -v $tool)" few
done
run 77 env PATH="$work/few" "$program"
cp out said
skips=$(grep -c '^skipped: redis-server is not installed$' said) || fail "nothing is skipped: $(cat said)"
log OK one nothing SKIP cache said
ends 0 "1 passed, 0 failed, $skips skipped"
[ "$(grep -c '^gcc release: cache: [a-z_]*: redis-server is not installed$' out)" -eq "$skips" ] || fail "reasons lack: $(cat out)"
