#!/bin/sh
# SPDX-License-Identifier: ISC
# file-size-limit: a limit of file sizes, the administrator's or reqd's own,
# kills no process. Workers may write what a request needs and no more.
. "${srcdir:-.}/tests/integration/lib.sh"
service zeros '"/usr/bin/head", "-c", "{n}", "/dev/zero"' 'argument "n" { type = integer }' \
    'output-limit = 120M'
service limit '"/usr/bin/awk", "/^Max file size/ {{ print $4 }}", "/proc/self/limits"'

limit_of() { # PID
	awk '/^Max file size/ { print $4, $5 }' "/proc/$1/limits"
}

small_limit() {
	before=$(role_pids worker)
	for n in 1 2 3; do
		ctl call --id "token$n" zeros 100000000 >/dev/null 2>"$dir/err"
	done
	assert_eq "$(role_pids worker)" "$before" "workers"
	assert_eq "$(ctl call limit)" $((80 << 20))
}
far_too_small() {
	assert_status 71 prlimit --fsize=$((1 << 20)) "$reqd" -c "$conf"
	assert_match "$(cat "$dir/err")" '*limit of file sizes is 1024 KiB*LimitFSIZE=*'
}
step "one that is far too small is named at the start" far_too_small
start_reqd prlimit --fsize=$((80 << 20))
step "a limit that is too small ends no worker" small_limit
stop_reqd

own_limit() {
	for worker in $(role_pids worker); do
		assert_eq "$(limit_of "$worker")" "$((256 << 20)) $((256 << 20))"
	done
	assert_eq "$(limit_of "$(role_pids runner)")" "unlimited unlimited"
	assert_eq "$(ctl call limit)" unlimited
}
results_fit() {
	assert_eq "$(ctl call --id a zeros 20000000 | wc -c)" 20000000
	assert_eq "$(ctl call --id a zeros 20000000 | wc -c)" 20000000
}
start_reqd
step "each worker may write what is needed, others all" own_limit
step "results fit" results_fit
# The runner keeps the result, and its descriptor, for those that ask again.
stop_reqd
start_reqd
finish
