#!/usr/bin/env bash
# cases.sh OUTDIR: makes OUTDIR/CASE/{1,2,3}.*, three segments a case, with the ffmpeg program. Each
# is 2 s of 192x108 at 25 pictures a second, no two alike, with 44.1 kHz stereo AAC, unless the
# case's name says otherwise, and has a burst of 1 kHz at 1.0 s, so that it can be heard where each
# segment lies.
set -euo pipefail
base=${1:?a folder to make the cases in}
mkdir -p "$base"
base=$(cd "$base" && pwd)
ff() { ffmpeg -nostdin -v error -y "$@"; }

usual_video=(-c:v libx264 -preset veryfast -crf 23 -g 30 -bf 2 -threads 1 -pix_fmt yuv420p)
usual_audio=(-c:a aac -b:a 96k)

# segment OUT NUMBER SIZE FPS RATE CHANNELS [video…] -- [audio…] -- [muxer…]
segment() {
    local out=$1 number=$2 size=$3 fps=$4 rate=$5 channels=$6
    shift 6
    local video=() audio=() muxer=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do video+=("$1"); shift; done; shift || true
    while [ $# -gt 0 ] && [ "$1" != -- ]; do audio+=("$1"); shift; done; shift || true
    muxer=("$@")
    [ ${#video[@]} -gt 0 ] || video=("${usual_video[@]}")
    [ ${#audio[@]} -gt 0 ] || audio=("${usual_audio[@]}")
    ff -f lavfi -i "testsrc2=s=$size:r=$fps:d=2,hue=h=$((number * 100))" \
        -f lavfi -i "aevalsrc='if(between(t,1,1.05),0.8*sin(2*PI*1000*t),0)':s=$rate:d=2" \
        -ac "$channels" -map 0:v -map 1:a "${video[@]}" "${audio[@]}" "${muxer[@]}" "$out"
}
usual() { segment "$1" "$2" 192x108 25 44100 2; }
odd() { segment 2.mp4 2 192x108 25 44100 2 "$@"; }
good=$base/good
case_() { mkdir -p "$base/$1"; cd "$base/$1"; }
around() { cp "$good/1.mp4" "$good/3.mp4" .; }

case_ good; for i in 1 2 3; do usual $i.mp4 $i; done
case_ resolution; around; segment 2.mp4 2 256x144 25 44100 2
x265=(-c:v libx265 -preset ultrafast -x265-params log-level=error:pools=1 -tag:v hvc1 -pix_fmt yuv420p)
case_ codec_hevc; around; odd "${x265[@]}"
case_ codec_mpeg4; around; odd -c:v mpeg4 -q:v 4
case_ other_sets; around; odd -c:v libx264 -profile:v baseline -preset ultrafast -crf 23 -threads 1 -pix_fmt yuv420p
case_ interlaced; around; odd -c:v libx264 -preset veryfast -crf 23 -flags +ilme+ildct -x264opts tff=1 -threads 1 -pix_fmt yuv420p
case_ timebase; around; odd -- -- -video_track_timescale 90000
case_ fps; around; segment 2.mp4 2 192x108 30 44100 2
case_ audio_48k; around; segment 2.mp4 2 192x108 25 48000 2
case_ audio_mono; around; segment 2.mp4 2 192x108 25 44100 1
case_ audio_mp3; around; odd -- -c:a libmp3lame
case_ no_audio; around; ff -i "$good/2.mp4" -an -c copy 2.mp4
case_ no_audio_first; cp "$good/2.mp4" "$good/3.mp4" .; ff -i "$good/1.mp4" -an -c copy 1.mp4
case_ swapped; around; ff -i "$good/2.mp4" -map 0:a -map 0:v -c copy 2.mp4
case_ moov_missing; around; head -c $(($(stat -c %s "$good/2.mp4") * 6 / 10)) "$good/2.mp4" > 2.mp4
case_ empty; around; : > 2.mp4
case_ html; around; echo '<html><body>502 Bad Gateway</body></html>' > 2.mp4
case_ hevc; for i in 1 2 3; do segment $i.mp4 $i 192x108 25 44100 2 "${x265[@]}"; done
case_ cut; around; ff -ss 0.9 -i "$good/2.mp4" -c copy 2.mp4
case_ no_editlist; around; ff -i "$good/2.mp4" -c copy -use_editlist 0 -movflags +negative_cts_offsets 2.mp4
# FFmpeg 6.0 brought an option for it, and 7.0 no longer heeds the tag.
rotated() { ff -display_rotation 90 -i "$1" -c copy "$2" 2>/dev/null || ff -i "$1" -c copy -metadata:s:v rotate=90 "$2"; }
case_ rotation; around; rotated "$good/2.mp4" 2.mp4
case_ vfr
for i in 1 2 3; do
    ff -f lavfi -i "testsrc2=s=192x108:r=60:d=2,hue=h=$((i * 100)),select='lt(mod(n*7919,97),35)+eq(n,119)'" \
        -f lavfi -i "aevalsrc='if(between(t,1,1.05),0.8*sin(2*PI*1000*t),0)':s=44100:d=2" -ac 2 \
        -fps_mode vfr "${usual_video[@]}" -c:a aac $i.mp4
done
case_ fragmented
for i in 1 2 3; do ff -i "$good/$i.mp4" -c copy -movflags +frag_keyframe+empty_moov+default_base_moof $i.mp4; done
for format in mkv ts flv; do
    case_ $format; for i in 1 2 3; do ff -i "$good/$i.mp4" -c copy $i.$format; done
done
case_ ten_bits; around; odd -c:v libx264 -preset veryfast -crf 23 -threads 1 -pix_fmt yuv420p10le
case_ short_audio
for i in 1 2 3; do
    ff -i "$good/$i.mp4" -t 1.5 -vn -c copy a.m4a
    ff -i "$good/$i.mp4" -i a.m4a -map 0:v -map 1:a -c copy $i.mp4
    rm a.m4a
done
case_ extra_tracks; around
printf '1\n00:00:00,500 --> 00:00:01,500\nhello\n' > s.srt
ff -i "$good/2.mp4" -i s.srt -map 0 -map 1 -c copy -c:s mov_text -timecode 00:00:10:00 2.mp4; rm s.srt
case_ cover; cp "$good/2.mp4" "$good/3.mp4" .
ff -f lavfi -i color=red:s=64x64 -frames:v 1 c.png
ff -i "$good/1.mp4" -i c.png -map 0 -map 1 -c copy -disposition:v:1 attached_pic 1.mp4; rm c.png
case_ damaged; around; cp "$good/2.mp4" 2.mp4
python3 - <<'PY'
import random
data, dice = bytearray(open("2.mp4", "rb").read()), random.Random(3)
start = data.find(b"mdat") + 4
end = data.find(b"moov") if data.find(b"moov") > start else len(data)
for _ in range(60):
    data[dice.randrange(start + 4000, end - 8)] ^= 0xFF
open("2.mp4", "wb").write(data)
PY
case_ vp9_opus
for i in 1 2 3; do
    segment $i.mp4 $i 192x108 25 48000 2 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 300k -threads 1 -pix_fmt yuv420p -- -c:a libopus -b:a 64k
done
case_ upper; cp "$good/1.mp4" "$good/3.mp4" .; cp "$good/2.mp4" 2.MP4
case_ av1
for i in 1 2 3; do
    SVT_LOG=1 segment $i.mp4 $i 192x108 25 48000 2 -c:v libsvtav1 -preset 12 -crf 40 -pix_fmt yuv420p
done
case_ mjpeg
for i in 1 2 3; do segment $i.avi $i 192x108 25 44100 2 -c:v mjpeg -q:v 4 -pix_fmt yuvj420p -- -c:a pcm_s16le; done
touch "$base/complete"
