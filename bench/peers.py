"""The peers' side of the kernel benchmarks: OpenCV, Pillow and the native loop, on one thread.

A worker that answers requests, one line of JSON each, as filmgate's own (src/main.rs) does. It
runs in the environment of scripts/requirements-bench.txt.
"""
import ctypes
import json
import sys
import time

import cv2
import numpy
from PIL import Image, ImageFilter

KEPT = 4  # pictures of output that stay: as many as filmgate's side keeps

# OpenCV correlates: the pixel, less its lower left neighbour.
KERNEL = numpy.array([[0, 0, 0], [0, 1, 0], [-1, 0, 0]], numpy.float32)


def aligned(shape, samples=0):
    """An array that starts at a multiple of 64 bytes, as filmgate's planes do."""
    size = int(numpy.prod(shape))
    buffer = numpy.empty(size + 64, numpy.uint8)
    start = -buffer.ctypes.data % 64
    array = buffer[start : start + size]
    array[:] = samples
    return array.reshape(shape)


class Case:
    """One ring of 8-bit pictures with packed pixels, gray or rgb24."""

    def __init__(self, width, height, channels, stride, frames):
        """`stride`: bytes from one picture in the file to the next one."""
        self.shape = (height, width) if channels == 1 else (height, width, channels)
        size = width * height * channels
        with open(frames, "rb") as file:
            data = file.read()
        self.ring = [
            aligned(self.shape, numpy.frombuffer(data, numpy.uint8, size, at))
            for at in range(0, len(data), stride)
        ]
        self.out = [aligned(self.shape) for _ in range(KEPT)]
        self.pictures = [Image.fromarray(frame) for frame in self.ring]
        self.layout = (width * channels, height, channels)


def native_runner(library):
    library.run.restype = ctypes.c_double
    library.run.argtypes = [ctypes.c_void_p, ctypes.c_size_t] * 2 + [ctypes.c_size_t] * 4

    def pointers(arrays):
        return (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])

    def run(case, count):
        ins, outs = pointers(case.ring), pointers(case.out)
        return library.run(outs, len(outs), ins, len(ins), *case.layout, count)

    return run


def opencv(case, count):
    ring, out = case.ring, case.out
    start = time.perf_counter()
    for i in range(count):
        # Into buffers that are there already: the quickest way that OpenCV has.
        cv2.filter2D(ring[i % len(ring)], -1, KERNEL, dst=out[i % len(out)], delta=128)
    return time.perf_counter() - start


def pillow(case, count):
    kept = [None] * KEPT
    start = time.perf_counter()
    for i in range(count):
        kept[i % KEPT] = case.pictures[i % len(case.ring)].filter(ImageFilter.EMBOSS)
    return time.perf_counter() - start


def motion(case, count):
    """What moved since the picture before: the box round it, and how much it is."""
    ring, differs, moved = case.ring, case.out[0], case.out[1]
    start = time.perf_counter()
    for i in range(count):
        cv2.absdiff(ring[i % len(ring)], ring[i % len(ring) - 1], dst=differs)
        cv2.threshold(differs, 4, 255, cv2.THRESH_BINARY, dst=moved)
        cv2.boundingRect(moved)
        cv2.countNonZero(moved)
    return time.perf_counter() - start


def pictures(case, who, run):
    """What `who` makes of each picture, one behind the other."""
    for i, frame in enumerate(case.ring):
        if who == "pillow":
            yield case.pictures[i].filter(ImageFilter.EMBOSS).tobytes()
            continue
        single = Case.__new__(Case)
        single.ring, single.out, single.layout = [frame], case.out[:1], case.layout
        run(single, 1)
        yield single.out[0].tobytes()


class Peers:
    """One method a request."""

    def __init__(self, library):
        self.library = library
        self.runners = {"native": native_runner(library), "opencv": opencv, "pillow": pillow,
                        "motion": motion}  # fmt: skip
        self.cases = {}

    def open(self, name, **case):
        self.cases[name] = Case(**case)

    def run(self, name, who, count):
        return {"wall": self.runners[who](self.cases[name], count)}

    def write(self, name, who, to):
        with open(to, "wb") as file:
            file.writelines(pictures(self.cases[name], who, self.runners[who]))

    def versions(self):
        self.library.kind.restype = ctypes.c_char_p
        return {
            "opencv": cv2.__version__,
            "pillow": Image.__version__,
            "native": self.library.kind().decode(),
        }


def main(library):
    cv2.setNumThreads(1)
    peers = Peers(ctypes.CDLL(library))
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(peers, request.pop("do"))(**request)
        print(json.dumps(answer or {}), flush=True)


main(*sys.argv[1:])
