#!/usr/bin/env bash
# The demo: a real film through the emboss plugin, a picture of it before and after, and the proof
# that the sound is the same, packet for packet. Everything it makes is in build/demo.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

film=build/media/bigbuckbunny.mp4
embossed=build/demo/embossed.mp4
picture=build/demo/before-after.png

mkdir -p build/demo
say "film:    $film"
say "         $(cat build/media/SOURCE.txt)"
say "\$ filmgate run -i $film -p emboss:planes=all -o $embossed -y"
"$FILMGATE_BIN" run -i "$film" -p emboss:planes=all -o "$embossed" -y

# side_by_side LEFT RIGHT: the picture in the middle of both films. The labels are left out where
# this ffmpeg cannot write.
side_by_side() {
    local middle look=fontsize=28:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=8:x=16:y=16
    local left="[0:v]drawtext=text=before:${look}[l]" right="[1:v]drawtext=text=emboss:${look}[r]"
    middle=$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$1" |
        awk '{ printf "%.3f", $1 / 2 }')
    local films=(-nostdin -v error -y -ss "$middle" -i "$1" -ss "$middle" -i "$2")
    ffmpeg "${films[@]}" -filter_complex "$left;$right;[l][r]hstack" -frames:v 1 \
        -update 1 "$picture" 2>/dev/null ||
        ffmpeg "${films[@]}" -filter_complex '[0:v][1:v]hstack' -frames:v 1 -update 1 "$picture"
}

# sound FILM: the MD5 of all its sound packets, undecoded
sound() { ffmpeg -nostdin -v error -i "$1" -map 0:a -c copy -f md5 - | sed 's/^MD5=//'; }
packets() {
    ffprobe -v error -select_streams a -count_packets -show_entries stream=nb_read_packets \
        -of csv=p=0 "$1"
}

side_by_side "$film" "$embossed"
before=$(sound "$film")
after=$(sound "$embossed")
[ "$before" = "$after" ] || die "sound:   differs: $before before, $after after"
say "sound:   intact, all $(packets "$embossed") packets (MD5 $after in both files)"
say "result:  $embossed"
say "picture: $picture (before | after)"
