#!/usr/bin/env bash
# test-debian13.sh [COMMAND…]: runs `make test`, or COMMAND, on Debian 13, in a chroot below
# build/debian13 that is made the first time and kept.
#
# The working tree is copied into it, committed or not. The Rust toolchain and cargo's registry are
# those of this machine; all else is what scripts/setup.sh installs there. All mounts are made in a
# mount namespace of its own, so that none remains, however this ends.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
. scripts/debian.sh

release=trixie
chroot=${FILMGATE_DEBIAN13:-$root/build/debian13}
system=$chroot/system

# ---- inside the namespace ----------------------------------------------------------------------

# bind SOURCE PATH [OPTION]: SOURCE appears as PATH in the chroot
bind() {
    mkdir -p "$system$2"
    mount --rbind "$1" "$system$2"
    [ -z "${3:-}" ] || mount -o "remount,bind,$3" "$system$2"
}

# What of the caller's environment holds inside as well.
kept_environment() {
    local name
    for name in CI CARGO_BUILD_JOBS http_proxy https_proxy no_proxy PIP_INDEX_URL; do
        [ -z "${!name:-}" ] || say "$name=${!name}"
    done
}

run_inside() {
    local -a environment
    mapfile -t environment < <(kept_environment)
    mount -t proc proc "$system/proc"
    bind /sys /sys
    bind /dev /dev
    bind "$(rustc --print sysroot)" /opt/rust ro
    bind "${CARGO_HOME:-$HOME/.cargo}/registry" /opt/cargo/registry
    exec chroot "$system" /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
        CARGO_HOME=/opt/cargo "${environment[@]}" \
        PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        sh -c 'cd /filmgate && exec "$@"' sh "$@"
}

if [ "${1:-}" = --inside ]; then
    shift
    run_inside "$@"
    exit
fi

# ---- outside -----------------------------------------------------------------------------------

needs() {
    ! command -v "$1" >/dev/null || return 0
    say "debian13: installing $1"
    bounded 300 apt-get -qq -y -o DPkg::Lock::Timeout=120 install "$1" >/dev/null ||
        die "debian13: apt-get could not install $1"
}

make_system() {
    local mirror
    [ ! -e "$chroot/made" ] || return 0
    mirror=$(debian_mirror) || die "debian13: the apt sources of this machine name no Debian mirror;
set FILMGATE_DEBIAN_MIRROR, for example to https://deb.debian.org/debian"
    [ -e "$debian_keyring" ] || die "debian13: $debian_keyring is missing: apt-get install debian-archive-keyring"
    needs debootstrap
    say "debian13: making Debian 13 in $system, from $mirror"
    # What an earlier attempt left half done.
    rm -rf --one-file-system "$system"
    bounded 900 debootstrap --variant=minbase --include=ca-certificates,make,git \
        --keyring="$debian_keyring" "$release" "$system" "$mirror" >"$chroot/debootstrap.log" 2>&1 || {
        tail -n 5 "$chroot/debootstrap.log" >&2
        die "debian13: debootstrap failed; all it said is in $chroot/debootstrap.log"
    }
    # A proxy of this machine may have certificates of its own.
    cp -L /etc/ssl/certs/ca-certificates.crt "$system/etc/ssl/certs/ca-certificates.crt"
    touch "$chroot/made"
}

# The tree as it is. What did not change keeps its time there and what did gets a new one, so that
# cargo compiles no more and no less than it has to: with the times of here it would miss what was
# edited while it was compiling there.
copy_tree() {
    mkdir -p "$system/filmgate/build"
    rsync -rlp --checksum --delete --exclude=/.git --exclude=/target --exclude=/plugins/target --exclude=/build \
        ./ "$system/filmgate/"
    [ ! -d build/media ] || [ -d "$system/filmgate/build/media" ] || cp -a build/media "$system/filmgate/build/media"
    cp -L /etc/resolv.conf /etc/hosts "$system/etc/"
}

[ "$(id -u)" = 0 ] || die "debian13: a chroot needs root: sudo make test-debian13"
command -v apt-get >/dev/null || die "debian13: debootstrap is installed by apt-get, which this system does not have"
new_toolchain=$(rustc --print sysroot) || die "debian13: no Rust was found; run make setup"
[ -x "$new_toolchain/bin/cargo" ] || die "debian13: $new_toolchain has no cargo, which is used in the chroot"
mkdir -p "$chroot" "${CARGO_HOME:-$HOME/.cargo}/registry"
needs rsync
make_system
copy_tree
[ $# -gt 0 ] || set -- make test
say "debian13: $*"
# A namespace for processes as well would shield them from Ctrl-C and kill.
exec unshare --mount --propagation private "$0" --inside "$@"
