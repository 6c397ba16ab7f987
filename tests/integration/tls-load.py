# SPDX-License-Identifier: ISC
"""tls-load.py STEP PORT WORKER...: the clients of tls-load.sh."""
import os
import resource
import socket
import ssl
import subprocess
import sys
import threading
import time

PORT, WORKERS = int(sys.argv[2]), [int(w) for w in sys.argv[3:]]
FULL = os.environ.get("REQD_TLS_LOAD") == "full"
SLACK = float(os.environ.get("REQD_FAULT_SLACK", "20"))
ADDRESS = ("127.0.0.1", PORT)
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE


def hello():
    """The bytes of a ClientHello."""
    out = ssl.MemoryBIO()
    try:
        CONTEXT.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def connect():
    return CONTEXT.wrap_socket(socket.create_connection(ADDRESS, 60))


def ask(s):
    s.sendall(b"PING\r\n")
    got = b""
    while len(got) < 7:
        part = s.recv(7 - len(got))
        if not part:
            sys.exit("the good client was closed")
        got += part
    if got != b"+PONG\r\n":
        sys.exit("got %r" % got)


def memory():
    """Resident memory of all workers, without files, in bytes."""
    total = 0
    for pid in WORKERS:
        with open("/proc/%d/status" % pid) as f:
            total += sum(int(line.split()[1]) for line in f if line.startswith("RssAnon"))
    return total << 10


class Good(threading.Thread):
    """A client that asks all the time; the latest of 1000 answers is its figure."""

    def __init__(self):
        super().__init__(daemon=True)
        self.s = connect()
        self.times, self.stop, self.failure = [], False, None

    def run(self):
        try:
            while not self.stop:
                begin = time.monotonic()
                ask(self.s)
                self.times.append(time.monotonic() - begin)
                time.sleep(0.001)
        except (SystemExit, OSError) as error:
            self.failure = error

    def result(self):
        self.stop = True
        self.join()
        self.s.close()
        if self.failure is not None:
            sys.exit("the good client: %s" % self.failure)
        self.times.sort()
        return self.times[max(0, len(self.times) * 999 // 1000 - 1)] * 1000


def beside(attack):
    """The p99.9 of a good client, in ms: quiet, and beside the attack; then new clients get in."""
    quiet = Good()
    quiet.start()
    time.sleep(1)
    quiet = quiet.result()
    good, before = Good(), memory()
    good.start()
    what = attack()
    most = memory() - before
    busy = good.result()
    begin = time.monotonic()
    s = connect()
    ask(s)
    s.close()
    late = time.monotonic() - begin
    print("  %s: p99.9 %.1f ms, quiet %.1f ms; memory +%d KiB; then a new client in %.0f ms" %
          (what, busy, quiet, most >> 10, late * 1000))
    if busy > 10 * SLACK or late > 2 * max(1, SLACK / 10):
        sys.exit("the good client was held up")
    if most > 64 << 20:
        sys.exit("too much memory")


def idle():
    n, have, before = 5000 if FULL else 500, [], memory()
    for _ in range(n):
        have.append(connect())
        ask(have[-1])
    each = (memory() - before) / n
    print("  %d idle connections: %.1f KiB each" % (n, each / 1024))
    for s in have:
        s.close()
    if each > 32 << 10:
        sys.exit("more than 32 KiB each")


def headers():
    """Each announces 16 KiB and sends a byte; 256 of a worker are kept."""
    n = 10000 if FULL else 1000

    def attack():
        have = []
        for _ in range(n):
            have.append(socket.create_connection(ADDRESS, 60))
            have[-1].sendall(b"\x16\x03\x01\x40\x00\x01")
        for s in have:
            s.close()
        return "%d headers that announce 16 KiB" % n
    beside(attack)


def abandoned():
    n, bytes_of_hello = 10000 if FULL else 500, hello()

    def attack():
        for _ in range(n):
            with socket.create_connection(ADDRESS, 60) as s:
                s.sendall(bytes_of_hello)
                s.recv(1)
        return "%d abandoned handshakes" % n
    beside(attack)


RUSH = 500


def rush():
    """Another process, that of the clients who come at once: RUSH handshakes for each line of
    standard input. The ClientHellos are made before."""
    for _ in sys.stdin:
        have = []
        for _ in range(RUSH):
            s = socket.create_connection(ADDRESS, 60)
            inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
            have.append((s, CONTEXT.wrap_bio(inside, outside), inside, outside))
            try:
                have[-1][1].do_handshake()
            except ssl.SSLWantReadError:
                pass
        print("ready", flush=True)
        sys.stdin.readline()
        for s, _, _, outside in have:
            s.sendall(outside.read())
        failed = 0
        for s, tls, inside, outside in have:
            try:
                inside.write(s.recv(16384))
                tls.do_handshake()
                s.sendall(outside.read())
            except (ssl.SSLError, OSError):
                failed += 1
        print("done %d" % failed, flush=True)
        for one in have:
            one[0].close()


def crowd():
    """RUSH clients begin a handshake at once; those who are there notice little."""
    rounds, times, quiet, failed, took = 20 if FULL else 4, [], [], 0, []
    with subprocess.Popen([sys.executable, __file__, "rush", str(PORT)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, bufsize=1) as other:
        good = Good()
        good.start()
        for _ in range(rounds):
            other.stdin.write("prepare\n")
            if other.stdout.readline() != "ready\n":
                sys.exit("no clients")
            begin = len(good.times)
            time.sleep(0.5)
            quiet += good.times[begin:]
            begin, since = len(good.times), time.monotonic()
            other.stdin.write("go\n")
            failed += int(other.stdout.readline().split()[1])
            took.append(time.monotonic() - since)
            times += good.times[begin:]
        other.stdin.close()
        good.result()
    late = [sorted(t)[max(0, len(t) * 999 // 1000 - 1)] * 1000 for t in (times, quiet)]
    print("  %d times %d handshakes at once, in %.0f ms, %d failed; p99.9 %.1f ms of %d, quiet %.1f ms" %
          (rounds, RUSH, 1000 * max(took), failed, late[0], len(times), late[1]))
    # Clients and workers share the processors here.
    if late[0] > (10 if SLACK <= 1 else 30 * SLACK):
        sys.exit("those who are there were held up")
    # On a busy machine a worker may wait in vain for a signature, and says no to some.
    if failed > (0 if SLACK <= 1 else rounds * RUSH // 2):
        sys.exit("handshakes failed")


def bytewise():
    n, bytes_of_hello = 100, hello()

    def attack():
        have = [socket.create_connection(ADDRESS, 60) for _ in range(n)]
        for s in have:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in bytes_of_hello:
            for s in have:
                s.sendall(bytes([byte]))
        for s in have:
            if s.recv(1) != b"\x16":
                sys.exit("a ClientHello byte by byte was refused")
            s.close()
        return "%d ClientHellos of %d bytes, byte by byte" % (n, len(bytes_of_hello))
    beside(attack)


def updates():
    """Each K of the client of OpenSSL changes the keys and asks for new ones of the server."""
    n = 20000 if FULL else 2000

    def attack():
        subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % PORT], check=False,
                       input=b"K\n" * n, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=120)
        return "%d KeyUpdates" % n
    beside(attack)


globals()[sys.argv[1]]()
