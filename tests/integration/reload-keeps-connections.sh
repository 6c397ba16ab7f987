#!/bin/sh
# SPDX-License-Identifier: ISC
# reload-keeps-connections: 200 persistent connections under load while the
# configuration changes 50 times and more: listeners and services are added,
# changed and removed, workers are added and taken away. No request is lost,
# none fails.
. "${srcdir:-.}/tests/integration/lib.sh"
need nc

[ -x "$load" ] || fail "$load is not built"
second_port=$("$helpers/free-port")
rounds=${REQD_RELOAD_ROUNDS:-50}

service echo '"/bin/echo", "{text}"' 'argument "text" {}'
service slow "\"/bin/sh\", \"-c\", \"touch $dir/began; $(waits_for "$dir/go"); echo old\""
chmod 1777 "$dir"
cp "$conf" "$dir/base.conf"
start_reqd

put_into_force() { # FILE
	mv "$1" "$conf"
	ctl reload >"$dir/out" 2>&1 || fail "reload: $(cat "$dir/out")"
}

# variant N: what changes from one reload to the next.
variant() {
	case $(($1 % 6)) in
	0) cp "$dir/base.conf" "$dir/next.conf" ;;
	1)
		cp "$dir/base.conf" "$dir/next.conf"
		echo "listen \"tcp://127.0.0.1:$second_port\" {}" >>"$dir/next.conf"
		;;
	2)
		sed "s|^listen \"unix.*|listen \"unix://$dir/reqd.sock\" {\\nmode = 0660\\nmax-connections = 999\\n}|" \
		    "$dir/base.conf" >"$dir/next.conf"
		echo "listen \"unix://$dir/more.sock\" {}" >>"$dir/next.conf"
		;;
	3)
		sed 's/"{text}"}/"{text}"}\n\ttimeout = 9s/' "$dir/base.conf" >"$dir/next.conf"
		conf=$dir/next.conf service added '"/bin/true"'
		;;
	4) sed 's/^workers = .*/workers = 4/' "$dir/base.conf" >"$dir/next.conf" ;;
	5) sed 's/^workers = .*/workers = 1/' "$dir/base.conf" >"$dir/next.conf" ;;
	esac
	put_into_force "$dir/next.conf"
}

loads_run() {
	for loader in $loaders; do
		kill -0 "$loader" 2>/dev/null || return 1
	done
}

start_loads() { # SECONDS
	"$load" -s "$server" -c 80 -d "$1" PING >"$dir/load-1" 2>&1 &
	loaders=$!
	"$load" -s "unix://$dir/reqd.sock" -c 80 -d "$1" PING >"$dir/load-2" 2>&1 &
	loaders="$loaders $!"
	"$load" -s "$server" -c 40 -d "$1" CALL echo hi >"$dir/load-3" 2>&1 &
	loaders="$loaders $!"
}

# The load ends with a failure when one reply is wrong or one connection lost.
loads_were_right() {
	for loader in $loaders; do
		wait "$loader" || fail "$(cat "$dir"/load-?)"
	done
}

workers_are() {
	[ "$(role_pids worker | wc -l)" -eq "$1" ]
}

more_workers() {
	start_loads 2
	sed 's/^workers = .*/workers = 8/' "$dir/base.conf" >"$dir/next.conf"
	put_into_force "$dir/next.conf"
	until_true "$patience" workers_are 8 || return 1
	loads_were_right
	call echo hi >/dev/null
}
step "six more workers under load: nothing lost" more_workers

first_again() {
	cp "$dir/base.conf" "$dir/next.conf"
	put_into_force "$dir/next.conf"
	until_true "$patience" workers_are 2
}
step "and six fewer again" first_again
# The pages of statistics of eight workers stay.
fds_before=$(settled_fds)

reloaded_until_loads_end() {
	loads_run || return 0
	variant $n
	n=$((n + 1))
	return 1
}
enough_rounds() {
	start_loads 3
	until_true "$patience" reloaded_until_loads_end || return 1
	loads_were_right
	[ $n -ge "$rounds" ]
}
reloads_under_load() {
	n=0
	until_true 600 enough_rounds || return 1
	note "$n reloads; $(cat "$dir/load-1"); $(cat "$dir/load-3")"
}
step "200 connections and $rounds reloads: nothing lost" reloads_under_load

# A listener that is no more is gone, its socket file too; the other is there.
listeners_follow() {
	variant 2
	test -S "$dir/more.sock" || return 1
	assert_eq "$(stat -c %a "$dir/reqd.sock")" 660
	variant 1
	! test -e "$dir/more.sock" || return 1
	assert_eq "$(stat -c %a "$dir/reqd.sock")" 666
	timeout 60 "$reqctl" -s "tcp://127.0.0.1:$second_port" ping >/dev/null || return 1
	variant 0
	! timeout 60 "$reqctl" -s "tcp://127.0.0.1:$second_port" ping >/dev/null 2>&1
}
step "listeners come and go with their files" listeners_follow

# The service of a running call is removed; the connection learns with its next
# request.
finishes_under_old_rules() {
	{
		printf 'CALL slow\r\n'
		until_true "$patience" test -e "$dir/began"
		awk '/^service "slow"/ { skip = 1 } !skip { print } /^}/ { skip = 0 }' \
		    "$dir/base.conf" >"$dir/next.conf"
		put_into_force "$dir/next.conf"
		touch "$dir/go"
		printf 'CALL slow\r\n'
	} | by_hand -N >"$dir/replies"
	assert_eq "$(tr -d '\r' <"$dir/replies" | head -n 3 | tr '\n' ' ')" '$4 old  '
	assert_match "$(tail -n 1 "$dir/replies")" '-NOSERVICE*'
}
step "a running request ends under its old rules, the next meets the new" finishes_under_old_rules

storm() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		kill -HUP "$reqd_pid"
	done
	cp "$dir/base.conf" "$dir/next.conf"
	put_into_force "$dir/next.conf"
	call echo hi >/dev/null
}
step "a storm of HUP is followed by what reqctl asked for" storm

finish
