#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""reload-rules: whose rules hold for whom when they change under running requests.

    reload-rules.py DIR PORT REQCTL TEST

DIR has base.conf, to which services are added, and is where reqd reads its
reqd.conf; TEST is one of the functions below; status 0 when it went well.
"""

import json
import os
import socket
import subprocess
import sys
import time

DIR, PORT, REQCTL = sys.argv[1], int(sys.argv[2]), sys.argv[3]
PATIENCE = 20


def waits_for(file):
    """Shell text that waits for a file of DIR: for a minute at most."""
    path = "%s/%s" % (DIR, file)
    return ("for i in $(seq 3000); do ! test -e %s || break; sleep 0.02; done; "
            "test -e %s || exit 99" % (path, path))


# Says that it has begun, waits for a file, answers. $1 names both files.
WAITER = "touch %s/began-$1-$$; %s; echo $2" % (DIR, waits_for("go-$1"))

HANDLER = """
import os, sys, time
def text():
    n = int(sys.stdin.buffer.readline()[1:])
    data = sys.stdin.buffer.read(n + 2)[:-2].decode()
    return data
while True:
    line = sys.stdin.buffer.readline()
    if not line:
        break
    words = [text() for _ in range(int(line[1:]))]
    if len(words) > 1 and words[-1] != "now":
        open("%s/began-%%s-%%d" %% (words[-1], os.getpid()), "w").close()
        for _ in range(3000):
            if os.path.exists("%s/go-" + words[-1]):
                break
            time.sleep(0.02)
    sys.stdout.write("$%%d\\r\\n%%s\\r\\n" %% (len(sys.argv[1]), sys.argv[1]))
    sys.stdout.flush()
""" % (DIR, DIR)


def command(name, answer="old", extra="", allow='"local"'):
    return """
service "%s" {
    command = {"/bin/sh", "-c", "%s", "sh", "{key}", "%s"}
    argument "key" { type = name }
    allow = {%s}
    %s
    %s
}
""" % (name, WAITER.replace('"', '\\"'), answer, allow, user(), extra)


def handler(name, answer="old", extra="", minimum=1):
    return """
service "%s" {
    handler = {"/usr/bin/python3", "%s/handler.py", "%s"}
    processes { min = %d  max = 2  idle = 100ms }
    argument "key" { type = name }
    allow = {"local"}
    %s
    %s
}
""" % (name, DIR, answer, minimum, user(), extra)


def user():
    return 'user = "nobody"' if os.getuid() == 0 else ""


def reload(*services, replace=None):
    with open(DIR + "/base.conf") as f:
        base = f.read()
    if replace:
        assert replace[0] in base
        base = base.replace(*replace)
    with open(DIR + "/next.conf", "w") as f:
        f.write(base + "".join(services))
    os.rename(DIR + "/next.conf", DIR + "/reqd.conf")
    done = subprocess.run([REQCTL, "--control", DIR + "/control.sock", "reload"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Client:
    def __init__(self, address=("127.0.0.1", PORT)):
        if isinstance(address, str):
            self.s = socket.socket(socket.AF_UNIX)
            self.s.connect(address)
        else:
            self.s = socket.create_connection(address)
        self.s.settimeout(PATIENCE)
        self.f = self.s.makefile("rb")

    def send(self, *words):
        data = b"*%d\r\n" % len(words)
        for w in words:
            data += b"$%d\r\n%s\r\n" % (len(w), w.encode())
        self.s.sendall(data)
        return self

    def reply(self):
        line = self.f.readline().decode().rstrip()
        assert line, "the connection was closed"
        if line[0] == "$":
            return self.f.read(int(line[1:]) + 2)[:-2].decode().rstrip("\n")
        return line

    def ask(self, *words):
        return self.send(*words).reply()

    def call(self, *words):
        return self.ask("CALL", *words)


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def began(key):
    return len([n for n in os.listdir(DIR) if n.startswith("began-%s-" % key)])


def running(key, n=1):
    until(lambda: began(key) >= n)


def go(key):
    open(DIR + "/go-" + key, "w").close()


def equal(got, wanted):
    assert got == wanted, "got %r, wanted %r" % (got, wanted)


def starts(got, wanted):
    assert got.startswith(wanted), "got %r, wanted %r..." % (got, wanted)


# ------------------------------------------------------------- commands ---

def timeout_of_a_command():
    """The deadline that a request began with is its deadline."""
    reload(command("x", extra="timeout = 60s"))
    c = Client().send("CALL", "x", "timeout")
    running("timeout")
    reload(command("x", extra="timeout = 200ms"))
    starts(Client().call("x", "never"), "-TIMEOUT")
    go("timeout")
    equal(c.reply(), "old")
    # And the other way: a longer one comes too late.
    c = Client().send("CALL", "x", "shorter")
    running("shorter")
    reload(command("x", extra="timeout = 60s"))
    starts(c.reply(), "-TIMEOUT")


def output_limit_of_a_command():
    many = """
service "x" {
    command = {"/bin/sh", "-c", "touch %s/began-limit-$$; %s; printf 12345678"}
    allow = {"local"}
    %s
    %s
}
"""
    reload(many % (DIR, waits_for("go-limit"), user(), ""))
    c = Client().send("CALL", "x")
    running("limit")
    reload(many % (DIR, waits_for("go-limit"), user(), "output-limit = 4"))
    go("limit")
    equal(c.reply(), "12345678")
    starts(Client().call("x"), "-TOOBIG")


def removed_while_it_runs():
    reload(command("x"), handler("y"))
    calls = [Client().send("CALL", name, "gone") for name in ("x", "y")]
    running("gone", 2)
    reload()
    calls[0].send("CALL", "x", "gone")
    starts(Client().call("x", "gone"), "-NOSERVICE")
    starts(Client().call("y", "gone"), "-NOSERVICE")
    go("gone")
    for c in calls:
        equal(c.reply(), "old")
    starts(calls[0].reply(), "-NOSERVICE")


def added_and_changed_while_another_runs():
    reload(command("x"))
    c = Client().send("CALL", "x", "added")
    running("added")
    reload(command("x", "new"), command("a", "one"), handler("b", "two"))
    go("added")
    equal(Client().call("a", "added"), "one")
    equal(Client().call("b", "now"), "two")
    equal(Client().call("x", "added"), "new")
    equal(c.reply(), "old")


# ------------------------------------------------- concurrency and queue ---

def more_at_a_time():
    """Who waits for a place has it when there are more places."""
    reload(command("x", extra="concurrency = 1  queue = 5"))
    calls = [Client().send("CALL", "x", "more") for _ in range(3)]
    running("more")
    reload(command("x", extra="concurrency = 3  queue = 5"))
    running("more", 3)
    go("more")
    for c in calls:
        equal(c.reply(), "old")


def fewer_at_a_time():
    """What runs goes on; what waits, waits for the last of the places."""
    reload(command("x", extra="concurrency = 3  queue = 5"))
    calls = [Client().send("CALL", "x", "fewer") for _ in range(3)]
    running("fewer", 3)
    reload(command("x", extra="concurrency = 1  queue = 1"))
    queued = Client().send("CALL", "x", "fewer")
    until(lambda: waiting(1))
    starts(Client().call("x", "fewer"), "-BUSY")
    equal(began("fewer"), 3)
    go("fewer")
    for c in calls + [queued]:
        equal(c.reply(), "old")


def waiting(n):
    out = subprocess.run([REQCTL, "--control", DIR + "/control.sock", "--json", "status"],
                         capture_output=True, text=True, timeout=60).stdout
    return json.loads(out)["broker"]["queued"] == n


def no_queue_any_more():
    """Who waits already is not sent away."""
    reload(command("x", extra="concurrency = 1  queue = 5"))
    calls = [Client().send("CALL", "x", "queue") for _ in range(3)]
    running("queue")
    until(lambda: waiting(2))
    reload(command("x", extra="concurrency = 1  queue = 0"))
    starts(Client().call("x", "queue"), "-BUSY")
    go("queue")
    for c in calls:
        equal(c.reply(), "old")


def removed_while_it_waits():
    reload(command("x", extra="concurrency = 1  queue = 5"))
    calls = [Client().send("CALL", "x", "waits") for _ in range(3)]
    running("waits")
    until(lambda: waiting(2))
    reload()
    starts(Client().call("x", "waits"), "-NOSERVICE")
    go("waits")
    for c in calls:
        equal(c.reply(), "old")


def queue_timeout():
    reload(command("x", extra="concurrency = 1  queue = 5  queue-timeout = 60s"))
    first = Client().send("CALL", "x", "qtime")
    running("qtime")
    queued = Client().send("CALL", "x", "qtime")
    until(lambda: waiting(1))
    reload(command("x", extra="concurrency = 1  queue = 5  queue-timeout = 100ms"))
    starts(Client().call("x", "qtime"), "-BUSY")
    go("qtime")
    equal(first.reply(), "old")
    equal(queued.reply(), "old")


def lock_given_up():
    """Who waits for a lock goes on waiting for it; who comes without one does not."""
    reload(command("x", extra='lock = "one"'))
    first = Client().send("CALL", "x", "lock")
    running("lock")
    queued = Client().send("CALL", "x", "lock")
    until(lambda: waiting(1))
    reload(command("x", "new"))
    third = Client().send("CALL", "x", "lock")
    running("lock", 2)
    go("lock")
    equal(first.reply(), "old")
    equal(queued.reply(), "old")
    equal(third.reply(), "new")


# ------------------------------------------------------------- handlers ---

def handler_changed_while_it_answers():
    reload(handler("x"))
    c = Client().send("CALL", "x", "handler")
    running("handler")
    reload(handler("x", "new"))
    equal(Client().call("x", "now"), "new")
    go("handler")
    equal(c.reply(), "old")
    equal(c.call("x", "now"), "new")


def handler_limits():
    """The deadline of a call of a handler, likewise."""
    reload(handler("x"))
    c = Client().send("CALL", "x", "deadline")
    running("deadline")
    reload(handler("x", extra="timeout = 200ms"))
    starts(Client().call("x", "never"), "-TIMEOUT")
    go("deadline")
    equal(c.reply(), "old")


def command_becomes_handler():
    reload(command("x"))
    c = Client().send("CALL", "x", "kind")
    running("kind")
    reload(handler("x", "new"))
    equal(Client().call("x", "now"), "new")
    go("kind")
    equal(c.reply(), "old")


def handler_becomes_command():
    reload(handler("x"))
    c = Client().send("CALL", "x", "back")
    running("back")
    reload(command("x", "new"))
    d = Client().send("CALL", "x", "back")
    running("back", 2)
    go("back")
    equal(c.reply(), "old")
    equal(d.reply(), "new")


def a_bad_handler_refuses_the_reload():
    """And nothing of it stays."""
    reload(command("x"))
    bad = handler("y").replace("/handler.py", "/not-there.py")
    try:
        reload(command("x", "new"), bad)
    except AssertionError as e:
        assert "y" in str(e), e
    else:
        assert False, "it was taken"
    go("bad")
    equal(Client().call("x", "bad"), "old")
    starts(Client().call("y", "now"), "-NOSERVICE")


def a_bad_handler_says_how_it_ended():
    """Whoever hears of it first, the worker that asks it or the runner."""
    reload(command("x"))
    for i in range(10):
        bad = handler("y%d" % i, extra="ready = ping").replace("/handler.py", "/not-there.py")
        try:
            reload(command("x"), bad)
        except AssertionError as e:
            assert "exit status 2 before its first answer" in str(e), e
        else:
            assert False, "it was taken"


# ---------------------------------------------------------------- rights ---

LOCAL = 'role "local" { net = {"127.0.0.0/8", "unix"} }'


def right_removed():
    """The next request of a connection is judged by the rules of its time."""
    go("right")
    reload(command("x"))
    c = Client()
    equal(c.call("x", "right"), "old")
    reload(command("x", allow='"other"'), 'role "other" { net = {"10.0.0.0/8"} }\n')
    starts(c.call("x", "right"), "-NOSERVICE")
    equal(c.ask("PING"), "+PONG")
    reload(command("x"))
    equal(c.call("x", "right"), "old")


def role_removed():
    """A caller loses the role that it had; of a net, and of an account."""
    go("role")
    service = command("x", allow='"local", "me"')
    me = 'role "me" { user = {"%s"} }\n' % os.environ.get("REQD_TEST_ACCOUNT", "root")
    path = DIR + "/reqd.sock"
    by_net, by_account = Client(), Client(path)
    nobody = (LOCAL, 'role "local" { net = {"10.0.0.0/8"} }')
    reload(service, me)
    for c in (by_net, by_account):
        equal(c.call("x", "role"), "old")
    reload(service, me, replace=nobody)
    starts(by_net.call("x", "role"), "-NOSERVICE")
    equal(by_account.call("x", "role"), "old")
    # Bytes that are in the socket already are judged when they are read.
    by_net.send("CALL", "x", "role")
    reload(service, me)
    assert by_net.reply()[:4] in ("old", "-NOS")
    equal(by_net.call("x", "role"), "old")
    reload(service.replace('"local", "me"', '"local"'), replace=nobody)
    starts(by_net.call("x", "role"), "-NOSERVICE")


def right_removed_while_it_runs():
    """What was let in ends; what follows on the connection is refused."""
    reload(command("x"))
    c = Client().send("CALL", "x", "inside").send("CALL", "x", "inside")
    running("inside")
    reload(command("x", allow='"other"'), 'role "other" { net = {"10.0.0.0/8"} }\n')
    go("inside")
    equal(c.reply(), "old")
    starts(c.reply(), "-NOSERVICE")


def verbs_follow():
    """Verbs that services have bound, on a connection that knows the old ones."""
    go("verb")
    reload(command("x", extra='verb = {"DO.IT"}'))
    c = Client()
    equal(c.ask("DO.IT", "verb"), "old")
    reload(command("x"))
    starts(c.ask("DO.IT", "verb"), "-ERR")
    reload(command("y", "new", extra='verb = {"DO.IT"}'))
    equal(c.ask("DO.IT", "verb"), "new")


def request_limits_follow():
    """The limits of a listener hold for its connections from their next request on."""
    go("limits")
    reload(command("x"))
    c = Client()
    equal(c.call("x", "limits"), "old")
    was = 'listen "tcp://127.0.0.1:%d" {}' % PORT
    reload(command("x"), replace=(was, was.replace("{}", "{ max-arguments = 2 }")))
    starts(c.call("x", "limits"), "-ERR Protocol error")


def main():
    with open(DIR + "/handler.py", "w") as f:
        f.write(HANDLER)
    os.chmod(DIR + "/handler.py", 0o644)
    globals()[sys.argv[4]]()


main()
