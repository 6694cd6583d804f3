#!/bin/sh
# Every command under valgrind's memcheck, errors and a server included: nothing is read that was never written, nothing is touched
# outside its block, nothing is lost. It hides AVX-512 from programs, so the AVX2 kernels run.
. "$(dirname "$0")/lib.sh"
command -v valgrind >/dev/null || skip "no valgrind"
mkdir bin
for program in "$MARQUEE" "$INFER"; do
    cat >"bin/${program##*/}" <<END
#!/bin/sh
exec valgrind --quiet --fair-sched=try --log-file="$work/memcheck.%p" --error-exitcode=99 --leak-check=full \\
    --errors-for-leak-kinds=definite --show-leak-kinds=definite "$program" "\$@"
END
done
chmod +x bin/*
MARQUEE=$work/bin/marquee INFER=$work/bin/infer

trap 'cat memcheck.* >&2; finish' EXIT

# sound_memory: no process has said anything, one whose status nobody looks at included.
sound_memory() {
    [ -z "$(cat memcheck.*)" ] || fail "memcheck complains"
}

mkdir data # fifty times slower, so a tenth of the sample
cp "$sample/movies.dat" data
for file in users ratings; do
    awk -F:: '$1 <= 60' "$sample/$file.dat" >"data/$file.dat"
done
run 0 "$MARQUEE" train --data data --model fusion --out m.mrq --epochs 1
run 0 "$MARQUEE" train --data data --model rating --out rating.mrq --epochs 1
run 0 "$MARQUEE" train --data data --out r.mrq
sound_memory
run 0 "$MARQUEE" export --model m.mrq --store S
run 0 "$MARQUEE" export --model r.mrq --store S --index HNSW16
run 0 "$MARQUEE" export --model r.mrq --store S --index IVF8,SQ8
sound_memory
run 0 "$INFER" --store S -a 25 -g F -j programmer
run 0 "$INFER" --store S -i 4 -k 50 --json --genre Comedy --year 1980-
run 0 "$INFER" --store S --liked 170,249 --disliked 456 --explain
run 0 "$MARQUEE" similar --store S 'tiny robot'
echo 4 85 >pairs
run 0 "$MARQUEE" predict --model m.mrq --pairs pairs
run 0 "$MARQUEE" eval --data data --baselines popular,ease --model r.mrq
run 0 "$MARQUEE" rebuild --data data --store S --keep 3 --force
for what in data m.mrq S; do
    run 0 "$MARQUEE" info "$what"
done
run 0 "$MARQUEE" rollback --store S
run 0 "$MARQUEE" prune --store S --keep 1
sound_memory

refuse 2 '--k' "$INFER" --store S -a 25 -g F -j 1 --k 0
refuse 3 nosuch "$MARQUEE" train --data nosuch --out no.mrq
head -c 5000 m.mrq >cut.mrq
refuse 4 cut.mrq "$MARQUEE" info cut.mrq
sed -i '7s/::/:/' data/ratings.dat
refuse 4 'ratings.dat:7' "$MARQUEE" train --data data --out no.mrq
sound_memory

"$MARQUEE" serve --store S --listen "unix:$work/socket" 2>server &
processes=$!
for path in '/v1/recommendations?age=25&gender=F&job=programmer' '/v1/recommendations?user=4&explain=2' '/v1/items/85/similar' \
    '/v1/items?query=robot' /v1/info /metrics / /nothing; do
    curl -s --retry 60 --retry-delay 1 --retry-all-errors --unix-socket socket -o answer "http://x$path" || fail "$path"
done
curl -s --unix-socket socket --json '{"queries":[{"user":4},{"age":12,"gender":"M","job":10}]}' -o answer \
    http://x/v1/recommendations
holds answer 'len(j["answers"]) == 2'
kill $processes
wait $processes || fail "the server ended with $?: $(cat server)"
processes=
sound_memory
