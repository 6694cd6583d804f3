#!/bin/sh
# Odd surroundings: standard streams that are closed, an umask of nothing, little memory, a narrow terminal, links that lead nowhere,
# files and folders that may not be read.
. "$(dirname "$0")/lib.sh"
quick_store

# closed COMMAND...: started without standard streams; ends with $want.
want=0
closed() {
    got=0
    "$@" <&- >&- 2>&- || got=$?
    [ $got -eq $want ] || fail "\"$*\" without standard streams ended with $got, want $want"
}

# A file that is opened does not get the number of a closed stream, and with it what is printed.
want=1 # the summary cannot be written; the work is done
closed "$MARQUEE" train --data "$sample" --model fusion --out c.mrq --test 0.1 --seed 1 --epochs 1
cmp m.mrq c.mrq || fail "another model without standard streams"
closed "$INFER" --store S -i 4
want=3
closed "$INFER" --store nosuch -i 4
refuse 1 'cannot write to standard output: Bad file descriptor' sh -c "exec \"\$0\" --store S -i 4 >&-" "$INFER"
(
    umask 0
    exec "$MARQUEE" serve --store S --listen "unix:$work/socket" --access-log access.log <&- >&- 2>&-
) &
server=$!
processes="$processes $server"
for _ in $(seq 100); do
    curl -sf --unix-socket socket http://x/readyz >answer 2>/dev/null && break
    sleep 0.1
done
has ok answer
for file in socket access.log; do
    [ "$(stat -c %a $file)" = 600 ] || fail "$file may be opened by others: $(stat -c %A $file)"
done
kill $server
wait $server
grep -qE 'Z local GET /readyz 200 ' access.log || fail "no access log: $(cat access.log)"
! grep -vE 'Z local GET /readyz ' access.log || fail "something else in the access log"

# What is made can be written by its owner only, whatever the umask.
mkdir made
(
    umask 0
    run 0 "$MARQUEE" train --data "$sample" --model fusion --epochs 1 --checkpoint 0 --out made/m.mrq
    run 0 "$MARQUEE" export --model made/m.mrq --store made/S --index HNSW32
    run 0 "$MARQUEE" rebuild --data "$sample" --store made/S
    "$MARQUEE" train --data "$sample" --model fusion --epochs 500 --checkpoint 0 --out made/n.mrq >/dev/null 2>&1 &
    for _ in $(seq 100); do
        [ ! -e made/n.checkpoint ] || break
        sleep 0.1
    done
    kill -9 $!
)
[ -e made/n.checkpoint ] || fail "no checkpoint: $(ls made)"
open=$(find made ! -type l -perm /022)
[ -z "$open" ] || fail "others may write $open"

# Little memory: a sentence, and soon, where OpenBLAS alone would ask for it again and again.
if [ "${SANITIZER:-none}" = none ]; then # which takes more than there is
    for few in 20 50 100 300; do
        for command in "train --data $sample --model fusion --epochs 1 --threads 4 --out few.mrq" 'export --model m.mrq --store few' \
            "train --data $sample --threads 4 --out few.mrq" "eval --data $sample --threads 4" 'predict --model m.mrq --pairs /dev/null'; do
            got=0
            # shellcheck disable=SC2086 # word splitting is wanted
            timeout 30 prlimit --as=${few}000000 "$MARQUEE" $command >out 2>err || got=$?
            [ $got -le 1 ] || [ $few -lt 50 ] || fail "$command with $few MB ended with $got: $(cat err)"
            [ $got -ne 1 ] || grep -qiE 'out of memory|cannot allocate memory|cannot start thread' err || fail "$command: $(cat err)"
            [ $got -ne 124 ] || fail "$command with $few MB does not end"
        done
    done
    [ ! -e few.mrq ] || fail "a model with little memory"
else
    echo "little memory is not tried with a sanitizer, which takes more than there is"
fi

# A bar that is wider than the terminal would leave a line at each step.
for columns in 20 40 200; do
    on_terminal $columns "$MARQUEE" train --data "$sample" --model fusion --epochs 2 --out bar.mrq >screen
    tr '\r' '\n' <screen | grep '^epoch' >bars || fail "no progress bar: $(cat screen)"
    sed 's/\x1b\[K.*//' bars | awk -v columns=$columns 'length >= columns { exit 1 }' || fail "a bar wider than $columns: $(cat bars)"
done
grep -q ' left' bars || fail "no time left: $(cat bars)"

# A link is neither followed nor replaced, wherever it leads, and that is said before the training.
ln -s no/such/place link.mrq
refuse 1 'link.mrq: it is a symbolic link' "$MARQUEE" train --data "$sample" --out link.mrq
[ -L link.mrq ] || fail "the link is gone"

# No file of any kind is written through a link: what one leads to stays as it was, and is not made.
echo precious >victim
mkdir links
links() {
    for name in "$@"; do
        ln -s "$work/$to" "$name"
    done
}
for to in victim no-victim; do
    links links/m.checkpoint links/m.curve.csv links/m.curve.svg
    for name in checkpoint curve.csv curve.svg; do
        run 0 "$MARQUEE" train --data "$sample" --model fusion --epochs 1 --checkpoint 0 --out links/m.mrq
        grep "cannot write links/m.$name: it is a symbolic link" err >/dev/null || fail "no word of the $name: $(cat err)"
        rm -f "links/m.$name"
    done
    mkdir "links/$to"
    links "links/$to/report.json" "links/$to/report.html"
    run 0 "$MARQUEE" rebuild --data "$sample" --model fusion --epochs 1 --store "links/$to"
    grep 'no report: cannot write .*report.json: it is a symbolic link' err >/dev/null || fail "no word of the report: $(cat err)"
    rm "links/$to/report.json"
    run 0 "$MARQUEE" rebuild --data "$sample" --model fusion --epochs 1 --store "links/$to" --force
    grep 'no report: cannot write .*report.html: it is a symbolic link' err >/dev/null || fail "no word of the page: $(cat err)"
    links "links/$to/lock"
    refuse 1 'lock: it is a symbolic link, which is not followed' "$MARQUEE" export --store "links/$to" --model links/m.mrq
    refuse 1 'lock: it is a symbolic link, which is not followed' "$MARQUEE" prune --store "links/$to" --keep 1
    rm -r links/m.*
done
[ "$(cat victim)" = precious ] || fail "a link was written through: $(cat victim)"
[ ! -e no-victim ] || fail "a file was made behind a link"

# What may not be read is not taken for a model of ours, nor for data that is not there. (Root may read everything, and nobody may be
# there to see the project's folder.)
person=
cp "$MARQUEE" marquee
cp -R "$sample" sample
[ "$(id -u)" -ne 0 ] || person='setpriv --reuid=65534 --regid=65534 --clear-groups --'
mkdir -m 777 open
mkdir -m 700 open/shut
echo precious >open/precious
chmod 600 open/precious
[ -n "$person" ] || chmod 0 open/shut open/precious
chmod 755 "$work"
mkdir -m 777 gcov
export GCOV_PREFIX="$work/gcov" # where a build that measures coverage may write
# shellcheck disable=SC2086 # word splitting is wanted, here and below
$person ./marquee --version >/dev/null 2>&1 || skip "nobody but its owner may look into ${TMPDIR:-/tmp}; everything else passed"
# shellcheck disable=SC2086
refuse 1 'open/precious: Permission denied' $person ./marquee train --data sample --out open/precious
chmod 600 open/precious
has precious open/precious
# shellcheck disable=SC2086
refuse 1 'open/shut/schema.json: Permission denied' $person ./marquee train --data open/shut --out open/m.mrq
