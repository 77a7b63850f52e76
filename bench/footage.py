"""Real footage for the benchmarks, made once into a folder: films of a minute, and raw pictures."""
import json
import subprocess

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080)}

PICTURES = 8  # in a ring; enough to be more than the processor's second cache holds

# What filmgate calls them and what FFmpeg does, where that is not the same.
FFMPEG_FORMATS = {
    "gray8": "gray",
    "gray16": "gray16le",
    "rgb48": "rgb48le",
    "yuv420p10": "yuv420p10le",
    "yuv422p10": "yuv422p10le",
    "yuv444p10": "yuv444p10le",
}


def ffmpeg(*arguments):
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True)


def probe(path, *arguments):
    command = ["ffprobe", "-v", "error", "-of", "json", *arguments, str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def frames(path):
    """How many video packets a file holds."""
    facts = probe(path, "-select_streams", "v", "-count_packets", "-show_entries", "stream=nb_read_packets")
    return int(facts["streams"][0]["nb_read_packets"])


def once(path, make):
    """`path`, made by `make(aside)` unless it is there."""
    if not path.exists():
        aside = path.with_name("partial." + path.name)
        make(aside)
        aside.rename(path)
    return path


class Footage:
    def __init__(self, clip, folder):
        self.clip, self.folder = clip, folder
        folder.mkdir(parents=True, exist_ok=True)

    def film(self, size, seconds=60):
        """A minute of H.264 and AAC, from the clip over and over. At 1080p it is scaled, with
        noise, since scaled pictures have no fine detail."""

        def make(path):
            loop = ("-stream_loop", -1, "-i", self.clip, "-t", seconds, "-map", "0:v:0", "-map", "0:a:0")
            width, height = SIZES[size]
            grain = f"scale={width}:{height}:flags=bicubic,noise=alls=6:allf=t"
            picture = ("-vf", "null") if size == "720p" else ("-vf", grain)
            ffmpeg(*loop, *picture, "-c:v", "libx264", "-preset", "veryfast", "-crf", 20,
                   "-pix_fmt", "yuv420p", "-c:a", "copy", "-movflags", "+faststart", path)  # fmt: skip

        return once(self.folder / f"film-{size}.mp4", make)

    def one_frame(self):
        def make(path):
            ffmpeg("-i", self.film("720p"), "-frames:v", 1, "-an", "-c:v", "libx264", path)

        return once(self.folder / "one-frame.mp4", make)

    def large(self):
        """Two and a half seconds of 4K at 10 bits, scaled up, with noise."""

        def make(path):
            pictures = "scale=3840:2160:flags=bicubic,format=yuv420p10le,noise=alls=6:allf=t"
            ffmpeg("-i", self.film("720p"), "-vf", pictures, "-frames:v", 60, "-an", "-c:v", "libx264",
                   "-preset", "ultrafast", "-crf", 20, path)  # fmt: skip

        return once(self.folder / "film-4k-10bit.mp4", make)

    def raw(self, size, format):
        """Raw pictures out of the film, a second apart; `format` by filmgate's name."""

        # Planar RGB has the very samples of the packed one, gray those of the light alone.
        source = ("-ss", 2, "-i", self.film(size))
        pictures = "fps=1,extractplanes=y" if format == "gray8" else "fps=1"
        if format == "gbrp":
            width, height = SIZES[size]
            source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}",
                      "-i", self.raw(size, "rgb24"))  # fmt: skip
            pictures = "null"

        def make(path):
            ffmpeg(*source, "-vf", pictures, "-frames:v", PICTURES, "-f", "rawvideo",
                   "-pix_fmt", FFMPEG_FORMATS.get(format, format), path)  # fmt: skip

        return once(self.folder / f"{size}-{format}.raw", make)

    def repeated(self, size, format):
        """The same with each picture twice, as in films that are drawn on every second one."""
        pictures = self.raw(size, format)

        def make(path):
            data = pictures.read_bytes()
            each = len(data) // PICTURES
            path.write_bytes(b"".join(data[i * each : (i + 1) * each] * 2 for i in range(PICTURES // 2)))

        return once(self.folder / f"{size}-{format}-repeated.raw", make)
