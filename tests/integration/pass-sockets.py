#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""pass-sockets: hands listening sockets over as systemd does.

    pass-sockets.py [-p PID] [NAME=KIND:ADDRESS]... -- PROGRAM [ARG]...

KIND is tcp (HOST:PORT), unix (PATH) or udp (HOST:PORT). The sockets block, as
those of a socket unit do. PID is what $LISTEN_PID says, else the truth. "@FILE@"
in a NAME stands for the device and number of a unix socket's file, as reqd names
the sockets that it has kept.
"""

import os
import socket
import sys


def opened(spec):
    kind, address = spec.split(":", 1)
    if kind == "unix":
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.bind(address)
        os.chmod(address, 0o666)
    else:
        host, port = address.rsplit(":", 1)
        s = socket.socket(
            socket.AF_INET6 if ":" in host else socket.AF_INET,
            socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM,
        )
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((host, int(port)))
    if kind != "udp":
        s.listen(64)
    s.setblocking(True)
    return s.detach()


def name_of(name, spec):
    if "@FILE@" not in name:
        return name
    st = os.lstat(spec.split(":", 1)[1])
    return name.replace("@FILE@", f"{st.st_dev:x}-{st.st_ino:x}")


def main():
    args = sys.argv[1:]
    pid = str(os.getpid())
    if args[0] == "-p":
        pid = args[1]
        args = args[2:]
    end = args.index("--")
    named = [spec.split("=", 1) for spec in args[:end]]
    # First all of them at high numbers, so that none is in another's way.
    high = [os.dup2(opened(spec), 100 + i) for i, (_, spec) in enumerate(named)]
    names = [name_of(name, spec) for name, spec in named]
    os.closerange(3, 100)
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i)
        os.close(fd)
    os.environ["LISTEN_PID"] = pid
    os.environ["LISTEN_FDS"] = str(len(named))
    os.environ["LISTEN_FDNAMES"] = ":".join(names)
    os.execv(args[end + 1], args[end + 1 :])


main()
