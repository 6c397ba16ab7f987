#!/bin/sh
# SPDX-License-Identifier: ISC
# jobs-full: more arguments than a worker has room for at one time make some calls busy,
# and nothing else: no pipe is lost, and later calls are served as before.
workers=1
. "${srcdir:-.}/tests/integration/lib.sh"
need /usr/bin/python3
need /usr/bin/flock
# Nothing ends while a flood has the gate locked.
: >"$dir/gate"
service hold "\"/bin/sh\", \"-c\", \"exec flock -s '$dir/gate' true\", \"hold\", \"{part}\"" \
    'argument "part" { repeat = yes  max-length = 131071 }' \
    'concurrency = 1' 'queue = 200' 'queue-timeout = 60s'
service true '"/bin/true"'
service cat '"/bin/cat"' 'input = optional'
start_reqd

flood() {
	/usr/bin/python3 - "$port" "$dir/gate" <<-'END'
	import fcntl, select, socket, sys

	gate = open(sys.argv[2])

	def call(*words):
	    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60)
	    s.settimeout(60)
	    words = (b"CALL",) + words
	    s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
	    return s

	for turn in range(2):
	    fcntl.flock(gate, fcntl.LOCK_EX)
	    clients = [call(b"hold", *[b"a" * 130000] * 12) for _ in range(60)]
	    # There is no room for all of them: the first reply is to one that finds none.
	    first = select.select(clients, [], [], 60)[0]
	    assert first and all(s.recv(5, socket.MSG_PEEK) == b"-BUSY" for s in first)
	    fcntl.flock(gate, fcntl.LOCK_UN)
	    replies = [s.recv(1000) for s in clients]
	    good = sum(r.startswith(b"$") for r in replies)
	    busy = sum(r.startswith(b"-BUSY") for r in replies)
	    print("%d answered, %d busy" % (good, busy))
	    assert good + busy == len(replies), [r for r in replies if r[:1] != b"$" and r[:5] != b"-BUSY"]
	    assert busy > 0 and good > 20
	END
}
step "some are busy" flood

after() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		timeout 20 "$reqctl" -s "$server" call true || return 1
		assert_eq "$(echo x | timeout 20 "$reqctl" -s "$server" call cat)" x || return 1
	done
}
step "and later calls are served" after
finish
