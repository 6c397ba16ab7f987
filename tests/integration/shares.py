# SPDX-License-Identifier: ISC
# shares: one caller (TCP from loopback) takes all it can get, while another one (the unix
# socket) is timed. Prints figures; fails where a call of the other one is lost, memory
# passes its limit, or something is not given back.
import json
import os
import selectors
import socket
import subprocess
import sys
import time

port, path, reqctl, control = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
n_twins, n_halves, n_results, n_deaf = map(int, sys.argv[5:9])
MIB = 1 << 20


def request(*words):
    words = [w.encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def status():
    out = subprocess.run([reqctl, "--control", control, "status", "--json"], check=True,
                         stdout=subprocess.PIPE).stdout
    return json.loads(out)


class Other:
    """A caller that wants little: each of its calls must be answered."""

    def __init__(self):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(60)
        self.s.connect(path)

    def ask(self, want, *words):
        began = time.monotonic()
        self.s.sendall(request(*words))
        got = b""
        while not got.endswith(b"\r\n") or got.count(b"\r\n") < want.count(b"\r\n"):
            more = self.s.recv(4096)
            assert more, "the connection of the other caller was closed"
            got += more
        assert got == want, got
        return time.monotonic() - began

    def times(self, seconds, between):
        """p99 of calls and of PINGs, each of which follows a pause of its own."""
        calls, pings = [], []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            between(len(calls))
            calls.append(self.ask(b"$0\r\n\r\n", "CALL", "quick"))
            pings.append(self.ask(b"+PONG\r\n", "PING"))
        calls.sort()
        pings.sort()
        return calls[len(calls) * 99 // 100], pings[len(pings) * 99 // 100]


class Crowd:
    """Many connections of one caller, none of which waits for another."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.all = []
        self.answers = {}

    def add(self, data, reads=True):
        s = socket.socket()
        if not reads:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", port))
        s.setblocking(False)
        self.all.append(s)
        self.selector.register(s, selectors.EVENT_WRITE | (selectors.EVENT_READ if reads else 0),
                               [memoryview(data), reads, b""])

    def note(self, s, data, how):
        self.answers[how] = self.answers.get(how, 0) + 1
        self.selector.unregister(s)

    def turn(self, seconds):
        for key, events in self.selector.select(seconds):
            s, data = key.fileobj, key.data
            try:
                if events & selectors.EVENT_WRITE:
                    data[0] = data[0][s.send(data[0]):]
                    if not data[0]:
                        if not data[1]:
                            self.selector.unregister(s)
                            continue
                        self.selector.modify(s, selectors.EVENT_READ, data)
                if events & selectors.EVENT_READ:
                    got = s.recv(MIB)
                    data[2] = (data[2] + got)[:64]
                    if not got or data[2][:1] == b"-":
                        self.note(s, data, data[2].split(b" ")[0].strip().decode() or "closed")
            except BlockingIOError:
                pass
            except OSError:
                self.note(s, data, "reset")

    def close(self):
        for s in self.all:
            s.close()
        self.selector.close()


def rss(pid):
    """Memory of a process that is its own, in bytes."""
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0


# As shares.sh has made so many results that the first one had to go.
with socket.create_connection(("127.0.0.1", port), 60) as s:
    s.sendall(request("CALL", "--id=kept-1", "big"))
    told = s.recv(4096)
    assert told.startswith(b"-LOST big it has run, and its result is not kept any more"), told

other = Other()
seconds = (10, 10, 30) if n_twins >= 10000 else (2, 3, 5)
quiet = other.times(seconds[0], lambda n: time.sleep(0.005))
before = status()
limit = before["kept_limit"]
workers = [w["pid"] for w in before["workers"]]
base = max(rss(pid) for pid in workers)
peak = {"kept": 0, "rss": 0, "results": 0, "attached": 0}


def look():
    st = status()
    peak["kept"] = max([peak["kept"]] + [w["kept_bytes"] for w in st["workers"]])
    peak["rss"] = max([peak["rss"]] + [rss(pid) for pid in workers])
    peak["attached"] = max(peak["attached"], st["broker"]["attached"])
    peak["results"] = max(peak["results"], st["broker"]["kept_bytes"])
    return st


crowd = Crowd()
half = b"*6\r\n$4\r\nCALL\r\n$5\r\nquick\r\n" + (b"$1000000\r\n" + b"x" * 1000000 + b"\r\n") * 3 + b"$1000000\r\nx"
plan = ([(request("CALL", "--id=r%d" % i, "big"), True) for i in range(n_results)] +
        [(request("CALL", "big"), False)] * n_deaf + [(half, True)] * n_halves +
        [(request("CALL", "--id=one", "slow"), True)] * n_twins)
for i, (data, reads) in enumerate(plan):
    crowd.add(data, reads)
    if i % 50 == 0:
        crowd.turn(0)
    if i % 500 == 499:
        look()



def beside(n):
    for _ in range(5):
        crowd.turn(0.001)
    if n % 20 == 19:
        look()


# The crowd does what it can while the other caller is timed: at first its programs and
# itself take the processors, then it has what it could get.
burst = other.times(seconds[1], beside)
loaded = other.times(seconds[2], beside)
st = look()

print("answers to the crowd: %s" % crowd.answers)
print("over share: broker %d, workers %s" % (st["broker"]["over_share"],
      [w["over_share"] for w in st["workers"]]))
print("attached at most 3072 of 4096: %d; results: %d kept, %.0f MiB, %d given up" % (
      peak["attached"], st["broker"]["kept_results"], peak["results"] / MIB,
      st["broker"]["spent_results"]))
print("a worker kept %.0f MiB at most, limit %.0f MiB; its own memory %.0f MiB, %.0f when quiet" % (
      peak["kept"] / MIB, limit / MIB, peak["rss"] / MIB, base / MIB))
for name, a, b, c in zip(("call", "PING"), quiet, burst, loaded):
    print("p99 of another caller's %s: %.2f ms quiet; %.2f ms while the crowd comes, %.1f times; "
          "%.2f ms when it is there, %.1f times" % (name, a * 1e3, b * 1e3, b / a, c * 1e3, c / a))

slack = 64 * MIB + 64 * 131072
assert peak["kept"] <= limit + slack, "too much is kept"
assert "REQD_SANITIZED" in os.environ or peak["rss"] <= base + limit + 2 * slack, "a worker has too much memory"
assert peak["results"] <= limit, "too many results are kept"
assert 0 < peak["attached"] <= 3072
assert sum(w["over_share"] for w in st["workers"]) > 0, "nothing was refused or rested"

crowd.close()
began = time.monotonic()
while True:
    st = status()
    left = {"kept": sum(w["kept_bytes"] for w in st["workers"]),
            "connections": sum(w["connections"] for w in st["workers"]) - 1,
            "calls": sum(w["running"] for w in st["workers"]),
            "queued": st["broker"]["queued"], "attached": st["broker"]["attached"],
            "running": st["broker"]["running"]}
    if not any(left.values()):
        break
    assert time.monotonic() - began < 100, left
    time.sleep(0.2)
print("all given back %.1f s after the crowd has left" % (time.monotonic() - began))
other.ask(b"$0\r\n\r\n", "CALL", "quick")
