#!/bin/sh
# SPDX-License-Identifier: ISC
# stuck-worker: a worker that is stopped, spins or waits for ever does not keep
# the others from serving, and is replaced after ten seconds.
#
# REQD_FAULT_ROUNDS is how often each of the three happens, REQD_FAULT_KINDS
# which ("stop spin block"); the last two only where ptrace is allowed.
. "${srcdir:-.}/tests/faults/faults.sh"

rounds=${REQD_FAULT_ROUNDS:-1}
kinds=${REQD_FAULT_KINDS:-stop spin block}
# A worker that spins has a CPU for itself.
is_sanitized || rates=${REQD_FAULT_RATES:-300 50 200 20}
fault_services
start_reqd
invariants_before
start_load

stick() { # KIND SLOT
	pid=$(serving worker "$2")
	[ -n "$pid" ] || fail "worker $2 does not serve"
	status=0
	case $1 in
	stop) kill -STOP "$pid" ;;
	*) "$tools/wedge" "$1" "$pid" 2>"$dir/test/wedge" || status=$? ;;
	esac
	if [ $status -eq 77 ]; then
		note "no worker can be made to $1 here: $(cat "$dir/test/wedge")"
		return
	fi
	[ $status -eq 0 ] || fail "cannot make a worker $1: $(cat "$dir/test/wedge")"
	note_fault worker "$2" "$pid"
	echo "$1 $pid" >>"$dir/test/stuck"
}

all_succeeded() {
	load_runs
	while read -r _ their_role their_slot their_pid; do
		is_succeeded "$their_role" "$their_slot" "$their_pid" || return 1
	done <"$faults"
}

# One worker of each kind at a time is stuck; the fourth worker goes on serving,
# another one each time.
slot=0
: >"$dir/test/stuck"
for _ in $(seq "$rounds"); do
	for kind in $kinds; do
		stick "$kind" $slot
		slot=$(((slot + 1) % workers))
	done
	until_true 60 all_succeeded || fail "a stuck worker is not replaced"
	any_moment
done
stop_load

# New connections that have failed, but for those that a worker had taken when it
# got stuck: opened some ms before, and lost with it.
fresh_failed() {
	awk 'BEGIN { n = 0 }
	    FNR == NR { t[n++] = $1; next }
	    $3 == "fresh" && $2 == "lost" {
		for (i = 0; i < n; i++)
			if ($1 - $5 <= t[i] + 20 && $1 - $5 >= t[i] - 500) next
		print
	    }' "$faults" "$dir/test/load.events"
}

described() {
	while read -r kind pid; do
		grep -E "worker [0-9]+ \($pid\) makes no progress, killing it" "$log" >/dev/null || return 1
		line=$(grep -E "worker [0-9]+ \($pid\): " "$log") || return 1
		note "$kind: ${line#*: }"
	done <"$dir/test/stuck"
}

time_to_serve >"$dir/test/serve"
served=$(percentiles "$dir/test/serve")
note "$(wc -l <"$faults") workers stuck ($kinds); a new one serves after (ms): $served"
step "no new connection has failed" no_events refused
step "nor was one lost" assert_eq "$(fresh_failed)" ""
step "nobody has got an error" no_events error
step "only connections of the stuck were lost" assert_eq "$(lost_beside 60)" ""
step "the log says what each was at" described
first=$(sort -n "$dir/test/serve" | head -n 1)
step "none is replaced before eight seconds" [ "$first" -ge 8000 ]
worst=$(word worst "$served")
step "each is replaced after twelve at the latest" [ "$worst" -le $((12000 + 150 * slack)) ]
invariants_after
finish
