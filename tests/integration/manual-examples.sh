#!/bin/sh
# SPDX-License-Identifier: ISC
# The examples of PROTOCOL.md and of the manual pages do what they say.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 mandoc

# The text of a page's EXAMPLES section, unindented.
page_examples() {
	mandoc -Tascii -Owidth=200 -mdoc "$top_srcdir/man/$1" |
	    sed "s/.$(printf '\b')//g" | sed -n '/^EXAMPLES/,/^[A-Z]/p' | sed '1d;$d'
}

# PROTOCOL.md promises no services: those that come with reqd have to do.
mkdir "$dir/services.d"
cp "$top_srcdir"/etc/services.d/*.conf "$top_srcdir"/etc/demo.d/*.conf "$dir/services.d"
setting "services = \"$dir/services.d\""
service store '"/usr/bin/wc", "-c"' 'input = required'
service upper '"/bin/echo", "{text}"' 'argument "text" {}'
start_reqd

step "PROTOCOL.md: every exchange goes as it says" \
    python3 "$top_srcdir/tests/integration/protocol-examples.py" "$top_srcdir/PROTOCOL.md" "$port"

reqctl_examples() {
	page_examples reqctl.1 | sed -n 's/^ *\$ //p' >"$dir/commands"
	[ "$(wc -l <"$dir/commands")" -ge 5 ] || return 1
	cd "$top_srcdir/man" || return 1
	while read -r command; do
		echo "$command"
		sh -c "set -e; PATH=$top_builddir:\$PATH; cd $dir;
		    reqctl() { command reqctl -s tcp://127.0.0.1:$port \"\$@\"; }
		    $(echo "$command" | sed -e 's|-s tcp://backup.example.org||' \
		    -e 's|tar c \.|tar c ./reqd.conf|' -e 's|-n 10000|-n 50|')" \
		    >"$dir/out" 2>"$dir/err" </dev/null || {
			cat "$dir/out" "$dir/err"
			return 1
		}
	done <"$dir/commands"
}
step "reqctl(1): every example works" reqctl_examples

conf_examples() {
	mkdir -p "$dir/page"
	python3 "$top_srcdir/tests/integration/conf-examples.py" "$top_srcdir/man/$1" "$reqd" "$dir/page"
}
step "reqd.conf(5): every key has an example, and every example is valid" conf_examples reqd.conf.5
step "reqd-handler(7): its examples are valid" conf_examples reqd-handler.7

reqd_examples() {
	page_examples reqd.8 | sed -n 's/^ *\$ //p' >"$dir/commands"
	[ "$(wc -l <"$dir/commands")" -ge 2 ] || return 1
	while read -r command; do
		echo "$command"
		(cd "${conf%/*}" && PATH=$top_builddir:$PATH sh -c "$command") >"$dir/out" || return 1
		[ -s "$dir/out" ] || return 1
	done <"$dir/commands"
}
step "reqd(8): every example works" reqd_examples

library_example() {
	page_examples libreqd.3 | sed -n '/#include/,$p' >"$dir/example.c"
	${CC:-cc} ${REQD_TEST_CFLAGS:-} -I"$top_srcdir/src/client" -o "$dir/example" "$dir/example.c" \
	    -L"$top_builddir/.libs" -lreqd || return 1
	LD_LIBRARY_PATH=$top_builddir/.libs REQD_SERVER=tcp://127.0.0.1:$port ASAN_OPTIONS=verify_asan_link_order=0 \
	    "$dir/example" | grep -q .
}
# A library built with sanitizers wants a program built with them.
if command -v "${CC:-cc}" >/dev/null 2>&1 && ! nm -D "$top_builddir/.libs/libreqd.so" | grep -q asan; then
	step "libreqd(3): the example compiles and runs" library_example
fi
finish
