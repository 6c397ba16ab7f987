#!/bin/sh
# SPDX-License-Identifier: ISC
# hidden-services: a service that denies a role of the caller is to him as one that
# does not exist: not callable, not listed, not described; and reqctl why tells an
# administrator which rule decides.
. "${srcdir:-.}/tests/integration/lib.sh"

setting 'role "net" { net = {"127.0.0.0/8"} }'
service denied '"/bin/echo", "hello"' 'deny = {"net"}' 'verb = {"DENIEDVERB"}'
service open '"/bin/echo", "hello"'
service closed '"/bin/echo", "hello"'
sed -i '/^service "closed"/,/^}/{/allow/d}' "$conf"
start_reqd

at() { # SERVER WORDS...
	where=$1
	shift
	timeout 60 "$reqctl" -s "$where" --control "$control" "$@"
}

# The answer is that for an unknown service, but for the name.
is_hidden() { # SERVER SERVICE
	for verb in call describe; do
		assert_status 247 at "$1" "$verb" "$2"
		sed "s/$2/no-such-service/g" "$dir/out" "$dir/err" >"$dir/hidden"
		assert_status 247 at "$1" "$verb" no-such-service
		cat "$dir/out" "$dir/err" >"$dir/unknown"
		assert_eq "$(cat "$dir/hidden")" "$(cat "$dir/unknown")"
	done
	at "$1" why "$2" | sed "s/$2/no-such-service/" >"$dir/hidden"
	at "$1" why no-such-service >"$dir/unknown"
	assert_eq "$(cat "$dir/hidden")" "$(cat "$dir/unknown")"
	at "$1" list >"$dir/list" && at "$1" --json list >>"$dir/list" || return 1
	! grep -w "$2" "$dir/list"
}

is_there() { # SERVER SERVICE
	assert_eq "$(at "$1" call "$2")" hello
	at "$1" describe "$2" >/dev/null || return 1
	at "$1" list | grep -qw "$2"
}

unix=unix://$dir/reqd.sock
step "who has a denied role sees no such service" is_hidden "$server" denied
step "as with a service without allow" is_hidden "$server" closed
step "over a unix socket the caller has no denied role" is_there "$unix" denied
step "other services are there" is_there "$server" open

why_denied() {
	assert_status 247 ctl why denied addr:127.0.0.1
	grep -q "The service denies role 'net' (from 127.0.0.0/8), which includes the caller" "$dir/out" || return 1
	grep -q "Role 'local' .* includes the caller" "$dir/out" || return 1
	assert_status 0 ctl why denied uid:12345
	assert_match "$(cat "$dir/out")" "The caller uid:12345 may call service 'denied'.*"
}
step "why names the role that decides" why_denied

verb_is_unknown() {
	printf 'DENIEDVERB\r\nNOSUCHVERB\r\n' | by_hand -q 1 | sed 's/DENIEDVERB/NOSUCHVERB/' >"$dir/out"
	assert_eq "$(sed -n 1p "$dir/out")" "$(sed -n 2p "$dir/out")"
}
command -v nc >/dev/null && step "nor the bound verb" verb_is_unknown
finish
