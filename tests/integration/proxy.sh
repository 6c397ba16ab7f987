#!/bin/sh
# SPDX-License-Identifier: ISC
# proxy: behind a proxy that speaks the PROXY protocol a caller is known by its own address,
# for roles, shares and log. What is no header, or comes late, is closed and logged.
workers=1
. "${srcdir:-.}/tests/integration/lib.sh"
need nc
need_localhost
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is not installed"

proxied=$("$helpers/free-port")
proxied_tls=$("$helpers/free-port")
limited=$("$helpers/free-port")
crowded=$("$helpers/free-port")
begin_config
setting "listen \"tcp://127.0.0.1:$crowded\" { proxy-from = {\"127.0.0.1\"}  source-strangers = 0
  source-connections = 0 }"
setting "listen \"tcp://127.0.0.1:$limited\" { proxy-from = {\"127.0.0.1\"}  source-connections = 3
  login-timeout = 2s }"
"$reqctl" keygen --server "$dir/tls" >/dev/null
setting "listen \"tcp://127.0.0.1:$proxied\" { proxy-from = {\"127.0.0.1\"}  max-connections = 24 }"
setting "listen \"tls://localhost:$proxied_tls\" { proxy-from = {\"127.0.0.0/29\"}
  certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\" }"
setting 'role "far" { net = {"203.0.113.0/24"} }'
service echo '"/bin/echo", "{text}"' 'argument "text" {}'
service far-echo '"/bin/echo", "{text}"' 'argument "text" {}'
address=$(ip -4 -o addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }')
setting "role \"near\" { net = {\"${address:-192.0.2.1}\"} }"
sed -i '/^service "far-echo"/,$s/allow = {"local"}/allow = {"far", "near"}/' "$conf"
start_reqd

headers() { # ACTION
	timeout 120 /usr/bin/python3 "$top_srcdir/tests/integration/proxy.py" "$1" "$proxied" "$proxied_tls" \
	    "$dir/tls/server.crt" "$limited" "$crowded"
}
logged() { # WORDS
	grep -qE "$1" "$log"
}
is_logged() {
	until_true "$patience" logged "$1" || fail "not in the log: $1"
}
errors() {
	"$reqctl" --json --control "$control" status | sed -n 's/.*"protocol_errors": *\([0-9]*\).*/\1/p' | head -n 1
}

step "the caller has the address of the header" headers right
in_the_log() {
	is_logged 'caller=addr:203\.0\.113\.7 peer=203\.0\.113\.7:1 via=127\.0\.0\.1:[0-9]+ service=far-echo'
}
step "the log has both addresses" in_the_log
step "a header may come in pieces, and requests behind it at once" headers pieces

wrong() {
	before=$(errors)
	n=$(headers wrong)
	assert_eq "$(($(errors) - before))" "$n"
	is_logged "notice: refused 127\.0\.0\.1:[0-9]+ on tcp://127\.0\.0\.1:$proxied: no PROXY header, which is expected from there"
	is_logged 'refused .*: a PROXY header with a loopback address'
	is_logged 'refused 203\.0\.113\.7:4242 on .*: a second PROXY header'
}
step "wrong headers are closed, counted and logged" wrong
late() {
	headers late
	is_logged 'refused 127\.0\.0\.1:[0-9]+ on .*: no PROXY header in time'
}
step "a header has to be whole within a second" late
step "who is no proxy needs no header and may send none" headers elsewhere
step "the header comes before TLS" headers tls
step "callers behind a proxy have shares of their own" headers shares
sources() {
	headers sources
	is_logged 'refused 203\.0\.113\.7:[45] on .*: source-connections of the listener is reached'
}
step "one source gets so many connections, loopback any number" sources
strangers() {
	headers strangers
	is_logged 'refused 192\.0\.2\.8:4242 on .*: the caller has had no role for login-timeout'
}
step "a stranger is closed after login-timeout" strangers

crowd() {
	headers crowd
	is_logged 'refused 198\.51\.100\.9:1 on .*: too many connections without a role, this is the oldest'
}
step "of 1030 strangers the oldest make room" crowd

# A reload changes who is a proxy for new connections; the old ones stay whose they are.
reloaded() {
	sed -i "s|proxy-from = {\"127.0.0.1\"}|proxy-from = {\"127.0.0.9\"}|" "$conf"
	ctl reload >/dev/null
	assert_eq "$(printf 'PING\r\nQUIT\r\n' | timeout 20 nc -N 127.0.0.1 "$proxied" | tr -d '\r\n')" '+PONG+OK'
	sed -i "s|proxy-from = {\"127.0.0.9\"}|proxy-from = {\"127.0.0.1\"}|" "$conf"
	ctl reload >/dev/null
	assert_eq "$(printf 'PING\r\nQUIT\r\n' | timeout 20 nc -N 127.0.0.1 "$proxied")" ''
}
step "a reload changes who is a proxy" reloaded

# -------------------------------------------------------- proxies that others use ---

# Connections from this machine's own address: behind a proxy loopback would be refused.
through() { # PORT [OPTION]...
	one_port=$1
	shift
	until_true "$patience" is_open "$one_port" || fail "the proxy does not listen"
	text=$(timeout 60 "$reqctl" -s "${scheme:-tcp}://$address:$one_port" "$@" whoami)
	assert_match "$text" "*caller *addr:$address
*via *127.0.0.1:*"
	assert_eq "$(timeout 60 "$reqctl" -s "${scheme:-tcp}://$address:$one_port" "$@" call far-echo hi)" hi
}
is_open() {
	nc -z "$address" "$1"
}

behind_haproxy() {
	old=$("$helpers/free-port")
	new=$("$helpers/free-port")
	sealed=$("$helpers/free-port")
	cat >"$dir/haproxy.cfg" <<-END
	defaults
	  mode tcp
	  timeout connect 20s
	  timeout client 20s
	  timeout server 20s
	listen old
	  bind $address:$old
	  server reqd 127.0.0.1:$proxied send-proxy
	listen new
	  bind $address:$new
	  server reqd 127.0.0.1:$proxied send-proxy-v2 proxy-v2-options unique-id,crc32c
	listen sealed
	  bind $address:$sealed
	  server reqd 127.0.0.1:$proxied_tls send-proxy-v2
	END
	command haproxy -db -f "$dir/haproxy.cfg" >"$dir/haproxy.log" 2>&1 &
	background="$background $!"
	haproxy_pid=$!
	through "$old"
	through "$new"
	scheme=tls
	through "$sealed" --pin "$("$reqctl" pin "$dir/tls/server.crt")"
	scheme=
	kill "$haproxy_pid"
	wait "$haproxy_pid" 2>/dev/null
	return 0
}

behind_nginx() {
	old=$("$helpers/free-port")
	cat >"$dir/nginx.conf" <<-END
	load_module $nginx_stream;
	daemon off;
	master_process off;
	error_log $dir/nginx.log;
	pid $dir/nginx.pid;
	events {}
	stream {
	  server { listen $address:$old; proxy_pass 127.0.0.1:$proxied; proxy_protocol on; }
	}
	END
	command nginx -p "$dir" -c "$dir/nginx.conf" >"$dir/nginx.out" 2>&1 &
	background="$background $!"
	nginx_pid=$!
	through "$old"
	kill "$nginx_pid"
	wait "$nginx_pid" 2>/dev/null
	return 0
}

PATH=$PATH:/usr/sbin:/sbin
nginx_stream=/usr/lib/nginx/modules/ngx_stream_module.so
if [ -z "$address" ]; then
	note "this machine has no address of its own: HAProxy and nginx are left out"
else
	! command -v haproxy >/dev/null || step "HAProxy, both versions, and before TLS" behind_haproxy
	{ ! command -v nginx >/dev/null || [ ! -e "$nginx_stream" ]; } || step "nginx" behind_nginx
fi
finish
