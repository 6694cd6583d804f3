#!/bin/sh
# A model of the sample through the benches that want one: smoke.sh BENCH_INDEX BENCH_QUERY MARQUEE SAMPLE BENCH_ENGINE.
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/marquee-smoke-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
"$3" train --data "$4" --model fusion --out "$work/m.mrq" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
"$3" export --model "$work/m.mrq" --store "$work/store" >/dev/null
"$1" --smoke --case ml-1m --model "$work/m.mrq" --svg "$work/recall.svg"
grep -q '</svg>' "$work/recall.svg"
"$2" --store "$work/store" --bin "$(dirname "$3")" --runs 3 >"$work/query"
cat "$work/query"
[ "$(wc -l <"$work/query")" -eq 17 ]
"$5" --smoke --store "$work/store" >"$work/engine"
cat "$work/engine"
[ "$(grep -c '^computed\|^from memory\|^batch\|^similar\|^item\|^search,' "$work/engine")" -eq 12 ]
