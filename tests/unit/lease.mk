# SPDX-License-Identifier: ISC
lease_tests = tests/unit/test_exchange
check_PROGRAMS += $(lease_tests)
TESTS += $(lease_tests)

# No call and no connection is linked: lease knows nothing of them.
tests_unit_test_exchange_SOURCES = tests/unit/test_exchange.c tests/unit/unit.h
tests_unit_test_exchange_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_exchange_LDADD = liblease.la libipc.la libconf.la libproto.la libbase.la $(CHECK_LIBS)
