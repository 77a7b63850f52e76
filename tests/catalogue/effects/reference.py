"""Outside references for the filters that blur, sharpen, mask and key: Pillow where it has the same,
numpy where the filter's README gives the definition.

usage: reference.py JOBS

JOBS is a JSON list of {filter, format, width, height, parameters, in, out}; `in` and `out` are files
of raw pictures, one behind the other, planes packed.
"""
import json
import sys

import numpy as np
from PIL import Image, ImageFilter

CHANNELS = {"rgb24": 3, "rgba": 4, "rgb48": 3}
SHIFTS = {"yuv420p": (1, 1), "yuv422p": (1, 0), "yuv444p": (0, 0)}


class Format:
    def __init__(self, name, width, height):
        self.name, self.width, self.height = name, width, height
        self.base = name.removesuffix("10")
        self.yuv = name.startswith("yuv")
        self.bits = 10 if name.endswith("10") else 16 if name in ("gray16", "rgb48") else 8
        self.peak = (1 << self.bits) - 1
        self.type = np.dtype(np.uint8 if self.bits == 8 else "<u2")
        self.channels = CHANNELS.get(name, 1)

    def shift(self, plane):
        return SHIFTS[self.base] if self.yuv and plane else (0, 0)

    def shapes(self):
        for plane in range(3 if self.yuv else 1):
            across, down = self.shift(plane)
            yield (-(-self.height >> down), -(-self.width >> across), self.channels)

    def pictures(self, data):
        """Lists of planes, each rows x columns x channels."""
        data = np.frombuffer(data, self.type)
        while data.size:
            planes = []
            for shape in self.shapes():
                size = int(np.prod(shape))
                planes.append(data[:size].reshape(shape))
                data = data[size:]
            yield planes


# ---- sliding means -----------------------------------------------------------------------------


def pillow(plane, image_filter):
    """8 bits, through Pillow, which knows L, RGB and RGBA."""
    picture = Image.fromarray(plane[..., 0] if plane.shape[2] == 1 else plane)
    return np.asarray(picture.filter(image_filter)).reshape(plane.shape)


def window_of(sigma):
    """The radius whose box, three times, is nearly a Gaussian; in Pillow's precision."""
    f, d = np.float32, np.float64
    variance = f(f(sigma) * f(sigma)) / f(3)
    length = f(np.sqrt(d(12) * d(variance) + d(1)))
    whole = f(np.floor((d(length) - 1) / 2))
    share = (f(2) * whole + f(1)) * (whole * (whole + f(1)) - f(3) * variance)
    share /= f(6) * (variance - (whole + f(1)) * (whole + f(1)))
    return whole + share


def mean(plane, radius, axis):
    """More than 8 bits, as blur's README says, step by step in binary32."""
    f = np.float32
    radius = f(radius)
    whole, count = int(radius), plane.shape[axis]
    share = radius - f(whole)
    at = lambda k: np.take(plane, np.clip(np.arange(count) + k, 0, count - 1), axis).astype(np.int64)
    total = sum(at(k) for k in range(-whole, whole + 1))
    far = at(-whole - 1) + at(whole + 1)
    out = (total.astype(f) + far.astype(f) * share) / (radius * f(2) + f(1))
    return np.rint(out).astype(plane.dtype)


def soften(plane, kind, across, down, bits):
    if bits == 8:
        make = ImageFilter.BoxBlur if kind == "box" else ImageFilter.GaussianBlur
        return pillow(plane, make((across, down)))
    times = 1 if kind == "box" else 3
    for axis, radius in ((1, across), (0, down)):
        radius = np.float32(radius) if kind == "box" else window_of(radius)
        for _ in range(times):
            plane = mean(plane, radius, axis)
    return plane


def blur(picture, form, kind="gaussian", radius="4", planes="all", **region):
    out = []
    for index, plane in enumerate(picture):
        across, down = form.shift(index)
        radius_of = lambda shift: float(radius) / (1 << shift)
        out.append(plane.copy())
        rows, columns = region_of(form, across, down, **region)
        part = out[index][rows, columns]
        if part.size and not (planes == "luma" and index > 0):
            part[:] = soften(part.copy(), kind, radius_of(across), radius_of(down), form.bits)
    return out


def region_of(form, across, down, x="0", y="0", width="100%", height="100%"):
    """Rows and columns of a plane in a rectangle of the frame."""
    def side(start, size, whole, shift):
        first, count = length(start, whole), max(length(size, whole), 1)
        return slice(-(-first >> shift), -(-min(first + count, whole) >> shift))

    return side(y, height, form.height, down), side(x, width, form.width, across)


def sharpen(picture, form, radius="2", amount="100", threshold="0", planes="luma"):
    limit = int(threshold) * form.peak // 255
    out = []
    for index, plane in enumerate(picture):
        across, down = form.shift(index)
        if planes == "luma" and index > 0:
            out.append(plane)
            continue
        sides = [float(radius) / (1 << shift) for shift in (across, down)]
        if form.bits == 8 and sides[0] == sides[1]:
            unsharp = ImageFilter.UnsharpMask(sides[0], int(amount), limit)
            out.append(pillow(plane, unsharp))
            continue
        soft = soften(plane, "gaussian", *sides, form.bits).astype(np.int64)
        differs = plane - soft
        more_of_it = np.sign(differs) * (abs(differs) * int(amount) // 100)
        sharper = np.clip(plane + more_of_it, 0, form.peak)
        out.append(np.where(abs(differs) > limit, sharper, plane).astype(form.type))
    return out


# ---- edges -------------------------------------------------------------------------------------

KERNELS = {
    "sobel": ([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "prewitt": ([[-1, -1, -1], [0, 0, 0], [1, 1, 1]], [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]),
    "laplacian": ([[0, 1, 0], [1, -4, 1], [0, 1, 0]],),
}


def edges(picture, form, operator="sobel", gain="1", color="drop"):
    out = []
    for index, plane in enumerate(picture):
        if form.yuv and index > 0:
            neutral = np.full_like(plane, 1 << (form.bits - 1))
            out.append(neutral if color == "drop" else plane)
            continue
        padded = np.pad(plane.astype(np.int64), ((1, 1), (1, 1), (0, 0)), "edge")
        height, width = plane.shape[:2]
        real = np.float64 if form.bits == 16 else np.float32
        square = np.zeros(plane.shape, np.int64)
        for kernel in KERNELS[operator]:
            at = lambda x, y: padded[y : y + height, x : x + width]
            square += sum(kernel[y][x] * at(x, y) for y in range(3) for x in range(3)) ** 2
        strength = np.sqrt(square.astype(real)) * real(np.float32(gain))
        edge = np.minimum(np.floor(strength), form.peak).astype(form.type)
        if form.name == "rgba":
            edge[..., 3] = plane[..., 3]
        out.append(edge)
    return out


# ---- pixelate ----------------------------------------------------------------------------------


def length(text, whole):
    """Of `320` or `25%`: pixels, the nearest."""
    if text.endswith("%"):
        return int(np.floor(float(text[:-1]) * whole / 100 + 0.5))
    return int(text)


def pixelate(picture, form, block="16", x="0", y="0", width="100%", height="100%"):
    block = int(block)

    def borders(start, size, whole, shift):
        start = min(length(start, whole), whole)
        long = max(length(size, whole), size.endswith("%"))
        end = min(start + long, whole)
        cuts = [*range(start, end, block), end]
        return [-(-cut >> shift) for cut in cuts]

    out = []
    for index, plane in enumerate(picture):
        across, down = form.shift(index)
        columns = borders(x, width, form.width, across)
        rows = borders(y, height, form.height, down)
        plane = plane.copy()
        for top, bottom in zip(rows, rows[1:]):
            for left, right in zip(columns, columns[1:]):
                part = plane[top:bottom, left:right]
                count = part.shape[0] * part.shape[1]
                if count:
                    part[:] = (part.sum((0, 1), dtype=np.int64) + count // 2) // count
        out.append(plane)
    return out


# ---- vignette ----------------------------------------------------------------------------------


def vignette(picture, form, strength="50", shape="circle"):
    angle = np.arccos(np.sqrt(np.sqrt(1 - float(strength) / 100)))
    aspect = form.height / form.width if shape == "ellipse" else 1.0
    corner = np.hypot(form.width / 2 * aspect, form.height / 2)
    out = []
    for index, plane in enumerate(picture):
        away = lambda count, shift: abs(np.arange(count) - (count - 1) / 2) * (1 << shift)
        across, down = form.shift(index)
        x, y = away(plane.shape[1], across) * aspect, away(plane.shape[0], down)
        light = np.cos(angle * np.sqrt(x * x + (y * y)[:, None]) / corner)
        light = np.floor((light * light) * (light * light) * 32768 + 0.5).astype(np.int64)
        light = np.where(light >= 32767, 32768, light)[..., None]
        scale = 1 << (form.bits - 8)
        black = 128 * scale if index else 16 * scale if form.yuv else 0
        shaded = (black + ((plane - np.int64(black)) * light + (1 << 14) >> 15)).astype(form.type)
        if form.name == "rgba":
            shaded[..., 3] = plane[..., 3]
        out.append(shaded)
    return out


# ---- chromakey ---------------------------------------------------------------------------------


def isqrt(squares):
    """Floored, of integers below 2^24: binary64 has them exactly."""
    return np.floor(np.sqrt(squares.astype(np.float64))).astype(np.int64)


def stream_color(text, bits):
    """Y, Cb and Cr of RRGGBB: BT.601 in limited range."""
    r, g, b = (int(text[i : i + 2], 16) / 255 for i in (0, 2, 4))
    y = 0.299 * r + 0.114 * b + (1 - 0.299 - 0.114) * g
    cb, cr = (b - y) / (1 - 0.114) / 2, (r - y) / (1 - 0.299) / 2
    scale = 1 << (bits - 8)
    return [int(v * scale + 0.5) for v in (16 + y * 219, 128 + cb * 224, 128 + cr * 224)]


def rgb_chroma(rgb):
    r, g, b = (rgb[..., i].astype(np.int64) for i in range(3))
    return (-43 * r - 85 * g + 128 * b + 128) >> 8, (128 * r - 107 * g - 21 * b + 128) >> 8


def mask_of(far, similarity, blend):
    """From the distances, one a pixel, to what is left."""
    one = 72 * 255 * np.sqrt(2)
    begin, width = int(similarity * one + 0.5), max(int(blend * one + 0.5), 1)
    shift = 15 - width.bit_length()
    factor = min((1 << 29) // (width << shift), 32767)
    height, columns = far.shape
    padded = np.pad(far, 1, "edge")
    total = sum(padded[y : y + height, x : x + columns] for y in range(3) for x in range(3))
    beyond = np.clip(total - begin, 0, width)
    return 2 * np.minimum(((beyond << shift) * factor + (1 << 14)) >> 15, (1 << 14) - 1)


def blended(plane, mask, background):
    return background + (((plane - np.int64(background)) * mask + (1 << 14)) >> 15)


def chromakey(
    picture, form, color="#00ff00", similarity="0.12", blend="0.06", background=None
):
    similarity, blend = float(similarity), float(blend)
    color = color.removeprefix("#")
    fill = (background or "#000000").removeprefix("#")
    if not form.yuv:
        key = rgb_chroma(np.array([int(color[i : i + 2], 16) for i in (0, 2, 4)]))
        du, dv = (a - b for a, b in zip(rgb_chroma(picture[0]), key))
        mask = mask_of(isqrt(64 * (du * du + dv * dv)), similarity, blend)
        out = picture[0].copy()
        fill = [int(fill[i : i + 2], 16) for i in (0, 2, 4)] + [255]
        for channel in range(form.channels):
            if background or form.channels == 3:
                out[..., channel] = blended(out[..., channel], mask, fill[channel])
            elif channel == 3:
                out[..., channel] = blended(out[..., channel], mask, 0)
        return [out]
    key, fill = stream_color(color, form.bits), stream_color(fill, form.bits)
    across, down = form.shift(1)
    du, dv = (picture[i][..., 0].astype(np.int64) - key[i] for i in (1, 2))
    far = isqrt((64 if form.bits == 8 else 4) * (du * du + dv * dv))
    far = far.repeat(1 << down, 0).repeat(1 << across, 1)
    luma = mask_of(far, similarity, blend)
    chroma = (luma[:, ::2] + luma[:, 1::2] + 1) >> 1 if across else luma
    chroma = (chroma[::2] + chroma[1::2] + 1) >> 1 if down else chroma
    masks = [luma[: form.height, : form.width], chroma, chroma]
    return [blended(p, m[..., None], b) for p, m, b in zip(picture, masks, fill)]


def main(jobs):
    with open(jobs) as file:
        jobs = json.load(file)
    for job in jobs:
        form = Format(job["format"], job["width"], job["height"])
        with open(job["in"], "rb") as file:
            data = file.read()
        with open(job["out"], "wb") as file:
            for picture in form.pictures(data):
                for plane in globals()[job["filter"]](picture, form, **job["parameters"]):
                    file.write(np.ascontiguousarray(plane, form.type).tobytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
