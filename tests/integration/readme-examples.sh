#!/bin/sh
# SPDX-License-Identifier: ISC
# Every example of the README does what the README says, typed as it stands
# there, in a directory that has build/ as this one has.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 redis-cli curl

readme=$top_srcdir/README.md
web=$("$helpers/free-port")
mkdir "$dir/run"
ln -s "$top_builddir" "$dir/build"
mkdir "$dir/examples"
sed -e "s|/tmp/reqd-tour|$dir/run|g" -e "s|:7373|:$port|" -e "s|:7380|:$web|" "$top_srcdir/examples/tour.conf" >"$dir/examples/tour.conf"
[ $is_root = no ] || sed -i 's/^#user/user/' "$dir/examples/tour.conf"
cd "$dir" || exit 1

# The server, as the first terminal starts it.
PATH=/usr/local/bin:/usr/bin:/bin
eval "$(sed -n 's/^    [$] \(export PATH=.*\)/\1/p' "$readme" | head -n 1)"
grep -qx '    reqd -c examples/tour.conf' "$readme" || fail "the README does not say how to serve"
reqd=reqd
conf=examples/tour.conf
start_reqd

step "the examples of the README do what it says" \
    python3 "$top_srcdir/tests/integration/examples.py" "$readme" \
    "/tmp/reqd-tour=$dir/run" "-p 7373=-p $port" ":7373=:$port" ":7380=:$web"
finish
