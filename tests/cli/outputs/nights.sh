# shellcheck shell=sh disable=SC2086 # word splitting is wanted
# Rebuilds, and what they report.
night() { show marquee rebuild --data sample --threads 2 --index Flat --store S "$@"; }
night --seed 3
night --seed 2
night --model mf-bias --epochs 2 --force
night --model mf-bias --epochs 1 --warm-start --keep 2
night --model mf-bias --epochs 1 --seed 3
night --model mf-bias --epochs 1 --min-recall 1 --test 0.5
night --max-shrink 0 --test 0
night --model mf-bias --epochs 1 --test 0 --force
night --schema ml-100k
night --redis nosuch:x
night --backend nosuch
show marquee rebuild --data nosuch --store S
show marquee rebuild --data sample --store nosuch/S
