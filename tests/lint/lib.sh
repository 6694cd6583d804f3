# Sourced by the scripts of this folder, which meson runs with MRQ_SOURCE set: a temporary folder $work, and C files to look at.
# shellcheck shell=sh
set -eu
: "${MRQ_SOURCE:?is the source folder}"
work=$(mktemp -d "${TMPDIR:-/tmp}/marquee-lint-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
cd "$MRQ_SOURCE"

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# need COMMAND: skips the test when there is no such command.
need() {
    command -v "$1" >/dev/null || {
        echo "skipped: no $1 here"
        exit 77
    }
}

# sources PATTERN...: the project's files whose names match one of the patterns, a line each.
sources() {
    for pattern in "$@"; do
        find include src index tools tests benchmarks -name "$pattern" -type f 2>/dev/null
    done | sort
}
