#!/usr/bin/env bash
# Brings a machine to the point where filmgate builds (`setup.sh`) and where its tests run
# (`setup.sh test`).
#
# What is needed is looked for by what it does, not by package names, so a machine that has it all
# passes without root, network or package manager. What is missing is installed on Debian and
# Ubuntu; elsewhere the packages are named and the exit code is 1.
# shellcheck disable=SC2016
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
. scripts/versions.sh

purpose=${1:-build}
case $purpose in
build | test) ;;
*) die "usage: scripts/setup.sh [build|test]" ;;
esac

# ---- what is needed, and who has it ------------------------------------------------------------

# need | Debian, Ubuntu | Fedora | Arch | Alpine | Homebrew
table='
compiler   | build-essential                | gcc gcc-c++ make        | base-devel | build-base           | gcc
pkg-config | pkg-config                     | pkgconf-pkg-config      | pkgconf    | pkgconf              | pkgconf
clang      | clang                          | clang                   | clang      | clang                | llvm
wasm-ld    | lld                            | lld                     | lld        | lld                  | lld
libclang   | libclang-dev                   | clang-devel             | clang      | clang-dev            | llvm
libav      | libavcodec-dev libavdevice-dev libavformat-dev libavutil-dev libswscale-dev libswresample-dev | libavcodec-free-devel libavdevice-free-devel libavformat-free-devel libavutil-free-devel libswscale-free-devel libswresample-free-devel | ffmpeg | ffmpeg-dev | ffmpeg
ffmpeg     | ffmpeg                         | ffmpeg-free             | ffmpeg     | ffmpeg               | ffmpeg
turbojpeg  | libturbojpeg0-dev              | turbojpeg-devel         | libjpeg-turbo | libjpeg-turbo-dev    | jpeg-turbo
curl       | curl ca-certificates           | curl                    | curl       | curl ca-certificates | curl
python     | python3 python3-venv           | python3                 | python     | python3 py3-pip      | python
strace     | strace                         | strace                  | strace     | strace               | -
mkvmerge   | mkvtoolnix                     | mkvtoolnix              | mkvtoolnix-cli | mkvtoolnix       | mkvtoolnix
nginx      | nginx-core libnginx-mod-rtmp   | -                       | -          | nginx nginx-mod-rtmp | -
rsync      | rsync                          | rsync                   | rsync      | rsync                | rsync
gstreamer  | gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good | gstreamer1 gstreamer1-plugins-base gstreamer1-plugins-good | gstreamer gst-plugins-base gst-plugins-good | gstreamer-tools gst-plugins-base gst-plugins-good | gstreamer
mount      | mount                          | util-linux              | util-linux | util-linux           | -
ed         | ed                             | ed                      | ed         | ed                   | -
zsh        | zsh                            | zsh                     | zsh        | zsh                  | zsh
fish       | fish                           | fish                    | fish       | fish                 | fish
vim        | vim-tiny                       | vim-enhanced            | vim        | vim                  | vim
systemd    | systemd                        | systemd                 | systemd    | -                    | -
registry   | docker-registry                | -                       | -          | docker-registry      | -
minisign   | minisign                       | minisign                | minisign   | minisign             | minisign
chromium   | chromium-headless-shell        | chromium-headless       | chromium   | chromium             | chromium
'
build_needs="compiler pkg-config clang wasm-ld libclang libav turbojpeg ffmpeg curl python"
# Tests whose tool is missing fail, unless FILMGATE_SKIP names it: tests/src/tools.rs.
test_needs="strace mkvmerge nginx rsync gstreamer mount ed vim zsh fish systemd chromium registry minisign"

has() {
    case $1 in
    compiler) command -v cc && command -v c++ && command -v make ;;
    pkg-config) command -v pkg-config ;;
    # Apple's clang has no WebAssembly back end.
    clang) clang -print-targets 2>/dev/null | grep wasm32 ;;
    wasm-ld) command -v wasm-ld ;;
    libclang) has_libclang ;;
    libav) pkg-config --exists libavcodec libavdevice libavformat libavutil libswscale libswresample ;;
    turbojpeg) pkg-config --exists 'libturbojpeg >= 2.0' ;;
    ffmpeg) command -v ffmpeg && command -v ffprobe ;;
    curl) command -v curl ;;
    python) scripts/venv.sh --which ;;
    mkvmerge) command -v mkvmerge ;;
    # A real server to push to, where the system has a package of it.
    nginx) ! is_debian || [ -e /usr/lib/nginx/modules/ngx_rtmp_module.so ] ;;
    rsync) command -v rsync ;;
    # The real multifilesink, which the watch is tried with.
    gstreamer) gst-inspect-1.0 multifilesink && gst-inspect-1.0 jpegenc ;;
    # Only Linux has these.
    strace) ! is_linux || command -v strace ;;
    mount) ! is_linux || command -v mount ;;
    systemd) ! is_linux || command -v systemd-analyze ;;
    ed) command -v ed ;;
    zsh) command -v zsh ;;
    fish) command -v fish ;;
    registry) ! is_debian || command -v docker-registry ;;
    minisign) command -v minisign ;;
    vim) command -v vim || command -v vim.tiny ;;
    chromium)
        command -v chromium-headless-shell || command -v chromium ||
            command -v chromium-browser || command -v google-chrome
        ;;
    esac >/dev/null 2>&1
}

# Where bindgen looks for it: LIBCLANG_PATH, llvm-config, the usual folders.
has_libclang() {
    local folder
    for folder in "${LIBCLANG_PATH:-}" "$(llvm-config --libdir 2>/dev/null || true)" \
        /usr/lib/llvm-*/lib /usr/lib/llvm*/lib /usr/lib /usr/lib64 /usr/lib/*-linux-gnu \
        /usr/local/lib /opt/homebrew/opt/llvm/lib /usr/local/opt/llvm/lib; do
        [ -n "$folder" ] && compgen -G "$folder/libclang*.so*" && return
        [ -n "$folder" ] && compgen -G "$folder/libclang*.dylib" && return
    done
    return 1
}

is_linux() { [ "$(uname -s)" = Linux ]; }

missing() {
    local need
    for need in $build_needs $([ "$purpose" = test ] && echo "$test_needs"); do
        has "$need" || left_out "$need" || echo "$need"
    done
}

# Whether the tests that need it are not to be tried.
left_out() {
    case ",${FILMGATE_SKIP:-}," in
    *[,\ ]"$1"[,\ ]*) return 0 ;;
    esac
    return 1
}

# packages COLUMN NEED…: the names of the packages that bring it
packages() {
    local column=$1 need
    shift
    for need in "$@"; do
        awk -F'|' -v c="$column" -v n="$need" '{ gsub(/ /, "", $1); if ($1 == n) print $c }' \
            <<<"$table"
    done | tr -s ' \n' '  ' | sed 's/^ //; s/ $//'
}

# ---- installing them ---------------------------------------------------------------------------

apt_packages() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=120
        -o Acquire::http::Timeout=30 -o Acquire::Retries=2)
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            die "setup: these packages are missing: $*
As root, run:  apt-get update && apt-get install $*"
        # Without a terminal nobody can type a password: fail instead of waiting.
        if [ -t 0 ]; then apt=(sudo "${apt[@]}"); else apt=(sudo -n "${apt[@]}"); fi
    fi
    say "setup: installing $*"
    if [ -z "${apt_updated:-}" ]; then
        bounded 300 "${apt[@]}" -qq update ||
            warn "setup: the package lists could not be updated; trying with the old ones"
        apt_updated=yes
    fi
    bounded 1800 "${apt[@]}" -qq install --no-install-recommends "$@" >build/apt.log 2>&1 || {
        tail -n 15 build/apt.log >&2
        return 1
    }
}

# The way to install by hand, one line for each system that is known.
advice() {
    local like
    like=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${ID_LIKE:-}" || true)
    case "$(uname -s) $like" in
    Darwin*) say "  brew install $(packages 6 "$@")   # and put llvm's bin folder on the PATH" ;;
    *fedora* | *rhel*)
        say "  sudo dnf install $(packages 3 "$@")"
        say "  (ffmpeg-free has no x264; RPM Fusion's ffmpeg and ffmpeg-devel have it)"
        ;;
    *arch*) say "  sudo pacman -S --needed $(packages 4 "$@")" ;;
    *alpine*) say "  sudo apk add $(packages 5 "$@")" ;;
    *) say "  on Debian they are: $(packages 2 "$@")" ;;
    esac
}

system_packages() {
    local -a lacking
    mapfile -t lacking < <(missing)
    [ ${#lacking[@]} -gt 0 ] || return 0
    if is_debian; then
        local -a names
        read -ra names <<<"$(packages 2 "${lacking[@]}")"
        apt_packages "${names[@]}" ||
            die "setup: apt-get could not install ${names[*]}
Tests that need tools which this system lacks can be left out: FILMGATE_SKIP in CONTRIBUTING.md"
        mapfile -t lacking < <(missing)
        [ ${#lacking[@]} -gt 0 ] || return 0
    fi
    warn "setup: missing: ${lacking[*]}. To install what brings it:"
    advice "${lacking[@]}" >&2
    exit 1
}

# ---- Rust --------------------------------------------------------------------------------------

# remember LINE: what env.sh has to set from now on, here too. LINE is expanded when it is sourced.
remember() {
    say "$1" >build/rust-env.sh
    . scripts/env.sh
}

rust_by_rustup() {
    local components=(--profile minimal -c rustfmt -c clippy)
    if command -v rustup >/dev/null 2>&1; then
        say "setup: Rust $least_rust or newer is needed; updating rustup's stable toolchain"
        bounded 900 rustup toolchain install stable "${components[@]}" --no-self-update || return 1
        remember 'export RUSTUP_TOOLCHAIN=stable'
    else
        say "setup: installing Rust by rustup (https://rustup.rs) into ${CARGO_HOME:-$HOME/.cargo}"
        curl --proto '=https' --tlsv1.2 -sSf --connect-timeout 15 --max-time 60 \
            -o build/rustup-init.sh https://sh.rustup.rs || return 1
        bounded 900 sh build/rustup-init.sh -y -q --no-modify-path "${components[@]}" || return 1
        remember 'PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"'
    fi
    new_enough cargo
}

rust_by_debian() {
    debian_has_new_rust || return 1
    apt_packages cargo-web rustc-web rust-web-src rustfmt-web rust-web-clippy || return 1
    remember 'PATH="/usr/bin:$PATH"'
    new_enough cargo
}

rust() {
    new_enough cargo && new_enough rustc && return
    rust_by_rustup && return
    warn "setup: rustup could not install it from here"
    rust_by_debian && return
    die "setup: Rust $least_rust or newer is needed, and could be had neither from
https://sh.rustup.rs nor as a package. Install it (https://rustup.rs) and run this again."
}

lint_tools() {
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return
    command -v rustup >/dev/null 2>&1 && bounded 300 rustup component add rustfmt clippy && return
    die "setup: rustfmt and clippy are missing: install the ones that belong to $(rustc --version)"
}

# ---- Rust for the plugins ----------------------------------------------------------------------

has_wasm_target() {
    compgen -G "$(rustc --print target-libdir --target wasm32-unknown-unknown)/libcore-*.rlib" \
        >/dev/null
}

# A compiler of Debian's with the sources of its standard library, which plugins/build.sh compiles.
has_std_sources() {
    new_enough /usr/bin/rustc &&
        [ -e "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ]
}

wasm_target() {
    has_wasm_target && return
    has_std_sources && return
    if command -v rustup >/dev/null 2>&1; then
        say "setup: adding the target wasm32-unknown-unknown"
        bounded 240 rustup target add wasm32-unknown-unknown && has_wasm_target && return
    fi
    if debian_has_new_rust; then
        apt_packages rustc-web rust-web-src && has_std_sources && return
    fi
    die "setup: $(rustc --version) has no standard library for wasm32-unknown-unknown, which the
plugins are compiled for. One of these brings it:
  rustup target add wasm32-unknown-unknown
  Debian: rustc-web rust-web-src    Fedora: rust-std-static-wasm32-unknown-unknown
  Arch: rust-wasm                   Alpine: rust-wasm"
}

# The first build is long, and whoever waits wants to know before it begins.
announce() {
    local processors packages
    [ ! -e target/release/filmgate ] || return 0
    processors=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
    packages=$(missing | tr '\n' ' ')
    [ -z "$packages" ] || say "setup: to be installed first, in a minute or three: $packages"
    say "setup: the first build takes about $((3 + 24 / processors)) minutes with $processors processors, most of it
setup: for wasmtime, the compiler and sandbox of plugins (250 of 380 crates); later builds take seconds"
}

mkdir -p build
# Before minutes of installing and compiling; and once more, where the libraries came only now.
scripts/preflight.sh ffmpeg rust
announce
lacking=$(missing)
system_packages
[ -z "$lacking" ] || scripts/preflight.sh ffmpeg
rust
wasm_target
if [ "$purpose" = test ]; then
    lint_tools
    scripts/venv.sh test build/venv
fi
