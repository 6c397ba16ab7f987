# SPDX-License-Identifier: ISC
client_tests = \
	tests/unit/test_client \
	tests/unit/test_serve \
	tests/unit/test_serve_channel \
	tests/unit/test_serve_hold \
	tests/unit/test_serve_input \
	tests/unit/test_servereply
check_PROGRAMS += $(client_tests)
TESTS += $(client_tests)

serve_peer = tests/unit/serve-peer.h tests/unit/unit.h

tests_unit_test_client_SOURCES = tests/unit/test_client.c
tests_unit_test_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_client_LDADD = libreqd.la $(CHECK_LIBS)
tests_unit_test_serve_SOURCES = tests/unit/test_serve.c $(serve_peer)
tests_unit_test_serve_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_serve_LDADD = libreqd.la $(CHECK_LIBS)
tests_unit_test_serve_channel_SOURCES = tests/unit/test_serve_channel.c $(serve_peer)
tests_unit_test_serve_channel_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_serve_channel_LDADD = libreqd.la $(CHECK_LIBS)
tests_unit_test_serve_input_SOURCES = tests/unit/test_serve_input.c $(serve_peer)
tests_unit_test_serve_input_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_serve_input_LDADD = libreqd.la $(CHECK_LIBS)
tests_unit_test_servereply_SOURCES = tests/unit/test_servereply.c $(serve_peer)
tests_unit_test_servereply_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_servereply_LDADD = libreqd.la $(CHECK_LIBS)
tests_unit_test_serve_hold_SOURCES = tests/unit/test_serve_hold.c $(serve_peer)
tests_unit_test_serve_hold_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_serve_hold_LDADD = libreqd.la $(CHECK_LIBS)
