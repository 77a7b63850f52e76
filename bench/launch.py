"""Runs programs to their end and tells what they took: a worker, see workers.py.

A process of its own, and a small one: what is resident in the process that starts a program counts
for the program too, until it is exchanged for it.
"""
import json
import os
import subprocess
import sys
import tempfile
import time


def run(command, env):
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, **env},
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        return {
            "wall": wall,
            "cpu": usage.ru_utime + usage.ru_stime,
            # Bytes on macOS, KiB elsewhere.
            "memory": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            "status": process.returncode,
            "errors": errors.read().decode(errors="replace")[-2000:],
        }


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(run(request["command"], request["env"])), flush=True)
