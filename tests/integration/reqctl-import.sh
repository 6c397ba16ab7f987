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
	    'command = {"/bin/true", "{args}"}' '#service "backup-run" {' \
	    '# line 6: no counterpart: princ:operator@EXAMPLE.ORG (write a role for them)' \
	    '# line 6: nobody but root may call this: allow = {"ROLE"} is missing' \
	    '# line 8: no rule: short line' '# line 9: include /etc/remctl/conf.d: import that, too'
	passes
}
step "remctl" remctl

nrpe() {
	import nrpe nrpe.cfg
	has 'role "monitoring" { net = {"127.0.0.1", "::1"} }' \
	    '# line 3: allowed_hosts: a role has addresses, not the name monitor.example.org' \
	    'service "disk" {' 'command = {"/bin/df", "-P", "/a place", "its {{raw}}"}' \
	    'command = {"/bin/echo", "-w", "{arg1}", "--crit={arg2}"}' \
	    'command = {"/bin/sh", "-c", "/bin/ps ax | /bin/grep -c x"}' '#service "unsafe" {' \
	    'user = "daemon"' 'user = "nobody"' '#service "relative" {' 'timeout = 30s' \
	    '# line 12: no NAME=VALUE: nonsense'
	passes
}
step "nrpe" nrpe

xinetd() {
	import xinetd xinetd.conf
	has 'role "defaults-from" { net = {"10.1.0.0/16"} }' \
	    'command = {"/usr/bin/tr", "a-z", "A-Z"}' 'environment = {"LANG=C", "TZ=UTC"}' \
	    'concurrency = 5' 'limits { cpu = 20s }' '# line 16: no counterpart: nice = 10' \
	    '#service "time" {' '#service "shout" {'
	passes
}
step "xinetd" xinetd

webhook() {
	import webhook hooks.json
	has 'service "redeploy-site" {' \
	    'command = {"/bin/echo", "at{{}}", "{head_commit-id}", "{x2nd}", "{payload}"}' \
	    'environment = {"COMMIT={head_commit-id}"}' 'argument "x2nd" {}' 'directory = "/tmp"' \
	    '# no counterpart: trigger-rule' '#service "lost" {'
	passes
}
step "webhook" webhook

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
