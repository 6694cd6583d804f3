# Sourced by the scripts of this folder, which meson runs with MARQUEE, INFER and MRQ_SOURCE set: helpers and a temporary folder
# $work, which is where a script runs and which is gone when it ends.
# shellcheck shell=sh
set -eu
: "${MARQUEE:?is the program}" "${INFER:?is the program under its other name}" "${MRQ_SOURCE:?is the source folder}"
unset MARQUEE_STORE MARQUEE_REDIS MARQUEE_BACKEND MARQUEE_MILVUS_TOKEN MARQUEE_MILVUS_TOKEN_FILE MARQUEE_MILVUS_CA
sample=$MRQ_SOURCE/data/sample
work=$(mktemp -d "${TMPDIR:-/tmp}/marquee-cli-XXXXXX")
processes= # what to stop at the end
finish() {
    for process in $processes; do
        kill "$process" 2>/dev/null || continue
        kill -CONT "$process" 2>/dev/null || true # one that is stopped would not hear of it
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP
cd "$work"

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

# real NAME: prints the folder of a real data set, or returns 1.
real() {
    for folder in "${MARQUEE_DATA-}/$1" "$MRQ_SOURCE/../shared/data/$1"; do
        [ ! -d "$folder" ] || { echo "$folder"; return; }
    done
    return 1
}

# run STATUS COMMAND...: the command ends with this status; its output is then in the files out and err.
run() {
    want=$1
    shift
    got=0
    "$@" >out 2>err </dev/null || got=$?
    [ "$got" -eq "$want" ] || {
        cat out err >&2
        fail "\"$*\" ended with $got, want $want"
    }
    [ "$want" -eq 0 ] || [ -z "${MRQ_TALLY-}" ] || echo refused >>"$MRQ_TALLY" # counts what is refused in a run of the tests
}

# refuse STATUS TEXT COMMAND...: the command ends with this status, prints nothing to stdout, and to stderr, apart from its log, one
# sentence that begins with the program's name and holds the text; for a usage error (2) a second line points to --help.
refuse() {
    status=$1
    text=$2
    shift 2
    run "$status" "$@"
    [ ! -s out ] || fail "\"$*\" printed to stdout: $(cat out)"
    grep -v '^[0-9-]*T[0-9:]*Z ' err >said || fail "\"$*\" said nothing"
    head -n 1 said | grep -q '^marquee[a-z ]*: ' || fail "\"$*\" does not say who complains: $(cat err)"
    head -n 1 said | grep -qF -e "$text" || fail "\"$*\" said \"$(cat said)\", want \"$text\""
    lines=1
    [ "$status" -ne 2 ] || lines=2
    [ "$(wc -l <said)" -eq $lines ] || fail "\"$*\" printed other than $lines lines: $(cat said)"
    [ "$status" -ne 2 ] || tail -n 1 said | grep -qF -e --help || fail "\"$*\" does not point to --help: $(cat said)"
}

# has TEXT FILE: the file holds the text.
has() {
    grep -qF -e "$1" "$2" || fail "no \"$1\" in $2: $(cat "$2")"
}

# json FILE EXPRESSION [ARGUMENT...]: prints a Python expression about the document in a file: j, its ids and scores, if it is an answer,
# and the arguments a. Fails when the file is not one JSON document.
json() {
    python3 -c 'import json, sys
j = json.load(open(sys.argv[1], encoding="utf-8"))
a, results = sys.argv[3:], j.get("results", [])
ids, scores = [r["id"] for r in results], [r["score"] for r in results]
value = eval(sys.argv[2])
print(*value) if isinstance(value, list) else print(value)' "$@" || fail "$1: $2: $(cat "$1")"
}

# holds FILE EXPRESSION [ARGUMENT...]: the expression is true.
holds() {
    [ "$(json "$@")" = True ] || fail "not true: $2: $(cat "$1")"
}

# asks QUERY: a schema q.json whose events are this query of a database.
asks() {
    python3 -c 'import json, sys
fields = [{"name": "user", "kind": "id"}, {"name": "item", "kind": "id"}]
json.dump({"name": "q", "events": {"query": sys.argv[1], "fields": fields}}, open("q.json", "w"))' "$1"
}

# refuses QUERY SENTENCE: by `marquee info` of this database.
database=
refuses() {
    asks "$1"
    refuse 4 "$2" "$MARQUEE" info "$database" --schema q.json
}

# sound FILE: an answer with ranks from 1 and scores descending within [-5, 5].
sound() {
    holds "$1" '[r["rank"] for r in results] == list(range(1, len(ids) + 1))'
    holds "$1" 'scores == sorted(scores, reverse=True) and all(-5 <= s <= 5 for s in scores)'
}

# start_redis: a private redis-server on the socket $work/redis, for which redis-cli -s redis will do; its process is in $redis.
start_redis() {
    redis-server --port 0 --unixsocket "$work/redis" --save '' --appendonly no --dir "$work" >redis.log 2>&1 &
    redis=$!
    processes="$processes $redis"
    for _ in $(seq 100); do
        ! redis-cli -s redis ping >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    fail "redis-server does not start: $(cat redis.log)"
}

# on_terminal COLUMNS COMMAND...: prints what the command shows on a terminal of this width, where lines end with "\r\n" and somebody
# types $TYPED and Enter, if that is set.
on_terminal() {
    python3 -c 'import fcntl, os, pty, struct, sys, termios
process, terminal = pty.fork()
if process == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
if "TYPED" in os.environ:
    os.write(terminal, os.environ["TYPED"].encode() + b"\n")
try:
    while block := os.read(terminal, 4096):
        sys.stdout.buffer.write(block)
except OSError:  # the end
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))' "$@"
}

# quick_store: a model of the sample, m.mrq, and a store S of it; trained just enough to work.
quick_store() {
    run 0 "$MARQUEE" train --data "$sample" --model fusion --out m.mrq --test 0.1 --seed 1 --epochs 1
    run 0 "$MARQUEE" export --model m.mrq --store S
}

# make_country DIR: a copy of the sample whose users have three more columns, by their ids: a category country, a number height and
# a set pets; and beside it DIR.schema.json and DIR.model.json, whose user tower has branches for the country and what the sample has.
make_country() {
    mkdir "$1"
    "${MAKE_SAMPLE:?is the generator}" "$1"
    awk -F:: '{ country = substr("DEFRUS", $1 % 3 * 2 + 1, 2); pets = $1 % 4 ? $1 % 2 ? "cat" : "cat|dog" : "dog" }
        { print $0 "::" country "::" 150 + $1 % 50 "::" pets }' "$1/users.dat" >users
    mv users "$1/users.dat"
    python3 - "$MRQ_SOURCE/data" "$1" <<'END'
import json, sys
data, folder = sys.argv[1:]
schema, model = (json.load(open(f"{data}/{path}.json")) for path in ("schemas/ml-1m", "models/retrieval"))
schema["name"] = "country"
schema["users"]["fields"] += [{"name": "country", "kind": "category"}, {"name": "height", "kind": "number"},
                              {"name": "pets", "kind": "set", "delimiter": "|"}]
model["towers"]["user"][1:] = [{"feature": name, "kind": "category"} for name in ("gender", "age", "job", "country")]
json.dump(schema, open(f"{folder}.schema.json", "w"))
json.dump(model, open(f"{folder}.model.json", "w"))
END
}
