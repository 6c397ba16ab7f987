# SPDX-License-Identifier: ISC
conf_tests = tests/unit/test_conf tests/unit/test_arguments tests/unit/test_access \
	tests/unit/test_conf_mutants tests/unit/test_diff tests/unit/test_logins \
	tests/unit/test_remarks tests/unit/test_certificate tests/unit/test_schemajson
check_PROGRAMS += $(conf_tests)
TESTS += $(conf_tests)

tests_unit_test_conf_SOURCES = tests/unit/test_conf.c
tests_unit_test_conf_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_test_conf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_conf_LDADD = libconf.la libproto.la libbase.la $(CHECK_LIBS)

tests_unit_test_arguments_SOURCES = tests/unit/test_arguments.c
tests_unit_test_arguments_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_arguments_LDADD = libconf.la libproto.la libbase.la $(CHECK_LIBS)

tests_unit_test_access_SOURCES = tests/unit/test_access.c
tests_unit_test_access_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_access_LDADD = libconf.la libproto.la libbase.la $(CHECK_LIBS)

tests_unit_test_conf_mutants_SOURCES = tests/unit/test_conf_mutants.c
tests_unit_test_conf_mutants_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_conf_mutants_LDADD = libconf.la libproto.la libbase.la $(CHECK_LIBS)

tests_unit_test_diff_SOURCES = tests/unit/test_diff.c
tests_unit_test_diff_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_diff_LDADD = libconf.la libproto.la libbase.la $(CHECK_LIBS)

tests_unit_test_logins_SOURCES = tests/unit/test_logins.c
tests_unit_test_logins_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_logins_LDADD = libconf.la libproto.la libbase.la $(CRYPT_LIBS) $(CHECK_LIBS)

tests_unit_test_certificate_SOURCES = tests/unit/test_certificate.c tests/unit/unit.h
tests_unit_test_certificate_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_certificate_LDADD = libconf.la libproto.la libbase.la $(CHECK_LIBS)

EXTRA_DIST += tests/data/conf

tests_unit_test_remarks_SOURCES = tests/unit/test_remarks.c tests/unit/unit.h
tests_unit_test_remarks_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_remarks_LDADD = libconf.la libproto.la libbase.la $(CHECK_LIBS)

tests_unit_test_schemajson_SOURCES = tests/unit/test_schemajson.c
tests_unit_test_schemajson_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_schemajson_LDADD = libconf.la libproto.la libbase.la $(JANSSON_LIBS) $(CHECK_LIBS)
