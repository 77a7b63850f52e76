"""Pictures with an orientation or a long colour profile, made and read by Pillow.

    carried.py turned FOLDER         the eight orientations in every format that carries one
    carried.py upright IN OUT        OUT/rgb6-rgb6.png is IN/rgb6.png the right way up, and so on
    carried.py profiles FOLDER       a profile of some segments of a JPEG, in every format
    carried.py same-profile FOLDER   all pictures there carry that profile, byte by byte
"""
import random
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

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


def upright(folder, outputs):
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        # Pillow 13 turns a TIFF as it loads it, and then back; the PNG of the same samples tells.
        source = path.with_suffix(".png") if path.suffix == ".tiff" else path
        wanted = ImageOps.exif_transpose(Image.open(source))
        found = Image.open(outputs / f"{path.stem}-{path.name}.png")
        # CMYK becomes RGB with other rounding.
        most = 3 if wanted.mode == "CMYK" else 0
        wanted = wanted.convert("RGB") if wanted.mode == "CMYK" else wanted
        same = wanted.mode == found.mode and wanted.size == found.size
        if not same or np.abs(np.asarray(wanted).astype(int) - np.asarray(found)).max() > most:
            raise SystemExit(f"{path}: is not turned as Pillow turns it: {found.mode} {found.size}")
        if found.getexif().get(ORIENTATION, 1) != 1:
            raise SystemExit(f"{path}: its output is to be turned once more")
    print("upright")


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
    what, *folders = sys.argv[1:]
    known = {"turned": turned, "upright": upright, "profiles": profiles, "same-profile": same_profile}
    known[what](*map(Path, folders))
