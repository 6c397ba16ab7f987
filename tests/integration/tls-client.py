# SPDX-License-Identifier: ISC
"""A client of tls.sh with Python's own TLS: what needs a connection that stays.

tls-client.py PORT CERTIFICATE ACTION [WORDS]...
"""
import os
import signal
import socket
import ssl
import subprocess
import sys
import time

port, certificate, action, *words = sys.argv[1:]


def context(alpn=("reqd/1",)):
    c = ssl.create_default_context(cafile=certificate)
    if alpn:
        c.set_alpn_protocols(list(alpn))
    return c


def connect(**more):
    s = socket.create_connection(("127.0.0.1", int(port)), timeout=30)
    return context(**more).wrap_socket(s, server_hostname="localhost")


class Client:
    def __init__(self):
        self.s = connect()
        self.file = self.s.makefile("rb")

    def ping(self):
        self.s.sendall(b"*1\r\n$4\r\nPING\r\n")
        line = self.file.readline()
        if line != b"+PONG\r\n":
            sys.exit(f"PING: {line!r}")


def run(*argv):
    r = subprocess.run(argv, capture_output=True, text=True)
    if r.returncode != 0:
        sys.exit(f"{argv}: {r.returncode}: {r.stdout}{r.stderr}")


def keep():
    """A connection stays while a command runs; its answers stay those of this server."""
    c = Client()
    c.ping()
    run(*words)
    for _ in range(100):
        c.ping()


def pipeline():
    """Many requests at once, and their answers, which are more than a socket takes."""
    c = Client()
    n, size = 2000, 1000
    one = b"*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n" % (size, b"x" * size)
    reply = b"$%d\r\n%s\r\n" % (size, b"x" * size)
    left = memoryview(one * n)
    c.s.setblocking(False)
    got = bytearray()
    while left or len(got) < n * len(reply):
        try:
            if left:
                left = left[c.s.send(left):]
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        try:
            got += c.s.recv(1 << 16)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            time.sleep(0.001)
    if bytes(got) != reply * n:
        sys.exit("the answers are not those of the requests")


def half_close():
    """The client says that it sends no more; requests before that are answered."""
    c = Client()
    c.s.sendall(b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n")
    answers = c.file.read()
    if answers != b"+PONG\r\n+OK\r\n":
        sys.exit(f"got {answers!r}")
    # The end came with the word of TLS for it; without that Python raises an error.
    raw = c.s.unwrap()
    if raw.recv(1) != b"":
        sys.exit("bytes behind the end")


def first_end():
    """The client ends first, without QUIT: the server says the word for the end, too."""
    s = socket.create_connection(("127.0.0.1", int(port)), timeout=30)
    # The records are passed by hand: unwrap() of a socket does not miss the word.
    come, go = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context().wrap_bio(come, go, server_hostname="localhost")

    def until_done(f, *args):
        while True:
            try:
                done = f(*args)
                s.sendall(go.read())
                return done
            except ssl.SSLWantReadError:
                s.sendall(go.read())
            data = s.recv(65536)
            if data == b"":
                sys.exit("an end without the word for it")
            come.write(data)

    until_done(tls.do_handshake)
    until_done(tls.write, b"*1\r\n$4\r\nPING\r\n")
    if until_done(tls.read, 100) != b"+PONG\r\n":
        sys.exit("no answer to a PING")
    until_done(tls.unwrap)
    if s.recv(1) != b"":
        sys.exit("bytes behind the end")


def alpn():
    with connect(alpn=("h2", "reqd/1")) as s:
        if s.selected_alpn_protocol() != "reqd/1":
            sys.exit(f"ALPN: {s.selected_alpn_protocol()}")
    with connect(alpn=()) as s:
        if s.selected_alpn_protocol() is not None:
            sys.exit(f"ALPN: {s.selected_alpn_protocol()}")
    try:
        connect(alpn=("h2", "http/1.1"))
    except ssl.SSLError as e:
        if "no application protocol" not in str(e).lower().replace("_", " "):
            sys.exit(f"a browser got {e}")
    else:
        sys.exit("a browser got in")


def abandoned():
    """Handshakes that never go on: the oldest make room, and others are served."""
    idle = [socket.create_connection(("127.0.0.1", int(port))) for _ in range(700)]
    for _ in range(5):
        Client().ping()
    closed = 0
    for s in idle:
        s.setblocking(False)
        try:
            closed += s.recv(1) == b""
        except BlockingIOError:
            pass
        except ConnectionError:
            closed += 1
    if closed < 700 - 2 * 256:
        sys.exit(f"only {closed} of 700 were closed")
    if closed > 700 - 200:
        sys.exit(f"{closed} of 700 were closed")


def crowd():
    """Many handshakes of one source that never go on: those of another one stay."""
    def idle(n, source):
        return [socket.create_connection(("127.0.0.1", int(port)), 30, (source, 0)) for _ in range(n)]

    others = idle(8, words[0])
    crowd = idle(700, "127.0.0.1")
    # Each worker has accepted all of the crowd that it will.
    for _ in range(5):
        Client().ping()
    for s in others:
        s.setblocking(False)
        try:
            s.recv(1)
        except BlockingIOError:
            continue
        sys.exit("the crowd of one source has closed a handshake of another one")
    for s in others + crowd:
        s.close()


def silent():
    """A client that never shakes hands is closed after ten seconds."""
    s = socket.create_connection(("127.0.0.1", int(port)), timeout=60)
    began = time.monotonic()
    if s.recv(1) != b"":
        sys.exit("bytes for a silent client")
    if not 8 < time.monotonic() - began < 40:
        sys.exit(f"closed after {time.monotonic() - began:.1f} s")


def frozen():
    """The process with the keys is stopped: only handshakes fail, and at once."""
    keys = int(words[0])
    c = Client()
    c.ping()
    os.kill(keys, signal.SIGSTOP)
    try:
        failed = 0
        for _ in range(20):
            try:
                Client()
            except (ssl.SSLError, OSError):
                failed += 1
            c.ping()
        if failed != 20:
            sys.exit(f"{20 - failed} handshakes without keys")
        began = time.monotonic()
        c.ping()
        if time.monotonic() - began > 1:
            sys.exit("a connection had to wait")
    finally:
        os.kill(keys, signal.SIGCONT)
    end = time.monotonic() + 30
    while True:
        try:
            Client().ping()
            return
        except (ssl.SSLError, OSError):
            if time.monotonic() > end:
                sys.exit("handshakes go on failing")


def killed():
    """The process with the keys is killed: the handshakes behind that wait and work."""
    c = Client()
    os.kill(int(words[0]), signal.SIGKILL)
    failed = 0
    for _ in range(30):
        c.ping()
        try:
            Client().ping()
        except (ssl.SSLError, OSError):
            failed += 1
    if failed > 2:
        sys.exit(f"{failed} of 30 handshakes failed")


def secret():
    """The private number of the key is in the memory of the keys, and of no other process."""
    text = subprocess.run(["openssl", "pkey", "-in", words[0], "-noout", "-text"],
                          capture_output=True, text=True, check=True).stdout
    number = bytes.fromhex(text.split("priv:")[1].split("pub:")[0].replace(":", "")
                           .replace("\n", "").replace(" ", ""))[-32:]
    Client().ping()
    for pid in words[1:]:
        name = open(f"/proc/{pid}/cmdline").read().split("\0")[0]
        found = False
        with open(f"/proc/{pid}/mem", "rb", 0) as mem:
            for line in open(f"/proc/{pid}/maps"):
                span, rights = line.split()[:2]
                if "r" not in rights or "[v" in line:
                    continue
                start, end = (int(x, 16) for x in span.split("-"))
                try:
                    mem.seek(start)
                    data = mem.read(end - start)
                except (OSError, OverflowError, ValueError):
                    continue
                found = found or number in data or number[::-1] in data
        if found != ("keys" in name):
            sys.exit(f"{name}: {'found' if found else 'not found'}")


globals()[action]()
