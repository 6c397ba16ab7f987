# SPDX-License-Identifier: ISC
"""A client of client-certificates.sh that keeps a connection while the rules change.

client-certificates.py PORT IDENTITY STEP...
Each STEP is a command of the shell, a request that begins with ":" and whose reply is not
shown, or "who": calls the service who and prints the first word of what came, over each of
eight connections, and once where all got the same.
"""
import socket
import ssl
import subprocess
import sys

port, identity, *steps = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.set_alpn_protocols(["reqd/1"])
if identity != "-":
    context.load_cert_chain(identity)


class Client:
    def __init__(self):
        self.s = context.wrap_socket(socket.create_connection(("127.0.0.1", int(port)), timeout=60))
        self.f = self.s.makefile("rb")

    def ask(self, request):
        self.s.sendall(request.encode() + b"\r\n")
        line = self.f.readline().decode().strip()
        if line.startswith("$"):
            line = self.f.readline().decode().strip()
            self.f.readline()
        return line.split(" ")[0]


clients = [Client() for _ in range(8)]
for step in steps:
    if step == "who":
        print(*sorted({c.ask("CALL who") for c in clients}))
    elif step.startswith(":"):
        for c in clients:
            c.ask(step[1:])
    else:
        subprocess.run(step, shell=True, check=True, stdout=subprocess.DEVNULL)
