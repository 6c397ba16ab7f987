#!/bin/sh
# SPDX-License-Identifier: ISC
# Services are tools of the Model Context Protocol over HTTP, in both eras, and are described by
# OpenAPI: what a caller may call, and nothing else.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 curl
need_localhost

py() { # STEP WORD...
	step=$1
	shift
	timeout 300 python3 "$top_srcdir/tests/integration/mcp-client.py" "$step" "$web" "$@"
}

web=$("$helpers/free-port")
setting "listen \"http://127.0.0.1:$web\" { request-limit = 4M  origins = {\"https://dash.example\"} }"
setting "listen \"unix://$dir/web.sock\" { protocol = http  mode = 0666 }"
service add '"/bin/sh", "-c", "echo $(($1 + $2))", "sh", "{a}", "{b}"' 'effects = none' \
    'summary = "Add two numbers"' 'argument "a" { type = integer }' 'argument "b" { type = integer }'
service append '"/bin/true"' 'effects = adds'
service once '"/bin/echo", "ran"' 'idempotent = no'
service fail '"/bin/sh", "-c", "echo out; echo went wrong >&2; exit 3"'
service words '"/usr/bin/printf", "%s\\n", "{w}"' 'argument "w" { repeat = yes }'
service count '"/usr/bin/wc", "-c"' 'input = required' 'effects = none'
service big '"/usr/bin/head", "-c", "3000000", "/dev/zero"'
service steps '"/bin/sh", "-c", "echo 1/3 one >&2; echo 2/3 two >&2; echo 3/3 three >&2; echo done"'
service hidden '"/bin/true"' 'deny = {"local"}'
service slow '"/bin/sh", "-c", "/bin/sleep 6; echo late"'
service every '"/bin/echo", "--", "{t}", "{i}", "{d}", "{f}", "{c}", "{p}", "{n}", "{h}", "{x}", "{s}", "{u}"' \
    'argument "t" { default = "x" }' 'argument "i" { type = integer  min = 1  default = 3 }' \
    'argument "d" { type = decimal  optional = yes }' 'argument "f" { type = flag }' \
    'argument "c" { type = choice  values = {"a", "b"}  optional = yes }' \
    'argument "p" { type = path  below = "/srv"  optional = yes }' \
    'argument "n" { type = name  optional = yes }' 'argument "h" { type = host  optional = yes }' \
    'argument "x" { type = pattern  pattern = "[a-c]+"  optional = yes }' \
    'argument "s" { type = size  optional = yes }' 'argument "u" { type = duration  optional = yes }'
service sleep '"/bin/sh", "-c", "trap '"'echo x >>$dir/mark.gone; exit'"' TERM; echo x >>'"$dir"'/mark; /bin/sleep 600 & wait"'
for i in $(seq 100); do
	service "many-$i" '"/bin/true"'
done
: >"$dir/mark"
: >"$dir/mark.gone"
chmod 666 "$dir/mark" "$dir/mark.gone"
chmod 711 "$dir"
start_reqd
at=http://127.0.0.1:$web

has_schemas() {
	curl -s "$at/services/add" | grep -q '"input_schema":{"type":"object","properties":{"a":{"type":"integer"'
	curl -s "$at/services/add" | grep -q '"effects":"none"'
}

# The document is one of OpenAPI 3.1, has all that the caller may call, and an ETag.
is_openapi() {
	curl -s -D "$dir/head" "$at/openapi.json" >"$dir/openapi"
	timeout 120 python3 "$top_srcdir/tests/integration/openapi-check.py" "$dir/openapi"
	tag=$(sed -n 's/^ETag: \(.*\)\r$/\1/p' "$dir/head")
	assert_eq "$(curl -s -o "$dir/body" -w '%{http_code}' -H "If-None-Match: $tag" "$at/openapi.json")" 304
	[ ! -s "$dir/body" ]
	assert_eq "$(curl -s -o "$dir/body" -w '%{http_code}' -H 'If-None-Match: "x"' "$at/openapi.json")" 200
	# Root may call what is denied to others.
	curl -s --unix-socket "$dir/web.sock" http://any/openapi.json >"$dir/of-root"
	[ "$(id -u)" -ne 0 ] || grep -q '"/call/hidden"' "$dir/of-root"
}

# A page of 'origins' may send what the protocol wants, and read the session.
is_for_pages() {
	curl -s -D "$dir/head" -o /dev/null -X OPTIONS -H 'Origin: https://dash.example' \
	    -H 'Access-Control-Request-Method: POST' "$at/mcp"
	grep -q '^Access-Control-Allow-Headers: .*Mcp-Method, Mcp-Name, .*MCP-Protocol-Version' "$dir/head"
	curl -s -D "$dir/head" -o /dev/null -H 'Origin: https://dash.example' --json \
	    '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}' "$at/mcp"
	grep -q '^Access-Control-Expose-Headers: .*Mcp-Session-Id' "$dir/head"
	grep -qE '^Mcp-Session-Id: [0-9a-f]{32}' "$dir/head"
}

# A listener hears of a reload that changes its tools, and of no other one. A reload that takes
# the socket away ends the answer.
hears_of_changes() {
	py listens "$dir/listens" &
	listener=$!
	until_true "$patience" test -e "$dir/listens"
	ctl reload >/dev/null
	service more '"/bin/true"'
	ctl reload >/dev/null
	until_true "$patience" test -e "$dir/listens.told"
	sed -i '/^listen "http:/d' "$conf"
	ctl reload >/dev/null
	wait "$listener"
}

step "services have a schema" has_schemas
step "the services are described by OpenAPI" is_openapi
step "both eras are spoken" py http
step "wrong requests are refused" py refusals
step "a call is cancelled" py cancels-http "$dir/mark"
step "a page of another origin that is listed may ask" is_for_pages
step "a slow call becomes a stream" py slow
step "a changed list is told, and the end" hears_of_changes
# A socket is gone.
fds_before=$(settled_fds)
finish
