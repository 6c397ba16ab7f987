#!/bin/sh
# SPDX-License-Identifier: ISC
# canary: a token, a password and a private key that have been used are nowhere: not in the
# log, in arguments and environments, in "reqd -T", status, ps and the changes of a reload,
# and two seconds later in the memory of no process (of the key: but that of keys).
log_level=debug
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 openssl

tls_port=$("$helpers/free-port")
http_port=$("$helpers/free-port")
https_port=$("$helpers/free-port")
"$reqctl" keygen --server "$dir/tls" >/dev/null || fail "no key"
pair="certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\""
setting "logins = \"logins\""
setting "web-workers = 1"
setting "listen \"tls://127.0.0.1:$tls_port\" { $pair }"
setting "listen \"http://127.0.0.1:$http_port\" {}"
setting "listen \"https://127.0.0.1:$https_port\" { $pair }"
service env '"/usr/bin/env"'
service cat '"/bin/cat"' 'input = required'
service nap '"/bin/sleep", "60"'
umask 077
: >"$dir/logins"
umask 022
password="canary of a password, with 42 bytes in all"
start_reqd

make_secrets() {
	ctl grant alice >"$dir/line" 2>"$dir/err" || fail "$(cat "$dir/err")"
	token=$(sed 's|^[a-z]*://alice:\(.*\)@.*|\1|' "$dir/line")
	assert_match "$token" 'reqd_*'
	printf '%s\n' "$password" | ctl passwd alice >/dev/null || return 1
	hash=$(sed -n 's/^alice:\(\$y\$.*\)/\1/p' "$dir/logins")
	printf '%s\n' "$token" "$password" "${hash%%:*}" >"$dir/secrets"
	rm "$dir/line"
}

# The clients stay until their standard input ends.
use_them() {
	mkfifo "$dir/go"
	python3 "$top_srcdir/tests/integration/canary.py" use "$port" "$tls_port" "$http_port" \
	    "$https_port" "$dir/reqd.sock" "$dir/tls/server.crt" "$dir/secrets" \
	    <"$dir/go" >"$dir/used" 2>&1 &
	users=$!
	background="$background $users"
	exec 8>"$dir/go"
	until_true 60 has_used
	cat "$dir/used"
	grep -q ' ways, ' "$dir/used"
}

has_used() {
	[ -s "$dir/used" ] || gone "$users"
}

pids_of_all() {
	for role in master runner broker control keys auth log worker; do
		role_pids $role
	done
	role_pids web
}

in_no_memory() {
	# shellcheck disable=SC2046
	python3 "$top_srcdir/tests/integration/canary.py" memory "$dir/secrets" "$dir/tls/server.key" \
	    $(pids_of_all | sort -u)
}

# has_none FILE...: no line of a secret or of the key is in them, in base64 neither.
has_none() {
	{
		cat "$dir/secrets"
		sed '/-----/d' "$dir/tls/server.key"
		printf 'alice:%s' "$password" | base64
	} >"$dir/patterns"
	! grep -aF -f "$dir/patterns" "$@"
}

told_by_nobody() {
	"$reqd" -c "$conf" -T >"$dir/text"
	ctl status >"$dir/status" && ctl status --json >>"$dir/status"
	ctl ps >"$dir/ps" && ctl ps --json >>"$dir/ps"
	has_none "$dir/text" "$dir/status" "$dir/ps" "$log"
}

# Also of a program that such a caller has started, and of the reqctl that waits for it.
in_no_process() {
	for one_pid in $(tree_of "$waiter_pid") $(tree_of "$sleeper"); do
		cat "/proc/$one_pid/cmdline" "/proc/$one_pid/environ" 2>/dev/null
	done >"$dir/processes"
	[ -s "$dir/processes" ] && has_none "$dir/processes"
}

# A token goes, another password comes, and the log and the answer tell of it.
changes_tell_nothing() {
	sed -i '/token\$/d' "$dir/logins"
	printf 'another %s\n' "$password" | ctl passwd alice >"$dir/changes" 2>&1 || return 1
	ctl reload >>"$dir/changes" 2>&1 || return 1
	grep -q alice "$dir/changes" || return 1
	has_none "$dir/changes" "$log"
}

step "a token and a password" make_secrets
as_alice() {
	printf 'tls://alice:%s@127.0.0.1:%s#%s\n' "$token" "$tls_port" "$("$reqctl" pin "$dir/tls/server.crt")" |
	    HOME=$dir XDG_CONFIG_HOME=$dir timeout 60 "$reqctl" --control "$control" join here >/dev/null || return 1
	HOME=$dir XDG_CONFIG_HOME=$dir timeout 60 "$reqctl" -s here call nap >/dev/null 2>&1 &
	sleeper=$!
	background="$background $sleeper"
	until_true "$patience" eval '! no_programs'
}
step "a program of a caller with a token" as_alice
step "both are shown in every way" use_them
step "no text has them" told_by_nobody
step "no process has them in its words" in_no_process
# A sanitizer has terabytes of memory that cannot be searched.
[ $is_root = no ] || is_sanitized || step "no memory has them" in_no_memory
step "changes tell nothing" changes_tell_nothing
exec 8>&-
kill "$sleeper"
wait "$sleeper" "$users" 2>/dev/null
background=
sed -i '/^alice/d' "$dir/logins"
step "all is as before" ctl reload
finish
