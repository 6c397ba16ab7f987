# SPDX-License-Identifier: ISC
"""Tokens, lines of the file of logins, and a client, made without any code of reqd."""
import base64
import hashlib
import os
import socket


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_token():
    body = "reqd_" + b64(os.urandom(32))
    return body + b64(hashlib.sha256(body.encode()).digest()[:3])


def secret_of(token):
    return "token$" + b64(hashlib.sha256(token.encode()).digest())


class Client:
    """A connection that speaks RESP2; a closed one answers None."""

    def __init__(self, address, source=None):
        if isinstance(address, str):
            self.s = socket.socket(socket.AF_UNIX)
            self.s.connect(address)
        else:
            self.s = socket.create_connection(address, 30, source)
        self.s.settimeout(30)
        self.f = self.s.makefile("rb")

    def send(self, *words):
        out = b"*%d\r\n" % len(words)
        for w in words:
            w = w if isinstance(w, bytes) else w.encode()
            out += b"$%d\r\n%s\r\n" % (len(w), w)
        self.s.sendall(out)

    def receive(self):
        line = self.f.readline()
        if not line:
            return None
        kind, rest = line[:1], line[1:-2]
        if kind in b"+-":
            return line[:-2].decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            return self.f.read(int(rest) + 2)[:-2].decode("utf-8", "replace")
        return [self.receive() for _ in range(int(rest))]

    def ask(self, *words):
        self.send(*words)
        return self.receive()

    def close(self):
        self.f.close()
        self.s.close()
