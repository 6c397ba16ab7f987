#!/bin/sh
# SPDX-License-Identifier: ISC
# master-start: reqd starts with anything that it may inherit, or says in one
# line why it does not.
. "${srcdir:-.}/tests/integration/lib.sh"

service true '"/bin/true"'
service fds '"/bin/sh", "-c", "echo /proc/self/fd/*"'
service ignored '"/bin/grep", "^Sig[BI]", "/proc/self/status"'

# says STATUS TEXT COMMAND...: one line on stderr, if any.
says() {
	text=$2
	status=$1
	shift 2
	assert_status "$status" "$@"
	assert_match "$(cat "$dir/out" "$dir/err")" "$text"
}
step "-V" says 0 'reqd [0-9]*built in:*' "$reqd" -V
step "-D" says 0 '*runtime directory: /*' "$reqd" -D
step "-h" says 0 'Usage: reqd *' "$reqd" -h
step "--help" says 0 'Usage: reqd *' "$reqd" --help
checks() {
	assert_status 0 "$reqd" -c "$conf" -t
	assert_eq "$(cat "$dir/out")" "$conf: ok, 2 listeners, 1 role, 3 services"
	assert_eq "$(cat "$dir/err")" ""
}
step "-t" checks
step "an unknown option" says 64 "*try 'reqd --help'" "$reqd" --frob
step "a missing value" says 64 "*try 'reqd --help'" "$reqd" -c
step "a word too many" says 64 "*unexpected argument 'serve'; a file is named with -c*" "$reqd" serve
step "a role is nobody's to play" says 64 "*try 'reqd --help'" "$reqd" --role=king --slot=0
step "no configuration" says 1 '*/nothing: *No such file*' "$reqd" -c /nothing

# -T is a configuration file itself.
prints_itself() {
	"$reqd" -c "$conf" -T >"$dir/printed" || return 1
	"$reqd" -c "$dir/printed" -T >"$dir/again" || return 1
	# Compare all lines but those that name the file.
	for file in printed again; do
		grep -vE '^[[:blank:]]*(merged|from) = ' "$dir/$file" >"$dir/$file.rest"
	done
	cmp "$dir/printed.rest" "$dir/again.rest"
}
step "-T prints what it reads" prints_itself

full_output() {
	for option in -V -D -h -t -T; do
		! "$reqd" -c "$conf" $option >/dev/full 2>"$dir/err" || fail "$option"
		grep -q 'No space left' "$dir/err" || fail "$option: $(cat "$dir/err")"
	done
}
step "what cannot be printed is no success" full_output

serves() {
	call true && assert_eq "$(role_pids worker | wc -l)" 2
}

# Started without descriptors: what gets their numbers would be written to.
closed() {
	# shellcheck disable=SC2094
	printf '#!/bin/sh\nexec "$@" <&- >&- 2>&-\n' >"$dir/close"
	chmod 755 "$dir/close"
	start_reqd "$dir/close"
	# Only root may see the descriptors of the other processes.
	for pid in "$reqd_pid" $(role_pids worker) $(role_pids runner) $(role_pids broker) $(role_pids control) $(role_pids log); do
		for fd in 0 1 2; do
			[ $is_root = yes ] || [ "$pid" = "$reqd_pid" ] || continue
			assert_eq "$(readlink "/proc/$pid/fd/$fd")" /dev/null
		done
	done
	serves && stop_reqd
}
step "no descriptors" closed

# Only so many as a program has to have: three and the one of the directory.
open_ones() {
	printf '#!/bin/sh\nexec 3</etc/passwd 4</etc/passwd 5</etc/passwd 6</etc/passwd 9</etc/passwd\nexec "$@"\n' \
	    >"$dir/open"
	chmod 755 "$dir/open"
	start_reqd "$dir/open"
	serves || return 1
	assert_match "$(call fds)" '/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2*'
	assert_eq "$(call fds | wc -w)" 4
	stop_reqd
}
step "too many descriptors" open_ones

# A limit that is too low is told of at once, and one that is high enough is.
limited() { # N
	printf '#!/bin/sh\nulimit -n %s\nexec "$@"\n' "$1" >"$dir/limited"
	chmod 755 "$dir/limited"
}
few() {
	for n in 8 16 20 30 40; do
		limited $n
		says 71 "reqd: the limit of open files is $n, and * need [1-9]*: raise it with LimitNOFILE= *ulimit -n" \
		    timeout 20 "$dir/limited" "$reqd" -c "$conf"
		assert_eq "$(wc -l <"$dir/err")" 1
	done
	limited "$(sed 's/.* need \([0-9]*\): .*/\1/' "$dir/err")"
	start_reqd "$dir/limited"
	serves && ctl reload && ctl status >"$dir/out" || return 1
	cp "$conf" "$dir/few.conf"
	sed -i 's/^workers = .*/workers = 3/' "$conf"
	for option in --check ''; do
		# shellcheck disable=SC2086
		assert_status 251 ctl reload $option
		assert_match "$(head -n 1 "$dir/err")" 'reqctl: the limit of open files is *ulimit -n'
	done
	cp "$dir/few.conf" "$conf"
	stop_reqd
}
step "too few descriptors, and just enough" few

# The same words from a check, a start and a reload. A few privileged ones may
# have limits above their own.
warned() { # N
	while read -r warning; do
		[ "$(grep -cF "warning: $warning" "$log")" -eq "$1" ] || return 1
	done <"$dir/warnings"
}
# The answer to a reload may be there before the log is.
warnings() { # N
	until_true "$patience" warned "$1"
}
granted() {
	limited 100
	conf=$dir/granted.conf
	sed 's|^listen "tcp:.* {}|listen "tcp://127.0.0.1:'"$port"'" { max-connections = 101 }|' \
	    "$dir/few.conf" >"$conf"
	echo "tcp://127.0.0.1:$port: max-connections is 101, but there is room for 100 in 2 workers with 100 open files each" >"$dir/warnings"
	service full '"/bin/true"' 'limits { files = 100  file-size = 1M }'
	service fuller '"/bin/true"' 'limits { files = 101 }'
	"$dir/limited" sh -c 'ulimit -n 101' 2>/dev/null ||
	    echo 'service fuller: limits.files is above what reqd itself has: its program will not start' >>"$dir/warnings"
	assert_status 0 "$dir/limited" "$reqd" -c "$conf" -t
	assert_eq "$(grep -v '^reqd: note: ' "$dir/err")" "$(sed 's/^/reqd: warning: /' "$dir/warnings")"
	start_reqd "$dir/limited"
	warnings 1
	serves && ctl reload && warnings 2 || return 1
	stop_reqd
	limited 20
	assert_status 0 "$dir/limited" "$reqd" -c "$conf" -t
	assert_match "$(head -n 1 "$dir/err")" 'reqd: warning: the limit of open files is 20, *'
	conf=$dir/reqd.conf
}
step "what is granted and cannot be had" granted

deaf() {
	printf '#!/bin/sh\ntrap "" CHLD TERM HUP INT QUIT PIPE USR1\numask 077\nexec "$@"\n' >"$dir/deaf"
	chmod 755 "$dir/deaf"
	sed "s|^runtime-directory.*|runtime-directory = \"$dir/made\"|" "$conf" >"$dir/made.conf"
	conf=$dir/made.conf start_reqd "$dir/deaf"
	serves || return 1
	assert_eq "$(stat -c %a "$dir/made")" 755
	# Programs do not get any of it.
	assert_eq "$(call ignored | tr '\t\n' '  ')" 'SigBlk: 0000000000000000 SigIgn: 0000000000000000 '
	kill -KILL "$(role_pids log)"
	until_true "$patience" serves && until_true "$patience" log_is_back || return 1
	stop_reqd
}
log_is_back() {
	[ "$(role_pids log | wc -l)" -eq 1 ]
}
kills=yes
step "signals ignored, a tight umask" deaf

# A signal to the whole group does not end the processes of reqd.
group_signal() {
	start_reqd
	before=$(role_pids worker)
	for sig in HUP INT TERM; do
		for pid in $(role_pids log) $(role_pids worker) $(role_pids runner) $(role_pids broker) $(role_pids control); do
			kill -s $sig "$pid"
		done
	done
	serves && assert_eq "$(role_pids worker)" "$before"
	stop_reqd
}
step "a signal to all its processes is the master's business" group_signal

# A stale socket is replaced, anything else is not.
stale() {
	python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('$dir/reqd.sock')"
	start_reqd
	timeout 20 "$reqctl" -s "unix://$dir/reqd.sock" call true && stop_reqd
}
if command -v python3 >/dev/null; then
	step "a stale socket file" stale
fi
in_the_way() { # FILE TEXT
	echo precious >"$1"
	says 71 "*$1: $2*" timeout 20 "$reqd" -c "$conf"
	assert_eq "$(cat "$1")" precious
	rm "$1"
	ln -s "$dir/nothing" "$1"
	says 71 "*$1: $2*" timeout 20 "$reqd" -c "$conf"
	rm "$1"
}
step "a file where the socket belongs" in_the_way "$dir/reqd.sock" 'the path exists and is no socket'
step "a file where the control socket belongs" in_the_way "$control" 'the path exists and is no socket'
! test -e "$dir/reqd.sock" || fail "left behind: $dir/reqd.sock"

# Root leaves its control socket in no place where others could replace it.
not_roots_own() { # COMMAND...
	mkdir "$dir/theirs"
	"$@" "$dir/theirs"
	says 71 "*others may change $dir/theirs *" timeout 20 "$reqd" -c "$dir/theirs.conf"
	rmdir "$dir/theirs"
	! test -e "$dir/reqd.sock"
}
sed "s|^runtime-directory.*|runtime-directory = \"$dir/theirs\"|" "$conf" >"$dir/theirs.conf"
if [ $is_root = yes ]; then
	step "a runtime directory of somebody else" not_roots_own chown "$program_user"
	step "one that a group may write" not_roots_own chmod 775
fi

# Somebody removes our socket and makes his own: his is not ours to remove.
not_ours() {
	start_reqd
	rm "$dir/reqd.sock"
	echo precious >"$dir/reqd.sock"
	stop_reqd && assert_eq "$(cat "$dir/reqd.sock")" precious
	rm "$dir/reqd.sock"
}
step "what is at our path and not ours stays" not_ours

# Prints the ids of a process, its groups and its capabilities.
identity() { # PID
	grep -E '^(Uid|Gid|Groups|CapEff|CapPrm|CapBnd|NoNewPrivs):' "/proc/$1/status" | tr '\t\n' '  '
}
drops() {
	start_reqd
	uid=$(id -u $worker_user)
	gid=$(id -g $worker_user)
	for pid in $(role_pids worker) $(role_pids broker) $(role_pids control) $(role_pids log); do
		assert_match "$(identity "$pid")" \
		    "Uid: $uid $uid $uid $uid Gid: $gid $gid $gid $gid Groups: * CapPrm: 0000000000000000 CapEff: 0000000000000000 * NoNewPrivs: 1 "
		groups=$(awk '$1 == "Groups:" { $1 = ""; print }' "/proc/$pid/status" | tr ' ' '\n' | sort -n | xargs)
		assert_eq "$groups" "$(id -G $worker_user | tr ' ' '\n' | sort -n | xargs)"
	done
	for pid in "$reqd_pid" $(role_pids runner); do
		assert_match "$(identity "$pid")" "Uid: 0 0 0 0 *"
	done
	# Core files are for nobody to read: not dumpable, so /proc is root's.
	for pid in $(role_pids worker); do
		assert_eq "$(stat -c %u "/proc/$pid/environ")" 0
		assert_eq "$(tr '\0' '\n' <"/proc/$pid/environ")" ''
	done
}
if [ $is_root = yes ]; then
	step "workers, broker, control and log are somebody else for good" drops
fi
finish
