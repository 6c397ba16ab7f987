#!/bin/sh
# SPDX-License-Identifier: ISC
# upgrade: another version of the packages is installed while reqd serves, and
# no client notices; purge leaves nothing.
. "${srcdir:-.}/tests/system/lib.sh"

# Lists all files, without those that the system writes for itself.
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

# The key for TLS, and who may read it.
key() {
	inside sh -c 'stat -c "%n %a %U:%G" /etc/reqd/tls /etc/reqd/tls/* && sha256sum /etc/reqd/tls/*'
}
key >"$dir/key"
made() {
	head -n 3 "$dir/key" | diff - /dev/fd/3 3<<-END
	/etc/reqd/tls 755 root:root
	/etc/reqd/tls/server.crt 644 root:root
	/etc/reqd/tls/server.key 600 root:root
	END
}
step "a key for TLS is made, which root alone may read" made
same_key() {
	key | diff "$dir/key" -
}

installed() { # DIRECTORY
	was=$(property reqd.service MainPID)
	inside sh -c 'dpkg -i "$1"/*.deb' - "$1" >"$dir/out" 2>&1 || {
		cat "$dir/out"
		return 1
	}
	is_active && [ "$(property reqd.service MainPID)" != "$was" ]
}
upgrades() {
	load_begin unix:///run/reqd/reqd.sock tcp://127.0.0.1:7373
	installed /test/next && load_end || return 1
	assert_match "$(inside dpkg-query -W -f '${Version}' reqd)" '*+next'
}
step "an upgrade under load: a new reqd, nobody refused, all answered" upgrades
step "the key stays, byte for byte" same_key
inside systemctl disable --now reqd.socket >/dev/null 2>&1
inside systemctl restart reqd
downgrades() {
	load_begin tcp://127.0.0.1:7373
	installed /test && load_end
}
step "and back, without reqd.socket" downgrades

instance_starts() {
	put /etc/reqd/other.conf <<-END
		user = "reqd"
		runtime-directory = "/run/reqd-other"
		listen "unix:///run/reqd-other/reqd.sock" {}
	END
	inside systemctl start reqd@other
}
step "an instance" instance_starts
instance_upgrades() {
	was=$(property reqd@other.service MainPID)
	installed /test/next && installed /test || return 1
	property_is reqd@other.service ActiveState active &&
	    [ "$(property reqd@other.service MainPID)" != "$was" ]
}
step "is upgraded, too" instance_upgrades
again() {
	inside sh -c 'dpkg -i /test/reqd_*.deb' >"$dir/out" 2>&1 && same_key
}
step "the same version again leaves the key alone" again
removal() {
	inside sh -c 'dpkg -r reqd' >"$dir/out" 2>&1 || return 1
	[ -z "$(role_pids)" ] && inside test -e /etc/reqd/reqd.conf && same_key
}
step "removed: nothing runs, the configuration stays, and the key" removal
purge() {
	inside rm -f /etc/reqd/services.d/test-echo.conf /etc/reqd/other.conf
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
