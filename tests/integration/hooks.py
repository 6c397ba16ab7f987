#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Senders of hooks.sh.

    hooks.py makers PORT DIR        each maker's signature, and each bit of it changed
    hooks.py cut PORT DIR           deliveries in pieces, and halves of them
    hooks.py crowd PORT             bodies of which the oldest gives way
    hooks.py memory PID TEXT        only web workers below PID have the text in their memory
"""
import base64
import glob
import hashlib
import hmac
import http.client
import os
import re
import socket
import sys
import time

PATIENCE = float(os.environ.get("REQD_TEST_PATIENCE", "20"))
BODY = b'{"ref":"refs/heads/main","after":"%s","type":"push","data":{"ref":"refs/x","after":"%s"}}'


def check(got, wanted, what=""):
    if got != wanted:
        sys.exit("%s: got %r, not %r" % (what, got, wanted))


def mac(key, data, hash=hashlib.sha256):
    return hmac.new(key, data, hash)


class Maker:
    """A maker: the path, the body, its fields, and the names of those that are signed."""

    def __init__(self, path, body, fields, signed, status=202):
        self.path, self.body, self.fields, self.signed = path, body, fields, signed
        self.status = status


def makers(secrets, word, now):
    """Genuine deliveries whose body has this word."""
    body = BODY % (word, word)
    first, token = secrets["gh"], secrets["token"].decode()
    stamp = str(now)
    key = base64.b64decode(secrets["std"][len("whsec_"):])
    id = "msg_" + word.decode()
    std = mac(key, b"%s.%s.%s" % (id.encode(), stamp.encode(), body)).digest()
    form = b"text=refs/slack&user=x"
    slack = mac(first, b"v0:%s:%s" % (stamp.encode(), form)).hexdigest()
    stripe = mac(first, stamp.encode() + b"." + body).hexdigest()
    own = mac(first, body, hashlib.sha512).digest()
    json = {"Content-Type": "application/json"}
    return [
        Maker("/hook/deploy/std", body,
              {**json, "webhook-id": id, "webhook-timestamp": stamp,
               "webhook-signature": "v1," + base64.b64encode(std).decode()},
              ["webhook-signature", "webhook-timestamp", "webhook-id"], 200),
        Maker("/hook/deploy/stripe", body,
              {**json, "Stripe-Signature": "t=%s,v1=%s" % (stamp, stripe)}, ["Stripe-Signature"]),
        Maker("/hook/deploy/slack?commit=" + word.decode(), form,
              {"Content-Type": "application/x-www-form-urlencoded",
               "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=" + slack},
              ["X-Slack-Signature", "X-Slack-Request-Timestamp"], 200),
        Maker("/hook/deploy/gitlab", body, {**json, "X-Gitlab-Token": token}, ["X-Gitlab-Token"]),
        Maker("/hook/deploy/own", body,
              {**json, "X-Own": "v=" + base64.b64encode(own).decode()}, ["X-Own"]),
        Maker("/hook/deploy/bearer", body, {**json, "Authorization": "Bearer " + token},
              ["Authorization"], 200),
        Maker("/hook/build/gh", b'{"ref":"refs/heads/main","main":"%s"}' % word,
              {**json, "X-Hub-Signature-256": "sha256=" +
               mac(first, b'{"ref":"refs/heads/main","main":"%s"}' % word).hexdigest()},
              ["X-Hub-Signature-256"]),
    ]


class Sender:
    """A connection that is made anew when the server has closed it."""

    def __init__(self, port):
        self.port = int(port)
        self.conn = None

    def send(self, path, body, fields):
        for _ in range(2):
            if self.conn is None:
                self.conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE * 5)
            try:
                self.conn.request("POST", path, body, fields)
                answer = self.conn.getresponse()
                answer.read()
                if answer.getheader("connection") == "close":
                    self.conn.close()
                    self.conn = None
                return answer.status
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.conn = None
        sys.exit("%s: no answer" % path)


def lines(dir):
    with open(dir + "/ran") as f:
        return f.read().splitlines()


def await_lines(dir, n):
    due = time.monotonic() + PATIENCE
    while len(lines(dir)) < n:
        if time.monotonic() > due:
            sys.exit("there are %d lines, not %d" % (len(lines(dir)), n))
        time.sleep(0.02)
    check(len(lines(dir)), n)


def changed(value):
    """The value with each bit changed in turn, as far as a field may have the result."""
    for i in range(len(value)):
        for bit in range(8):
            byte = ord(value[i]) ^ 1 << bit
            if 0x21 <= byte < 0x7f:
                yield value[:i] + chr(byte) + value[i + 1:]


def run_makers(port, dir):
    secrets = {}
    for name in ("gh", "gh2", "std", "token"):
        with open("%s/secrets/%s" % (dir, name), "rb") as f:
            secrets[name] = f.read().rstrip(b"\n")
    before = len(lines(dir))
    sender = Sender(port)
    tried = 0
    for m in makers(secrets, b"forged", int(time.time())):
        for field in m.signed:
            for value in changed(m.fields[field]):
                status = sender.send(m.path, m.body, {**m.fields, field: value})
                check(status, 401, "%s with %s: %s" % (m.path, field, value))
                tried += 1
            fields = {k: v for k, v in m.fields.items() if k != field}
            check(sender.send(m.path, m.body, fields), 401, m.path + " without " + field)
        if field not in ("X-Gitlab-Token", "Authorization"):
            for i in range(len(m.body)):
                body = m.body[:i] + bytes([m.body[i] ^ 1]) + m.body[i + 1:]
                check(sender.send(m.path, body, m.fields), 401, m.path + " with another body")
                tried += 1
    for off in (-400, 400):
        for m in makers(secrets, b"stale", int(time.time()) + off)[:3]:
            check(sender.send(m.path, m.body, m.fields), 401, m.path + " from another time")
    check(len(lines(dir)), before, "forged deliveries have run")
    genuine = makers(secrets, b"true", int(time.time()))
    for m in genuine:
        check(sender.send(m.path, m.body, m.fields), m.status, m.path)
    await_lines(dir, before + len(genuine))
    # Tokens sign nothing; all others are known again.
    for m in genuine:
        check(sender.send(m.path, m.body, m.fields), m.status, m.path)
    await_lines(dir, before + len(genuine) + 2)
    print("%d forged deliveries" % tried)


def genuine(word, body=None, extra=""):
    """The bytes of a delivery for the webhook "own" of the service "deploy"."""
    body = BODY % (word, word) if body is None else body
    own = base64.b64encode(mac(b"first secret", BODY % (word, word), hashlib.sha512).digest())
    length = "Content-Length: %d\r\n" % len(body) if "chunked" not in extra else ""
    return ("POST /hook/deploy/own HTTP/1.1\r\nHost: reqd.example\r\nX-Own: v=%s\r\n%s%s\r\n" %
            (own.decode(), length, extra)).encode() + body


def run_cut(port, dir):
    before = len(lines(dir))
    whole = genuine(b"cut")

    def begin():
        return socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE * 5)

    # A half of a delivery is none, wherever it is cut, and whether its sender goes or waits.
    for i in range(0, len(whole), 3):
        s = begin()
        s.sendall(whole[:i])
        s.shutdown(socket.SHUT_WR)
        s.recv(100)
        s.close()
    # The body may be shorter or longer than what is signed: then the signature does not fit.
    for body in (BODY % (b"cut", b"cut"))[:-1], (BODY % (b"cut", b"cut")) + b" ", b"":
        s = begin()
        s.sendall(genuine(b"cut", body, "Connection: close\r\n"))
        check(s.makefile("rb").readline().split()[1], b"401", "another length")
    check(len(lines(dir)), before, "halves have run")
    # Two in one piece, and a third one in chunks of a byte.
    body = BODY % (b"third", b"third")
    chunks = b"".join(b"1\r\n%c\r\n" % c for c in body) + b"0\r\n\r\n"
    s = begin()
    s.sendall(genuine(b"first") + genuine(b"second") +
              genuine(b"third", chunks, "Transfer-Encoding: chunked\r\nConnection: close\r\n"))
    answers = s.makefile("rb").read()
    check(answers.count(b"HTTP/1.1 202 "), 3, "answers to three deliveries")
    await_lines(dir, before + 3)


def run_crowd(port):
    """More bytes of bodies than there is room for: nobody has signed them."""
    path, size = "/hook/deploy/stripe", 5 << 20
    head = ("POST %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nStripe-Signature: t=1,v1=%s\r\n"
            "Content-Length: %d\r\n\r\n" % (path, port, "0" * 64, size)).encode()
    crowd = []
    for _ in range(4):
        s = socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE * 5)
        s.sendall(head + b"x" * (size - 1))
        crowd.append(s)
    check(crowd[0].makefile("rb").readline().split()[1], b"503", "the oldest body")
    for s in crowd[1:]:
        s.sendall(b"x")
        check(s.makefile("rb").readline().split()[1], b"401", "a later body")


def has_text(pid, text):
    try:
        with open("/proc/%s/maps" % pid) as maps, open("/proc/%s/mem" % pid, "rb") as mem:
            for line in maps:
                m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
                if not m or "[v" in line:
                    continue
                start, end = (int(x, 16) for x in m.groups())
                try:
                    mem.seek(start)
                    if text in mem.read(end - start):
                        return True
                except (OSError, ValueError, OverflowError):
                    continue
    except PermissionError:
        sys.exit(0)     # only root may look
    return False


def run_memory(master, text):
    found = set()
    for path in glob.glob("/proc/[0-9]*/status"):
        try:
            with open(path) as f:
                status = f.read()
            pid = path.split("/")[2]
            if pid != master and "\nPPid:\t%s\n" % master not in status:
                continue
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                title = f.read().rstrip(b"\0").decode()
        except OSError:
            continue
        if has_text(pid, text.encode()):
            found.add(re.sub(r"[0-9]+$", "N", title))
    check(found, {"reqd: web N"}, "who has the secrets")


VERBS = {"makers": run_makers, "crowd": run_crowd, "cut": run_cut, "memory": run_memory}
VERBS[sys.argv[1]](*sys.argv[2:])
