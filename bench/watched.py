"""A folder watched: pictures come at a fixed rate, embossed ones go out. `filmgate watch` beside the
script it replaces, which is script.py: inotify, a queue, Pillow.

Both get the same files in the same way, from a process of their own: written under another name,
closed and renamed, as GStreamer's multifilesink does. An output counts as published when its name
appears, which is the change time of its inode; that has the coarseness of the kernel's clock, so a
tick is added to every latency.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

# name: size, pictures a second, seconds
CASES = {"720p": ((1280, 720), 50, 20), "1080p": ((1920, 1080), 25, 20)}

TICK = 0.004  # of the kernel's clock, seconds: CONFIG_HZ=250

PATIENCE = 60  # seconds that a contestant may need for its backlog


def pictures(python, clip, size, folder):
    """A hundred JPEGs of a clip, quality 85 as GStreamer's jpegenc has it."""
    out = folder / f"pictures-{size[0]}"
    if not (out / "done").exists():
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", clip, "-vf", f"scale={size[0]}:{size[1]}",
                        "-frames:v", "100", out / "%03d.png"], check=True)  # fmt: skip
        convert = ("import glob, sys\nfrom PIL import Image\n"
                   "for f in glob.glob(sys.argv[1] + '/*.png'):\n"
                   "    Image.open(f).convert('RGB').save(f[:-3] + 'jpg', quality=85)\n")  # fmt: skip
        subprocess.run([python, "-c", convert, out], check=True)
        for png in out.glob("*.png"):
            png.unlink()
        (out / "done").touch()
    return sorted(out.glob("*.jpg"))


def feed(sources, target, rate, count):
    """Runs as a process of its own: writes `count` pictures, `rate` a second, and prints when each
    was closed, in seconds of the clock on the wall."""
    contents = [Path(source).read_bytes() for source in sources]
    start, closed = time.monotonic(), {}
    for number in range(count):
        wait = start + number / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        name = f"frame{number:06d}.jpg"
        aside = target / f"{name}.X4bQ1z"
        aside.write_bytes(contents[number % len(contents)])
        closed[name] = time.time()
        aside.rename(target / name)
    print(json.dumps({"closed": closed, "seconds": time.monotonic() - start}))


def cpu(pid):
    """Processor seconds of a process and its threads, with what its children took."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(fields[i]) for i in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")


def contest(command, ready, sources, rate, count, folder):
    """One contestant on one case."""
    shutil.rmtree(folder, ignore_errors=True)
    watched, out = folder / "in", folder / "out"
    watched.mkdir(parents=True)
    out.mkdir()
    process = subprocess.Popen([*map(str, command), watched, "-o", out], stdout=subprocess.PIPE, text=True)
    try:
        while ready not in process.stdout.readline():
            if process.poll() is not None:
                raise SystemExit(f"bench: {command[0]} did not start")
        # What it prints is nobody's concern, but somebody has to take it.
        drain = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
        before = cpu(process.pid)
        fed = subprocess.run([sys.executable, __file__, watched, str(rate), str(count), *sources],
                             stdout=subprocess.PIPE, text=True, check=True)  # fmt: skip
        fed = json.loads(fed.stdout)
        behind = count - len([*out.glob("*.jpg")])
        end = time.monotonic() + PATIENCE
        while len([*out.glob("*.jpg")]) < count and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(0.3)
        spent = cpu(process.pid) - before
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        drain.wait(30)
    latencies = sorted(
        (out / name).stat().st_ctime - closed + TICK for name, closed in fed["closed"].items() if (out / name).exists()
    )
    if len(latencies) < count:
        print(f"bench: {command[0]}: {len(latencies)} of {count} pictures", flush=True)
    at = lambda share: latencies[min(len(latencies) - 1, int(len(latencies) * share))] * 1e3  # noqa: E731
    return {"pictures": len(latencies), "behind": behind, "cpu_ms": spent / max(1, len(latencies)) * 1e3,
            "p50": at(0.5), "p99": at(0.99), "most": latencies[-1] * 1e3, "fed": count / fed["seconds"]}  # fmt: skip


def measure(filmgate, python, clip, folder, say):
    """{(case, who): figures}"""
    results = {}
    for case, (size, rate, seconds) in CASES.items():
        sources = pictures(python, clip, size, folder)
        contestants = {
            "filmgate watch": ([filmgate, "watch", "-p", "emboss", "--originals", "delete", "--json"], "ready"),
            "script": ([python, HERE / "script.py"], "ready"),
        }
        for who, (command, ready) in contestants.items():
            say(f"a folder watched, {case}: {who}")
            results[case, who] = contest(command, ready, sources, rate, rate * seconds, folder / "watched")
    shutil.rmtree(folder / "watched", ignore_errors=True)
    return results


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        root = HERE.parent
        found = measure(root / "target/release/filmgate", root / "build/venv-bench/bin/python",
                        root / "build/media/bigbuckbunny.mp4", root / "build/bench", print)  # fmt: skip
        for (case, who), figures in found.items():
            print(case, who, {name: round(value, 2) for name, value in figures.items()})
    else:
        feed(sys.argv[4:], Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
