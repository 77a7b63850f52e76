"""Whole jobs: a film in, a film out, by `filmgate run` and by the ffmpeg program, with the same
decoder, the same encoder at the same settings, the sound copied, the index in front."""
from pathlib import Path

import footage
from kernels import convolution
from workers import Series, program, turns

PRESET, CRF = "ultrafast", 23

# Whom to compare, by name; `ffmpeg` filters nothing.
CONTESTANTS = ["filmgate", "ffmpeg convolution", "ffmpeg"]

FEW = 3  # rounds for what is only of interest


class Jobs:
    def __init__(self, filmgate, folder):
        self.filmgate, self.folder = filmgate, folder

    def command(self, who, film):
        out = self.folder / f"out-{who.replace(' ', '-')}.mp4"
        if who.startswith("filmgate"):
            workers = ["-j", who.split("-j")[1].strip()] if "-j" in who else []
            return [self.filmgate, "run", "-q", "-i", film, "-p", "emboss:planes=all", *workers,
                    "--preset", PRESET, "--crf", CRF, "-y", "-o", out]  # fmt: skip
        filter = ["-vf", convolution(3)] if "convolution" in who else []
        return ["ffmpeg", "-nostdin", "-v", "error", "-i", film, *filter, "-c:v", "libx264",
                "-preset", PRESET, "-crf", CRF, "-c:a", "copy", "-movflags", "+faststart", "-y", out]  # fmt: skip

    def measure(self, film, rounds, say, besides=()):
        """A `Series` of jobs on one film; every output must have all of its frames. `besides` the
        contestants, others take part in the first few rounds."""
        say(f"jobs on {film.name}")
        series, wanted = Series(), footage.frames(film)
        for number, who in turns([*CONTESTANTS, *besides], rounds):
            if who in besides and number >= FEW:
                continue
            command = self.command(who, film)
            series.add(who, program(*command))
            if number == 0:
                found = footage.frames(command[-1])
                if found != wanted:
                    raise SystemExit(f"bench: {who}: {found} frames of {wanted}")
        return series


def commands(jobs, film, contestants):
    """The command lines, as a person would type them in the folder of the film."""
    lines = []
    for who in contestants:
        words = [word.name if isinstance(word, Path) else str(word) for word in jobs.command(who, film)]
        lines.append(" ".join(f"'{word}'" if " " in word else word for word in words))
    return lines


def large(filmgate, film, folder, rounds, say):
    """4K at 10 bits through an unsharp mask, for the sake of the memory."""
    say("4K at 10 bits")
    contestants = {
        "filmgate": [filmgate, "run", "-q", "-i", film, "-p", "sharpen:radius=1", "--preset", PRESET,
                     "--crf", CRF, "-y", "-o", folder / "out-large-filmgate.mp4"],
        "ffmpeg": ["ffmpeg", "-nostdin", "-v", "error", "-i", film, "-vf", "unsharp=5:5:1", "-c:v", "libx264",
                   "-preset", PRESET, "-crf", CRF, "-movflags", "+faststart", "-y", folder / "out-large-ffmpeg.mp4"],
    }  # fmt: skip
    series = Series()
    for _, who in turns([*contestants], rounds):
        series.add(who, program(*contestants[who]))
    return series
