"""Raw pictures out of a pipe into H.264, by `filmgate encode` and by the ffmpeg program, with the
same encoder at the same settings: pictures a second, processor time, and how soon a picture is on
the wire.

Alone: `python bench/encode.py [ROUNDS]`, in the environment of the bench, prints its tables.
"""
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import footage
from workers import Series, program, turns

HERE = Path(__file__).resolve().parent
RATE = 25
LATENCY_FRAMES = 100

# Pictures in the file, and how often it is gone through.
SHAPES = {"720p": (100, 5), "1080p": (50, 5)}

CONTESTANTS = ["filmgate, pipe", "ffmpeg, pipe", "ffmpeg, file"]


class Encodes:
    def __init__(self, filmgate, media, folder):
        self.filmgate, self.media, self.folder = filmgate, media, folder
        self.pipe = folder / "pictures"

    def raw(self, size):
        """Moving footage as bgr24, one picture after the other."""
        count, _ = SHAPES[size]

        def make(path):
            footage.ffmpeg("-i", self.media.film(size), "-frames:v", count, "-f", "rawvideo",
                           "-pix_fmt", "bgr24", path)  # fmt: skip

        return footage.once(self.folder / f"{size}-moving.bgr", make)

    def command(self, who, size, out, more=()):
        width, height = footage.SIZES[size]
        if who.startswith("filmgate"):
            return [self.filmgate, "encode", "-q", "-y", "--fifo", self.pipe, "--size", f"{width}x{height}",
                    "--pix-fmt", "bgr24", "--rate", RATE, *more, "-o", out]  # fmt: skip
        loops = SHAPES[size][1] - 1
        source = ["-stream_loop", loops, "-i", self.raw(size)] if who.endswith("file") else ["-i", self.pipe]
        return ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24",
                "-s", f"{width}x{height}", "-r", RATE, *source, "-c:v", "libx264", "-preset", "ultrafast",
                "-tune", "zerolatency", "-g", 2 * RATE, "-pix_fmt", "yuv420p", "-f", "flv", out]  # fmt: skip

    def writer(self, size, count, *more):
        width, height = footage.SIZES[size]
        command = [sys.executable, HERE / "writer.py", self.pipe, self.raw(size), width * height * 3, count, *more]
        return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)

    def fresh_pipe(self):
        self.pipe.unlink(missing_ok=True)
        os.mkfifo(self.pipe)

    def measure(self, size, rounds, say):
        """A `Series`, the cost of a picture; every output must have all of them."""
        say(f"encoding {size} from a pipe")
        self.raw(size)
        series = Series()
        count = SHAPES[size][0] * SHAPES[size][1]
        for number, who in turns(CONTESTANTS, rounds):
            out = self.folder / f"out-{who.replace(', ', '-')}.flv"
            self.fresh_pipe()
            writer = None if who.endswith("file") else self.writer(size, count)
            if writer:
                # It has its pictures in memory when the contestant begins.
                time.sleep(1.5)
            series.add(who, program(*self.command(who, size, out)).each(count))
            if writer and writer.wait() != 0:
                raise SystemExit("bench: the writer failed")
            if number == 0 and footage.frames(out) != count:
                raise SystemExit(f"bench: {who}: {footage.frames(out)} frames of {count}")
        self.pipe.unlink()
        return series

    def latency(self, size, say):
        """From the last byte of a picture in the pipe to the last byte of its packet out of a
        socket, in milliseconds, for each contestant."""
        say(f"latency at {size}")
        self.raw(size)
        return {who: self.delays(who, size) for who in CONTESTANTS[:2]}

    def delays(self, who, size):
        server = socket.create_server(("127.0.0.1", 0))
        url = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        arrived = []
        listener = threading.Thread(target=receive, args=(server, arrived))
        listener.start()
        self.fresh_pipe()
        writer = self.writer(size, LATENCY_FRAMES, RATE)
        time.sleep(1.5)
        program(*self.command(who, size, url, ("--format", "flv")))
        sent = [float(line) for line in writer.communicate()[0].split()]
        listener.join()
        server.close()
        self.pipe.unlink()
        if len(arrived) != len(sent):
            raise SystemExit(f"bench: {who}: {len(arrived)} packets of {len(sent)} arrived")
        # The first ones pay for the start.
        return [(there - here) * 1e3 for here, there in list(zip(sent, arrived))[10:]]


def receive(server, arrived):
    """Notes when each picture of an FLV stream (Adobe's specification, version 10.1) is complete."""
    connection = server.accept()[0]
    data, header = b"", 13
    while part := connection.recv(1 << 20):
        now = time.monotonic()
        data += part
        if header and len(data) >= header:
            data, header = data[header:], 0
        while not header and len(data) >= 11:
            size = int.from_bytes(data[1:4], "big")
            if len(data) < size + 15:
                break
            # Video, AVC, a picture rather than its description.
            if data[0] == 9 and size > 1 and data[12] == 1:
                arrived.append(now)
            data = data[size + 15 :]
    connection.close()


def goals(out, results):
    for size, s in results["encode"].items():
        faster = s.ratios("ffmpeg, pipe", "filmgate, pipe")
        out.least(f"`encode`, {size}: pictures a second, of `ffmpeg` reading the same pipe", 1.3, faster)
        less = s.ratios("filmgate, pipe", "ffmpeg, pipe", "cpu")
        out.most(f"`encode`, {size}: processor time, of `ffmpeg` reading the same pipe", 0.85, less)
        file = s.ratios("ffmpeg, file", "filmgate, pipe")
        out.least(f"`encode`, {size}: pictures a second, of `ffmpeg` reading a file", 0.9, file)
    for size, delays in results["latency"].items():
        limit = 1000 / RATE
        out.most(f"`encode`, {size}: from a picture's last byte to its packet", limit, delays[CONTESTANTS[0]], " ms")


def rows(results):
    for size, s in results["encode"].items():
        for who in CONTESTANTS:
            delays = results["latency"].get(size, {}).get(who)
            shown = "" if delays is None else f"{statistics.median(delays):.1f} (most {max(delays):.1f})"
            yield [size, who, f"{1 / s.median(who):.0f}", f"{s.median(who, 'cpu') * 1e3:.2f}",
                   f"{s.median(who, 'memory') / 2**20:.0f}", shown]  # fmt: skip


HEAD = ["", "", "pictures a second", "CPU ms a picture", "MiB", "ms to the wire"]


def measure(filmgate, media, folder, rounds, say):
    bench = Encodes(filmgate, media, folder)
    return {
        "encode": {size: bench.measure(size, rounds, say) for size in SHAPES},
        "latency": {size: bench.latency(size, say) for size in SHAPES},
    }


def main():
    from document import Goals, table

    root, rounds = HERE.parent, int(sys.argv[1]) if len(sys.argv) > 1 else 5
    folder = root / "build" / "bench"
    media = footage.Footage(root / "build" / "media" / "bigbuckbunny.mp4", folder)
    results = measure(root / "target" / "release" / "filmgate", media, folder, rounds,
                      lambda text: print(f"bench: {text}", flush=True))  # fmt: skip
    met = Goals()
    goals(met, results)
    print(met)
    print(table(HEAD, rows(results), left=2))


if __name__ == "__main__":
    main()
