#!/bin/sh
# SPDX-License-Identifier: ISC
# Services are tools of the Model Context Protocol, in both eras, with "reqctl mcp": listed with
# their schemas, called, followed, cancelled; and nothing else comes of hostile lines.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3

py() { # STEP WORD...
	step=$1
	shift
	timeout 300 python3 "$top_srcdir/tests/integration/mcp-client.py" "$step" "$reqctl" \
	    "unix://$dir/reqd.sock" "$@"
}

service add '"/bin/sh", "-c", "echo $(($1 + $2))", "sh", "{a}", "{b}"' 'effects = none' \
    'summary = "Add two numbers"' 'argument "a" { type = integer }' 'argument "b" { type = integer }'
service append '"/bin/true"' 'effects = adds'
service once '"/bin/echo", "ran"' 'idempotent = no'
service fail '"/bin/sh", "-c", "echo out; echo went wrong >&2; exit 3"'
service words '"/usr/bin/printf", "%s\\n", "{w}"' 'argument "w" { repeat = yes }'
service count '"/usr/bin/wc", "-c"' 'input = required' 'effects = none'
service big '"/usr/bin/head", "-c", "3000000", "/dev/zero"'
service steps '"/bin/sh", "-c", "echo 1/3 one >&2; echo 2/3 two >&2; echo 3/3 three >&2; echo done"'
service hidden '"/bin/true"' 'doors = {"http"}'
service sleep '"/bin/sh", "-c", "trap '"'echo x >>$dir/mark.gone; exit'"' TERM; echo x >>'"$dir"'/mark; /bin/sleep 600 & wait"'
for i in $(seq 100); do
	service "many-$i" '"/bin/true"'
done
: >"$dir/mark"
: >"$dir/mark.gone"
chmod 666 "$dir/mark" "$dir/mark.gone"
chmod 711 "$dir"
start_reqd

step "both eras are spoken" py stdio
step "--only and --read-only hide the others" py offers
step "calls run side by side" py parallel
step "a call is cancelled, and all are at the end" py cancels "$dir/mark"
step "hostile lines are refused" py hostile
step "a frozen server does not keep reqctl" py frozen "$dir/frozen.sock"
finish
