#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A proxy in one program: sends headers of the PROXY protocol, right ones and wrong ones.

    proxy.py ACTION PORT TLS-PORT CERTIFICATE LIMITED-PORT CROWDED-PORT
"""
import ipaddress
import os
import resource
import socket
import ssl
import struct
import sys
import time

PATIENCE = float(os.environ.get("REQD_TEST_PATIENCE", "20"))
PORT, TLS_PORT, CERTIFICATE = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
LIMITED, CROWDED = int(sys.argv[5]), int(sys.argv[6])
SIGN = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source, port=4242):
    family = "TCP%d" % ipaddress.ip_address(source).version
    other = "198.51.100.1" if family == "TCP4" else "2001:db8::1"
    return ("PROXY %s %s %s %d 7373\r\n" % (family, source, other, port)).encode()


def v2(source, port=4242, more=b""):
    packed = ipaddress.ip_address(source).packed
    body = packed + packed[:-1] + b"\1" + struct.pack("!HH", port, 7373) + more
    return SIGN + bytes([0x21, 0x11 if len(packed) == 4 else 0x21]) + struct.pack("!H", len(body)) + body


LOCAL = SIGN + b"\x20\0\0\0"
UNKNOWN = b"PROXY UNKNOWN\r\n"


def request(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words)


class Client:
    def __init__(self, header=b"", port=PORT, own=("127.0.0.1", 0)):
        self.s = socket.create_connection(("127.0.0.1", port), PATIENCE, own)
        self.s.sendall(header)
        self.own = "%s:%d" % self.s.getsockname()
        self.f = self.s.makefile("rb")

    def wrap(self):
        context = ssl.create_default_context(cafile=CERTIFICATE)
        self.s = context.wrap_socket(self.s, server_hostname="localhost")
        self.f = self.s.makefile("rb")

    def reply(self):
        line = self.f.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return None if rest == b"-1" else self.f.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        return (kind + rest).decode()

    def ask(self, *words):
        self.s.sendall(request(*words))
        return self.reply()

    def whoami(self):
        reply = self.ask("WHOAMI")
        return dict(zip(reply[::2], reply[1::2]))

    def end(self):
        """Everything until the end of the connection."""
        try:
            return self.f.read()
        except ConnectionResetError:
            return b""

    def close(self):
        self.f.close()
        self.s.close()


def same(got, wanted):
    if got != wanted:
        raise AssertionError("got %r, not %r" % (got, wanted))


def is_client(c, address, port=4242):
    me = c.whoami()
    same((me["caller"], me["peer"], me["via"]),
         ("addr:" + address, ("[%s]:%d" if ":" in address else "%s:%d") % (address, port), c.own))
    same("far" in me["roles"], address.startswith("203.0.113."))
    same("local" in me["roles"], False)


def is_own(c):
    me = c.whoami()
    same((me["caller"], me["peer"], me["via"]), ("addr:127.0.0.1", c.own, None))
    same("local" in me["roles"], True)


def right():
    for make in v1, v2:
        for address in "203.0.113.7", "192.0.2.8", "2001:db8::7":
            c = Client(make(address))
            is_client(c, address)
            c.close()
    c = Client(v2("203.0.113.7", 1, b"\3\0\4abcd" + b"\4\2\0" + bytes(512)))
    is_client(c, "203.0.113.7", 1)
    same(c.ask("CALL", "far-echo", "hi"), "hi\n")
    same(c.ask("CALL", "echo", "hi")[:10], "-NOSERVICE")
    # Plain lines are for callers on this machine, which this one is not.
    c.s.sendall(b"PING\r\n")
    same("inline requests are not allowed" in c.reply(), True)
    c.close()
    for header in LOCAL, UNKNOWN:
        c = Client(header)
        is_own(c)
        c.s.sendall(b"PING\r\n")
        same(c.reply(), "+PONG")
        c.close()


def pieces():
    for header in v1("203.0.113.7"), v2("203.0.113.7"):
        # Byte by byte, with the first request.
        c = Client()
        c.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in header + request("PING"):
            c.s.sendall(bytes([byte]))
        same(c.reply(), "+PONG")
        is_client(c, "203.0.113.7")
        c.close()
        # In one piece, with requests and the end of input behind it.
        c = Client(header + request("ECHO", "x") + request("CALL", "far-echo", "y") + request("QUIT"))
        c.s.shutdown(socket.SHUT_WR)
        same(c.end(), b"$1\r\nx\r\n$2\r\ny\n\r\n+OK\r\n")
        c.close()
        # The beginning of a request may look like a second header.
        c = Client(header)
        for part in b"\r\n\r\n", request("PING"):
            c.s.sendall(part)
        same(c.reply(), "+PONG")
        c.close()
    # A proxy that only looks whether somebody is there.
    Client().close()


def wrong():
    # The log has the first 20 of a second.
    bad = [
        v1("203.0.113.7") * 2, v2("203.0.113.7") * 2, v1("203.0.113.7") + v2("203.0.113.7"),
        LOCAL + v1("203.0.113.7"), UNKNOWN + LOCAL,
        request("PING"), b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\1\0\5hello", b"PROXY TCP4 1\r\n",
        v1("127.0.0.1"), v2("127.0.0.1"), v1("::1"), v2("::1"), v1("0.0.0.0"), v2("::"),
        v1("224.0.0.1"), v2("ff02::1"), v1("::ffff:127.0.0.1"), v2("::ffff:127.0.0.1"),
        SIGN + b"\x21\x31\0\xd8" + bytes(216), SIGN + b"\x21\x11\0\x04abcd", SIGN + b"\x31\x11\0\x0c",
        SIGN + b"\x21\x11\xff\xff", b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
    ]
    for header in bad:
        c = Client(header + request("PING"))
        same(c.end(), b"")
        c.close()
    c = Client(v1("203.0.113.7"))
    for byte in v1("203.0.113.7"):
        try:
            c.s.sendall(bytes([byte]))
        except OSError:
            break
    same(c.end(), b"")
    c.close()
    # Cut off in the middle.
    c = Client(v2("203.0.113.7")[:20])
    c.s.shutdown(socket.SHUT_WR)
    same(c.end(), b"")
    c.close()
    print(len(bad) + 2)


def late():
    for header in b"", b"PROXY TCP4 203.0.", SIGN + b"\x21":
        begun = time.monotonic()
        c = Client(header)
        same(c.end(), b"")
        c.close()
        took = time.monotonic() - begun
        if not 0.9 < took < 0.9 + PATIENCE / 2:
            raise AssertionError("closed after %.2f s" % took)
    # Each byte in time does not help when the whole is late.
    begun = time.monotonic()
    c = Client()
    c.s.settimeout(0.2)
    for byte in v1("203.0.113.7"):
        try:
            c.s.sendall(bytes([byte]))
            if c.s.recv(1) == b"":
                break
        except socket.timeout:
            pass
        except OSError:
            break
    else:
        raise AssertionError("a header of %.1f s was taken" % (time.monotonic() - begun))
    c.close()
    # With the header in time, the first request may come later.
    c = Client(v1("203.0.113.7"))
    same(Client().end(), b"")
    same(c.ask("PING"), "+PONG")
    c.close()


def elsewhere():
    """From an address that is no proxy a header is a request like any other, a bad one."""
    c = Client(own=("127.0.0.9", 0))
    me = c.whoami()
    same((me["caller"], me["via"]), ("addr:127.0.0.9", None))
    c.close()
    c = Client(v1("203.0.113.7"), own=("127.0.0.9", 0))
    same(c.end(), b"")
    c.close()


def tls():
    for header in v1("203.0.113.7"), v2("2001:db8::7"):
        c = Client(header, TLS_PORT)
        own = c.own
        c.wrap()
        c.own = own
        is_client(c, "203.0.113.7" if header.startswith(b"PROXY") else "2001:db8::7")
        c.close()
    c = Client(LOCAL, TLS_PORT)
    c.wrap()
    is_own(c)
    c.close()
    # Without a header, with two, and with one inside.
    for header in b"", v1("203.0.113.7") * 2:
        c = Client(header, TLS_PORT)
        try:
            c.wrap()
        except (ssl.SSLError, OSError):
            c.close()
            continue
        raise AssertionError("a handshake behind %r" % header)
    c = Client(v1("203.0.113.7"), TLS_PORT)
    c.wrap()
    c.s.sendall(v1("198.51.100.9"))
    same(c.end(), b"")
    c.close()


def shares():
    """One client behind the proxy gets no more than its share, another one still gets in."""
    have = []
    for n in range(1, 100):
        c = Client(v1("203.0.113.7", n) + request("PING"))
        first = c.reply()
        if first != "+PONG":
            break
        have.append(c)
    same("three quarters" in first, True)
    same(4 <= len(have) <= 18, True)
    other = Client(v1("203.0.113.8") + request("PING"))
    same(other.reply(), "+PONG")
    own = Client(LOCAL + request("PING"))
    same(own.reply(), "+PONG")
    for c in have + [other, own]:
        c.close()


def sources():
    """Of one source only so many connections, on a listener of its own; loopback is exempt."""
    have = [Client(v1("203.0.113.7", n) + request("PING"), LIMITED) for n in range(1, 6)]
    same([c.reply() for c in have], ["+PONG"] * 3 + ["-ERR max number of clients reached"] * 2)
    # An IPv6 network of 64 bits is one source, an address in another one is not.
    six = ["2001:db8::%x" % n for n in range(1, 5)] + ["2001:db8:0:1::1"]
    more = [Client(v2(address) + request("PING"), LIMITED) for address in six]
    same([c.reply() for c in more],
         ["+PONG"] * 3 + ["-ERR max number of clients reached", "+PONG"])
    own = [Client(UNKNOWN + request("PING"), LIMITED) for _ in range(6)]
    same([c.reply() for c in own], ["+PONG"] * 6)
    # Room that one gives back is there again.
    have[0].close()
    end = time.monotonic() + PATIENCE
    again = "-"
    while again != "+PONG" and time.monotonic() < end:
        c = Client(v1("203.0.113.7") + request("PING"), LIMITED)
        again = c.reply()
        c.close()
    same(again, "+PONG")
    for c in have[1:] + more + own:
        c.close()


def strangers():
    """Who has no role is closed after login-timeout, who has one stays."""
    known, other = Client(v1("203.0.113.7"), LIMITED), Client(v1("192.0.2.8"), LIMITED)
    same(known.ask("PING"), "+PONG")
    other.s.sendall(request("PING"))
    same(other.end(), b"+PONG\r\n")
    same(known.ask("PING"), "+PONG")
    known.close()
    other.close()


def crowd():
    """A worker holds 1024 strangers; one more, and the oldest is closed, but no known caller."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    known = Client(v1("203.0.113.7"), CROWDED)
    same(known.ask("PING"), "+PONG")
    have = []
    for n in range(1, 1031):
        have.append(Client(v1("198.51.100.9", n) + request("PING"), CROWDED))
        same(have[-1].reply(), "+PONG")
    same([c.end() for c in have[:6]], [b""] * 6)
    same([c.ask("PING") for c in (have[6], have[-1], known)], ["+PONG"] * 3)
    for c in have + [known]:
        c.close()


globals()[sys.argv[1]]()
