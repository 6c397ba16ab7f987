#!/bin/sh
# SPDX-License-Identifier: ISC
# handler-crosstalk: who asked gets the answer, and nothing is done twice.
# REQD_CROSSTALK is the number of requests.
. "${srcdir:-.}/tests/integration/lib.sh"

requests=${REQD_CROSSTALK:-30000}
truncate -s "$requests" "$dir/ledger"
chmod 666 "$dir/ledger"
cp "$helpers/crosstalk" "$dir/crosstalk"
handler talk "\"$dir/crosstalk\", \"handler\", \"$dir/ledger\"" \
    'argument "number" {}' 'argument "how" {}' 'argument "noise" { max-length = 1M }' \
    'processes { min = 0  max = 8  idle = 300ms  requests = 5000 }' \
    'queue = 1000' 'timeout = 60s' 'log = none'
kills=yes
start_reqd
step "every reply is the right one, and nothing is done twice" \
    "$helpers/crosstalk" drive "$dir/reqd.sock" "$dir/ledger" "$requests"
finish
