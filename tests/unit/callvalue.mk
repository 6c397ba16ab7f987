# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/test_callvalue
TESTS += tests/unit/test_callvalue
# value and out are parts of reqctl, which is no library.
tests_unit_test_callvalue_SOURCES = tests/unit/test_callvalue.c src/ctl/out.c src/ctl/value.c
tests_unit_test_callvalue_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_callvalue_LDADD = libreqd.la libbase.la $(JANSSON_LIBS) $(SMARTCOLS_LIBS) $(CHECK_LIBS)
