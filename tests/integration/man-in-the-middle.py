# SPDX-License-Identifier: ISC
"""man-in-the-middle.py PORT SERVER CERTIFICATE KEY DIR: stands between reqctl and a server.

Accepts at PORT and does with each connection what the file DIR/mode says:

    pass    hands the bytes on, both ways
    own     speaks TLS itself, with a certificate and a key of its own, and hands on what it reads
    old     the same with TLS 1.2
    clear   answers in the clear
    alter   hands the bytes on, and changes one of each record of the client

DIR/raw gets all bytes of clients as they come, DIR/heard those that could be read behind TLS,
and DIR/did a line for each connection.
"""
import os
import socket
import ssl
import sys
import threading

port, server = int(sys.argv[1]), int(sys.argv[2])
certificate, key, directory = sys.argv[3:]


def note(name, data):
    with open(os.path.join(directory, name), "ab") as f:
        f.write(data)


def pump(source, target, names=(), alters=False):
    try:
        while data := source.recv(65536):
            for name in names:
                note(name, data)
            # Behind the handshake: type 23 is what both keep secret.
            if alters and data[0] == 23:
                data = data[:-1] + bytes([data[-1] ^ 1])
            target.sendall(data)
    except OSError:
        pass
    finally:
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def record(client, name):
    try:
        while data := client.recv(65536):
            note(name, data)
    except OSError:
        pass


def upstream():
    return socket.create_connection(("127.0.0.1", server))


def both_ways(client, other, names, alters=False):
    back = threading.Thread(target=pump, args=(other, client), daemon=True)
    back.start()
    pump(client, other, names, alters)
    back.join()


def terminate(client, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.maximum_version = version
    context.set_alpn_protocols(["reqd/1"])
    trust = ssl.create_default_context()
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE
    try:
        inner = context.wrap_socket(client, server_side=True)
        other = trust.wrap_socket(upstream())
    except OSError as e:
        return "no TLS: %s" % e
    both_ways(inner, other, ("heard",))
    return "TLS of its own"


def serve(client, mode):
    what = mode
    if mode in ("own", "old"):
        what = terminate(client, ssl.TLSVersion.TLSv1_2 if mode == "old" else ssl.TLSVersion.TLSv1_3)
    elif mode == "clear":
        client.sendall(b"+OK\r\n" * 8)
        record(client, "raw")
    else:
        both_ways(client, upstream(), ("raw",), mode == "alter")
    note("did", what.encode() + b"\n")
    client.close()


listener = socket.create_server(("127.0.0.1", port))
note("ready", b"")
while True:
    accepted, _ = listener.accept()
    with open(os.path.join(directory, "mode"), encoding="ascii") as f:
        asked = f.read().strip()
    threading.Thread(target=serve, args=(accepted, asked), daemon=True).start()
