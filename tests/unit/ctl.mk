# SPDX-License-Identifier: ISC
ctl_tests = tests/unit/test_callvalue tests/unit/test_out tests/unit/test_outtable
check_PROGRAMS += $(ctl_tests)
TESTS += $(ctl_tests)

ctl_peer = tests/unit/ctl-peer.h tests/unit/unit.h

# What is tested here are parts of reqctl, which is no library.
tests_unit_test_callvalue_SOURCES = tests/unit/test_callvalue.c $(ctl_peer) \
	src/ctl/out.c src/ctl/value.c
tests_unit_test_callvalue_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_callvalue_LDADD = libreqd.la libbase.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_out_SOURCES = tests/unit/test_out.c $(ctl_peer) src/ctl/out.c
tests_unit_test_out_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_out_LDADD = libreqd.la libbase.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_outtable_SOURCES = tests/unit/test_outtable.c $(ctl_peer) \
	src/ctl/outtable.c src/ctl/out.c
tests_unit_test_outtable_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_outtable_LDADD = libreqd.la libbase.la $(JANSSON_LIBS) $(SMARTCOLS_LIBS) $(CHECK_LIBS)
