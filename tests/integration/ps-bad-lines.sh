#!/bin/sh
# SPDX-License-Identifier: ISC
# ps-bad-lines: one worker may tell anything about its requests; reqctl ps shows
# the lines of the others, and says that lines are missing.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3

# A control socket whose first worker is out of its mind.
cat >"$dir/control.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(1)
good = b'{"id":"00000000000000ab","age_usec":1,"state":"run","service":"echo","worker":1}\n'
bad = b'{"id":}\n\xff\xfe\n[1]\n'
while True:
    c = s.accept()[0]
    got = b""
    while b"PS" not in got:
        got += c.recv(1000)
    c.sendall(b"*2\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(x), x) for x in (bad + good, good)))
    c.close()
END
python3 "$dir/control.py" "$dir/fake.sock" &
fake=$!
until_true "$patience" test -S "$dir/fake.sock"

bad_lines() {
	assert_status 0 "$reqctl" --control "$dir/fake.sock" "$@" ps
	assert_eq "$(grep -o 00000000000000ab "$dir/out" | wc -l)" 2
	assert_eq "$(cat "$dir/err")" "reqctl: 3 invalid lines of a worker left out"
}
step "the other lines are shown" bad_lines
step "as JSON, too" bad_lines --json
kill $fake
wait $fake 2>/dev/null
finish
