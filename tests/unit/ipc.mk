# SPDX-License-Identifier: ISC
ipc_tests = tests/unit/test_channel tests/unit/test_job tests/unit/test_logrec tests/unit/test_mail \
	tests/unit/test_stats tests/unit/test_histogram tests/unit/test_tally
if SANDBOX
ipc_tests += tests/unit/test_confinement
endif
tests_unit_test_confinement_SOURCES = tests/unit/test_confinement.c tests/unit/unit.h
tests_unit_test_confinement_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_confinement_LDADD = libipc.la libconf.la libproto.la libbase.la libconfine.la \
	$(BSD_LIBS) $(CHECK_LIBS)
check_PROGRAMS += $(ipc_tests)
TESTS += $(ipc_tests)
tests_unit_test_channel_SOURCES = tests/unit/test_channel.c
tests_unit_test_channel_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_channel_LDADD = libipc.la libproto.la libbase.la $(CHECK_LIBS)
tests_unit_test_job_SOURCES = tests/unit/test_job.c
tests_unit_test_job_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_job_LDADD = libipc.la libproto.la libbase.la $(CHECK_LIBS)
tests_unit_test_logrec_SOURCES = tests/unit/test_logrec.c
tests_unit_test_logrec_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_logrec_LDADD = liblogger.la libipc.la libconf.la libproto.la libbase.la $(CHECK_LIBS)
tests_unit_test_mail_SOURCES = tests/unit/test_mail.c
tests_unit_test_mail_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_mail_LDADD = libipc.la libproto.la libbase.la $(CHECK_LIBS)
tests_unit_test_tally_SOURCES = tests/unit/test_tally.c tests/unit/unit.h
tests_unit_test_tally_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_tally_LDADD = $(tests_unit_test_stats_LDADD)
tests_unit_test_stats_SOURCES = tests/unit/test_stats.c
tests_unit_test_stats_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_stats_LDADD = libipc.la libconf.la libproto.la libbase.la \
	$(BSD_LIBS) $(CHECK_LIBS)
tests_unit_test_histogram_SOURCES = tests/unit/test_histogram.c
tests_unit_test_histogram_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_histogram_LDADD = libipc.la libbase.la $(CHECK_LIBS)
