# SPDX-License-Identifier: ISC
# net: what a byte stream is: listeners, connections, who is at their other end.
noinst_LTLIBRARIES += libnet.la
libnet_la_SOURCES = \
	src/net/authlink.c src/net/authlink.h \
	src/net/conn-admission.c src/net/conn-admission.h \
	src/net/conn.c src/net/conn.h \
	src/net/identity.c src/net/identity.h \
	src/net/login.c src/net/login.h \
	src/net/listener.c src/net/listener.h \
	src/net/net.h \
	src/net/passwordcheck.c src/net/passwordcheck.h \
	src/net/party.c src/net/party.h \
	src/net/proxystream.c src/net/proxystream.h \
	src/net/quota.c src/net/quota.h \
	src/net/refusal.c src/net/refusal.h \
	src/net/stream.c src/net/stream.h \
	src/net/tlscontext.c src/net/tlscontext.h \
	src/net/tlslink.c src/net/tlslink.h \
	src/net/tlspeer.c src/net/tlspeer.h \
	src/net/tlsprovider.c src/net/tlsprovider.h \
	src/net/tlsstream.c src/net/tlsstream.h \
	src/net/tlstrust.c src/net/tlstrust.h
libnet_la_LIBADD = $(TLS_LIBS)
