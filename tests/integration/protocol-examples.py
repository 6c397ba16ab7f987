#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Plays the examples of PROTOCOL.md on one connection.

    protocol-examples.py PROTOCOL.md PORT

"C:" is sent, "S:" (with its continuation lines) must come back. Ids and
times differ from run to run: an id of the document stands for the first one
that comes in its place, the number behind "usec" for any. "..." stands for
anything.
"""
import re
import socket
import sys


def unescape(text):
    return (text.replace(r"\r", "\r").replace(r"\n", "\n"))


def exchanges(path):
    section = open(path, encoding="utf-8").read().split("## 9. Examples")[1].split("\n## ")[0]
    sent, wanted = [], []
    for line in section.splitlines():
        if line.startswith("    C: "):
            if wanted:
                yield sent, wanted
                sent, wanted = [], []
            sent.append(line[7:])
        elif line.startswith("    S: "):
            wanted.append(line[7:])
        elif line.startswith("       ") and wanted:
            wanted.append(line[7:])
    yield sent, wanted


ID = r"[0-9a-f]{16}"


def pattern(lines):
    """What must come, as a regular expression; blanks between values are the document's."""
    out = ""
    for line in lines:
        if line == "(closed)":
            continue
        for piece in re.split(r"(?<=\\r\\n)", line):
            piece = re.sub(r"^ (?=[$:_%#>*+-])", "", piece)
            if piece.strip() == "...":
                out += "(?s:.*)"
            elif piece.strip():
                out += re.escape(unescape(piece)).replace(r"\.\.\.", "(?s:.*)")
    out = re.sub(r"(usec\\\r\\\n:)\d+", r"\1\\d+", out)
    return re.sub(ID, ID.replace("\\", "\\\\"), out)


def main():
    sock = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    sock.settimeout(20)
    last_id, failed, count = None, 0, 0
    for sent, wanted in exchanges(sys.argv[1]):
        # In an inline request only the end of the line is meant, quotes keep theirs.
        text = "".join(unescape(s) if s[0] == "*" else s.removesuffix(r"\n") + "\n" for s in sent)
        if last_id and text.startswith("INPUT"):
            text = re.sub(ID, last_id, text)
        sock.sendall(text.encode())
        expect, got = re.compile(pattern(wanted)), ""
        try:
            while not expect.fullmatch(got):
                data = sock.recv(65536)
                if not data:
                    break
                got += data.decode()
        except socket.timeout:
            pass
        count += 1
        if not expect.fullmatch(got):
            failed += 1
            print("FAIL:", repr(text), "\n wanted", repr("".join(wanted)), "\n got   ", repr(got))
        elif re.match(r"\+" + ID, got):
            last_id = got[1:17]
        if "(closed)" in wanted and sock.recv(1) != b"":
            failed += 1
            print("FAIL: not closed after", repr(text))
    print(count, "exchanges,", failed, "wrong")
    return 1 if failed or count < 10 else 0


sys.exit(main())
