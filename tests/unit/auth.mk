# SPDX-License-Identifier: ISC
auth_tests = tests/unit/test_auth tests/unit/test_authlink tests/unit/test_lanes tests/unit/test_penalty
check_PROGRAMS += $(auth_tests)
TESTS += $(auth_tests)
auth_test_ldadd = libauth.la libipc.la libconf.la libproto.la libbase.la libconfine.la \
	$(CRYPT_LIBS) $(CHECK_LIBS)
tests_unit_test_auth_SOURCES = tests/unit/test_auth.c tests/unit/unit.h
tests_unit_test_auth_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_auth_LDADD = $(auth_test_ldadd)
# The link of a worker to this process: net has it.
tests_unit_test_authlink_SOURCES = tests/unit/test_authlink.c tests/unit/unit.h
tests_unit_test_authlink_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_authlink_LDADD = libnet.la $(auth_test_ldadd) $(TLS_LIBS)
tests_unit_test_lanes_SOURCES = tests/unit/test_lanes.c tests/unit/unit.h
tests_unit_test_lanes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_lanes_LDADD = $(auth_test_ldadd)
tests_unit_test_penalty_SOURCES = tests/unit/test_penalty.c tests/unit/unit.h
tests_unit_test_penalty_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_penalty_LDADD = $(auth_test_ldadd)
