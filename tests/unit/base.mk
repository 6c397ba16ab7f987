# SPDX-License-Identifier: ISC
base_tests = tests/unit/test_buf tests/unit/test_units tests/unit/test_suggest \
	tests/unit/test_escape tests/unit/test_addr tests/unit/test_loop tests/unit/test_fd \
	tests/unit/test_backoff tests/unit/test_children tests/unit/test_jsonbuf \
	tests/unit/test_socketfile tests/unit/test_removetree \
	tests/unit/test_share tests/unit/test_pin
check_PROGRAMS += $(base_tests)
TESTS += $(base_tests)
tests_unit_test_buf_SOURCES = tests/unit/test_buf.c tests/unit/unit.h
tests_unit_test_buf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_buf_LDADD = libbase.la $(CHECK_LIBS)
tests_unit_test_units_SOURCES = tests/unit/test_units.c
tests_unit_test_units_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_units_LDADD = libbase.la $(CHECK_LIBS)
tests_unit_test_suggest_SOURCES = tests/unit/test_suggest.c
tests_unit_test_suggest_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_suggest_LDADD = libbase.la $(CHECK_LIBS)
tests_unit_test_removetree_SOURCES = tests/unit/test_removetree.c tests/unit/unit.h
tests_unit_test_removetree_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_removetree_LDADD = libbase.la $(CHECK_LIBS)
tests_unit_test_jsonbuf_SOURCES = tests/unit/test_jsonbuf.c
tests_unit_test_jsonbuf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_jsonbuf_LDADD = libbase.la $(CHECK_LIBS)
tests_unit_test_escape_SOURCES = tests/unit/test_escape.c
tests_unit_test_escape_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_escape_LDADD = libbase.la $(CHECK_LIBS)
tests_unit_test_addr_SOURCES = tests/unit/test_addr.c
tests_unit_test_addr_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_addr_LDADD = libbase.la $(CHECK_LIBS)
tests_unit_test_loop_SOURCES = tests/unit/test_loop.c
tests_unit_test_loop_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_loop_LDADD = libbase.la $(CHECK_LIBS)
tests_unit_test_fd_SOURCES = tests/unit/test_fd.c
tests_unit_test_fd_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_fd_LDADD = libbase.la $(CHECK_LIBS)
tests_unit_test_backoff_SOURCES = tests/unit/test_backoff.c
tests_unit_test_backoff_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_backoff_LDADD = libbase.la $(CHECK_LIBS)
tests_unit_test_children_SOURCES = tests/unit/test_children.c tests/unit/unit.h
tests_unit_test_children_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_children_LDADD = libbase.la $(CHECK_LIBS)
tests_unit_test_socketfile_SOURCES = tests/unit/test_socketfile.c tests/unit/unit.h
tests_unit_test_socketfile_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_socketfile_LDADD = libbase.la $(CHECK_LIBS)
tests_unit_test_share_SOURCES = tests/unit/test_share.c
tests_unit_test_share_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_share_LDADD = libbase.la $(CHECK_LIBS)
tests_unit_test_pin_SOURCES = tests/unit/test_pin.c tests/unit/unit.h
tests_unit_test_pin_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_pin_LDADD = libbase.la $(CHECK_LIBS)
