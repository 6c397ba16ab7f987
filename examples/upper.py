# SPDX-License-Identifier: ISC
# upper: the smallest handler, for reqd-handler(7).
#
#   service "upper" {
#       handler = {"/usr/bin/python3", "/usr/share/doc/reqd/examples/upper.py"}
#       argument "text" { repeat = yes }
#       allow = {"local"}
#   }
import sys

requests, replies = sys.stdin.buffer, sys.stdout.buffer

while head := requests.readline():              # *3: three words follow
    words = []
    for _ in range(int(head[1:])):
        size = int(requests.readline()[1:])     # $5: one of five bytes
        word = requests.read(size + 2)
        if len(word) < size + 2:
            sys.exit("half a request")
        words.append(word[:-2])
    if words == [b"PING"]:
        reply = b"+PONG\r\n"
    elif words[0] == b"upper":
        text = b" ".join(words[1:]).upper()
        reply = b"$%d\r\n%s\r\n" % (len(text), text)
    else:
        reply = b"-ERR unknown command\r\n"
    replies.write(reply)
    replies.flush()
