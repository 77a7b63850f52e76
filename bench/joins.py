"""Segments joined: `filmgate join`, ffmpeg's concat demuxer, mkvmerge's append, and `cat`, which
joins nothing and shows what reading and writing alone takes.

`run.py --join` measures this part alone and writes docs/performance-join.md.
"""
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import machine
from document import Goals, spread, table
from workers import Series, program, turns

SEGMENTS, SECONDS = 200, 6

TEMPLATE = """# Segments joined

{segments} segments of {seconds} s, 720p H.264 at 25 pictures a second with B-frames and 44.1 kHz AAC,
{size:.0f} MB, as a recorder writes that rotates its files. In each of {rounds} rounds every contestant has one
turn, begun by another one each time; files are read from the page cache and written to a disk.
Measured on {date} with `bench/run.py --join`.

{machine}
## Goals

Ratios are taken round by round: median (middle half).

{goals}
## Results

{results}
`filmgate join` hashes and reads back every packet, compares times, and syncs the output and its folder
before it is renamed; `--no-proof` leaves out the hashes and the reading back, nothing else. None of the
others syncs, and `cat`'s output is no film. ffmpeg and mkvmerge leave the surplus sound of every seam
in the file, some 37 ms, which a player that counts samples plays: after {segments} segments such a player is
that much behind.

{growth}
## Where the time goes

{parts}
"""


def segments(folder):
    """Made once; every segment is another picture."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(SEGMENTS):
        out = folder / f"seg{number}.mp4"
        if out.exists():
            continue
        aside = folder / f"aside-{number}.mp4"
        picture = f"testsrc2=s=1280x720:r=25:d={SECONDS},hue=h={number % 360},noise=alls=6:allf=t"
        sound = f"sine=frequency={200 + number}:sample_rate=44100:duration={SECONDS}"
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound,
                        "-c:v", "libx264", "-preset", "superfast", "-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M", "-bf", "2",
                        "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k", "-ac", "2", aside], check=True)  # fmt: skip
        aside.rename(out)
    return [folder / f"seg{number}.mp4" for number in range(SEGMENTS)]


class Joins:
    def __init__(self, filmgate, folder, sources):
        self.filmgate, self.folder, self.sources = filmgate, folder, sources
        self.list = folder / "join-list.txt"
        self.list.write_text("".join(f"file '{path}'\n" for path in sources))
        self.plain = folder / "join-plain.txt"
        self.plain.write_text("".join(f"{path}\n" for path in sources))

    def command(self, who):
        out = self.folder / f"joined-{who.split()[0]}.mp4"
        filmgate = [self.filmgate, "join", "-q", "-y", "--order", "given", "--list", self.plain, "-o", out]
        if who == "filmgate join":
            return filmgate
        if who == "filmgate join --no-proof":
            return [*filmgate, "--no-proof"]
        if who == "ffmpeg concat":
            return ["ffmpeg", "-nostdin", "-v", "error", "-f", "concat", "-safe", "0", "-i", self.list,
                    "-c", "copy", "-y", out]  # fmt: skip
        if who == "mkvmerge append":
            appended = [word for path in self.sources[1:] for word in ("+", path)]
            return ["mkvmerge", "-q", "-o", out.with_suffix(".mkv"), self.sources[0], *appended]
        return ["sh", "-c", 'out=$1; shift; cat "$@" >"$out"', "sh", out, *self.sources]

    def measure(self, rounds, say):
        contestants = ["filmgate join", "filmgate join --no-proof", "ffmpeg concat", "cat"]
        if shutil.which("mkvmerge"):
            contestants.insert(3, "mkvmerge append")
        else:
            say("mkvmerge is not installed (Debian: mkvtoolnix); it is left out")
        series = Series()
        for _, who in turns(contestants, rounds):
            say(who)
            series.add(who, program(*self.command(who)))
        return series


def written(series, size, rounds, growth):
    goals = Goals()
    quick = "filmgate join --no-proof"
    ratio = series.ratios
    goals.least("speed without the proof: times ffmpeg's", 5, ratio("ffmpeg concat", quick, "wall"))
    goals.least("speed with the proof: times ffmpeg's", 3, ratio("ffmpeg concat", "filmgate join", "wall"))
    if "mkvmerge append" in series.costs:
        goals.least("speed without the proof: times mkvmerge's", 1, ratio("mkvmerge append", quick, "wall"))
    goals.most("processor time without the proof", 1.2, [c.cpu for c in series.costs[quick]], " s")
    memory = [c.memory / 2**20 for who in (quick, "filmgate join") for c in series.costs[who]]
    goals.most("memory", 64, memory, " MiB")
    rows = []
    for who, costs in series.costs.items():
        rows.append([f"`{who}`", spread([c.wall for c in costs]), f"{size / 1e6 / statistics.median(c.wall for c in costs):.0f}",
                     spread([c.cpu for c in costs]), f"{max(c.memory for c in costs) / 2**20:.0f}"])  # fmt: skip
    results = table(["", "seconds", "MB/s", "processor seconds", "MiB at most"], rows)
    text = TEMPLATE.format(
        segments=SEGMENTS, seconds=SECONDS, size=size / 1e6, rounds=rounds, date=time.strftime("%Y-%m-%d"),
        machine="", goals=goals, results=results, growth=growth, parts="@parts@",
    )  # fmt: skip
    return text, goals.missed


def growing(joins, counts, say):
    """How time and memory grow with the number of segments, each of one second."""
    rows = []
    source = joins.folder / "one-second.mp4"
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", joins.sources[0], "-t", "1", "-c", "copy", source], check=True)
    for count in counts:
        say(f"{count} segments of a second")
        plain = joins.folder / "join-many.txt"
        plain.write_text(f"{source}\n" * count)
        out = joins.folder / "joined-many.mp4"
        cost = program("sh", "-c", 'ulimit -n 256; exec "$@"', "sh", joins.filmgate, "join", "-q", "-y", "--order",
                       "given", "--list", plain, "-o", out)  # fmt: skip
        rows.append([count, f"{out.stat().st_size / 1e6:.0f}", f"{cost.wall:.2f}", f"{cost.cpu:.2f}", f"{cost.memory / 2**20:.0f}"])
        out.unlink()
    head = ["segments of 1 s, with the proof", "MB", "seconds", "processor seconds", "MiB"]
    return "With at most 256 open files:\n\n" + table(head, rows)


def run(filmgate, folder, document, rounds, counts, say):
    say("segments")
    sources = segments(folder / "segments")
    joins = Joins(filmgate, folder, sources)
    series = joins.measure(rounds, say)
    growth = growing(joins, counts, say)
    size = sum(path.stat().st_size for path in sources)
    text, missed = written(series, size, rounds, growth)
    parts = Path(__file__).with_name("joins-parts.md")
    about = table(["", ""], [("processor", machine.processor()), ("system", machine.system()), ("memory", machine.memory()),
                             ("load", machine.load())], left=2)  # fmt: skip
    text = text.replace("@parts@\n", parts.read_text()).replace("\n\n## Goals", f"\n\n{about}\n## Goals", 1)
    document.write_text(text)
    say(f"{document}: {'all goals met' if not missed else f'{missed} goals not met'}")
