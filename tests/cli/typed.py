"""Types a line and a tab into an interactive shell on a terminal of its own, and prints what the
line has become: typed.py PROGRAM,ARGUMENT,… SETUP LINE"""

import os
import pty
import re
import select
import sys
import time

program, setup, line = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    argv = program.split(",")
    os.execvpe(argv[0], argv, {**os.environ, "TERM": "dumb", "PS1": "> ", "COLUMNS": "400"})
seen = ""


def wait(done, seconds=60):
    """Reads until `done` says so."""
    global seen
    end = time.monotonic() + seconds
    while not done(seen) and time.monotonic() < end:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                seen += os.read(terminal, 65536).decode(errors="replace")
            except OSError:
                return


# A shell that is still starting would lose what is typed.
os.write(terminal, setup.encode() + b"\necho re'ady'\n")
wait(lambda text: "\nready" in text.replace("\r", ""))
time.sleep(0.3)
seen = ""
os.write(terminal, line.encode() + b"\t")
# The candidates come when the program has answered; what follows shows the whole line.
time.sleep(2)
os.write(terminal, b"\x01echo '<\x05>'\n")
wait(lambda text: re.search(r"\n<.*>", text.replace("\r", "")))
found = re.search(r"\n<(.*)>", seen.replace("\r", ""))
print(found.group(1) if found else repr(seen))
os.close(terminal)
