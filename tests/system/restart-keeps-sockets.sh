#!/bin/sh
# SPDX-License-Identifier: ISC
# restart-keeps-sockets: systemd holds the listening sockets between two lives
# of reqd, so that no client that connects meanwhile is refused: with reqd's own
# sockets and with those of reqd.socket, however the first life ended.
. "${srcdir:-.}/tests/system/lib.sh"

unix=unix:///run/reqd/reqd.sock
tcp=tcp://127.0.0.1:7373
box_start
service echo '"/bin/echo", "{text}"' 'argument "text" {}'
inside reqctl reload >/dev/null

under_load() { # REPEATS COMMAND...
	repeats=$1
	shift
	load_begin "$unix" "$tcp"
	for _ in $(seq "$repeats"); do
		"$@" || return 1
	done
	load_end
}

restart() {
	inside systemctl restart reqd
}
kept() {
	property reqd.service NFileDescriptorStore
}

step "with reqd.socket: nothing to keep" assert_eq "$(kept)" 0
step "with reqd.socket: 20 restarts, nobody refused, all answered" under_load 20 restart

inside systemctl disable --now reqd.socket >/dev/null 2>&1
restart
step "its own sockets: systemd keeps them" assert_eq "$(kept)" 2
step "its own sockets: 20 restarts, nobody refused, all answered" under_load 20 restart
step "none is kept twice" assert_eq "$(kept)" 2

# A client of a master that is killed loses the connection, and a client that
# comes later waits for the next master.
killed() {
	was=$(property reqd.service MainPID)
	signal KILL "$was"
	inside timeout 20 reqctl -s "$tcp" ping >/dev/null &&
	    inside timeout 20 reqctl -s "$unix" ping >/dev/null || return 1
	[ "$(property reqd.service MainPID)" != "$was" ] && [ "$(kept)" -eq 2 ]
}
step "kill -9 of the master: who connects then is served by the next" killed

# A listener that goes is not kept, by a reload or over a restart.
without_tcp() {
	inside sed -i '/tcp:/d' /etc/reqd/reqd.conf
	"$@" || return 1
	until_true "$patience" property_is reqd.service NFileDescriptorStore 1 || return 1
	! inside reqctl -s "$tcp" ping 2>/dev/null
}
with_tcp() {
	echo 'listen "tcp://127.0.0.1:7373" {}' | inside sh -c 'cat >>/etc/reqd/reqd.conf'
	"$@" || return 1
	inside reqctl -s "$tcp" ping >/dev/null && [ "$(kept)" -eq 2 ]
}
reload() {
	inside systemctl reload reqd
}
step "a listener that a reload removes is kept no longer" without_tcp reload
step "one that a reload adds is kept" with_tcp reload
step "and one that is gone after a restart" without_tcp restart
step "or new" with_tcp restart

# The new address is the old one in other words.
inside sed -i 's/"tcp:.*"/"tcp:\/\/*:7373"/; $ a insecure-open = yes' /etc/reqd/reqd.conf
another_address() {
	restart && serves && inside reqctl -s "$tcp" ping >/dev/null && [ "$(kept)" -eq 2 ]
}
step "an address that the old one is in the way of" another_address
# A kept socket is used again only if a new one would be like it.
port_of() { # LINE
	inside sed -i '/^listen "tcp:.*7373"/d' /etc/reqd/reqd.conf
	echo "listen $1" | inside sh -c 'cat >>/etc/reqd/reqd.conf'
	restart && serves
}
on_both() {
	inside reqctl -s tcp://127.0.0.1:7373 ping >/dev/null &&
	    inside reqctl -s 'tcp://[::1]:7373' ping >/dev/null
}
families() {
	port_of '"tcp://[::]:7373" { ipv6-only = yes }' && ! on_both 2>/dev/null || return 1
	port_of '"tcp://[::]:7373" {}' && on_both || return 1
	port_of '"tcp://*:7373" {}' && on_both || return 1
	port_of '"tcp://*:7373" { ipv6-only = yes }' && ! on_both 2>/dev/null || return 1
	port_of '"tcp://0.0.0.0:7373" {}' && port_of '"tcp://*:7373" {}' && on_both
}
step "one of the other address family is not taken for it" families
unix_moves() {
	inside sed -i 's/reqd\.sock/other.sock/' /etc/reqd/reqd.conf
	restart || return 1
	inside reqctl -s unix:///run/reqd/other.sock ping >/dev/null || return 1
	! inside test -e /run/reqd/reqd.sock
}
step "a unix socket that moves takes its file along" unix_moves

# The file can be gone, or be another's.
file_is_gone() {
	inside rm /run/reqd/other.sock
	restart && inside reqctl -s unix:///run/reqd/other.sock ping >/dev/null && [ "$(kept)" -eq 2 ]
}
step "one whose file was removed is made anew" file_is_gone

stopped() {
	inside systemctl stop reqd
	[ "$(kept)" -eq 0 ] && ! inside reqctl -s "$tcp" ping 2>/dev/null
}
step "a stop is one: systemd keeps nothing" stopped
box_finish
