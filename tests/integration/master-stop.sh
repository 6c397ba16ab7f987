#!/bin/sh
# SPDX-License-Identifier: ISC
# master-stop: TERM ends everything in order: at once when idle, after the
# running requests when busy, at drain-timeout when something is stuck.
. "${srcdir:-.}/tests/integration/lib.sh"

pids=$dir/pids
kills=yes
service true '"/bin/true"'
service slow "\"/bin/sh\", \"-c\", \"echo \$\$ >>$pids; $(waits_for "$dir/go"); echo whole\""
service ignore-term "\"$zoo/ignore-term\", \"-p\", \"$pids\"" 'kill-grace = 1h'
service stubborn-tree "\"$zoo/stubborn-tree\", \"-p\", \"$pids\"" 'kill-grace = 1h'
sed -i 's/drain-timeout = .*/drain-timeout = 1s/' "$conf"

# Ends it, and says how long that took.
stop_takes() { # MAX_MS COMMAND...
	max=$1
	shift
	began=$(now_ms)
	"$@"
	stop_status=0
	wait_reqd || stop_status=$?
	took=$(($(now_ms) - began))
	note "took $took ms"
	[ $stop_status -eq 0 ] || fail "status $stop_status"
	# Slow machines are slow; the order of magnitude is what is promised.
	[ $took -le $((max * ${REQD_SLOWNESS:-5})) ]
}

term() {
	kill -TERM "$reqd_pid"
}

begin() { # SERVICE N
	: >"$pids"
	chmod 666 "$pids"
	rm -f "$dir/go"
	call "$1" >"$dir/reply" 2>&1 &
	client=$!
	until_true "$patience" n_programs "$2"
}

n_programs() {
	[ "$(wc -l <"$pids")" -eq "$1" ]
}

logged() {
	grep -q "$1" "$log"
}

idle() {
	start_reqd
	call true || return 1
	stop_takes 200 term || return 1
	! test -e "$dir/reqd.sock" && ! test -e "$control"
}
step "idle: at once, and no socket file is left" idle

# Nobody is accepted any more while it drains, but reqctl still shows what runs.
busy() {
	: >"$log"
	start_reqd
	begin slow 1 || return 1
	term
	until_true "$patience" logged 'finishing what runs' || return 1
	assert_match "$(ctl ps)" '*slow*'
	assert_match "$(ctl reload 2>&1)" '*reqd is stopping*'
	! ctl ping >/dev/null 2>&1 || return 1
	touch "$dir/go"
	wait $client || return 1
	assert_eq "$(cat "$dir/reply")" whole
	wait_reqd
}
step "busy: what runs comes to its end, nothing else begins" busy

stuck() { # SERVICE N
	start_reqd
	begin "$1" "$2" || return 1
	stop_takes 2500 term || return 1
	until_true "$patience" all_gone "$pids" || return 1
	! wait $client
}
step "stuck: one that ignores TERM is cut at drain-timeout" stuck ignore-term 1
step "stuck: so is what has left its session" stuck stubborn-tree 7

twice() {
	: >"$log"
	sed -i 's/drain-timeout = .*/drain-timeout = 1h/' "$conf"
	start_reqd
	begin ignore-term 1 || return 1
	term
	until_true "$patience" logged 'finishing what runs' || return 1
	stop_takes 1000 term || return 1
	until_true "$patience" all_gone "$pids" || return 1
	! wait $client
	sed -i 's/drain-timeout = .*/drain-timeout = 1s/' "$conf"
}
step "a second TERM cuts at once" twice

frozen() { # ROLE
	start_reqd
	call true || return 1
	for pid in $(role_pids "$1"); do
		kill -STOP "$pid"
	done
	stop_takes 2500 term
}
step "frozen workers do not hold it up" frozen worker
step "nor does a frozen runner" frozen runner
step "nor does a frozen broker" frozen broker
step "nor does a frozen control" frozen control
step "nor does a frozen log" frozen log

# At any moment of its start.
while_starting() {
	for delay in 0 0.001 0.002 0.004 0.006 0.008 0.01 0.015 0.02 0.03; do
		: >"$log"
		rm -f "$dir/ready"
		mkfifo "$dir/ready"
		"$helpers/notify-wait" -r "$dir/ready" -m "$dir/notify" "$reqd" -c "$conf" \
		    >>"$log" 2>&1 3>&- &
		waiter_pid=$!
		cat "$dir/ready" >/dev/null &
		reader=$!
		sleep $delay
		kill -TERM $waiter_pid
		status=0
		wait $waiter_pid || status=$?
		waiter_pid=
		kill "$reader" 2>/dev/null
		wait "$reader" 2>/dev/null
		# Before reqd listens to signals, TERM is the end of any process.
		[ $status -eq 0 ] || [ $status -eq 143 ] || fail "after $delay: status $status: $(cat "$log")"
		! logged 'killing it\|keeps failing' || fail "after $delay: $(cat "$log")"
	done
	rm -f "$dir/reqd.sock" "$control"
}
step "while it starts" while_starting

# In the middle of reloads that add and remove workers.
while_reloading() {
	for _ in 1 2 3 4 5; do
		: >"$log"
		sed -i 's/^workers = .*/workers = 2/' "$conf"
		start_reqd
		sed -i 's/^workers = .*/workers = 6/' "$conf"
		kill -HUP "$reqd_pid"
		stop_takes 1000 term || return 1
		! logged 'did not end in time' || return 1
	done
}
step "while it reloads" while_reloading
step "nothing alarming in the log" log_is_clean
finish
