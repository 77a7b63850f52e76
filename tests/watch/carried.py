"""Pictures with an orientation or a long colour profile, made and read by Pillow.

    carried.py turned FOLDER         the eight orientations in every format that carries one
    carried.py profiles FOLDER       a profile of some segments of a JPEG, in every format
    carried.py same-profile FOLDER   all pictures there carry that profile, byte by byte
"""
import random
import sys
from pathlib import Path

from PIL import Image

from reference import picture

ORIENTATION = 0x0112


def turned(folder):
    for number in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = number
        for name, mode, options in (
            ("rgb.jpg", "RGB", {"quality": 90}),
            ("gray.jpg", "L", {"quality": 90}),
            ("cmyk.jpg", "CMYK", {"quality": 95}),
            ("rgb.png", "RGB", {}),
            ("gray.png", "L", {}),
            ("rgba.png", "RGBA", {}),
            ("rgb.webp", "RGB", {"lossless": True}),
            ("rgba.webp", "RGBA", {"lossless": True, "exact": True}),
            ("rgb.tiff", "RGB", {}),
            ("gray.tiff", "L", {}),
        ):
            stem, ending = name.split(".")
            picture(mode).save(folder / f"{stem}{number}.{ending}", exif=exif, **options)


def profile():
    return random.Random(7).randbytes(200_001)


def profiles(folder):
    for name in ("rgb.jpg", "rgb.png", "rgb.webp", "rgb.tiff"):
        picture("RGB").save(folder / name, icc_profile=profile())


def same_profile(folder):
    found = sorted(folder.iterdir())
    for path in found:
        kept = Image.open(path).info.get("icc_profile")
        if kept != profile():
            raise SystemExit(f"{path}: {len(kept or b'')} bytes, and others")
    print("same" if len(found) == 4 else f"{len(found)} pictures")


if __name__ == "__main__":
    what, folder = sys.argv[1:]
    {"turned": turned, "profiles": profiles, "same-profile": same_profile}[what](Path(folder))
