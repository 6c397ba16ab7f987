#!/bin/sh
# SPDX-License-Identifier: ISC
# The section of the README about agents does what it says, typed as it stands there.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3

readme=$top_srcdir/README.md
mkdir "$dir/examples"
cp "$top_srcdir/examples/agent.conf" "$dir/agent.orig"
sed "s|/tmp/reqd-agent|$dir|g" "$dir/agent.orig" >"$dir/examples/agent.conf"
[ $is_root = no ] || sed -i -e "s/^#user.*/user = \"$worker_user\"/" \
    -e "s/^    allow .*/&  user = \"$program_user\"/" "$dir/examples/agent.conf"
PATH=$top_builddir:$PATH
cd "$dir" || exit 1
chmod 711 "$dir"

# Prints the commands of the README that begin so, with the directory of this test.
typed() { # TEXT
	sed -n "s|^    \\($1.*\\)|\\1|p" "$readme" | sed "s|/tmp/reqd-agent|$dir|g"
}

lists_tools() {
	assert_eq "$(eval "$(typed "echo '{")" |
	    python3 -c 'import json, sys
for tool in json.load(sys.stdin)["result"]["tools"]: print(tool["name"], tool["annotations"])')" \
	    "addresses {'readOnlyHint': True}
free-space {'readOnlyHint': True}
processes {'readOnlyHint': True}"
}

calls_one() {
	assert_match "$(eval "$(typed 'reqctl -s /tmp/reqd-agent/reqd.sock call')")" 'Mounted on*%'
}

# The command and its words of the file for agents.
is_for_agents() {
	typed '{"mcpServers"' >"$dir/agents.json"
	python3 - "$dir/agents.json" <<-'END'
		import json, subprocess, sys
		server = json.load(open(sys.argv[1]))["mcpServers"]["reqd"]
		call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
		        "params": {"name": "addresses", "arguments": {"host": "-x"}}}
		agent = subprocess.Popen([server["command"], *server["args"]], text=True,
		                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
		agent.stdin.write(json.dumps(call) + "\n")
		agent.stdin.flush()
		answer = json.loads(agent.stdout.readline())
		assert answer["result"]["isError"] and "Nothing ran" in answer["result"]["content"][0]["text"]
		agent.stdin.close()
		assert agent.wait() == 0
	END
}

[ "$(typed 'reqd -c examples/agent.conf')" = 'reqd -c examples/agent.conf' ] ||
    fail "the README does not say how to serve"
conf=examples/agent.conf
start_reqd
step "the tools are listed" lists_tools
step "one is called" calls_one
step "the file for agents works" is_for_agents
finish
