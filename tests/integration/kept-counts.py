#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""kept-counts.py PORT SOCKET CONTROL: takes and gives back kept bytes, and asks status."""
import json
import os
import socket
import sys
import time

PORT, SOCKET, CONTROL = int(sys.argv[1]), sys.argv[2], sys.argv[3]
PATIENCE = float(os.environ.get("REQD_TEST_PATIENCE", "20"))
MIB = 1 << 20


class Client:
    def __init__(self, path=None):
        self.s = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.s.settimeout(PATIENCE)
        self.s.connect(path or ("127.0.0.1", PORT))
        self.f = self.s.makefile("rb")

    def send(self, *words):
        self.s.sendall(encoded(*words))

    def reply(self):
        line = self.f.readline()
        if line[:1] == b"$":
            return self.f.read(int(line[1:]) + 2)[:-2]
        return line.rstrip()

    def ask(self, *words):
        self.send(*words)
        return self.reply()

    def close(self):
        self.f.close()
        self.s.close()


def encoded(*words):
    words = [w if isinstance(w, bytes) else w.encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def status():
    c = Client(CONTROL)
    s = json.loads(c.ask("STATUS"))
    c.close()
    return s


def kept():
    return status()["workers"][0]["kept_bytes"]


def until(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "%s: kept %d" % (what, kept())
        time.sleep(0.02)


# Input that a program has read is not kept any more.
c = Client()
c.send("CALL", "--stdin", "eats", b"x" * (3 * MIB))
until("the input comes", lambda: status()["broker"]["running"] == 1)
until("the program has read it", lambda: kept() < MIB // 4)
c.close()
until("nothing runs", lambda: status()["broker"]["running"] == 0)

# Input that a program does not read is.
calls = []
for _ in range(3):
    c = Client()
    number = c.ask("CALL", "--open", "waits")
    c.send("INPUT", number, b"x" * (3 * MIB))
    calls.append(c)
until("the input is counted", lambda: kept() > 8 * MIB)

# The caller has nearly all of its share. Requests behind a call wait for its reply.
c = Client()
c.send("CALL", "--open", "waits")
calls.append(c)
number = c.reply()
c.send("INPUT", number, b"x" * (2 * MIB + MIB // 2))
c = Client()
c.s.sendall(encoded("CALL", "slow") + encoded("ECHO", b"x" * 500) * 40)
first = c.reply()
assert first in (b"done\n",) or first.startswith(b"-BUSY"), first
if first == b"done\n":
    assert c.reply() == b"x" * 500
c.close()
for c in calls:
    c.close()
until("all is given back", lambda: kept() == 0)

# A result that can never be kept takes no place of others.
tokens = Client(SOCKET)
for name in "abc":
    assert tokens.ask("CALL", "--id=" + name, "small") == b"kept\n"
other = Client()
assert len(other.ask("CALL", "--id=huge", "big")) == 30 * MIB
until("the large one is given up", lambda: status()["broker"]["spent_results"] == 1)
for name in "abc":
    assert tokens.ask("CALL", "--id=" + name, "small") == b"kept\n"
assert other.ask("CALL", "--id=huge", "big").startswith(b"-LOST"), "a result that is not kept"
assert status()["broker"]["started"] == 9, status()["broker"]
