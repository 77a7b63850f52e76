#!/usr/bin/env bash
# Does the host compile against the FFmpeg of every current Debian release? `cargo check` with the
# headers of each, but for the version that this machine has, which the tests run with.
#
# The packages with the headers are downloaded with an apt of its own below build/ffmpeg and only
# unpacked: nothing is installed, and no root is needed. Where they cannot be had the check is
# skipped, and fails if CI is set.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
. scripts/debian.sh
. scripts/versions.sh

# `testing` is where Debian's next FFmpeg appears first. One newer than all that scripts/versions.sh
# knows is tried as well, and only warned of where it does not compile: no change here broke it.
releases="bookworm trixie testing"
packages="libavcodec-dev libavformat-dev libavutil-dev libswresample-dev libswscale-dev libturbojpeg0-dev"
folder=$root/build/ffmpeg

# Where something outside the repository is missing.
skip() {
    [ -z "${CI:-}" ] || die "check-ffmpeg: $*"
    warn "check-ffmpeg: skipped: $*"
    exit 0
}

# private_apt RELEASE PROGRAM ARGUMENT…: apt with that release as its only source and nothing installed
private_apt() {
    local home=$folder/apt/$1 program=$2
    shift 2
    "$program" -q -o Dir="$home" -o Dir::State::status="$home/status" \
        -o APT::Sandbox::User= -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        -o Acquire::http::Timeout=20 -o Acquire::Retries=2 "$@"
}

# update RELEASE MIRROR: its list of packages, once a day
update() {
    local home=$folder/apt/$1
    [ -z "$(find "$home/updated" -mtime -1 2>/dev/null)" ] || return 0
    mkdir -p "$home"/etc/apt/{apt.conf.d,preferences.d,sources.list.d} "$home"/var/lib/apt/lists/partial \
        "$home"/var/cache/apt/archives/partial
    : >"$home/status"
    say "deb [arch=$(dpkg --print-architecture) signed-by=$debian_keyring] $2 $1 main" >"$home/etc/apt/sources.list"
    private_apt "$1" bounded_apt update -o APT::Update::Error-Mode=any >"$home/log" 2>&1 || return 1
    touch "$home/updated"
}

bounded_apt() { bounded 300 apt-get "$@"; }

# version RELEASE: of its FFmpeg, without the epoch: 7.1.5-0+deb13u1
version() {
    LC_ALL=C private_apt "$1" apt-cache policy libavcodec-dev | sed -n 's/^ *Candidate: \([0-9]*:\)\{0,1\}//p'
}

# The version is a part of the name, since cargo asks for the name of a folder of headers alone.
fetch() {
    local release=$1 to=$2 deb
    [ ! -d "$to" ] || return 0
    rm -rf "$to.partial"
    mkdir -p "$to.partial/debs"
    # shellcheck disable=SC2086
    (cd "$to.partial/debs" && private_apt "$release" bounded_apt download $packages) >"$folder/apt/$release/log" 2>&1 ||
        return 1
    for deb in "$to".partial/debs/*.deb; do
        dpkg-deb -x "$deb" "$to.partial" || return 1
    done
    rm -rf "$to.partial/debs"
    mv "$to.partial" "$to"
}

# check NUMBER HEADERS. All share one target folder, so that the dependencies are compiled once. The
# crates that depend on the headers are told apart by a setting that matters to no check (a level of
# debug info), since cargo would compile them again at every change of the environment otherwise.
check() {
    local libraries
    libraries=$(compgen -G "$2/usr/lib/*/pkgconfig")
    PKG_CONFIG_LIBDIR=$libraries PKG_CONFIG_SYSROOT_DIR=$2 scripts/compile.sh check --locked -p filmgate-cli \
        --target-dir "$folder/target" \
        --config "profile.dev.package.ffmpeg-sys-next.codegen-units=$1" \
        --config "profile.dev.package.turbojpeg-sys.codegen-units=$1"
}

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || skip "there is no apt-get to fetch the headers with"
[ -e "$debian_keyring" ] || skip "$debian_keyring is missing: apt-get install debian-archive-keyring"
mirror=$(debian_mirror) ||
    skip "the apt sources of this machine name no Debian mirror; set FILMGATE_DEBIAN_MIRROR, for example to https://deb.debian.org/debian"
own=$(pkg-config --modversion libavcodec)
number=100
for release in $releases; do
    number=$((number + 1))
    update "$release" "$mirror" ||
        skip "the package lists of Debian $release could not be fetched from $mirror: $(tail -n 1 "$folder/apt/$release/log")"
    version=$(version "$release")
    headers=$folder/$version
    fetch "$release" "$headers" ||
        skip "FFmpeg $version could not be fetched from $mirror: $(tail -n 1 "$folder/apt/$release/log")"
    line="FFmpeg $version (Debian $release)"
    avcodec=$(sed -n 's/^Version: //p' "$headers"/usr/lib/*/pkgconfig/libavcodec.pc)
    if [ "$avcodec" = "$own" ]; then
        say "check-ffmpeg: $line: as on this machine"
        continue
    fi
    started=$SECONDS
    if check "$number" "$headers"; then
        say "check-ffmpeg: $line: compiles ($((SECONDS - started)) s)"
    elif [ "${avcodec%%.*}" -gt "$newest_avcodec" ]; then
        warn "check-ffmpeg: warning: filmgate does not compile against $line, which is newer than all that are known"
    else
        die "check-ffmpeg: filmgate does not compile against $line"
    fi
done
