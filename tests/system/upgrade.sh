#!/bin/sh
# SPDX-License-Identifier: ISC
# upgrade: another version of the packages is installed while reqd serves, and
# nobody notices; purge leaves nothing.
. "${srcdir:-.}/tests/system/lib.sh"

# What there is: not what the system writes for itself.
everything() {
	inside sh -c 'find / -xdev \( -path /var/lib/dpkg -o -path /var/log -o -path /var/cache \
	    -o -path /tmp -o -path /var/tmp -o -path /test -o -path /build -o -path /var/lib/systemd \) \
	    -prune -o -print; find /run -path "*reqd*"; systemctl list-unit-files "reqd*" --no-legend;
	    systemctl list-units --all "reqd*" --plain --no-legend' 2>/dev/null |
	    grep -v -e '^/run/systemd/' -e '^/etc/\(passwd\|group\|shadow\|gshadow\)-$' \
	        -e '^/etc/ld.so.cache' -e '^/etc/.*/\.#' | sort -u
}

box_start empty
everything >"$dir/before"
box_install
until_true "$patience" serves || fail "it does not serve"
next_packages || fail "no second version"
service echo '"/bin/echo", "{text}"' 'argument "text" {}'
inside reqctl reload >/dev/null

upgrades() {
	loads=
	for url in unix:///run/reqd/reqd.sock tcp://127.0.0.1:7373; do
		inside /build/bench/load -x -s "$url" -c 4 -d 6 CALL echo hi >"$dir/load.${url%%:*}" 2>&1 &
		loads="$loads $!"
	done
	was=$(property reqd.service MainPID)
	inside sh -c 'dpkg -i /test/next/*.deb' >"$dir/out" 2>&1 || {
		cat "$dir/out"
		return 1
	}
	is_active && [ "$(property reqd.service MainPID)" != "$was" ] || return 1
	for one in $loads; do
		kill -0 "$one" || fail "the load was over before the upgrade"
	done
	for one in $loads; do
		wait "$one" || {
			cat "$dir"/load.*
			return 1
		}
	done
	note "$(cut -d ' ' -f 1,5-9 "$dir"/load.* | tr '\n' ';')"
	assert_match "$(inside dpkg-query -W -f '${Version}' reqd)" '*+next'
}
step "an upgrade under load: a new reqd, nobody refused, all answered" upgrades
inside systemctl disable --now reqd.socket >/dev/null 2>&1
inside systemctl restart reqd
downgrades() {
	rm -rf "$dir/swap" && mkdir "$dir/swap" && mv "$dir"/*.deb "$dir/swap" &&
	    mv "$dir"/next/*.deb "$dir" && mv "$dir"/swap/*.deb "$dir/next" || return 1
	was=$(property reqd.service MainPID)
	inside /build/bench/load -x -s tcp://127.0.0.1:7373 -c 4 -d 6 CALL echo hi >"$dir/load.tcp" 2>&1 &
	one=$!
	inside sh -c 'dpkg -i /test/next/*.deb' >"$dir/out" 2>&1 || return 1
	[ "$(property reqd.service MainPID)" != "$was" ] || return 1
	kill -0 $one || fail "the load was over before"
	wait $one || {
		cat "$dir/load.tcp"
		return 1
	}
}
step "and back, without reqd.socket" downgrades

removal() {
	inside sh -c 'dpkg -r reqd' >"$dir/out" 2>&1 || return 1
	[ -z "$(role_pids)" ] && inside test -e /etc/reqd/reqd.conf
}
step "removed: nothing runs, the configuration stays" removal
purge() {
	inside rm -f /etc/reqd/services.d/test-echo.conf
	inside sh -c 'dpkg -P reqd reqctl libreqd0' >"$dir/out" 2>&1 || {
		cat "$dir/out"
		return 1
	}
	inside systemctl daemon-reload
	everything >"$dir/after"
	diff "$dir/before" "$dir/after"
}
step "purged: nothing is left but the account" purge
box_finish
