#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Sets each key of the configuration to another value and looks for the effect.

    every-key.py --rows SCHEMA
    every-key.py SCHEMA REQD DIRECTORY FREE-PORT

A row says how the effect of a key is seen from outside: by a client, by a program that
reqd starts, by the log, by the kernel. Most rows get two services, one without the key
(-a) and one with the other value (-b), and compare. A new key needs a row; UNSEEN is for
the few keys of which nothing can be seen, each with the reason.
"""
import base64
import contextlib
import ctypes
import fcntl
import hmac
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time

PATIENCE = float(os.environ.get("REQD_TEST_PATIENCE", "20"))
IS_ROOT = os.geteuid() == 0
UNSEEN = {
    "service.sandbox-fallback": "it counts on a kernel without Landlock: sandbox-fallback.sh",
    "listen.tls": "it is for sockets of systemd: see tls-passed.sh",
}
ROWS = {}           # "section.key": function
CONF = []           # services of the instance that most rows share
LISTENERS = {}      # name of a listener of that instance: its address
NEEDS_ROOT = set()


def row(name, needs_root=False):
    def take(fn):
        assert name not in ROWS, name
        ROWS[name] = fn
        if needs_root:
            NEEDS_ROOT.add(name)
        return fn
    return take


def fail(text):
    raise AssertionError(text)


def same(got, wanted):
    if got != wanted:
        fail("got %r, not %r" % (got, wanted))


def until(what, condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.02)
    return fail("waited in vain: " + what)


# ------------------------------------------------------------------ client ---

class Failed(Exception):
    """An error reply, or the end of the connection."""


class Client:
    def __init__(self, address):
        self.s = socket.socket(socket.AF_UNIX if isinstance(address, str) else
                               socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.s.settimeout(PATIENCE)
        self.s.connect(address)
        self.f = self.s.makefile("rb")

    def send(self, *words):
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.s.sendall(b"*%d\r\n" % len(words) +
                       b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))

    def reply(self):
        line = self.f.readline()
        if not line.endswith(b"\r\n"):
            raise Failed("closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise Failed(rest.decode())
        if kind == b"$":
            return None if rest == b"-1" else self.f.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest.decode()

    def ask(self, *words):
        self.send(*words)
        return self.reply()

    def close(self):
        self.f.close()
        self.s.close()


def ask(*words, at=None):
    c = Client(at or main.address)
    try:
        return c.ask(*words)
    except Failed as error:
        return str(error)
    finally:
        c.close()


def call(name, *arguments):
    return ask("CALL", name, *arguments)


# -------------------------------------------------------------------- reqd ---

class Server:
    """One reqd with a configuration of its own."""

    def __init__(self, name, text="", log="to = stderr", control=True, runtime=None,
                 top_user=True, listen=True, workers="workers = 1"):
        self.dir = os.path.join(DIRECTORY, name)
        os.mkdir(self.dir, 0o755)
        os.chmod(self.dir, 0o755)
        self.conf = self.dir + "/reqd.conf"
        self.log = self.dir + "/log"
        self.address = self.dir + "/reqd.sock"
        self.control = self.dir + "/control.sock"
        if control is True:
            text += 'control { path = "%s" }\n' % self.control
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write('runtime-directory = "%s"\n%s\nlog { %s }\n' % (runtime or self.dir, workers, log))
            if listen:
                f.write('listen "unix://%s" { mode = 0666 }\n' % self.address)
            if IS_ROOT and top_user:
                f.write('user = "games"\n')
            f.write('role "local" { net = {"127.0.0.0/8", "::1/128", "unix"} }\n' + text)
        self.process = None

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([REQD, "-c", self.conf], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        until(self.dir + " serves", self.is_up)
        return self

    def is_up(self):
        if self.process.poll() is not None:
            fail("reqd has ended: " + self.text())
        with contextlib.suppress(OSError, Failed):
            c = Client(self.control)
            state = json.loads(c.ask("STATUS"))["state"]
            c.close()
            return state == "serving"
        return False

    def text(self):
        with open(self.log, encoding="utf-8") as f:
            return f.read()

    def status(self):
        c = Client(self.control)
        s = json.loads(c.ask("STATUS"))
        c.close()
        return s

    def workers(self):
        return [w["pid"] for w in self.status()["workers"]]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        same(self.process.wait(60), 0)


@contextlib.contextmanager
def server(name, *args, **kwargs):
    s = Server(name, *args, **kwargs).start()
    try:
        yield s
    finally:
        if s.process.poll() is None:
            s.stop()


def refused(name, *args, **kwargs):
    """What reqd -t says of a configuration that it refuses; "" if it does not."""
    s = Server(name, *args, **kwargs)
    r = subprocess.run([REQD, "-t", "-c", s.conf], capture_output=True, text=True, check=False)
    return r.stderr if r.returncode else ""


def quoted(words):
    return ", ".join('"%s"' % w.replace("\\", "\\\\").replace('"', '\\"') for w in words)


def service_text(name, lines, command=("/bin/echo", "hi"), handler=None):
    text = 'service "%s" {\n' % name
    text += ("handler = {%s}\n" % quoted(handler)) if handler else (
        "command = {%s}\n" % quoted(command) if command else "")
    if "allow" not in lines:
        text += 'allow = {"local"}\n'
    if IS_ROOT and not re.search(r"^user\b", lines, re.M):
        text += 'user = "nobody"\n'
    return text + lines + "\n}\n"


def pair(section, key, value, lines="", needs_root=False, default=None, inside="", **kwargs):
    """Two services, KEY-a without the key and KEY-b with it; the row compares them."""
    name = "%s-%s" % (section, key)

    def wrap(setting):
        if section == "service":
            return lines + "\n" + setting
        if section == "argument":
            return lines + '\nargument "x" {\n%s\n%s\n}' % (inside, setting)
        return lines + "\n%s {\n%s\n%s\n}" % (section, inside, setting)

    def take(fn):
        if IS_ROOT or not needs_root:
            CONF.append((name + "-a", wrap("%s = %s" % (key, default) if default else ""), kwargs))
            CONF.append((name + "-b", wrap("%s = %s" % (key, value)), kwargs))
        row("%s.%s" % (section, key), needs_root)(lambda: fn(name + "-a", name + "-b"))
        return fn
    return take


def sh(script, *words):
    return ("/bin/sh", "-c", script, "sh") + words


# --------------------------------------------------------------- top level ---

@row(".watch")
def _():
    seen = []
    for number, watch in enumerate(("", 'watch = {"eyes"}\n')):
        port = free_port()
        text = watch + 'listen "http://127.0.0.1:%d" {}\nrole "eyes" { net = {"127.0.0.1"} }\n' \
            'role "far" { net = {"10.0.0.0/8"} }\n' % port
        with server("watch-%d" % number, text + service_text("quiet", 'allow = {"far"}')):
            seen.append("quiet" in web(None, "/status", port=port)[1])
    same(seen, [False, True])


@row(".drain-delay")
def _():
    port = free_port()
    with server("drain-delay", 'drain-delay = 5m\nlisten "http://127.0.0.1:%d" {}\n' % port) as s:
        same(web(None, "/readyz", port=port)[0].split()[1], "200")
        s.process.send_signal(signal.SIGTERM)
        until("readiness goes", lambda: web(None, "/readyz", port=port)[0].split()[1] == "503")
        same(web(None, "/healthz", port=port)[0].split()[1], "200")
        # The second signal ends the wait.
        s.stop()


@row(".web-workers")
def _():
    port = free_port()
    with server("web-workers", 'listen "http://127.0.0.1:%d" {}\nweb-workers = 3\n' % port) as s:
        same(len(s.status()["web"]), 3)
    with server("no-web-workers", "web-workers = 3\n") as s:
        same(len(s.status()["web"]), 0)


@row(".workers")
def _():
    with server("workers", workers="workers = 3") as s:
        same(len(s.workers()), 3)
    same(len(main.workers()), 1)


@row(".services")
def _():
    os.mkdir(DIRECTORY + "/services.d")
    with open(DIRECTORY + "/services.d/x.conf", "w", encoding="utf-8") as f:
        f.write(service_text("beside", ""))
    with server("services", 'services = "%s/services.d"\n' % DIRECTORY) as s:
        same(ask("CALL", "beside", at=s.address), "hi\n")


def ids_of(pid, which):
    with open("/proc/%d/status" % pid, encoding="utf-8") as f:
        return int(re.search(r"^%s:\s+(\d+)" % which, f.read(), re.M).group(1))


@row(".user", needs_root=True)
def _():
    with server("user", 'user = "daemon"\n', top_user=False) as s:
        same([ids_of(pid, "Uid") for pid in s.workers()], [1])
    same([ids_of(pid, "Uid") for pid in main.workers()], [5])


@row(".group", needs_root=True)
def _():
    with server("group", 'group = "daemon"\n') as s:
        same([ids_of(pid, "Gid") for pid in s.workers()], [1])
    same([ids_of(pid, "Gid") for pid in main.workers()], [60])


@row(".runtime-directory")
def _():
    os.mkdir(DIRECTORY + "/elsewhere", 0o755)
    s = Server("runtime", control=False, runtime=DIRECTORY + "/elsewhere")
    s.control = DIRECTORY + "/elsewhere/control.sock"
    s.start().stop()


@row(".drain-timeout")
def _():
    # The default, 30 s, is longer than the patience of this test.
    s = Server("drain", "drain-timeout = 50ms\n" + service_text(
        "sleeps", "", command=("/bin/sleep", "1000"))).start()
    c = Client(s.address)
    c.send("CALL", "sleeps")
    until("it runs", lambda: s.status()["broker"]["running"] == 1)
    since = time.monotonic()
    s.process.send_signal(signal.SIGTERM)
    same(s.process.wait(60), 0)
    took = time.monotonic() - since
    if took > 25:
        fail("the drain took %.1f s" % took)
    c.close()


STUBBORN = sh('trap "" TERM; echo $$ >"$1"; exec sleep 1000', "{file}")
STUBBORN_LINES = 'argument "file" {}\ntimeout = 50ms'


def grace(name, at):
    """The seconds from the end of the call to the end of a program that ignores SIGTERM."""
    path = "%s/pid-%s" % (OPEN, name)
    since = time.monotonic()
    ask("CALL", name, path, at=at)
    with contextlib.suppress(FileNotFoundError, ValueError):
        with open(path, encoding="utf-8") as f:
            pid = int(f.read())
        until("the program is gone", lambda: not os.path.exists("/proc/%d" % pid))
    return time.monotonic() - since


@row(".kill-grace")
def _():
    text = service_text("stubborn", STUBBORN_LINES, command=STUBBORN)
    with server("grace", "kill-grace = 100ms\n" + text) as s:
        fast = grace("stubborn", s.address)
    if fast > 4:
        fail("killed after %.1f s" % fast)


@row(".insecure-open")
def _():
    text = 'listen "tcp://0.0.0.0:%d" {}\n' % free_port()
    same("insecure-open" in refused("closed", text), True)
    same(refused("opened", "insecure-open = yes\n" + text), "")
    port = free_port()
    with server("open2", 'insecure-open = yes\nlisten "tcp://0.0.0.0:%d" {}\n' % port):
        same(ask("PING", at=("127.0.0.2", port)), "PONG")


@row(".kept-limit")
def _():
    same(main.status()["kept_limit"], 256 << 20)
    text = "kept-limit = 16M\n" + service_text(
        "long", "", command=sh("head -c 6291456 /dev/zero | tr '\\0' x"))

    def keep(at):
        """The first of three results of 6 MiB, asked for once more."""
        for token in "abca":
            reply = ask("CALL", "--id=" + token, "long", at=at)
        return reply.split(maxsplit=1)[0][:10]
    with server("kept", text) as s:
        # A caller gets three quarters of the limit.
        same(keep(s.address), "LOST")
    with server("kept-default", text[text.index("service"):]) as s:
        same(keep(s.address), "x" * 10)


@row(".temporary-directory")
def _():
    os.mkdir(DIRECTORY + "/fresh")
    os.chmod(DIRECTORY + "/fresh", 0o1777)
    text = service_text("pwd", "directory = temporary", command=("/bin/pwd",))
    with server("temporary", 'temporary-directory = "%s/fresh"\n' % DIRECTORY + text) as s:
        same(ask("CALL", "pwd", at=s.address).startswith(DIRECTORY + "/fresh/"), True)


def why(who, name, logins="", lines=""):
    """What "reqctl why" says of a caller, with roles for a login and this file of logins."""
    path = "%s/%s.logins" % (DIRECTORY, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(logins)
    os.chmod(path, 0o600)
    text = 'logins = "%s"\nrole "by-login" { login = {"ci"} }\n' % path
    with server(name, text + service_text("x", lines or 'allow = {"by-login"}')) as s:
        c = Client(s.control)
        answer = json.dumps(c.ask("WHY", "x", who))
        c.close()
    return answer


@row(".logins")
def _():
    line = "ci:token$%s:label=here\n" % ("A" * 43)
    same(" may call" in why("login:ci", "logins-b", line), True)
    same("Nobody can log in" in why("login:ci", "logins-a"), True)


@row(".password-checks")
def _():
    """So many a second: the distance of answers to logins from different places tells."""
    def seconds(name, lines):
        port, path = free_port(), "%s/%s.passwords" % (DIRECTORY, name)
        with open(path, "w", encoding="utf-8"):
            os.chmod(path, 0o600)
        text = 'logins = "%s"\n%s\nlisten "tcp://127.0.0.1:%d" { source-connections = 0 }\n' % (
            path, lines, port)
        with server(name, text) as s:
            subprocess.run([os.path.dirname(REQD) + "/reqctl", "--control", s.control, "passwd",
                            "alice"], input="correct horse\n", text=True, check=True,
                           capture_output=True)
            guesses = []
            for i in range(4):
                sock = socket.create_connection(("127.0.0.1", port), 60, ("127.0.0.%d" % (i + 10), 0))
                guesses.append(sock)
            began = time.monotonic()
            for sock in guesses:
                sock.sendall(b"AUTH alice nonsense\r\n")
            for sock in guesses:
                same(sock.recv(100)[:10], b"-WRONGPASS")
                sock.close()
            return time.monotonic() - began

    same(seconds("checks-b", "password-checks = 1/s") >= 3, True)
    same(seconds("checks-a", "") < 3, True)


# --------------------------------------------------------------------- log ---

@row("log.to")
def _():
    # Without a journal, standard error gets the records all the same.
    there_is_one = os.path.exists("/run/systemd/journal/socket")
    with server("journal", log="to = journal") as s:
        same("serves" in s.text(), not there_is_one)
    same("serves" in main.text(), True)


@row("log.level")
def _():
    with server("level", log="to = stderr\nlevel = warning") as s:
        same("notice: " in s.text(), False)
    same("notice: " in main.text(), True)


@row("log.format")
def _():
    with server("format", log="to = stderr\nformat = json") as s:
        for line in until("a record", s.text).splitlines():
            json.loads(line)


@row("log.slow")
def _():
    text = service_text("naps", "", command=("/bin/sleep", "0.05"))
    with server("slow", text, log="to = stderr\nslow = 10ms") as s:
        same(ask("CALL", "naps", at=s.address), "")
        until("its record is a notice", lambda: re.search(r"notice: .*service=naps ", s.text()))


# ----------------------------------------------------------------- control ---

@row("control.path")
def _():
    same(main.status()["config"], main.conf)       # its path is no default


@row("control.group", needs_root=True)
def _():
    s = Server("cgroup", control=False)
    with open(s.conf, "a", encoding="utf-8") as f:
        f.write('control { path = "%s"  group = "daemon" }\n' % s.control)
    s.start()
    st = os.stat(s.control)
    same((st.st_gid, st.st_mode & 0o777), (1, 0o660))
    same(os.stat(main.control).st_mode & 0o777, 0o600)
    s.stop()


# --------------------------------------------------------------- listeners ---

def listener(key, value, kind="tcp", needs_root=False):
    """A listener KEY of the shared reqd with that value; "tcp" and "unix" are without keys."""
    def take(fn):
        if IS_ROOT or not needs_root:
            LISTENERS[key] = (kind, "%s = %s" % (key, value))
        row("listen." + key, needs_root)(fn)
        return fn
    return take


def option(name, level, number):
    """A socket option of the server's end of a new connection to that listener."""
    c = Client(addresses[name])
    same(c.ask("PING"), "PONG")
    mine, theirs = c.s.getsockname()[1], c.s.getpeername()[1]
    with open("/proc/net/tcp", encoding="ascii") as f:
        inode = [w[9] for w in map(str.split, f) if w[1].endswith(":%04X" % theirs) and
                 w[2].endswith(":%04X" % mine)][0]
    for pid in main.workers():
        for fd in os.listdir("/proc/%d/fd" % pid):
            if os.readlink("/proc/%d/fd/%s" % (pid, fd)) != "socket:[%s]" % inode:
                continue
            handle = os.pidfd_open(pid)
            copy = LIBC.syscall(438, handle, int(fd), 0)       # pidfd_getfd
            os.close(handle)
            with socket.socket(fileno=copy) as s:
                got = s.getsockopt(level, number)
            c.close()
            return got
    return fail("no worker has the connection")


@listener("backlog", "7")
def _():
    def queue(port):
        out = subprocess.run(["ss", "-ltnH", "sport = :%d" % port], capture_output=True,
                             text=True, check=True).stdout
        return int(out.split()[2])
    same(queue(addresses["backlog"][1]), 7)
    same(queue(addresses["tcp"][1]) > 7, True)


@listener("send-buffer", "64K", needs_root=True)
def _():
    same(option("send-buffer", socket.SOL_SOCKET, socket.SO_SNDBUF), 128 << 10)
    same(option("tcp", socket.SOL_SOCKET, socket.SO_SNDBUF) == 128 << 10, False)


@listener("receive-buffer", "32K", needs_root=True)
def _():
    same(option("receive-buffer", socket.SOL_SOCKET, socket.SO_RCVBUF), 64 << 10)
    same(option("tcp", socket.SOL_SOCKET, socket.SO_RCVBUF) == 64 << 10, False)


@listener("max-segment", "600")
def _():
    def segment(name):
        c = Client(addresses[name])
        got = c.s.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        c.close()
        return got
    same(segment("max-segment") <= 600, True)
    same(segment("tcp") > 600, True)


@listener("nodelay", "no", needs_root=True)
def _():
    same(option("nodelay", socket.IPPROTO_TCP, socket.TCP_NODELAY), 0)
    same(option("tcp", socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0, True)


@listener("keepalive", "no", needs_root=True)
def _():
    same(option("keepalive", socket.SOL_SOCKET, socket.SO_KEEPALIVE), 0)
    same(option("tcp", socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0, True)


@listener("user-timeout", "7s", needs_root=True)
def _():
    same(option("user-timeout", socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT), 7000)
    same(option("tcp", socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT), 0)


@listener("idle-timeout", "50ms")
def _():
    c = Client(addresses["idle-timeout"])
    stays = Client(addresses["tcp"])
    same(c.s.recv(100), b"")
    same(stays.ask("PING"), "PONG")
    c.close()
    stays.close()


def http(name, head):
    """The status of an answer to a request with this head, at a listener of the shared reqd."""
    c = Client(addresses[name])
    c.s.sendall((head + "\r\n\r\n").encode())
    status = c.f.readline().split()
    c.close()
    return int(status[1])


@listener("protocol", "http")
def _():
    port = addresses["protocol"][1]
    same(http("protocol", "GET /healthz HTTP/1.0"), 200)
    same(http("protocol", "GET /whoami HTTP/1.1\r\nHost: 127.0.0.1:%d" % port), 200)


@listener("hosts", '{"every.example"}\nprotocol = http')
def _():
    same(http("hosts", "GET /whoami HTTP/1.1\r\nHost: every.example"), 200)
    same(http("protocol", "GET /whoami HTTP/1.1\r\nHost: every.example"), 421)


@listener("origins", '{"https://every.example"}\nprotocol = http')
def _():
    head = "GET /healthz HTTP/1.1\r\nHost: x\r\nOrigin: https://every.example"
    same(http("origins", head), 200)
    same(http("protocol", head), 403)


@listener("offer", '{"call", "metrics"}\nprotocol = http')
def _():
    head = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d"
    same(http("offer", head % addresses["offer"][1]), 404)
    same(http("protocol", head % addresses["protocol"][1]), 200)


@pair("service", "effects", "none")
def _(a, b):
    head = "GET /call/%%s HTTP/1.1\r\nHost: 127.0.0.1:%d" % addresses["protocol"][1]
    same((http("protocol", head % a), http("protocol", head % b)), (405, 200))


@pair("service", "doors", '{"http"}')
def _(a, b):
    head = "POST /call/%%s HTTP/1.1\r\nHost: 127.0.0.1:%d" % addresses["protocol"][1]
    same((http("protocol", head % a), http("protocol", head % b)), (200, 200))
    same((call(a), call(b).split()[0]), ("hi\n", "NOSERVICE"))


def web(name, path, fields="", port=None):
    """The head and the body of an answer to a POST, or to a GET of what is no call."""
    port = port or addresses[name][1]
    method = "GET" if path in ("/whoami", "/status", "/readyz", "/healthz") else "POST"
    c = Client(("127.0.0.1", port))
    c.s.sendall(("%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n%s\r\n" %
                 (method, path, port, fields)).encode())
    head, _, body = c.f.read().decode().partition("\r\n\r\n")
    c.close()
    return head, body


@pair("http", "path", '"/every/{x}"', lines='argument "x" { optional = yes }',
      command=("/bin/echo", "{x}"))
def _(a, b):
    same(web("protocol", "/every/way")[1], "way\n")
    same(web("protocol", "/every/way/x")[0].split()[1], "404")
    same([web("protocol", "/call/%s?x=1" % s)[1] for s in (a, b)], ["1\n", "1\n"])


@pair("http", "type", '"text/csv"')
def _(a, b):
    same(["Content-Type: text/csv" in web("protocol", "/call/" + s)[0] for s in (a, b)], [False, True])


@pair("http", "stream", "yes")
def _(a, b):
    same(["chunked" in web("protocol", "/call/" + s)[0] for s in (a, b)], [False, True])


@pair("http", "status", '{"3=409"}', command=sh("exit 3"))
def _(a, b):
    same([web("protocol", "/call/" + s)[0].split()[1] for s in (a, b)], ["500", "409"])


LISTENERS["front"] = ("tcp", 'protocol = http proxy { from = {"127.0.0.1"} user = "X-User"'
                      ' address = "X-For" }')
LISTENERS["front-address"] = ("tcp", 'protocol = http proxy { from = {"127.0.0.1"} address = "X-For" }')
LISTENERS["front-other"] = ("tcp", 'protocol = http proxy { from = {"127.0.0.2"} user = "X-User" }')


def caller(name):
    return json.loads(web(name, "/whoami", "X-User: zoe\r\nX-For: 203.0.113.9\r\n")[1])


@row("proxy.from")
def _():
    same([caller(name)["caller"] for name in ("front", "front-other", "protocol")],
         ["login:zoe", "addr:127.0.0.1", "addr:127.0.0.1"])


@row("proxy.user")
def _():
    same([caller(name)["login"] for name in ("front", "front-address")], ["zoe", None])


@row("proxy.address")
def _():
    same(caller("front-address")["caller"], "addr:203.0.113.9")
    same(caller("front")["peer"], "203.0.113.9:0")
# Webhooks of one service, each with another value of a key; the first one is the measure.
HOOKS = {"plain": "verify = github"}


def hook(section, key, value):
    """A webhook of the shared reqd in which the key has this value."""
    name = "%s-%s" % (section, key)
    HOOKS[name] = value if section != "webhook" else "%s = %s" % (key, value)
    return row("%s.%s" % (section, key))


def hooks_text():
    """The service with all of these webhooks."""
    text = 'argument "x" { type = text  optional = yes }\n'
    for name, lines in HOOKS.items():
        for key, usual in (("verify", "github"), ("secret", '{"@DIR@/hook-secret"}'),
                           ("reply", "result")):
            if not re.search(r"\b%s = " % key, lines):
                lines += "  %s = %s" % (key, usual)
        text += 'webhook "%s" { %s }\n' % (name, lines)
    return text


def deliver(name, fields, body=b"{}", head=""):
    """The status and the body of the answer to a delivery with these fields."""
    address = addresses["protocol"]
    text = "POST /hook/hooked/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %d\r\n" % (
        name, address[1], len(body))
    text += "".join("%s: %s\r\n" % f for f in fields.items()) + head + "Connection: close\r\n\r\n"
    with socket.create_connection(address, timeout=PATIENCE) as s:
        s.sendall(text.encode() + body)
        answer = s.makefile("rb").read()
    return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]


def signed(body=b"{}", secret=b"every key", hash="sha256", **fields):
    """The fields of GitHub's signature."""
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hash).hexdigest(), **fields}


@hook("webhook", "verify", "gitlab")
def _():
    same(deliver("plain", signed())[0], 200)
    same(deliver("webhook-verify", signed())[0], 401)
    same(deliver("webhook-verify", {"X-Gitlab-Token": "every key"})[0], 200)


@hook("webhook", "secret", '{"@DIR@/hook-other", "@DIR@/hook-secret"}')
def _():
    same(deliver("webhook-secret", signed(secret=b"another key"))[0], 200)
    same(deliver("webhook-secret", signed())[0], 200)
    same(deliver("plain", signed(secret=b"another key"))[0], 401)


@hook("webhook", "event", '{"push"}')
def _():
    same(deliver("webhook-event", {**signed(), "X-GitHub-Event": "ping"}),
         (200, b'{"ignored":"event"}\n'))
    same(deliver("webhook-event", {**signed(), "X-GitHub-Event": "push"}), (200, b"\n"))


@hook("webhook", "match", '{"/a~[0-9]+"}')
def _():
    same(deliver("webhook-match", signed(b'{"a":"x"}'), b'{"a":"x"}'), (200, b'{"ignored":"match"}\n'))
    same(deliver("webhook-match", signed(b'{"a":12}'), b'{"a":12}'), (200, b"\n"))


@hook("webhook", "values", '{"x=/a/b"}')
def _():
    body = b'{"a":{"b":"words"}}'
    same(deliver("webhook-values", signed(body), body), (200, b"words\n"))
    same(deliver("plain", signed(body), body), (200, b"\n"))


@hook("webhook", "reply", "accepted")
def _():
    same(deliver("webhook-reply", signed())[0], 202)


@hook("webhook", "limit", "10")
def _():
    body = b'{"a":     1}'
    same(deliver("webhook-limit", signed(body), body)[0], 413)
    same(deliver("plain", signed(body), body)[0], 200)


@hook("webhook", "tolerance", "1h\nverify = slack")
def _():
    stamp = str(int(time.time()) - 1800)
    mac = hmac.new(b"every key", b"v0:%s:{}" % stamp.encode(), "sha256").hexdigest()
    fields = {"X-Slack-Signature": "v0=" + mac, "X-Slack-Request-Timestamp": stamp}
    same(deliver("webhook-tolerance", fields)[0], 200)


@hook("webhook", "from", '{"far"}')
def _():
    same(deliver("webhook-from", signed())[0], 404)


def own(hash, prefix="", encode=bytes.hex):
    """The fields of a signature of the section hmac."""
    return {"X-Own": prefix + encode(hmac.new(b"every key", b"{}", hash).digest())}


@hook("hmac", "field", 'verify = hmac  hmac { field = "X-Own" }')
def _():
    same(deliver("hmac-field", own("sha256"))[0], 200)


@hook("hmac", "prefix", 'verify = hmac  hmac { field = "X-Own"  prefix = "p=" }')
def _():
    same(deliver("hmac-prefix", own("sha256", "p="))[0], 200)
    same(deliver("hmac-prefix", own("sha256"))[0], 401)


@hook("hmac", "algorithm", 'verify = hmac  hmac { field = "X-Own"  algorithm = sha384 }')
def _():
    same(deliver("hmac-algorithm", own("sha384"))[0], 200)
    same(deliver("hmac-algorithm", own("sha256"))[0], 401)


@hook("hmac", "encoding", 'verify = hmac  hmac { field = "X-Own"  encoding = base64 }')
def _():
    same(deliver("hmac-encoding", own("sha256", encode=lambda b: base64.b64encode(b).decode()))[0], 200)
    same(deliver("hmac-encoding", own("sha256"))[0], 401)


@hook("token", "field", 'verify = token  token { field = "X-Key" }')
def _():
    same(deliver("token-field", {"X-Key": "every key"})[0], 200)
    same(deliver("token-field", {"X-Key": "every kez"})[0], 401)


@hook("token", "prefix", 'verify = token  token { field = "Authorization"  prefix = "Key " }')
def _():
    same(deliver("token-prefix", {"Authorization": "Key every key"})[0], 200)
    same(deliver("token-prefix", {"Authorization": "every key"})[0], 401)


CONF.append(("hooked", hooks_text(), {"command": ("/bin/echo", "{x}")}))


@listener("proxy-from", '{"127.0.0.1"}')
def _():
    c = Client(addresses["proxy-from"])
    c.s.sendall(b"PROXY TCP4 203.0.113.7 203.0.113.1 4242 7373\r\n")
    same(c.ask("WHOAMI")[1], "addr:203.0.113.7")
    c.close()
    same(ask("WHOAMI", at=addresses["tcp"])[1], "addr:127.0.0.1")
    c = Client(addresses["proxy-from"])
    same(c.s.recv(100), b"")
    c.close()


def behind(name, address):
    """A client at that address, for which this one is a proxy."""
    c = Client(addresses[name])
    c.s.sendall(b"PROXY TCP4 %s 198.51.100.1 4242 7373\r\n" % address.encode())
    return c


@listener("source-connections", '2\nproxy-from = {"127.0.0.1"}')
def _():
    def ping(address):
        c = behind("source-connections", address)
        c.send("PING")
        try:
            return c, c.reply()
        except Failed as error:
            return c, str(error)
    have = [ping("203.0.113.7") for _ in range(3)] + [ping("203.0.113.8")]
    same([reply for _, reply in have],
         ["PONG", "PONG", "ERR max number of clients reached", "PONG"])
    for c, _ in have:
        c.close()


@listener("source-strangers", '2\nproxy-from = {"127.0.0.1"}')
def _():
    have = []
    for source in ["203.0.113.7"] * 3 + ["203.0.113.8"]:
        have.append(behind("source-strangers", source))
        have[-1].s.sendall(b"*1\r\n$4\r\nPING\r\n")
    same([c.f.readline() for c in have],
         [b"+PONG\r\n"] * 2 + [b"-ERR max number of clients reached\r\n", b"+PONG\r\n"])
    for c in have:
        c.close()


@listener("login-timeout", '50ms\nproxy-from = {"127.0.0.1"}')
def _():
    stays, goes = Client(addresses["login-timeout"]), behind("login-timeout", "203.0.113.7")
    stays.s.sendall(b"PROXY UNKNOWN\r\n")
    same(goes.s.recv(100), b"")
    same(stays.ask("PING"), "PONG")
    stays.close()
    goes.close()


@row("listen.source-handshakes")
def _():
    """So many a second, and those of five seconds at once; then one source is closed."""
    port, tls = free_port(), DIRECTORY + "/handshakes-tls"
    subprocess.run([os.path.dirname(REQD) + "/reqctl", "keygen", "--server", tls], check=True,
                   capture_output=True)
    text = ('listen "tls://127.0.0.1:%d" { certificate = "%s/server.crt"  key = "%s/server.key"\n'
            'source-handshakes = 1  source-connections = 0  proxy-from = {"127.0.0.1"} }\n' %
            (port, tls, tls))
    with server("handshakes", text) as s:
        addresses["handshakes"] = ("127.0.0.1", port)
        have = []
        while "source-handshakes of the listener is reached" not in s.text():
            have.append(behind("handshakes", "203.0.113.7"))
            same(len(have) < 1000, True)
            time.sleep(0.02)
        same(len(have) > 5, True)
        other = behind("handshakes", "203.0.113.8")
        other.s.sendall(b"PING\r\n")
        same("speaks TLS" in str(other.f.readline()), True)
        for c in have + [other]:
            c.close()


def has_ipv6():
    with contextlib.suppress(OSError):
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
            return True
    return False


@row("listen.ipv6-only")
def _():
    if not has_ipv6():
        return
    both, only = free_port(), free_port()
    with server("ipv6", 'insecure-open = yes\nlisten "tcp://[::]:%d" {}\n'
                'listen "tcp://[::]:%d" { ipv6-only = yes }\n' % (both, only)):
        same(ask("PING", at=("::1", both)), "PONG")
        same(ask("PING", at=("127.0.0.1", both)), "PONG")
        same(ask("PING", at=("::1", only)), "PONG")
        try:
            Client(("127.0.0.1", only))
            fail("IPv4 reaches it")
        except ConnectionRefusedError:
            pass


@row("listen.freebind")
def _():
    text = 'insecure-open = yes\nlisten "tcp://192.0.2.77:%d" { %%s }\n' % free_port()
    s = Server("no-freebind", text % "")
    r = subprocess.run([REQD, "-c", s.conf], capture_output=True, text=True, check=False, timeout=60)
    same((r.returncode != 0, "192.0.2.77" in r.stderr), (True, True))
    with server("freebind", text % "freebind = yes"):
        pass


def inline(name):
    c = Client(addresses[name])
    c.s.sendall(b"PING\r\n")
    try:
        return c.reply()
    except Failed as error:
        return str(error)
    finally:
        c.close()


@listener("inline", "no")
def _():
    same("inline requests are not allowed" in inline("inline"), True)
    same(inline("tcp"), "PONG")


@listener("max-connections", "1")
def _():
    first = Client(addresses["max-connections"])
    same(first.ask("PING"), "PONG")
    same(ask("PING", at=addresses["max-connections"]), "ERR max number of clients reached")
    first.close()


@listener("max-arguments", "3")
def _():
    same("multibulk" in ask("ECHO", *"abc", at=addresses["max-arguments"]), True)
    same("wrong number" in ask("ECHO", *"abc", at=addresses["tcp"]), True)


@listener("argument-limit", "64")
def _():
    same("bulk" in ask("ECHO", "x" * 65, at=addresses["argument-limit"]), True)
    same(ask("ECHO", "x" * 65, at=addresses["tcp"]), "x" * 65)


@listener("request-limit", "1K\nargument-limit = 512")
def _():
    words = ["x" * 400] * 3
    same("Protocol error" in ask("ECHO", *words, at=addresses["request-limit"]), True)
    same("wrong number" in ask("ECHO", *words, at=addresses["tcp"]), True)


@listener("mode", "0600", kind="unix")
def _():
    same(os.stat(addresses["mode"]).st_mode & 0o777, 0o600)
    same(os.stat(addresses["unix"]).st_mode & 0o777, 0o666)


@listener("owner", '"daemon"', kind="unix", needs_root=True)
def _():
    same(os.stat(addresses["owner"]).st_uid, 1)
    same(os.stat(addresses["unix"]).st_uid, 0)


@listener("group", '"daemon"', kind="unix", needs_root=True)
def _():
    same(os.stat(addresses["group"]).st_gid, 1)
    same(os.stat(addresses["unix"]).st_gid, 0)


def make_key(name):
    """A private key and its certificate, as paths."""
    key, cert = "%s/%s.key" % (DIRECTORY, name), "%s/%s.crt" % (DIRECTORY, name)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-days", "30",
                    "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=60)
    os.chmod(key, 0o600)
    return key, cert


def handshake(port, version=ssl.TLSVersion.TLSv1_3):
    """The server's certificate, or "" if the handshake fails."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as s:
        try:
            with context.wrap_socket(s) as t:
                return ssl.DER_cert_to_PEM_cert(t.getpeercert(True))
        except OSError:
            return ""


@row("listen.certificate")
def _():
    (key, cert), (other_key, other_cert) = make_key("one"), make_key("two")
    ports = free_port(), free_port()
    text = 'listen "tls://127.0.0.1:%d" { certificate = "%s"  key = "%s"  %s }\n'
    with server("tls", text % (ports[0], cert, key, "") +
                text % (ports[1], other_cert, other_key, 'minimum = 1.2')):
        for port, path in zip(ports, (cert, other_cert)):
            with open(path, encoding="ascii") as f:
                same(handshake(port), f.read())
        # The row of listen.minimum
        same(bool(handshake(ports[1], ssl.TLSVersion.TLSv1_2)), True)
        same(handshake(ports[0], ssl.TLSVersion.TLSv1_2), "")
    # The row of listen.key
    same("fit" in refused("misfit", text % (ports[0], cert, other_key, "")), True)


@row("listen.key")
@row("listen.minimum")
def _():
    pass        # seen by listen.certificate


def certified_roles(port, pair):
    """The roles that the caller has who shows this key and certificate; "": no handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if pair:
        context.load_cert_chain(pair[1], pair[0])
    try:
        with context.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE)) as t:
            t.sendall(b"WHY none-such\r\nQUIT\r\n")
            text = b"".join(iter(lambda: t.recv(65536), b"")).decode()
    except OSError:
        return ""
    found = re.search(r"your roles: ?(.*)\.", text)
    return found.group(1) if found else ""


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60)


@row("listen.client-ca")
def _():
    at = DIRECTORY + "/every-"
    key, cert = make_key("one")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=ca", "-days", "30", "-keyout", at + "ca.key", "-out", at + "ca.crt")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=ops", "-keyout", at + "ops.key", "-out", at + "ops.csr")
    with open(at + "ext", "w", encoding="ascii") as f:
        f.write("subjectAltName=DNS:ops.example.org\n")
    openssl("x509", "-req", "-in", at + "ops.csr", "-CA", at + "ca.crt", "-CAkey", at + "ca.key",
            "-days", "30", "-set_serial", "7", "-extfile", at + "ext", "-out", at + "ops.crt")
    with open(at + "index", "w", encoding="ascii") as f:
        f.write("R\t491231235959Z\t200101000000Z\t07\tunknown\t/CN=ops\n")
    with open(at + "config", "w", encoding="ascii") as f:
        f.write("[ca]\ndefault_ca = it\n[it]\ndatabase = %sindex\ndefault_md = sha256\n"
                "default_crl_days = 30\n" % at)
    openssl("ca", "-config", at + "config", "-gencrl", "-cert", at + "ca.crt", "-keyfile",
            at + "ca.key", "-out", at + "crl.pem")
    ops = at + "ops.key", at + "ops.crt"
    text = 'listen "tls://127.0.0.1:%d" { certificate = "' + cert + '"  key = "' + key + '"  %s }\n'
    trust = 'client-ca = "%sca.crt" ' % at
    ports = [free_port() for _ in range(5)]
    uses = ["", trust, trust + 'client-crl = "%scrl.pem"' % at,
            trust + "client-certificate = none", trust + "client-certificate = required"]
    with server("clients", 'role "ops" { cert = {"DNS:ops.example.org"} }\n'
                'role "here" { net = {"127.0.0.1"} }\n' +
                "".join(text % both for both in zip(ports, uses))):
        # The rows of role.cert, listen.client-crl and listen.client-certificate
        same([certified_roles(port, ops) for port in ports],
             ["local here", "local ops here", "local here", "local here", "local ops here"])
        same([certified_roles(port, None) for port in ports], ["local here"] * 4 + [""])


@row("listen.client-crl")
@row("listen.client-certificate")
@row("role.cert")
def _():
    pass        # seen by listen.client-ca


@listener("name", '"named"')
def _():
    same(ask("CALL", "service-listen-b", at=addresses["name"]), "hi\n")
    same(ask("CALL", "service-listen-b", at=addresses["tcp"]).split()[0], "NOSERVICE")


# ------------------------------------------------------------------- roles ---

def roles(at):
    c = Client(at)
    text = c.ask("WHY", "none-such")
    c.close()
    return re.search(r"your roles: (.*)\.", text[text.index("why") + 1]).group(1).split()


@row("role.net")
def _():
    same(("far" in roles(addresses["tcp"]), "near" in roles(addresses["tcp"])), (False, True))


@row("role.user")
def _():
    same(("me" in roles(main.address), "other" in roles(main.address)), (True, False))


@row("role.group")
def _():
    same(("us" in roles(main.address), "them" in roles(main.address)), (True, False))


@row("role.all")
def _():
    same(("both" in roles(main.address), "all-far" in roles(main.address)), (True, False))


@row("role.login")
def _():
    same(" may not call" in why("uid:4711", "role-login"), True)
    same(" may call" in why("login:ci", "role-login-b"), True)


def limited(setting):
    """Clients of one caller whose role has this limit, and the replies to their calls."""
    port = free_port()
    text = ('listen "tcp://127.0.0.1:%d" { proxy-from = {"127.0.0.1"} }\n'
            'role "one" { net = {"203.0.113.0/24"}  %s }\n' % (port, setting))
    name = "role-" + setting.split()[0]
    with server(name, text + service_text("hi", 'allow = {"one"}') + service_text(
            "wait", 'allow = {"one"}', sh("echo x >>%s/waits; exec sleep 60" % OPEN))) as s:
        addresses[name] = ("127.0.0.1", port)

        def come(source="203.0.113.7"):
            c = behind(name, source)
            c.send("CALL", "hi")
            try:
                return c, c.reply()
            except Failed as error:
                return c, str(error)
        yield come
        same(s.process.poll(), None)


@row("role.rate")
def _():
    for come in limited("rate = 2/d"):
        same([come()[1] for _ in range(2)], ["hi\n"] * 2)
        same("'one' allows, 2/d: try again in " in come()[1], True)
        same(come("203.0.113.8")[1], "hi\n")


@row("role.calls")
def _():
    for come in limited("calls = 1"):
        c, reply = come()
        same(reply, "hi\n")
        c.send("CALL", "wait")
        until("the call runs", lambda: os.path.exists(OPEN + "/waits"))
        same("'one' allows, 1 at a time" in come()[1], True)
        same(come("203.0.113.8")[1], "hi\n")
        c.close()


@row("role.connections")
def _():
    for come in limited("connections = 2"):
        have = [come() for _ in range(3)]
        same([reply for _, reply in have[:2]], ["hi\n"] * 2)
        same("'one' allows, 2: close one" in have[2][1], True)
        same(come("203.0.113.8")[1], "hi\n")


# ---------------------------------------------------------------- services ---

def described(name):
    reply = ask("DESCRIBE", name)
    return json.dumps(reply)


@pair("service", "summary", '"Says the words"')
def _(a, b):
    same("Says the words" in described(b), True)
    same("Says the words" in described(a), False)


@pair("service", "description", '"A long text"')
def _(a, b):
    same("A long text" in described(b), True)
    same("A long text" in described(a), False)


@row("service.command")
def _():
    same(call("service-summary-a"), "hi\n")


HANDLER = """import os, sys, time
requests, out, how = sys.stdin.buffer, sys.stdout.buffer, sys.argv[1]
if how == "fd3":
    out = os.fdopen(3, "wb")
first = None
def read():
    head = requests.readline()
    if not head:
        sys.exit()
    return [requests.read(int(requests.readline()[1:]) + 2)[:-2] for _ in range(int(head[1:]))]
while True:
    words = read()
    first = first or words[0].decode()
    if how == "silent":
        time.sleep(1000)
    if words == [b"PING"]:
        out.write(b"+PONG\\r\\n")
        out.flush()
        continue
    if how == "two":
        read()
        out.write(b"+two\\r\\n")
    text = {"first": first, "words": str(len(words)), "pid": str(os.getpid())}.get(how, how)
    if how == "slow":
        time.sleep(1000)
    out.write(b"+%s\\r\\n" % text.encode())
    out.flush()
"""
IDLE = "processes { min = 0  idle = 100ms }"


def handler(how):
    return {"handler": ("/usr/bin/python3", OPEN + "/handler.py", how)}


@pair("service", "ready", "ping", lines=IDLE, handler="first")
def _(a, b):
    same((call(a), call(b)), (a, "PING"))


@row("service.handler")
def _():
    same(call("service-ready-a"), "service-ready-a")


@pair("service", "context", "yes", lines=IDLE, handler="words")
def _(a, b):
    same((call(a), call(b)), ("1", "2"))


@pair("service", "channel", "fd3", lines=IDLE + "\ntimeout = 3s", handler="fd3")
def _(a, b):
    same(call(b), "fd3")
    same(call(a)[:7] in ("HANDLER", "TIMEOUT", "UNAVAIL"), True)


@pair("service", "pipeline", "2", lines="processes { min = 0  max = 1  idle = 100ms }\ntimeout = 3s",
      handler="two")
def _(a, b):
    for name, wanted in ((a, ["TIMEOUT", "TIMEOUT"]), (b, ["two", "two"])):
        both = [Client(main.address) for _ in range(2)]
        for c in both:
            c.send("CALL", name)
        got = []
        for c in both:
            try:
                got.append(c.reply())
            except Failed as error:
                got.append(str(error).split(" ", maxsplit=1)[0])
            c.close()
        if name == a:
            same("two" in got, False)
        else:
            same(got, wanted)


@pair("service", "allow", '{"far"}', default='{"local"}')
def _(a, b):
    same(ask("CALL", b, at=addresses["tcp"]).split()[0], "NOSERVICE")
    same(ask("CALL", a, at=addresses["tcp"]), "hi\n")


@pair("service", "deny", '{"near"}')
def _(a, b):
    same(ask("CALL", b, at=addresses["tcp"]).split()[0], "NOSERVICE")
    same(ask("CALL", a, at=addresses["tcp"]), "hi\n")


@pair("service", "listen", '{"named"}')
def _(a, b):
    same(ask("CALL", b, at=addresses["tcp"]).split()[0], "NOSERVICE")
    same(ask("CALL", a, at=addresses["tcp"]), "hi\n")


@pair("service", "user", '"daemon"', default='"nobody"', command=("/usr/bin/id", "-u"),
      needs_root=True)
def _(a, b):
    same((call(a), call(b)), ("65534\n", "1\n"))


@pair("service", "group", '"daemon"', command=("/usr/bin/id", "-g"), needs_root=True)
def _(a, b):
    same((call(a), call(b)), ("65534\n", "1\n"))


@pair("service", "directory", '"/usr"', command=("/bin/pwd",))
def _(a, b):
    same((call(a), call(b)), ("/\n", "/usr\n"))


@pair("service", "sandbox", "strict", command=sh("ls /var/cache >/dev/null 2>&1; echo $?"))
def _(a, b):
    same((call(a), call(b)), ("0\n", "2\n"))


@pair("service", "sandbox-read", '{"/var/cache"}', lines="sandbox = strict",
      command=sh("ls /var/cache >/dev/null 2>&1; echo $?"))
def _(a, b):
    same((call(a), call(b)), ("2\n", "0\n"))


@pair("service", "sandbox-write", '{"/dev/shm"}', lines="sandbox = strict",
      command=sh("f=/dev/shm/reqd-every-key-$$; (: >$f) 2>/dev/null; echo $?; rm -f $f"))
def _(a, b):
    same((call(a), call(b)), ("2\n", "0\n"))


@pair("service", "umask", "077", command=sh("umask"))
def _(a, b):
    same((call(a), call(b)), ("0022\n", "0077\n"))


@pair("service", "nice", "7", command=("/usr/bin/nice",))
def _(a, b):
    own = os.getpriority(os.PRIO_PROCESS, main.process.pid)
    same((call(a), call(b)), ("%d\n" % own, "7\n"))


@pair("service", "environment", '{"COLOUR=blue"}', command=sh("echo $COLOUR"))
def _(a, b):
    same((call(a), call(b)), ("\n", "blue\n"))


@pair("service", "input", "required", command=("/bin/cat",))
def _(a, b):
    same(ask("CALL", "--stdin", b, "text"), "text")
    same(ask("CALL", "--stdin", a, "text").split()[0], "BADARG")


CONF.append(("upload", "input = required\ntimeout = 300ms", {"command": ("/usr/bin/wc", "-c")}))


@pair("service", "timeout", "20ms", command=sh("sleep 0.3; echo done"))
def _(a, b):
    same((call(a), call(b).split()[0]), ("done\n", "TIMEOUT"))
    # Input that goes on counts: a caller cannot keep a place for ever.
    c = Client(main.address)
    request = c.ask("CALL", "--open", "upload")
    until("the program takes no more", lambda: c.ask("INPUT", request, "x") == 0)
    try:
        same(c.ask("INPUT", request), "an answer")
    except Failed as error:
        same(str(error).split()[0], "TIMEOUT")
    c.close()
    until("the record says why", lambda: "the input was still coming" in main.text())


@pair("service", "kill-grace", "100ms", lines=STUBBORN_LINES, command=STUBBORN)
def _(a, b):
    del a
    if grace(b, main.address) > 4:
        fail("killed too late")


POLITE = sh('trap "echo HUP >$1; exit" HUP; trap "echo TERM >$1; exit" TERM;'
            ' while :; do sleep 0.01; done', "{file}")


# In that time a shell sets its traps on a busy machine, too.
@pair("service", "stop-signal", "HUP", lines='argument "file" {}\ntimeout = 500ms', command=POLITE)
def _(a, b):
    def signal_of(name):
        path = OPEN + "/" + name
        ask("CALL", name, path)
        until("the program ends", lambda: os.path.exists(path) and os.stat(path).st_size)
        with open(path, encoding="ascii") as f:
            return f.read()
    same((signal_of(a), signal_of(b)), ("TERM\n", "HUP\n"))


# Begins, waits until the lock of its gate is given up, and ends.
GATE = sh('echo >>"$1.began"; flock -s "$1.gate" true; echo >>"$1.done"', "{file}")
gates = {}


def gate_close(path):
    gates[path] = open(path + ".gate", "wb")
    os.chmod(path + ".gate", 0o644)
    fcntl.flock(gates[path], fcntl.LOCK_EX)


def gate_open(path):
    gates.pop(path).close()


def began(path):
    with contextlib.suppress(FileNotFoundError):
        with open(path + ".began", encoding="utf-8") as f:
            return len(f.read())
    return 0


def at_once(name, n, *arguments):
    """How many of n calls at once run, and the replies of all; "{}" is the number of a call."""
    path = OPEN + "/" + name
    gate_close(path)
    clients = [Client(main.address) for _ in range(n)]
    waiting = {}
    for i, c in enumerate(clients):
        c.send("CALL", name, path, *(a.format(i) for a in arguments))

    def settled():
        rows = []
        c = Client(main.control)
        for text in c.ask("PS"):
            rows += [json.loads(line) for line in text.splitlines()]
        c.close()
        mine = [r["state"] for r in rows if r["service"] == name]
        waiting["n"] = mine.count("waiting")
        return began(path) == mine.count("running") and began(path) > 0 and \
            waiting.get("last") == mine or waiting.update(last=mine)
    until("the calls of %s run or wait" % name, settled)
    running = began(path)
    gate_open(path)
    replies = []
    for c in clients:
        try:
            replies.append(c.reply())
        except Failed as error:
            replies.append(str(error).split(" ", maxsplit=1)[0])
        c.close()
    return running, replies


@pair("service", "concurrency", "1", lines='argument "file" {}', command=GATE)
def _(a, b):
    same(at_once(a, 3), (3, ["", "", ""]))
    same(at_once(b, 3), (1, ["", "", ""]))


@pair("service", "queue", "1", lines='argument "file" {}\nconcurrency = 1', command=GATE)
def _(a, b):
    same(at_once(a, 3), (1, ["", "", ""]))
    running, replies = at_once(b, 3)
    same((running, sorted(replies)), (1, ["", "", "BUSY"]))


@pair("service", "queue-timeout", "20ms", lines='argument "file" {}\nconcurrency = 1', command=GATE)
def _(a, b):
    same(at_once(a, 2), (1, ["", ""]))
    gate_close(OPEN + "/" + b)
    first = Client(main.address)
    first.send("CALL", b, OPEN + "/" + b)
    until("it runs", lambda: began(OPEN + "/" + b) == 1)
    same("waited too long" in call(b, OPEN + "/" + b), True)
    first.close()


@pair("service", "lock", '"{name}"', lines='argument "file" {}\nargument "name" {}',
      command=GATE + ("{name}",))
def _(a, b):
    same(at_once(a, 2, "same"), (2, ["", ""]))
    same(at_once(b, 2, "same"), (1, ["", ""]))


@pair("service", "output-limit", "4K", command=sh("head -c 5000 /dev/zero | tr '\\0' x"))
def _(a, b):
    same((len(call(a)), call(b).split()[0]), (5000, "TOOBIG"))


@pair("service", "buffering", "line", command=("/usr/bin/env",))
def _(a, b):
    same(("PYTHONUNBUFFERED" in call(a), "PYTHONUNBUFFERED" in call(b)), (False, True))


@pair("service", "on-disconnect", "finish", lines='argument "file" {}', command=GATE)
def _(a, b):
    for name in (a, b):
        gate_close(OPEN + "/" + name)
        c = Client(main.address)
        c.send("CALL", name, OPEN + "/" + name)
        until("it runs", lambda n=name: began(OPEN + "/" + n) == 1)
        c.close()

    def ps():
        c = Client(main.control)
        text = "".join(c.ask("PS"))
        c.close()
        return text
    until("the one is killed", lambda: a not in ps())
    same(b in ps(), True)
    gate_open(OPEN + "/" + b)
    until("the other one ends", lambda: os.path.exists(OPEN + "/" + b + ".done"))
    same(os.path.exists(OPEN + "/" + a + ".done"), False)


@pair("service", "idempotent", "no")
def _(a, b):
    same((call(a), call(b).split()[0]), ("hi\n", "BADARG"))


@pair("service", "verb", '{"EVERYKEY"}')
def _(a, b):
    del a, b
    same(ask("EVERYKEY"), "hi\n")
    same("unknown command" in ask("EVERYKEYS"), True)


@pair("service", "log", "none")
def _(a, b):
    call(b)
    call(a)
    until("the record of the later call", lambda: "service=%s " % a in main.text())
    same("service=%s " % b in main.text(), False)


# --------------------------------------------------------------- arguments ---

ECHO = {"command": ("/bin/echo", "{x}")}


@pair("argument", "type", "integer", **ECHO)
def _(a, b):
    same((call(a, "y"), call(b, "y").split()[0], call(b, "7")), ("y\n", "BADARG", "7\n"))


@pair("argument", "help", '"what to say"', **ECHO)
def _(a, b):
    same(("what to say" in described(a), "what to say" in described(b)), (False, True))


@pair("argument", "default", '"hello"', **ECHO)
def _(a, b):
    same((call(a).split()[0], call(b)), ("BADARG", "hello\n"))


@pair("argument", "optional", "yes", **ECHO)
def _(a, b):
    same((call(a).split()[0], call(b)), ("BADARG", "\n"))


@pair("argument", "repeat", "yes", **ECHO)
def _(a, b):
    same((call(a, "1", "2").split()[0], call(b, "1", "2")), ("BADARG", "1 2\n"))


@pair("argument", "dash", "yes", **ECHO)
def _(a, b):
    same((call(a, "-e").split()[0], "BADARG" in call(b, "-e")),
         ("BADARG", False))


@pair("argument", "secret", "yes", **ECHO)
def _(a, b):
    call(b, "xyzzy")
    call(a, "plugh")
    until("the later record", lambda: "plugh" in main.text())
    same(("xyzzy" in main.text(), "x=***" in main.text()), (False, True))


@pair("argument", "max-length", "3", **ECHO)
def _(a, b):
    same((call(a, "long"), call(b, "long").split()[0]), ("long\n", "BADARG"))


@pair("argument", "min", "5", inside="type = integer", **ECHO)
def _(a, b):
    same((call(a, "4"), call(b, "4").split()[0]), ("4\n", "BADARG"))


@pair("argument", "max", "5", inside="type = integer", **ECHO)
def _(a, b):
    same((call(a, "6"), call(b, "6").split()[0]), ("6\n", "BADARG"))


@pair("argument", "values", '{"left"}', inside="type = choice", default='{"left", "right"}', **ECHO)
def _(a, b):
    same((call(a, "right"), call(b, "right").split()[0]), ("right\n", "BADARG"))


@pair("argument", "value", '"-x"', inside="type = flag", **ECHO)
def _(a, b):
    same(call(b, "yes"), "-x\n")
    same(call(a, "yes") == "-x\n", False)


@pair("argument", "below", '"/usr"', inside="type = path", **ECHO)
def _(a, b):
    same((call(a, "/etc/x"), call(b, "/etc/x").split()[0]), ("/etc/x\n", "BADARG"))


@pair("argument", "pattern", '"[0-9]"', inside="type = pattern", default='"[a-z0-9]"', **ECHO)
def _(a, b):
    same((call(a, "q"), call(b, "q").split()[0]), ("q\n", "BADARG"))


# ------------------------------------------------------------------ limits ---

def limit(name, title):
    text = call(name)
    return re.search(r"^%s\s+(\S+)" % title, text, re.M).group(1)


LIMITS = {"command": ("/bin/cat", "/proc/self/limits")}


@pair("limits", "memory", "1G", **LIMITS)
def _(a, b):
    same(limit(b, "Max address space"), str(1 << 30))
    same(limit(a, "Max address space") == str(1 << 30), False)


@pair("limits", "cpu", "7s", **LIMITS)
def _(a, b):
    same(limit(b, "Max cpu time"), "7")
    same(limit(a, "Max cpu time") == "7", False)


@pair("limits", "files", "77", **LIMITS)
def _(a, b):
    same(limit(b, "Max open files"), "77")
    same(limit(a, "Max open files") == "77", False)


@pair("limits", "processes", "777", **LIMITS)
def _(a, b):
    same(limit(b, "Max processes"), "777")
    same(limit(a, "Max processes") == "777", False)


@pair("limits", "file-size", "5M", **LIMITS)
def _(a, b):
    same(limit(b, "Max file size"), str(5 << 20))
    same(limit(a, "Max file size") == str(5 << 20), False)


# --------------------------------------------------------------- processes ---

def pool(name):
    return [s["pool"] for s in main.status()["services"] if s["name"] == name][0]


@pair("processes", "min", "2", default="0", handler="pid")
def _(a, b):
    until("two are kept", lambda: pool(b)["processes"] == 2)
    same(pool(a)["processes"], 0)


@pair("processes", "max", "1", inside="min = 0\nidle = 100ms", lines="timeout = 2s", handler="slow")
def _(a, b):
    for name, wanted in ((b, 1), (a, 2)):
        both = [Client(main.address) for _ in range(2)]
        for c in both:
            c.send("CALL", name)
        until("%d run" % wanted, lambda n=name, w=wanted: pool(n)["busy"] == w)
        if wanted == 1:
            until("the other one waits", lambda n=name: pool(n)["waiting"] == 1)
        for c in both:
            c.close()


@pair("processes", "idle", "50ms", inside="min = 0", handler="pid")
def _(a, b):
    call(a)
    call(b)
    until("the process is given up", lambda: pool(b)["processes"] == 0)
    same(pool(a)["processes"], 1)


@pair("processes", "requests", "1", inside="min = 0\nidle = 30s", handler="pid")
def _(a, b):
    # The old process goes on until the next one is up.
    old, first = call(a), call(b)
    until("the process is replaced", lambda: call(b) != first)
    same(call(a), old)


@pair("processes", "age", "50ms", inside="min = 0\nidle = 30s", handler="pid")
def _(a, b):
    old, first = call(a), call(b)
    until("the process is replaced", lambda: call(b) != first)
    same(call(a), old)


@pair("processes", "memory", "1M", inside="min = 0\nidle = 30s", handler="pid")
def _(a, b):
    old, first = call(a), call(b)
    until("the process is replaced", lambda: call(b) != first)
    same(call(a), old)


@pair("processes", "start-timeout", "200ms", inside="min = 0", lines="ready = ping", handler="silent")
def _(a, b):
    # The default, 10 s, is over later.
    for name in (a, b):
        c = Client(main.address)
        c.send("CALL", name)
        if name == b:
            until("the start is given up", lambda: pool(b)["died"] > 0)
            same(pool(a)["died"], 0)
        else:
            until("it is started", lambda: pool(a)["started"] > 0)
            kept = c
    c.close()
    kept.close()


# ---------------------------------------------------------------- the rest ---

def keys_of(schema):
    """The keys of all tables, but for those of the canonical text alone."""
    with open(schema, encoding="utf-8") as f:
        text = f.read()
    found = set()
    for table, body in re.findall(r"struct key keys_(\w+)\[\] = \{\n(.*?)\n\};", text, re.S):
        section = "" if table == "top" else table
        for name, rest in re.findall(r'^\t\{ "([a-z0-9-]+)",(.*?)\},$', body, re.S | re.M):
            if "KEY_CANONICAL" not in rest:
                found.add("%s.%s" % (section, name))
    assert len(found) > 80, "the tables of the schema were not understood"
    return found


def check_rows(schema):
    keys = keys_of(schema)
    have = set(ROWS) | set(UNSEEN)
    for name in sorted(keys - have):
        print("%s: this key has no row in every-key.py" % name)
    for name in sorted(have - keys):
        print("%s: there is a row, and no such key" % name)
    for name in sorted(set(ROWS) & set(UNSEEN)):
        print("%s: seen and not seen" % name)
    if len(UNSEEN) > 3:
        print("too many keys without an effect that can be seen")
    return keys == have and len(UNSEEN) <= 3 and not set(ROWS) & set(UNSEEN)


def free_port():
    return int(subprocess.run([FREE_PORT], capture_output=True, check=True).stdout)


def start_main():
    """The reqd that most rows share."""
    me, group = os.geteuid(), os.getegid()
    import grp
    import pwd
    text = 'role "far" { net = {"10.0.0.0/8"} }\nrole "near" { net = {"127.0.0.0/8"} }\n' \
        'role "me" { user = {"%s"} }\nrole "other" { user = {"sync"} }\n' \
        'role "us" { group = {"%s"} }\nrole "them" { group = {"mail"} }\n' \
        'role "both" { all = {"me", "us"} }\nrole "all-far" { all = {"me", "far"} }\n' % (
            pwd.getpwuid(me).pw_name, grp.getgrgid(group).gr_name)
    for name, lines, kwargs in CONF:
        if isinstance(kwargs.get("handler"), str):
            kwargs = handler(kwargs["handler"])
        text += service_text(name, lines, **kwargs)
    LISTENERS["tcp"], LISTENERS["unix"] = ("tcp", ""), ("unix", "")
    for name, (kind, line) in LISTENERS.items():
        address = ("127.0.0.1", free_port()) if kind == "tcp" else "%s/%s.sock" % (DIRECTORY, name)
        addresses[name] = address
        text += 'listen "%s" { %s }\n' % (
            "tcp://%s:%d" % address if kind == "tcp" else "unix://" + address, line)
    return Server("main", text.replace("@DIR@", DIRECTORY)).start()


if sys.argv[1] == "--rows":
    sys.exit(not check_rows(sys.argv[2]))
_, REQD, DIRECTORY, FREE_PORT = sys.argv[1:]
LIBC = ctypes.CDLL(None)
# Programs of other accounts write here.
OPEN = DIRECTORY + "/open"
os.mkdir(OPEN)
os.chmod(OPEN, 0o777)
with open(OPEN + "/handler.py", "w", encoding="utf-8") as handler_file:
    handler_file.write(HANDLER)
os.chmod(OPEN + "/handler.py", 0o644)
for secret_name, secret in (("hook-secret", "every key"), ("hook-other", "another key")):
    with open(os.open("%s/%s" % (DIRECTORY, secret_name), os.O_WRONLY | os.O_CREAT, 0o600), "w",
              encoding="utf-8") as secret_file:
        secret_file.write(secret + "\n")
addresses = {}
main = start_main()
wrong = 0
for row_name, look in ROWS.items():
    if os.environ.get("REQD_KEYS", row_name) != row_name:
        continue
    if row_name in NEEDS_ROOT and not IS_ROOT:
        print("  %s: needs root" % row_name)
        continue
    try:
        look()
    except (AssertionError, OSError, Failed, subprocess.SubprocessError, LookupError, ValueError,
            AttributeError) as problem:
        wrong += 1
        print("%s: %s: %s" % (row_name, type(problem).__name__, problem))
main.stop()
print("%d keys seen, %d wrong" % (len(ROWS), wrong))
if wrong:
    print(main.text()[-4000:])
sys.exit(wrong > 0)
