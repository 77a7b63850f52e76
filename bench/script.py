"""The script that `filmgate watch` replaces, to measure it beside: pyinotify's kind of watcher (here
with the same system calls by ctypes), a queue without bound, and a thread with Pillow that embosses
each picture, saves it beside its place and renames it, and removes the original.
"""
import ctypes
import os
import queue
import struct
import sys
import threading
from pathlib import Path

from PIL import Image, ImageFilter

IN_CLOSE_WRITE, IN_MOVED_TO = 0x8, 0x80


def events(folder):
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(0)
    if libc.inotify_add_watch(descriptor, os.fsencode(folder), IN_CLOSE_WRITE | IN_MOVED_TO) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    print("ready", flush=True)
    while True:
        data, at = os.read(descriptor, 65536), 0
        while at < len(data):
            _, _, _, length = struct.unpack_from("iIII", data, at)
            yield os.fsdecode(data[at + 16 : at + 16 + length].rstrip(b"\0"))
            at += 16 + length


def convert(waiting, watched, out):
    while True:
        name = waiting.get()
        if not name.endswith(".jpg"):
            continue
        picture = Image.open(watched / name).filter(ImageFilter.EMBOSS)
        aside = out / f".{name}"
        picture.save(aside, "JPEG")
        os.rename(aside, out / name)
        os.remove(watched / name)


def main():
    watched, out = Path(sys.argv[1]), Path(sys.argv[3])
    waiting = queue.Queue()
    threading.Thread(target=convert, args=(waiting, watched, out), daemon=True).start()
    for name in events(watched):
        waiting.put(name)


if __name__ == "__main__":
    main()
