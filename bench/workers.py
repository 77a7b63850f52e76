"""Processes to be measured: workers that answer requests, and programs that run to their end."""
import functools
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """What something took: seconds, and the most memory that was resident, in bytes."""

    wall: float
    cpu: float
    memory: int = 0

    def less(self, other):
        return Cost(self.wall - other.wall, self.cpu - other.cpu)

    def each(self, count):
        return Cost(self.wall / count, self.cpu / count, self.memory)


class Worker:
    """A process that answers lines of JSON with lines of JSON."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, do, **request):
        self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"bench: {self.process.args[0]} ended, asked to {do} {request}")
        return json.loads(answer)

    def cost(self, do, **request):
        """What a request takes: the time that the worker reports, the processor time of all its
        threads."""
        before = self.cpu()
        wall = self.ask(do, **request)["wall"]
        return Cost(wall, (self.cpu() - before) if before else wall)

    def cpu(self):
        try:
            # Linux's clock for the processor time of another process (clock_getcpuclockid).
            return time.clock_gettime(~self.process.pid << 3 | 2)
        except OSError:
            return None

    def close(self):
        self.process.stdin.close()
        self.process.wait()


@functools.lru_cache(None)
def launcher():
    return Worker(sys.executable, str(Path(__file__).with_name("launch.py")))


def program(*command, env=None):
    """Runs a program to its end."""
    command = [str(part) for part in command]
    told = launcher().ask("run", command=command, env=env or {})
    if told["status"] != 0:
        raise SystemExit(f"bench: {' '.join(command)}\n{told['errors']}")
    return Cost(told["wall"], told["cpu"], told["memory"])


class Series:
    """The costs of several contestants, round by round."""

    def __init__(self):
        self.costs = {}

    def add(self, who, cost):
        self.costs.setdefault(who, []).append(cost)

    def __contains__(self, who):
        return who in self.costs

    def values(self, who, what="wall"):
        return [getattr(cost, what) for cost in self.costs[who]]

    def median(self, who, what="wall"):
        return statistics.median(self.values(who, what))

    def least(self, who, what="wall"):
        return min(self.values(who, what))

    def ratios(self, who, other, what="wall"):
        """One a round, of costs that were measured one after the other."""
        return [a / b for a, b in zip(self.values(who, what), self.values(other, what))]

    def ratio(self, who, other, what="wall"):
        return statistics.median(self.ratios(who, other, what))


def turns(contestants, rounds):
    """(round, contestant): in each round all of them, begun by another one each time."""
    for number in range(rounds):
        shift = number % len(contestants)
        for who in contestants[shift:] + contestants[:shift]:
            yield number, who
