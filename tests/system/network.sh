#!/bin/sh
# SPDX-License-Identifier: ISC
# network: all that callers from other machines need works in the sandbox of the packaged unit,
# and with the strict drop-in: listeners with TLS and HTTP, logins by token, key and
# password, the processes that serve them, their sockets over a restart and from systemd, and
# keys that systemd passes.
. "${srcdir:-.}/tests/system/lib.sh"
need ip curl

# An address that is not loopback, so that callers count as ones of another machine.
far=10.77.7.7
tls=tls://$far:7374

box_start
into_network() {
	nsenter -t "$("$sdbox" pid "$box")" -n "$@"
}
into_network ip addr add $far/32 dev lo || skip "no second address in the box"

service echo '"/bin/echo", "{text}"' 'argument "text" {}' 'effects = none'
people() {
	put /etc/reqd/services.d/people.conf <<-'END'
	role "people" { login = {"web1", "web2", "alice"} }
	service "who" { command = {"/bin/sh", "-c", "echo $REQD_CALLER"}  allow = {"people"}
	    user = "nobody"  effects = none }
	END
	inside sh -c 'cat >>/etc/reqd/reqd.conf' <<-'END'
	listen "tls://*:7374" {}
	listen "http://127.0.0.1:8080" {}
	listen "https://*:8443" {}
	END
	inside systemctl reload reqd && is_active
}
step "listeners with TLS and HTTP, by a reload" people
pin=$(inside reqctl pin)

# Two clients, each an ordinary user with files of its own, and a third with a password.
for one in token key; do
	inside sh -c 'mkdir "$1" && chown nobody "$1"' - /tmp/$one
done
client() { # DIRECTORY COMMAND...
	client_dir=$1
	shift
	as_user env HOME="/tmp/$client_dir" "$@"
}
secret=$(od -An -tx8 -N8 /dev/urandom | tr -d ' ')
password="correct horse $secret"
login_made() {
	line=$(inside reqctl grant --url $tls web1) || return 1
	assert_match "$line" "tls://web1:reqd_*@$far:7374#$pin"
	token=${line#tls://web1:}
	token=${token%%@*}
	key=$(client key reqctl keygen) || return 1
	assert_eq "$(inside reqctl grant --url $tls --key "$key" web2)" "$tls#$pin"
	printf '%s\n' "$password" | inside reqctl passwd alice || return 1
	assert_eq "$(inside stat -c '%a %U' /etc/reqd/logins)" "600 root"
}
step "a token, a key and a password, from the command line" login_made
joined() {
	printf '%s\n' "$line" | client token reqctl join a >"$dir/out" || return 1
	assert_match "$(cat "$dir/out")" '*you are web1 and may call: *who*'
	client key reqctl join a "$tls#$pin" >"$dir/out" || return 1
	assert_match "$(cat "$dir/out")" '*you are web2 and may call: *who*'
	printf '%s\n' "$password" | inside sh -c 'umask 077; cat >/tmp/password; chown nobody /tmp/password'
}
step "both clients join" joined

by_token() {
	assert_eq "$(client token reqctl -s a call who)" login:web1
}
by_key() {
	assert_eq "$(client key reqctl -s a call who)" login:web2
}
by_password() {
	assert_eq "$(as_user reqctl -s "tls://alice@$far:7374#$pin" --token-file /tmp/password \
	    call who)" login:alice
}
no_stranger() {
	assert_status 251 as_user reqctl -s "$tls#$pin" call who
	! as_user reqctl -s tcp://$far:7373 ping 2>/dev/null || fail "plain TCP from another machine"
}

# http WORD...: with the certificate of the package, which is for the name of the machine.
http() {
	into_network curl -sk --max-time 60 --noproxy '*' "$@"
}
status_is() { # STATUS CURL-WORD...
	wanted_status=$1
	shift
	assert_eq "$(http -o "$dir/body" -w '%{http_code}' "$@")" "$wanted_status"
}
by_http() {
	assert_eq "$(http 'http://127.0.0.1:8080/call/echo?text=a')" a
	assert_eq "$(http -d text=b http://127.0.0.1:8080/call/echo)" b
	status_is 200 http://127.0.0.1:8080/readyz
	assert_eq "$(http "https://127.0.0.1:8443/call/echo?text=c")" c
	assert_eq "$(http -H "Authorization: Bearer $token" "https://$far:8443/call/who")" login:web1
	status_is 401 "https://$far:8443/call/who"
	status_is 401 -H "Authorization: Bearer reqd_$secret" "https://$far:8443/call/who"
	status_is 403 -H 'Origin: https://elsewhere.example' "https://$far:8443/services"
	status_is 421 -H 'Host: elsewhere.example' "https://$far:8443/services"
}

# Each process that reads what others send: no account but reqd, no capability, a filter.
confined() {
	for one_role in worker web broker control keys auth log; do
		one=$(role_pids $one_role | head -n 1)
		[ -n "$one" ] || fail "there is no $one_role"
		inside cat "/proc/$one/status" >"$dir/status"
		awk -v "uid=$(inside id -u reqd)" '
			/^Uid:/ { n += $2 == uid && $3 == uid && $4 == uid && $5 == uid }
			/^Cap(Prm|Eff|Inh|Amb):/ { n += $2 ~ /^0*$/ }
			/^NoNewPrivs:/ { n += $2 == 1 }
			/^Seccomp:/ { n += $2 == 2 }
			END { exit n != 7 }' "$dir/status" || {
			cat "$dir/status"
			fail "$one_role is not confined"
		}
	done
}

# Numbers of the listening sockets at TCP ports 7373, 7374, 8080 and 8443.
listening() {
	inside sh -c 'cat /proc/net/tcp /proc/net/tcp6' |
	    awk '$4 == "0A" && $2 ~ /:(1CCD|1CCE|1F90|20FB)$/ { print $2, $10 }' | sort
}

everything() {
	step "$lane: a token, over TLS" by_token
	step "$lane: a key" by_key
	step "$lane: a password" by_password
	step "$lane: no stranger" no_stranger
	step "$lane: HTTP, with and without TLS" by_http
	step "$lane: each process is confined" confined
}
lane="as installed"
everything
for one in web keys auth; do
	step "a process '$one' dies: replaced, no restart" role_dies $one "$(role_pids $one | wc -l)"
done
until_true "$patience" by_token
lane="after these deaths"
everything

kept() {
	was=$(listening)
	[ "$(printf '%s\n' "$was" | wc -l)" -eq 4 ] || fail "listening: $was"
	inside systemctl restart reqd && serves || return 1
	assert_eq "$(listening)" "$was"
}
step "a restart keeps the sockets of all listeners" kept
lane="after a restart"
everything

revoked() {
	inside reqctl revoke web1 >/dev/null || return 1
	assert_status 251 client token reqctl -s a call who
	status_is 401 -H "Authorization: Bearer $token" "https://$far:8443/call/who"
	line=$(inside reqctl grant --url $tls web1)
	token=${line#tls://web1:}
	token=${token%%@*}
	printf '%s\n' "$line" | client token reqctl join a >"$dir/out" && by_token
}
step "a revoked token is worth nothing, a new one is" revoked

last_use() { # MATCH
	inside journalctl --sync
	inside journalctl -u reqd -n 1 -o cat "$1" | grep -q 'service=who'
}
step "the journal has the last use of a login" last_use REQD_CALLER=login:web1
step "and of a credential" last_use "REQD_CREDENTIAL=$(inside reqctl logins | awk '$1 == "alice" { print $4 }')"

# A record for fail2ban and for journalctl -x; and no secret in any record or command line.
told() {
	inside sh -c 'umask 077; echo wrong-password >/tmp/wrong; chown nobody /tmp/wrong'
	log_mark
	assert_status 251 as_user reqctl -s "tls://alice@$far:7374#$pin" --token-file /tmp/wrong call who
	log_says "login failed for .*alice.* from $far on tls:.*:7374: wrong password" || return 1
	inside journalctl --catalog --no-pager -n 1 MESSAGE_ID=4be1e0f7c1e94f2fa4c2c0a9d8f6b371 >"$dir/out"
	grep -q 'Subject: A login has failed' "$dir/out"
}
step "a failed login is told, and explained" told
nowhere() {
	inside journalctl --sync
	inside journalctl -o export --no-pager >"$dir/journal"
	inside sh -c 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; reqd -T; reqctl status --json' |
	    tr '\0' '\n' >"$dir/seen"
	for one in "$secret" "$token" wrong-password; do
		! grep -aF "$one" "$dir/journal" "$dir/seen" || return 1
	done
}
step "no secret in the journal, a command line, an environment, reqd -T or the status" nowhere

# ------------------------------------------------------- sockets of systemd ---

activated() {
	printf '[Socket]\nListenStream=7374\nListenStream=127.0.0.1:8080\nListenStream=8443\n' |
	    drop_in reqd.socket
	inside systemctl stop reqd.socket reqd.service 2>/dev/null
	inside systemctl start reqd.socket || return 1
	property_is reqd.service ActiveState inactive || return 1
	"$1" || return 1
	until_true "$patience" is_active || return 1
	assert_eq "$(property reqd.service NFileDescriptorStore)" 0
}
step "a client with TLS starts it, by a socket of systemd" activated by_token
step "and one of HTTP" activated by_http
lane="sockets of systemd"
everything

# ------------------------------------------------------ keys from systemd ---

service environment '"/usr/bin/env"'
service read '"/bin/cat", "{path}"' 'argument "path" {}'
passed=/run/credentials/reqd.service/server.key
says_why() {
	inside mkdir -m 700 /root/keys
	inside mv /etc/reqd/tls/server.key /root/keys/server.key
	inside sed -i '/^listen "\(tls\|https\):/ s/{}/{ key = "credential:server.key" }/' /etc/reqd/reqd.conf
	assert_status 1 inside reqd -t
	assert_match "$(cat "$dir/out" "$dir/err")" "*$passed: No such file or directory; systemd passes files*"
}
step "credential:NAME without LoadCredential=: what to do" says_why
loaded() {
	drop_in reqd.service <<-'END'
	[Service]
	LoadCredential=server.key:/root/keys/server.key
	END
	inside systemctl restart reqd && serves || return 1
	inside reqd -t >"$dir/out" || fail "reqd -t of an administrator"
	inside systemctl reload reqd || return 1
	by_token && by_http
}
step "LoadCredential=: the key is there, at a start, a reload and for reqd -t" loaded
stays_there() {
	! as_user reqctl call read $passed >/dev/null 2>&1 || fail "a program reads the key"
	! as_user reqctl call environment | grep CREDENTIALS || fail "a program hears of it"
	assert_eq "$(inside reqctl pin)" "$pin"
}
step "programs do not see it" stays_there
lane="with LoadCredential="
everything
encrypted() {
	inside systemd-creds encrypt --with-key=host --name=server.key /root/keys/server.key \
	    /etc/reqd/server.key.cred 2>"$dir/err" || fail "$(cat "$dir/err")"
	inside rm /root/keys/server.key
	printf '[Service]\nLoadCredentialEncrypted=server.key:/etc/reqd/server.key.cred\n' |
	    drop_in reqd.service
	inside systemctl restart reqd && by_token && by_http
}
step "LoadCredentialEncrypted=: the same" encrypted

# --------------------------------------------------------------- strict ---

{
	cat "$top_srcdir/examples/strict-unit.conf"
	echo LoadCredentialEncrypted=server.key:/etc/reqd/server.key.cred
} | drop_in reqd.service
inside systemctl restart reqd
lane="with the strict drop-in"
everything
box_finish
