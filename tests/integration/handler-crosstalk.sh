#!/bin/sh
# SPDX-License-Identifier: ISC
# handler-crosstalk: each caller gets the answer to its own request, and nothing
# is done twice; also when a process has several requests at once.
# REQD_CROSSTALK is the number of requests of each kind.
. "${srcdir:-.}/tests/integration/lib.sh"

requests=${REQD_CROSSTALK:-20000}
cp "$helpers/crosstalk" "$dir/crosstalk"
for pipeline in 1 8; do
	truncate -s "$requests" "$dir/ledger-$pipeline"
	chmod 666 "$dir/ledger-$pipeline"
	handler "talk-$pipeline" "\"$dir/crosstalk\", \"handler\", \"$dir/ledger-$pipeline\"" \
	    'argument "number" {}' 'argument "how" {}' 'argument "noise" { max-length = 1M }' \
	    'processes { min = 0  max = 8  idle = 300ms  requests = 5000 }' \
	    "pipeline = $pipeline" 'queue = 1000' 'timeout = 60s' 'log = none'
done
kills=yes
start_reqd
for pipeline in 1 8; do
	step "pipeline = $pipeline: every reply is the right one, and nothing is done twice" \
	    "$helpers/crosstalk" drive "$dir/reqd.sock" "talk-$pipeline" "$dir/ledger-$pipeline" \
	    "$requests"
done
finish
