# SPDX-License-Identifier: ISC
# net: what a byte stream is: listeners, connections, who is at their other end.
noinst_LTLIBRARIES += libnet.la
libnet_la_SOURCES = \
	src/net/conn.c src/net/conn.h \
	src/net/identity.c src/net/identity.h \
	src/net/listener.c src/net/listener.h \
	src/net/net.h \
	src/net/party.c src/net/party.h \
	src/net/refusal.c src/net/refusal.h \
	src/net/stream.c src/net/stream.h
