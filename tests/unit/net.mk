# SPDX-License-Identifier: ISC
net_tests = tests/unit/test_stream tests/unit/test_tlspeer \
	tests/unit/test_tlsstream
check_PROGRAMS += $(net_tests)
TESTS += $(net_tests)

# No call, no lease and no RESP is linked: net knows nothing of them.
tests_unit_test_stream_SOURCES = tests/unit/test_stream.c tests/unit/slow-stream.h tests/unit/tls-peer.h \
	tests/unit/unit.h
tests_unit_test_stream_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_stream_LDADD = libkeys.la libnet.la libipc.la libconf.la libproto.la libbase.la $(TLS_LIBS) $(CHECK_LIBS)
tests_unit_test_tlsstream_SOURCES = tests/unit/test_tlsstream.c tests/unit/tls-peer.h \
	tests/unit/unit.h
tests_unit_test_tlsstream_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_tlsstream_LDADD = $(tests_unit_test_stream_LDADD)

# Authorities and certificates are made with OpenSSL.
tests_unit_test_tlspeer_SOURCES = tests/unit/test_tlspeer.c tests/unit/unit.h
tests_unit_test_tlspeer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_tlspeer_LDADD = $(tests_unit_test_stream_LDADD)
