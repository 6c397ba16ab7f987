#!/bin/sh
# SPDX-License-Identifier: ISC
# full-worker: a worker that has as many connections as it may have leaves new ones
# to workers that have room, and refuses nobody.
workers=2
. "${srcdir:-.}/tests/integration/lib.sh"
need /usr/bin/python3
need prlimit
# One caller gets no more than its share, so it takes several to fill a worker.
[ $is_root = yes ] || skip "only root can be several callers"
service true '"/bin/true"'
start_reqd prlimit --nofile=256

lopsided() {
	/usr/bin/python3 - "$dir/reqd.sock" <<-'END'
	import os, socket, sys

	N_CALLERS = 12
	turn = 0

	def ask(s, *words):
	    s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
	    got = b""
	    while not got.endswith(b"\r\n") or (got[:1] == b"$" and len(got) < int(got[1:got.index(b"\r")])):
	        more = s.recv(65536)
	        if not more:
	            break
	        got += more
	    return got

	# Each connection is of another account than the one before.
	def client():
	    global turn
	    turn += 1
	    s = socket.socket(socket.AF_UNIX)
	    s.settimeout(30)
	    os.seteuid(50000 + turn % N_CALLERS)
	    s.connect(sys.argv[1])
	    os.seteuid(0)
	    try:
	        reply = ask(s, b"INFO", b"server")
	    except OSError:
	        return None, s
	    if b"max number of clients" in reply or b"share of the connections" in reply:
	        return None, s
	    return reply.split(b"\nworker:")[1].split(b"\r")[0], s

	# Fill both workers, and give one of them back.
	of = {}
	refused = 0
	while refused < N_CALLERS:
	    worker, s = client()
	    if worker is None:
	        refused += 1
	    else:
	        refused = 0
	        of.setdefault(worker, []).append(s)
	room = min(len(v) for v in of.values())
	assert len(of) == 2 and room > 20, {k: len(v) for k, v in of.items()}
	emptied = sorted(of)[0]
	for s in of[emptied]:
	    s.close()

	# Now one is full, and the other has room for nearly as many.
	clients = [client() for _ in range(room * 3 // 4)]
	refused = sum(worker is None for worker, _ in clients)
	assert refused == 0, "%d of %d refused, %d places free" % (refused, len(clients), room)
	# The full one may be woken for some of them before it leaves the rest to the other.
	elsewhere = sum(worker != emptied for worker, _ in clients)
	assert elsewhere <= 8, "%d of %d went to the full worker" % (elsewhere, len(clients))
	END
}
step "one is full, the other takes all" lopsided

# One caller alone leaves a quarter to others, and is told so.
alone() {
	/usr/bin/python3 - "$port" "$dir/reqd.sock" <<-'END'
	import socket, sys

	held = []
	while True:
	    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30)
	    s.settimeout(30)
	    s.sendall(b"PING\r\n")
	    reply = s.recv(1000)
	    if reply != b"+PONG\r\n":
	        break
	    held.append(s)
	assert reply.startswith(b"-BUSY you have your share of the connections"), reply
	# Three quarters of 272; a worker takes the other one to have as many as it has itself.
	assert 136 < len(held) < 240, len(held)
	other = socket.socket(socket.AF_UNIX)
	other.settimeout(30)
	other.connect(sys.argv[2])
	other.sendall(b"*1\r\n$4\r\nPING\r\n")
	assert other.recv(1000) == b"+PONG\r\n"
	END
}
step "one caller leaves room to others" alone
finish
