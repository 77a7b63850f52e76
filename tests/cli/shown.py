"""Reads what a terminal was sent and compares the picture in it with the one in a file, scaled by
ffmpeg: shown.py KIND SENT FRAME. Prints size and how far the furthest sample is from it."""

import base64
import io
import re
import subprocess
import sys

from PIL import Image, ImageChops

kind, sent, frame = sys.argv[1:]
data = open(sent, "rb").read().replace(b"\r\n", b"\n")


def blocks():
    rows = []
    for line in data.decode().split("\n"):
        cells = re.findall(r"\x1b\[38;2;(\d+);(\d+);(\d+)m\x1b\[48;2;(\d+);(\d+);(\d+)m\u2580", line)
        if cells:
            cells = [list(map(int, cell)) for cell in cells]
            rows += [[c[:3] for c in cells], [c[3:] for c in cells]]
    flat = bytes(v for row in rows for pixel in row for v in pixel)
    return Image.frombytes("RGB", (len(rows[0]), len(rows)), flat)


def kitty():
    chunks = re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", data)
    keys = dict(pair.split("=") for pair in chunks[0][0].decode().split(","))
    assert [c[0][-1:] for c in chunks] == [b"1"] * (len(chunks) - 1) + [b"0"], "m=1 but the last"
    assert all(len(c[1]) <= 4096 for c in chunks)
    samples = base64.b64decode(b"".join(c[1] for c in chunks))
    return Image.frombytes("RGB", (int(keys["s"]), int(keys["v"])), samples)


def iterm():
    size, text = re.search(rb"\x1b\]1337;File=inline=1;size=(\d+);[^:]*:([^\x07]*)\x07", data).groups()
    png = base64.b64decode(text)
    assert len(png) == int(size)
    return Image.open(io.BytesIO(png)).convert("RGB")


def sixel():
    text = re.search(rb"\x1bPq(.*)\x1b\\", data, re.S).group(1).decode()
    width, height = map(int, re.match(r'"1;1;(\d+);(\d+)', text).groups())
    image, palette = Image.new("RGB", (width, height)), {}
    x, top, color = 0, 0, None
    for token in re.findall(r"#\d+(?:;2;\d+;\d+;\d+)?|!\d+.|[?-~]|[$-]", text.split(str(height), 1)[1]):
        if token[0] == "#":
            color, *rgb = map(int, token[1:].replace(";2;", ";").split(";"))
            if rgb:
                palette[color] = tuple(round(v * 2.55) for v in rgb)
        elif token == "$":
            x = 0
        elif token == "-":
            x, top = 0, top + 6
        else:
            count, char = (int(token[1:-1]), token[-1]) if token[0] == "!" else (1, token)
            for _ in range(count):
                for bit in range(6):
                    if ord(char) - 63 >> bit & 1:
                        image.putpixel((x, top + bit), palette[color])
                x += 1
    return image


shown = {"blocks": blocks, "kitty": kitty, "iterm": iterm, "sixel": sixel}[kind]()
size = "%d:%d" % shown.size
made = subprocess.run(
    ["ffmpeg", "-v", "error", "-i", frame, "-vf", f"scale={size}:flags=bicubic", "-f", "rawvideo",
     "-pix_fmt", "rgb24", "-"], check=True, capture_output=True).stdout
wanted = Image.frombytes("RGB", shown.size, made)
print(shown.size[0], shown.size[1], max(high for low, high in ImageChops.difference(shown, wanted).getextrema()))
