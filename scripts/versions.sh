# shellcheck shell=bash
# The versions that filmgate builds with, and how a found one is compared with them. Source it after
# env.sh; it changes nothing.

least_rust=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml")

# FFmpeg goes by libavcodec's number, which pkg-config knows and a FFmpeg from git has as well: 59.37
# is FFmpeg 5.1, and since then every major version of one is one of the other.
least_avcodec=59.37
newest_avcodec=63
tried_ffmpeg="5.1, 7.1 and 9.0"

# at_least LEAST VERSION: 1.95 ≤ 1.95.0 ≤ 1.100
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# new_enough PROGRAM…: is that a cargo or rustc that can be used?
new_enough() {
    local version
    version=$("$@" --version 2>/dev/null | awk '{ print $2 }') || return 1
    [ -n "$version" ] && at_least "$least_rust" "$version"
}

# ffmpeg_of AVCODEC: 61.19.101 belongs to FFmpeg 7. Up to 58 the two did not go together.
ffmpeg_of() {
    local major=${1%%.*}
    if [ "$major" -ge 59 ]; then say "FFmpeg $((major - 54))"; elif [ "$major" = 58 ]; then say "FFmpeg 4"; else say "an FFmpeg before 4"; fi
}

is_debian() { command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1; }

# candidate PACKAGE: the version that apt would install; nothing where it has none
candidate() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: \([0-9].*\)$/\1/p'; }

# Debian carries a recent Rust for its browsers: rustc-web and its family, in the security updates.
debian_has_new_rust() {
    local version
    is_debian || return 1
    version=$(candidate rustc-web)
    [ -n "$version" ] && at_least "$least_rust" "$version"
}
