#!/bin/sh
# SPDX-License-Identifier: ISC
# hostile-output: reqctl prints all that a program writes, of any kind, and
# stays small; when the program ends, so does reqctl, even if its input is
# silent.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3

# 30 MiB: text, and bytes that are none.
service text '"/bin/sh", "-c", "yes grün | head -c 31457280"' 'output-limit = 32M'
service bytes '"/usr/bin/head", "-c", "31457280", "/dev/zero"' 'output-limit = 32M'
service junk '"/usr/bin/head", "-c", "31457280", "/dev/urandom"' 'output-limit = 32M'
service early '"/bin/echo", "done"' 'input = optional'
start_reqd

# Runs reqctl; says how much it printed, of what kind, and how large it became.
measure() {
	python3 - "$reqctl" -s "unix://$dir/reqd.sock" "$@" <<'END'
import base64, json, resource, subprocess, sys
run = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
out = json.loads(run.stdout)["stdout"]
kind = "text" if isinstance(out, str) else "base64"
data = out.encode() if kind == "text" else base64.b64decode(out["base64"])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(kind, len(data), "small" if peak < 64 << 10 else "%dK" % peak)
END
}

sanitized() {
	grep -q "SAN_CFLAGS = .*sanitize" "$top_builddir/Makefile"
}

large() {
	said=$(measure --json call "$1") || fail "no JSON from $1"
	! sanitized || said="${said% *} small"
	assert_eq "$said" "$2 31457280 small"
}

step "a large text as JSON needs little memory" large text text
step "a large text of NUL as JSON needs little memory" large bytes text
step "large bytes as JSON need little memory" large junk base64

# Open at both ends, so that there is neither a byte nor an end.
mkfifo "$dir/silent"
ends_early() {
	assert_eq "$("$reqctl" -s "unix://$dir/reqd.sock" -t "$patience" call early <>"$dir/silent")" "done"
}
step "reqctl ends with the program while its input is silent" ends_early
finish
