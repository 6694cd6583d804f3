#!/bin/sh
# A model that is broken on purpose is worse than the whole one on each of these sets of data. A set of which `marquee init` makes
# nothing is named.
. "$(dirname "$0")/lib.sh"
data=$(real ml-100k) || skip "no data in \$MARQUEE_DATA or ../shared/data"
home=${data%/ml-100k}
judged=0
for data in "$home"/ml-* "$home"/implicit/ml-1m-lcfn "$home"/implicit/amazon-beauty-bgcf "$home"/implicit/gowalla \
    "$home"/catalogues/amazon-musical-instruments "$home"/catalogues/hin-amazon "$home"/catalogues/jester-1; do
    [ -d "$data" ] || continue
    name=${data#"$home/"}
    rm -rf set
    mkdir set
    for file in "$data"/*; do
        ln -s "$file" set
    done
    case $name in
    ml-*) ;;
    *)
        "$MARQUEE" init set >report 2>&1 </dev/null || {
            echo "$name: not judged, init says: $(tail -1 report)"
            continue
        }
        ;;
    esac
    status=0
    "$BROKEN" set >out 2>err || status=$?
    sed "s|^|$name: |" out
    [ $status -ne 1 ] || fail "$name: a broken model is not found"
    if [ $status -ne 0 ]; then
        echo "$name: not judged: $(tail -1 err)"
    else
        judged=$((judged + 1))
    fi
done
[ $judged -ge 6 ] || fail "only $judged sets could be judged"
