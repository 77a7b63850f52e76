#!/usr/bin/env bash
# compile.sh ARGUMENT…: cargo, with its one line a crate condensed to one in fifty. Warnings,
# errors and the output of tests come through as they are. It stays in the folder it is called in.
set -euo pipefail
. "$(dirname "$0")/env.sh"

condense() {
    local line crates=0
    while IFS= read -r line; do
        case $line in
        *" Compiling "* | *" Checking "*)
            crates=$((crates + 1))
            [ $((crates % 50)) != 0 ] || say "    $crates crates done"
            ;;
        *" Downloading "* | *" Downloaded "* | *" Updating "* | *" Locking "* | *" Adding "* | \
            *" Blocking "*) ;;
        *) say "$line" ;;
        esac
    done
}

# Only cargo's own messages (stderr) are condensed; file descriptor 3 carries stdout past it.
{ CARGO_TERM_COLOR=never cargo "$@" 2>&1 >&3 | condense >&2; } 3>&1
