"""Pillow and numpy, asked by the tests of `filmgate watch`.

    reference.py make FOLDER              one picture of each kind, by name
    reference.py emboss SOURCE OUTPUT …   pairs: OUTPUT is Pillow's EMBOSS of SOURCE, sample for sample
    reference.py near SOURCE OUTPUT …     the same for JPEG outputs, as near as JPEG is
    reference.py facts PICTURE …          as JSON
    reference.py large OUTPUT             one that takes a second or so to convert
    reference.py frames FOLDER COUNT      small numbered JPEGs, each of its own colour
"""
import io
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageFilter, ImageOps

W, H = 61, 40


def noise(channels, seed=1, dtype=np.uint8):
    """Smooth enough for JPEG, and different everywhere."""
    y, x = np.mgrid[0:H, 0:W]
    top = np.iinfo(dtype).max
    planes = [(np.sin(x / (5 + c) + seed) * np.cos(y / (7 - c)) + 1) / 2 * top for c in range(channels)]
    return np.stack(planes, axis=-1).astype(dtype)


def picture(mode, seed=1):
    channels = len(Image.new(mode, (1, 1)).getbands())
    data = noise(channels, seed)
    return Image.fromarray(data[:, :, 0] if channels == 1 else data, mode)


def make(folder):
    folder = Path(folder)
    rgb = picture("RGB")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "filmgate"  # Make
    rgb.save(folder / "rgb.png")
    rgb.save(folder / "rgb.bmp")
    rgb.save(folder / "rgb.tiff")
    rgb.save(folder / "rgb.webp", lossless=True)
    rgb.save(folder / "rgb.ppm")
    rgb.save(folder / "rgb.tga")
    rgb.save(folder / "rgb.jpg", quality=90)
    rgb.save(folder / "full.jpg", quality=90, subsampling=0)
    rgb.save(folder / "progressive.jpg", quality=90, progressive=True)
    rgb.save(folder / "still.gif")
    rgb.convert("P").save(folder / "palette.png")
    picture("L").save(folder / "gray.png")
    picture("L").save(folder / "gray.jpg", quality=90)
    picture("RGBA").save(folder / "rgba.png")
    picture("LA").save(folder / "la.png")
    rgb.convert("1").save(folder / "bits.png")
    Image.fromarray(noise(1, dtype=np.uint16)[:, :, 0]).save(folder / "gray16.png")
    picture("CMYK").save(folder / "cmyk.jpg", quality=95)
    rgb.save(folder / "profile.jpg", icc_profile=profile, exif=exif)
    rgb.save(folder / "profile.png", icc_profile=profile, exif=exif)
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    rgb.save(folder / "turned.jpg", exif=exif, quality=90)
    exif[0x0112] = 5
    rgb.save(folder / "turned.png", exif=exif)
    others = [picture("RGB", seed) for seed in (2, 3)]
    for name in ("animated.gif", "animated.webp", "animated.png", "pages.tiff"):
        rgb.save(folder / name, save_all=True, append_images=others)
    whole = (folder / "rgb.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    whole = (folder / "rgb.png").read_bytes()
    (folder / "truncated.png").write_bytes(whole[: len(whole) * 2 // 3])
    # The header of a PNG of 100000 by 100000, with its checksum.
    import struct
    import zlib

    head = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    (folder / "bomb.png").write_bytes(bomb)
    jpeg = bytearray((folder / "rgb.jpg").read_bytes())
    at = next(i for i in range(len(jpeg)) if jpeg[i] == 0xFF and jpeg[i + 1] == 0xC0)
    jpeg[at + 5 : at + 9] = b"\xff\xdc\xff\xdc"
    (folder / "bomb.jpg").write_bytes(jpeg)
    (folder / "text.jpg").write_text("no picture at all\n")
    (folder / "empty.jpg").write_bytes(b"")


def upright(path):
    image = ImageOps.exif_transpose(Image.open(path))
    modes = {"1": "L", "P": "RGB", "CMYK": "RGB", "LA": "RGBA"}
    return image.convert(modes.get(image.mode, image.mode))


def emboss(pairs):
    for source, output in pairs:
        wanted = np.asarray(upright(source).filter(ImageFilter.EMBOSS))
        found = np.asarray(Image.open(output))
        if wanted.shape != found.shape or not np.array_equal(wanted, found):
            most = "shapes" if wanted.shape != found.shape else np.abs(wanted.astype(int) - found).max()
            raise SystemExit(f"{output}: differs from Pillow's EMBOSS of {source}: {most}")
    print("equal")


def near(pairs):
    for source, output in pairs:
        aside = io.BytesIO()
        upright(source).filter(ImageFilter.EMBOSS).save(aside, "JPEG", quality=75)
        wanted, found = (np.asarray(Image.open(f)).astype(int) for f in (aside, output))
        if wanted.shape != found.shape or np.abs(wanted - found).max() > 12:
            raise SystemExit(f"{output}: is not Pillow's EMBOSS of {source}")
    print("near")


def facts(paths):
    out = []
    for path in paths:
        image = Image.open(path)
        exif = image.getexif()
        out.append({
            "format": image.format, "mode": image.mode, "size": image.size,
            "icc": bool(image.info.get("icc_profile")), "make": exif.get(0x010F), "orientation": exif.get(0x0112),
        })  # fmt: skip
    print(json.dumps(out))


def frames(folder, count):
    for number in range(int(count)):
        color = (number % 251, number // 251 % 251, 90)
        Image.new("RGB", (48, 32), color).save(Path(folder) / f"frame{number:06d}.jpg", quality=95)


def large(path):
    Image.effect_noise((2400, 1800), 60).convert("RGB").save(path, "PNG", compress_level=1)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "make":
        make(*rest)
    elif what in ("emboss", "near"):
        {"emboss": emboss, "near": near}[what](zip(rest[::2], rest[1::2]))
    elif what == "facts":
        facts(rest)
    elif what == "large":
        large(*rest)
    elif what == "frames":
        frames(*rest)
    else:
        raise SystemExit(__doc__)
