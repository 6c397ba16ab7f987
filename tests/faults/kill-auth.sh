#!/bin/sh
# SPDX-License-Identifier: ISC
# kill-auth: kill -9 of the process that checks passwords. Connections go on; of the
# logins only those of that moment fail, each with one clear error.
. "${srcdir:-.}/tests/faults/faults.sh"
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is not installed"

rounds=${REQD_FAULT_ROUNDS:-4}
setting "logins = \"$dir/logins\""
setting "password-checks = 100/s"
fault_services
start_reqd
echo "correct horse" >"$dir/password"
set_password() {
	ctl passwd alice <"$dir/password" >/dev/null
}
step "somebody has a password" set_password

python() { # ACTION [WORDS]...
	timeout 120 /usr/bin/python3 "$top_srcdir/tests/integration/passwords.py" "$@"
}

python wait_login "$port" "$dir/password" || fail "no login"
invariants_before
start_load

is_rested() {
	load_runs
	[ "$(awk -v since=$(($(now_ms) - 10200)) '$1 > since' "$faults" | wc -l)" -lt 2 ]
}

kill_auth() {
	pid=$(serving auth 0)
	[ -n "$pid" ] || return 1
	note_fault auth 0 "$pid"
	python killed "$port" "$dir/password" "$pid" || return 1
	until_true 60 is_succeeded auth 0 "$pid" || fail "no new auth"
	python wait_login "$port" "$dir/password"
}

for _ in $(seq "$rounds"); do
	until_true 60 is_rested || fail "auth gets no rest"
	kill_auth || fail "logins do not go on"
	any_moment
done
stop_load

time_to_serve >"$dir/test/serve"
served=$(percentiles "$dir/test/serve")
note "$rounds times auth was killed; a new one serves after (ms): $served"
step "no connection is lost" no_events lost
step "nobody has got an error" no_events error
step "no connection was refused" no_events refused
step "a new one serves in time" bound "new auth" "$(word worst "$served")" 200
invariants_after
finish
