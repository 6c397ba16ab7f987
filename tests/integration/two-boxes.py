# SPDX-License-Identifier: ISC
"""two-boxes.py HOST PORT CERTIFICATE DIR: a client that stays. Reads the line of grant from
standard input, logs in, calls "disk", makes DIR/first, waits for DIR/go, and calls again on
the same connection. Prints the beginnings of both answers."""
import os
import socket
import ssl
import sys
import time

host, port, certificate, directory = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
login, token = sys.stdin.readline().split("@")[0].split("://")[1].split(":")
context = ssl.create_default_context(cafile=certificate)
context.check_hostname = False
s = context.wrap_socket(socket.create_connection((host, port), 30))
f = s.makefile("rb")


def ask(*words):
    s.sendall(b"*%d\r\n" % len(words) + b"".join(
        b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words))
    line = f.readline()[:-2].decode()
    if line.startswith("$"):
        f.read(int(line[1:]) + 2)
    return line


if ask("AUTH", login, token) != "+OK":
    sys.exit("no login")
first = ask("CALL", "disk")
open(os.path.join(directory, "first"), "w").close()
end = time.monotonic() + 60
while not os.path.exists(os.path.join(directory, "go")) and time.monotonic() < end:
    time.sleep(.01)
print(first[:1], ask("CALL", "disk"))
