#!/bin/sh
# SPDX-License-Identifier: ISC
# hidden-services: a service that denies a role of the caller, or is not at the listener
# of the caller, is to him as one that does not exist: not callable, not listed, not
# described; and reqctl why tells an administrator which rule decides.
. "${srcdir:-.}/tests/integration/lib.sh"

setting 'role "net" { net = {"127.0.0.0/8"} }'
service denied '"/bin/echo", "hello"' 'deny = {"net"}' 'verb = {"DENIEDVERB"}'
service open '"/bin/echo", "hello"'
service closed '"/bin/echo", "hello"'
sed -i '/^service "closed"/,/^}/{/allow/d}' "$conf"
service meshed '"/bin/echo", "hello"' 'listen = {"mesh"}' 'verb = {"MESHEDVERB"}'
mesh_port=$("$helpers/free-port")
setting "listen \"tcp://127.0.0.1:$mesh_port\" { name = \"mesh\" }"
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

# Root learns there that the service is elsewhere; everybody else nothing.
hidden_at_unix() {
	assert_status 247 at "$unix" call meshed
	assert_status 247 at "$unix" describe meshed
	assert_status 247 at "$unix" why meshed
	at "$unix" list >"$dir/list"
	! grep -w meshed "$dir/list"
}

unix=unix://$dir/reqd.sock
step "who has a denied role sees no such service" is_hidden "$server" denied
step "as with a service without allow" is_hidden "$server" closed
step "over a unix socket the caller has no denied role" is_there "$unix" denied
step "other services are there" is_there "$server" open

verb_is_unknown() {
	printf 'DENIEDVERB\r\nMESHEDVERB\r\nNOSUCHVERB\r\nQUIT\r\n' | by_hand |
	    sed 's/DENIEDVERB\|MESHEDVERB/NOSUCHVERB/' >"$dir/out"
	assert_match "$(sed -n 3p "$dir/out")" "*NOSUCHVERB*"
	assert_eq "$(sed -n 1p "$dir/out")" "$(sed -n 3p "$dir/out")"
	assert_eq "$(sed -n 2p "$dir/out")" "$(sed -n 3p "$dir/out")"
}
command -v nc >/dev/null && step "bound verbs are unknown, too" verb_is_unknown

mesh=tcp://127.0.0.1:$mesh_port
step "a service of one listener is there" is_there "$mesh" meshed
step "and is hidden at another one" is_hidden "$server" meshed
step "also at a unix socket" hidden_at_unix
step "other services are at both" is_there "$mesh" open

why_meshed() {
	assert_status 0 ctl why meshed addr:127.0.0.1
	assert_match "$(cat "$dir/out")" "*The service is at listener 'mesh' ($mesh) only.*"
	assert_status 247 ctl why meshed uid:0
	assert_match "$(cat "$dir/out")" "*($mesh) only, where the caller is not: that decides*"
}
step "why names the listener" why_meshed

moved() {
	sed -i 's/listen = {"mesh"}/listen = {"other"}/' "$conf"
	assert_status 251 ctl reload
	grep -q "no listener has the 'name' 'other', which service \"meshed\" wants" "$dir/err" "$dir/out" || return 1
	sed -i -e 's/listen = {"other"}/listen = {"other", "mesh"}/' \
	    -e "s/^\(listen .*:$port\".*\) {}/\1 { name = \"other\" }/" "$conf"
	assert_status 0 ctl reload
	assert_match "$(cat "$dir/out")" "*changed  service meshed: listen*"
	is_there "$server" meshed && is_there "$mesh" meshed
}
step "a reload brings it to another listener" moved

why_denied() {
	assert_status 247 ctl why denied addr:127.0.0.1
	grep -q "The service denies role 'net' (from 127.0.0.0/8), which includes the caller" "$dir/out" || return 1
	grep -q "Role 'local' .* includes the caller" "$dir/out" || return 1
	assert_status 0 ctl why denied uid:12345
	assert_match "$(cat "$dir/out")" "The caller uid:12345 may call service 'denied'.*"
}
step "why names the role that decides" why_denied

finish
