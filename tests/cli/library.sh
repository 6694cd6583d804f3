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
    for file in libmarquee.a libmarquee.so libmarquee.so.2 pkgconfig/marquee.pc; do
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
        if [ "$(grep -c '^[0-9.]*  [A-Z0-9]' out)" -ne 5 ] || ! grep -q '^  .* for anybody, [-+]0\.[0-9]* for ' out; then
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

# Loaded by an interpreter, whose environment stays as it was.
cat >load.py <<'END'
import ctypes, json, sys
library, c = ctypes.CDLL(sys.argv[1]), ctypes.CDLL(None)
c.getenv.restype = ctypes.c_char_p
library.mrq_version.restype = library.mrq_answer_json.restype = ctypes.c_char_p
class Options(ctypes.Structure):
    _fields_ = [("store", ctypes.c_char_p), ("redis", ctypes.c_char_p), ("ttl", ctypes.c_uint32), ("memory", ctypes.c_size_t),
                ("backend", ctypes.c_char_p), ("token", ctypes.c_char_p), ("ca", ctypes.c_char_p)]
recommender, result = ctypes.c_void_p(), ctypes.c_void_p()
assert library.mrq_recommender_open(ctypes.byref(Options(b"S")), ctypes.byref(recommender), None) == 0
library.mrq_query_new.restype = ctypes.c_void_p
query = ctypes.c_void_p(library.mrq_query_new())
assert library.mrq_query_set(query, b"movie", b"170", None) == library.mrq_query_set(query, b"k", b"3", None) == 0
assert library.mrq_recommender_ask(recommender, 1, query, ctypes.byref(result), None) == 0
library.mrq_query_free(query)
assert len(json.loads(library.mrq_answer_json(result, None))["results"]) == 3
library.mrq_answer_free(result)
library.mrq_recommender_close(recommender)
assert not [name for name in (b"OPENBLAS_CORETYPE", b"OPENBLAS_NUM_THREADS") if c.getenv(name)], "the environment has changed"
assert library.mrq_version().decode() == sys.argv[2]
END
run 0 env -u OPENBLAS_CORETYPE -u OPENBLAS_NUM_THREADS python3 load.py "$lib/libmarquee.so.2" "$version"

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

command -v groff >/dev/null || skip "no groff here, so the manual pages were not formatted; everything else passed"
