# SPDX-License-Identifier: ISC
# Fuzz targets. "make check" replays their corpora; with --enable-fuzzers
# (CC=clang) the same files become libFuzzer programs.
fuzz_tests = tests/fuzz/fuzz_request tests/fuzz/fuzz_reply tests/fuzz/fuzz_callopt \
	tests/fuzz/fuzz_conf tests/fuzz/fuzz_credential tests/fuzz/fuzz_frame tests/fuzz/fuzz_value \
	tests/fuzz/fuzz_proxyheader tests/fuzz/fuzz_httpchunk tests/fuzz/fuzz_httphead \
	tests/fuzz/fuzz_httptarget tests/fuzz/fuzz_hooksign tests/fuzz/fuzz_mcp
check_PROGRAMS += $(fuzz_tests)
if FUZZERS
fuzz_main =
fuzz_flags = -fsanitize=fuzzer,address,undefined
else
fuzz_main = tests/fuzz/replay.c
fuzz_flags =
TESTS += $(fuzz_tests)
endif
tests_fuzz_fuzz_request_SOURCES = tests/fuzz/fuzz_request.c $(fuzz_main)
tests_fuzz_fuzz_request_CFLAGS = $(AM_CFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_request_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_request_LDADD = libproto.la libbase.la
tests_fuzz_fuzz_reply_SOURCES = tests/fuzz/fuzz_reply.c $(fuzz_main)
tests_fuzz_fuzz_reply_CFLAGS = $(AM_CFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_reply_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_reply_LDADD = libproto.la libbase.la
tests_fuzz_fuzz_callopt_SOURCES = tests/fuzz/fuzz_callopt.c $(fuzz_main)
tests_fuzz_fuzz_callopt_CFLAGS = $(AM_CFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_callopt_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_callopt_LDADD = libproto.la libbase.la
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c $(fuzz_main)
tests_fuzz_fuzz_conf_CFLAGS = $(AM_CFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_conf_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_conf_LDADD = libconf.la libproto.la libbase.la
tests_fuzz_fuzz_credential_SOURCES = tests/fuzz/fuzz_credential.c $(fuzz_main)
tests_fuzz_fuzz_credential_CFLAGS = $(AM_CFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_credential_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_credential_LDADD = libproto.la libbase.la
tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c $(fuzz_main)
tests_fuzz_fuzz_frame_CFLAGS = $(AM_CFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_frame_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_frame_LDADD = libipc.la libproto.la libbase.la
tests_fuzz_fuzz_value_SOURCES = tests/fuzz/fuzz_value.c $(fuzz_main)
tests_fuzz_fuzz_value_CFLAGS = $(AM_CFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_value_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_value_LDADD = libproto.la libbase.la
tests_fuzz_fuzz_proxyheader_SOURCES = tests/fuzz/fuzz_proxyheader.c $(fuzz_main)
tests_fuzz_fuzz_proxyheader_CFLAGS = $(AM_CFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_proxyheader_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_proxyheader_LDADD = libproto.la libbase.la
tests_fuzz_fuzz_httpchunk_SOURCES = tests/fuzz/fuzz_httpchunk.c $(fuzz_main)
tests_fuzz_fuzz_httpchunk_CFLAGS = $(AM_CFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_httpchunk_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_httpchunk_LDADD = libproto.la libbase.la
tests_fuzz_fuzz_httphead_SOURCES = tests/fuzz/fuzz_httphead.c $(fuzz_main)
tests_fuzz_fuzz_httphead_CFLAGS = $(AM_CFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_httphead_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_httphead_LDADD = libproto.la libbase.la
tests_fuzz_fuzz_httptarget_SOURCES = tests/fuzz/fuzz_httptarget.c $(fuzz_main)
tests_fuzz_fuzz_httptarget_CFLAGS = $(AM_CFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_httptarget_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_httptarget_LDADD = libproto.la libbase.la
tests_fuzz_fuzz_mcp_SOURCES = tests/fuzz/fuzz_mcp.c $(fuzz_main)
tests_fuzz_fuzz_mcp_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_mcp_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_mcp_LDADD = libmcp.la libproto.la libbase.la $(JANSSON_LIBS) -lm
tests_fuzz_fuzz_hooksign_SOURCES = tests/fuzz/fuzz_hooksign.c $(fuzz_main)
tests_fuzz_fuzz_hooksign_CFLAGS = $(AM_CFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_hooksign_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_hooksign_LDADD = libproto.la libbase.la
EXTRA_DIST += tests/fuzz/run tests/fuzz/corpus tests/data tests/fuzz/replay.c tests/fuzz/httpdiff
