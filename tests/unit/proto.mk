# SPDX-License-Identifier: ISC
proto_tests = \
	tests/unit/test_callopt \
	tests/unit/test_certname \
	tests/unit/test_credential \
	tests/unit/test_hooksign \
	tests/unit/test_httpaccept \
	tests/unit/test_httpbad \
	tests/unit/test_httpchunk \
	tests/unit/test_httpform \
	tests/unit/test_httphead \
	tests/unit/test_httppure \
	tests/unit/test_httpreply \
	tests/unit/test_httptarget \
	tests/unit/test_crypthash \
	tests/unit/test_mcp \
	tests/unit/test_outcome \
	tests/unit/test_proxyheader \
	tests/unit/test_reply \
	tests/unit/test_request \
	tests/unit/test_request_model \
	tests/unit/test_resp \
	tests/unit/test_value
check_PROGRAMS += $(proto_tests)
TESTS += $(proto_tests)

proto_test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
proto_test_ldadd = libproto.la libbase.la $(CHECK_LIBS)

tests_unit_test_callopt_SOURCES = tests/unit/test_callopt.c
tests_unit_test_callopt_CFLAGS = $(proto_test_cflags)
tests_unit_test_callopt_LDADD = $(proto_test_ldadd)
tests_unit_test_certname_SOURCES = tests/unit/test_certname.c
tests_unit_test_certname_CFLAGS = $(proto_test_cflags)
tests_unit_test_certname_LDADD = $(proto_test_ldadd)
tests_unit_test_credential_SOURCES = tests/unit/test_credential.c
tests_unit_test_credential_CFLAGS = $(proto_test_cflags)
tests_unit_test_credential_LDADD = $(proto_test_ldadd)
tests_unit_test_hooksign_SOURCES = tests/unit/test_hooksign.c tests/unit/unit.h
tests_unit_test_hooksign_CFLAGS = $(proto_test_cflags)
tests_unit_test_hooksign_LDADD = $(proto_test_ldadd)
tests_unit_test_httpaccept_SOURCES = tests/unit/test_httpaccept.c
tests_unit_test_httpaccept_CFLAGS = $(proto_test_cflags)
tests_unit_test_httpaccept_LDADD = $(proto_test_ldadd)
tests_unit_test_httpbad_SOURCES = tests/unit/test_httpbad.c
tests_unit_test_httpbad_CFLAGS = $(proto_test_cflags)
tests_unit_test_httpbad_LDADD = $(proto_test_ldadd)
tests_unit_test_httpchunk_SOURCES = tests/unit/test_httpchunk.c
tests_unit_test_httpchunk_CFLAGS = $(proto_test_cflags)
tests_unit_test_httpchunk_LDADD = $(proto_test_ldadd)
tests_unit_test_httpform_SOURCES = tests/unit/test_httpform.c
tests_unit_test_httpform_CFLAGS = $(proto_test_cflags)
tests_unit_test_httpform_LDADD = $(proto_test_ldadd)
tests_unit_test_httphead_SOURCES = tests/unit/test_httphead.c
tests_unit_test_httphead_CFLAGS = $(proto_test_cflags)
tests_unit_test_httphead_LDADD = $(proto_test_ldadd)
tests_unit_test_httppure_SOURCES = tests/unit/test_httppure.c
tests_unit_test_httppure_CFLAGS = $(proto_test_cflags)
tests_unit_test_httppure_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
tests_unit_test_httppure_LDADD = $(proto_test_ldadd)
tests_unit_test_httpreply_SOURCES = tests/unit/test_httpreply.c
tests_unit_test_httpreply_CFLAGS = $(proto_test_cflags)
tests_unit_test_httpreply_LDADD = $(proto_test_ldadd)
tests_unit_test_httptarget_SOURCES = tests/unit/test_httptarget.c
tests_unit_test_httptarget_CFLAGS = $(proto_test_cflags)
tests_unit_test_httptarget_LDADD = $(proto_test_ldadd)
tests_unit_test_crypthash_SOURCES = tests/unit/test_crypthash.c tests/unit/unit.h
tests_unit_test_crypthash_CFLAGS = $(proto_test_cflags)
tests_unit_test_crypthash_LDADD = $(proto_test_ldadd) $(CRYPT_LIBS)
tests_unit_test_mcp_SOURCES = tests/unit/test_mcp.c
tests_unit_test_mcp_CFLAGS = $(proto_test_cflags) $(JANSSON_CFLAGS)
tests_unit_test_mcp_LDADD = libmcp.la $(proto_test_ldadd) $(JANSSON_LIBS) -lm
tests_unit_test_outcome_SOURCES = tests/unit/test_outcome.c
tests_unit_test_outcome_CFLAGS = $(proto_test_cflags)
tests_unit_test_outcome_LDADD = $(proto_test_ldadd)
tests_unit_test_proxyheader_SOURCES = tests/unit/test_proxyheader.c
tests_unit_test_proxyheader_CFLAGS = $(proto_test_cflags)
tests_unit_test_proxyheader_LDADD = $(proto_test_ldadd)
tests_unit_test_reply_SOURCES = tests/unit/test_reply.c
tests_unit_test_reply_CFLAGS = $(proto_test_cflags)
tests_unit_test_reply_LDADD = $(proto_test_ldadd)
tests_unit_test_request_SOURCES = tests/unit/test_request.c
tests_unit_test_request_CFLAGS = $(proto_test_cflags)
tests_unit_test_request_LDADD = $(proto_test_ldadd)
tests_unit_test_request_model_SOURCES = tests/unit/test_request_model.c
tests_unit_test_request_model_CFLAGS = $(proto_test_cflags)
tests_unit_test_request_model_LDADD = $(proto_test_ldadd)
tests_unit_test_resp_SOURCES = tests/unit/test_resp.c
tests_unit_test_resp_CFLAGS = $(proto_test_cflags)
tests_unit_test_resp_LDADD = $(proto_test_ldadd)
tests_unit_test_value_SOURCES = tests/unit/test_value.c
tests_unit_test_value_CFLAGS = $(proto_test_cflags)
tests_unit_test_value_LDADD = $(proto_test_ldadd)
