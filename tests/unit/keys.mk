# SPDX-License-Identifier: ISC
keys_tests = tests/unit/test_handshake tests/unit/test_keyring
check_PROGRAMS += $(keys_tests)
TESTS += $(keys_tests)
tests_unit_test_handshake_SOURCES = tests/unit/test_handshake.c tests/unit/unit.h
tests_unit_test_handshake_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_handshake_LDADD = libkeys.la libipc.la libconf.la libproto.la libbase.la \
	$(TLS_LIBS) $(CHECK_LIBS)
tests_unit_test_keyring_SOURCES = tests/unit/test_keyring.c tests/unit/unit.h
tests_unit_test_keyring_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_keyring_LDADD = libkeys.la libipc.la libconf.la libproto.la libbase.la \
	$(TLS_LIBS) $(CHECK_LIBS)
