#!/usr/bin/env bash
# preflight.sh [ffmpeg|rust]…: finds within seconds what would let the build fail after minutes: an
# FFmpeg or a Rust that is too old. It installs nothing; what is merely missing is setup.sh's to
# install and no fault here.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
. scripts/versions.sh

# ---- FFmpeg ------------------------------------------------------------------------------------

ffmpeg_too_old() {
    die "setup: $1, and FFmpeg 5.1 or newer is needed (tried: $tried_ffmpeg).
Debian 12 and Ubuntu 24.04 have a newer one. Another installation is taken, too:
export PKG_CONFIG_PATH=/folder/of/its/lib/pkgconfig, and run this again."
}

# The libraries that are there, since the bindings are made from their headers.
installed_ffmpeg() {
    local version found
    version=$(pkg-config --modversion libavcodec 2>/dev/null) || return 1
    found="$(ffmpeg_of "$version") was found (libavcodec $version in $(pkg-config --variable=libdir libavcodec))"
    at_least "$least_avcodec" "$version" || ffmpeg_too_old "$found"
    [ "${version%%.*}" -le "$newest_avcodec" ] ||
        warn "setup: warning: $found, newer than all that filmgate was tried with ($tried_ffmpeg).
If the crate ffmpeg-sys-next or ffmpeg-next does not compile: 'cargo update -p ffmpeg-next -p ffmpeg-sys-next',
or an older FFmpeg by PKG_CONFIG_PATH."
}

# What apt would install, where nothing is there yet. Its version is the package's: 7:5.1.9-0+deb12u1.
offered_ffmpeg() {
    local version
    is_debian || return 0
    version=$(candidate libavcodec-dev)
    version=${version#*:}
    [ -z "$version" ] || at_least 5.1 "$version" || ffmpeg_too_old "apt-get would install FFmpeg $version"
}

check_ffmpeg() { installed_ffmpeg || offered_ffmpeg; }

# ---- Rust --------------------------------------------------------------------------------------

# Does the server answer that rustup takes its toolchains from? Whatever it answers.
rust_server=${RUSTUP_DIST_SERVER:-https://static.rust-lang.org}
server_answers() { curl -s -o /dev/null --connect-timeout 5 --max-time 10 "$rust_server"; }

# Not to be known yet on a machine without curl, or without lists of packages: setup.sh fetches those.
cannot_be_known() {
    ! command -v curl >/dev/null 2>&1 || { is_debian && [ -z "$(candidate rustc)" ]; }
}

check_rust() {
    local found
    new_enough cargo && new_enough rustc && return
    cannot_be_known || server_answers || debian_has_new_rust && return
    found=$(rustc --version 2>/dev/null) || found="no Rust"
    die "setup: $found was found, and Rust $least_rust or newer is needed. It cannot be installed from here:
$rust_server does not answer, and apt-get has no package rustc-web that is new enough.
Connect to the network (or set https_proxy or RUSTUP_DIST_SERVER), or install Rust (https://rustup.rs)
or, on Debian, its security updates' rustc-web and cargo-web after 'apt-get update'; then run this again."
}

[ $# -gt 0 ] || set -- ffmpeg rust
for subject; do
    case $subject in
    ffmpeg) check_ffmpeg ;;
    rust) check_rust ;;
    *) die "usage: scripts/preflight.sh [ffmpeg|rust]…" ;;
    esac
done
