#!/bin/sh
# SPDX-License-Identifier: ISC
# hostile: for any bytes that a client sends, exactly the replies that
# PROTOCOL.md promises come back, no program runs that the client did not ask
# for, and nothing is kept.
. "${srcdir:-.}/tests/integration/lib.sh"

[ -x "$helpers/hostile" ] || fail "hostile is not built"
for phase; do
	phases="${phases:-} $phase"
done

service echo '"/bin/echo", "{text}"' 'argument "text" { type = text  repeat = yes  optional = yes }'
service complain '"/bin/sh", "-c", "printf %s \"$1\" >&2; exit 1", "sh", "{text}"' \
    'argument "text" { type = text }'
service pause '"/bin/sleep", "{time}"' 'argument "time" {}' 'concurrency = 50' 'queue = 100'
service cat '"/bin/cat"' 'input = optional' 'concurrency = 50'
service keep '"/bin/sleep", "{time}"' 'argument "time" {}' 'on-disconnect = finish' 'concurrency = 50'
service flood "\"$zoo/flood-stdout\"" 'output-limit = 0' 'concurrency = 50'
service one '"/bin/sleep", "{time}"' 'argument "time" {}' 'concurrency = 1' 'queue = 100'
service deaf "\"$zoo/never-read\"" 'input = optional' 'concurrency = 50'

sanitized() {
	grep -q "SAN_CFLAGS = .*sanitize" "$top_builddir/Makefile"
}

memory=-m
! sanitized || memory=
start_reqd
workers=
for pid in $(role_pids worker); do
	workers="$workers -w $pid"
done
# shellcheck disable=SC2086
step "hostile clients" "$helpers/hostile" -u "$dir/reqd.sock" -p "$port" -t "$patience" \
    $memory $workers ${phases:-}
kill_kept() {
	for program in $(programs); do
		kill -KILL "$program" 2>/dev/null
	done
	no_programs
}
until_true "$patience" kill_kept
finish
