"""Writes raw pictures out of memory into a pipe, as a script with OpenCV does: one write a picture.

`writer.py PIPE FILE FRAME_BYTES COUNT [RATE]`; with a rate it keeps to it, and prints for each
picture the moment (CLOCK_MONOTONIC) at which its last byte was in the pipe.
"""
import os
import sys
import time

pipe, name, size, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
rate = float(sys.argv[5]) if len(sys.argv) > 5 else None
with open(name, "rb") as file:
    data = memoryview(file.read())
frames = [data[at : at + size] for at in range(0, len(data) - size + 1, size)]
out = os.open(pipe, os.O_WRONLY)
start, moments = time.monotonic(), []
for number in range(count):
    if rate:
        time.sleep(max(0, start + number / rate - time.monotonic()))
    left = frames[number % len(frames)]
    while left:
        left = left[os.write(out, left) :]
    moments.append(time.monotonic())
os.close(out)
if rate:
    print("\n".join(map(repr, moments)))
