#!/bin/sh
# Wrong data: each ends with the right exit code and one sentence that names file and line, and leaves nothing behind.
. "$(dirname "$0")/lib.sh"

# fresh: the folder `data` as it should be.
fresh() {
    rm -rf data
    cp -r "$sample" data
    chmod -R u+w data
}

# spoilt STATUS TEXT [SCHEMA]: `data` is refused by training and by a look at it.
spoilt() {
    refuse "$1" "$2" "$MARQUEE" train --data data --model fusion --epochs 1 --schema "${3:-ml-1m}" --out m.mrq
    refuse "$1" "$2" "$MARQUEE" info --schema "${3:-ml-1m}" data
    [ "$(echo *)" = 'data err out said' ] || fail "a refused run left something: $(ls)"
}

# bad_line FILE LINE TEXT: the file with this line at its end is refused with "FILE:number: " and the text.
bad_line() {
    fresh
    printf '%b\n' "$2" >>"data/$1"
    spoilt 4 "$1:$(wc -l <"data/$1"): "
    has "$3" err
}
bad_line ratings.dat '1::1::5' '3 fields, want 4 (user::item::rating::timestamp)'
bad_line ratings.dat '1::1::5::1600000000::7' '5 fields, want 4'
bad_line ratings.dat '1::1::9::1600000000' 'rating 9, want 1 to 5'
bad_line ratings.dat '1::1::0::1600000000' 'rating 0, want 1 to 5'
bad_line ratings.dat '1::1::x::1600000000' 'rating "x"'
bad_line ratings.dat '1::1::nan::1600000000' 'rating "nan"'
bad_line ratings.dat '1::1::::1600000000' 'rating ""'
bad_line ratings.dat '1::1::5::yesterday' '"yesterday"'
bad_line ratings.dat '1::1::5::16000\0000000' 'NUL'
bad_line ratings.dat '1::99999::5::1600000000' 'item 99999 is not in movies.dat'
bad_line ratings.dat '99999::1::5::1600000000' 'user 99999 is not in users.dat'
bad_line ratings.dat '-1::1::5::1600000000' 'user -1'
bad_line ratings.dat '::1::5::1600000000' 'user "", want an id: 1 to 255 bytes of UTF-8 without control characters'
bad_line ratings.dat '99999999999999999999::1::5::1600000000' 'user 99999999999999999999'
bad_line users.dat '5000::X::25::4::12345' '"X"'
bad_line users.dat '5000::M::0::4::12345' 'age'
bad_line users.dat '5000::M::25::21::12345' 'job 21, want one of'
bad_line users.dat '1::M::25::4::12345' 'in line 1'
bad_line users.dat '5000::M::25::4' '4 fields, want 5'
bad_line movies.dat '1::Twice (1990)::Drama' 'in line 1'
bad_line movies.dat '5000::Twice (1990)' '2 fields, want 3'
bad_line movies.dat '::Nameless (1990)::Drama' 'id "", want an id'
bad_line movies.dat '5\t0::Tabbed (1990)::Drama' 'id "5\t0", want an id'

# A file that is empty, missing or a folder.
for file in users.dat movies.dat ratings.dat; do
    fresh
    : >data/$file
    spoilt 4 $file
    rm data/$file
    spoilt 3 $file
    mkdir data/$file
    spoilt 4 $file
done

# No folder, a file for a folder, nothing to recognise in it, a schema that does not fit.
refuse 3 no/such/folder "$MARQUEE" train --data no/such/folder --model fusion --out m.mrq
refuse 3 users.dat "$MARQUEE" train --data "$sample/users.dat" --model fusion --out m.mrq
rm -rf data
mkdir data
refuse 3 'ml-1m' "$MARQUEE" train --data data --model fusion --out m.mrq
fresh
spoilt 3 u. ml-100k
spoilt 3 .csv ml-latest

# A description of a model that is wrong.
echo '{"name": "wrong", "towers": 3}' >wrong.json
refuse 4 wrong.json "$MARQUEE" train --data "$sample" --model wrong.json --out m.mrq
printf '{"name": "wrong",\n"towers": ]}' >wrong.json
refuse 4 wrong.json:2: "$MARQUEE" train --data "$sample" --model wrong.json --out m.mrq
[ ! -e m.mrq ] || fail "a refused run left m.mrq"
