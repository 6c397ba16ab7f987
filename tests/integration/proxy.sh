#!/bin/sh
# SPDX-License-Identifier: ISC
# proxy: behind a proxy that speaks the PROXY protocol a caller is known by its own address,
# for roles, shares and log. What is no header, or comes late, is closed and logged. The same
# behind HAProxy and nginx, for RESP and HTTP, where they are installed.
workers=1
. "${srcdir:-.}/tests/integration/lib.sh"
need nc
need_localhost
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is not installed"

proxied=$("$helpers/free-port")
proxied_tls=$("$helpers/free-port")
limited=$("$helpers/free-port")
crowded=$("$helpers/free-port")
proxied_web=$("$helpers/free-port")
proxied_https=$("$helpers/free-port")
web=$("$helpers/free-port")
begin_config
setting "listen \"tcp://127.0.0.1:$crowded\" { proxy-from = {\"127.0.0.1\"}  source-strangers = 0
  source-connections = 0 }"
setting "listen \"tcp://127.0.0.1:$limited\" { proxy-from = {\"127.0.0.1\"}  source-connections = 3
  login-timeout = 2s }"
"$reqctl" keygen --server "$dir/tls" >/dev/null
setting "listen \"tcp://127.0.0.1:$proxied\" { proxy-from = {\"127.0.0.1\"}  max-connections = 24 }"
setting "listen \"tls://localhost:$proxied_tls\" { proxy-from = {\"127.0.0.0/29\"}
  certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\" }"
for one in "http://127.0.0.1:$proxied_web" "https://localhost:$proxied_https"; do
	setting "listen \"$one\" { proxy-from = {\"127.0.0.0/29\"}  hosts = {\"a.example.org\"}"
	case $one in
	https:*) setting "  certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\" }" ;;
	*) setting "}" ;;
	esac
done
setting "listen \"http://127.0.0.1:$web\" { hosts = {\"a.example.org\"} }"
setting 'logins = "logins"'
(umask 077 && timeout 60 /usr/bin/python3 "$top_srcdir/tests/integration/logins.py" line alice \
    "$dir/token" >"$dir/logins")
setting 'role "people" { login = {"alice"} }'
service who '"/bin/sh", "-c", "echo $REQD_CALLER"' 'deny = {"nobody"}'
setting 'role "nobody" { login = {"nobody"} }'
sed '/^service "who"/,/^}/s/allow = .*/allow = {"people"}/' "$conf" >"$dir/new"
mv "$dir/new" "$conf"
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
	"$reqctl" --json --control "$control" status | grep -o '"protocol_errors": *[0-9]*' |
	    awk '{ n += $NF } END { print n }'
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

# The same by HTTP. The proxy passes a token on, too.
http_through() { # SCHEME PORT
	until_true "$patience" is_open "$2" || fail "the proxy does not listen"
	assert_match "$(http "$1://$address:$2/whoami")" \
	    "*\"caller\":\"addr:$address\"*\"near\"*\"via\":\"127.0.0.1:*"
	assert_eq "$(http -d text=hi "$1://$address:$2/call/far-echo")" hi
	assert_eq "$(http -X POST -H "Authorization: Bearer $(cat "$dir/token")" \
	    "$1://$address:$2/call/who")" login:alice
	assert_match "$(http -d text=hi "$1://$address:$2/call/echo")" '*"status":401*'
}
http() {
	curl -sk --max-time 60 --noproxy '*' -H 'Host: a.example.org' "$@"
}

# A proxy that speaks HTTP itself is the caller, whatever it says about its client.
http_hidden() { # PORT
	until_true "$patience" is_open "$1" || fail "the proxy does not listen"
	assert_match "$(http -H 'X-Forwarded-For: 203.0.113.7' -H 'Forwarded: for=203.0.113.7' \
	    "http://$address:$1/whoami")" '*"caller":"addr:127.0.0.1"*"via":null*'
	assert_eq "$(http -X POST -H "Authorization: Bearer $(cat "$dir/token")" \
	    "http://$address:$1/call/who")" login:alice
	assert_match "$(http -d text=hi "http://$address:$1/call/far-echo")" '*"status":40[14]*'
	assert_match "$(http -d text=hi -H 'Origin: https://elsewhere.example' \
	    "http://$address:$1/call/echo")" '*"status":403*'
	# The page of the proxy itself, which has ended TLS.
	assert_eq "$(http -d text=hi -H 'Origin: https://a.example.org' \
	    "http://$address:$1/call/echo")" hi
	assert_match "$(curl -s --noproxy '*' -d text=hi -H 'Host: elsewhere.example' \
	    "http://$address:$1/call/echo")" '*"status":421*'
}

behind_haproxy() {
	old=$("$helpers/free-port")
	new=$("$helpers/free-port")
	sealed=$("$helpers/free-port")
	plain=$("$helpers/free-port")
	secure=$("$helpers/free-port")
	front=$("$helpers/free-port")
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
	listen plain
	  bind $address:$plain
	  server reqd 127.0.0.1:$proxied_web send-proxy
	listen secure
	  bind $address:$secure
	  server reqd 127.0.0.1:$proxied_https send-proxy-v2
	listen front
	  mode http
	  bind $address:$front
	  server reqd 127.0.0.1:$web
	END
	command haproxy -db -f "$dir/haproxy.cfg" >"$dir/haproxy.log" 2>&1 &
	background="$background $!"
	haproxy_pid=$!
	through "$old"
	through "$new"
	scheme=tls
	through "$sealed" --pin "$("$reqctl" pin "$dir/tls/server.crt")"
	scheme=
	if command -v curl >/dev/null; then
		http_through http "$plain"
		http_through https "$secure"
		http_hidden "$front"
	fi
	kill "$haproxy_pid"
	wait "$haproxy_pid" 2>/dev/null
	return 0
}

behind_nginx() {
	old=$("$helpers/free-port")
	sealed=$("$helpers/free-port")
	plain=$("$helpers/free-port")
	secure=$("$helpers/free-port")
	front=$("$helpers/free-port")
	cat >"$dir/nginx.conf" <<-END
	load_module $nginx_stream;
	daemon off;
	master_process off;
	error_log $dir/nginx.log;
	pid $dir/nginx.pid;
	events {}
	stream {
	  proxy_protocol on;
	  server { listen $address:$old; proxy_pass 127.0.0.1:$proxied; }
	  server { listen $address:$sealed; proxy_pass 127.0.0.1:$proxied_tls; }
	  server { listen $address:$plain; proxy_pass 127.0.0.1:$proxied_web; }
	  server { listen $address:$secure; proxy_pass 127.0.0.1:$proxied_https; }
	}
	http {
	  access_log off;
	  client_body_temp_path $dir/nginx-body;
	  proxy_temp_path $dir/nginx-proxy;
	  fastcgi_temp_path $dir/nginx-fastcgi;
	  uwsgi_temp_path $dir/nginx-uwsgi;
	  scgi_temp_path $dir/nginx-scgi;
	  server {
	    listen $address:$front;
	    location / {
	      proxy_pass http://127.0.0.1:$web;
	      proxy_http_version 1.1;
	      proxy_set_header Host \$host;
	      proxy_buffering off;
	    }
	  }
	}
	END
	command nginx -p "$dir" -c "$dir/nginx.conf" >"$dir/nginx.out" 2>&1 &
	background="$background $!"
	nginx_pid=$!
	through "$old"
	scheme=tls
	through "$sealed" --pin "$("$reqctl" pin "$dir/tls/server.crt")"
	scheme=
	if command -v curl >/dev/null; then
		http_through http "$plain"
		http_through https "$secure"
		http_hidden "$front"
	fi
	kill "$nginx_pid"
	wait "$nginx_pid" 2>/dev/null
	return 0
}

PATH=$PATH:/usr/sbin:/sbin
nginx_stream=/usr/lib/nginx/modules/ngx_stream_module.so
if [ -z "$address" ]; then
	note "this machine has no address of its own: HAProxy and nginx are left out"
else
	if command -v haproxy >/dev/null; then
		step "HAProxy, both versions, before TLS, and with HTTP" behind_haproxy
	else
		note "haproxy is not installed, and left out"
	fi
	if command -v nginx >/dev/null && [ -e "$nginx_stream" ]; then
		step "nginx, before TLS, and with HTTP" behind_nginx
	else
		note "nginx with its module stream is not installed, and left out"
	fi
fi
finish
