#!/bin/sh
# The programs and the shared library are hardened as meson.build wants it, and what is missing is seen:
# hardening.sh ARCHIVE FILE...
. "$(dirname "$0")/lib.sh"
need readelf
need gcc
for file; do
    [ -r "$file" ] || fail "no $file"
done

# file_lacks FILE: prints what a program or library lacks, a word each.
file_lacks() {
    LC_ALL=C readelf -hlW --dynamic "$1" >"$work/elf"
    grep -q '^ *Type: *DYN' "$work/elf" || echo pie
    grep -q GNU_RELRO "$work/elf" || echo relro
    grep -qE 'BIND_NOW|Flags:.* NOW' "$work/elf" || echo now
    grep -qE 'GNU_STACK .* RW +0x' "$work/elf" || echo noexecstack
    ! grep -q TEXTREL "$work/elf" || echo notextrel
}

# code_lacks FILE: the same of an object or an archive: other people's code in a program has some of it whatever we do.
code_lacks() {
    objdump -d --no-show-raw-insn -r "$1" >"$work/code"
    grep -q __stack_chk_fail "$work/code" || echo stack-protector
    grep -q '__v\?snprintf_chk' "$work/code" || echo fortify
    [ "$(uname -m)" = x86_64 ] || return 0
    grep -q endbr64 "$work/code" || echo cf-protection
    # shellcheck disable=SC2016 # the dollar is objdump's
    grep -q 'orq  *$0x0,.*(%rsp)' "$work/code" || echo stack-clash-protection # pages of a large frame are touched one by one
}

[ -z "$(code_lacks "$1")" ] || fail "$1 lacks" "$(code_lacks "$1")"
shift
for file; do
    [ -z "$(file_lacks "$file")" ] || fail "$file lacks" "$(file_lacks "$file")"
done

cat >"$work/small.c" <<'C'
#include <stdio.h>
int main(int n, char **v)
{
    char text[20000];
    snprintf(text, (size_t)n * 8, "%s", *v);
    return puts(text) + text[n];
}
C
# try WANT OPTION...: a program made with these options lacks exactly this.
try() {
    want=$1
    shift
    # shellcheck disable=SC2086 # words are wanted
    gcc -O2 -fPIE -fstack-protector-strong -fstack-clash-protection ${cf-} -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 "$@" \
        -c "$work/small.c" -o "$work/small.o"
    gcc -pie -Wl,-z,relro,-z,now,-z,noexecstack "$@" "$work/small.o" -o "$work/small" 2>/dev/null
    got=$(file_lacks "$work/small")$(code_lacks "$work/small.o")
    [ "$got" = "$want" ] || fail "$*: lacks \"$got\", want \"$want\""
}
[ "$(uname -m)" != x86_64 ] || cf=-fcf-protection
try ''
try pie -fno-pie -no-pie
try relro -Wl,-z,norelro
try now -Wl,-z,lazy
try noexecstack -Wl,-z,execstack
try stack-protector -fno-stack-protector
try fortify -U_FORTIFY_SOURCE
[ -z "${cf-}" ] || {
    try cf-protection -fcf-protection=none
    try stack-clash-protection -fno-stack-clash-protection
}
