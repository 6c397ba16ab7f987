#!/bin/sh
# SPDX-License-Identifier: ISC
# long-arguments: more arguments and environment than the kernel takes for one program are
# refused, and the caller is told which argument is too long.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3

service join '"/usr/bin/printf", "%s", "{part}"' 'argument "part" { max-length = 131071  repeat = yes }'
service env '"/bin/sh", "-c", "printf %s \"$V\" | wc -c"' 'environment = {"V={text}"}' \
    'argument "text" { max-length = 131071 }' 'argument "other" { optional = yes }' \
    'lock = "{other}"'
start_reqd

# Prints the first line of the answer to a call with N values of LENGTH bytes.
answer() { # SERVICE N LENGTH
	python3 -c '
import socket, sys
port, service, n, length = sys.argv[1:]
words = [b"CALL", service.encode()] + [b"a" * int(length)] * int(n)
with socket.create_connection(("127.0.0.1", int(port))) as s:
    s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
    print(s.makefile().readline().strip())' "$port" "$@"
}
together='-BADARG the arguments are too long together'
step "more than one program takes" assert_eq "$(answer join 20 130000)" "$together"
step "a little more, by the pointers and the name" assert_eq "$(answer join 16 131000)" "$together"
step "as much as it takes" assert_eq "$(answer join 15 131071)" '$1966065'
step "many that are short" assert_match "$(answer join 1000 1)" '$1000'
step "one as long as it may be" assert_eq "$(answer join 1 131071)" '$131071'
named="-BADARG argument 'text': too long: with all that stands beside it, it becomes 131073 bytes,\
 and a program takes 131071 in one piece"
step "one that is too long with its name beside it" assert_eq "$(answer env 1 131071)" "$named"
step "one that is not" assert_eq "$(answer env 1 131069)" '$7'
step "nothing was a fault of the server" eval '! grep -E "nostart|Cannot allocate" "$log"'
finish
