"""What filters must give, worked out by Pillow and numpy, which nobody here wrote.

Reads cases as JSON from the file named, each with a file of pictures before and one after the
filter, and prints a line for each that differs. Knows the definitions in the plugins' READMEs and
nothing of their code.
"""
import json
import sys

import numpy as np
from PIL import Image, ImageFilter

# format: planes, bits, channels, chroma shift across, chroma shift down
FORMATS = {
    "gray8": (1, 8, 1, 0, 0), "rgb24": (1, 8, 3, 0, 0), "rgba": (1, 8, 4, 0, 0),
    "yuv420p": (3, 8, 1, 1, 1), "yuv422p": (3, 8, 1, 1, 0), "yuv444p": (3, 8, 1, 0, 0),
    "gray16": (1, 16, 1, 0, 0), "rgb48": (1, 16, 3, 0, 0),
    "yuv420p10": (3, 10, 1, 1, 1), "yuv422p10": (3, 10, 1, 1, 0), "yuv444p10": (3, 10, 1, 0, 0),
}
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def pictures(path, case):
    """A list of pictures, each a list of planes of shape (rows, columns, channels)."""
    count, bits, channels, across, down = FORMATS[case["format"]]
    width, height = case["width"], case["height"]
    shapes = [
        (-(-height >> down) if i else height, -(-width >> across) if i else width, channels)
        for i in range(count)
    ]
    data = np.fromfile(path, dtype="u1" if bits == 8 else "<u2").astype("i8")
    size = sum(int(np.prod(s)) for s in shapes)
    assert size and len(data) % size == 0, (path, len(data), size)
    out = []
    for start in range(0, len(data), size):
        planes = []
        for shape in shapes:
            planes.append(data[start : start + int(np.prod(shape))].reshape(shape))
            start += int(np.prod(shape))
        out.append(planes)
    return out


def emboss_plane(plane, bits):
    if bits == 8:
        rows, columns, channels = plane.shape
        image = Image.frombytes(MODES[channels], (columns, rows), plane.astype("u1").tobytes())
        image = image.filter(ImageFilter.EMBOSS)
        return np.frombuffer(image.tobytes(), "u1").astype("i8").reshape(plane.shape)
    out = plane.copy()
    if plane.shape[0] >= 3 and plane.shape[1] >= 3:
        inner = plane[1:-1, 1:-1] - plane[2:, :-2] + (1 << bits - 1)
        out[1:-1, 1:-1] = inner.clip(0, (1 << bits) - 1)
    return out


def emboss(case, source):
    bits = FORMATS[case["format"]][1]
    every = case["planes"] == "all" or not case["format"].startswith("yuv")
    return [
        [emboss_plane(p, bits) if every or i == 0 else p for i, p in enumerate(planes)]
        for planes in source
    ]


def grayscale(case, source):
    format, out = case["format"], []
    bits = FORMATS[format][1]
    for planes in source:
        first = planes[0]
        if format.startswith("yuv"):
            out.append([first] + [np.full_like(p, 1 << bits - 1) for p in planes[1:]])
        elif format in ("rgb24", "rgba"):
            color = first[:, :, :3].astype("u1")
            luma = Image.frombytes("RGB", color.shape[1::-1], color.tobytes()).convert("L")
            luma = np.frombuffer(luma.tobytes(), "u1").astype("i8").reshape(first.shape[:2])
            grey = first.copy()
            grey[:, :, :3] = luma[:, :, None]
            out.append([grey])
        elif format == "rgb48":
            luma = (first @ np.array([19595, 38470, 7471]) + 32768) >> 16
            out.append([np.repeat(luma[:, :, None], 3, axis=2)])
        else:
            out.append(planes)
    return out


def denoise(case, source):
    bits, n = FORMATS[case["format"]][1], case["frames"]
    reach = n // 2
    t = {8: case["threshold"], 10: case["threshold"] * 1023 // 255, 16: case["threshold"] * 257}[bits]
    every = case["planes"] == "all" or not case["format"].startswith("yuv")
    out = []
    for k, planes in enumerate(source):
        result = []
        for i, c in enumerate(planes):
            if i and not every:
                result.append(c)
                continue
            total = c.copy()
            for j in range(k - reach, k + reach + 1):
                if j == k:
                    continue
                v = source[j][i] if 0 <= j < len(source) else c
                total = total + np.where(abs(v - c) <= t, v, c)
            result.append((total + n // 2) // n)
        out.append(result)
    return out


def luma_relief(case, source):
    """The luma embossed, whatever became of the rest."""
    return [[emboss_plane(planes[0], 8), None, None] for planes in source]


CHECKS = {"emboss": emboss, "grayscale": grayscale, "denoise": denoise, "luma-relief": luma_relief}


def main():
    for number, case in enumerate(json.load(open(sys.argv[1]))):
        wanted = pictures(case["before"], case)
        for check in case["checks"]:
            wanted = CHECKS[check](case, wanted)
        found = pictures(case["after"], case)
        name = f"case {number}: {case}"
        if len(wanted) != len(found):
            print(f"{name}: {len(found)} pictures, not {len(wanted)}")
            continue
        for k, (w, f) in enumerate(zip(wanted, found)):
            for i, (a, b) in enumerate(zip(w, f)):
                if a is not None and not np.array_equal(a, b):
                    at = np.argwhere(a != b)
                    y, x, ch = at[0]
                    print(f"{name}: picture {k}, plane {i}: {len(at)} samples differ, the first "
                          f"at row {y}, column {x}, channel {ch}: {b[y, x, ch]}, not {a[y, x, ch]}")
                    break
    print("compared")


main()
