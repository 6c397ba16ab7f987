#!/bin/sh
# SPDX-License-Identifier: ISC
# every-key: each key of the configuration, set to another value, has an effect that can
# be seen from outside. A key of the schema without a row in every-key.py fails.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 flock ss openssl

step "each key of the schema has a row" \
    python3 "$top_srcdir/tests/integration/every-key.py" --rows "$top_srcdir/src/conf/schema.c"
PYTHONDONTWRITEBYTECODE=1 python3 "$top_srcdir/tests/integration/every-key.py" \
    "$top_srcdir/src/conf/schema.c" "$reqd" "$dir" "$helpers/free-port" || fail "a key has no effect"
finish
