#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A handler with input, good and bad at taking it.

The first argument of the program is "pushed" where the input is. The second
word of a request says what to do; every good answer is "WHAT BYTES PROCESS".
"""
import os
import sys
import time

requests, replies = sys.stdin.buffer, sys.stdout.buffer
is_pushed = "pushed" in sys.argv[1:]


def send(data):
    replies.write(data)
    replies.flush()


def message():
    head = requests.readline()
    words = []
    for _ in range(int(head[1:]) if head else 0):
        words.append(requests.read(int(requests.readline()[1:]) + 2)[:-2])
    return head[:1], words


def pieces(words):
    if not is_pushed:
        yield words[2] if len(words) > 2 else b""
        return
    while piece := message()[1][1]:
        yield piece


while True:
    kind, words = message()
    if kind == b">":
        continue
    if not kind:
        break
    if words == [b"PING"]:
        send(b"+PONG\r\n")
        continue
    what = words[1].decode()
    size = 0
    for piece in pieces(words):
        size += len(piece)
        if what == "die":
            sys.exit(1)
        if what == "first":
            break
        if what == "show":
            send(b">3\r\n+output\r\n+stdout\r\n$%d\r\n%s\r\n" % (len(piece), piece))
    if what == "sleep":
        time.sleep(1000)
    send(b"+%s %d %d\r\n" % (words[1], size, os.getpid()))
    if what == "first" and size > 1 << 15:
        time.sleep(0.2)         # so that more is under way
