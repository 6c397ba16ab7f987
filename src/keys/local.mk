# SPDX-License-Identifier: ISC
# keys: has the private keys of the server and signs TLS handshakes with them.
noinst_LTLIBRARIES += libkeys.la
libkeys_la_SOURCES = \
	src/keys/handshake.c src/keys/handshake.h \
	src/keys/keys.c src/keys/keys.h \
	src/keys/keyring.c src/keys/keyring.h
libkeys_la_LIBADD = $(TLS_LIBS)
