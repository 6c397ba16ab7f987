#!/bin/sh
# SPDX-License-Identifier: ISC
# file-size-limit: a limit of file sizes, the administrator's or reqd's own,
# kills no process. Workers may write what a request needs and no more.
. "${srcdir:-.}/tests/integration/lib.sh"
service zeros '"/usr/bin/head", "-c", "{n}", "/dev/zero"' 'argument "n" { type = integer }' \
    'output-limit = 24M'
service limit '"/bin/sh", "-c", "ulimit -f"'

limit_of() { # PID
	awk '/^Max file size/ { print $4, $5 }' "/proc/$1/limits"
}

small_limit() {
	before=$(role_pids worker)
	for n in 1 2 3; do
		ctl call --id "token$n" zeros 20000000 >/dev/null 2>"$dir/err"
	done
	assert_eq "$(role_pids worker)" "$before" "workers"
	assert_eq "$(ctl call limit)" 16384
}
start_reqd sh -c 'ulimit -f 16384; exec "$@"' sh
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
