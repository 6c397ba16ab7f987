# SPDX-License-Identifier: ISC
# selftest: a private reqd that is asked for all it does.
noinst_LTLIBRARIES += libselftest.la
libselftest_la_SOURCES = src/selftest/selftest.c src/selftest/selftest.h
