#!/bin/sh
# SPDX-License-Identifier: ISC
# man-in-the-middle: somebody between reqctl and a server, who has a certificate and a key of
# its own, gets no byte of a token: not at "reqctl join", not later, not by TLS 1.2 and not
# without TLS. reqctl says what has happened and what to do.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 openssl

tls_port=$("$helpers/free-port")
middle=$dir/middle
mkdir "$middle" "$dir/home"
HOME=$dir/home
export HOME
unset XDG_CONFIG_HOME REQD_SERVER
pin=$("$reqctl" keygen --server "$dir/tls") || fail "no key"
his=$("$reqctl" keygen --server "$middle/tls") || fail "no other key"
setting "logins = \"logins\""
setting "listen \"tls://127.0.0.1:$tls_port\" { certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\" }"
service who '"/bin/sh", "-c", "echo $REQD_LOGIN"'
sed 's/allow = {"local"}/allow = {"people"}/; s/^role "local".*/role "people" { login = {"alice"} }/' \
    "$conf" >"$conf.new"
mv "$conf.new" "$conf"
umask 077
: >"$dir/logins"
umask 022
start_reqd

bare() {
	timeout 60 "$reqctl" --control "$control" "$@"
}

# The line of "grant", whose server is now the one in the middle.
bare grant alice >"$dir/line" 2>"$dir/err" || fail "$(cat "$dir/err")"
token=$(sed 's|^tls://alice:\(.*\)@.*|\1|' "$dir/line")
middle_port=$("$helpers/free-port")
sed "s|:$tls_port#|:$middle_port#|" "$dir/line" >"$dir/diverted"
grep -q ":$middle_port#$pin" "$dir/diverted" || fail "no line with a pin: $(cat "$dir/diverted")"
sed 's/#.*//' "$dir/diverted" >"$dir/no-pin"
python3 "$top_srcdir/tests/integration/man-in-the-middle.py" "$middle_port" "$tls_port" \
    "$middle/tls/server.crt" "$middle/tls/server.key" "$middle" &
background=$!
until_true "$patience" test -e "$middle/ready"

mode() {
	: >"$middle/raw"
	: >"$middle/heard"
	: >"$middle/did"
	echo "$1" >"$middle/mode"
}

# As a program does it: the line, or the words, and the status. Prints what went wrong.
try() { # STATUS INPUT COMMAND...
	want=$1
	input=$2
	shift 2
	got=0
	bare "$@" <"$input" >"$dir/out" 2>"$dir/err" || got=$?
	[ $got -eq "$want" ] || {
		cat "$dir/out" "$dir/err"
		fail "status $got, not $want"
	}
}

did() { # WORDS: the connection is over, and was of this kind
	until_true "$patience" test -s "$middle/did"
	grep -q "$1" "$middle/did" || {
		cat "$middle/did"
		return 1
	}
}

# Not a byte behind TLS, and no piece of the token before it.
heard_nothing() {
	assert_eq "$(wc -c <"$middle/heard")" 0
	! grep -aqF "$token" "$middle/raw" || fail "the token has gone by in the clear"
}

says() {
	grep -qF -- "$1" "$dir/err" || {
		cat "$dir/err"
		return 1
	}
}

not_known() {
	[ ! -e "$HOME/.config/reqctl/servers/127.0.0.1" ]
}

refuses() { # MODE INPUT COMMAND...
	mode "$1"
	shift
	try 254 "$@"
	did . && heard_nothing
}

# The remedy: what to ask for, or which option; and the key that was seen.
is_told() {
	says "the key of the server is $his, but its pin is $pin: it is another server, or it has a new key" &&
	    says "ask its administrator for a new line of 'reqctl grant', or for its pin"
}

refused_at_join() {
	for how in own old; do
		refuses $how "$dir/diverted" join || return 1
		is_told && not_known || return 1
	done
	refuses clear "$dir/diverted" join && says "the server does not speak TLS at this port" && not_known
}

# Without a pin the certificate must be that of an authority, for this name.
refused_without_pin() {
	refuses own "$dir/no-pin" join && says "the certificate of the server is not trusted" &&
	    says "name an authority (--ca) or, if this is its key, its pin" && not_known
}

joins() {
	mode pass
	try 0 "$dir/diverted" join
	assert_eq "$(bare -s 127.0.0.1 call who)" alice
	until_true "$patience" test -s "$middle/raw"
	heard_nothing
}

refused_later() {
	for how in own old; do
		refuses $how /dev/null -s 127.0.0.1 call who || return 1
		is_told || return 1
	done
	refuses clear /dev/null -s 127.0.0.1 call who && says "the server does not speak TLS at this port"
}

# A changed byte ends the connection; nothing of it is believed.
altered() {
	mode alter
	got=0
	bare -s 127.0.0.1 call who >"$dir/out" 2>"$dir/err" </dev/null || got=$?
	[ $got -ge 240 ] || fail "status $got"
	assert_eq "$(cat "$dir/out")" ""
	heard_nothing
}

# The control of the test: who is told to believe the one in the middle is heard.
would_be_heard() {
	mode own
	sed "s|#$pin|#$his|" "$dir/diverted" >"$dir/believed"
	try 0 "$dir/believed" join other
	until_true "$patience" grep -aqF "$token" "$middle/heard"
}

# A key is not given away by its use, and is not good for the one in the middle either.
refused_with_key() {
	try 0 /dev/null keygen
	key=$(cat "$dir/out")
	try 0 /dev/null grant alice --key "$key"
	refuses own /dev/null join key "tls://127.0.0.1:$middle_port#$pin"
	is_told && [ ! -e "$HOME/.config/reqctl/servers/key" ]
}

step "a join is refused, and nothing is sent" refused_at_join
step "... also without a pin" refused_without_pin
step "a join through one who changes nothing" joins
step "who turns later is refused" refused_later
step "a changed byte ends the connection" altered
step "a key is not used there" refused_with_key
step "the one in the middle can hear who believes it" would_be_heard
step "who was refused may go on without it" eval 'mode pass; assert_eq "$(bare -s 127.0.0.1 call who)" alice'
kill "$background"
wait "$background"
background=
finish
