#!/usr/bin/env python3
"""A worker that does to its parent whatever the job says: media-worker PARENT MODE."""
import ctypes, json, os, resource, signal, socket, sys, time

ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
mode = sys.argv[3] if len(sys.argv) > 3 else ""
if mode == "exits":
    sys.exit(7)
link = socket.socket(fileno=0)


def say(kind, value):
    link.send(json.dumps({kind: value}).encode())


def die(number):
    signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
    os.kill(os.getpid(), number)
    time.sleep(60)


while True:
    message = link.recv(1 << 16)
    if not message:
        break
    job = json.loads(message)["job"]
    if job == "deaf":
        time.sleep(600)
    say("stage", "the\x1b[31m test decoder" if job == "garbage" else "the test decoder")
    if job == "segv":
        die(signal.SIGSEGV)
    elif job == "abrt":
        die(signal.SIGABRT)
    elif job == "sys":
        die(signal.SIGSYS)
    elif job == "kill":
        die(signal.SIGKILL)
    elif job == "cpu":
        resource.setrlimit(resource.RLIMIT_CPU, (1, 2))
        while True:
            pass
    elif job == "loop":
        while True:
            pass
    elif job == "memory":
        held = []
        while True:
            held.append(b"x" * (16 << 20))
            time.sleep(0.01)
    elif job == "garbage":
        link.send(b"\x00\xff not a message")
        time.sleep(600)
    elif job == "flood":
        while True:
            say("stage", "x" * 60000)
    elif job == "closed":
        os.close(0)
        time.sleep(600)
    elif job == "unread":
        # It asks and asks, and reads no answer.
        while True:
            say("ask", None)
    elif job == "ask":
        say("ask", 20)
        answer = json.loads(link.recv(1 << 16))["answer"]
        say("done", answer + 1)
    else:
        say("done", job)
