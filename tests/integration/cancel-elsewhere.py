#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Cancels a request through another worker than the one that has it.

    cancel-elsewhere.py PORT|PATH ID WORKER

Connects until another worker than WORKER has accepted, and prints the reply
to CANCEL there. The number of a connection names the worker.
"""
import socket
import sys

where, call, worker = sys.argv[1], sys.argv[2], int(sys.argv[3])
for _ in range(1000):
    if where.isdigit():
        s = socket.create_connection(("127.0.0.1", int(where)))
    else:
        s = socket.socket(socket.AF_UNIX)
        s.connect(where)
    with s, s.makefile("rwb") as f:
        f.write(b"CLIENT ID\r\n")
        f.flush()
        if int(f.readline()[1:]) >> 40 == worker:
            continue
        f.write(b"CANCEL %s\r\n" % call.encode())
        f.flush()
        print(f.readline().decode().strip())
        sys.exit(0)
sys.exit("always the same worker")
