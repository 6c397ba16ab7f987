# SPDX-License-Identifier: ISC
control_tests = tests/unit/test_control tests/unit/test_status
check_PROGRAMS += $(control_tests)
TESTS += $(control_tests)

control_test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
control_test_ldadd = libcontrol.la libipc.la libconf.la libproto.la libbase.la libconfine.la \
	$(CONFUSE_LIBS) $(BSD_LIBS) $(CHECK_LIBS)

tests_unit_test_control_SOURCES = tests/unit/test_control.c
tests_unit_test_control_CFLAGS = $(control_test_cflags)
tests_unit_test_control_LDADD = $(control_test_ldadd)
tests_unit_test_status_SOURCES = tests/unit/test_status.c
tests_unit_test_status_CFLAGS = $(control_test_cflags)
tests_unit_test_status_LDADD = $(JANSSON_LIBS) $(control_test_ldadd)
