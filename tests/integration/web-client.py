#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Clients of http.sh that need more than a command line.

    web-client.py clients PORT
    web-client.py requests PORT TOKEN-FILE
    web-client.py key PORT IDENTITY TOKEN-FILE COMMAND
    web-client.py hostile PORT RAN
    web-client.py cut PORT COPY
    web-client.py reload PORT REQCTL CONTROL
"""
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

PATIENCE = float(os.environ.get("REQD_TEST_PATIENCE", "20"))


def check(got, wanted):
    if got != wanted:
        sys.exit("got %r, not %r" % (got, wanted))


def connect(port):
    s = socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE)
    return s, s.makefile("rb")


def read_answer(f):
    """The status, the fields and the body of one answer; None at the end."""
    line = f.readline()
    if not line:
        return None
    status = int(line.split()[1])
    fields = {}
    while True:
        line = f.readline().decode().rstrip("\r\n")
        if not line:
            break
        name, value = line.split(": ", 1)
        fields[name.lower()] = value
    if status == 100:
        return read_answer(f)
    return status, fields, f.read(int(fields.get("content-length", "0")))


def ask(port, data):
    """All that comes for these bytes, until the server closes or has answered once."""
    s, f = connect(port)
    try:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        return f.read()
    except ConnectionError:
        return b""
    finally:
        s.close()


def clients(port):
    at = "http://127.0.0.1:%s" % port
    with urllib.request.urlopen(at + "/call/echo?text=x") as r:
        check((r.status, r.read()), (200, b"x\n"))
    body = json.dumps({"text": "\u00fc"}).encode()
    question = urllib.request.Request(at + "/call/echo", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(question) as r:
        check(r.read(), b"\xc3\xbc\n")
    try:
        urllib.request.urlopen(at + "/call/nothing", b"")
        sys.exit("no error")
    except urllib.error.HTTPError as e:
        # There are logins here, and this caller has shown none.
        check((e.code, e.headers["Content-Type"]), (401, "application/problem+json"))
        check(json.load(e)["code"], "NOSERVICE")
    try:
        import requests as http
    except ImportError:
        return
    with http.Session() as s:
        check(s.post(at + "/call/echo", json={"text": "a"}).text, "a\n")
        check(s.post(at + "/call/echo", data={"text": "b"}).text, "b\n")
        check(s.post(at + "/call/cat", data=iter([b"one", b"two"])).text, "onetwo")
        got = s.post(at + "/call/fail", headers={"Accept": "application/json"})
        check((got.status_code, got.json()["result"]["status"]), (500, 3))
        with s.post(at + "/call/ticks", headers={"Reqd-Stream": "raw"}, stream=True) as r:
            check(list(r.iter_lines()), [b"1", b"2", b"3"])


def requests(port, token_file):
    """One connection, with and without a token in turns."""
    with open(token_file, encoding="ascii") as f:
        token = f.read().strip()
    s, f = connect(port)
    field = "Authorization: Bearer %s\r\n" % token
    for i in range(6):
        s.sendall(("GET /whoami HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n%s\r\n" %
                   (port, field if i % 2 else "")).encode())
        status, _, body = read_answer(f)
        check((status, json.loads(body)["caller"]),
              (200, "login:alice" if i % 2 else "addr:127.0.0.1"))
    s.close()


def key(port, identity, token_file, change):
    """Known by the key of its certificate, and by a token in between, until the key goes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(identity)
    s = context.wrap_socket(connect(port)[0])
    f = s.makefile("rb")
    with open(token_file, encoding="ascii") as token:
        field = "Authorization: Bearer %s\r\n" % token.read().strip()

    def get(path, more=""):
        s.sendall(("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n%s\r\n" % (path, port, more)).encode())
        status, _, body = read_answer(f)
        return status, json.loads(body) if path == "/whoami" else body
    for more, caller in (("", "carol"), ("", "carol"), (field, "alice"), ("", "carol")):
        check(get("/whoami", more)[1]["caller"], "login:" + caller)
    check(get("/call/echo?text=x"), (200, b"x\n"))
    subprocess.run(change, shell=True, check=True, stdout=subprocess.DEVNULL)
    # The caller is nobody now; above all not its address, which has a role.
    check(get("/whoami")[1]["roles"], [])
    for _ in range(2):
        status, body = get("/call/echo?text=x")
        check((status, b"no longer" in body), (401, True))
    check(get("/whoami", field)[1]["caller"], "login:alice")
    s.close()


def hostile(port, ran):
    host = "Host: 127.0.0.1:%s\r\n" % port
    inner = "POST /call/note HTTP/1.1\r\n%s\r\n" % host
    chunked = "POST /call/cat HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n" % host
    post = "POST /call/note HTTP/1.1\r\n%s" % host
    attacks = [
        # two lengths, and lengths that programs read differently
        post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
        post + "Content-Length: 0\r\nContent-Length: 4\r\n\r\n" + inner,
        post + "Content-Length: 0, 4\r\n\r\n" + inner,
        post + "Content-Length: +0\r\n\r\n" + inner,
        post + "Content-Length: 0x0\r\n\r\n" + inner,
        post + "Content-Length: 00\r\n\r\n" + inner,
        post + "Content-Length : 0\r\n\r\n" + inner,
        post + "Content-Length: 0\nX: y\r\n\r\n" + inner,
        post + "Content-Length: \r\n\r\n" + inner,
        post + "Content_Length: 5\r\nContent-Length: -1\r\n\r\n" + inner,
        post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner,
        post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + inner,
        post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
        post + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + inner,
        post + "Transfer-Encoding\r\n: chunked\r\n\r\n0\r\n\r\n" + inner,
        "POST /call/note HTTP/1.0\r\n%sTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % host + inner,
        # lines
        "POST /call/note HTTP/1.1\n%s\n" % host,
        "\r\nPOST /call/note HTTP/1.1\r\n%s\r\n" % host,
        post + " folded: x\r\n\r\n",
        post + "X: a\rb\r\n\r\n",
        post + "X: a\x00b\r\n\r\n",
        "POST /call/note HTTP/1.1\r\n%s%s\r\n" % (host, host),
        "POST /call/note HTTP/1.1\r\nHost: a b\r\n\r\n",
        "POST /call/note HTTP/1.1\r\n\r\n",
        "POST /call/note\r\n\r\n",
        "POST  /call/note HTTP/1.1\r\n%s\r\n" % host,
        "POST /call/note HTTP/1.2\r\n%s\r\n" % host,
        "POST /call/note HTTP/2.0\r\n%s\r\n" % host,
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        # targets
        "POST /call/../call/note HTTP/1.1\r\n%s\r\n" % host,
        "POST /call/%%2e%%2e/call/note HTTP/1.1\r\n%s\r\n" % host,
        "POST /call/note%%00 HTTP/1.1\r\n%s\r\n" % host,
        "POST /call%%2Fnote HTTP/1.1\r\n%s\r\n" % host,
        "POST //call/note HTTP/1.1\r\n%s\r\n" % host,
        "POST /call/note/ HTTP/1.1\r\n%s\r\n" % host,
        "POST /call/note#x HTTP/1.1\r\n%s\r\n" % host,
        "POST http://evil.example/call/note HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "POST http://evil.example/call/note HTTP/1.1\r\n%s\r\n" % host,
        "CONNECT 127.0.0.1:80 HTTP/1.1\r\n%s\r\n" % host,
        "GET /call/note HTTP/1.1\r\n%s\r\n" % host,
        "GET /call/note HTTP/1.1\r\n%sContent-Length: 1\r\n\r\nx" % host,
        "POST /call/note HTTP/1.1\r\n%sX-HTTP-Method-Override: GET\r\nOrigin: null\r\n\r\n" % host,
        # much
        "POST /%s HTTP/1.1\r\n%s\r\n" % ("a" * 9000, host),
        post + "".join("X-%d: y\r\n" % i for i in range(200)) + "\r\n",
        post + "X: %s\r\n\r\n" % ("a" * 9000),
        post + "Content-Type: application/json\r\nContent-Length: 99999999\r\n\r\n",
        post + "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n" + "[" * 100000,
        # chunks
        chunked + "\r\n0x1\r\nA\r\n0\r\n\r\n" + inner,
        chunked + "\r\n1;a=b\r\nA\r\n0\r\n\r\n" + inner,
        chunked + "\r\n1 \r\nA\r\n0\r\n\r\n" + inner,
        chunked + "\r\n-1\r\nA\r\n0\r\n\r\n" + inner,
        chunked + "\r\n1\r\nAB\r\n0\r\n\r\n" + inner,
        chunked + "\r\n1\nA\n0\n\n" + inner,
        chunked + "\r\n0\r\nX: y\r\n\r\n" + inner,
        chunked + "\r\n100000000\r\nA",
        # other protocols
        "*1\r\n$4\r\nPING\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "SSH-2.0-x\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n" + inner, "\x00" * 100,
    ]
    for attack in attacks:
        got = ask(port, attack.encode("latin-1"))
        statuses = re.findall(rb"^HTTP/1\.1 (\d+)", got, re.M)
        if b"200" in statuses:
            sys.exit("%r got %r" % (attack[:200], got[:200]))
    with open(ran, encoding="ascii") as f:
        before = len(f.readlines())
    # The server is well, and a true request of the same kind runs.
    s, f = connect(port)
    s.sendall((post + "\r\n").encode())
    check(read_answer(f)[0], 200)
    s.close()
    with open(ran, encoding="ascii") as f:
        check(len(f.readlines()), before + 1)
    # Nothing of the bodies above has run: pages_start_nothing has left one line.
    check(before, 1)


def cut(port, copy):
    """Goes in the middle of an input that a program copies."""
    s, _ = connect(port)
    s.sendall(b"POST /call/copy HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
              b"Content-Length: 10\r\n\r\nbegin" % int(port))
    end = time.monotonic() + PATIENCE
    while os.stat(copy).st_size < 5 and time.monotonic() < end:
        time.sleep(0.01)
    s.close()


def reload(port, reqctl, control):
    kept = [connect(port) for _ in range(8)]
    head = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    for _ in range(3):
        for s, f in kept:
            s.sendall(head)
            check(read_answer(f)[0], 200)
        subprocess.run([reqctl, "--control", control, "reload"], check=True,
                       stdout=subprocess.DEVNULL)
    for s, f in kept:
        s.sendall(head)
        check(read_answer(f)[0], 200)
        s.close()


if __name__ == "__main__":
    {"clients": clients, "requests": requests, "hostile": hostile,
     "key": key, "cut": cut, "reload": reload}[sys.argv[1]](*sys.argv[2:])
