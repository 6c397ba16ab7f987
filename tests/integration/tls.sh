#!/bin/sh
# SPDX-License-Identifier: ISC
# Listeners with TLS: the server is checked by pin or by name, other clients work, what is
# no TLS is refused with a reason, certificates are renewed under living connections, and
# the process with the keys may be killed or stopped.
. "${srcdir:-.}/tests/integration/lib.sh"
kills=yes
need openssl
need_localhost
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is not installed"

tls_port=$("$helpers/free-port")
old_port=$("$helpers/free-port")
crt=$dir/tls/server.crt
key=$dir/tls/server.key
pin=$("$reqctl" keygen --server "$dir/tls")
tls=tls://localhost:$tls_port
client_services
# localhost is 127.0.0.1, ::1, or both.
sed -i 's|^role "local".*|role "local" { net = {"127.0.0.0/8", "::1/128", "unix"} }|' "$conf"
setting "listen \"tls://localhost:$tls_port\" { certificate = \"$crt\"  key = \"$key\" }"
setting "listen \"tls://localhost:$old_port\" { certificate = \"$crt\"  key = \"$key\"  minimum = 1.2 }"

over_tls() {
	timeout 60 "$reqctl" --control "$control" -s "$tls" "$@"
}

python() { # ACTION [WORDS]...
	timeout 120 /usr/bin/python3 "$top_srcdir/tests/integration/tls-client.py" "$tls_port" "${trust:-$crt}" "$@"
}

s_client() {
	timeout 20 openssl s_client -connect "localhost:$tls_port" -CAfile "$crt" \
	    -verify_return_error -quiet "$@" 2>&1
}

old_client() {
	printf 'PING\r\nQUIT\r\n' | timeout 20 openssl s_client -connect "localhost:$old_port" \
	    -CAfile "$crt" -verify_return_error "$@" 2>&1
}

log_says() {
	grep -qE "$1" "$log"
}

keys_made() {
	assert_match "$pin" 'sha256:???????????????????????????????????????????'
	assert_eq "$("$reqctl" pin "$crt")" "$pin"
	assert_eq "$(stat -c %a "$key")" 600
	assert_eq "$(openssl x509 -in "$crt" -noout -pubkey | openssl pkey -pubin -outform der |
	    openssl dgst -sha256 -binary | openssl base64 | tr '+/' '-_' | tr -d =)" "${pin#sha256:}"
	assert_status 252 "$reqctl" keygen --server "$dir/tls"
	assert_match "$(cat "$dir/err")" '*server.crt is there already; nothing was changed'
	rm "$dir/tls/server.crt"
	assert_status 252 "$reqctl" keygen --server "$dir/tls"
	assert_match "$(cat "$dir/err")" '*server.key is there already; nothing was changed'
	[ ! -e "$crt" ] || fail "half a pair was made"
	rm "$key"
	pin=$("$reqctl" keygen --server "$dir/tls")
}

server_is_checked() {
	assert_eq "$(over_tls --pin "$pin" call echo hi)" hi
	assert_eq "$(timeout 60 "$reqctl" -s "$tls#$pin" call echo hi)" hi
	assert_eq "$(REQD_SERVER="$tls#$pin" timeout 60 "$reqctl" call echo hi)" hi
	assert_eq "$(over_tls --ca "$crt" call echo hi)" hi
	wrong=sha256:$(printf 'A%.0s' $(seq 43))
	assert_status 254 over_tls --pin "$wrong" ping
	assert_match "$(cat "$dir/err")" "*the key of the server is $pin, but its pin is $wrong:*"
	assert_status 254 over_tls ping
	assert_match "$(cat "$dir/err")" "*not trusted: self*signed certificate*its pin: $pin"
	# The address has the certificate for another name.
	assert_status 254 timeout 60 "$reqctl" -s "tls://127.0.0.1:$tls_port" --ca "$crt" ping
	assert_match "$(cat "$dir/err")" '*it is for another name*'
	assert_eq "$(timeout 60 "$reqctl" -s "tls://127.0.0.1:$tls_port" --pin "$pin" call echo hi)" hi
	assert_status 254 over_tls --ca /dev/null ping
	assert_status 255 over_tls --pin sha256:short ping
	assert_status 255 timeout 60 "$reqctl" -s "$tls#short" ping
	assert_status 254 timeout 60 "$reqctl" -s "tls://127.0.0.1:$port" --pin "$pin" ping
	# A check that was asked for is not left out.
	assert_status 255 ctl --pin "$pin" ping
	assert_match "$(cat "$dir/err")" '*--pin, --ca and --identity are for servers at tls://*'
}

bytes_go_both_ways() {
	head -c 3000000 /dev/urandom >"$dir/input"
	over_tls --pin "$pin" call cat <"$dir/input" >"$dir/output"
	cmp "$dir/input" "$dir/output"
}

other_clients() {
	assert_match "$(printf 'PING\r\nQUIT\r\n' | s_client -alpn reqd/1 | tr -d '\r\n')" '*+PONG+OK*'
	if command -v redis-cli >/dev/null && redis-cli --help 2>&1 | grep -q -- --tls; then
		assert_eq "$(timeout 60 redis-cli --tls --cacert "$crt" -h localhost -p "$tls_port" \
		    CALL echo hi)" hi
		head -c 100000 /dev/urandom >"$dir/input"
		timeout 60 redis-cli --tls --cacert "$crt" -h localhost -p "$tls_port" \
		    -x CALL --stdin cat <"$dir/input" >"$dir/output"
		printf '\n' >>"$dir/input"
		cmp "$dir/input" "$dir/output" || return 1
	fi
	/usr/bin/python3 -c 'import redis' 2>/dev/null || return 0
	timeout 60 /usr/bin/python3 - "$tls_port" "$crt" <<-'END'
	import redis, sys
	r = redis.Redis("localhost", int(sys.argv[1]), ssl=True, ssl_ca_certs=sys.argv[2],
	                ssl_check_hostname=True)
	assert r.ping()
	assert r.execute_command("CALL", "echo", "hi") == b"hi\n"
	END
}

versions() {
	assert_match "$(printf 'QUIT\r\n' | s_client -tls1_2)" '*alert protocol version*'
	until_true "$patience" log_says \
	    "refused .* on tls://[^ ]*:$tls_port: TLS handshake failed: unsupported protocol" || return 1
	assert_match "$(old_client -tls1_2 -quiet | tr -d '\r\n')" '*+PONG+OK*'
	assert_match "$(old_client -tls1_2)" '*Protocol  : TLSv1.2*'
	assert_match "$(old_client -tls1_2 -cipher AES128-SHA)" '*handshake failure*'
}

# A line that begins with the address, so that a program can read who it was.
no_tls() {
	assert_match "$(printf 'PING\r\n' | timeout 20 nc -N 127.0.0.1 "$tls_port")" \
	    '-ERR this port speaks TLS: use tls://*'
	until_true "$patience" log_says \
	    "refused 127\.0\.0\.1:[0-9]+ on tls://127\.0\.0\.1:$tls_port: it does not speak TLS" || return 1
	printf 'QUIT\r\n' | timeout 20 openssl s_client -connect "127.0.0.1:$port" >/dev/null 2>&1
	until_true "$patience" log_says "refused 127\.0\.0\.1:[0-9]+ on tcp://127.0.0.1:$port: .*TLS"
}

checked() { # TEXT: reqd -t refuses with it
	status=0
	"$reqd" -c "$conf" -t >"$dir/out" 2>&1 || status=$?
	assert_eq $status 1
	assert_match "$(cat "$dir/out")" "*$1*"
}

# On a terminal of its own, where a question for a password would wait.
never_asks() {
	timeout 20 /usr/bin/python3 -c '
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "-c", sys.argv[2], "-t"])
out = b""
try:
    while data := os.read(fd, 4096):
        out += data
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 1 or b"certificate" not in out or b"pass phrase" in out)
	' "$reqd" "$conf"
}

files_are_checked() {
	mkdir "$dir/kept"
	cp -p "$crt" "$key" "$dir/kept"
	chmod 644 "$key"
	checked 'others may read or change it; run: chmod 600'
	openssl pkey -in "$dir/kept/server.key" -aes256 -passout pass:x -out "$key" 2>/dev/null
	chmod 600 "$key"
	checked 'the key is encrypted'
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$key" 2>/dev/null
	checked 'the key does not belong to the certificate'
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out "$key" 2>/dev/null
	checked 'is of a kind that reqd does not use'
	echo nothing >"$key"
	checked 'the key is no private key in PEM'
	cp -p "$dir/kept/server.key" "$key"
	echo nothing >"$crt"
	checked 'the certificate is no certificate in PEM'
	# A certificate that is encrypted is refused, and nobody is asked for a password.
	{
		echo '-----BEGIN CERTIFICATE-----'
		echo 'Proc-Type: 4,ENCRYPTED'
		echo 'DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF'
		echo
		sed 1d "$dir/kept/server.crt"
	} >"$crt"
	never_asks || fail "a password is asked for"
	echo nothing >"$crt"
	# The start and a reload say the same, and the connections go on.
	assert_status 251 ctl reload
	assert_match "$(cat "$dir/err")" '*the certificate is no certificate in PEM*'
	rm "$crt"
	checked "reqctl keygen --server' makes certificate and key"
	mkfifo "$crt"
	checked 'it is not a regular file'
	rm "$crt"
	openssl req -x509 -key "$key" -subj /CN=localhost -days 5 -out "$crt" 2>/dev/null
	"$reqd" -c "$conf" -t 2>"$dir/err" >"$dir/out" || fail "a certificate for five days"
	assert_match "$(cat "$dir/err")" '*warning: tls://*the certificate * ends in ? days, on *'
	cp -p "$dir/kept/server.crt" "$crt"
	over_tls --pin "$pin" ping >"$dir/out"
}

# systemd names the directory of the files that it passes to the unit.
files_of_systemd() {
	sed "s|\"$dir/tls/|\"credential:|g" "$conf" >"$dir/passed.conf"
	grep -q 'key = "credential:server.key"' "$dir/passed.conf" || return 1
	CREDENTIALS_DIRECTORY=$dir/tls "$reqd" -c "$dir/passed.conf" -T >"$dir/out" || return 1
	sed "s|$dir/passed.conf|$conf|" "$dir/out" >"$dir/text"
	"$reqd" -c "$conf" -T | diff - "$dir/text" || return 1
	! CREDENTIALS_DIRECTORY=$dir/none "$reqd" -c "$dir/passed.conf" -t >"$dir/out" 2>&1 || return 1
	grep -qF "$dir/none/server.crt: No such file or directory; systemd passes" "$dir/out"
}

# The canonical text has the certificate and the name of the key's file; not the key.
text_shows() {
	"$reqd" -c "$conf" -T >"$dir/text"
	grep -qF "pin = \"$pin\"" "$dir/text" || fail "no pin"
	grep -q 'valid-until = "20' "$dir/text" || fail "no end"
	! grep -qF "$(sed -n 2p "$key")" "$dir/text" || fail "the key is in the text"
}

# Replaces the files of the server by those in a directory, and reloads.
write_renew() { # DIRECTORY
	cat >"$dir/renew" <<-END
	cp -p '$1/server.crt' '$1/server.key' '$dir/tls' || exit 1
	exec '$reqctl' --control '$control' reload
	END
}

renewed_same_key() {
	mkdir "$dir/same"
	cp -p "$key" "$dir/same"
	openssl req -x509 -key "$key" -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	    -days 100 -out "$dir/same/server.crt" 2>/dev/null
	write_renew "$dir/same"
	trust=$dir/kept/server.crt python keep sh "$dir/renew" || return 1
	assert_eq "$(over_tls --pin "$pin" call echo hi)" hi
	assert_eq "$(over_tls --ca "$crt" call echo hi)" hi
	assert_status 254 over_tls --ca "$dir/kept/server.crt" ping
}

renewed_other_key() {
	new=$("$reqctl" keygen --server "$dir/other")
	write_renew "$dir/other"
	trust=$dir/same/server.crt python keep sh "$dir/renew" || return 1
	assert_status 254 over_tls --pin "$pin" ping
	assert_match "$(cat "$dir/err")" "*is $new, but its pin is $pin:*"
	pin=$new
	assert_eq "$(over_tls --pin "$pin" call echo hi)" hi
}

keys_pid() {
	role_pids keys
}

keys_killed() {
	python killed "$(keys_pid)" || return 1
	until_true "$patience" has_keys
	assert_match "$(ctl status)" "*keys     pid $(keys_pid), 1 restarts*"
}

no_listener_no_keys() {
	cp "$conf" "$dir/with"
	grep -v 'listen "tls' "$dir/with" >"$conf"
	ctl reload >/dev/null
	until_true "$patience" has_no_keys
	assert_match "$(ctl status --json)" '*"control"*'
	! ctl status --json | grep -q '"keys"' || fail "status shows keys"
	cp "$dir/with" "$conf"
	ctl reload >/dev/null
	over_tls --pin "$pin" ping >/dev/null
}

has_keys() {
	[ -n "$(keys_pid)" ]
}

has_no_keys() {
	[ -z "$(keys_pid)" ]
}

key_stays_in_keys() {
	# shellcheck disable=SC2046
	python secret "$key" $(for r in master runner broker control log keys auth worker; do role_pids $r; done)
}

step "a key and a certificate are made once" keys_made
start_reqd
step "the server is checked, by pin or by name" server_is_checked
step "bytes go both ways" bytes_go_both_ways
step "other clients work" other_clients
step "old versions and ciphers are refused" versions
step "a client without TLS, and TLS without a need" no_tls
step "ALPN" python alpn
step "requests at once" python pipeline
step "an end at both sides" python half_close
step "an end of the client first" python first_end
step "abandoned handshakes" python abandoned
outside=$(ip -4 -o addr show scope global 2>/dev/null | awk 'NR == 1 { sub("/.*", "", $4); print $4 }')
[ -z "$outside" ] || step "abandoned handshakes of one source" python crowd "$outside"
step "a silent client" python silent
step "files are checked" files_are_checked
step "files that systemd passes are the same" files_of_systemd
step "the text has the certificate and no key" text_shows
step "a renewed certificate" renewed_same_key
step "a renewed certificate with another key" renewed_other_key
step "keys that are stopped" python frozen "$(keys_pid)"
step "keys that are killed" keys_killed
step "no TLS, no keys" no_listener_no_keys
# A sanitizer has terabytes of memory that cannot be searched.
[ $is_root = no ] || is_sanitized || step "the key is in no other process" key_stays_in_keys
finish
