#!/bin/sh
# SPDX-License-Identifier: ISC
# ps-waiting: reqctl ps tells requests that wait from those that run, and what they wait
# for; the refusal of a request that waits for a lock names the lock.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3

# A handler that answers when its program finds a file.
cat >"$dir/late.py" <<END
import os, sys, time
requests, replies = sys.stdin.buffer, sys.stdout.buffer
while head := requests.readline():
    for _ in range(int(head[1:])):
        requests.read(int(requests.readline()[1:]) + 2)
    while not os.path.exists("$dir/answer"):
        time.sleep(0.05)
    replies.write(b"+done\r\n")
    replies.flush()
END
name='argument "name" {}'
service one '"/bin/sleep", "1000"' 'concurrency = 1'
service locked '"/bin/sh", "-c", "exec sleep 1000", "{name}"' "$name" 'lock = "{name}"' \
    'concurrency = 2'
service tight '"/bin/sh", "-c", "exec sleep 1000", "{name}"' "$name" 'lock = "{name}"' 'queue = 0'
service short '"/bin/sh", "-c", "exec sleep 1000", "{name}"' "$name" 'lock = "{name}"' \
    'queue-timeout = 10ms'
service hidden '"/bin/sh", "-c", "exec sleep 1000", "{name}"' \
    'argument "name" { secret = yes }' 'lock = "{name}"' 'queue = 0'
service once '"/bin/sleep", "1000"'
handler warm "\"/usr/bin/python3\", \"$dir/late.py\"" \
    'processes { min = 0  max = 1  idle = 100ms }'
start_reqd

# Calls in the background; the pids are in $callers.
callers=
calls() { # WORD...
	"$reqctl" -s "$server" call "$@" >"$dir/said" 2>&1 &
	callers="$callers $!"
}

# Prints "2 running, 1 waiting for lock", sorted.
states() {
	ctl --json ps >"$dir/ps.json" || return 1
	python3 -c '
import collections, json, sys
rows = json.load(open(sys.argv[1]))
for r in rows:
    assert r["waited_usec"] <= r["age_usec"], r
    assert (r["state"] == "waiting") == ("waits_for" in r), r
    assert r["state"] == "running" or r["waited_usec"] == r["age_usec"], r
n = collections.Counter(r["state"] + (" for " + r["waits_for"] if "waits_for" in r else "")
                        for r in rows)
print(", ".join("%d %s" % (n[k], k) for k in sorted(n)))' "$dir/ps.json"
}

states_are() {
	[ "$(states)" = "$1" ]
}

shows() {
	until_true "$patience" states_are "$1" || fail "$(states), not $1"
}

all_leave() {
	for caller in $callers; do
		kill "$caller"
		wait "$caller"
	done
	callers=
	shows ''
}

queue() {
	calls one
	shows '1 running' || return 1
	calls one
	calls one
	shows '1 running, 2 waiting for queue' || return 1
	# The columns state and reason.
	ctl ps | cut -f 3,9 | sort >"$dir/out"
	assert_eq "$(cat "$dir/out")" "$(printf 'running\t-\nwaiting\tqueue\nwaiting\tqueue')" || return 1
	# The next one runs, and says how long it has waited.
	first=${callers# }
	first=${first%% *}
	kill "$first"
	wait "$first"
	callers=" ${callers#* "$first" }"
	shows '1 running, 1 waiting for queue' || return 1
	python3 -c '
import json, sys
sys.exit([r["waited_usec"] > 0 for r in json.load(open(sys.argv[1]))] != [True, True])' \
	    "$dir/ps.json" || fail "$(cat "$dir/ps.json")" || return 1
	all_leave
}
step "requests that wait in the queue" queue

lock() {
	calls locked alice
	shows '1 running' || return 1
	calls locked alice
	shows '1 running, 1 waiting for lock' || return 1
	calls locked bob
	shows '2 running, 1 waiting for lock' || return 1
	calls locked carol
	calls locked carol
	shows '2 running, 1 waiting for lock, 2 waiting for queue' || return 1
	# One carol runs in the place of bob, and the other one waits for the lock.
	bob=$(echo "$callers" | awk '{ print $3 }')
	kill "$bob"
	wait "$bob"
	callers=$(echo "$callers" | awk '{ $3 = ""; print }')
	shows '2 running, 2 waiting for lock' || return 1
	all_leave
}
step "requests that wait for a lock" lock

twin() {
	calls --id same once
	shows '1 running' || return 1
	calls --id same once
	shows '1 running, 1 waiting for twin' || return 1
	all_leave
}
step "requests that wait for the result of another one" twin
# The broker keeps the result of a request with --id for a while, in a file.
fds_before=$(settled_fds)

warm() {
	calls warm
	shows '1 running' || return 1
	calls warm
	shows '1 running, 1 waiting for handler' || return 1
	: >"$dir/answer"
	shows '' || return 1
	callers=
}
step "requests that wait for a process of a handler" warm

# The service "hidden" has a secret in its lock.
busy() {
	for service in tight short; do
		calls $service alice
		shows '1 running' || return 1
		assert_status 243 ctl call $service alice
		case $service in
		tight) why='queue full' ;;
		short) why='waited too long in the queue' ;;
		esac
		assert_eq "$(cat "$dir/err")" \
		    "reqctl: $service: is busy: $why: a request with the same lock 'alice' runs"
		all_leave || return 1
	done
	calls hidden alice
	shows '1 running' || return 1
	assert_status 243 ctl call hidden alice
	assert_eq "$(cat "$dir/err")" \
	    'reqctl: hidden: is busy: queue full: a request with the same lock runs'
	all_leave
}
step "a refusal names the lock" busy
finish
