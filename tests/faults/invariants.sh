# shellcheck shell=sh
# SPDX-License-Identifier: ISC
# invariants: conditions that must hold after any fault, once the load has
# ended. Sourced by faults.sh.
#
#	invariants_before	after start_reqd, before the load
#	invariants_after	after stop_load: asserts all of them
#
# U1 to U12 are the numbers of the invariants. REQD_FAULT_IDLE is how many
# seconds idleness is watched for U8.
idle_seconds=${REQD_FAULT_IDLE:-3}

# A secret argument has this value, and a variable of the master's environment;
# nothing that reqd writes may contain it.
canary=canary-$$-$(od -A n -t x8 -N 16 /dev/urandom | tr -d ' \n')
export REQD_TEST_CANARY="$canary"

invariants_before() {
	# Walk every path before measuring, so that what is allocated once has
	# been.
	call true >/dev/null && ctl status >/dev/null && ctl list >/dev/null || fail "does not serve"
	call masked "$canary" >/dev/null || fail "masked"
	"$load" -s "$server" -c 20 -n 2000 PING >/dev/null || fail "no PONG"
	"$load" -s "$server" -c 8 -n 200 CALL true >/dev/null || fail "no command runs"
	until_true "$patience" is_idle || fail "no idleness before the load"
	fds_before=$(settled_fds)
	sockets_before=$(listening)
	files_before=$(files_there)
	processes_before=$(processes_there)
	memory_of_roles >"$dir/test/memory"
}

is_idle() {
	[ "$(status_number '[w["connections"] + w["running"] for w in s["workers"]]')" -eq 0 ] &&
	    [ "$(status_number '[s["broker"]["running"] + s["broker"]["queued"] + s["runner"]["running"]]')" -eq 0 ]
}

# status_number PYTHON: the sum of a list made of the status s.
status_number() {
	ctl status --json | python3 -c "import json, sys; s = json.load(sys.stdin); print(sum($1))"
}

# ------------------------------------------------------------- U4, U5, U7 ---

# Prints the inodes of the sockets that reqd listens on, with mode and owner
# where they have a path.
listening() {
	find "/proc/$reqd_pid/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n' | sort -u >"$dir/test/inodes"
	awk 'FNR == NR { ours[$1] = 1; next } $4 == "0A" && $10 in ours { print "tcp", $10 }' \
	    "$dir/test/inodes" /proc/net/tcp /proc/net/tcp6
	awk 'FNR == NR { ours[$1] = 1; next } $6 == "01" && $4 == "00010000" && $7 in ours { print $7, $8 }' \
	    "$dir/test/inodes" /proc/net/unix | while read -r inode path; do
		echo "unix $inode $path $(stat -c '%F %a %U' "$path")"
	done
}

# Prints the same without the inodes, which are others under a new master.
listening_names() {
	listening | sed 's/^\(tcp\|unix\) [0-9]*/\1/' | sort
}

files_there() {
	find "$dir" -path "$dir/test" -prune -o -path "$dir/zoo" -prune -o -print | sort
}

# "broker 1 control 1 log 1 master 1 runner 1 worker 4"; a program is one too many.
processes_there() {
	for one_pid in $reqd_pid $(tree_of "$reqd_pid"); do
		case $(tr 2>/dev/null '\0' ' ' <"/proc/$one_pid/cmdline") in
		*"reqd: log"* | *--role=log*) echo log ;;
		*"reqd: runner"* | *--role=runner*) echo runner ;;
		*"reqd: broker"* | *--role=broker*) echo broker ;;
		*"reqd: control"* | *--role=control*) echo control ;;
		*"reqd: keys"* | *--role=keys*) echo keys ;;
		*"reqd: auth"* | *--role=auth*) echo auth ;;
		*"reqd: web"*) echo web ;;
		*"reqd: worker"* | *--role=worker*) echo worker ;;
		*"/test/record serve"*) ;;
		*) [ "$one_pid" = "$reqd_pid" ] && echo master || echo program ;;
		esac
	done | sort | uniq -c | awk '{ printf "%s %d ", $2, $1 }'
}

processes_are() {
	[ "$(processes_there)" = "$1" ]
}

# Processes with the directory of this test in their arguments are reqd's.
none_escaped() {
	tree=" $(tree_of "$reqd_pid" | tr '\n' ' ') "
	for one_file in $(grep -lsaF "$dir/test/record" /proc/[0-9]*/cmdline); do
		one_pid=${one_file#/proc/}
		one_pid=${one_pid%%/*}
		case $tree in
		*" $one_pid "*) ;;
		*) gone "$one_pid" || return 1 ;;
		esac
	done
}

# --------------------------------------------------------------------- U6 ---

# Prints "ROLE KIB" of private memory.
memory_of_roles() {
	for one_role in master runner broker control log keys auth worker; do
		for role_pid in $(role_pids $one_role); do
			echo "$one_role $(awk '/^RssAnon/ { print $2 }' "/proc/$role_pid/status")"
		done
	done
}

# Checks that no role has more memory than at first: 64 KiB more, a worker a
# fifth (and never less than 256 KiB). A sanitizer keeps freed memory.
memory_is_bounded() {
	! is_sanitized || return 0
	memory_of_roles >"$dir/test/memory.after"
	awk 'FNR == NR { if ($2 > max[$1]) max[$1] = $2; next }
	    {
		more = $1 != "worker" ? 64 : max[$1] > 1280 ? max[$1] / 5 : 256
		if ($2 > max[$1] + more) exit 1
	    }' "$dir/test/memory" "$dir/test/memory.after"
}

# --------------------------------------------------------------------- U8 ---

# "PID NS SWITCHES" of each process of reqd and of its handlers.
activity() {
	for one_pid in $reqd_pid $(tree_of "$reqd_pid"); do
		echo "$one_pid $(awk '{ print $1 }' "/proc/$one_pid/schedstat") $(
			awk '/^voluntary_ctxt/ { print $2 }' "/proc/$one_pid/status") $(
			tr '\0' ' ' <"/proc/$one_pid/cmdline" | cut -c 1-30)"
	done
}

# Of a single look, as what another test does to the machine costs CPU here.
rests() {
	activity >"$dir/test/activity"
	rest_began=$(now_ms)
	sleep "$idle_seconds"
	rest_took=$(($(now_ms) - rest_began))
	activity >"$dir/test/activity.after"
	awk -v ms="$rest_took" 'FNR == NR { ns[$1] = $2; sw[$1] = $3; next }
	    {
		cpu += $2 - ns[$1]
		rate = ($3 - sw[$1]) * 1000 / ms
		if (rate > worst) { worst = rate; who = $4 " " $5 " " $6 }
	    }
	    END {
		share = cpu / ms / 10000
		printf "  idle: %.3f%% of a CPU for all, at most %.2f wake-ups a second (%s)\n", share, worst, who
		exit !(share < 0.2 && worst <= 2)
	    }' "$dir/test/activity" "$dir/test/activity.after"
}

# --------------------------------------------------------------------- U9 ---

canaries_sing() {
	for words in PING "CALL true"; do
		# shellcheck disable=SC2086
		"$load" -s "$server" -n 20 $words >"$dir/test/canary" || return 1
		awk -v words="$words" '{ sub(/.*max_us=/, ""); sub(/ .*/, "") }
		    { printf "  %s: at most %.1f ms\n", words, $0 / 1000; exit $0 + 0 > 100000 }' \
		    "$dir/test/canary" || return 1
	done
}

# -------------------------------------------------------------------- U10 ---

# The rights and limits that each role must have. "=": those of this test itself;
# "+N": so much more. PR_SET_DUMPABLE prevents core files; the broker and the
# runner may have as many descriptors as possible, a worker 1024 fewer where
# there are many.
#
# ROLE uid gid groups CapEff CapBnd NoNewPrivs Seccomp oom_score_adj core files
role_table() {
	files=$(awk '/^Max open files/ { print $5 }' /proc/self/limits)
	worker_files=$files
	[ "$files" -lt 4096 ] || worker_files=$((files - 1024))
	# 2: system calls are filtered.
	filtered='='
	! "$reqd" -V | grep -q '^built in:.* sandbox' || filtered=2
	if [ $is_root = yes ]; then
		uid=$(id -u "$worker_user")
		gid=$(id -g "$worker_user")
		groups=$(id -G "$worker_user" | tr ' ' '\n' | sort -n | tr '\n' ',')
		cat <<-END
		master = = = = = = = = = =
		runner = = = = = = = +10 = $files
		broker $uid $gid $groups 0 = 1 $filtered +10 = $files
		control $uid $gid $groups 0 = 1 $filtered +50 = =
		log $uid $gid $groups 0 = 1 $filtered +50 = =
		keys $uid $gid $groups 0 = 1 $filtered +50 = =
		auth $uid $gid $groups 0 = 1 $filtered +50 = =
		worker $uid $gid $groups 0 = 1 $filtered +100 = $worker_files
		END
	else
		cat <<-END
		master = = = = = = = = = =
		runner = = = = = = = = = $files
		broker = = = = = 1 $filtered = = $files
		control = = = = = 1 $filtered = = =
		log = = = = = 1 $filtered = = =
		keys = = = = = 1 $filtered = = =
		auth = = = = = 1 $filtered = = =
		worker = = = = = 1 $filtered = = $worker_files
		END
	fi
}

# The same columns of a process. Real, effective, saved and file system ids are one.
identity_of() { # PID
	awk '
	    function one() { return $2 == $3 && $3 == $4 && $4 == $5 ? $2 : "mixed" }
	    /^Uid:/ { uid = one() }
	    /^Gid:/ { gid = one() }
	    /^Groups:/ { n = split($0, g, /[ \t]+/); for (i = 2; i <= n; i++) if (g[i] != "") groups = groups g[i] "," }
	    /^CapEff:/ { eff = $2; sub(/^0+/, "", eff); if (eff == "") eff = "0" }
	    /^CapBnd:/ { bnd = $2 }
	    /^NoNewPrivs:/ { nnp = $2 }
	    /^Seccomp:/ { seccomp = $2 }
	    END { printf "%s %s %s %s %s %s %s ", uid, gid, groups == "" ? "," : groups, eff, bnd, nnp, seccomp }' \
	    "/proc/$1/status"
	cat "/proc/$1/oom_score_adj" | tr '\n' ' '
	awk '/^Max core file size/ { printf "%s ", $5 } /^Max open files/ { print $4 }' "/proc/$1/limits"
}

# Programs go before all others when memory runs out.
program_is_first_to_go() {
	[ $is_root = yes ] || return 0
	assert_eq "$(call score)" "$(($(cat /proc/$$/oom_score_adj) + 200))"
}

identities_are_right() {
	program_is_first_to_go
	identity_of $$ >"$dir/test/own-identity"
	role_table | while read -r role wanted; do
		for role_pid in $(role_pids "$role"); do
			identity_of "$role_pid" >"$dir/test/identity"
			echo "$wanted" | paste -d ' ' - "$dir/test/identity" "$dir/test/own-identity" |
			    awk -v role="$role" -v pid="$role_pid" '
				BEGIN { split("uid gid groups CapEff CapBnd NoNewPrivs Seccomp oom_score_adj core files", name) }
				{
					for (i = 1; i <= 10; i++) {
						want = $i == "=" ? $(i + 20) : $i ~ /^[+]/ ? $(i + 20) + $i : $i
						if (want != $(i + 10)) {
							printf "%s %d: %s is %s, not %s\n", role, pid, name[i], $(i + 10), want
							bad = 1
						}
					}
					exit bad
				}' || exit 1
		done
	done
}

# -------------------------------------------------------------------- U11 ---

# The canary is in no log, argument, environment or answer of reqd.
canary_is_hidden() {
	call masked "$canary" >"$dir/test/said" 2>&1
	ctl status >>"$dir/test/said" 2>&1
	ctl status --json >>"$dir/test/said" 2>&1
	ctl ps >>"$dir/test/said" 2>&1
	ctl describe masked >>"$dir/test/said" 2>&1
	! grep -lsaF "$canary" "$log" "$dir/notify" "$dir/test/said" || return 1
	! grep -lsaF "$canary" "/proc/$reqd_pid/cmdline" || return 1
	for one_pid in $(tree_of "$reqd_pid"); do
		! grep -lsaF "$canary" "/proc/$one_pid/cmdline" "/proc/$one_pid/environ" || return 1
	done
	# Not a search that finds nothing whatever is there.
	grep -qsaF "$canary" "/proc/$waiter_pid/environ"
}

# -------------------------------------------------------------------- U12 ---

counters_conserve() {
	ctl status --json >"$dir/test/status" || return 1
	python3 - "$dir/test/status" <<-'END'
	import json, sys
	s = json.load(open(sys.argv[1]))
	for w in s["workers"]:
	    total, closed = w["connections_total"], w["connections_closed"]
	    assert total == closed + w["connections"], w
	    assert w["requests"] == w["replies"] + w["aborted"], w
	    assert w["connections"] == w["running"] == 0, w
	b = s["broker"]
	assert b["running"] == b["queued"] == s["runner"]["running"] == 0, s
	for service in s["services"]:
	    pool = service.get("pool", {})
	    assert pool.get("busy", 0) == pool.get("waiting", 0) == 0, service
	    assert sum(service["outcomes"].values()) == service["calls"], service
	END
}

# ------------------------------------------------------------------- all ---

# same_master=no: the master was started again.
invariants_after() {
	until_true "$patience" is_idle || fail "no idleness after the load"
	step "U1 nothing alarming in the log" log_is_clean
	step "U1 no core" sh -c '! find "$1" / . -maxdepth 1 -name "core*" -type f -newer "$2" | grep .' - \
	    "$dir" "$conf"
	step "U2 every answer is the right one" [ ! -s "$dir/test/load.err" ]
	step "U3 the ledger" "$tools/ledger" check "$ledger" "$dir/test/load.sent"
	until_true "$patience" fds_are "$fds_before" || {
		printf 'before: %s\nafter:  %s\n' "$fds_before" "$(fds_of_roles)"
		fail "U4 the number of open descriptors changed"
	}
	printf 'ok: U4 as many descriptors as before\n'
	step "U5 no zombie" until_true "$patience" no_zombies
	until_true "$patience" processes_are "$processes_before" ||
	    fail "U5 processes: $(processes_there), wanted $processes_before"
	step "U5 nobody has escaped" none_escaped
	until_true "$patience" memory_is_bounded || {
		paste "$dir/test/memory" "$dir/test/memory.after"
		fail "U6 memory"
	}
	printf 'ok: U6 memory is bounded\n'
	if [ "${same_master:-yes}" = yes ]; then
		step "U7 the same listening sockets" assert_eq "$(listening)" "$sockets_before"
	else
		sockets_before=$(echo "$sockets_before" | sed 's/^\(tcp\|unix\) [0-9]*/\1/' | sort)
		step "U7 the same listening addresses" assert_eq "$(listening_names)" "$sockets_before"
	fi
	step "U7 no stray file" assert_eq "$(files_there)" "$files_before"
	step "U8 idle is idle" some_time 3 rests
	step "U9 canaries sing" some_time 5 canaries_sing
	step "U10 every role is what it has to be" identities_are_right
	step "U11 no secret is told" canary_is_hidden
	until_true "$patience" is_idle || fail "no idleness at the end"
	step "U12 counters conserve" counters_conserve
}

# some_time N COMMAND...: of N times once, as the machine may have others to serve.
some_time() {
	times=$1
	shift
	for _ in $(seq "$times"); do
		! "$@" || return 0
	done
	return 1
}
