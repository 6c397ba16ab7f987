#!/bin/sh
# SPDX-License-Identifier: ISC
# reload-under-load: 20 reloads, 5 a second, each of which changes something,
# under kept and short connections: no request fails, is reset or stays without
# an answer. And memory does not grow with the number of reloads.
. "${srcdir:-.}/tests/integration/lib.sh"

paced=$top_builddir/bench/paced
[ -x "$paced" ] || fail "$paced is not built"
reloads=${REQD_RELOADS:-20}
second_port=$("$helpers/free-port")

service echo '"/bin/echo", "hi"'
service changes '"/bin/true"'
cp "$conf" "$dir/base.conf"
start_reqd

# variant N: never what it was in N - 1.
variant() {
	cp "$dir/base.conf" "$dir/next.conf"
	# Workers 2, 3, 2, 3; a listener every other two; services and limits in turn.
	[ $(($1 % 2)) -eq 0 ] || sed -i 's/^workers = .*/workers = 3/' "$dir/next.conf"
	case $(($1 % 4)) in
	1 | 2) echo "listen \"tcp://127.0.0.1:$second_port\" {}" >>"$dir/next.conf" ;;
	3) sed -i 's/{ mode = 0666 }/{ mode = 0666  max-connections = 9999 }/' "$dir/next.conf" ;;
	esac
	case $(($1 % 3)) in
	0) sed -i '/^service "changes"/,/^}/d' "$dir/next.conf" ;;
	1) sed -i '/^service "changes"/,/^}/s/allow = .*/&\n\ttimeout = 9s/' "$dir/next.conf" ;;
	esac
	case $(($1 % 5)) in
	0 | 1) sed -i '/^service "echo"/,/^}/s/allow = .*/&\n\tconcurrency = 7\n\tqueue = 99/' "$dir/next.conf" ;;
	esac
}

put_into_force() {
	mv "$dir/next.conf" "$conf"
	ctl reload >"$dir/out" 2>&1 || fail "reload: $(cat "$dir/out")"
	! grep 'nothing has changed' "$dir/out" || fail "reload $n changes nothing"
}

# One reload each 200 ms, whatever it takes itself.
reload_at_pace() {
	at=$(now_ms)
	for n in $(seq 2 $((reloads + 1))); do
		variant "$n"
		put_into_force
		at=$((at + 200))
		left=$((at - $(now_ms)))
		[ $left -le 0 ] || sleep "$(printf '0.%03d' $left)"
	done
}

# load NAME SERVER CONNECTIONS RATE SHORT-RATE WORD...
load() {
	name=$1
	url=$2
	shift 2
	"$paced" -s "$url" -c "$1" -r "$2" -k "$3" -d "$seconds" \
	    "$4" ${5:+"$5"} >"$dir/$name.load" 2>&1 &
	loaders="$loaders $!"
}

# All 20 of the address that comes and goes are there.
has_clients() {
	[ "$(awk -v here="$(printf ':%04X' "$second_port")" \
	    '$4 == "01" && substr($2, 9) == here' /proc/net/tcp | wc -l)" -ge 20 ]
}

nothing_lost() {
	n=0
	seconds=$((reloads / 5 + 2))
	loaders=
	load tcp "$server" 100 1000 300 PING
	load unix "unix://$dir/reqd.sock" 92 1000 200 PING
	load call "$server" 8 40 20 CALL echo
	# At the address that comes and goes, new clients are refused meanwhile.
	variant 1
	put_into_force
	load coming "tcp://127.0.0.1:$second_port" 20 200 100 PING
	until_true "$patience" has_clients || fail "no clients"
	reload_at_pace
	lost=no
	for loader in $loaders; do
		wait "$loader" || [ "$loader" = "${loaders##* }" ] || lost=yes
	done
	grep -q ' short_reset=0 short_unanswered=0 ' "$dir/coming.load" || lost=yes
	for name in tcp unix call coming; do
		note "$name: $(sed 's/_p50.*//; s/[a-z]*_closed/closed/' "$dir/$name.load" | tr '\n' ' ')"
		grep -q '^kept_answered=[1-9][0-9]* kept_failed=0 kept_reset=0 kept_unanswered=0 kept_closed=0 ' \
		    "$dir/$name.load" || lost=yes
		grep -q '^short_answered=[1-9]' "$dir/$name.load" || lost=yes
	done
	[ $lost = no ]
}
step "$reloads reloads under load: none failed, reset or unanswered" nothing_lost

# ------------------------------------------------------------------ growth ---

workers_are() {
	[ "$(role_pids worker | wc -l)" -eq "$1" ]
}
first_again() {
	cp "$dir/base.conf" "$conf"
	ctl reload >"$dir/out" 2>&1 || fail "reload: $(cat "$dir/out")"
	until_true "$patience" workers_are 2
}
reload_at_once() { # COUNT
	for n in $(seq "$1"); do
		variant "$n"
		put_into_force
	done
	first_again
}
# "ROLE KB" of each process, those that stay.
memory() {
	for role in master runner broker control log worker; do
		for pid in $(role_pids $role); do
			awk -v role=$role '/^VmRSS:/ { print role, $2 }' "/proc/$pid/status"
		done
	done
}
total() {
	memory | awk '{ sum += $2 } END { print sum }'
}
who() {
	for role in master runner broker control log worker; do
		role_pids $role
	done
}

# One worker more or less leaves its page of statistics behind, once.
reload_at_once 8
fds_before=$(settled_fds)
who >"$dir/who"
memory_before=$(total)
no_growth() {
	reload_at_once 60
	until_true "$patience" fds_are "$fds_before" || return 1
	assert_eq "$(who)" "$(cat "$dir/who")"
	grown=$(($(total) - memory_before))
	note "memory after 60 reloads more: $grown KB more than $memory_before KB"
	# A configuration that stays is some 30 KB, in each of five processes.
	is_sanitized || [ $grown -lt 2000 ]
}
step "no process, descriptor or memory more after 60 reloads" no_growth
finish
