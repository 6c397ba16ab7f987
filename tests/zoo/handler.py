#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A handler with manners bad in every way that has been thought of.

The second word of a request says what to do; what is not named here is
answered with itself and the number of this process.
"""
import os
import signal
import subprocess
import sys
import time

requests, replies = sys.stdin.buffer, sys.stdout.buffer
leaked = []
served = 0


def send(data):
    replies.write(data)
    replies.flush()


def bulk(data):
    return b"$%d\r\n%s\r\n" % (len(data), data)


def leak():
    leaked.append(bytearray(os.urandom(1 << 20)) * 8)
    send(b"+%d\r\n" % len(leaked))


def seventh():
    if served % 7 == 0:
        sys.exit(1)
    send(b"+%d\r\n" % served)


def sleep():
    time.sleep(1000)


def stray():
    print("starting up ...")
    sys.stdout.flush()
    send(b"+fine\r\n")


def child():
    subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1000; done"],
                     start_new_session=True)
    send(b"+left\r\n")


def twice():
    send(b"+one\r\n+two\r\n")


def later():
    """Right now, and once more when nobody has asked."""
    send(b"+now\r\n")
    time.sleep(0.05)
    send(b"+again\r\n")


def half():
    send(b"$100\r\nabc")
    sys.exit(0)


def deep():
    send(b"*1\r\n" * 9 + b":1\r\n")


def flood():
    send(b"$3000000\r\n" + b"x" * 3000000 + b"\r\n")


def endless():
    while True:
        send(b"+" + b"x" * 65536)


def deaf():
    """Answers, and then reads no more."""
    send(b"+deaf\r\n")
    time.sleep(1000)


def leave():
    """The end of a program that has had enough, in good order."""
    send(b"+bye\r\n")
    sys.exit(0)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def close():
    """Closes its stdout and goes on."""
    os.close(1)
    time.sleep(1000)


def types():
    send(b"%3\r\n+int\r\n:42\r\n+list\r\n*3\r\n#t\r\n,1.5\r\n_\r\n+text\r\n" + bulk(b"a\0b"))


def moved():
    send(b"-MOVED 1 127.0.0.1:1\r\n")


def status():
    send(b"-EXIT 3 not today\r\n")


def complain():
    print("something is odd", file=sys.stderr, flush=True)
    send(b"+told\r\n")


while head := requests.readline():
    words = []
    for _ in range(int(head[1:])):
        size = int(requests.readline()[1:])
        words.append(requests.read(size + 2)[:-2])
    served += 1
    name = words[1].decode() if len(words) > 1 else ""
    act = globals().get(name)
    if words == [b"PING"]:
        send(b"+PONG\r\n")
    elif callable(act) and name not in ("send", "bulk"):
        act()
    else:
        send(b"*2\r\n" + bulk(b" ".join(words[1:])) + b":%d\r\n" % os.getpid())
