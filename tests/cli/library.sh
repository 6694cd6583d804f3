#!/bin/sh
# What `meson install` puts in place, and that others can build on it: the library, its headers, pkg-config, pages, completion.
. "$(dirname "$0")/lib.sh"
: "${BUILD:?is the build folder}"
for tool in meson pkg-config gcc g++ bash; do
    command -v $tool >/dev/null || skip "no $tool here"
done

# All of it and no more, and nothing anywhere else.
root=$work/root
run 0 meson install --no-rebuild -C "$BUILD" --destdir "$root"
! grep -v '^#' "$BUILD/meson-logs/install-log.txt" | grep -qvF "$root" || fail "installed outside of DESTDIR"
lib=$(find "$root" -name libmarquee.a -printf %h)
prefix=$root$(sed -n 's/^prefix=//p' "$lib/pkgconfig/marquee.pc")
{
    for file in bin/marquee bin/infer include/marquee/error.h include/marquee/marquee.h include/marquee/version.h \
        lib/systemd/system/marquee-rebuild.service lib/systemd/system/marquee-rebuild.timer \
        lib/systemd/system/marquee-serve.service lib/systemd/system/marquee-serve.socket \
        share/bash-completion/completions/marquee share/bash-completion/completions/infer \
        share/man/man1/marquee.1 share/man/man1/infer.1; do
        echo "$prefix/$file"
    done
    for file in libmarquee.a libmarquee.so libmarquee.so.3 pkgconfig/marquee.pc; do
        echo "$lib/$file"
    done
    for file in "$MRQ_SOURCE"/data/models/*.json "$MRQ_SOURCE"/data/schemas/*.json; do
        echo "$prefix/share/marquee/${file#"$MRQ_SOURCE"/data/}"
    done
} | sort >want
find "$root" ! -type d | sort >have
diff want have || fail "other files than these are installed"
PATH=$prefix/bin:$PATH
run 0 infer --version

# One version everywhere.
version=$(marquee --version)
version=${version#marquee }
export PKG_CONFIG_SYSROOT_DIR="$root" PKG_CONFIG_LIBDIR="$lib/pkgconfig"
[ "$(pkg-config --modversion marquee)" = "$version" ] || fail "pkg-config says $(pkg-config --modversion marquee), not $version"
grep -q "^#define MRQ_VERSION \"$version\"\$" "$prefix/include/marquee/version.h" || fail "version.h does not say $version"

# Each header alone, in each language.
cflags="$(pkg-config --cflags marquee) -Wall -Wextra -Wpedantic -Werror"
libs=$(pkg-config --libs marquee)
static=$(pkg-config --libs --static marquee | sed 's/-lmarquee/-l:libmarquee.a/')
for header in error marquee version; do
    printf "#include <marquee/%s.h>\nextern int something;\n" $header >alone.c
    for language in 'gcc -std=c11' 'gcc -std=c17' 'g++ -std=c++17 -x c++'; do
        # shellcheck disable=SC2086 # word splitting is wanted
        $language $cflags -fsyntax-only alone.c || fail "$header.h: $language"
    done
done

# The functions that the headers declare, and nothing else.
# shellcheck disable=SC2086
gcc -std=c11 $cflags -fsyntax-only -aux-info prototypes "$prefix/include/marquee/marquee.h"
sed -n "s|^/\* $root.*[ *]\(mrq_[a-z_]*\) (.*|\1|p" prototypes | sort >declared
[ "$(wc -l <declared)" -gt 20 ] || fail "the declarations are not found: $(cat prototypes)"
nm -D --defined-only "$lib/libmarquee.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >shared
diff declared shared || fail "libmarquee.so exports other than what is declared"
nm -g --defined-only "$lib/libmarquee.a" | awk 'NF == 3 && $3 !~ /^libmarquee\./ { print $3 }' | sort >archive
diff declared archive || fail "libmarquee.a exports other than what is declared"

# Under one soname the interface stays what expected/libmarquee.abi says of it. abidw reads debug information, which a release does
# not have: the sources of what is exported are compiled again as they were, but with it, and make a library of their own. After a
# change that is meant, MRQ_RENEW=1 writes the file (the build being gcc's, as clang tells more than it is asked for).
cat >again.py <<'END'
import json, os, re, shlex, subprocess, sys
build, declared = sys.argv[1:]
definition = re.compile(r"^[a-z][^;=\n]*\b(%s)\([^;]*\)\n{" % "|".join(open(declared).read().split()), re.M)
for n, unit in enumerate(json.load(open(build + "/compile_commands.json"))):
    if not re.search(r"/lib(base|engine)\.a\.p/", unit["output"]):
        continue
    if not definition.search(open(os.path.join(unit["directory"], unit["file"])).read()):
        continue
    command = shlex.split(unit["command"])
    if "-MD" in command: # what it depends on is written already
        at = command.index("-MD")
        del command[at:at + 5]
    command[command.index("-o") + 1] = os.path.abspath("again%d.o" % n)
    subprocess.run(command + ["-g", "-O0", "-U_FORTIFY_SOURCE", "-w"], cwd=unit["directory"], check=True)
END
compared=no
if command -v abidw >/dev/null; then
    compared=yes
    expected=$MRQ_SOURCE/tests/expected/libmarquee.abi
    soname=$(readelf -d "$lib/libmarquee.so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
    python3 again.py "$BUILD" declared
    gcc -shared -Wl,-soname,"$soname" -Wl,--version-script="$MRQ_SOURCE/include/libmarquee.map" -o again.so again*.o
    nm -D --defined-only again.so | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort | diff shared - ||
        fail "the library made for abidw exports something else"
    abidw --headers-dir "$prefix/include" --drop-private-types --exported-interfaces-only --no-corpus-path --no-comp-dir-path \
        --no-show-locs --no-architecture --no-elf-needed --no-parameter-names --no-write-default-sizes --type-id-style hash again.so |
        sed "s|path='[./]*|path='|" >have.abi
    has "soname='$soname'" have.abi
    [ -z "${MRQ_RENEW-}" ] || cp have.abi "$expected"
    has "soname='$soname'" "$expected"
    abidiff "$expected" have.abi >difference || fail "the interface is another than tests/expected/libmarquee.abi says, under the same \
soname, $soname: where a program built before would not work with it, want another soname; then MRQ_RENEW=1 writes the file:
$(cat difference)"
fi

# The program of README.md, in C and in C++, with the library beside it and within it.
awk '/^```/ { inside = $0 == "```c"; next } inside' "${README:-$MRQ_SOURCE/README.md}" >recommend.c
has '#include <marquee/marquee.h>' recommend.c
for seed in 1 2; do
    run 0 marquee train --data "$sample" --out m.mrq --seed $seed
    run 0 marquee export --model m.mrq --store S
done
export LD_LIBRARY_PATH="$lib"
for language in 'gcc -std=c11' 'g++ -std=c++17 -x c++'; do
    for how in "$libs" "$static"; do
        # shellcheck disable=SC2086
        $language $cflags -o recommend recommend.c -x none $how || fail "README.md's program: $language $how"
        run 0 ./recommend S
        if [ "$(wc -l <out)" -ne 5 ] || grep -vq '^[0-9]\.[0-9]\{4\}  [0-9][0-9]*  [A-Z0-9]' out; then
            fail "README.md's program says: $(cat out)"
        fi
        run 3 ./recommend nowhere
        has nowhere err
        [ ! -s out ] || fail "README.md's program without a store says: $(cat out)"
    done
    if readelf -d recommend | grep -q libmarquee; then
        fail "the program with the library within wants the one beside it"
    fi
done

# A C++ program may have all that the library has inside.
cat >same.cpp <<'END'
#include <marquee/marquee.h>
#include <regex>
float cblas_sgemm, fvec_inner_product, mrq_gemm;
namespace faiss { float fvec_inner_product(const float *, const float *, size_t) { return 0; } }
int main(int argc, char **argv)
{
    mrq_error err;
    mrq_query *query = mrq_query_new();
    const bool set = mrq_query_set(query, "year", "1990-", &err) == MRQ_OK && mrq_query_set(query, "year", "x", &err) == MRQ_USAGE;
    mrq_query_free(query);
    return !std::regex_match(argv[argc - 1], std::regex("[[:alpha:]]+")) || !set;
}
END
for how in "$libs" "$static"; do
    # shellcheck disable=SC2086
    g++ $cflags -o same same.cpp $how || fail "a program with names like the library's: $how"
    run 0 ./same abc
done

# Many threads, while the store changes.
# shellcheck disable=SC2086
gcc -std=c11 -D_GNU_SOURCE $cflags -pthread -o threads "$(dirname "$0")/library.c" $libs
# shellcheck disable=SC2046
run 0 ./threads S $(find S/generations -mindepth 1 -maxdepth 1 -printf '%f\n' | sort)

# Loaded by an interpreter, whose environment stays as it was: the answer is that of README.md's program.
cat >load.py <<'END'
import ctypes, json, sys
library, c = ctypes.CDLL(sys.argv[1]), ctypes.CDLL(None)
c.getenv.restype = ctypes.c_char_p
for kind, names in ((ctypes.c_void_p, "options_new query_new"), (ctypes.c_double, "answer_score"),
                    (ctypes.c_char_p, "version answer_id answer_json answer_text")):
    for name in names.split():
        getattr(library, "mrq_" + name).restype = kind
class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("msg", ctypes.c_char * 512)]
error = Error()
def call(name, *arguments):
    if getattr(library, "mrq_" + name)(*arguments, ctypes.byref(error)) != 0:
        sys.exit(error.msg.decode())
options, query = ctypes.c_void_p(library.mrq_options_new()), ctypes.c_void_p(library.mrq_query_new())
recommender, answer = ctypes.c_void_p(), ctypes.c_void_p()
call("options_set", options, b"store", sys.argv[2].encode())
call("recommender_open", options, ctypes.byref(recommender))
library.mrq_options_free(options)
call("query_set", query, b"age", b"25")
call("query_set", query, b"job", b"programmer")
call("recommender_ask", recommender, 0, query, ctypes.byref(answer)) # MRQ_ASK_RECOMMEND
library.mrq_query_free(query)
for i in range(library.mrq_answer_size(answer)):
    print("%.4f  %s  %s" % (library.mrq_answer_score(answer, i), library.mrq_answer_id(answer, i).decode(),
                            library.mrq_answer_text(answer, i, b"title").decode()))
ids = [library.mrq_answer_id(answer, i).decode() for i in range(library.mrq_answer_size(answer))]
assert [str(result["id"]) for result in json.loads(library.mrq_answer_json(answer, None))["results"]] == ids
library.mrq_answer_free(answer)
library.mrq_recommender_close(recommender)
assert not [name for name in (b"OPENBLAS_CORETYPE", b"OPENBLAS_NUM_THREADS") if c.getenv(name)], "the environment has changed"
assert library.mrq_version().decode() == sys.argv[3]
END
./recommend S >answered
run 0 env -u OPENBLAS_CORETYPE -u OPENBLAS_NUM_THREADS python3 load.py "$lib/libmarquee.so.3" S "$version"
diff answered out || fail "ctypes tells another answer than README.md's program"
run 1 python3 load.py "$lib/libmarquee.so.3" nowhere "$version"
has nowhere err

# Manual pages: sound, and of every command.
marquee --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' >commands
[ -s commands ] || fail "no commands in the help: $(marquee --help)"
while read -r command; do
    has ".SH marquee $command" "$prefix/share/man/man1/marquee.1"
done <commands
for page in marquee infer; do
    has '.SH EXIT STATUS' "$prefix/share/man/man1/$page.1"
    ! command -v groff >/dev/null || groff -ww -man -Tutf8 "$prefix/share/man/man1/$page.1" >/dev/null 2>warnings
    [ ! -s warnings ] || fail "$page.1: $(cat warnings)"
done

# Completion.
completion=$prefix/share/bash-completion/completions
bash -n "$completion/marquee"
candidates() {
    # shellcheck disable=SC2016 # the dollars are bash's
    bash -c 'compopt() { echo "$@"; }
        source "$0" && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _marquee && printf "%s\n" "${COMPREPLY[@]}"' \
        "$completion/infer" "$@" | sort | tr '\n' ' '
}
completes() {
    want=$1
    shift
    [ "$(candidates "$@")" = "$want " ] || fail "\"$*\" is completed by \"$(candidates "$@")\", want \"$want\""
}
completes '+o default rebuild rollback' marquee r
completes '--store' marquee similar --st
completes '--liked' infer --li
completes 'mf-bias mf-dot' marquee train -m m
completes 'ml-100k ml-1m' marquee train --schema = ml-1
completes '' marquee info S
completes '' marquee predict --pairs S
completes ' -o dirnames +o default' infer -s S
completes ' +o default' marquee train --seed ''

[ "$compared" = yes ] || skip "no abidw here, so the interface was not compared with what it was; everything else passed"
command -v groff >/dev/null || skip "no groff here, so the manual pages were not formatted; everything else passed"
