"""What safety costs: the sandbox around each verb, and a worker process for each file of `watch`."""
import statistics

from workers import Series, program, turns

# Jobs that do nothing, given to one worker.
JOBS = 200

FILM = "`run -p emboss`, 400 frames of 720p"


def commands(filmgate, one, film, folder):
    """Jobs that do nearly nothing, and one that takes its time."""
    out = folder / "locked"
    return {
        "`frame`": [filmgate, "frame", "-y", "-q", "-i", one, "--at", "0", "-o", f"{out}.png"],
        "`run -p emboss`, one frame": [filmgate, "run", "-y", "-q", "-i", one, "-p", "emboss", "-o", f"{out}.mp4"],
        FILM: [filmgate, "run", "-y", "-q", "-i", film, "-p", "emboss", "--preset", "ultrafast",
               "--max-frames", "400", "-o", f"{out}.mp4"],
    }  # fmt: skip


def measure(filmgate, engine, one, film, folder, rounds, say):
    """{job: series of "off" and "auto"}, and the seconds of jobs through a worker."""
    sandboxes = {}
    for name, command in commands(filmgate, one, film, folder).items():
        say(f"the sandbox: {name}")
        series = sandboxes[name] = Series()
        for _, mode in turns(["off", "auto"], rounds):
            series.add(mode, program(*command, "--sandbox", mode))
    say("a worker")
    told = [engine.ask("jobs", count=JOBS) for _ in range(rounds)]
    first = [answer["first"] for answer in told]
    spare = [statistics.median(answer["spare"]) for answer in told]
    for path in folder.glob("locked.*"):
        path.unlink()
    return {"sandboxes": sandboxes, "worker": {"first": first, "spare": spare}}


HEAD = ["", "CPU ms, `off`", "CPU ms, `auto`", "more", "`auto`, of `off`"]


def more(series):
    """Milliseconds of processor time that a job takes more in the sandbox, round by round."""
    return [(a - b) * 1e3 for a, b in zip(series.values("auto", "cpu"), series.values("off", "cpu"))]


def rows(results):
    for name, series in results["sandboxes"].items():
        off, auto = series.median("off", "cpu"), series.median("auto", "cpu")
        yield [name, f"{off * 1e3:.0f}", f"{auto * 1e3:.0f}", f"{statistics.median(more(series)):.1f}",
               f"{series.ratio('auto', 'off', 'cpu'):.3f}"]  # fmt: skip


def worker_rows(results):
    for name, key in (("no worker waits: one is started", "first"), ("one waits", "spare")):
        yield [name, f"{statistics.median(results['worker'][key]) * 1e3:.2f}"]


def goals(out, results):
    spare = [seconds * 1e3 for seconds in results["worker"]["spare"]]
    out.most("a job through a worker that waits: time, more than in process", 2, spare, " ms")
    first = [seconds * 1e3 for seconds in results["worker"]["first"]]
    out.most("a job for which a worker is started: time, more than in process", 45, first, " ms")
    film = results["sandboxes"][FILM]
    out.most("`run` in the sandbox: processor time, of that without", 1.05, film.ratios("auto", "off", "cpu"))


if __name__ == "__main__":
    import sys
    from pathlib import Path

    from document import Goals, table
    from footage import Footage
    from workers import Worker

    root = Path(__file__).resolve().parent.parent
    release, folder = root / "target/release", root / "build/bench"
    folder = Path(sys.argv[1]) if sys.argv[1:] else folder
    folder.mkdir(parents=True, exist_ok=True)
    media = Footage(root / "build/media/bigbuckbunny.mp4", folder)
    found = measure(release / "filmgate", Worker(release / "filmgate-bench"), media.one_frame(), media.film("720p"),
                    folder, int(sys.argv[2]) if sys.argv[2:] else 9, print)  # fmt: skip
    met = Goals()
    goals(met, found)
    print(met, table(HEAD, rows(found)),
          table(["a job that does nothing", "ms"], worker_rows(found)), sep="\n")  # fmt: skip
