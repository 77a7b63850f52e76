"""docs/performance.md: what was measured, as tables, and which goals it meets."""
import statistics
from pathlib import Path

from catalogue import CHAIN_FORMAT, faster, of_the_sum
import encode
import locked
from kernels import FORMATS, Kernels
import splitting
from pipelines import CONTESTANTS, commands
from footage import SIZES
from watched import CASES

NAMES = {
    "native": "native loop",
    "emboss": "filmgate, emboss (Rust)",
    "emboss-c": "filmgate, emboss-c (C)",
    "opencv": "OpenCV `filter2D`",
    "ffmpeg": "FFmpeg `convolution`",
    "pillow": "Pillow `EMBOSS`",
}

SAMPLE_BYTES = {"gray8": 1, "yuv420p": 1.5, "yuv422p": 2, "yuv444p": 3, "rgb24": 3, "rgba": 4,
                "gray16": 2, "yuv420p10": 3, "yuv422p10": 4, "yuv444p10": 6, "rgb48": 6}  # fmt: skip


def table(head, rows, left=1):
    """A Markdown table; columns from `left` on are flush right."""
    lines = [head, ["---"] * left + ["---:"] * (len(head) - left), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def spread(values, digits=2):
    """`0.76 (0.74–0.79)`: the median, and the middle half of the rounds."""
    if len(values) < 3:
        return f"{statistics.median(values):.{digits}f}"
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


class Goals:
    def __init__(self):
        self.rows = []
        self.missed = 0

    def most(self, what, limit, values, unit=""):
        self.add(what, f"at most {limit:g}{unit}", values, statistics.median(values) <= limit, unit)

    def least(self, what, limit, values, unit=""):
        self.add(what, f"at least {limit:g}{unit}", values, statistics.median(values) >= limit, unit)

    def add(self, what, goal, values, met, unit):
        self.missed += not met
        self.rows.append([what, goal, spread(values) + unit, "met" if met else "**not met**"])

    def __str__(self):
        return table(["", "goal", "measured", ""], self.rows)


def goals(results):
    out = Goals()
    for (size, layout), s in results["kernels"].items():
        case = f"emboss, {size} {layout}"
        out.most(f"{case}: time, of the native loop's", 3, s.ratios("emboss", "native", "cpu"))
        out.least(f"{case}: times faster than OpenCV", 2, s.ratios("opencv", "emboss", "cpu"))
        out.least(f"{case}: times faster than FFmpeg", 10, s.ratios("ffmpeg", "emboss", "cpu"))
    pairs = results["catalogue"]
    out.least("the catalogue's filters that are faster than their counterparts, of all", 0.75,
              [faster(pairs) / len(pairs)])  # fmt: skip
    out.most("a chain of five filters: time, of the five alone", 1.1, of_the_sum(results["chain"]))
    untouched = [value * 1e6 for value in results["boundary"].values("untouched", "cpu")]
    out.most("a frame that passes a plugin untouched", 1, untouched, " µs")
    s = results["jobs"]["720p"]
    ours, theirs, none = CONTESTANTS
    out.most("`run`: processor time, of `ffmpeg` with `convolution`", 0.85, s.ratios(ours, theirs, "cpu"))
    out.most("`run`: wall time, of `ffmpeg` with `convolution`", 0.85, s.ratios(ours, theirs))
    out.most("`run`: processor time, of `ffmpeg` without any filter", 1.08, s.ratios(ours, none, "cpu"))
    more = [(a - b) / 2**20 for a, b in zip(s.values(ours, "memory"), s.values(theirs, "memory"))]
    out.most("`run`: memory, more than `ffmpeg` with `convolution`", 64, more, " MiB")
    for size, (_, series, _) in results["splits"].items():
        splitting.goals(out, size, series)
    s = results["starting"]
    ratios = s.ratios("filmgate run, one frame", "ffmpeg convolution, one frame")
    out.most("`run` of one frame: wall time, of `ffmpeg` with `convolution`", 1.5, ratios)
    out.most("`plugin list`: wall time", 50, [wall * 1e3 for wall in s.values("filmgate plugin list")], " ms")
    locked.goals(out, results["locked"])
    s = results["large"]
    more = [(a - b) / 2**20 for a, b in zip(s.values("filmgate", "memory"), s.values("ffmpeg", "memory"))]
    out.most("`run` of 4K at 10 bits: memory, more than `ffmpeg` with `unsharp`", 256, more, " MiB")
    encode.goals(out, results)
    for case in CASES:
        ours, script = (results["watched"][case, who] for who in ("filmgate watch", "script"))
        at = f"`watch`, {case} at {CASES[case][1]} a second"
        out.most(f"{at}: 99 % published within", 50, [ours["p99"]], " ms")
        out.most(f"{at}: files that wait at the end", 2, [ours["behind"]])
        out.most(f"{at}: processor time a picture, of the script's", 1 / 3, [ours["cpu_ms"] / script["cpu_ms"]])
    return out


def catalogue(results):
    rows = []
    for pair, s in results["catalogue"].items():
        ours = pair.ours.replace("{folder}/", "")
        rows.append([f"`{ours}`", pair.format, pair.theirs if pair.by_opencv else f"FFmpeg `{pair.theirs}`",
                     f"{s.median('filmgate', 'cpu') * 1e3:.3f}", f"{max(s.median('peer', 'cpu'), 0) * 1e3:.3f}",
                     spread(s.ratios("peer", "filmgate", "cpu"))])  # fmt: skip
    head = ["filter", "720p", "counterpart", "CPU ms", "its CPU ms", "times faster"]
    return table(head, rows, left=3)


def chain(results):
    s = results["chain"]
    rows = [[f"`{name.removeprefix('link ')}`" if name != "chain" else "one behind the other",
             f"{s.median(name, 'cpu') * 1e3:.3f}"] for name in s.costs]  # fmt: skip
    return table([f"720p {CHAIN_FORMAT}", "CPU ms"], sorted(rows, key=lambda row: row[0] == "one behind the other"))


def large(results):
    s = results["large"]
    rows = [[who, f"{s.median(who):.1f}", f"{s.median(who, 'cpu'):.1f}", f"{s.median(who, 'memory') / 2**20:.0f}"]
            for who in s.costs]  # fmt: skip
    return table(["3840x2160, yuv420p10", "wall s", "CPU s", "MiB"], rows)


def kernels(results):
    parts = []
    for (size, layout), s in results["kernels"].items():
        rows = [
            [NAMES[who], f"{s.median(who) * 1e3:.3f}", f"{s.least(who) * 1e3:.3f}",
             f"{s.median(who, 'cpu') * 1e3:.3f}", spread(s.ratios(who, "native", "cpu")),
             spread(s.ratios(who, "emboss", "cpu"))]
            for who in Kernels.CONTESTANTS
        ]  # fmt: skip
        head = [f"{size} {layout}", "ms a frame", "least", "CPU ms", "CPU, of native", "CPU, of filmgate"]
        parts.append(table(head, rows))
    return "\n".join(parts)


def boundary(results):
    s = results["boundary"]
    width, height = SIZES["720p"]
    rows = []
    for format in FORMATS:
        size = width * height * SAMPLE_BYTES[format]
        median = s.median(format)
        rows.append([format, f"{size / 1e6:.2f}", f"{median * 1e6:.0f}", f"{s.least(format) * 1e6:.0f}",
                     f"{2 * size / median / 1e9:.1f}"])  # fmt: skip
    return table(["720p", "MB a frame", "µs a frame", "least", "GB/s, in and out"], rows)


def jobs(results, size):
    s = results["jobs"][size]
    ours = [who for who in s.costs if who.startswith("filmgate")]
    rows = []
    for who in [*ours, *CONTESTANTS[1:]]:
        name = who.replace("convolution", "`convolution`")
        rows.append([name, f"{s.median(who):.2f}", f"{s.median(who, 'cpu'):.2f}",
                     f"{s.median(who, 'memory') / 2**20:.0f}",
                     spread(s.ratios(who, CONTESTANTS[1])), spread(s.ratios(who, CONTESTANTS[1], "cpu")),
                     spread(s.ratios(who, CONTESTANTS[2], "cpu"))])  # fmt: skip
    head = [size, "wall s", "CPU s", "MiB", "wall, of convolution", "CPU, of convolution", "CPU, of no filter"]
    return table(head, rows)


def splits(results):
    parts = []
    for size, (count, series, sizes) in results["splits"].items():
        head = [size, "pictures a CPU second", "CPU ms a picture", "size", "CPU, of filmgate"]
        parts.append(table(head, splitting.rows(series, sizes, count)))
    return "\n".join(parts)


def starts(results):
    s = results["starting"]
    rows = [[f"`{who}`", f"{s.median(who) * 1e3:.0f}", f"{s.least(who) * 1e3:.0f}",
             f"{s.median(who, 'cpu') * 1e3:.0f}", f"{s.median(who, 'memory') / 2**20:.0f}"]
            for who in s.costs]  # fmt: skip
    return table(["from start to end", "ms", "least", "CPU ms", "MiB"], rows)


def components(results):
    rows = [[path.stem, f"{path.stat().st_size / 1e3:.0f}", f"{cold * 1e3:.0f}", f"{warm * 1e3:.1f}"]
            for path, (cold, warm) in results["loading"].items()]  # fmt: skip
    return table(["plugin", "kB", "ms to load, compiling", "ms to load, from the cache"], rows)


def watching(results):
    rows = [[f"{case} at {CASES[case][1]} a second", who, f"{r['p50']:.0f}", f"{r['p99']:.0f}", f"{r['most']:.0f}",
             r["behind"], f"{r['cpu_ms']:.1f}"] for (case, who), r in results["watched"].items()]  # fmt: skip
    head = ["", "", "ms to published, median", "99 %", "most", "waiting at the end", "CPU ms a picture"]
    return table(head, rows, left=2)


def write(path, results):
    """Writes the document; how many goals were missed."""
    template = (Path(__file__).parent / "performance.md.in").read_text()
    met = goals(results)
    shown = commands(results["runner"], Path("film-720p.mp4"), CONTESTANTS)
    fields = {
        "goals": met,
        "machine": table(["", ""], results["machine"], left=2),
        "kernels": kernels(results),
        "boundary": boundary(results),
        "catalogue": catalogue(results),
        "chain": chain(results),
        "large": large(results),
        "jobs": jobs(results, "720p"),
        "jobs_1080p": jobs(results, "1080p"),
        "splits": splits(results),
        "commands": "\n".join(shown),
        "encode": table(encode.HEAD, encode.rows(results), left=2),
        "starts": starts(results),
        "components": components(results),
        "watching": watching(results),
        "sandbox": table(locked.HEAD, locked.rows(results["locked"])),
        "worker": table(["a job that does nothing", "ms"], locked.worker_rows(results["locked"])),
        **results["counts"],
    }
    for name, text in fields.items():
        template = template.replace(f"@{name}@", str(text).rstrip("\n"))
    path.write_text(template)
    return met.missed
