# SPDX-License-Identifier: ISC
keys_tests = tests/unit/test_handshake tests/unit/test_keyring tests/unit/test_keys
check_PROGRAMS += $(keys_tests)
TESTS += $(keys_tests)
tests_unit_test_handshake_SOURCES = tests/unit/test_handshake.c tests/unit/unit.h
tests_unit_test_handshake_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_handshake_LDADD = libkeys.la libipc.la libconf.la libproto.la libbase.la libconfine.la \
	$(TLS_LIBS) $(CHECK_LIBS)
tests_unit_test_keyring_SOURCES = tests/unit/test_keyring.c tests/unit/unit.h
tests_unit_test_keyring_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_keyring_LDADD = libkeys.la libipc.la libconf.la libproto.la libbase.la libconfine.la \
	$(TLS_LIBS) $(CHECK_LIBS)
tests_unit_test_keys_SOURCES = tests/unit/test_keys.c tests/unit/tls-peer.h tests/unit/unit.h
tests_unit_test_keys_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_keys_LDADD = libkeys.la libnet.la libipc.la libconf.la libproto.la libbase.la libconfine.la \
	$(TLS_LIBS) $(CHECK_LIBS)
