"""make soak: an hour of film through `filmgate run`, and whether memory stays flat.

Outside of the tests and of the benchmarks, for it takes minutes. The film is small, so that an
hour of it does not take one.
"""
import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from footage import ffmpeg, once

ROOT = Path(__file__).resolve().parent.parent
FILMGATE = ROOT / "target" / "release" / "filmgate"

# Pools of buffers grow when the encoder falls behind for the first time, at these sizes by some
# MiB; a leak of 200 bytes a frame is 17 MiB an hour.
BOUND = 16 << 20
INTERVAL = 0.5  # seconds between two looks
LEAST = 20  # looks that are enough to judge by
WARM = 0.1  # the share of the time after which everything has its size


def film(folder, seconds):
    """25 frames a second of 320x180, from the clip over and over, with its sound."""

    def make(path):
        clip = ROOT / "build" / "media" / "bigbuckbunny.mp4"
        minute = once(folder / "soak-minute.mp4", lambda aside: ffmpeg(
            "-stream_loop", -1, "-i", clip, "-t", 60, "-map", "0:v:0", "-map", "0:a:0", "-vf", "scale=320:180",
            "-r", 25, "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", aside))  # fmt: skip
        ffmpeg("-stream_loop", -1, "-i", minute, "-t", seconds, "-c", "copy", path)

    return once(folder / f"soak-{seconds}.mp4", make)


def resident(pid):
    """Bytes of a process that are in memory now; none once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True)
        return int(told.stdout) * 1024 if told.stdout.strip() else None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), None)


def watch(command):
    """(how it ended, what was resident at each look)"""
    process, seen = subprocess.Popen(command, stdin=subprocess.DEVNULL), []
    while process.poll() is None:
        seen.append(resident(process.pid))
        time.sleep(INTERVAL)
    return process.returncode, [bytes for bytes in seen if bytes]


def growth(seen):
    """By how much the last tenth's median is above that of the tenth after the first."""
    tenth = max(int(len(seen) * WARM), 1)
    return statistics.median(seen[-tenth:]) - statistics.median(seen[tenth : 2 * tenth])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=int, default=3600, help="how long the film is (default: an hour)")
    seconds = parser.parse_args().seconds
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    source, out = film(folder, seconds), folder / "soak-out.mkv"
    start = time.monotonic()
    status, seen = watch([FILMGATE, "run", "-q", "-i", source, "-p", "emboss:planes=all", "--preset", "ultrafast",
                          "-y", "-o", out])  # fmt: skip
    took = time.monotonic() - start
    if status != 0:
        sys.exit(f"soak: filmgate ended with {status}")
    if len(seen) < LEAST:
        sys.exit(f"soak: over in {took:.0f} s, too soon to say anything; give more --seconds")
    more, seen = growth(seen), seen[int(len(seen) * WARM) :]
    print(f"soak: {seconds} s of film in {took:.0f} s; {len(seen)} looks; resident {min(seen) >> 20} to "
          f"{max(seen) >> 20} MiB, at most {BOUND >> 20} MiB more at the end than after a tenth: {more / 2**20:+.1f} MiB")  # fmt: skip
    if more > BOUND:
        sys.exit("soak: memory grows")


if __name__ == "__main__":
    main()
