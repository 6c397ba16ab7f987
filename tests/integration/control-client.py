#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""control-client: what a control socket must live through.

    control-client.py PATH TEST

TEST is one of the functions below; status 0 when it went well.
"""

import array
import os
import random
import socket
import sys

PATH = sys.argv[1]
PING = b"*1\r\n$4\r\nPING\r\n"


def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Without a time-out, connect() waits for room in the queue.
    s.connect(PATH)
    s.settimeout(20)
    return s


def read_all(s):
    data = b""
    while True:
        try:
            more = s.recv(65536)
        except ConnectionResetError:
            return data
        if not more:
            return data
        data += more


def still_answers():
    """Perhaps not before the ends of others have been noticed."""
    reply = b"-ERR max"
    while reply.startswith(b"-ERR max"):
        s = connect()
        try:
            s.sendall(PING)
            reply = s.recv(100)
        except (BrokenPipeError, ConnectionResetError):
            pass
        s.close()
    assert reply == b"+PONG\r\n"


def garbage():
    """Malformed bytes close their own connection and no other."""
    bystander = connect()
    rng = random.Random(7)
    samples = [b"*1\r\n$-2\r\n", b"*99999999999\r\n", b"$5\r\nhello\r\n", b"GET / HTTP/1.0\r\n\r\n",
               b"\x16\x03\x01\x02\x00\x01", b"*1\r\n$4\r\nPINGxx", b"*2\r\n$4\r\nPING\r\n$1000000\r\n",
               b"*9\r\n" + 9 * b"$1\r\nx\r\n", b"\0" * 5000, b"'" * 70000 + b"\r\n"]
    samples += [bytes(rng.randrange(256) for _ in range(rng.randrange(1, 400))) + b"\r\n" for _ in range(100)]
    for sample in samples:
        s = connect()
        try:
            s.sendall(sample)
            s.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        reply = read_all(s)
        assert reply == b"" or (reply[:1] in b"-*$+:" and reply.endswith(b"\r\n")), (sample, reply)
        s.close()
    bystander.sendall(PING)
    assert bystander.recv(100) == b"+PONG\r\n"


def truncated():
    """A request cut after every byte, and sent byte by byte."""
    whole = b"*2\r\n$4\r\nKILL\r\n$16\r\n0000000000000000\r\n"
    for n in range(len(whole)):
        s = connect()
        s.sendall(whole[:n])
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == b""
    s = connect()
    for i in range(len(whole)):
        s.sendall(whole[i : i + 1])
    assert s.recv(100) == b":0\r\n"


def many():
    """100 at once: some are told that there are enough, none is left hanging."""
    all_of_them = [connect() for _ in range(100)]
    good = full = 0
    for s in all_of_them:
        try:
            s.sendall(PING)
            reply = s.recv(100)
        except (BrokenPipeError, ConnectionResetError):
            reply = b"-ERR max number of clients"
        good += reply == b"+PONG\r\n"
        full += reply.startswith(b"-ERR max number of clients")
    assert good == 32 and full == 68, (good, full)
    for s in all_of_them:
        s.close()


def descriptors():
    """Descriptors that come along go nowhere."""
    for _ in range(50):
        s = connect()
        fds = array.array("i", [0] * 100)
        s.sendmsg([PING], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        assert s.recv(100) == b"+PONG\r\n"
        s.close()


def pipeline():
    """Many requests in one write, each with its own answer, in their order."""
    s = connect()
    part = b"PING\r\nPS\r\nRELOAD\r\nWHY nothing uid:0\r\nKILL 0000000000000000\r\n"
    s.sendall(part * 20 + b"STATUS\r\nQUIT\r\nPING\r\n")
    data = read_all(s)
    assert data.count(b"+PONG\r\n") == 20
    assert data.count(b"-NOSERVICE") == 20
    assert data.count(b'{"ok":') == 20
    assert data.count(b'{"version"') == 1
    assert data.endswith(b"+OK\r\n")


def half_close():
    """Who sends no more still gets his answers."""
    for request in b"STATUS\r\n", b"RELOAD\r\nPS\r\nRELOAD\r\nPING\r\n":
        s = connect()
        s.sendall(request)
        s.shutdown(socket.SHUT_WR)
        data = read_all(s)
        assert data.startswith(b"$"), data
        assert request.startswith(b"STATUS") or data.endswith(b"+PONG\r\n"), data


def vanish():
    """Clients that go in the middle of waiting."""
    for i in range(60):
        s = connect()
        s.sendall((b"RELOAD\r\n", b"PS\r\n", b"KILL 0000000000000000\r\n")[i % 3] * (1 + i % 5))
        s.close()


def never_read():
    """A client that reads nothing holds up nobody."""
    s = connect()
    s.setblocking(False)
    try:
        while True:
            s.send(b"STATUS\r\n" * 500)
    except BlockingIOError:
        pass
    still_answers()
    s.close()


globals()[sys.argv[2]]()
still_answers()
os._exit(0)
