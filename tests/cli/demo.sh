#!/bin/sh
# tools/demo on the sample: interrupted, then run again and again, as a newcomer might. It builds in a folder of its own.
. "$(dirname "$0")/lib.sh"
export MARQUEE_BUILD="$work/build" XDG_CACHE_HOME="$work/cache"
demo=$MRQ_SOURCE/tools/demo

for seconds in 1 3; do
    timeout -s INT $seconds "$demo" --data "$sample" >out 2>&1 </dev/null || true
done
for time in first second; do
    run 0 "$demo" --data "$sample"
    has '--data says so' out
    has 'marquee train --data' out
    has 'marquee export --model' out
    grep -E '^ *[1-5] ' out >rows || true
    [ "$(wc -l <rows)" -eq 10 ] || fail "not two tables of five rows the $time time: $(cat out)"
done
head -n 5 rows | grep -qE "Animation|Children's" || fail "nothing for a child: $(cat rows)"
tail -n 5 rows | grep -qE 'War|Film-Noir|Drama|Western' || fail "nothing for a retired man: $(cat rows)"
! head -n 5 rows | grep -qE 'War|Film-Noir' || fail "not for a child: $(cat rows)"

MARQUEE_DATA=$sample run 0 "$demo"
has 'MARQUEE_DATA says so' out

# Without a word about data: a download that fails or is damaged leaves nothing and the sample is taken; a good one is kept, so the
# next run fetches nothing. No network: curl is a stand-in, and so is the checksum of the archive that it brings.
mkdir bin
cat >bin/curl <<'END'
#!/bin/sh
echo "$0" >>"$ARCHIVE.asked"
while [ "$1" != -o ]; do shift; done
cp "$ARCHIVE" "$2"
END
chmod +x bin/curl
unset MARQUEE_DATA
export PATH="$work/bin:$PATH" ARCHIVE="$work/archive"
run 0 "$demo" # no such archive
has 'could not be fetched' out
head -c 100000 /dev/urandom >archive
run 0 "$demo"
has 'could not be fetched' out
[ -z "$(ls -A cache/marquee)" ] || fail "a download that failed left $(ls -A cache/marquee)"

ln -s "$sample" ml-1m
python3 -c 'import shutil; shutil.make_archive("archive", "zip", ".", "ml-1m")'
mv archive.zip archive
printf '#!/bin/sh\ncat >/dev/null\n' >bin/md5sum
chmod +x bin/md5sum
run 0 "$demo"
has 'fetched from GroupLens' out
rm archive archive.asked
run 0 "$demo"
has 'fetched earlier' out
[ ! -e archive.asked ] || fail "fetched again"

run 0 "$demo" --help
run 2 "$demo" --what
run 3 "$demo" --data "$work/nosuch"
MARQUEE_DATA=$work/nosuch run 3 "$demo"
