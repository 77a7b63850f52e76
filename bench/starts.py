"""What comes before the first picture: starting the program, loading plugins, the shortest job."""
import shutil
import tempfile
from pathlib import Path

from pipelines import Jobs
from workers import Cost, Series, program, turns


def starting(filmgate, film, folder, rounds, say):
    """Programs from start to end, with compiled plugins in the cache and without."""
    say("starts: programs")
    jobs = Jobs(filmgate, folder)
    cache = Path(tempfile.mkdtemp(dir=folder))
    plain = {
        "filmgate --version": [filmgate, "--version"],
        "filmgate plugin list": [filmgate, "plugin", "list"],
        "filmgate run, one frame": jobs.command("filmgate", film),
        "ffmpeg -version": ["ffmpeg", "-version"],
        "ffmpeg convolution, one frame": jobs.command("ffmpeg convolution", film),
    }
    series = Series()
    program(*plain["filmgate plugin list"])
    for _, who in turns([*plain, "filmgate plugin list, nothing cached"], rounds):
        if who in plain:
            series.add(who, program(*plain[who]))
        else:
            shutil.rmtree(cache, ignore_errors=True)
            series.add(who, program(*plain["filmgate plugin list"], env={"FILMGATE_CACHE_DIR": str(cache)}))
    shutil.rmtree(cache, ignore_errors=True)
    return series


def loading(engine, components, folder, rounds, say):
    """Milliseconds to load each component: compiled, and out of the cache. name → (cold, warm)"""
    say("starts: plugins")
    result = {}
    for component in components:
        cold, warm = Series(), Series()
        for _ in range(rounds):
            cache = tempfile.mkdtemp(dir=folder)
            for series in (cold, warm):
                wall = engine.ask("load", plugin=str(component), cache=cache)["wall"]
                series.add("load", Cost(wall, wall))
            # A thread of the cache may still be writing.
            shutil.rmtree(cache, ignore_errors=True)
        result[component] = (cold.median("load"), warm.median("load"))
    return result
