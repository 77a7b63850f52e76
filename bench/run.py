"""make bench: measures filmgate side by side with its peers and writes docs/performance.md.

Everything is measured in one go, in turns: in each round every contestant has one, begun by
another one each time, and what is compared is compared round by round. Nothing fails for being
slow; the document says which goals are met.
"""
import argparse
import subprocess
import time
from pathlib import Path

import document
import encode
import joins
import locked
import machine
import serving
from catalogue import Catalogue
import watched
from footage import Footage, frames
from kernels import Kernels, boundary
from pipelines import Jobs, large
from splitting import Splits
from starts import loading, starting
from workers import Worker

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "bench"
RELEASE = ROOT / "target" / "release"
PLUGINS = RELEASE / "plugins"

ROUNDS = {"kernels": 9, "catalogue": 3, "boundary": 9, "jobs": 6, "jobs_1080p": 3, "starts": 9, "large": 1, "encode": 5,
          "splits": 3}  # fmt: skip
QUICK = {"kernels": 3, "catalogue": 1, "boundary": 3, "jobs": 2, "jobs_1080p": 1, "starts": 3, "large": 1, "encode": 2,
         "splits": 1}  # fmt: skip


def say(text):
    print(f"bench: {text}", flush=True)


def native(folder):
    """The native loop as a library, with whichever compiler there is."""
    source, out = HERE / "native.c", folder / "native.so"
    if not out.exists() or out.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["cc", "-std=gnu11", "-O3", "-Wall", "-Wextra", "-shared", "-fPIC", source, "-o", out],
                       check=True)  # fmt: skip
    return out


def echo(folder):
    """emboss-c without its loop."""
    c = ROOT / "plugins" / "examples" / "emboss-c"
    sources = [c / "emboss.c", HERE / "echo.c", *c.glob("libc/*.c"), *c.glob("bindings/*.c"),
               *c.glob("bindings/*_component_type.o")]  # fmt: skip
    core, component = folder / "echo.core.wasm", folder / "echo.wasm"
    subprocess.run(["clang", "--target=wasm32-unknown-unknown", "-std=c11", "-O3", "-msimd128", "-ffreestanding",
                    "-nostdlib", "-isystem", c / "libc", "-I", c / "bindings", "-I", c, *sources,
                    "-Wl,--no-entry", "-Wl,--strip-all", "-Wl,--stack-first", "-o", core], check=True)  # fmt: skip
    subprocess.run([RELEASE / "filmgate", "plugin", "pack", core, "-o", component], check=True)
    return component


def measure(rounds, folder):
    say("footage")
    media = Footage(ROOT / "build" / "media" / "bigbuckbunny.mp4", folder)
    films = {size: media.film(size) for size in ("720p", "1080p")}
    peers = Worker(ROOT / "build" / "venv-bench" / "bin" / "python", HERE / "peers.py", native(folder))
    engine = Worker(RELEASE / "filmgate-bench")
    results = {"machine": [*machine.facts(RELEASE / "filmgate", peers)]}
    before = machine.load()

    bench = Kernels(engine, peers, media, PLUGINS, folder)
    bench.check()
    results["kernels"] = bench.measure(rounds["kernels"], say)
    results["boundary"] = boundary(engine, media, PLUGINS, echo(folder), rounds["boundary"], say)
    filters = Catalogue(engine, peers, media, PLUGINS, folder)
    results["catalogue"] = filters.measure(rounds["catalogue"], say)
    results["chain"] = filters.measure_chain(rounds["catalogue"], say)
    peers.close()

    jobs = results["runner"] = Jobs(RELEASE / "filmgate", folder)
    results["jobs"] = {
        "720p": jobs.measure(films["720p"], rounds["jobs"], say, ["filmgate -j 1", "filmgate -j 2"]),
        "1080p": jobs.measure(films["1080p"], rounds["jobs_1080p"], say),
    }
    splits = Splits(RELEASE / "filmgate", ROOT / "build" / "venv-bench" / "bin" / "python", folder)
    results["splits"] = {}
    for size, film in films.items():
        count = frames(film)
        results["splits"][size] = (count, *splits.measure(film, count, rounds["splits"], say))

    results["large"] = large(RELEASE / "filmgate", media.large(), folder, rounds["large"], say)
    results |= encode.measure(RELEASE / "filmgate", media, folder, rounds["encode"], say)
    one = media.one_frame()
    results["starting"] = starting(RELEASE / "filmgate", one, folder, rounds["starts"], say)
    results["locked"] = locked.measure(
        RELEASE / "filmgate", engine, one, films["720p"], folder, rounds["starts"], say)  # fmt: skip
    results["loading"] = loading(engine, sorted(PLUGINS.glob("*.wasm")), folder, rounds["starts"], say)
    engine.close()
    results["watched"] = watched.measure(
        RELEASE / "filmgate", ROOT / "build" / "venv-bench" / "bin" / "python",
        ROOT / "build" / "media" / "bigbuckbunny.mp4", folder, say)  # fmt: skip
    load = f"{before} before, {machine.load()} after"
    results["machine"].append(("load", f"{load} (a job itself brings it to 2 and more)"))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rounds, to try it out")
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "performance.md", metavar="FILE")
    parser.add_argument("--join", action="store_true", help="measure `join` alone: docs/performance-join.md")
    parser.add_argument("--serve", action="store_true", help="measure `serve` alone: docs/performance-serve.md")
    arguments = parser.parse_args()
    if arguments.serve:
        clip, document_of_it = ROOT / "build" / "media" / "bigbuckbunny.mp4", ROOT / "docs" / "performance-serve.md"
        rounds, count = (2, 100) if arguments.quick else (5, 1000)
        return serving.run(RELEASE / "filmgate", clip, ROOT / "build" / "bench" / "serve", document_of_it, rounds, count, say)
    if arguments.join:
        rounds, counts = (2, [100]) if arguments.quick else (5, [100, 1000, 10_000])
        folder = ROOT / "build" / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        return joins.run(RELEASE / "filmgate", folder, ROOT / "docs" / "performance-join.md", rounds, counts, say)
    rounds = QUICK if arguments.quick else ROUNDS
    folder = ROOT / "build" / "bench"
    start = time.monotonic()
    results = measure(rounds, folder)
    results["counts"] = {f"rounds_{name}": count for name, count in rounds.items()}
    results["counts"]["date"] = time.strftime("%Y-%m-%d")
    results["counts"]["minutes"] = f"{(time.monotonic() - start) / 60:.0f}"
    missed = document.write(arguments.document, results)
    say(f"{arguments.document}: {'all goals met' if not missed else f'{missed} goals not met'}")


if __name__ == "__main__":
    main()
