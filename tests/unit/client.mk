# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/test_client tests/unit/test_out tests/unit/test_outtable
TESTS += tests/unit/test_client tests/unit/test_out tests/unit/test_outtable
tests_unit_test_client_SOURCES = tests/unit/test_client.c
tests_unit_test_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_client_LDADD = libreqd.la $(CHECK_LIBS)

# out and outtable are parts of reqctl, which is no library.
tests_unit_test_out_SOURCES = tests/unit/test_out.c src/ctl/out.c
tests_unit_test_out_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_out_LDADD = libreqd.la libbase.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_outtable_SOURCES = tests/unit/test_outtable.c src/ctl/outtable.c src/ctl/out.c
tests_unit_test_outtable_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_outtable_LDADD = libreqd.la libbase.la $(JANSSON_LIBS) $(SMARTCOLS_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_serve
TESTS += tests/unit/test_serve
tests_unit_test_serve_SOURCES = tests/unit/test_serve.c
tests_unit_test_serve_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_serve_LDADD = libreqd.la $(CHECK_LIBS)
