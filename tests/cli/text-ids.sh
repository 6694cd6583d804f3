#!/bin/sh
# Ids that are texts, of books: with zeros in front, blanks, commas, slashes, quotes, backslashes and letters beyond ASCII, through all
# commands; which texts are no ids; and the data's own noun wherever its items are named.
. "$(dirname "$0")/lib.sh"

# make_books: the data set `books` and its schema books.json; the ids are in the files books.ids and readers.ids as lists in JSON.
cat >make.py <<'END'
import csv, json, os

books = ["7", "10", "007", "+7", "07", "Brontë, Emily", "Faust I", "a/b/../c", "back\\slash", "comma,", "the \"best\"", "tt0111161",
         "x" * 255, "é" * 127, "\"" * 255, " blanks ", "日本", "\\,", "'; DROP TABLE", "%32"]
readers = ["4", "42", "0042", "ann", "von Neumann, John", "u/1", "\"Q\"", "Zoë"] + [f"reader {i}" for i in range(32)]
os.makedirs("books", exist_ok=True)
def write(name, head, rows):
    with open(f"books/{name}.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([head, *rows])
write("books", ["id", "title", "genres"], [[b, f"Volume {i}", "odd|all" if i % 2 else "even|all"] for i, b in enumerate(books)])
write("readers", ["id", "town"], [[r, ("Ulm", "Bonn")[i % 2]] for i, r in enumerate(readers)])
# Each reader has rated most books of the own kind, and no other; the one called 4 has rated 007, but not 7.
write("ratings", ["user", "item", "rating"],
      [[r, b, 5 - (i + j) % 3 % 2] for i, r in enumerate(readers) for j, b in enumerate(books)
       if i % 2 == j % 2 and (i // 2 + j // 2) % 5 and not (r == "4" and b == "7")])
fields = {"books": ("title", "text", "genres", "set"), "readers": ("town", "category")}
def table(name):
    columns = [{"name": "id", "kind": "id"}]
    for column, kind in zip(fields[name][::2], fields[name][1::2]):
        columns.append({"name": column, "kind": kind, **({"delimiter": "|"} if kind == "set" else {})})
    return {"file": f"{name}.csv", "delimiter": ",", "header": True, "quoted": True, "fields": columns}
json.dump({"name": "books", "about": "Books", "noun": ["book", "books"], "users": table("readers"), "items": table("books"),
           "ratings": {"file": "ratings.csv", "delimiter": ",", "header": True, "quoted": True, "fields": [
               {"name": "user", "kind": "id"}, {"name": "item", "kind": "id"},
               {"name": "rating", "kind": "rating", "min": 1, "max": 5}]}}, open("books.json", "w"))
order = lambda id: (0, len(id), id) if id.isdigit() and (id == "0" or id[0] != "0") else (1, id.encode())
for name, ids in ("books", books), ("readers", readers):
    json.dump(sorted(ids, key=order), open(f"{name}.ids", "w"))
END
make_books() {
    rm -rf books
    python3 make.py
}
make_books
n=$(python3 -c 'import json; print(len(json.load(open("books.ids"))))')

# What is said of the data and the model.
data='--data books --schema books.json'
run 0 "$MARQUEE" info --schema books.json books
has "% of all pairs of user and book" out
grep -q "^books  *$n  $n with ratings" out || fail "not $n books: $(cat out)"
has 'first books' out
has 'columns of books' out
! grep -E 'movie|item' out || fail "another noun than the data's"
awk '/^first books/ { on = 1; next } on && /Volume/ { print $1 }' out | head -n 3 >first
[ "$(paste -sd' ' first)" = '7 10 blanks' ] || fail "the first books are $(cat first): numbers come first, by their value, then bytes"
# shellcheck disable=SC2086 # word splitting is wanted, as below
run 0 "$MARQUEE" train $data --out m.mrq --seed 1 --test 0
# shellcheck disable=SC2086
run 0 "$MARQUEE" train $data --out f.mrq --seed 1 --test 0 --model mf-bias --epochs 2
run 0 "$MARQUEE" info m.mrq
has "40 users, $n books, schema books" out
run 0 "$MARQUEE" export --model m.mrq --store S
has "$n books, " out
run 0 "$MARQUEE" info S
grep -q "^books  *$n\$" out || fail "no books: $(cat out)"

# Each reader and each book is found by the own id, and by none that looks alike.
cat >all.py <<'END'
import json, subprocess, sys
marquee, infer, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
books, readers = json.load(open("books.ids")), json.load(open("readers.ids"))
import csv
with open("books/ratings.csv", encoding="utf-8", newline="") as file:
    rated = {}
    for user, item, _ in list(csv.reader(file))[1:]:
        rated.setdefault(user, set()).add(item)
escaped = lambda id: id.replace("\\", "\\\\").replace(",", "\\,")
def run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout
def ask(*arguments):
    j = json.loads(run(infer, "--store", "S", "--json", "-k", "100", *arguments))
    return j["query"], [r["id"] for r in j["results"]], {r["id"]: r["score"] for r in j["results"]}
scores = {}
for reader in readers:
    query, ids, _ = ask("-i", reader)
    assert query["user"] == reader and set(ids) == set(books) - rated[reader], (reader, query, ids)
    query, ids, scores[reader] = ask("-i", reader, "--include-seen")
    assert set(ids) == set(books), (reader, ids)
for book in books:
    query, ids, _ = ask("--liked", escaped(book))
    assert query["liked"] == [book] and set(ids) == set(books) - {book}, (book, query)
    query, ids, _ = ask("-i", "ann", "--disliked", escaped(book), "--include-seen")
    assert query["disliked"] == [book] and len(ids) == n, (book, query)
    query, ids, _ = ask("-i", "ann", "--exclude", escaped(book), "--include-seen")
    assert query["exclude"] == [book] and set(ids) == set(books) - {book}, (book, query)
    j = json.loads(run(marquee, "similar", "--store", "S", "--json", "-k", "100", "--", book))
    assert j["query"]["item"]["id"] == book and {r["id"] for r in j["results"]} == set(books) - {book}, (book, j)
some = books[3:9]
for options in (["--liked", ",".join(map(escaped, some))], sum((["--liked", escaped(book)] for book in reversed(some)), [])):
    query, ids, _ = ask(*options)
    assert query["liked"] == some and set(ids) == set(books) - set(some), query
query, ids, _ = ask("--exclude", ",".join(map(escaped, books[1:])))
assert query["exclude"] == books[1:] and ids == books[:1], query
# An answer that explains names them, too.
j = json.loads(run(infer, "--store", "S", "--json", "-k", "1", "-i", "Zoë", "--explain"))
named = {p["id"] for p in j["results"][0]["explanation"]["parts"] if p["input"] == "history"}
assert named and named <= rated["Zoë"], named
# Pairs, with tabs between the ids.
with open("pairs", "w", encoding="utf-8") as file:
    file.writelines(f"{reader}\t{book}\n" for reader in readers for book in books)
lines = run(marquee, "predict", "--store", "S", "--pairs", "pairs").splitlines()
assert len(lines) == len(readers) * n, len(lines)
pairs = [(reader, book) for reader in readers for book in books]
for line, (reader, book) in zip(lines, pairs):
    user, item, score = line.split("\t")
    assert (user, item) == (reader, book) and abs(float(score) - scores[reader][book]) < 3e-4, (line, scores[reader][book])
END
python3 all.py "$MARQUEE" "$INFER" "$n" || fail "the ids, see above"
for other in 00042 ' 4' 04 4.0 Ann 'Zoe' 'von Neumann'; do
    run 0 "$INFER" --store S -i "$other"
    has "for user $other (not in the data, and nothing else is known: the answer for anybody)" out
done
for other in 0007 -7 TT0111161 blanks 'a/c' Faust; do
    refuse 3 "--liked $other: not among the $n books of the data; want the id of one" "$INFER" --store S --liked "$other"
done
run 0 "$INFER" --store S --json -i 4
holds out '"7" in ids and "007" not in ids'

# A comma that is not escaped parts two ids; the backslash that escapes nothing is one.
refuse 3 "--liked Brontë: not among" "$INFER" --store S --liked 'Brontë, Emily'
run 0 "$INFER" --store S --json --liked 'back\slash,7'
holds out 'j["query"]["liked"] == ["7", "back\\slash"]'
run 0 "$INFER" --store S --json --liked 'comma\,,7'
holds out 'j["query"]["liked"] == ["7", "comma,"]'

# The tables say books.
run 0 "$INFER" --store S -i ann --liked 7,10 --disliked 007 --exclude 'a/b/../c'
grep -qE '^Top 5 for Bonn, user ann \([0-9]+ rated books left out\), likes 2 books, dislikes 1 book; without 1 book$' out ||
    fail "the head: $(cat out)"
run 0 "$INFER" --store S --liked 'tt0111161' --exclude 7,07
[ "$(head -n 1 out)" = 'Top 5 for someone who likes 1 book; without 2 books' ] || fail "the head: $(cat out)"
run 0 "$MARQUEE" similar --store S 'volume 19'
has 'Top 5 like Volume 19' out
refuse 3 "book \"nosuch\": want the id of one of the $n books, or its title or a part of it" "$MARQUEE" similar --store S nosuch
refuse 2 "book \"volume\": $n titles match, want the id of one: 7 Volume 0, 10 Volume 1, " "$MARQUEE" similar --store S volume
refuse 2 "--year: the data's books have no years; leave it out" "$INFER" --store S --year 1990

# The dialogue, and pairs that are wrong.
run 0 sh -c "printf 'the \"best\"\nvon Neumann, John\n' | '$MARQUEE' predict --model f.mrq"
has 'Input book_id: Input user_id: Prediction Score is ' out
run 3 sh -c "printf '0007\n' | '$MARQUEE' predict --model f.mrq"
has 'no book "0007" in the model' err
printf 'ann 7\nann Faust I\nann\t7\nann\tBrontë\n' >pairs
run 3 "$MARQUEE" predict --model f.mrq --pairs pairs
has 'pairs:4: no book "Brontë" in the model' err
sed 's/[ \t][0-9.]*$//' out >answered
head -n 3 pairs | cmp answered || fail "pairs: $(cat out)"
printf 'ann\n' >pairs
refuse 4 'pairs:1: "ann": want a user and book, with a blank or a tab between them' "$MARQUEE" predict --model f.mrq --pairs pairs
run 0 "$MARQUEE" predict --store S --pairs /dev/null
has 'its scores order books, they are not ratings' err

# Judged; and the night, whose report says books, too.
# shellcheck disable=SC2086
run 0 "$MARQUEE" eval $data --protocol topn --model retrieval --baselines popular
has 'the rest to be found among all books except those' out
has 'coverage is the share of the books recommended to any user' out
! grep -q movie out || fail "movies among books: $(cat out)"
# shellcheck disable=SC2086
run 0 "$MARQUEE" eval $data --protocol topn --model retrieval --baselines none --json
holds out 'j["data"]["items"] == int(a[0]) and j["data"]["users"] == 40' "$n"
# shellcheck disable=SC2086
run 0 "$MARQUEE" rebuild $data --store S --model mf-bias --epochs 1 --force
has ", $n books, index " out
has "$n of the $n serving books are left" err
has "books" S/report.html
! grep -qi movie S/report.html || fail "movies in the report: $(cat S/report.html)"
sed -i '/^tt0111161,\|^10,\|^7,/d' books/books.csv
sed -i '/,tt0111161,\|,10,\|,7,/d' books/ratings.csv
# shellcheck disable=SC2086
refuse 1 "$((n - 3)) of the $n serving books are left, want at least $((n - 2)), all but 10 %" "$MARQUEE" rebuild $data --store S \
    --model mf-bias --epochs 1

# spoilt FILE ID TEXT: a row with this id (of printf, in quotes where it must be), last in the file, is refused with its line.
spoilt() {
    make_books
    case $1 in
    books) printf '%b,Title,all\n' "$2" ;;
    readers) printf '%b,Ulm\n' "$2" ;;
    user) printf '%b,7,5\n' "$2" ;;
    item) printf 'ann,%b,5\n' "$2" ;;
    esac >row
    file=$1
    case $1 in
    user | item) file=ratings ;;
    esac
    line=$(($(wc -l <"books/$file.csv") + 1))
    cat row >>"books/$file.csv"
    refuse 4 "$file.csv:$line: $3" "$MARQUEE" train --data books --schema books.json --out n.mrq
    refuse 4 "$file.csv:$line: $3" "$MARQUEE" info --schema books.json books
}
no_id='want an id: 1 to 255 bytes of UTF-8 without control characters'
x256=$(printf '%0256d' 0 | tr 0 x)
x40=$(printf '%040d' 0 | tr 0 x)
for place in books readers user item; do
    name=$place
    case $place in
    books | readers) name=id ;;
    esac
    spoilt $place "$x256" "$name \"$x40\"..., $no_id"
    spoilt $place '' "$name \"\", $no_id"
    spoilt $place '""' "$name \"\", $no_id"
    spoilt $place 'a\tb' "$name \"a\\tb\", $no_id"
    spoilt $place '"a\nb"' "$name \"a\\x0ab\", $no_id"
    spoilt $place 'a\0177' "$name \"a\\x7f\", $no_id"
    spoilt $place 'a\0302\0205' "$name \"a\\xc2\\x85\", $no_id"
    spoilt $place 'a\0303' 'the byte \xc3 is not valid UTF-8'
    spoilt $place 'a\0b' 'a NUL byte'
done
spoilt books 'Brontë, Emily' '4 fields, want 3'
spoilt books '"Brontë, Emily"' 'id "Bront\xc3\xab, Emily" is already in line '
spoilt item 0007 'item 0007 is not in books.csv'
spoilt item '"Faust II"' 'item "Faust II" is not in books.csv'
spoilt user 042 'user 042 is not in readers.csv'
[ ! -e n.mrq ] || fail "a refused run left n.mrq"

# Nouns that are none.
for noun in '["book"]' '["book", "books", "tomes"]' '["book", ""]' '[1, 2]' '["book", "'"$x40"'"]'; do
    sed "s/\"noun\": \[[^]]*\]/\"noun\": $noun/" books.json >wrong.json
    refuse 4 'wrong.json: noun: want two words, for one and for many, of up to 31 bytes each' "$MARQUEE" info --schema wrong.json books
done
