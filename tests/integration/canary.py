# SPDX-License-Identifier: ISC
"""canary.py ACTION ...: secrets that are used in every way, and are looked for afterwards.

    canary.py use TCP TLS HTTP HTTPS SOCKET CERTIFICATE SECRETS
        SECRETS is a file: a token, a password of alice. Shows them in every way that a client
        can, right and wrong, whole and in pieces, on connections that end and that stay; then
        waits on standard input, with those open that stay.
    canary.py memory SECRETS KEY PID...
        The memory of no process has a part of the secrets, and of the private key KEY only
        that of the process keys; a hash of a password is in that of auth alone. It has two
        seconds for that.
"""
import base64
import os
import socket
import ssl
import subprocess
import sys
import time

PIECE = 16      # bytes in a row that nobody has by chance


# -------------------------------------------------------------------- use ---

def resp(*words):
    out = b"*%d\r\n" % len(words)
    for w in words:
        w = w if isinstance(w, bytes) else w.encode()
        out += b"$%d\r\n%s\r\n" % (len(w), w)
    return out


class Use:
    def __init__(self, tcp, tls, http, https, path, certificate, secrets):
        with open(secrets, encoding="ascii") as f:
            self.token, self.password = f.read().split("\n")[:2]
        self.trust = ssl.create_default_context(cafile=certificate)
        self.trust.check_hostname = False
        self.ports = {"tcp": int(tcp), "tls": int(tls), "http": int(http), "https": int(https)}
        self.path = path
        self.open = []
        self.n = 0

    def connect(self, door):
        if door == "unix":
            s = socket.socket(socket.AF_UNIX)
            s.connect(self.path)
        else:
            # Another source each time: wrong passwords make theirs wait.
            source = "127.3.%d.%d" % (self.n // 250, self.n % 250 + 1)
            s = socket.create_connection(("127.0.0.1", self.ports[door]), 60, (source, 0))
        s.settimeout(60)
        return self.trust.wrap_socket(s) if door in ("tls", "https") else s

    def shown(self, door, data, answer, slowly=False):
        """Sends bytes and waits for an answer that begins so. The next connection stays open,
        and the one after it is closed."""
        s = self.connect(door)
        if slowly:
            for i in range(0, len(data), 7):
                s.sendall(data[i:i + 7])
                time.sleep(.002)
        else:
            s.sendall(data)
        got = s.recv(65536) if answer is not None else b""
        if answer and not got.startswith(answer):
            sys.exit("%s: %r got %r, wanted %r" % (door, data, got, answer))
        self.n += 1
        if self.n % 2 and answer is not None:
            self.open.append(s)
        else:
            s.close()

    def all_resp(self):
        token, password = self.token, self.password
        for door in ("tcp", "unix", "tls"):
            for secret in (token, password):
                for _ in range(2):
                    login = resp("AUTH", "alice", secret)
                    self.shown(door, login, b"+OK")
                    self.shown(door, login, b"+OK", slowly=True)
                    self.shown(door, resp("PING") * 3 + login + resp("PING"), b"+PONG")
                    self.shown(door, resp("HELLO", "3", "AUTH", "alice", secret), b"%")
                    if door != "unix":
                        self.shown(door, resp("AUTH", "bob", secret), b"-WRONGPASS")
                        self.shown(door, ("AUTH alice %s\r\n" % secret).encode(),
                                   b"+OK" if " " not in secret else b"-ERR")
                    self.shown(door, resp("AUTH", "alice", secret, "more"), b"-")
                    self.shown(door, resp("HELLO", "9", "AUTH", "alice", secret), b"-")
                    self.shown(door, resp("HELLO", "3", "AUTH", "alice", secret, "NO"), b"-")
                    # Requests that never become whole, and bytes that are no request.
                    self.shown(door, login[:-3], None)
                    self.shown(door, login[:-1] + b"x", b"-")
                    self.shown(door, b"*3\r\n$4\r\nAUTH\r\n$x\r\n" + secret.encode() + b"\r\n", b"-")
        self.shown("tls", resp("AUTH", token), b"+OK")
        big = resp("AUTH", "alice", password + "x" * 5000)
        self.shown("tcp", big, b"-")
        self.shown("tls", big, b"-", slowly=False)

    def request(self, door, field, more="", line="GET /whoami HTTP/1.1"):
        return ("%s\r\nHost: 127.0.0.1:%d\r\n%s%s\r\n" % (line, self.ports[door], field,
                                                           more)).encode()

    def all_http(self):
        bearer = "Authorization: Bearer %s\r\n" % self.token
        basic = "Authorization: Basic %s\r\n" % base64.b64encode(
            ("alice:" + self.password).encode()).decode()
        for door in ("http", "https"):
            for _ in range(2):
                self.shown(door, self.request(door, bearer), b"HTTP/1.1 200")
                self.shown(door, self.request(door, bearer), b"HTTP/1.1 200", slowly=True)
                self.shown(door, self.request(door, bearer) * 3, b"HTTP/1.1 200")
                self.shown(door, self.request(door, "", bearer, "POST /call/env HTTP/1.1"), b"HTTP/1.1 ")
                self.shown(door, self.request(door, bearer, "Content-Length: 5\r\n",
                                              "POST /call/cat HTTP/1.1") + b"input", b"HTTP/1.1 200")
                self.shown(door, self.request(door, basic), b"HTTP/1.1 ")
                # A request that is refused before it is whole, and one that never is.
                self.shown(door, self.request(door, bearer, "Content-Length: 1\r\n" * 2), b"HTTP/1.1 400")
                self.shown(door, self.request(door, bearer, "bad field\r\n"), b"HTTP/1.1 400")
                self.shown(door, self.request(door, bearer, line="GET /nowhere HTTP/1.1"), b"HTTP/1.1 404")
                self.shown(door, self.request(door, bearer)[:-3], None)


def use(*words):
    u = Use(*words)
    u.all_resp()
    u.all_http()
    print("%d ways, %d connections stay" % (u.n, len(u.open)), flush=True)
    sys.stdin.read()


# ----------------------------------------------------------------- memory ---

def regions(pid):
    """Each readable part of the memory of a process: its name and its bytes."""
    with open("/proc/%s/mem" % pid, "rb", 0) as mem, open("/proc/%s/maps" % pid) as maps:
        for line in maps:
            words = line.split(None, 5)
            if "r" not in words[1] or "[v" in line:
                continue
            start, end = (int(x, 16) for x in words[0].split("-"))
            try:
                mem.seek(start)
                yield words[5].strip() if len(words) > 5 else "", mem.read(end - start)
            except (OSError, OverflowError, ValueError):
                continue


def pieces(secret):
    """Its begin, its middle and its end: a part may have been overwritten."""
    n = len(secret)
    return {secret[i:i + PIECE] for i in (0, n // 2 - PIECE // 2, n - PIECE)}


def found_in(pid, canaries):
    found = {}
    for where, data in regions(pid):
        for name, parts in canaries.items():
            for part in parts:
                at = data.find(part)
                if at >= 0:
                    found.setdefault(name, "%s, %r" % (where or "-", data[max(0, at - 40):at + 60]))
    return found


def memory(secrets, key, *pids):
    with open(secrets, encoding="ascii") as f:
        token, password, password_hash = f.read().split("\n")[:3]
    text = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"], capture_output=True,
                          text=True, check=True).stdout
    number = bytes.fromhex("".join(text.split("priv:")[1].split("pub:")[0].split()).replace(":", ""))[-32:]
    with open(key, encoding="ascii") as f:
        line = f.read().split("\n")[1]
    canaries = {"token": pieces(token.encode()), "password": pieces(password.encode()),
                "Basic": pieces(base64.b64encode(("alice:" + password).encode())[12:-4]),
                "hash": pieces(password_hash.encode()[-43:]), "file of the key": pieces(line.encode()),
                "key": {number, number[::-1]}}
    allowed = {"auth": {"hash"}, "keys": {"key"}}
    due = time.monotonic() + 2
    while True:
        wrong, seen = [], set()
        for pid in pids:
            with open("/proc/%s/cmdline" % pid) as f:
                words = f.read().replace("\0", " ")
            role = words.split("--role=")[1].split()[0] if "--role=" in words else \
                words.strip().rpartition("reqd: ")[2].split(" ")[0]
            found = found_in(pid, canaries)
            seen |= {(role, name) for name in found}
            wrong += ["%s in the memory of %s: %s" % (name, role, found[name])
                      for name in found if name not in allowed.get(role, ())]
        if not wrong or time.monotonic() > due:
            break
        time.sleep(.1)
    if wrong:
        sys.exit("\n".join(wrong))
    # The search can find something.
    if ("keys", "key") not in seen or ("auth", "hash") not in seen:
        sys.exit("nothing was found where it must be: %s" % sorted(seen))
    print("%d processes, %d secrets" % (len(pids), len(canaries)))


{"use": use, "memory": memory}[sys.argv[1]](*sys.argv[2:])
