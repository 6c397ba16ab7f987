# SPDX-License-Identifier: ISC
"""limits.py STEP ARG...: the clients of limits.sh."""
import importlib.util
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location("tokens", os.path.join(here, "login-tokens.py"))
tokens = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tokens)

PATIENCE = 20 * float(os.environ.get("REQD_TEST_PATIENCE", "1"))
FULL = "-ERR max number of clients reached"


def check(got, wanted):
    if got != wanted:
        sys.exit("got %r, wanted %r" % (got, wanted))


def fits(got, wanted):
    if not re.fullmatch(wanted, str(got)):
        sys.exit("got %r, wanted %r" % (got, wanted))


def until(fn, tell=lambda: ""):
    end = time.monotonic() + PATIENCE
    while not fn():
        if time.monotonic() > end:
            sys.exit("waited in vain: " + tell())
        time.sleep(0.02)


def login(port, path):
    with open(path) as f:
        secret = f.read().strip()
    c = tokens.Client(("127.0.0.1", int(port)))
    check(c.ask("AUTH", secret), "+OK")
    return c


def worker_of(c):
    return c.ask("CLIENT", "ID") >> 40


def logged_in(port, path, n):
    """So many connections, of all three workers."""
    have = [login(port, path) for _ in range(n)]
    while len({worker_of(c) for c in have}) < 3:
        have.append(login(port, path))
        if len(have) > 500:
            sys.exit("only some workers take connections")
    return have


def explained(have, n):
    """An explanation is no call; it tells the limits."""
    for i in range(n):
        told = str(have[i % len(have)].ask("CALL", "--explain", "ping"))
        if told.startswith("-") or "Limits: 5/h by role 'hourly'." not in told:
            sys.exit("got %r" % told)


def rate(port, hourly, plain):
    """Five calls, whichever workers are asked; the sixth is told when to come again."""
    have = logged_in(port, hourly, 6)
    others = [login(port, plain) for _ in range(3)]
    explained(have, 7)
    got = [have[i % len(have)].ask("CALL", "ping") for i in range(5)]
    check(got, [""] * 5)
    for c in have:
        fits(c.ask("CALL", "ping"), r"-BUSY ping you have begun as many calls as the role 'hourly' "
             r"allows, 5/h: try again in [0-9]+(s|m|h)")
    for c in others:
        check(c.ask("CALL", "ping"), "")
    # A request that runs no program is no call.
    check(have[0].ask("PING"), "+PONG")
    check(type(have[0].ask("SERVICES")), list)
    fits(have[0].ask("CALL", "open"), r"-BUSY open you have begun .*")
    explained(have, 1)


def more(port, hourly):
    """The rate has become 9: four more."""
    c = login(port, hourly)
    check([c.ask("CALL", "ping") for _ in range(4)], [""] * 4)
    fits(c.ask("CALL", "ping"), "-BUSY ping you have begun as many .* 9/h: .*")


def again(port, second):
    have = logged_in(port, second, 3)
    got = []

    def is_refused():
        got.append(have[len(got) % len(have)].ask("CALL", "ping"))
        return got[-1] != ""
    until(is_refused)
    fits(got[-1], r"-BUSY ping .* 2/s: try again in ([0-9]+ms|1s)")
    until(lambda: have[0].ask("CALL", "ping") == "")


def calls(port, two):
    """Two calls at a time, on whichever workers; a third one when one has ended."""
    have = logged_in(port, two, 6)
    for c in have[:2]:
        c.send("CALL", "hold")
    held = os.path.join(os.path.dirname(two), "held")
    until(lambda: os.path.getsize(held) == 4)
    for c in have[2:]:
        check(c.ask("CALL", "ping"), "-BUSY ping you have as many calls as the role 'two' allows, "
              "2 at a time: try again when one has ended")
    have[0].close()
    until(lambda: have[2].ask("CALL", "ping") == "")
    # A call that ended counts no more, and its own end is no refusal of the next one.
    check([have[3].ask("CALL", "ping") for _ in range(20)], [""] * 20)
    have[1].close()


def is_over(c):
    return c is None or str(c).startswith("-BUSY")


def connections(port, three, plain):
    """Three connections; a fourth one is told so and closed, and counts no more."""
    have = [login(port, three) for _ in range(3)]
    with open(three) as f:
        secret = f.read().strip()
    for _ in range(6):
        c = tokens.Client(("127.0.0.1", int(port)))
        check(c.ask("AUTH", secret), "+OK")
        check(c.receive(), "-BUSY you have as many connections as the role 'three' allows, 3: close one")
        check(c.receive(), None)
        c.close()
    check([c.ask("CALL", "ping") for c in have], [""] * 3)
    # Somebody else has no such limit, and who becomes somebody else gives room.
    others = [login(port, plain) for _ in range(6)]
    check([c.ask("CALL", "ping") for c in others], [""] * 6)
    check(have[0].ask("RESET"), "+RESET")

    def fits_in():
        c = tokens.Client(("127.0.0.1", int(port)))
        check(c.ask("AUTH", secret), "+OK")
        ok = c.ask("CALL", "ping") == ""
        c.close()
        return ok
    until(fits_in)
    for c in have + others:
        c.close()


def come_with_request(port, web, secret):
    """A login and a call in one write, by RESP and by HTTP: the client is told, once."""
    c = tokens.Client(("127.0.0.1", int(port)))
    c.s.sendall(b"AUTH %s\r\nCALL trace\r\nCALL trace\r\n" % secret)
    check(c.receive(), "+OK")
    check(c.receive(), "-BUSY you have as many connections as the role 'three' allows, 3: close one")
    check(c.receive(), None)
    c.close()
    got = post(web, secret, 2)
    fits(got.split(b"\r\n")[0].decode(), "HTTP/1.1 503 .*")
    check((got.count(b"HTTP/1.1 "), b"\r\nReqd-Ran: no\r\n" in got), (1, True))


def password_is_late(port, password):
    """The password is looked at by another process, while the call waits behind it."""
    with open(password, "rb") as f:
        secret = f.read().strip()
    c = tokens.Client(("127.0.0.1", int(port)))
    c.s.sendall(b"AUTH three '%s'\r\nCALL trace\r\n" % secret)
    check(c.receive(), "+OK")
    fits(c.receive(), "-BUSY you have as many connections .*")
    check(c.receive(), None)
    c.close()


def come_with_handshake(keyed, identity):
    """The last words of the handshake and a call in one write."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["reqd/1"])
    context.load_cert_chain(identity)
    comes, goes, got = ssl.MemoryBIO(), ssl.MemoryBIO(), b""
    tls = context.wrap_bio(comes, goes)
    s = socket.create_connection(("127.0.0.1", int(keyed)), timeout=PATIENCE)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            s.sendall(goes.read())
            comes.write(s.recv(65536))
    tls.write(b"CALL trace\r\nCALL trace\r\n")
    s.sendall(goes.read())
    while True:
        try:
            more = tls.read(65536)
            if not more:
                break
            got += more
        except ssl.SSLZeroReturnError:
            break
        except ssl.SSLWantReadError:
            data = s.recv(65536)
            if data:
                comes.write(data)
            else:
                comes.write_eof()
    s.close()
    fits(got.decode(), "-BUSY you have as many connections .*\r\n")


def post(web, secret, n):
    """All that comes for n requests on one connection."""
    c = tokens.Client(("127.0.0.1", int(web)))
    c.s.sendall(b"".join(b"POST /call/trace HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nAuthorization: Bearer %s\r\n"
                         b"Connection: %s\r\n\r\n" % (web.encode(), secret, b"close" if i == n - 1 else b"keep-alive")
                         for i in range(n)))
    return end_of(c)


def nothing_runs(port, web, keyed, three, traced):
    """A request that came with one login too many does not run."""
    with open(three, "rb") as f:
        secret = f.read().strip()
    have = [login(port, three) for _ in range(3)]
    for _ in range(6):
        come_with_request(port, web, secret)
        come_with_handshake(keyed, os.path.dirname(three) + "/home/.config/reqctl/id.pem")
    password_is_late(port, three.replace(".token", ".password"))
    check(os.path.getsize(traced), 0)
    have[0].close()
    until(lambda: post(web, secret, 2).count(b"HTTP/1.1 200 ") == 2)
    check(os.path.getsize(traced), 4)
    for c in have:
        c.close()


def revoke(port, leaver, plain, logins, *reqctl):
    """In the queue, as a twin, or for a handler: what waits ends; what runs goes on."""
    here = os.path.dirname(logins)

    def command(*words):
        return subprocess.run(reqctl + words, check=True, capture_output=True, text=True).stdout

    def waiting():
        calls = json.loads(command("--json", "ps"))
        return sum(c["state"] != "running" for c in calls)
    keeper, runs, twin, queued, slow = [login(port, path) for path in (plain,) + (leaver,) * 4]
    stays = login(port, plain)
    keeper.send("CALL", "slow")
    runs.send("CALL", "--id=t", "narrow")
    until(lambda: os.path.getsize(here + "/narrow") == 2, lambda: command("ps"))
    twin.send("CALL", "--id=t", "narrow")
    queued.send("CALL", "narrow")
    slow.send("CALL", "slow")
    stays.send("CALL", "narrow")
    until(lambda: waiting() == 4, lambda: command("--json", "ps"))
    with open(logins) as f:
        lines = f.readlines()
    with open(logins + ".new", "w") as f:
        os.chmod(logins + ".new", 0o600)
        f.writelines(line for line in lines if not line.startswith("leaver:"))
    os.rename(logins + ".new", logins)
    command("reload")
    until(lambda: waiting() == 1)
    for c in (twin, queued, slow):
        check(c.receive(), "-NOAUTH Authentication required: the login has gone while the call waited")
        check(c.ask("CALL", "ping"), "-NOAUTH Authentication required.")
    check(os.path.getsize(here + "/narrow"), 2)
    running = [c["id"] for c in json.loads(command("--json", "ps"))
               if c["caller"] == "login:leaver"]
    check(len(running), 1)
    command("kill", running[0])
    fits(runs.receive(), "-CANCELLED by an administrator")
    until(lambda: os.path.getsize(here + "/narrow") == 4)
    for c in (keeper, runs, twin, queued, slow, stays):
        c.close()


def strangers(port):
    """Four connections of a source without a role; a source with one may have nine."""
    address = ("127.0.0.1", int(port))

    def come(source, n):
        c = tokens.Client(address)
        c.s.sendall(b"PROXY TCP4 %s 198.51.100.1 %d 7373\r\n" % (source.encode(), n))
        c.send("PING")
        return c
    have = [come("198.51.100.7", n) for n in range(1, 5)]
    check([c.receive() for c in have], ["+PONG"] * 4)
    for n in range(5, 11):
        c = come("198.51.100.7", n)
        check(c.receive(), FULL)
        c.close()
    known = [come("203.0.113.7", n) for n in range(1, 10)]
    check([c.receive() for c in known], ["+PONG"] * 9)
    check(come("203.0.113.7", 10).receive(), FULL)
    check(come("198.51.100.8", 1).receive(), "+PONG")
    have[0].close()
    until(lambda: come("198.51.100.7", 11).receive() == "+PONG")
    # The proxy itself is no stranger.
    for _ in range(12):
        c = tokens.Client(address)
        c.s.sendall(b"PROXY UNKNOWN\r\n")
        check(c.ask("PING"), "+PONG")
    for c in have + known:
        c.close()


def end_of(c):
    """All until the end of a connection, which a reset may be."""
    try:
        return c.f.read()
    except ConnectionResetError:
        return b""
    finally:
        c.close()


def handshakes(port, source="198.51.100.9"):
    """Two a second and those of five seconds at once, whichever workers are asked."""
    address = ("127.0.0.1", int(port))

    def come(source):
        c = tokens.Client(address)
        c.s.sendall(b"PROXY TCP4 %s 198.51.100.1 4242 7373\r\nPING\r\n" % source)
        return end_of(c).startswith(b"-ERR this port speaks TLS")
    got = []
    # The border of two spans may lie in between, so twice as many can be let in.
    while len(got) < 21 and (not got or got[-1]):
        got.append(come(source.encode()))
    if got[-1] or len(got) < 11:
        sys.exit("let in %r" % got)
    check(come(b"203.0.113.10"), True)


def wrong(plain, sealed):
    """No header, and no TLS behind one."""
    for port, text in ((plain, b"PING\r\n"), (sealed, b"PROXY TCP4 198.51.100.3 1.2.3.4 1 2\r\n\0")):
        c = tokens.Client(("127.0.0.1", int(port)))
        c.s.sendall(text)
        end_of(c)


globals()[sys.argv[1]](*sys.argv[2:])
