#!/bin/sh
# SPDX-License-Identifier: ISC
# reqctl-import: a file of another program becomes a configuration that passes
# "reqd -t", names the settings that have no counterpart, and calls the same programs.
. "${srcdir:-.}/tests/integration/lib.sh"
data=$top_srcdir/tests/data/import

import() { # FORMAT FILE: into $dir/out
	"$reqctl" import "$1" "$data/$2" >"$dir/out" || fail "import $1: status $?"
	sed 's/^\t*//' "$dir/out" >"$dir/lines"
}
has() { # LINE...: the file has each of them, blanks in front left out
	for line; do
		grep -qxF -- "$line" "$dir/lines" || fail "missing: $line"
	done
}

lacks() { # PATTERN...: no line of the file matches
	for pattern; do
		! grep -q -- "$pattern" "$dir/lines" || fail "there: $(grep -- "$pattern" "$dir/lines")"
	done
}
is_off() { # SERVICE...: each of them is a comment
	for name; do
		has "#service \"$name\" {"
	done
}
within() { # SERVICE LINE...: that service has each line
	name=$1
	shift
	sed -n "/^service \"$name\" {/,/^}/p" "$dir/lines" >"$dir/section"
	for line; do
		grep -qxF -- "$line" "$dir/section" || fail "$name misses: $line
$(cat "$dir/section")"
	done
}
nobody_may='nobody but root may call this: allow = {"ROLE"} is missing'

# An account can be named by root only.
passes() {
	mkdir -p "$dir/passes"
	{
		echo "listen \"unix://$dir/none\" {}"
		echo "runtime-directory = \"$dir/passes\""
		[ $is_root = no ] || echo "user = \"$worker_user\""
		if [ $is_root = yes ]; then cat "$dir/out"; else grep -v '^.user = ' "$dir/out"; fi
	} >"$dir/passes.conf"
	"$reqd" -t -c "$dir/passes.conf" >"$dir/err" 2>&1 || fail "$(cat "$dir/err")"
}

remctl() {
	import remctl remctl.conf
	has 'service "account-show" {' 'command = {"/bin/echo", "show", "{args}"}' \
	    'command = {"/bin/echo", "password", "{arg2}", "{arg3}", "{args}"}' \
	    'argument "arg2" { optional = yes }' 'argument "arg3" { optional = yes  secret = yes }' \
	    'allow = {"group-root"}' '#service "account" {' 'service "backup" {' \
	    'command = {"/bin/true"}' '#service "backup-run" {' \
	    '# line 6: no counterpart: princ:operator@EXAMPLE.ORG (write a role for them)' \
	    '# line 6: nobody but root may call this: allow = {"ROLE"} is missing' \
	    '# line 8: no rule: short line' '# line 9: include /etc/remctl/conf.d: import that, too'
	passes
}
step "remctl" remctl

remctl_edges() {
	import remctl remctl-edges.conf
	lacks 'service "account-hidden"'
	within gr-oup-a 'allow = {"group-web-ops"}'
	within gr-oup-b 'allow = {"group-web-ops-2"}'
	within gr-oup-c 'allow = {"group-web-ops-3"}'
	within gr-oup-d 'allow = {"group-web-ops-2"}'
	has 'role "group-web-ops" { group = {"web.ops"} }' \
	    'role "group-web-ops-2" { group = {"web-ops"} }' \
	    'role "group-web-ops-3" { group = {"WEB-ops"} }'
	within join-ed 'command = {"/bin/echo", "ed", "{args}"}'
	within empty 'command = {"/bin/true"}' 'allow = {"everybody"}'
	! grep argument "$dir/section" || fail "EMPTY takes arguments"
	is_off empty-in two-users deny-equals file-first
	within deny-group 'allow = {"everybody"}' 'deny = {"group-root"}'
	within deny-late 'allow = {"everybody"}' 'deny = {"group-root"}' \
	    '# line 15: deny:localgroup:root: here it decides before the ACLs that stand before it'
	grep -vE '^role|^.(allow|deny)' "$dir/out" >"$dir/accounts" # such groups are not on this machine
	mv "$dir/accounts" "$dir/out"
	passes
}
step "remctl lets in nobody else" remctl_edges

nrpe() {
	import nrpe nrpe.cfg
	has 'role "monitoring" { net = {"127.0.0.1", "::1"} }' \
	    '# line 3: allowed_hosts: a role has addresses, not the name monitor.example.org' \
	    'service "disk" {' 'command = {"/bin/df", "-P", "/a place", "its {{raw}}"}' \
	    '#	command = {"/bin/echo", "-w", "{arg1}", "--crit={arg2}"}' \
	    'command = {"/bin/sh", "-c", "/bin/ps ax | /bin/grep -c x"}' '#service "unsafe" {' '#service "users" {' \
	    'user = "daemon"' 'user = "nobody"' '#service "relative" {' 'timeout = 30s' \
	    '# line 12: no NAME=VALUE: nonsense'
	passes
}
step "nrpe" nrpe

nrpe_edges() {
	import nrpe nrpe-edges.cfg
	has 'role "monitoring" { net = {"127.0.0.1"} }'
	lacks '^command = {"/bin/echo", "first"}' 'timeout = ' '^user = "root"'
	within twice 'command = {"/bin/echo", "second"}'
	is_off sudo-u sudo-long sudo-list single-shell escaped
	within sudo-end 'command = {"/bin/true"}' 'user = "daemon"'
	within back 'command = {"/bin/echo", "a\\b\\c\"d", "ef"}'
	within single 'command = {"/bin/echo", "{arg1}", "{arg2}x"}'
	within hidden 'command = {"/bin/echo", "a\xE2\x80\xAEb\xE2\x80\x8Bc"}'
	passes
	import nrpe nrpe-prefix.cfg
	is_off prefixed
	import nrpe nrpe.cfg
	is_off users
	{ printf 'command[long]=/bin/echo '; head -c 400000 /dev/zero | tr '\0' x; echo; } >"$dir/long"
	# A sanitizer needs more memory for itself.
	is_sanitized || assert_status 0 prlimit --as=400000000 "$reqctl" import nrpe "$dir/long"
}
step "nrpe runs nothing else" nrpe_edges

xinetd() {
	import xinetd xinetd.conf
	has 'role "defaults-from" { net = {"10.1.0.0/16"} }' \
	    'command = {"/usr/bin/tr", "a-z", "A-Z"}' 'environment = {"LANG=C", "TZ=UTC"}' \
	    'concurrency = 5' 'limits { cpu = 20s }' '# line 16: no counterpart: nice = 10' \
	    '#service "time" {' '#service "shout" {'
	passes
}
step "xinetd" xinetd

xinetd_edges() {
	import xinetd xinetd-edges.conf
	for name in own-name nobody-at-all; do
		sed -n "/^service \"$name\"/,/^}/p" "$dir/lines" | grep -q "$nobody_may" ||
			fail "$name lets somebody in"
	done
	is_off minus timed bound othername switched-off injected injected-limit none-at-once \
	    too-much
	within again 'allow = {"again-from"}'
	has 'role "again-from" { net = {"10.3.0.1", "10.3.0.2"} }'
	within named 'command = {"/usr/bin/tr", "a-z", "A-Z"}' 'allow = {"defaults-from"}'
	within unlimited 'environment = {"A={{B}}", "C=2"}' 'limits { memory = 64M }' 'umask = 002'
	within defaults 'allow = {"defaults-from-2"}'
	has 'role "defaults-from" { net = {"10.2.0.0/16"} }' \
	    'role "defaults-from-2" { net = {"10.4.0.1"} }'
	passes
	import xinetd xinetd-denied.conf
	within cat 'allow = {"cat-from"}' 'deny = {"defaults-denied"}'
	within own 'allow = {"own-from"}' 'deny = {"own-denied", "defaults-denied"}'
	has 'role "defaults-denied" { net = {"10.1.2.3"} }' 'role "own-denied" { net = {"10.2.0.0/16"} }' \
	    '# line 10: no_access: here it decides, also where only_from is more exact'
	is_off named
	passes
	import xinetd xinetd-enabled.conf
	is_off two
	within one 'command = {"/bin/cat"}'
}
step "xinetd lets in nobody else" xinetd_edges

webhook() {
	import webhook hooks.json
	has 'service "redeploy-site" {' \
	    'command = {"/bin/echo", "at{{}}", "{head_commit-id}", "{x2nd}", "{payload}"}' \
	    'environment = {"COMMIT={head_commit-id}"}' 'argument "x2nd" {}' 'directory = "/tmp"' \
	    '# no counterpart: trigger-rule' '#service "lost" {'
	passes
}
step "webhook" webhook

webhook_edges() {
	import webhook hooks-edges.json
	within tokens 'command = {"/bin/echo", "{token}", "{token-2}", "{token}", "{a-b}", "{a-b-2}"}' \
	    'argument "token-2" {}' \
	    '# payload token: the argument is called token-2, another value is token'
	is_off bad-name
	passes
}
step "webhook mixes no values" webhook_edges

refuses() { # PATTERN STATUS WORDS...
	want=$1 want_status=$2
	shift 2
	assert_status "$want_status" "$reqctl" import "$@"
	assert_match "$(cat "$dir/err")" "$want"
	assert_eq "$(cat "$dir/out")" ''
}
no_such_files() {
	refuses '*none: No such file or directory' 252 nrpe "$dir/none"
	refuses '*only remctl, nrpe, xinetd and webhook*' 255 sudoers "$dir/none"
	refuses '*nrpe.cfg:1: *' 252 webhook "$data/nrpe.cfg"
	head -c 5000000 /dev/zero | tr '\0' x >"$dir/large"
	refuses '*larger than 4 MiB' 252 nrpe "$dir/large"
	refuses '*is no text' 252 nrpe /bin/sh
	: >"$dir/empty"
	for format in remctl nrpe xinetd; do
		assert_status 0 "$reqctl" import $format "$dir/empty"
	done
}
step "what is no file of that kind" no_such_files
rm -rf "$dir/passes"
finish
