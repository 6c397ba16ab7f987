# SPDX-License-Identifier: ISC
# sum: a checksum of any amount of data, which is never held in memory as a
# whole; "reqctl call -i FILE sum" or "... | reqctl call sum md5".
#
#   service "sum" {
#       handler = {"/usr/bin/python3", "/usr/share/doc/reqd/examples/sum.py"}
#       processes { min = 1  max = 4 }
#       ready = ping
#       input = pushed
#       argument "algorithm" { default = "sha256" }
#       allow = {"local"}
#   }
import hashlib, os, sys

# ---- for every handler in Python: serve({b"name": function}) ----
def encode(v):
    if v is None or isinstance(v, bool):
        return {None: b"_\r\n", True: b"#t\r\n", False: b"#f\r\n"}[v]
    if isinstance(v, (int, float)):
        return b"%c%s\r\n" % (b":" if isinstance(v, int) else b",", repr(v).encode())
    if isinstance(v, dict):
        return b"%%%d\r\n" % len(v) + b"".join(encode(x) for item in v.items() for x in item)
    if isinstance(v, (list, tuple)):
        return b"*%d\r\n" % len(v) + b"".join(map(encode, v))
    v = v if isinstance(v, bytes) else v.encode()
    return b"$%d\r\n%s\r\n" % (len(v), v)

def read(source, size=0):  # a line, or so many bytes, and CRLF
    data = source.read(size + 2) if size else source.readline()
    return data[:-2] if len(data) >= size + 2 and data[-2:] == b"\r\n" else sys.exit("cut off")

def message(source):  # "*" or ">", and its words
    head = read(source)
    return head[:1], [read(source, int(read(source)[1:])) for _ in range(int(head[1:]))]

def pushed():  # the input where it is pushed, piece by piece
    while piece := message(sys.stdin.buffer)[1][1]:
        yield piece

def answer(commands, name, *arguments):
    if name not in commands:
        return b"+PONG\r\n" if name == b"PING" else b"-ERR unknown command\r\n"
    try:
        return encode(commands[name](*arguments))
    except Exception as e:
        return b"-ERR %s\r\n" % " ".join(str(e).split()).encode(errors="replace")

def serve(commands):
    channel = int(os.environ.get("REQD_CHANNEL", 1))
    source, replies = sys.stdin.buffer, open(os.dup(channel), "wb")
    os.dup2(2, 1)  # what is printed goes to the log
    while source.peek(1):
        kind, words = message(source)
        if kind == b"*":  # else input that nobody has asked for
            replies.write(answer(commands, *words))
            replies.flush()
# ---- end of that part ----

def checksum(algorithm):
    h = hashlib.new(algorithm.decode())
    for piece in pushed():
        h.update(piece)
    return h.hexdigest()

serve({b"sum": checksum})
