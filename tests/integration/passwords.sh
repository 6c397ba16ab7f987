#!/bin/sh
# SPDX-License-Identifier: ISC
# Callers who type a password: every answer, floods, a new password and its end on a
# living connection, a process auth that dies; and no password is written anywhere.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3
need_localhost
kills=yes

py() {
	timeout 300 python3 "$top_srcdir/tests/integration/passwords.py" "$@"
}

umask 077
timeout 60 python3 "$top_srcdir/tests/integration/logins.py" line ci "$dir/ci.token" >"$dir/logins"
printf 'correct horse %s\n' "$(od -An -tx8 -N8 /dev/urandom | tr -d " ")" >"$dir/alice.password"
printf 'another one %s\n' "$(od -An -tx8 -N8 /dev/urandom | tr -d " ")" >"$dir/second.password"
umask 022
setting "logins = \"logins\""
setting 'role "people" { login = {"alice", "ci"} }'
service deploy '"/bin/sh", "-c", "echo $REQD_CALLER"'
sed 's/allow = {"local"}/allow = {"people"}/; /^role "local"/d' "$conf" >"$conf.new"
mv "$conf.new" "$conf"
start_reqd

has_auth() {
	[ -n "$(role_pids auth)" ]
}
no_auth() {
	! has_auth
}
step "without a password there is no process auth" no_auth
passwd() { # LOGIN FILE
	ctl passwd "$1" <"$2"
}
step "reqctl gives a login a password" passwd alice "$dir/alice.password"
step "... whose hash is in the file" grep -qE '^alice:\$y\$j9T\$[./0-9A-Za-z]+\$[./0-9A-Za-z]{43}$' \
    "$dir/logins"
assert_eq "$(stat -c %a "$dir/logins")" 600 "the file of logins is private"
step "... and a process auth is there" until_true "$patience" has_auth
until_true "$patience" ctl status >/dev/null
fds_before=$(settled_fds)
logins_shows() {
	ctl logins | grep -qE "^alice[[:blank:]]+password[[:blank:]]"
}
step "reqctl logins shows it" logins_shows
status_shows() {
	ctl status | grep -qE '^auth +pid [0-9]+, 0 restarts$'
}
step "reqctl status shows the process" status_shows

step "each form of a login works, and each no is a no" py answers "$port" "$dir/alice.password"
step "what cannot be a password is refused" py odd "$port" "$dir/alice.password"
step "three noes close the connection" py noes "$port"
step "... and the source has to wait" py penalty "$port" "$dir/alice.password" "$dir/ci.token"
step "a crowd of guesses keeps nobody out" py crowd "$port" "$dir/alice.password" "$dir/ci.token"

# ---------------------------------------------------------------- clients ---
redis_cli() {
	assert_eq "$(redis-cli -p "$port" --no-auth-warning "$@" CALL deploy)" "login:alice"
}
if command -v redis-cli >/dev/null; then
	step "redis-cli logs in by user and password" redis_cli --user alice \
	    --pass "$(cat "$dir/alice.password")"
	step "... by password alone" redis_cli -a "$(cat "$dir/alice.password")"
	step "... with RESP3" redis_cli -3 --user alice --pass "$(cat "$dir/alice.password")"
fi
if python3 -c 'import redis' 2>/dev/null; then
	step "python3-redis logs in" py redis_library "$port" "$dir/alice.password"
fi
reqctl_logs_in() {
	assert_eq "$(timeout 60 "$reqctl" -s "tcp://alice@127.0.0.1:$port" \
	    --token-file "$dir/alice.password" call deploy)" "login:alice"
}
step "reqctl logs in by a file" reqctl_logs_in
reqctl_asks() {
	timeout 60 python3 -c '
import os, pty, sys
secret = open(sys.argv[3]).read().encode()
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "-s", sys.argv[2], "call", "deploy"])
out = b""
while b"not shown" not in out:
    out += os.read(fd, 4096)
os.write(fd, secret)
try:
    while True:
        data = os.read(fd, 4096)
        if not data:
            break
        out += data
except OSError:
    pass
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(code or (b"login:alice" not in out) * 98 or (secret.strip() in out) * 99)' \
	    "$reqctl" "tcp://alice@127.0.0.1:$port" "$dir/alice.password"
}
step "... or asks on a terminal, without showing" reqctl_asks
reqctl_does_not_wait() {
	! timeout 60 "$reqctl" -s "tcp://alice@127.0.0.1:$port" call deploy </dev/null 2>"$dir/err" &&
	    grep -q 'the login needs a password' "$dir/err"
}
step "... and elsewhere says what to do" reqctl_does_not_wait
passwd_refuses() { # TEXT WHY
	cp "$dir/logins" "$dir/logins.before"
	! printf '%s\n' "$1" | ctl passwd alice >/dev/null 2>"$dir/err" &&
	    grep -qF "$2" "$dir/err" && cmp "$dir/logins.before" "$dir/logins"
}
step "a short password is refused" passwd_refuses short "8 to 511 bytes"
step "... and a long one" passwd_refuses "$(printf '%0512d' 0)" "8 to 511 bytes"
step "... and a token" passwd_refuses "$(cat "$dir/ci.token")" "is a token"

# -------------------------------------------------------------------- log ---
failure_is_logged() {
	tr -d '\\' <"$log" | grep -qF "login failed for \"$1\" from $2 on tcp://127.0.0.1:$port: $3"
}
step "a wrong password is logged" until_true "$patience" failure_is_logged alice 127.0.3.1 \
    "wrong password"
step "a penalty is logged" failure_is_logged alice 127.0.3.1 penalty
put_off_is_logged() {
	tr -d '\\' <"$log" | grep -qE 'login put off for "alice" from 127\.0\.5\.[0-9]+ on .*: too many logins'
}
step "logins that are put off are logged" put_off_is_logged
# Every failed login, and nothing else, is for the filter.
filter_finds_all() {
	grep 'login failed for' "$log" >"$dir/failed"
	n=$(wc -l <"$dir/failed")
	grep -v 'login failed for' "$log" >>"$dir/failed"
	fail2ban-regex "$dir/failed" "$top_srcdir/examples/fail2ban-reqd.conf" >"$dir/found" 2>&1
	grep -q "Failregex: $n total" "$dir/found" || {
		cat "$dir/found"
		return 1
	}
}
if command -v fail2ban-regex >/dev/null; then
	step "fail2ban finds each failed login" filter_finds_all
else
	note "fail2ban is not installed: its filter is not tried"
fi

# ------------------------------------------------------------- revocation ---
mkfifo "$dir/told" "$dir/go"
sed -i 's/^\(alice:.*\)$/\1:label=typed/' "$dir/logins"
step "words may stand behind a password" ctl reload
step "a new password takes the place of the old one" passwd alice "$dir/second.password"
py hold "$port" "$dir/second.password" "$dir/told" "$dir/go" &
holder=$!
step "... and the words stay" grep -qE '^alice:\$y\$.*:label=typed$' "$dir/logins"
assert_eq "$(grep -c '^alice:' "$dir/logins")" 1 "there is one line of alice"
read -r _ <"$dir/told"
step "the same password has another hash" passwd alice "$dir/second.password"
echo x >"$dir/go"
wait "$holder" || fail "a living connection was not judged anew"
old_is_wrong() {
	assert_eq "$(printf 'AUTH alice "%s"\r\n' "$(cat "$dir/alice.password")" |
	    timeout 60 python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30, ("127.0.9.1", 0))
s.sendall(sys.stdin.buffer.read())
print(s.makefile().readline().split()[0])' "$port")" "-WRONGPASS"
}
step "the old password is wrong" old_is_wrong
reload_shows_id() {
	sed -i 's/:label=typed$/:label=typed,expires=2020-01-31/' "$dir/logins"
	ctl reload | grep -qE '^changed +credential [0-9a-f]{16}: expires unset -> "2020-01-31"$' &&
	    sed -i 's/,expires=2020-01-31$//' "$dir/logins" && ctl reload >/dev/null
}
step "a reload names the credential by its id" reload_shows_id

# ------------------------------------------------------------ auth dies ---
kill_auth() {
	old=$(role_pids auth)
	py killed "$port" "$dir/second.password" "$old"
}
replaced() {
	new=$(role_pids auth)
	[ -n "$new" ] && [ "$new" != "$old" ]
}
step "auth is killed while logins wait, and each is told so" kill_auth
step "... and replaced" until_true "$patience" replaced
step "a login waits for the new one" py wait_login "$port" "$dir/second.password"

# ----------------------------------------------------------- broken files ---
refused() { # LINE WORDS
	cp "$dir/logins" "$dir/logins.good"
	printf '%s\n' "$1" >>"$dir/logins"
	refused_status=0
	ctl reload >"$dir/out" 2>&1 || refused_status=$?
	cp "$dir/logins.good" "$dir/logins"
	[ $refused_status -ne 0 ] && grep -qF "logins:3: $2" "$dir/out" || {
		cat "$dir/out"
		return 1
	}
}
step "a hash that is too dear is refused with its line" refused \
    "bob:\$2b\$31\$01234567890123456789012345678901234567890123456789012" \
    "a check of the password takes over 300 ms"
step "so is a broken one" refused 'bob:$y$j9T$abc$def' "the hash of the password is cut off"

# ---------------------------------------------------------------- canaries ---
"$reqd" -c "$conf" -T >"$dir/canonical"
step "the configuration says that there is a password" grep -q 'kind = password' "$dir/canonical"
ctl status --json >"$dir/status"
no_password_in() { # FILE...
	! cat "$dir"/*.password | grep -qF -f - "$@"
}
no_hash_in() { # FILE...
	! grep -qF "$(sed -n 's/^alice:\([^:]*\).*/\1/p' "$dir/logins")" "$@"
}
step "a password would be found" eval "! no_password_in \"\$dir/alice.password\""
step "a hash would be found" eval "! no_hash_in \"\$dir/logins\""
step "no password is in log, configuration or status" no_password_in "$log" "$dir/canonical" \
    "$dir/status"
step "no hash either" no_hash_in "$log" "$dir/canonical" "$dir/status"
no_password_in_processes() {
	for one_pid in $reqd_pid $(tree_of "$reqd_pid"); do
		no_password_in "/proc/$one_pid/cmdline" "/proc/$one_pid/environ" || return 1
	done
}
step "no password is in a command line or environment" no_password_in_processes
no_secret_in_memory() {
	# shellcheck disable=SC2046
	py memory "$dir/second.password" "$dir/logins" "$(role_pids auth)" \
	    $(for r in master runner broker control log worker; do role_pids $r; done)
}
# Only root may look there, and a sanitizer has terabytes of memory.
[ "$(id -u)" != 0 ] || is_sanitized || step "no password stays in memory" no_secret_in_memory

# ------------------------------------------------------------------- time ---
{
	echo 'offline:'"$(sed -n 's/^alice:\([^:]*\).*/\1/p' "$dir/logins")"':off'
	echo 'old:'"$(sed -n 's/^alice:\([^:]*\).*/\1/p' "$dir/logins")"':expires=2020-01-31'
	echo 'far:'"$(sed -n 's/^alice:\([^:]*\).*/\1/p' "$dir/logins")"':from=10.0.0.0/8'
} >>"$dir/logins"
setting "password-checks = 1000/s"
step "more logins, more checks" ctl reload
step "every no takes the same time" py equal "$port" "$(role_pids auth)" \
    "${REQD_EQUAL_ROUNDS:-15}"

revoke() {
	ctl revoke alice && ctl revoke offline && ctl revoke old && ctl revoke far
}
step "the passwords are revoked" revoke
step "... and auth ends" until_true "$patience" no_auth
fds_before=$(settled_fds)
finish
