# SPDX-License-Identifier: ISC
"""passwords.py STEP ARG...: the steps of passwords.sh that need a client of their own."""
import importlib.util
import os
import random
import re
import statistics
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location("tokens", os.path.join(here, "login-tokens.py"))
tokens = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tokens)

WRONG = "-WRONGPASS invalid username-password pair or user is disabled."
NOAUTH = "-NOAUTH Authentication required."
BUSY = re.compile(r"-BUSY too many logins, try again in ([0-9]+) s")


def check(got, wanted):
    if got != wanted:
        sys.exit("got %r, wanted %r" % (got, wanted))


def busy(answer):
    found = BUSY.fullmatch(str(answer))
    if not found:
        sys.exit("got %r, wanted BUSY" % (answer,))
    return int(found.group(1))


def client(port, source):
    """A client from an address of its own: all of 127.0.0.0/8 is this machine."""
    return tokens.Client(("127.0.0.1", int(port)), (source, 0))


def secret(path):
    with open(path) as f:
        return f.read().strip()


def answers(port, alice):
    """Each form of a login; a yes after a no; what stands behind a login waits for it."""
    alice = secret(alice)
    c = client(port, "127.0.1.1")
    check(c.ask("CALL", "deploy"), NOAUTH)
    check(c.ask("AUTH", "alice", alice + "x"), WRONG)
    check(c.ask("ACL", "WHOAMI"), "default")
    check(c.ask("AUTH", "alice", alice), "+OK")
    check(c.ask("ACL", "WHOAMI"), "alice")
    check(c.ask("CALL", "deploy"), "login:alice\n")
    check(c.ask("AUTH", "ci", alice), WRONG)
    check(c.ask("ACL", "WHOAMI"), "alice")
    check(c.ask("RESET"), "+RESET")
    check(c.ask("CALL", "deploy"), NOAUTH)
    hello = c.ask("HELLO", "2", "AUTH", "alice", alice, "SETNAME", "me")
    check(hello[0], "server")
    check(c.ask("CLIENT", "GETNAME"), "me")
    check(c.ask("CALL", "deploy"), "login:alice\n")
    c.close()
    # The only password needs no name.
    c = client(port, "127.0.1.2")
    check(c.ask("AUTH", alice), "+OK")
    check(c.ask("ACL", "WHOAMI"), "alice")
    check(c.ask("AUTH", "default", alice), "+OK")
    check(c.ask("ACL", "WHOAMI"), "alice")
    c.close()
    # One packet: nothing overtakes the login, and its caller sends what is behind.
    c = client(port, "127.0.1.3")
    for words in (("PING",), ("AUTH", "alice", alice), ("CALL", "deploy"), ("PING",)):
        c.send(*words)
    check([c.receive() for _ in range(4)], ["+PONG", "+OK", "login:alice\n", "+PONG"])
    c.close()
    # A HELLO that fails changes nothing.
    c = client(port, "127.0.1.4")
    check(c.ask("HELLO", "3", "AUTH", "alice", "x" * 9, "SETNAME", "other"), WRONG)
    check(c.ask("CLIENT", "GETNAME"), None)
    c.close()
    # A client that leaves while its password is being checked harms nobody.
    for _ in range(20):
        c = client(port, "127.0.1.5")
        c.send("AUTH", "alice", alice)
        c.close()
    c = client(port, "127.0.1.6")
    check(c.ask("AUTH", "alice", alice), "+OK")
    c.close()


def odd(port, alice):
    """Secrets that no password can be, and long ones."""
    alice = secret(alice)
    for i, s in enumerate((b"", b"x" * 1025, alice.encode() + b"\0", b"reqd_" + b"x" * 20,
                           b"x" * 1024, b"\xff" * 100, alice.encode() * 20)):
        c = client(port, "127.0.2.%d" % (i + 1))
        check(c.ask("AUTH", "alice", s), WRONG)
        check(c.ask("PING"), "+PONG")
        c.close()


def noes(port):
    """Three noes close the connection, and the source has to wait."""
    c = client(port, "127.0.3.1")
    for _ in range(3):
        check(c.ask("AUTH", "alice", "a wrong one"), WRONG)
    check(c.receive(), None)
    c.close()


def penalty(port, alice, token):
    """In a penalty no password is looked at; tokens and other sources are served."""
    alice, token = secret(alice), secret(token)
    c = client(port, "127.0.3.1")
    left = busy(c.ask("AUTH", "alice", alice))
    if not 1 <= left <= 5:
        sys.exit("a first penalty of %d s" % left)
    check(c.ask("PING"), "+PONG")
    check(c.ask("AUTH", "ci", token), "+OK")
    c.close()
    c = client(port, "127.0.3.2")
    check(c.ask("AUTH", "alice", alice), "+OK")
    c.close()


def crowd(port, alice, token):
    """Guesses from many sources: a known pair and tokens are served, others put off."""
    alice, token = secret(alice), secret(token)
    c = client(port, "127.0.4.1")
    check(c.ask("AUTH", "alice", alice), "+OK")
    others = [client(port, "127.0.5.%d" % (i + 1)) for i in range(120)]
    for other in others:
        other.send("AUTH", "alice", "guess " + str(random.random()))
    times = []
    for _ in range(5):
        began = time.monotonic()
        check(c.ask("AUTH", "alice", alice), "+OK")
        times.append(time.monotonic() - began)
    began = time.monotonic()
    check(c.ask("AUTH", "ci", token), "+OK")
    by_token = time.monotonic() - began
    got = [other.receive() for other in others]
    n_busy = sum(bool(BUSY.fullmatch(str(g))) for g in got)
    check({g for g in got if not BUSY.fullmatch(str(g))} <= {WRONG}, True)
    if n_busy < 50:
        sys.exit("only %d of 120 were put off" % n_busy)
    print("%d of 120 guesses put off; known pair at most %.0f ms, token %.1f ms" %
          (n_busy, 1000 * max(times), 1000 * by_token))
    for other in others:
        other.close()
    c.close()


def hold(port, alice, told, go):
    """A connection that is logged in, while the password is changed and taken away."""
    c = client(port, "127.0.6.1")
    check(c.ask("AUTH", "alice", secret(alice)), "+OK")
    check(c.ask("CALL", "deploy"), "login:alice\n")
    with open(told, "w") as f:
        f.write("x\n")
    with open(go) as f:
        f.read()
    check(c.ask("CALL", "deploy"), NOAUTH)
    check(c.ask("AUTH", "alice", secret(alice)), "+OK")
    check(c.ask("CALL", "deploy"), "login:alice\n")
    c.close()


def killed(port, alice, pid):
    """Logins on their way when auth is killed get one clear error or an answer, and go on."""
    alice = secret(alice)
    clients = [client(port, "127.0.7.%d" % (i + 1)) for i in range(20)]
    for c in clients:
        c.send("AUTH", "alice", alice)
    os.kill(int(pid), 9)
    got = [c.receive() for c in clients]
    failed = [g for g in got if g != "+OK"]
    for g in failed:
        if not str(g).startswith("-ERR the password could not be checked"):
            sys.exit("got %r" % g)
    print("%d of 20 logins failed" % len(failed))
    for c in clients:
        check(c.ask("PING"), "+PONG")
        c.close()


def wait_login(port, alice):
    """A login while auth is being started waits for it."""
    c = client(port, "127.0.8.1")
    check(c.ask("AUTH", "alice", secret(alice)), "+OK")
    c.close()


def holders(secrets, pids):
    """The processes that have one of these in their memory."""
    found = set()
    for pid in pids:
        with open("/proc/%s/mem" % pid, "rb", 0) as mem, open("/proc/%s/maps" % pid) as maps:
            for line in maps:
                span, rights = line.split()[:2]
                if "r" not in rights or "[v" in line:
                    continue
                start, end = (int(x, 16) for x in span.split("-"))
                mem.seek(start)
                data = mem.read(end - start)
                if any(s in data for s in secrets):
                    found.add(pid)
    return found


def memory(password, logins, auth, *others):
    """No process keeps a password; auth alone has the hash."""
    password = secret(password).encode()
    with open(logins, "rb") as f:
        hashes = [re.match(rb"alice:([^:\n]+)", line).group(1)
                  for line in f if line.startswith(b"alice:")]
    if holders(hashes, [auth]) != {auth}:
        sys.exit("a hash was not found in auth")
    due = time.monotonic() + 20
    while True:
        left = holders([password], [auth, *others]) | holders(hashes, others)
        if not left:
            return
        if time.monotonic() > due:
            sys.exit("a secret stays in memory of %s" % sorted(left))
        time.sleep(0.05)


def median(rows, name):
    return statistics.median(rows[name])


def distance(rows, name):
    """In percent, from the row of a wrong password."""
    return 100 * (median(rows, name) / max(median(rows, "wrong"), 1e-9) - 1)


def cpu_ns(pid):
    """Time that the process has had on a processor, or 0 where the kernel does not tell."""
    try:
        with open("/proc/%s/schedstat" % pid) as f:
            return int(f.read().split()[0])
    except OSError:
        return 0


def equal(port, auth, rounds):
    """The time of each no, in one table; the medians shall not tell which no it is."""
    rows = (("wrong", "alice"), ("unknown", "nobody"), ("token only", "ci"), ("off", "offline"),
            ("expired", "old"), ("wrong network", "far"))
    times = {name: [] for name, _ in rows}
    cpu = {name: [] for name, _ in rows}
    n = 0
    for _ in range(int(rounds)):
        for name, login in random.sample(rows, len(rows)):
            n += 1
            c = client(port, "127.%d.%d.%d" % (20 + n // 62500, n // 250 % 250 + 1, n % 250 + 1))
            began, before = time.monotonic(), cpu_ns(auth)
            check(c.ask("AUTH", login, "a wrong one"), WRONG)
            times[name].append(time.monotonic() - began)
            cpu[name].append(cpu_ns(auth) - before)
            c.close()
            time.sleep(0.002)
    print("medians for a no (us), and the distance from a wrong password; a busy machine has")
    print("its part in the time, not in that of the processor in auth:")
    for name, _ in rows:
        print("  %-14s %7.0f %+6.1f %%   %7.0f %+6.1f %%" % (
            name, 1e6 * median(times, name), distance(times, name),
            median(cpu, name) / 1e3, distance(cpu, name)))


def redis_library(port, alice):
    import redis
    r = redis.Redis(host="127.0.0.1", port=int(port), username="alice", password=secret(alice))
    check(r.execute_command("CALL", "deploy"), b"login:alice\n")
    r = redis.Redis(host="127.0.0.1", port=int(port), password=secret(alice))
    check(r.execute_command("CALL", "deploy"), b"login:alice\n")
    r = redis.Redis(host="127.0.0.1", port=int(port), username="alice", password="a wrong one")
    try:
        r.ping()
    except redis.exceptions.RedisError as e:        # its class differs by version
        check("invalid username-password pair" in str(e), True)
        return
    sys.exit("a wrong password was taken")


globals()[sys.argv[1]](*sys.argv[2:])
