"""Where and with what the figures were measured."""
import os
import platform
import re
import subprocess
from pathlib import Path


def first_line(*command):
    try:
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return text.splitlines()[0].strip()


def processor():
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        return first_line("sysctl", "-n", "machdep.cpu.brand_string")
    return found[1] if found else platform.machine()


def caches():
    """`L2 2 MiB, L3 260 MiB`, of the first processor."""
    sizes = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, size = (index / "level").read_text().strip(), (index / "size").read_text().strip()
        if level > "1":
            sizes.append(f"L{level} {int(size.rstrip('K')) / 1024:g} MiB")
    return ", ".join(sizes)


def memory():
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"


def system():
    try:
        found = re.search(r'^PRETTY_NAME="?([^"\n]+)', Path("/etc/os-release").read_text(), re.M)
    except OSError:
        found = None
    return found[1] if found else platform.system()


def load():
    return f"{os.getloadavg()[0]:.2f}"


def x264():
    """Its build number, which is the name of the library."""
    found = re.search(r"libx264\.so\.(\d+)", first_line("sh", "-c", "ldconfig -p | grep libx264"))
    return f"build {found[1]}" if found else "unknown"


def facts(filmgate, peers):
    """(what, which) pairs."""
    versions = peers.ask("versions")
    yield "processor", f"{processor()}, {os.cpu_count()} of them, {caches()}"
    yield "memory", memory()
    yield "system", f"{system()}, kernel {platform.release()}"
    yield "filmgate", first_line(filmgate, "--version").removeprefix("filmgate ") + ", " + first_line(
        "git", "log", "-1", "--format=commit %h")  # fmt: skip
    yield "Rust", first_line("rustc", "--version").removeprefix("rustc ")
    yield "clang", first_line("clang", "--version")
    yield "FFmpeg", first_line("ffmpeg", "-version").removeprefix("ffmpeg version ").split(" ")[0]
    yield "x264", x264()
    yield "OpenCV", versions["opencv"]
    yield "Pillow", versions["pillow"]
    yield "native loop", versions["native"]
