# shellcheck shell=sh disable=SC2086 # word splitting is wanted
# A store's life as it is told: exports, the list, going back, pruning; the age of a generation.
show marquee train --data sample --threads 2 --out r.mrq
marquee train --data sample --threads 2 --out f.mrq --model fusion --epochs 1 --test 0 2>/dev/null >&2
show marquee export --model r.mrq --store S --index Flat
show marquee export --model f.mrq --store S --index HNSW16 --recall 0.5
show marquee export --model r.mrq --index Flat
show marquee info store
show marquee info S
# aged STORE SECONDS: its current generation was made so long ago.
aged() {
    python3 - "$@" <<'END'
import datetime, hashlib, json, os, re, sys
store, seconds = sys.argv[1], int(sys.argv[2])
name = os.readlink(f"{store}/current")
with open(f"{store}/{name}/MANIFEST.json", encoding="utf-8") as f:
    text = f.read()
made = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)
text = re.sub(r'"created":\s*"[^"]*"', f'"created":"{made:%Y-%m-%dT%H:%M:%S.000000Z}"', text)
other = f"generations/{made:%Y%m%dT%H%M%SZ}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
with open(f"{store}/{name}/MANIFEST.json", "w", encoding="utf-8") as f:
    f.write(text)
os.rename(f"{store}/{name}", f"{store}/{other}")
os.unlink(f"{store}/current")
os.symlink(other, f"{store}/current")
END
}
for age in -100 10 670 7100 7220 172000 172820; do
    aged S $age
    show marquee info S
done
show marquee predict --store S --pairs sample/movies.dat
show marquee rollback --store S
show marquee rollback --store S
show marquee rollback --store S nosuch
show marquee export --model f.mrq --store S --index Flat
cp -r S/current/MANIFEST.json kept
echo >>S/current/MANIFEST.json
show marquee info S
show marquee export --model nosuch --store S
show marquee export --model f.mrq --store S --index nosuch
show marquee export --model f.mrq --store S --index Flat
show marquee prune --store S --keep 2
show marquee export --model f.mrq --store S --index Flat
show marquee prune --store S --keep 1
show marquee prune --store S
show marquee info S
show marquee prune --store nosuch
show marquee rollback --store nosuch
show marquee info empty
mkdir -p empty/generations
show marquee info empty
printf '4 1\n' >pairs
show marquee predict --store store --pairs pairs
show marquee predict --pairs pairs
MARQUEE_STORE=S show marquee predict --pairs pairs
MARQUEE_STORE='' show marquee predict --pairs pairs
cp -r "$MRQ_SOURCE/tests/fixtures/store" old # of less than a megabyte
show marquee prune --store old --keep 1
aged old 10
show marquee info old
