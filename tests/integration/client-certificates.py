# SPDX-License-Identifier: ISC
"""A client of client-certificates.sh that keeps a connection while the rules change.

client-certificates.py PORT IDENTITY COMMAND
Calls the service who, runs COMMAND, calls again, and prints what came each time: the first
line of each reply.
"""
import socket
import ssl
import subprocess
import sys

port, identity, command = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.set_alpn_protocols(["reqd/1"])
if identity != "-":
    context.load_cert_chain(identity)
s = context.wrap_socket(socket.create_connection(("127.0.0.1", int(port)), timeout=60))
f = s.makefile("rb")


def who():
    s.sendall(b"CALL who\r\n")
    line = f.readline().decode().strip()
    if line.startswith("$"):
        line = f.readline().decode().strip()
        f.readline()
    return line.split(" ")[0] if line.startswith("-") else line


print(who().split(" ")[0])
subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)
print(who().split(" ")[0])
