#!/usr/bin/env python3
"""Writes pictures into the pipe of `filmgate encode`, as OpenCV has them: bgr24 arrays.

In one terminal (the output may be rtmp://… as well, and --also keeps a copy):

    filmgate encode --fifo /tmp/pictures --size 640x360 --pix-fmt bgr24 --rate 25 -o out.flv

in another:

    python3 push.py /tmp/pictures [COUNT | FILM | CAMERA]

A number is that many pictures of a ball; a file or a device (/dev/video0) is read with OpenCV.
"""

import sys

import numpy as np

try:
    import cv2
except ImportError:
    cv2 = None

WIDTH, HEIGHT = 640, 360


def ball(count):
    """Pictures of a ball, drawn with OpenCV, or with numpy where that is all there is."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    for number in range(count):
        at = (40 + number * 7 % (WIDTH - 80), HEIGHT // 2)
        frame = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
        if cv2:
            cv2.circle(frame, at, 30, (60, 180, 250), -1)
            cv2.putText(frame, str(number), (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
        else:
            frame[(x - at[0]) ** 2 + (y - at[1]) ** 2 < 30**2] = (60, 180, 250)
        yield frame


def film(name):
    """The pictures of a film or a camera."""
    if not cv2:
        sys.exit("push.py: OpenCV is needed to read films and cameras")
    capture = cv2.VideoCapture(name)
    while True:
        there, frame = capture.read()
        if not there:
            break
        yield cv2.resize(frame, (WIDTH, HEIGHT))


def main():
    pipe, what = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "250"
    frames = ball(int(what)) if what.isdigit() else film(what)
    # Without a buffer of Python's own: a picture is written at once.
    with open(pipe, "wb", buffering=0) as out:
        for frame in frames:
            data = memoryview(frame.tobytes())
            while data:
                data = data[out.write(data) :]


if __name__ == "__main__":
    main()
