# SPDX-License-Identifier: ISC
"""logins.py STEP ARG...: the steps of logins.sh that need a client of their own."""
import importlib.util
import os
import re
import sys

here = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location("tokens", os.path.join(here, "login-tokens.py"))
tokens = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tokens)

WRONG = "-WRONGPASS invalid username-password pair or user is disabled."
NOAUTH = "-NOAUTH Authentication required."


def check(got, wanted):
    if got != wanted:
        sys.exit("got %r, wanted %r" % (got, wanted))


def whoami(c):
    flat = c.ask("WHOAMI")
    return dict(zip(flat[::2], flat[1::2]))


def token(c_path):
    with open(c_path) as f:
        return f.read().strip()


def answers(port, alice, ci):
    """Each form of a login, and each no."""
    address = ("127.0.0.1", int(port))
    alice, ci = token(alice), token(ci)
    c = tokens.Client(address)
    check(c.ask("CALL", "deploy"), NOAUTH)
    check(c.ask("SERVICES"), NOAUTH)
    check(c.ask("DESCRIBE", "deploy"), NOAUTH)
    check(c.ask("DEPLOY"), NOAUTH)
    check(c.ask("CANCEL", "0123456789abcdef"), NOAUTH)
    check("You have not logged in." in str(c.ask("WHY", "deploy")), True)
    check(c.ask("PING"), "+PONG")
    check(c.ask("ECHO", "x"), "x")
    check(whoami(c)["caller"], "addr:127.0.0.1")
    check(whoami(c)["login"], None)
    check(c.ask("ACL", "WHOAMI"), "default")
    check(c.ask("AUTH", alice), "+OK")
    check(c.ask("ACL", "WHOAMI"), "alice")
    check(whoami(c)["caller"], "login:alice")
    check(whoami(c)["credential"], "laptop")
    check(c.ask("CALL", "deploy"), "login:alice alice\n")
    check(c.ask("DEPLOY"), "login:alice alice\n")
    # A no changes nothing, a later yes replaces the login.
    check(c.ask("AUTH", "bob", alice), WRONG)
    check(c.ask("ACL", "WHOAMI"), "alice")
    check(c.ask("AUTH", "ci", ci), "+OK")
    check(whoami(c)["caller"], "login:ci")
    check(len(whoami(c)["credential"]), 16)
    check(c.ask("AUTH", "default", alice), "+OK")
    check(c.ask("ACL", "WHOAMI"), "alice")
    check(c.ask("RESET"), "+RESET")
    check(c.ask("ACL", "WHOAMI"), "default")
    check(c.ask("CALL", "deploy"), NOAUTH)
    hello = c.ask("HELLO", "2", "AUTH", "alice", alice, "SETNAME", "me")
    check(hello[0], "server")
    check(c.ask("ACL", "WHOAMI"), "alice")
    check(c.ask("CLIENT", "GETNAME"), "me")
    # A HELLO that fails changes nothing.
    check(c.ask("RESET"), "+RESET")
    check(c.ask("HELLO", "2", "AUTH", "alice", "x", "SETNAME", "other"), WRONG)
    check(c.ask("CLIENT", "GETNAME"), None)
    c.close()


def wire(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w)
        for w in (w if isinstance(w, bytes) else w.encode() for w in words))


def pipelined(port, alice):
    """What stands behind a login is judged by the limits of the login."""
    address = ("127.0.0.1", int(port))
    secret = token(alice)
    # Beyond each limit of a stranger: the number of arguments, one of them, all of them.
    for behind in (("CALL", "deploy") + ("x",) * 20, ("ECHO", "x" * 20000)):
        late = "-BADARG" if behind[0] == "CALL" else behind[1]
        for login, answer in ((("AUTH", secret), "+OK"), (("HELLO", "2", "AUTH", "alice", secret), None)):
            c = tokens.Client(address)
            c.s.sendall(wire(*login) + wire(*behind) + wire("PING"))
            got = c.receive()
            check(got if answer else got[0], answer or "server")
            check(c.receive().split()[0], late)
            check(c.receive(), "+PONG")
            # And the other way round: without the login, the caller is a stranger again.
            c.s.sendall(wire("RESET") + wire(*behind))
            check(c.receive(), "+RESET")
            check(c.receive().split(":")[0], "-ERR Protocol error")
            c.close()


def noes(port, alice):
    """Three noes close, and every no is the same."""
    address = ("127.0.0.1", int(port))
    alice = token(alice)
    torn = alice[:-1] + ("A" if alice[-1] != "A" else "B")
    for words in (("AUTH", "x"), ("AUTH", torn), ("AUTH", "nobody", alice), ("AUTH", tokens.make_token()),
                  ("AUTH", "alice", ""), ("AUTH", "", alice), ("AUTH", "a\r\nb", "c"),
                  ("AUTH", "alice", "x" * 1024)):
        c = tokens.Client(address)
        for _ in range(3):
            check(c.ask(*words), WRONG)
        check(c.receive(), None)
        c.close()
    c = tokens.Client(address)
    check(c.ask("AUTH", "x"), WRONG)
    check(c.ask("AUTH", "x"), WRONG)
    check(c.ask("AUTH", alice), "+OK")
    check(c.ask("AUTH", "x"), WRONG)
    check(c.ask("AUTH", "x"), WRONG)
    check(c.ask("ACL", "WHOAMI"), "alice")
    c.close()


def clear(host, port, alice):
    """No secret in the clear, whatever the network."""
    c = tokens.Client((host, int(port)))
    check(c.ask("AUTH", token(alice)).split(":")[0], "-DENIED use tls")
    check(c.ask("HELLO", "3", "AUTH", "alice", token(alice)).split(":")[0], "-DENIED use tls")
    check(c.ask("ACL", "WHOAMI"), "default")
    c.close()


def unix(path, alice):
    """A login takes the place of the account, and RESET gives the account back."""
    c = tokens.Client(path)
    who = whoami(c)
    check(who["caller"], "uid:%d" % os.getuid())
    check(who["admin"], 1)
    check(c.ask("AUTH", token(alice)), "+OK")
    check(whoami(c)["caller"], "login:alice")
    check(whoami(c)["admin"], 0)
    check(c.ask("CALL", "closed").split()[0], "-NOSERVICE")
    check(c.ask("RESET"), "+RESET")
    check(whoami(c)["admin"], 1)
    c.close()


def pieces(port, alice):
    """A login that comes a byte at a time."""
    c = tokens.Client(("127.0.0.1", int(port)))
    secret = token(alice)
    for b in b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n" % (len(secret), secret.encode()):
        c.s.send(bytes([b]))
    check(c.receive(), "+OK")
    c.close()


def hold(port, alice, told, go):
    """A living connection whose credential goes, and comes back."""
    c = tokens.Client(("127.0.0.1", int(port)))
    check(c.ask("AUTH", token(alice)), "+OK")
    check(c.ask("CALL", "deploy"), "login:alice alice\n")
    for wanted in (NOAUTH, "login:alice alice\n"):
        with open(told, "w") as f:
            f.write("x")
        with open(go) as f:
            f.read()
        check(c.ask("CALL", "deploy"), wanted)
    c.close()


def toggle(port, alice, logins, rounds, *reload):
    """Revocations under load: once a reload has ended, no answer is by the old rules."""
    import subprocess
    import threading
    secret = token(alice)
    address = ("127.0.0.1", int(port))
    living = [tokens.Client(address) for _ in range(20)]
    for c in living:
        check(c.ask("AUTH", secret), "+OK")
    stop = threading.Event()
    wrong = []

    def load():
        c = tokens.Client(address)
        c.ask("AUTH", secret)
        while not stop.is_set():
            got = c.ask("CALL", "deploy")
            # A call that a reload overtakes while it waits for its start has more words.
            if got != "login:alice alice\n" and not str(got).startswith(NOAUTH[:-1]):
                wrong.append(got)
        c.close()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for t in threads:
        t.start()
    with open(logins) as f:
        on = f.read()
    off = "".join(l.replace("label=laptop", "label=laptop,off") for l in on.splitlines(True))
    try:
        for i in range(int(rounds)):
            with open(logins + ".new", "w") as f:
                f.write(off if i % 2 == 0 else on)
            os.chmod(logins + ".new", 0o600)
            os.rename(logins + ".new", logins)
            subprocess.run(reload, check=True, stdout=subprocess.DEVNULL)
            for c in living:
                c.send("CALL", "deploy")
            for c in living:
                check(c.receive(), NOAUTH if i % 2 == 0 else "login:alice alice\n")
            fresh = tokens.Client(address)
            check(fresh.ask("AUTH", secret), WRONG if i % 2 == 0 else "+OK")
            fresh.close()
    finally:
        stop.set()
        for t in threads:
            t.join()
    for c in living:
        c.close()
    if wrong:
        sys.exit("under load: %r" % wrong[:3])


def holders(secret, pids):
    """The processes that have the random part of a token in their memory."""
    found = []
    for pid in pids:
        with open("/proc/%s/mem" % pid, "rb", 0) as mem, open("/proc/%s/maps" % pid) as maps:
            for line in maps:
                span, rights = line.split()[:2]
                if "w" not in rights or "[v" in line:
                    continue
                start, end = (int(x, 16) for x in span.split("-"))
                mem.seek(start)
                if secret[5:].encode() in mem.read(end - start):
                    found.append(pid)
                    break
    return found


def memory(port, tls_port, certificate, alice, *pids):
    """No process keeps a token: not of a login, of half a login, in quotes, over TLS."""
    import ssl
    import time
    secret = token(alice)
    context = ssl.create_default_context(cafile=certificate)

    def dial(is_tls):
        c = tokens.Client(("localhost", int(tls_port if is_tls else port)))
        if is_tls:
            c.f.close()
            c.s = context.wrap_socket(c.s, server_hostname="localhost")
            c.f = c.s.makefile("rb")
        return c

    def gone(what):
        due = time.monotonic() + 20
        while holders(secret, pids):
            if time.monotonic() > due:
                sys.exit("the token stays in memory: " + what)
            time.sleep(0.05)

    gone("logins before")
    for is_tls in False, True:
        where = "over TLS" if is_tls else "over TCP"
        c = dial(is_tls)
        check(c.ask("AUTH", "alice", secret), "+OK")
        gone("a login " + where)
        c.s.sendall(b'AUTH "alice" "%s"\r\n' % secret.encode())
        check(c.receive(), "+OK")
        gone("a login in quotes " + where)
        c.s.sendall(wire("AUTH", secret)[:-2])
        due = time.monotonic() + 20
        while not holders(secret, pids):
            if time.monotonic() > due:
                sys.exit("half a login was not found")
        c.close()
        gone("half a login " + where)


def owner(port, alice, second, ci, started):
    """Credentials of one login share calls; other logins do not see them."""
    address = ("127.0.0.1", int(port))
    clients = [tokens.Client(address) for _ in range(4)]
    mine, same, other, nobody = clients
    check(mine.ask("AUTH", token(alice)), "+OK")
    check(same.ask("AUTH", token(second)), "+OK")
    check(other.ask("AUTH", token(ci)), "+OK")
    mine.send("CALL", "sleep")
    with open(started) as f:
        call_id = f.read().strip()
    check(other.ask("CANCEL", call_id), 0)
    check(nobody.ask("CANCEL", call_id), NOAUTH)
    # The login of a running call is the one that it began with.
    check(other.ask("AUTH", token(alice)), "+OK")
    check(same.ask("CANCEL", call_id), 1)
    check(mine.receive().split()[0], "-CANCELLED")
    for c in clients:
        c.close()


def redis_library(port, alice):
    """The library of Debian, with and without a name, with both protocols."""
    import redis
    for words in ({"username": "alice"}, {}, {"username": "alice", "protocol": 3}):
        if "protocol" in words and int(redis.__version__.split(".")[0]) < 5:
            continue
        r = redis.Redis(port=int(port), password=token(alice), **words)
        check(r.execute_command("CALL", "deploy"), b"login:alice alice\n")
        r.close()
    # The library tells the words of the server, by one class of error or another.
    no = re.compile("WRONGPASS|invalid username-password")
    for words, wanted in (({"username": "alice", "password": "wrong"}, no),
                          ({}, re.compile("uthentication"))):
        r = redis.Redis(port=int(port), **words)
        try:
            r.execute_command("CALL", "deploy")
        except redis.exceptions.RedisError as e:
            if not wanted.search(str(e)):
                raise
        else:
            sys.exit("a stranger was let in")
        r.close()


def line(login, path, words=""):
    """Makes a token, writes it to a file, prints the line of the file of logins."""
    t = tokens.make_token()
    with open(path, "w") as f:
        f.write(t + "\n")
    print("%s:%s%s" % (login, tokens.secret_of(t), ":" + words if words else ""))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
