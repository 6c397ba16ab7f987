#!/bin/sh
# SPDX-License-Identifier: ISC
# full-worker: a worker that has as many connections as it may have leaves new ones
# to workers that have room, and refuses nobody.
workers=2
. "${srcdir:-.}/tests/integration/lib.sh"
need /usr/bin/python3
need prlimit
service true '"/bin/true"'
start_reqd prlimit --nofile=256

lopsided() {
	/usr/bin/python3 - "$port" <<-'END'
	import socket, sys

	def ask(s, *words):
	    s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
	    got = b""
	    while not got.endswith(b"\r\n") or (got[:1] == b"$" and len(got) < int(got[1:got.index(b"\r")])):
	        more = s.recv(65536)
	        if not more:
	            break
	        got += more
	    return got

	def client():
	    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30)
	    s.settimeout(30)
	    reply = ask(s, b"INFO", b"server")
	    if b"max number of clients" in reply:
	        return None, s
	    return reply.split(b"\nworker:")[1].split(b"\r")[0], s

	# Fill both workers, and give one of them back.
	of = {}
	refused = 0
	while not refused:
	    worker, s = client()
	    if worker is None:
	        refused += 1
	    else:
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
finish
