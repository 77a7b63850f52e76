"""Each filter of the catalogue beside its counterpart in FFmpeg or OpenCV, one thread on each side.

What both do is the same kind of thing at about the same strength, not the same samples: those are
compared by the tests.
"""
from typing import NamedTuple

import footage
from footage import PICTURES, SIZES
from kernels import convolution
from workers import Series, program, turns

SIZE = "720p"

BLOCK = 0.1  # seconds that filmgate works in a round
PEER_BLOCK = 0.35  # seconds that a filter of FFmpeg's works in a round, a process a time
MOST_ROUNDS = 1200  # times round the ring, where a filter takes hardly any time

CUBE, LOGO = "warm.cube", "logo.png"
PLACED = "movie={folder}/" + LOGO + "[logo];[in][logo]overlay=x=W-w-16:y=H-h-16:format="
TEXT = "drawtext=font=monospace:fontsize=32:fontcolor=white:box=1:boxcolor=black@0.6:x=16:y=16:text="


class Pair(NamedTuple):
    """A plugin with its parameters, and its counterpart."""

    plugin: str
    parameters: str
    format: str
    filter: str  # of FFmpeg's, or a function of peers.py behind `opencv:`
    kind: str = "film"  # of pictures: as they come, or `repeated`, each twice
    peer_format: str = ""  # where the peer does better with another layout of the same samples

    @property
    def ours(self):
        return f"{self.plugin}:{self.parameters}" if self.parameters else self.plugin

    @property
    def theirs(self):
        """What the counterpart is called, for a table."""
        if self.by_opencv:
            return OPENCV[self.filter]
        filter = self.filter.split("]")[-1] if "[" in self.filter else self.filter
        return filter.split("=")[0]

    @property
    def by_opencv(self):
        return self.filter.startswith("opencv:")


OPENCV = {"opencv:motion": "OpenCV `absdiff`, `threshold`, `boundingRect`"}

YUV, YUV10, RGB, GRAY = "yuv420p", "yuv420p10", "rgb24", "gray8"

PAIRS = [
    Pair("adjust", "contrast=1.2,brightness=0.05", YUV, "eq=contrast=1.2:brightness=0.05"),
    Pair("adjust", "contrast=1.2,saturation=1.4,gamma=1.3", YUV, "eq=contrast=1.2:saturation=1.4:gamma=1.3"),
    Pair("blur", "kind=box,radius=5", YUV, "boxblur=lr=5:lp=1"),
    Pair("blur", "kind=gaussian,radius=4", YUV, "gblur=sigma=4"),
    Pair("blur", "kind=gaussian,radius=4", YUV10, "gblur=sigma=4"),
    Pair("chromakey", "color=#00ff00,similarity=0.12,blend=0.06", YUV, "chromakey=0x00ff00:0.12:0.06"),
    Pair("crop", "left=160,right=160,top=90,bottom=90", YUV, "crop=960:540"),
    Pair("curves", "preset=vintage", RGB, "curves=preset=vintage"),
    Pair("dedupe", "", YUV, "mpdecimate", "repeated"),
    Pair("denoise", "frames=5,planes=all", YUV, "atadenoise=s=5:p=7"),
    Pair("edges", "operator=sobel", YUV, "sobel=planes=1"),
    Pair("edges", "operator=sobel", RGB, "sobel", "film", "gbrp"),
    Pair("emboss", "planes=all", YUV, "convolution"),
    Pair("fade", "duration=1000", YUV, "fade=in:st=0:d=1000"),
    Pair("flip", "mode=horizontal", YUV, "hflip"),
    Pair("flip", "mode=horizontal", RGB, "hflip"),
    Pair("flip", "mode=vertical", YUV, "vflip"),
    Pair("flip", "mode=right", YUV, "transpose=clock"),
    Pair("flip", "mode=right", RGB, "transpose=clock"),
    Pair("fps", "rate=30", YUV, "fps=30"),
    Pair("grayscale", "", YUV, "hue=s=0"),
    Pair("grayscale", "", RGB, "colorchannelmixer=.299:.587:.114:0:.299:.587:.114:0:.299:.587:.114"),
    Pair("invert", "", YUV, "negate"),
    Pair("lut3d", "file={folder}/" + CUBE, RGB, "lut3d=file={folder}/" + CUBE + ":interp=tetrahedral"),
    Pair("motion", "", GRAY, "opencv:motion"),
    Pair("pad", "width=1920,height=1080", YUV, "pad=1920:1080:-1:-1"),
    Pair("pixelate", "block=16", YUV, "pixelize=16:16"),
    Pair("scale", "width=640,height=360", YUV, "scale=640:360:flags=lanczos"),
    Pair("scale", "width=640,height=360,filter=bilinear", YUV, "scale=640:360:flags=bilinear"),
    Pair("scale", "width=1920,height=1080", YUV, "scale=1920:1080:flags=lanczos"),
    Pair("scale", "width=640,height=360", YUV10, "scale=640:360:flags=lanczos"),
    Pair("scale", "width=640,height=360", RGB, "scale=640:360:flags=lanczos"),
    Pair("scene", "", YUV, "scdet"),
    Pair("scene", "", YUV10, "scdet"),
    Pair("sharpen", "radius=1,amount=100", YUV, "unsharp=5:5:1"),
    Pair("sharpen", "radius=1,amount=100", YUV10, "unsharp=5:5:1"),
    Pair("timecode", "text={time}", YUV, TEXT + "'%{pts\\:hms}'"),
    Pair("timecode", "text={time}", RGB, TEXT + "'%{pts\\:hms}'"),
    Pair("vignette", "", YUV, "vignette=dither=0"),
    Pair("watermark", "picture={folder}/" + LOGO, YUV, PLACED + "yuv420"),
    Pair("watermark", "picture={folder}/" + LOGO, RGB, PLACED + "rgb"),
    Pair("watermark", "picture={folder}/" + LOGO, YUV10, PLACED + "yuv420p10"),
]  # fmt: skip

# A chain and its links: the format and the five parameters are those of one stream.
CHAIN = ["adjust:contrast=1.2,gamma=1.3", "emboss:planes=all", "edges", "sharpen:radius=1", "vignette"]
CHAIN_FORMAT = YUV


def parsed(text):
    """The name and the parameters of what stands behind `-p`."""
    plugin, _, parameters = text.partition(":")
    return plugin, dict(pair.split("=", 1) for pair in parameters.split(",") if pair)


def faster(results):
    """How many of the pairs filmgate is faster at, by processor time."""
    return sum(series.ratio("peer", "filmgate", "cpu") > 1 for series in results.values())


def of_the_sum(series):
    """What a chain takes, of the sum of its links, round by round."""
    links = zip(*(series.values(name, "cpu") for name in series.costs if name != "chain"))
    return [whole / sum(parts) for whole, parts in zip(series.values("chain", "cpu"), links)]


class Catalogue:
    """Every pair, on the pictures of one film."""

    def __init__(self, engine, peers, media, plugins, folder):
        self.engine, self.peers, self.media = engine, peers, media
        self.plugins, self.folder = plugins, folder
        self.counts = {}
        write_cube(folder / CUBE)
        footage.once(folder / LOGO, write_logo)
        for pair in PAIRS:
            self.open(pair)
        for link in CHAIN:
            self.start(f"link {link}", link, self.raw("film", CHAIN_FORMAT), CHAIN_FORMAT)
        self.engine.ask("chain", name="chain", of=[f"link {link}" for link in CHAIN])

    def fill(self, text):
        return text.replace("{folder}", str(self.folder.resolve()))

    def raw(self, kind, format):
        return self.media.repeated(SIZE, format) if kind == "repeated" else self.media.raw(SIZE, format)

    def start(self, name, text, frames, format):
        plugin, parameters = parsed(self.fill(text))
        width, height = SIZES[SIZE]
        self.engine.ask("open", name=name, plugin=str(self.plugins / f"{plugin}.wasm"), parameters=parameters,
                        format=format, width=width, height=height, frames=str(frames.resolve()), kept=0)  # fmt: skip

    def open(self, pair):
        frames = self.raw(pair.kind, pair.format)
        self.start(str(pair), pair.ours, frames, pair.format)
        if pair.by_opencv:
            width, height = SIZES[SIZE]
            self.peers.ask("open", name=str(pair), width=width, height=height, channels=1,
                           stride=width * height, frames=str(frames.resolve()))  # fmt: skip

    def worker(self, worker, name, **more):
        """Seconds a picture, from as many as fill a block."""
        if (worker, name) not in self.counts:
            worker.cost("run", name=name, count=PICTURES, **more)
            trial = worker.cost("run", name=name, count=PICTURES, **more).wall / PICTURES
            self.counts[worker, name] = max(PICTURES, round(BLOCK / trial))
        count = self.counts[worker, name]
        return worker.cost("run", name=name, count=count, **more).each(count)

    def theirs(self, pair):
        if pair.by_opencv:
            return self.worker(self.peers, str(pair), who=pair.filter.removeprefix("opencv:"))
        if pair not in self.counts:
            trial = max(self.ffmpeg(pair, 12).cpu, 1e-6)
            rounds = round(PEER_BLOCK / trial / PICTURES)
            self.counts[pair] = min(max(rounds, 4), MOST_ROUNDS)
        return self.ffmpeg(pair, self.counts[pair])

    def ffmpeg(self, pair, rounds):
        """The filter alone: a run with it less one without, over pictures in memory."""
        width, height = SIZES[SIZE]
        format = pair.peer_format or pair.format
        source = ("ffmpeg", "-nostdin", "-v", "error", "-filter_threads", 1, "-threads", 1, "-f", "rawvideo",
                  "-pix_fmt", footage.FFMPEG_FORMATS.get(format, format), "-video_size", f"{width}x{height}",
                  "-i", self.raw(pair.kind, format))  # fmt: skip
        loop = f"loop=loop={rounds}:size={PICTURES}"
        filter = convolution(3) if pair.filter == "convolution" else self.fill(pair.filter)
        # A filter with a second input names the film; the others are handed it.
        with_it = f"{loop}[film];" + (filter.replace("[in]", "[film]") if "[in]" in filter else f"[film]{filter}")
        with_it, without = (program(*source, "-vf", chain, "-f", "null", "-") for chain in (with_it, f"{loop},null"))
        return with_it.less(without).each(PICTURES * (rounds + 1))

    def measure(self, rounds, say):
        """A `Series` for each pair, of `filmgate` and `peer`."""
        result = {pair: Series() for pair in PAIRS}
        for number in range(rounds):
            say(f"catalogue: round {number + 1} of {rounds}")
            for pair, series in result.items():
                series.add("filmgate", self.worker(self.engine, str(pair)))
                series.add("peer", self.theirs(pair))
        return result

    def measure_chain(self, rounds, say):
        """Five filters one by one, and one behind the other on the same pictures."""
        say("catalogue: a chain of five")
        series = Series()
        names = [f"link {link}" for link in CHAIN] + ["chain"]
        for _, name in turns(names, rounds):
            series.add(name, self.worker(self.engine, name))
        return series


def write_cube(path):
    """A table of the usual size that warms and bends."""
    size = 33
    light = [i / (size - 1) for i in range(size)]
    rows = [f"{min(1, 0.9 * r**0.8 + 0.1 * g):.6f} {g:.6f} {0.85 * b + 0.1 * r * g:.6f}"
            for b in light for g in light for r in light]  # fmt: skip
    path.write_text(f"LUT_3D_SIZE {size}\n" + "\n".join(rows) + "\n")


def write_logo(path):
    """A picture of 240x120 whose opacity rises from left to right."""
    footage.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=240x120,format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='X+15'",
                   "-frames:v", 1, "-f", "image2", path)  # fmt: skip
