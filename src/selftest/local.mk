# SPDX-License-Identifier: ISC
# selftest: a private reqd that is asked for all it does.
noinst_LTLIBRARIES += libselftest.la
libselftest_la_SOURCES = src/selftest/selftest.c src/selftest/selftest.h \
	src/selftest/testline.c src/selftest/testline.h \
	src/selftest/testserver.c src/selftest/testserver.h
