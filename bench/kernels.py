"""One filter, one thread: emboss in the guest, both crossings of the boundary included, beside
what others need for the same pixels."""
import footage
from footage import PICTURES, SIZES
from workers import Cost, Series, Worker, program, turns

BLOCK = 0.08  # seconds that one contestant works before the next one's turn

LAYOUTS = {"rgb24": ("rgb24", 3), "luma": ("yuv420p", 1)}

# The kernel flipped, as FFmpeg reckons it, on every plane that it is named for.
MATRIX = "0 0 0 0 1 0 -1 0 0"


def convolution(planes):
    return "convolution=" + ":".join(
        f"{p}m={MATRIX}:{p}rdiv=1:{p}bias=128" for p in range(planes)
    )


class Kernels:
    """The emboss filter at all sizes and layouts."""

    CONTESTANTS = ["native", "emboss", "emboss-c", "opencv", "ffmpeg", "pillow"]

    def __init__(self, engine, peers, media, plugins, folder):
        self.engine, self.peers, self.media = engine, peers, media
        self.plugins, self.folder = plugins, folder
        self.cases = [(size, layout) for size in SIZES for layout in LAYOUTS]
        self.counts = {}
        for size, layout in self.cases:
            self.open(size, layout)

    def open(self, size, layout):
        format, channels = LAYOUTS[layout]
        width, height = SIZES[size]
        frames = str(self.media.raw(size, format).resolve())
        facts = {"width": width, "height": height, "frames": frames}
        for plugin in ("emboss", "emboss-c"):
            self.engine.ask("open", name=f"{plugin} {size} {layout}", plugin=str(self.plugins / f"{plugin}.wasm"),
                            parameters={"planes": "luma"}, format=format, **facts)  # fmt: skip
        stride = width * height * 3 // (1 if channels == 3 else 2)
        self.peers.ask("open", name=f"{size} {layout}", channels=channels, stride=stride, **facts)

    def request(self, who, case):
        size, layout = case
        if who.startswith("emboss"):
            return self.engine, {"name": f"{who} {size} {layout}"}
        return self.peers, {"name": f"{size} {layout}", "who": who}

    def block(self, who, case):
        """Seconds a picture, from as many pictures as fill a block."""
        if who == "ffmpeg":
            return self.ffmpeg(case)
        worker, request = self.request(who, case)
        if (who, case) not in self.counts:
            worker.cost("run", count=PICTURES, **request)
            trial = worker.cost("run", count=PICTURES, **request).wall / PICTURES
            self.counts[who, case] = max(PICTURES, round(BLOCK / trial))
        count = self.counts[who, case]
        return worker.cost("run", count=count, **request).each(count)

    def ffmpeg(self, case):
        """The filter alone: a run with it less one without. The pictures come from memory, over
        and over, and go nowhere."""
        rounds = {"720p": 24, "1080p": 12}[case[0]] * (1 if case[1] == "rgb24" else 3)
        count = PICTURES * (rounds + 1)
        loop = f"loop=loop={rounds}:size={PICTURES}"
        source = ("ffmpeg", "-nostdin", "-v", "error", "-filter_threads", 1, *self.ffmpeg_source(case))
        with_it = program(*source, "-vf", f"{loop},{self.ffmpeg_filter(case)}", "-f", "null", "-")
        without = program(*source, "-vf", f"{loop},null", "-f", "null", "-")
        return with_it.less(without).each(count)

    def ffmpeg_filter(self, case):
        return convolution(3 if case[1] == "rgb24" else 1)

    def ffmpeg_source(self, case):
        # `convolution` works on planes; planar RGB spares it a conversion.
        size, layout = case
        format = "gbrp" if layout == "rgb24" else "gray8"
        width, height = SIZES[size]
        return ("-f", "rawvideo", "-pix_fmt", footage.FFMPEG_FORMATS.get(format, format),
                "-video_size", f"{width}x{height}", "-i", self.media.raw(size, format))  # fmt: skip

    def measure(self, rounds, say):
        """A `Series` for each case."""
        result = {}
        for case in self.cases:
            say(f"kernels: {' '.join(case)}")
            result[case] = Series()
            for _, who in turns(self.CONTESTANTS, rounds):
                result[case].add(who, self.block(who, case))
        return result

    # ---- the same bytes ----

    def check(self):
        """Stops unless all contestants make the same of every picture: native, both guests and
        Pillow wholly, OpenCV and FFmpeg but for the outermost pixels, which they mirror."""
        for case in self.cases:
            wanted = self.written("native", case)
            for who in self.CONTESTANTS[1:]:
                given = self.written(who, case)
                whole = who in ("emboss", "emboss-c", "pillow")
                if len(given) != PICTURES or any(
                    not same(a, b, case, whole) for a, b in zip(given, wanted)
                ):
                    raise SystemExit(f"bench: {who} and native differ at {case}")

    def written(self, who, case):
        size, layout = case
        width, height = SIZES[size]
        channels = LAYOUTS[layout][1]
        path = self.folder / "written.raw"
        if who == "ffmpeg":
            footage.ffmpeg(*self.ffmpeg_source(case), "-vf", self.ffmpeg_filter(case),
                           "-f", "rawvideo", path)  # fmt: skip
        else:
            worker, request = self.request(who, case)
            worker.ask("write", to=str(path.resolve()), **request)
        data = path.read_bytes()
        path.unlink()
        size = width * height * channels
        # A guest's luma comes with the colours that it left alone.
        stride = size * 3 // 2 if who.startswith("emboss") and layout == "luma" else size
        pictures = [data[at : at + size] for at in range(0, len(data), stride)]
        if who == "ffmpeg" and layout == "rgb24":
            pictures = [packed(picture) for picture in pictures]
        return pictures


def packed(planes):
    """Packed RGB of planar GBR."""
    third = len(planes) // 3
    out = bytearray(len(planes))
    out[1::3], out[2::3], out[0::3] = (planes[i * third : (i + 1) * third] for i in range(3))
    return bytes(out)


def same(a, b, case, whole):
    if whole or len(a) != len(b):
        return a == b
    width, height = SIZES[case[0]]
    channels = LAYOUTS[case[1]][1]
    row = width * channels
    return all(
        a[y * row + channels : (y + 1) * row - channels] == b[y * row + channels : (y + 1) * row - channels]
        for y in range(1, height - 1)
    )


FORMATS = ["gray8", "yuv420p", "yuv422p", "yuv444p", "rgb24", "rgba",
           "gray16", "yuv420p10", "yuv422p10", "yuv444p10", "rgb48"]  # fmt: skip


def boundary(engine, media, plugins, echo, rounds, say):
    """A guest that takes every plane and gives it back unchanged, by format at 720p; and, as
    `untouched`, one that gives back a picture without looking at it."""
    say("boundary: every format")
    width, height = SIZES["720p"]
    series, counts = Series(), {}
    for format in FORMATS:
        facts = {"width": width, "height": height, "frames": str(media.raw("720p", format).resolve())}
        engine.ask("open", name=format, plugin=str(echo), parameters={"planes": "all"}, format=format, **facts)
        if format == "gray8":
            engine.ask("open", name="untouched", plugin=str(plugins / "grayscale.wasm"), parameters={},
                       format=format, **facts)  # fmt: skip
    for _, name in turns(["untouched", *FORMATS], rounds):
        if name not in counts:
            engine.ask("run", name=name, count=PICTURES)
            trial = engine.ask("run", name=name, count=PICTURES)["wall"] / PICTURES
            counts[name] = max(PICTURES, round(BLOCK / 2 / trial))
        series.add(name, engine.cost("run", name=name, count=counts[name]).each(counts[name]))
    return series
