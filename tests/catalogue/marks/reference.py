"""Works out with Pillow and numpy what the filters that look at pictures and write on them must
answer, from the definitions in their READMEs, and compares. The one argument is a JSON file with
cases."""

import json
import sys

import numpy as np
from PIL import Image

BITS = {"gray16": 16, "rgb48": 16, "yuv420p10": 10, "yuv422p10": 10, "yuv444p10": 10}
CHANNELS = {"rgb24": 3, "rgba": 4, "rgb48": 3}
SHIFTS = {"yuv420p": (1, 1), "yuv420p10": (1, 1), "yuv422p": (1, 0), "yuv422p10": (1, 0)}
STEP = 40_000_000


class Case:
    def __init__(self, facts):
        self.__dict__.update(facts)
        self.parameters = dict(facts["parameters"])
        self.bits = BITS.get(self.format, 8)
        self.most = (1 << self.bits) - 1
        self.channels = CHANNELS.get(self.format, 1)
        self.yuv = self.format.startswith("yuv")

    def given(self, name, default):
        return type(default)(self.parameters.get(name, default))

    def plane_shapes(self):
        shapes = [(self.height, self.width, self.channels)]
        if self.yuv:
            across, down = SHIFTS.get(self.format, (0, 0))
            shapes += 2 * [(-(-self.height >> down), -(-self.width >> across), 1)]
        return shapes

    def pictures(self, path):
        """A list of planes, rows x columns x channels, for each picture."""
        samples = np.fromfile(path, "<u2" if self.bits > 8 else "u1").astype(np.int64)
        shapes = self.plane_shapes()
        sizes = [int(np.prod(shape)) for shape in shapes]
        pictures = samples.reshape(-1, sum(sizes))
        cuts = np.cumsum(sizes)[:-1]
        return [
            [plane.reshape(shape) for plane, shape in zip(np.split(picture, cuts), shapes)]
            for picture in pictures
        ]


def blocks(plane, side):
    """(x, y, samples) for each block of a plane."""
    rows, columns, _ = plane.shape
    for y in range(0, rows, side):
        for x in range(0, columns, side):
            yield x, y, plane[y : y + side, x : x + side]


# ---- motion, scene, dedupe ----


def motion(case, before):
    side = case.given("cell", 16)
    threshold = case.given("threshold", 4) * case.most // 255
    last = None
    for frame, picture in zip(case.frames, before, strict=True):
        plane = picture[0][:, :, :3]
        changed, pixels = [], 0
        if last is not None:
            for (x, y, now), (_, _, old) in zip(blocks(plane, side), blocks(last, side)):
                if abs(int(now.sum()) - int(old.sum())) > threshold * now.size:
                    height, width = now.shape[:2]
                    changed.append((x, y, x + width, y + height))
                    pixels += width * height
        last = plane
        parts = (20_000 * pixels + case.width * case.height) // (2 * case.width * case.height)
        tags = {"motion.score": f"{parts // 10000}.{parts % 10000:04}"}
        if changed:
            left, top = (min(c[i] for c in changed) for i in (0, 1))
            right, bottom = (max(c[i] for c in changed) for i in (2, 3))
            tags["motion.box"] = f"{left},{top},{right - left},{bottom - top}"
        assert frame["tags"] == tags, (frame, tags)
    return before


def scene(case, before):
    threshold = case.given("threshold", 0.3)
    every = case.given("scores", "cuts") == "all"
    last, mean_before = None, 0.0
    for frame, picture in zip(case.frames, before, strict=True):
        score = 0.0
        if last is not None:
            mean = float(abs(picture[0] - last).sum()) / last.size / 2.0 ** (case.bits - 8)
            score = float(np.float32(min(mean, abs(mean - mean_before)) / 100))
            score, mean_before = min(max(score, 0.0), 1.0), mean
        last = picture[0]
        tags = {"scene.cut": "true"} if score > threshold else {}
        if tags or every:
            tags["scene.score"] = f"{score:.6f}"
        assert frame["tags"] == tags, (frame, tags)
    return before


def repeats(case, old, new):
    planes = 1 if case.given("planes", "all") == "luma" else 3
    block = case.given("block", 6.0) * case.most / 255
    mean = case.given("mean", 0.5) * case.most / 255
    for a, b in zip(old[:planes], new[:planes]):
        differs = abs(a - b)
        if differs.sum() > np.floor(mean * differs.size):
            return False
        for _, _, samples in blocks(differs, 16):
            if samples.sum() > np.floor(block * samples.size):
                return False
    return True


def dedupe(case, before):
    every = case.given("keep-every", 0)
    kept = []
    for index, picture in enumerate(before):
        last = kept[-1] if kept else None
        if last and (every == 0 or last[1] + 1 < every) and repeats(case, last[2], picture):
            last[1] += 1
        else:
            kept.append([index, 0, picture])
    expected = [
        {
            "index": index,
            "timestamp": index * STEP,
            "duration": (1 + dropped) * STEP,
            "tags": {"dedupe.repeats": str(dropped)} if dropped else {},
        }
        for index, dropped, _ in kept
    ]
    assert case.frames == expected, (case.frames, expected)
    return [picture for _, _, picture in kept]


# ---- laying something over a picture ----

WEIGHTS = {"bt709": (2126, 722), "bt2020nc": (2627, 593)}


def rounded(number, by):
    return (2 * number + by) // (2 * by)


def samples_of(case, rgb):
    """The samples of colours in each plane: an array of planes' or channels' values."""
    red, green, blue = (rgb[..., i].astype(np.int64) for i in range(3))
    scale = 257 if case.bits == 16 else 1
    if case.channels > 1:
        return [scale * channel for channel in (red, green, blue)]
    kr, kb = WEIGHTS.get(case.space, (2990, 1140))
    light = kr * red + (10_000 - kr - kb) * green + kb * blue
    if not case.yuv:
        return [scale * rounded(255 * light, 2_550_000)]
    s = 1 << (case.bits - 8)
    full = case.range == "pc"
    luma = rounded((case.most if full else 219 * s) * light, 2_550_000) + (0 if full else 16 * s)
    chroma = [
        128 * s + rounded((case.most if full else 224 * s) * (10_000 * c - light), 510 * (10_000 - k))
        for c, k in ((blue, kb), (red, kr))
    ]
    return [np.clip(plane, 0, case.most) for plane in [luma, *chroma]]


def laid_over(case, picture, rgba):
    """`rgba`, as large as the picture, blended over it."""
    if case.format in ("rgb24", "rgba"):
        below = Image.fromarray(picture[0].astype("u1"))
        above = Image.fromarray(rgba.astype("u1"))
        if case.format == "rgba":
            return [np.asarray(Image.alpha_composite(below, above)).astype(np.int64)]
        below.paste(above.convert("RGB"), mask=above.getchannel("A"))
        return [np.asarray(below).astype(np.int64)]
    opacity = rgba[..., 3].astype(np.int64)
    colors = samples_of(case, rgba)
    out = []
    for index, plane in enumerate(picture):
        if case.channels > 1:
            a = opacity[..., None]
            p = np.stack(colors, -1) * a
        else:
            across, down = SHIFTS.get(case.format, (0, 0)) if index else (0, 0)
            a, p = means(opacity, opacity * colors[index], 1 << across, 1 << down)
            a, p = a[..., None], np.minimum(p, case.most * a)[..., None]
        out.append(rounded(p + plane * (255 - a), 255))
    return out


def means(a, p, across, down):
    """The means of both over blocks, over as much of them as is inside of the picture."""
    rows, columns = a.shape
    pad = ((0, -rows % down), (0, -columns % across))
    total = lambda v: np.pad(v, pad).reshape(
        (rows + pad[0][1]) // down, down, (columns + pad[1][1]) // across, across
    ).sum((1, 3))
    count = total(np.ones_like(a))
    return rounded(total(a), count), rounded(total(p), count)


def placed(case, picture, x, y):
    """A picture R G B A on one of the frame's size that is empty otherwise."""
    out = np.zeros((case.height, case.width, 4), np.int64)
    height, width = picture.shape[:2]
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + height, case.height), min(x + width, case.width)
    if top < bottom and left < right:
        out[top:bottom, left:right] = picture[top - y : bottom - y, left - x : right - x]
    return out


def place(case, default, width, height):
    position = case.given("position", default).split("-")

    def along(start, end, name, inner, outer):
        middle = start not in position and end not in position
        margin = int(case.parameters.get(name, 0 if middle else 16))
        if start in position:
            return margin
        return (outer - inner) // 2 + margin if middle else outer - inner - margin

    return (
        along("left", "right", "x", width, case.width),
        along("top", "bottom", "y", height, case.height),
    )


def resized(samples, length):
    """The rows of an array at another number, with a triangle's weights."""
    n, m = len(samples), length
    i, j = np.arange(m)[:, None], np.arange(n)[None, :]
    weights = np.maximum(0, 2 * max(n, m) - abs((2 * i + 1) * n - (2 * j + 1) * m))
    sums = np.tensordot(weights, samples, (1, 0))
    return rounded(sums, weights.sum(1).reshape(-1, *[1] * (samples.ndim - 1)))


def scaled(rgba, percent):
    side = lambda pixels: max(1, int(np.floor(pixels * percent / 100.0 + 0.5)))
    height, width = side(rgba.shape[0]), side(rgba.shape[1])
    if (height, width) == rgba.shape[:2]:
        return rgba
    alpha = rgba[..., 3:]
    sums = np.concatenate([rgba[..., :3] * alpha, 255 * alpha], -1)
    sums = resized(sums.swapaxes(0, 1), width).swapaxes(0, 1)
    sums = resized(sums, height)
    alpha = sums[..., 3:]
    color = np.minimum(255, rounded(255 * sums[..., :3], np.maximum(alpha, 1)))
    out = np.concatenate([np.where(alpha > 0, color, 0), rounded(alpha, 255)], -1)
    # A second opinion on what is to be seen: Pillow, over gray.
    pillow = Image.fromarray(rgba.astype("u1")).resize((width, height), Image.BILINEAR)
    seen = lambda p: p[..., :3] * p[..., 3:] + 128 * (255 - p[..., 3:])
    differs = abs(seen(out) - seen(np.asarray(pillow).astype(np.int64))) / 255
    assert differs.max() <= 2.5, differs.max()
    return out


def watermark(case, before):
    rgba = np.asarray(Image.open(case.parameters["picture"]).convert("RGBA")).astype(np.int64)
    rgba = scaled(rgba, case.given("scale", 100.0)).copy()
    rgba[..., 3] = (rgba[..., 3] * case.given("opacity", 100) + 50) // 100
    x, y = place(case, "bottom-right", rgba.shape[1], rgba.shape[0])
    over = placed(case, rgba, x, y)
    return [laid_over(case, picture, over) for picture in before]


def timecode(case, before):
    font = {}
    with open(case.font, encoding="ascii") as file:
        for line in file:
            number, digits = line.strip().split(":")
            rows = np.frombuffer(bytes.fromhex(digits), "u1")
            font[int(number, 16)] = np.unpackbits(rows[:, None], axis=1)
    size = case.given("size", 2)
    color = lambda name, default: [
        *bytes.fromhex((case.given(name, default).lstrip("#") + "ff")[:8])
    ]
    ink, paper = color("color", "#ffffff"), color("background", "#000000a0")
    out = []
    for index, picture in enumerate(before):
        text = filled(case, index)
        dots = np.hstack([font.get(ord(letter), font[ord("?")]) for letter in text])
        dots = np.pad(dots, ((0, 0), (4, 4))).repeat(size, 0).repeat(size, 1)
        rgba = np.where(dots[..., None] == 1, ink, paper)
        x, y = place(case, "top-left", rgba.shape[1], rgba.shape[0])
        over = placed(case, rgba, x - x % 2, y - y % 2)
        out.append(laid_over(case, picture, over))
    return out


def filled(case, index):
    offset = case.given("offset", 0)
    ms = index * 40 + offset
    clock = lambda s: f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}"
    count = index + offset // 40
    text = case.given("text", "{time}")
    text = text.replace("{time}", f"{clock(ms // 1000)}.{ms % 1000:03}")
    text = text.replace("{timecode}", f"{clock(count // 25)}:{count % 25:02}")
    return text.replace("{frame:5}", f"{index:05}").replace("{frame}", str(index))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = [Case(facts) for facts in json.load(file)]
    for case in cases:
        before, after = case.pictures(case.before), case.pictures(case.after)
        expected = globals()[case.filter](case, before)
        what = (case.filter, case.format, case.width, case.height, case.parameters)
        assert len(after) == len(expected), what
        for index, (ours, theirs) in enumerate(zip(after, expected)):
            for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
                wrong = np.argwhere(a != b)
                assert not len(wrong), (what, index, number, len(wrong), wrong[0], a[tuple(wrong[0])], b[tuple(wrong[0])])
    print("compared", len(cases))


main()
