"""`filmgate serve` beside nginx's dav module, and a join as a job beside `filmgate join`, in turns.

Both servers get the same file by curl on the same disk. nginx answers before the file is on the
disk, filmgate after; so the file and its folder are synced behind nginx's answer, within its time.
"""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import time
import urllib.request
from pathlib import Path

import machine

GIB = 1 << 30

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; client_max_body_size 0; client_body_temp_path {folder}/dav/temp;
    server {{
        listen 127.0.0.1:{port};
        location / {{ root {folder}/dav; dav_methods PUT DELETE; create_full_put_path on; }}
    }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def started(command, port):
    process = subprocess.Popen([*map(str, command)], stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"bench: {command[0]} did not start")


def ended(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def put(file, url, *synced):
    begin = time.monotonic()
    subprocess.run(["curl", "-sSf", "-o", os.devnull, "-T", file, url], check=True)
    for path in synced:
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    return time.monotonic() - begin


def peak(process):
    """MiB of memory at most."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) / 1024


def uploads(filmgate, folder, rounds, say):
    film = folder / "gib"
    if not film.exists() or film.stat().st_size != GIB:
        with film.open("wb") as out:
            for _ in range(GIB >> 20):
                out.write(os.urandom(1 << 20))
    (folder / "dav" / "temp").mkdir(parents=True)
    ours, theirs = free_port(), free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=theirs))
    serve = started([filmgate, "serve", "--root", folder / "root", "--listen", f"127.0.0.1:{ours}"], ours)
    nginx = started(["nginx", "-p", folder, "-c", folder / "nginx.conf"], theirs)
    times = {"filmgate serve": [], "nginx": []}
    try:
        for number in range(rounds):
            say(f"upload of 1 GiB, round {number + 1} of {rounds}")
            turns = [
                lambda: times["filmgate serve"].append(
                    put(film, f"http://127.0.0.1:{ours}/api/v1/tasks/t/d/gib")),
                lambda: times["nginx"].append(
                    put(film, f"http://127.0.0.1:{theirs}/gib", folder / "dav" / "gib", folder / "dav")),
            ]  # fmt: skip
            for turn in turns[number % 2 :] + turns[: number % 2]:
                turn()
        return times, peak(serve)
    finally:
        ended(serve)
        ended(nginx)
        shutil.rmtree(folder / "dav")
        shutil.rmtree(folder / "root")


def joins(filmgate, clip, folder, count, rounds, say):
    segment = folder / "segment.mp4"
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", clip, "-t", "2", "-c", "copy", segment], check=True)
    port, device = free_port(), folder / "root" / "t" / "d"
    (device / "video").mkdir(parents=True)
    for number in range(count):
        shutil.copy(segment, device / "video" / f"{number}.mp4")
    serve = started([filmgate, "serve", "--root", folder / "root", "--listen", f"127.0.0.1:{port}"], port)
    times = {"a job": [], "filmgate join": []}
    api = f"http://127.0.0.1:{port}/api/v1"

    def job():
        asked = json.dumps({"delete_sources": False, "overwrite": True, "output": "job.mp4"}).encode()
        request = urllib.request.Request(f"{api}/tasks/t/d/join", asked, {"Content-Type": "application/json"})
        begin = time.monotonic()
        answer = json.load(urllib.request.urlopen(request))
        with urllib.request.urlopen(f"{api}/jobs/{answer['id']}/events") as events:
            events.read()
        times["a job"].append(time.monotonic() - begin)
        state = json.load(urllib.request.urlopen(f"{api}/jobs/{answer['id']}"))
        if state["state"] != "done":
            raise SystemExit(f"bench: {state}")

    def alone():
        begin = time.monotonic()
        # What a job does as well: a receipt, and progress.
        subprocess.run([filmgate, "join", device / "video", "-o", device / "alone.mp4", "--overwrite", "--progress-json",
                        "--receipt", folder / "receipt.json"], stdout=subprocess.DEVNULL, check=True)  # fmt: skip
        times["filmgate join"].append(time.monotonic() - begin)

    try:
        for number in range(rounds):
            say(f"join of {count} segments, round {number + 1} of {rounds}")
            for turn in [job, alone] if number % 2 else [alone, job]:
                turn()
        return times
    finally:
        ended(serve)
        shutil.rmtree(folder / "root")


def row(name, times, reference):
    ratio = statistics.median(b / a for a, b in zip(times[name], times[reference]))
    return f"| {name} | {statistics.median(times[name]):.2f} s | {ratio:.2f} |"


def run(filmgate, clip, folder, document, rounds, count, say):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    before = machine.load()
    sent, memory = uploads(filmgate, folder, rounds, say)
    joined = joins(filmgate, clip, folder, count, rounds, say)
    shutil.rmtree(folder)
    lines = [
        "# Performance of `filmgate serve`",
        "",
        f"Written by `bench/run.py --serve` on {time.strftime('%Y-%m-%d')}: medians of {rounds} rounds in turns, ratios "
        f"taken round by round. {machine.processor()}, {os.cpu_count()} of them; load {before} before, "
        f"{machine.load()} after.",
        "",
        "## Upload of 1 GiB by curl, until it is on the disk",
        "",
        "The time of nginx's dav module contains a sync of the file and its folder, as `serve` does it before its answer. "
        "`serve` also takes the SHA-256.",
        "",
        "| | time | speed beside nginx (goal: 0.8) |",
        "|---|---|---|",
        row("filmgate serve", sent, "nginx"),
        row("nginx", sent, "nginx"),
        "",
        f"Memory of `serve` at most: {memory:.0f} MiB (goal: below 64).",
        "",
        f"## Join of {count} segments",
        "",
        "The sources stay. A job is timed from the request to the end of its events.",
        "",
        "| | time | speed beside `filmgate join` (goal: 0.95) |",
        "|---|---|---|",
        row("a job", joined, "filmgate join"),
        row("filmgate join", joined, "filmgate join"),
        "",
    ]
    document.write_text("\n".join(lines))
    say(f"{document} is written")
