#!/usr/bin/env bash
# build.sh OUTDIR: compiles every plugin here and makes components of them, OUTDIR/NAME.wasm, with
# the host named in $FILMGATE (`filmgate plugin pack`). Quick when nothing has changed.
#
# A folder KIND/NAME with a Cargo.toml that asks for a cdylib is a plugin in Rust, one with .c files
# a plugin in C; NAME is the plugin's name. It installs nothing but a target of rustup's: system packages are
# the business of scripts/setup.sh.
set -euo pipefail

[ $# = 1 ] || { echo "usage: FILMGATE=path/to/filmgate $0 OUTDIR" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"
. ../scripts/env.sh

filmgate=${FILMGATE:-$FILMGATE_BIN}
[ -x "$filmgate" ] || die "plugins: there is no $filmgate to make components with; run 'make build'"

target=wasm32-unknown-unknown
debian_rustc=/usr/bin/rustc
# What is meant for the host's compiler does not suit this one; .cargo/config.toml says what does.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS

# ---- Rust --------------------------------------------------------------------------------------

# has_target RUSTC: whether it comes with a compiled standard library for the target
has_target() {
    compgen -G "$("$1" --print target-libdir --target $target 2>/dev/null)/libcore-*.rlib" >/dev/null
}

# Whether Debian's compiler is there, new enough, and with the sources of its standard library.
has_std_sources() {
    [ -x $debian_rustc ] || return
    local least have
    least=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    have=$($debian_rustc --version | cut -d ' ' -f 2)
    [ "$(printf '%s\n' "$least" "$have" | sort -V | head -n 1)" = "$least" ] &&
        [ -e "$($debian_rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ]
}

# The linker that rustup brings, or LLVM's; distributions that build rustc themselves leave it out.
wasm_linker() {
    compgen -G "$(rustc --print sysroot)/lib/rustlib/*/bin/rust-lld" || command -v wasm-ld
}

rust_plugins() {
    local options=(--release --workspace --target $target)
    if has_target "${RUSTC:-rustc}"; then
        : # the usual case: nothing to add
    elif has_std_sources; then
        # Debian's rustc has the sources of its standard library, which cargo compiles along; the
        # flag for that is unstable, hence RUSTC_BOOTSTRAP.
        local linker
        linker=$(wasm_linker | head -n 1) ||
            die "plugins: no linker for WebAssembly; install wasm-ld (Debian: lld)"
        export RUSTC=$debian_rustc RUSTC_BOOTSTRAP=1
        export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker
        options+=(-Zbuild-std=std,panic_abort)
    elif command -v rustup >/dev/null 2>&1 && bounded 240 rustup target add $target; then
        :
    else
        die "plugins: no Rust compiler here can compile for $target. One of these brings it:
  rustup target add $target
  Debian: rustc-web rust-web-src lld    Fedora: rust-std-static-$target
  Arch: rust-wasm                       Alpine: rust-wasm"
    fi
    ../scripts/compile.sh build "${options[@]}"
}

# ---- C -----------------------------------------------------------------------------------------

# Apple's clang has no WebAssembly back end.
wasm_clang() {
    local clang
    for clang in "${WASM_CC:-clang}" /opt/homebrew/opt/llvm/bin/clang /usr/local/opt/llvm/bin/clang; do
        "$clang" -print-targets 2>/dev/null | grep -q wasm32 && echo "$clang" && return
    done
    die "plugins: no clang with a WebAssembly back end; install clang and lld (macOS: llvm)"
}

# c_plugin FOLDER MODULE: without a C library but the one that the plugin brings along
c_plugin() {
    local clang
    clang=$(wasm_clang)
    "$clang" --target=$target -std=c11 -O3 -msimd128 -ffreestanding -nostdlib -Wall -Wextra \
        -isystem "$1/libc" -I "$1/bindings" "$1"/*.c "$1"/libc/*.c "$1"/bindings/*.c \
        "$1"/bindings/*_component_type.o \
        -Wl,--no-entry -Wl,--strip-all -Wl,--stack-first -o "$2.partial"
    mv "$2.partial" "$2"
}

# changed_since FILE FOLDER: whether anything in the folder, or this script, is newer
changed_since() {
    [ ! -e "$1" ] || [ -n "$(find "$2" build.sh -newer "$1" -type f | head -n 1)" ]
}

# ---- components --------------------------------------------------------------------------------

# pack MODULE NAME
pack() {
    local component=$out/$2.wasm
    if [ "$component" -nt "$1" ] && [ "$component" -nt "$filmgate" ]; then
        return
    fi
    "$filmgate" plugin pack "$1" -o "$component.partial"
    mv "$component.partial" "$component"
    say "plugins: $2"
}

rust_plugins
for manifest in */*/Cargo.toml; do
    grep -q cdylib "$manifest" || continue
    name=$(basename "$(dirname "$manifest")")
    package=$(sed -n 's/^name = "\(.*\)"$/\1/p' "$manifest" | head -n 1)
    pack "target/$target/release/${package//-/_}.wasm" "$name"
done

mkdir -p target/c
for folder in $(dirname */*/*.c | sort -u); do
    name=$(basename "$folder")
    module=target/c/$name.wasm
    if changed_since "$module" "$folder"; then
        c_plugin "$folder" "$module"
    fi
    pack "$module" "$name"
done
