# SPDX-License-Identifier: ISC
net_tests = tests/unit/test_stream
check_PROGRAMS += $(net_tests)
TESTS += $(net_tests)

# No call, no lease and no RESP is linked: net knows nothing of them.
tests_unit_test_stream_SOURCES = tests/unit/test_stream.c tests/unit/slow-stream.h tests/unit/unit.h
tests_unit_test_stream_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_stream_LDADD = libnet.la libipc.la libconf.la libproto.la libbase.la $(CHECK_LIBS)
