# shellcheck shell=sh
# SPDX-License-Identifier: ISC
# faults: functions that the tests of faults share. Sourced first; sources
# lib.sh and invariants.sh.
#
# reqd has four workers (a slot whose worker dies for the third time within ten
# seconds has to wait, so the faults take turns) and runs beside an open load
# with a ledger: builtins, commands, requests to a handler, and new connections.
# A command costs a millisecond of CPU; at these rates reqd, its programs and
# the load take a quarter of one CPU, so that a delay is caused by the fault.
# REQD_FAULT_RATES="BUILTIN COMMAND HANDLER FRESH" sets other rates.
#
# REQD_FAULT_ROUNDS is how often the fault is applied. REQD_FAULT_SLACK: the
# bars on times are those for an idle machine, multiplied by this number
# (default 10; 1 to hold reqd to them).
workers=4
log_level=notice
. "${srcdir:-.}/tests/integration/lib.sh"
. "$top_srcdir/tests/faults/invariants.sh"

tools=$top_builddir/tests/faults
kills=yes
slack=${REQD_FAULT_SLACK:-10}
if is_sanitized; then
	rates=${REQD_FAULT_RATES:-200 8 50 8}
else
	rates=${REQD_FAULT_RATES:-500 100 400 20}
fi
loader=
watcher=

mkdir "$dir/test"
faults=$dir/test/faults
states=$dir/test/states
ledger=$dir/test/ledger
: >"$faults"
: >"$ledger"
chmod 666 "$ledger"
chmod 755 "$dir/test"
cp "$tools/ledger" "$dir/test/record"

# A worker that is stuck keeps the handlers that are lent to it until it is
# replaced, so the pool has room for more.
fault_services() {
	service record "\"$dir/test/record\", \"append\", \"$ledger\", \"{nonce}\"" \
	    'argument "nonce" {}' 'log = none' 'concurrency = 8' 'queue = 1000' 'queue-timeout = 300s' \
	    'timeout = 300s'
	handler talk "\"$dir/test/record\", \"serve\", \"$ledger\"" \
	    'argument "nonce" {}' 'log = none' 'queue = 1000' 'queue-timeout = 300s' 'timeout = 300s' \
	    'processes { min = 0  max = 16  idle = 1s }'
	service true '"/bin/true"' 'log = none'
	service sleeper "\"$zoo/sleeper\", \"-p\", \"$dir/test/pids\""
	service score '"/bin/cat", "/proc/self/oom_score_adj"'
	service masked '"/bin/true", "{password}"' 'argument "password" { secret = yes }'
}

# ------------------------------------------------------------------- load ---

start_load() {
	# shellcheck disable=SC2086
	set -- $rates
	"$tools/openload" -s "${1:+$server}" -o "$dir/test/load" -b "$1" -k "$2" -h "$3" -n "$4" \
	    >"$dir/test/load.out" 2>"$dir/test/load.err" &
	loader=$!
	background="$background $loader"
	"$tools/watch" "$control" >"$states" 2>&1 &
	watcher=$!
	background="$background $watcher"
	until_true "$patience" load_has_begun || fail "no load: $(cat "$dir/test/load.err")"
	load_began=$(now_ms)
}

load_has_begun() {
	[ "$(grep -c serving "$states")" -ge $((workers + 2)) ] && [ "$(wc -l <"$ledger")" -gt 5 ]
}

load_runs() {
	kill -0 "$loader" 2>/dev/null || fail "the load has ended: $(cat "$dir/test/load.err")"
}

# Every request that was sent has been answered.
stop_load() {
	load_runs
	load_took=$(($(now_ms) - load_began))
	kill -TERM "$loader"
	wait "$loader" || fail "the load: $(cat "$dir/test/load.err" "$dir/test/load.out")"
	kill "$watcher"
	wait "$watcher" 2>/dev/null
	background=
	note "load: $(load_word builtin sent) builtin, $(load_word command sent) command," \
	    "$(load_word handler sent) handler, $(load_word fresh sent) new connections in" \
	    "$((load_took / 1000)) s"
	sed 's/^/  /' "$dir/test/load.out"
}

# load_word KIND KEY: a number of the load's report.
load_word() {
	sed -n "s/^kind=$1 .*\<$2=\([^ ]*\).*/\1/p" "$dir/test/load.out"
}

# ----------------------------------------------------------------- faults ---

# Waits for a random time, half a second at most.
any_moment() {
	until_true 60 moment_has_come $(($(now_ms) + $(od -A n -t u2 -N 2 /dev/urandom) % 500))
}

moment_has_come() { # MS
	load_runs
	[ "$(now_ms)" -ge "$1" ]
}

# Notes the fault as "T role slot pid" in $faults.
note_fault() { # ROLE SLOT PID
	echo "$(now_ms) $1 $2 $3" >>"$faults"
}

# Prints the pid of the process that serves in this slot, as last seen.
serving() { # ROLE SLOT
	awk -v role="$1" -v slot="$2" '$2 == role && $3 == slot { pid = $5 == "serving" ? $4 : "" }
	    END { print pid }' "$states"
}

# True if a process other than PID serves in this slot.
is_succeeded() { # ROLE SLOT PID
	load_runs
	successor=$(serving "$1" "$2")
	[ -n "$successor" ] && [ "$successor" != "$3" ]
}

# Prints the milliseconds from each fault until its successor serves, one a
# line.
time_to_serve() {
	awk 'BEGIN { n = 0 }
	    FNR == NR { t[n] = $1; who[n] = $2 " " $3; pid[n++] = $4; next }
	    $5 == "serving" {
		for (i = 0; i < n; i++)
			if (!(i in took) && who[i] == $2 " " $3 && pid[i] != $4 && $1 >= t[i])
				took[i] = $1 - t[i]
	    }
	    END { for (i = 0; i < n; i++) print (i in took) ? took[i] : "never" }' "$faults" "$states"
}

# percentiles FILE: "n=.. p50=.. p99=.. worst=.." of the numbers in it.
percentiles() {
	sort -n "$1" | awk '{ v[NR] = $1 }
	    function at(q) { i = int(NR * q + 0.999999); return v[i < 1 ? 1 : i] }
	    END { if (NR == 0) print "n=0 p50=0 p99=0 worst=0"
		else printf "n=%d p50=%s p99=%s worst=%s\n", NR, at(0.5), at(0.99), v[NR] }'
}

# word KEY WORDS: the value of KEY=.
word() {
	echo "$2" | sed -n "s/.*\<$1=\([^ ]*\).*/\1/p"
}

# bound TEXT NUMBER BAR: a time in ms, against the bar for an idle machine.
bound() {
	awk -v n="$2" -v bar="$3" -v slack="$slack" 'BEGIN { exit !(n + 0 == n && n <= bar * slack) }' ||
	    fail "$1: $2 ms, the bar is $3 ms times $slack"
}

# Counts connections that were lost though no fault hit their worker: those of a
# slot are lost within SECONDS after a fault there.
lost_beside() { # SECONDS
	awk -v within="$1" 'BEGIN { n = 0 }
	    FNR == NR { t[n] = $1; slot[n++] = $2 == "worker" ? $3 : -1; next }
	    $2 == "lost" && $3 != "fresh" {
		for (i = 0; i < n; i++)
			if (slot[i] == $4 && $1 >= t[i] - 20 && $1 <= t[i] + within * 1000) next
		print
	    }' "$faults" "$dir/test/load.events"
}

# events WHAT [KIND]
events() {
	awk -v what="$1" -v kind="${2:-}" '$2 == what && (kind == "" || $3 == kind)' \
	    "$dir/test/load.events"
}

no_events() {
	assert_eq "$(events "$@" | head -n 5)" "" "$*"
}
