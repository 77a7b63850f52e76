"""A film into pictures: `filmgate split` to JPEG, as it is and embossed on the way, beside the ffmpeg
program's image2, a loop with OpenCV, and GStreamer's multifilesink where that is installed.

All read the same film and write one JPEG a picture into an empty folder, quality 85 (ffmpeg, whose
scale is another one, gets the quantiser whose files are about as large). What counts is pictures a
second of processor time, over all threads and children.
"""
import shutil
import subprocess
from pathlib import Path

from kernels import convolution
from workers import Series, program, turns

HERE = Path(__file__).resolve().parent

QUALITY = 85

# Of libav's mjpeg encoder: files as large as those of quality 85.
QUANTISER = 3

PLAIN = ["filmgate", "GStreamer", "ffmpeg", "OpenCV"]
EMBOSSED = ["filmgate, embossed", "ffmpeg, embossed", "OpenCV, embossed"]


class Splits:
    def __init__(self, filmgate, python, folder):
        self.filmgate, self.python = filmgate, python
        self.out = folder / "split"
        self.contestants = [who for who in PLAIN if who != "GStreamer" or gstreamer()] + EMBOSSED

    def command(self, who, film):
        emboss = who.endswith("embossed")
        if who.startswith("filmgate"):
            plugin = ["-p", "emboss:planes=all"] if emboss else []
            return [self.filmgate, "split", "-q", "-i", film, "-o", self.out, *plugin]
        if who == "GStreamer":
            return ["gst-launch-1.0", "-q", "filesrc", f"location={film}", "!", "decodebin", "!",
                    "videoconvert", "!", "jpegenc", f"quality={QUALITY}", "!",
                    "multifilesink", f"location={self.out}/frame%06d.jpg"]  # fmt: skip
        if who.startswith("ffmpeg"):
            filter = ["-vf", convolution(3)] if emboss else []
            return ["ffmpeg", "-nostdin", "-v", "error", "-i", film, "-an", *filter, "-fps_mode", "passthrough", "-q:v", QUANTISER,
                    "-f", "image2", self.out / "frame%06d.jpg"]  # fmt: skip
        return [self.python, HERE / "split_opencv.py", film, self.out, QUALITY, *(["emboss"] if emboss else [])]

    def measure(self, film, count, rounds, say):
        """A `Series` of all contestants on one film of `count` pictures, all of which every one of
        them must write; and the sizes of what they write, in bytes a picture."""
        say(f"pictures of {film.name}")
        series, sizes = Series(), {}
        for number, who in turns(self.contestants, rounds):
            shutil.rmtree(self.out, ignore_errors=True)
            self.out.mkdir()
            series.add(who, program(*self.command(who, film)))
            if number == 0:
                files = list(self.out.glob("*.jpg"))
                if len(files) != count:
                    raise SystemExit(f"bench: {who}: {len(files)} pictures of {count}")
                sizes[who] = sum(file.stat().st_size for file in files) / count
        shutil.rmtree(self.out, ignore_errors=True)
        return series, sizes


def gstreamer():
    """Whether it is there, with a decoder for the film."""
    inspect = shutil.which("gst-inspect-1.0")
    return inspect is not None and subprocess.run([inspect, "--exists", "avdec_h264"]).returncode == 0


def rows(series, sizes, count):
    """Of a table: contestant, pictures a processor second, ms of it a picture, size, beside
    filmgate."""
    out = []
    for who in series.costs:
        ours = EMBOSSED[0] if who.endswith("embossed") else PLAIN[0]
        cpu = series.median(who, "cpu")
        out.append([who, f"{count / cpu:.0f}", f"{cpu / count * 1e3:.2f}", f"{sizes[who] / 1e3:.0f} kB",
                    f"{series.ratio(who, ours, 'cpu'):.2f}"])  # fmt: skip
    return out


def goals(goals, name, series):
    """Adds what is to be reached: ratios of processor time, round by round."""
    plain, embossed = PLAIN[0], EMBOSSED[0]
    if "GStreamer" in series:
        goals.least(f"`split`, {name}: times the pictures of GStreamer", 1, series.ratios("GStreamer", plain, "cpu"))
    goals.least(f"`split`, {name}, embossed: times those of `ffmpeg` with `convolution`", 2,
                series.ratios("ffmpeg, embossed", embossed, "cpu"))  # fmt: skip
    goals.least(f"`split`, {name}, embossed: times those of OpenCV's loop", 1,
                series.ratios("OpenCV, embossed", embossed, "cpu"))  # fmt: skip
