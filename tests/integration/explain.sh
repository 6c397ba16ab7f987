#!/bin/sh
# SPDX-License-Identifier: ISC
# explain: reqctl call --explain tells how a call would run, as it then runs; it runs
# nothing, shows no secret, and is for those who may call the service.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3

mesh_port=$("$helpers/free-port")
setting "listen \"tcp://127.0.0.1:$mesh_port\" { name = \"mesh\" }"
setting 'role "net" { net = {"127.0.0.9"} }'
cat >"$dir/tell" <<-'END'
	#!/bin/sh
	# Prints its words and the names of its environment, and leaves a trace.
	echo ran >>"$TRACE"
	printf '%s\n' "$0" "$@"
	tr '\n\0' ' \n' <"/proc/$$/environ" | sed 's/=.*//' | sort >"$TRACE.env"
	chmod 666 "$TRACE.env"
END
cat >"$dir/handle" <<-'END'
	#!/usr/bin/python3
	import os, sys
	with open(os.environ["TRACE"] + ".handler", "w") as f:
	    f.write("".join(sorted(name + "\n" for name in os.environ)))
	os.chmod(os.environ["TRACE"] + ".handler", 0o666)
	for line in sys.stdin.buffer:
	    n = int(line[1:])
	    words = []
	    for _ in range(n):
	        size = int(sys.stdin.buffer.readline()[1:])
	        words.append(sys.stdin.buffer.read(size + 2)[:-2])
	    sys.stdout.buffer.write(b"*%d\r\n" % n + b"".join(
	        b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
	    sys.stdout.buffer.flush()
END
chmod 755 "$dir/tell" "$dir/handle"
: >"$dir/trace"
chmod 666 "$dir/trace"
mkdir "$dir/made"
chmod 777 "$dir/made"
service tell "\"$dir/tell\", \"--pass={password}\", \"{word}\", \"x{{y}}\", \"{more}\"" \
    "environment = {\"TRACE=$dir/made/trace\", \"WORD={word}\", \"PASS={password}\"}" \
    'lock = "l-{word}-{password}"' 'concurrency = 3' 'queue = 5' 'queue-timeout = 2s' \
    'timeout = 20s' 'nice = 19' 'umask = 027' 'output-limit = 64KiB' \
    'limits { files = 33  cpu = 7s  memory = 1GiB }' \
    'argument "word" { type = text  max-length = 10 }' \
    'argument "password" { type = text  secret = yes }' \
    'argument "more" { type = text  repeat = yes  optional = yes }'
handler asked "\"$dir/handle\"" "environment = {\"TRACE=$dir/made/trace\"}" \
    'context = yes' 'processes { min = 0  max = 3  idle = 100ms }' 'input = optional' \
    'argument "word" { type = text }' 'argument "key" { type = text  secret = yes }'
service strict '"/bin/true"' 'directory = temporary' 'sandbox = strict' \
    'sandbox-read = {"/srv"}' 'sandbox-fallback = yes'
service input '"/bin/cat"' 'input = required'
service long '"/bin/true", "{text}{text}"' 'argument "text" { max-length = 100000 }'
service once '"/bin/true"' 'idempotent = no'
service denied '"/bin/true"' 'deny = {"local"}'
service other '"/bin/true"'
sed -i '/^service "other"/,/^}/s/allow = .*/allow = {"net"}/' "$conf"
service elsewhere '"/bin/true"' 'listen = {"mesh"}'
start_reqd

hand() { # REQUEST
	printf '%s\r\nQUIT\r\n' "$1" | by_hand
}
explain() { # SERVICE WORDS...
	call --explain "$@"
}
json() { # EXPRESSION SERVICE WORDS...: prints a part of the answer
	expression=$1
	shift
	ctl --json call --explain "$@" >"$dir/json" || return
	python3 -c 'import json, sys
a = json.load(sys.stdin)
v = '"$expression"'
print("\n".join(map(str, v)) if isinstance(v, list) else v)' <"$dir/json"
}
# The words, the names of the environment and the settings are those of the real call.
as_it_runs() {
	json 'a["argv"]' tell w1 s3cret m1 m2 >"$dir/told"
	json 'sorted(a["environment"])' tell w1 s3cret m1 m2 >"$dir/names"
	! [ -e "$dir/made/trace" ] || fail "a program has run"
	call tell w1 s3cret m1 m2 | sed 's/s3cret/***/' >"$dir/real" || return 1
	[ -s "$dir/real" ] || return 1
	diff "$dir/told" "$dir/real" && diff "$dir/names" "$dir/made/trace.env"
}
no_secret() {
	explain tell w1 s3cret m1 >"$dir/text" 2>&1 || return 1
	ctl --json call --explain tell w1 s3cret m1 >>"$dir/text" || return 1
	ctl --json call --explain asked w1 s3cret >>"$dir/text" || return 1
	grep -q '\*\*\*' "$dir/text" && ! grep s3cret "$dir/text" "$log"
}
in_80_columns() {
	explain tell w1 s3cret m1 m2 m3 m4 m5 m6 m7 m8 m9 m10 m11 m12 m13 m14 m15 m16 >"$dir/text" || return 1
	awk 'length($0) > 80 && $0 !~ /tell/ { print; bad = 1 } END { exit bad }' "$dir/text"
	for words in 'service *tell' 'allowed *You may call tell' 'account ' \
	    'limits *cpu 7s, files 33, memory 1G' 'places *3 at a time, 5 wait, 2s at most' \
	    'lock *l-w1-\*\*\*' 'nice *19' 'time limit *20s' 'umask *027' 'output limit *64K'; do
		grep -q "^$words" "$dir/text" || { cat "$dir/text"; fail "no line '$words'"; }
	done
}
# The request of a handler, but for its first word, which has an id and a time.
handler_request() {
	json 'a["request"][1:]' asked w1 s3cret >"$dir/told"
	json 'sorted(a["environment"])' asked w1 s3cret >"$dir/names"
	! [ -e "$dir/made/trace.handler" ] || fail "a process has been started"
	ctl --json call asked w1 s3cret </dev/null |
	    python3 -c 'import json, sys
print("\n".join(json.load(sys.stdin)["value"][1:]))' | sed 's/s3cret/***/' >"$dir/real" || return 1
	diff "$dir/told" "$dir/real" && diff "$dir/names" "$dir/made/trace.handler" &&
	    assert_eq "$(json 'a["argv"]' asked w1 k)" "$dir/handle" &&
	    assert_eq "$(json '[a["kind"], a["processes"]]' asked w1 k)" "handler
3"
}
# refused STATUS TEXT WORDS...: refused like the call itself.
refused() {
	wanted_status=$1 wanted_text=$2
	shift 2
	assert_status "$wanted_status" explain "$@"
	cat "$dir/out" "$dir/err" >"$dir/explained"
	assert_match "$(cat "$dir/explained")" "$wanted_text"
	assert_status "$wanted_status" call "$@"
	cat "$dir/out" "$dir/err" >"$dir/called"
	diff "$dir/explained" "$dir/called"
}
one_answer_for_hidden() {
	for name in denied other elsewhere; do
		refused 247 "reqctl: unknown service '$name'*" $name
		explain $name 2>&1 | sed "s/$name/no-such/" >"$dir/hidden"
		explain no-such 2>&1 >/dev/null | diff - "$dir/hidden" || return 1
	done
}
# Root at a listener where the service is not.
admin_is_told_all() {
	status=0
	timeout 60 "$reqctl" -s "unix://$dir/reqd.sock" call --explain elsewhere >"$dir/out" || status=$?
	assert_eq $status 247
	grep -q '^refused *denied - You may not call elsewhere: it is at other listeners' "$dir/out" &&
	    timeout 60 "$reqctl" -s "unix://$dir/reqd.sock" call --explain denied >"$dir/out" &&
	    grep -q '^allowed *You may call denied: you are root or reqd' "$dir/out"
}
admin_here() {
	[ $is_root = yes ] || return 0
	admin_is_told_all
}
resp2() { # the flat array of RESP2 has the keys in their order
	hand 'CALL --explain strict' | tr -d '\r' | grep -A1 '^[$]7$' | grep -q service &&
	    assert_match "$(hand 'CALL --explain strict' | head -n 1)" '[*]58?' &&
	    assert_match "$(hand 'CALL --explain=1 strict')" '-BADARG --explain takes no value*' &&
	    assert_match "$(hand 'CALL --explain --stream strict')" '-NOPROTO *'
}
# With --full the map is the value of a result.
in_a_result() {
	assert_match "$(hand 'CALL --full --explain strict' | tr -d '\r' | tr '\n' ' ')" \
	    '[*]16 $6 status :0 $6 signal $-1 $5 value [*]58 $7 service $6 strict *$7 outcome $4 exit *'
}

step "argv and environment are those of the call that runs" as_it_runs
step "a handler's request and process, too" handler_request
step "secrets are masked everywhere" no_secret
step "the table fits 80 columns" in_80_columns
step "a bad argument is refused as by the call" refused 246 '*word*longer than 10*' tell 12345678901 s
step "so is a missing one" refused 246 "*'password' is missing*" tell w
step "and what becomes too long" refused 246 '*too long: with all that stands beside it*' \
    long "$(head -c 70000 /dev/zero | tr '\0' x)"
step "a service that wants --id says so" refused 246 '*--id*' once
step "required input may be left out" assert_eq "$(json 'a["input"]' input </dev/null)" required
step "denied, elsewhere and unknown are one answer" one_answer_for_hidden
step "an administrator is told of all" admin_here
step "the time limit is that of this call" assert_eq \
    "$(hand 'CALL --explain --timeout=1234 strict' | tr -d '\r' | grep -A1 timeout_ms | tail -n 1)" :1234
step "the sandbox is told" assert_eq \
    "$(json '[a["sandbox"], a["sandbox_read"][0], a["directory"], "TMPDIR" in a["environment"]]' strict)" \
    "strict
/srv
temporary
True"
step "the role is told" assert_eq "$(json 'a["role"]' strict)" local
step "RESP2 has the map, too" resp2
step "and the result map has it as value" in_a_result
step "nothing but the two calls has run" assert_eq "$(cat "$dir/made/trace")" ran
finish
