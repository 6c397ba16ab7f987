#!/bin/sh
# SPDX-License-Identifier: ISC
# Callers who show a token are known by their login, over TCP and unix sockets, until
# the credential goes; and no token is written anywhere.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3
need_localhost

py() {
	timeout 120 python3 "$top_srcdir/tests/integration/logins.py" "$@"
}

umask 077
py line alice "$dir/alice.token" label=laptop >"$dir/logins"
py line ci "$dir/ci.token" >>"$dir/logins"
py line alice "$dir/second.token" label=desktop >>"$dir/logins"
umask 022

# Fails if one of the tokens, or its random part, is in a file, a command line or an
# environment.
no_token_in() { # FILE...
	! sed 's/^reqd_//' "$dir"/*.token | grep -qF -f - "$@"
}

no_token_in_processes() {
	for one_pid in $reqd_pid $(tree_of "$reqd_pid"); do
		no_token_in "/proc/$one_pid/cmdline" "/proc/$one_pid/environ" || return 1
	done
}

change_logins() { # SED-SCRIPT
	sed "$1" "$dir/logins" >"$dir/logins.new"
	chmod 600 "$dir/logins.new"
	mv "$dir/logins.new" "$dir/logins"
}

outside=$(ip -4 -o addr show scope global 2>/dev/null | awk 'NR == 1 { sub("/.*", "", $4); print $4 }')

tls_port=$("$helpers/free-port")
"$reqctl" keygen --server "$dir/tls" >/dev/null
setting "listen \"tls://localhost:$tls_port\" { certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\" }"
setting "logins = \"logins\""
setting 'role "people" { login = {"alice", "ci"} }'
if [ -n "$outside" ]; then
	setting "listen \"tcp://$outside:$port\" {}"
	setting "insecure-open = yes"
fi
service deploy '"/bin/sh", "-c", "echo $REQD_CALLER $REQD_LOGIN"' 'verb = {"DEPLOY"}'
service sleep '"/bin/sh", "-c", "echo $REQD_REQUEST_ID >'"$dir"'/started; exec sleep 60"'
service closed '"/bin/true"'
# Logins alone open these; callers by place and account are nobody.
sed 's/allow = {"local"}/allow = {"people"}/' "$conf" | grep -v '^role "local"' >"$conf.new"
mv "$conf.new" "$conf"
sed '/service "closed"/,/^}/s/allow = .*//' "$conf" >"$conf.new"
mv "$conf.new" "$conf"
start_reqd

step "each form of a login works, and each no is a no" py answers "$port" "$dir/alice.token" \
    "$dir/ci.token"
step "three noes close the connection" py noes "$port" "$dir/alice.token"
step "a login takes the place of the account" py unix "$dir/reqd.sock" "$dir/alice.token"
step "requests behind a login have its limits" py pipelined "$port" "$dir/alice.token"
step "a login may come a byte at a time" py pieces "$port" "$dir/alice.token"

# ---------------------------------------------------------------- clients ---
redis_cli() {
	assert_eq "$(redis-cli -p "$port" --no-auth-warning "$@" CALL deploy)" "login:alice alice"
}
if command -v redis-cli >/dev/null; then
	step "redis-cli logs in by user and password" redis_cli --user alice \
	    --pass "$(cat "$dir/alice.token")"
	step "... by password alone" redis_cli -a "$(cat "$dir/alice.token")"
	step "... with RESP3" redis_cli -3 --user alice --pass "$(cat "$dir/alice.token")"
fi
if python3 -c 'import redis' 2>/dev/null; then
	step "python3-redis logs in" py redis_library "$port" "$dir/alice.token"
fi

mkfifo -m 666 "$dir/started"
step "credentials of a login share its calls" py owner "$port" "$dir/alice.token" \
    "$dir/second.token" "$dir/ci.token" "$dir/started"

if [ -n "$outside" ]; then
	step "no secret is taken in the clear" py clear "$outside" "$port" "$dir/alice.token"
fi

failure_is_logged() {
	tr -d '\\' <"$log" | grep -qF "login failed for \"$1\" from $2 on tcp://127.0.0.1:$port: $3"
}
step "a wrong token is logged" until_true "$patience" failure_is_logged default 127.0.0.1 \
    "wrong token"
step "an unknown login is logged" failure_is_logged nobody 127.0.0.1 "unknown login"
step "a wrong password is logged" failure_is_logged alice 127.0.0.1 "wrong password"
step "a line cannot be forged" failure_is_logged '?' 127.0.0.1 "unknown login"
# Every failed login of a client with an address, and nothing else, is for the filter.
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

record_has_credential() {
	grep -q 'caller=login:alice .*credential=laptop' "$log"
}
step "records name the credential" until_true "$patience" record_has_credential

# ------------------------------------------------------------- revocation ---
mkfifo "$dir/told" "$dir/go"
py hold "$port" "$dir/alice.token" "$dir/told" "$dir/go" &
holder=$!
read -r _ <"$dir/told"
change_logins 's/label=laptop/label=laptop,off/'
step "a credential is taken away" ctl reload
echo x >"$dir/go"
read -r _ <"$dir/told"
change_logins 's/,off//'
step "... and given back" ctl reload
echo x >"$dir/go"
wait "$holder" || fail "a living connection was not judged anew"
step "no reload under load leaves an old answer" py toggle "$port" "$dir/alice.token" \
    "$dir/logins" "${REQD_LOGIN_RELOADS:-40}" "$reqctl" --control "$control" reload
change_logins 's/label=laptop/label=laptop,expires=2020-01-31/'
reload_shows_id() {
	ctl reload | grep -qE '^changed +credential [0-9a-f]{16}: expires unset -> "2020-01-31"$'
}
step "a reload names the credential by its id" reload_shows_id

# ---------------------------------------------------------------- canaries ---
"$reqd" -c "$conf" -T >"$dir/canonical"
step "the configuration in force has the hashes" grep -q '^credential "' "$dir/canonical"
ctl status --json >"$dir/status"
step "failed logins are counted" grep -qE '"logins_failed": *[1-9]' "$dir/status"
step "a token would be found" eval "! no_token_in \"\$dir/alice.token\""
step "no token is in log, configuration or status" no_token_in "$log" "$dir/canonical" "$dir/status"
no_token_in_memory() {
	# shellcheck disable=SC2046
	py memory "$port" "$tls_port" "$dir/tls/server.crt" "$dir/second.token" \
	    $(for r in master runner broker control log keys auth worker; do role_pids $r; done)
}
# Only root may look there, and a sanitizer has terabytes of memory.
[ "$(id -u)" != 0 ] || is_sanitized || step "no token stays in memory" no_token_in_memory
step "no token is in a command line or environment" no_token_in_processes
finish
