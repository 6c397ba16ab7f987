#!/bin/sh
# SPDX-License-Identifier: ISC
# two-boxes: two machines with a network of their own, as a new administrator joins them
# with README and reqd-security(7): by a token line and, where keys are known, by a key; what
# then goes wrong gives a message that says what to do. A third machine is in another network.
if [ -z "${REQD_BOX_A-}" ]; then
	# Makes the machines, and goes on as a process of the first one.
	. "${srcdir:-.}/tests/integration/steps.sh"
	[ "$(id -u)" -eq 0 ] || skip "only root can make network namespaces"
	need ip nsenter openssl python3
	box=rq$$
	boxes() {
		for one in a b c; do
			ip netns del "$box-$one" 2>/dev/null
		done
	}
	trap boxes EXIT
	trap 'exit 1' INT TERM HUP
	join_boxes() {
		ip netns add "$box-b" && ip netns add "$box-c" &&
		    ip -n "$box-a" link add name to-b type veth peer name to-a netns "$box-b" &&
		    ip -n "$box-a" link add name to-c type veth peer name to-a netns "$box-c" || return 1
		for one in b:77 c:78; do
			net=${one#*:} one=${one%:*}
			ip -n "$box-a" addr add "10.$net.0.1/24" dev "to-$one" &&
			    ip -n "$box-a" link set "to-$one" up &&
			    ip -n "$box-$one" addr add "10.$net.0.2/24" dev to-a &&
			    ip -n "$box-$one" link set to-a up && ip -n "$box-$one" link set lo up || return 1
		done
		ip -n "$box-a" link set lo up
	}
	ip netns add "$box-a" 2>/dev/null || skip "network namespaces cannot be made here"
	join_boxes || skip "network namespaces cannot be joined here"
	REQD_BOX_A=$box nsenter --net="/run/netns/$box-a" sh "$0"
	exit
fi
. "${srcdir:-.}/tests/integration/lib.sh"
box=$REQD_BOX_A

at() { # BOX COMMAND...: with the home of that machine
	one=$1
	shift
	env HOME="$dir/home-$one" nsenter --net="/run/netns/$box-$one" timeout 60 "$@"
}
mkdir "$dir/home-b" "$dir/home-c"
unset XDG_CONFIG_HOME REQD_SERVER

# says STATUS BOX TEXT COMMAND...: fails with this status, and with a message that has the text.
says() {
	wanted_status=$1 wanted_box=$2 wanted_text=$3
	shift 3
	assert_status "$wanted_status" at "$wanted_box" "$@"
	tr '\n' ' ' <"$dir/err" >"$dir/said"
	note "$(cat "$dir/said")"
	assert_match "$(cat "$dir/said")" "$wanted_text"
}
admin() { # what root types on A
	timeout 60 "$reqctl" --control "$control" "$@"
}
url=tls://10.77.0.1:7374
crt=$dir/tls/server.crt
key=$dir/tls/server.key

# ------------------------------------------------------- the server: A, once ---

sed -i '/^listen "tcp/d' "$conf"
"$reqctl" keygen --server "$dir/tls" >"$dir/pin" || fail "no key"
setting 'logins = "logins"'
setting "listen \"tls://*:7374\" { certificate = \"$crt\"  key = \"$key\" }"
setting 'role "web" { login = {"web1"} }'
service disk '"/bin/echo", "disk"'
sed -i '/^service "disk"/,/^}/s/allow = .*/allow = {"web"}/' "$conf"
start_reqd

grant() { # WORDS...: prints the line
	admin grant --url "$url" "$@"
}
join() { # BOX [NAME]
	at "$1" "$reqctl" join ${2+"$2"}
}

# --------------------------------------------------------- one minute, by line ---

by_token_line() {
	begun=$(now_ms)
	grant web1 >"$dir/line" || return 1
	assert_match "$(cat "$dir/line")" "tls://web1:reqd_*@10.77.0.1:7374#sha256:*"
	assert_eq "$(join b a <"$dir/line")" "a is known now; you are web1 and may call: disk"
	assert_eq "$(at b "$reqctl" -s a call disk)" disk
	note "from grant to the first call: $(($(now_ms) - begun)) ms"
}
# A line whose host is not the name of A on B, as grant makes it without --url.
name_unknown() {
	admin grant web1 --label named >"$dir/line.named" || return 1
	sed 's/@[^:]*:7374/@a.example.invalid:7374/' "$dir/line.named" >"$dir/line.unknown"
	says 254 b "*a.example.invalid*--url*" "$reqctl" join other <"$dir/line.unknown"
}
no_server() {
	says 254 b '*10.77.0.1:7999*listen*' "$reqctl" -s tls://10.77.0.1:7999 list
}
no_route() {
	says 254 b '*10.99.0.1:7374*network*' "$reqctl" -s tls://10.99.0.1:7374 -t 2 list
}
without_login() {
	says 251 b "*log in*reqctl join*" "$reqctl" -s "$url#$(cat "$dir/pin")" call disk
}
without_pin() {
	says 254 b '*not trusted*--ca*pin*' "$reqctl" -s "$url" list
}
cut_line() {
	cut -c1-40 "$dir/line" >"$dir/line.cut"
	says 255 b '*not the line*' "$reqctl" join cut <"$dir/line.cut"
	sed 's/@/A@/' "$dir/line" >"$dir/line.long"
	says 251 b '*reqctl grant*' "$reqctl" join cut <"$dir/line.long"
}

# ------------------------------------------------------------- a key of B's own ---

by_key() {
	mkdir -p "$dir/home-c" && at c "$reqctl" keygen >"$dir/key" || return 1
	assert_match "$(cat "$dir/key")" 'key$*'
	admin grant --url "tls://10.78.0.1:7374" web1 --label key --key "$(cat "$dir/key")" \
	    >"$dir/line.key" || return 1
	assert_match "$(join c a <"$dir/line.key")" "a is known now; you are web1 and may call: disk"
	assert_eq "$(at c "$reqctl" -s a call disk)" disk
}

# ------------------------------------------------------------------ revocation ---

living_connection() {
	rm -f "$dir/first" "$dir/go"
	at b python3 "$top_srcdir/tests/integration/two-boxes.py" 10.77.0.1 7374 "$crt" "$dir" \
	    <"$dir/line" >"$dir/living" 2>&1 &
	living=$!
	until_true "$patience" test -e "$dir/first" || return 1
	admin revoke web1 || return 1
	: >"$dir/go"
	wait $living
	assert_eq "$(cat "$dir/living")" '$ -NOAUTH Authentication required.'
}
after_revoke() {
	says 251 b '*reqctl grant*' "$reqctl" -s a call disk
	grant web1 >"$dir/line" && join b a <"$dir/line" >/dev/null || return 1
	assert_eq "$(at b "$reqctl" -s a call disk)" disk
}

# -------------------------------------------------------------------- theft ---

stolen() {
	grant web1 --from 10.77.0.0/24 --label tied >"$dir/line.tied" || return 1
	join b tied <"$dir/line.tied" >/dev/null || return 1
	assert_eq "$(at b "$reqctl" -s tied call disk)" disk
	sed 's/10\.77\.0\.1/10.78.0.1/' "$dir/line.tied" >"$dir/line.stolen"
	says 251 c '*reqctl grant*' "$reqctl" join stolen <"$dir/line.stolen"
	! [ -e "$dir/home-c/.config/reqctl/servers/stolen" ] || return 1
	grep -q 'login failed for \\*"web1\\*" from 10\.78\.0\.2 on .*: wrong network' "$log" || {
		grep 'login failed' "$log"
		return 1
	}
}

# -------------------------------------------------------------------- clocks ---

wrong_clock() {
	command -v faketime >/dev/null || {
		note "faketime is not installed"
		return 0
	}
	for year in 1999 2099; do
		assert_eq "$(at b faketime "$year-01-01" "$reqctl" -s a call disk)" disk
		says 254 b '*clock*' faketime "$year-01-01" "$reqctl" -s "$url" --ca "$crt" list
	done
}

# ------------------------------------------------------------- certificates ---

renewed() { # [KEY]: a new certificate, put in place as reqd-security(7) says
	openssl req -x509 -new -key "$key" -days 90 -subj /CN=a -addext 'subjectAltName=IP:10.77.0.1' \
	    -out "$crt.new" 2>/dev/null && mv "$crt.new" "$crt" && admin reload >"$dir/out"
}
same_key() {
	renewed || return 1
	assert_eq "$(at b "$reqctl" -s a call disk)" disk
	assert_eq "$("$reqctl" pin "$crt")" "$(cat "$dir/pin")"
}
other_key() {
	mv "$dir/tls" "$dir/tls.old"
	"$reqctl" keygen --server "$dir/tls" >"$dir/pin.new" || return 1
	admin reload >"$dir/out" || return 1
	says 254 b "*key of the server is $(cat "$dir/pin.new"), but its pin is $(cat "$dir/pin")*reqctl grant*reqctl pin*" \
	    "$reqctl" -s a call disk
	# By a new line, and by the pin alone.
	grant web1 --label new >"$dir/line.new" && join b a <"$dir/line.new" >/dev/null || return 1
	assert_eq "$(at b "$reqctl" -s a call disk)" disk
	assert_eq "$(at b "$reqctl" -s tied --pin "$("$reqctl" pin "$crt")" call disk)" disk
}

step "a token line joins B to A" by_token_line
step "a name that B does not know" name_unknown
step "no server at that port" no_server
step "no way to that network" no_route
step "no login" without_login
step "no pin" without_pin
step "a line that is cut off, or has a letter too many" cut_line
step "a key of one's own joins, too" by_key
step "a revocation holds on a living connection" living_connection
step "... and is told with the remedy" after_revoke
step "a stolen line is no good in another network" stolen
step "a renewed certificate with the same key changes nothing" same_key
# faketime and a sanitizer both want to be the first library.
is_sanitized || step "a pin does not look at the clock, a date does and says so" wrong_clock
step "another key is refused until the pin is known" other_key
finish
