#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# with_h11: compares requests that reqd takes, and their plain form (httpdiff.c), with what
# h11 reads. httpdiff writes the requests to standard input.
import re
import struct
import sys

import h11
from h11._connection import _keep_alive


def left_out(name):
    return b"_" in name or name == b"proxy"


def read(data):
    """Returns the plain form, or None if the request is not whole at its end alone."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data[:-1])
    event = connection.next_event()
    head, body, is_last = None, b"", False
    while True:
        if event is h11.NEED_DATA and not is_last:
            is_last = True
            connection.receive_data(data[-1:])
        elif event is h11.NEED_DATA or event is h11.PAUSED:
            return None
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            if not is_last:
                return None
            break
        event = connection.next_event()
    version = head.http_version[-1:]
    lines = [head.method + b" " + head.target + b" " + version + b"\n"]
    lines += [n + b":" + v + b"\n" for n, v in head.headers if not left_out(n)]
    kept = b"1" if _keep_alive(head) else b"0"
    return b"".join(lines) + b"\n" + kept + b"\n" + body


def forget(plain):
    """Makes the plain form say nothing about the connection."""
    head, _, rest = plain.partition(b"\n\n")
    return head + b"\n\n-" + rest[1:]


def plainer(plain):
    """Writes the value of Transfer-Encoding in small letters, as h11 does."""
    return re.sub(rb"(?<=\ntransfer-encoding:)chunked(?=\n)", b"chunked", plain, flags=re.I)


def main():
    same = refused = differ = 0
    stdin = sys.stdin.buffer
    while True:
        lengths = stdin.read(8)
        if len(lengths) < 8:
            break
        n, m = struct.unpack("<II", lengths)
        data, plain = stdin.read(n), plainer(stdin.read(m))
        try:
            got = read(data)
        except h11.RemoteProtocolError as e:
            refused += 1
            if refused <= 5:
                print("h11 refuses", data, e)
            continue
        # h11 never keeps a connection of HTTP/1.0.
        if got is not None and (b"\n\n-\n" in plain or b" HTTP/1.0\r\n" in data):
            got, plain = forget(got), forget(plain)
        if got == plain:
            same += 1
        else:
            differ += 1
            if differ <= 20:
                print("h11 reads this otherwise:", data, plain, got, sep="\n  ")
    print(f"h11: {same} the same, {refused} refused, {differ} read otherwise")
    return 1 if differ > 0 else 0


sys.exit(main())
