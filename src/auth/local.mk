# SPDX-License-Identifier: ISC
# auth: has the hashes of passwords and checks passwords with them.
noinst_LTLIBRARIES += libauth.la
libauth_la_SOURCES = \
	src/auth/auth.c src/auth/auth.h \
	src/auth/hashes.c src/auth/hashes.h \
	src/auth/lanes.c src/auth/lanes.h \
	src/auth/penalty.c src/auth/penalty.h
libauth_la_LIBADD = $(CRYPT_LIBS)
