"""What `scale` has to make of raw pictures: weighted sums in doubles with numpy, and Pillow's `resize`
where Pillow has the format.

usage: scaling.py JOBS

JOBS is a JSON list of {format, width, height, output, parameters, in, ours}. Prints, for each, the
greatest difference from numpy, and from Pillow or -1.
"""
import json
import sys

import numpy as np
from PIL import Image
from reference import Format

REACH = {"lanczos": 3, "bilinear": 1}


def weight(name, x):
    if name == "lanczos":
        return np.where(abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
    return np.maximum(1 - abs(x), 0)


def matrix(name, source, output, step, first):
    """Rows of weights: output samples; columns: source samples."""
    stretch = max(step, 1)
    middles = first + np.arange(output)[:, None] * step
    middles = np.clip(middles, 0, source)
    offsets = np.arange(source)[None] + 0.5 - middles
    weights = weight(name, offsets / stretch) * (abs(offsets) < REACH[name] * stretch + 0.5)
    return weights / weights.sum(1, keepdims=True)


def axis(name, source, output, whole, wanted, shift, siting):
    """`source`, `output`: samples of the plane; `whole`, `wanted`: pixels of the frame."""
    step = whole / wanted
    middle = siting if shift else 0.5
    first = middle * step
    return matrix(name, source, output, step, (first - middle) / 2 + 0.5 if shift else first)


def scaled(plane, across, down):
    return np.einsum("ys,sxc->yxc", down, np.einsum("xs,ysc->yxc", across, plane))


def reference(picture, form, out, name, siting):
    for index, (plane, shape) in enumerate(zip(picture, out.shapes())):
        shift = form.shift(index)
        across = axis(name, plane.shape[1], shape[1], form.width, out.width, shift[0], siting)
        down = axis(name, plane.shape[0], shape[0], form.height, out.height, shift[1], 1)
        plane = plane.astype(np.float64)
        if form.channels == 4:
            alpha = plane[..., 3:] / 255
            plane[..., :3] *= alpha
            plane = scaled(plane, across, down)
            opaque = np.clip(plane[..., 3:], 0, 255) / 255
            plane[..., :3] = np.divide(plane[..., :3], opaque, np.zeros_like(plane[..., :3]), where=opaque > 0)
        else:
            plane = scaled(plane, across, down)
        yield np.rint(np.clip(plane, 0, form.peak))


def pillow(picture, form, out, name):
    """By Pillow's mode `F`, since its modes of 8 bits cut overshoot off between the two directions."""
    if form.yuv or form.channels == 4:
        return None
    method = {"lanczos": Image.Resampling.LANCZOS, "bilinear": Image.Resampling.BILINEAR}[name]
    channels = [Image.fromarray(picture[0][..., i].astype(np.float32)) for i in range(form.channels)]
    resized = [np.asarray(channel.resize((out.width, out.height), method)) for channel in channels]
    return np.rint(np.clip(np.stack(resized, -1), 0, form.peak))


def differ(ours, theirs):
    return int(abs(ours.astype(np.int64) - theirs.astype(np.int64)).max())


def judge(job):
    form = Format(job["format"], job["width"], job["height"])
    out = Format(job["format"], *job["output"])
    name = job["parameters"].get("filter", "lanczos")
    siting = 1 if job["parameters"].get("chroma") == "center" else 0.5
    most, most_pillow = 0, -1
    sources, ours = (open(job[key], "rb").read() for key in ("in", "ours"))
    for source, mine in zip(form.pictures(sources), out.pictures(ours), strict=True):
        for plane, theirs in zip(mine, reference(source, form, out, name, siting), strict=True):
            most = max(most, differ(plane, theirs))
        by_pillow = pillow(source, form, out, name)
        if by_pillow is not None:
            most_pillow = max(most_pillow, differ(mine[0], by_pillow))
    return most, most_pillow


for job in json.load(open(sys.argv[1])):
    print(*judge(job))
