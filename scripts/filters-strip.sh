#!/usr/bin/env bash
# The strip of four filters in the README: docs/filters.jpg, from the film of the demo. Run
# `make demo` before.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

film=build/media/bigbuckbunny.mp4
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

filters=(edges:gain=2 pixelate:block=32 curves:preset=vintage vignette:strength=90)
inputs=() cells='' all=''
for number in "${!filters[@]}"; do
    filter=${filters[number]}
    "$FILMGATE_BIN" frame -i "$film" --at 50% -p "$filter" -o "$made/$number.png"
    inputs+=(-i "$made/$number.png")
    label="drawtext=text=${filter%%:*}:fontsize=20:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=6:x=10:y=10"
    cells+="[$number:v]scale=320:-1:flags=lanczos,$label[c$number];"
    all+="[c$number]"
done
ffmpeg -nostdin -v error -y "${inputs[@]}" \
    -filter_complex "$cells${all}hstack=inputs=${#filters[@]}" -frames:v 1 -update 1 -q:v 4 docs/filters.jpg
say "docs/filters.jpg: ${filters[*]}"
