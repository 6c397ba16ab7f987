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
c.send("CALL", "--stdin", "eats", b"x" * (MIB - 100))
until("the program runs", lambda: status()["broker"]["running"] == 1)
until("the program has read it", lambda: kept() < MIB // 4)
c.close()
until("nothing runs", lambda: status()["broker"]["running"] == 0)

# Input that a program does not read is, until the caller has its share: then it is refused.
calls = []
for n in range(14):
    c = Client()
    number = c.ask("CALL", "--open", "waits").lstrip(b"+:")
    c.send("INPUT", number, b"x" * (MIB - 100))
    calls.append(c)
until("the input is counted", lambda: kept() > 10 * MIB)
assert kept() <= 12 * MIB + MIB // 4, kept()

# Requests behind a call wait for its reply, also where there is no room left.
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

# A result that can never be kept takes no place of others, and nothing runs twice.
started = status()["broker"]["started"]
tokens = Client(SOCKET)
for name in "abc":
    assert tokens.ask("CALL", "--id=" + name, "small") == b"kept\n"
other = Client()
assert len(other.ask("CALL", "--id=huge", "big")) == 30 * MIB
until("the large one is given up", lambda: status()["broker"]["spent_results"] == 1)
for name in "abc":
    assert tokens.ask("CALL", "--id=" + name, "small") == b"kept\n"
assert other.ask("CALL", "--id=huge", "big").startswith(b"-LOST"), "a result that is not kept"
assert status()["broker"]["started"] == started + 4, status()["broker"]
