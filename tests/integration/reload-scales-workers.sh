#!/bin/sh
# SPDX-License-Identifier: ISC
# reload-scales-workers: a worker that a reload takes away accepts no more
# clients, goes on answering on the connections that it has, under the rules in
# force, and ends with the last of them. Clients notice nothing.
. "${srcdir:-.}/tests/integration/lib.sh"

need python3
[ -x "$load" ] || fail "$load is not built"
kills=yes

service echo '"/bin/echo", "{text}"' 'argument "text" {}'
service slow "\"/bin/sh\", \"-c\", \"$(waits_for "$dir/go")\"" 'concurrency = 100'
start_reqd

scale() { # WORKERS
	sed "s/^workers = .*/workers = $1/" "$conf" >"$dir/next.conf"
	mv "$dir/next.conf" "$conf"
	ctl reload >"$dir/out" 2>&1 || fail "reload: $(cat "$dir/out")"
}

workers_are() {
	[ "$(role_pids worker | wc -l)" -eq "$1" ]
}

# Prints the number of workers that "reqctl status" shows in a state.
n_workers() { # STATE
	ctl --json status | python3 -c '
import json, sys
print(sum(w["state"] == sys.argv[1] for w in json.load(sys.stdin)["workers"]))' "$1"
}

# Held by python, which does what it is told on its stdin and says "ok".
cat >"$dir/hold.py" <<'END'
import socket, sys

port = int(sys.argv[1])
held = []

def ask(s, request, reply):
    s.sendall(request)
    got = b""
    while not got.endswith(reply):
        more = s.recv(4096)
        if not more:
            raise SystemExit("closed after %r" % got)
        got += more

for line in sys.stdin:
    word, *rest = line.split()
    if word == "open":
        for _ in range(int(rest[0])):
            held.append(socket.create_connection(("127.0.0.1", port), 30))
            ask(held[-1], b"PING\r\n", b"+PONG\r\n")
    elif word == "ask":
        for s in held:
            ask(s, b"PING\r\n", b"+PONG\r\n")
            ask(s, b"CALL echo hi\r\n", b"hi\n\r\n")
    elif word == "unknown":
        for s in held:
            ask(s, b"CALL echo hi\r\n", b"-NOSERVICE unknown service 'echo'\r\n")
    elif word == "call":
        for s in held:
            s.sendall(b"CALL slow\r\n")
    elif word == "called":
        for s in held:
            ask(s, b"", b"$0\r\n\r\n")
    elif word == "close":
        while held:
            held.pop().close()
    print("ok", flush=True)
END

holder_start() {
	mkfifo "$dir/to" "$dir/from"
	python3 "$dir/hold.py" "$port" <"$dir/to" >"$dir/from" 2>"$dir/holder" &
	background=$!
	exec 8>"$dir/to"
	exec 9<"$dir/from"
}

holder_end() {
	exec 8>&- 9<&-
	wait "$background"
	background=
	rm -f "$dir/to" "$dir/from"
}

holder() {
	echo "$@" >&8
	read -r answer <&9 || fail "a connection was lost: $(cat "$dir/holder")"
	assert_eq "$answer" ok
}

holder_start

n_retiring() {
	[ "$(n_workers retiring)" -eq "$1" ]
}

taken_away() {
	scale 8
	until_true "$patience" workers_are 8 || return 1
	holder open 50
	scale 1
	assert_eq "$(n_workers serving)" 1
	[ "$(n_workers retiring)" -gt 0 ] || return 1
	holder ask
	assert_match "$(ctl status)" '*echo*'
}
step "taken away, they answer on the connections that they have" taken_away

# Each worker is asked and none has died for it; new clients come to those that
# are left.
accept_no_more() {
	before=$(role_pids worker | sort)
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		call echo hi >/dev/null || return 1
	done
	ctl --json status | python3 -c '
import json, sys
workers = json.load(sys.stdin)["workers"]
held = [w["connections_total"] for w in workers if w["state"] == "retiring"]
sys.exit(held != [w["connections"] for w in workers if w["state"] == "retiring"])' || return 1
	assert_eq "$(role_pids worker | sort)" "$before"
}
step "and accept no more" accept_no_more

follow_rules() {
	cp "$conf" "$dir/kept.conf"
	awk '/^service "echo"/ { skip = 1 } !skip { print } /^}/ { skip = 0 }' "$dir/kept.conf" >"$conf"
	ctl reload >/dev/null || return 1
	holder unknown
	cp "$dir/kept.conf" "$conf"
	ctl reload >/dev/null || return 1
	holder ask
}
step "follow the rules in force" follow_rules

# A call that runs is shown and can be ended, wherever it is.
listed() {
	[ "$(ctl --json ps | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" -eq "$1" ]
}
keep_calls() {
	holder call
	until_true "$patience" listed 50 || return 1
	: >"$dir/go"
	holder called
}
step "finish and show their calls" keep_calls

taken_back() {
	scale 4
	until_true "$patience" n_serving 4 || return 1
	holder ask
	scale 1
	holder ask
}
n_serving() {
	[ "$(n_workers serving)" -eq "$1" ]
}
step "can be taken back, and away again" taken_back

# The place of the dead worker may be wanted again, and is then filled again.
dies() {
	victim=$(ctl --json status | python3 -c '
import json, sys
print([w["pid"] for w in json.load(sys.stdin)["workers"] if w["state"] == "retiring"][-1])')
	before=$(n_workers retiring)
	kill -KILL "$victim"
	until_true "$patience" n_retiring $((before - 1)) || return 1
	assert_eq "$(n_workers serving)" 1
}

end_with_connections() {
	holder close
	until_true "$patience" workers_are 1 || return 1
	assert_eq "$(n_workers retiring)" 0
}
step "end with their last connection" end_with_connections

killed() {
	scale 4
	until_true "$patience" n_serving 4 || return 1
	holder open 40
	scale 1
	dies || return 1
	holder close
	until_true "$patience" workers_are 1
}
holder_start_again() {
	holder_end
	holder_start
}
step "killed, they are not replaced" killed
holder_start_again

lines=$(wc -l <"$log")
# As long as the load lasts: up and down again.
scaled_until_load_ends() {
	kill -0 "$keep" 2>/dev/null || return 0
	scale 2
	scale 8
	until_true "$patience" n_serving 8 || fail "eight workers do not serve"
	scale 1
	scale 2
	n=$((n + 1))
	return 1
}
under_load() {
	"$load" -s "$server" -c 50 -d "${REQD_SCALE_SECONDS:-5}" PING >"$dir/load-1" 2>&1 &
	keep=$!
	"$load" -s "$server" -c 4 -x -d "${REQD_SCALE_SECONDS:-5}" PING >"$dir/load-2" 2>&1 &
	short=$!
	"$load" -s "unix://$dir/reqd.sock" -c 4 -x -d "${REQD_SCALE_SECONDS:-5}" PING \
	    >"$dir/load-3" 2>&1 &
	by_path=$!
	n=0
	until_true $((${REQD_SCALE_SECONDS:-5} + 3 * patience)) scaled_until_load_ends || return 1
	for loader in $keep $short $by_path; do
		wait "$loader" || fail "$(cat "$dir"/load-?)"
	done
	note "$n times 2, 8, 1, 2"
	note "kept:  $(cat "$dir/load-1")"
	note "short: $(cat "$dir/load-2")"
	note "unix:  $(cat "$dir/load-3")"
	for one_file in "$dir"/load-?; do
		assert_match "$(cat "$one_file")" '*errors=0 wrong=0 lost=0 *'
	done
	until_true "$patience" workers_are 2
}
step "2, 8, 1, 2 workers under load: nothing failed, reset or unanswered" under_load

# Asked to stop, they stop as all do.
stopped() {
	scale 8
	until_true "$patience" n_serving 8 || return 1
	holder open 50
	scale 2
	holder ask
	stop_reqd
}
step "at a stop they stop, too" stopped
no_errors() {
	! tail -n +$((lines + 1)) "$log" | grep -E '\] (emerg|alert|crit|err):'
}
step "and nothing was wrong" no_errors
holder_end
finish
