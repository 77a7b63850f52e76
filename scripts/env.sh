# shellcheck shell=bash
# The surroundings that the Makefile's recipes and the scripts share. Source it from bash
# (`. scripts/env.sh`) to run cargo by hand as `make` does. It starts nothing and installs nothing.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# A rustup that was installed a minute ago is not yet on the PATH of the shell that called make.
if ! command -v cargo >/dev/null 2>&1; then
    PATH="${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH"
fi
# Written by scripts/setup.sh where the Rust found first is too old and another one had to be taken.
if [ -f "$root/build/rust-env.sh" ]; then
    . "$root/build/rust-env.sh"
fi
export PATH

# There are two workspaces with a target folder each: one folder set for both would mix them. And
# the user's own plugins are not to stand in for those under test.
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR CARGO_BUILD_TARGET FILMGATE_PLUGIN_PATH

export FILMGATE_BIN="$root/target/release/filmgate"
export FILMGATE_PLUGIN_DIR="$root/target/release/plugins"
export FILMGATE_MEDIA="$root/build/media"
export FILMGATE_PYTHON="$root/build/venv/bin/python"

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
    warn "$*"
    exit 1
}

# bounded SECONDS COMMAND…: nothing that talks to a network may hang for ever. macOS has `timeout`
# only with Homebrew's coreutils; there the tools' own limits have to do.
bounded() {
    local seconds=$1
    shift
    if command -v timeout >/dev/null 2>&1; then
        timeout "$seconds" "$@"
    else
        "$@"
    fi
}
