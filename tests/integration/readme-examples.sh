#!/bin/sh
# SPDX-License-Identifier: ISC
# Every example of the README does what the README says.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 redis-cli

cd "$dir" || exit 1
port=$("$helpers/free-port")
sed -n '/^```conf$/,/^```$/p' "$top_srcdir/README.md" | sed '1d;$d' |
    sed -e "s|/tmp/reqd-tour|$dir/run|g" -e "s|:7373|:$port|" >"$dir/tour.conf"
mkdir "$dir/run"
if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$dir" "$dir/run"
	echo 'user = "daemon"' >>"$dir/tour.conf"
fi
conf=$dir/tour.conf
ln -s "$reqd" "$dir/reqd"
PATH=$dir:$top_builddir:$PATH
export PATH

start_reqd
step "the examples of the README do what it says" \
    python3 "$top_srcdir/tests/integration/examples.py" "$top_srcdir/README.md" \
    "/tmp/reqd-tour=$dir/run" "-p 7373=-p $port" ":7373=:$port"
finish
