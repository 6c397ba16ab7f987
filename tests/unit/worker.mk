# SPDX-License-Identifier: ISC
worker_tests = \
	tests/unit/test_conn \
	tests/unit/test_conn_slow \
	tests/unit/test_conn_tls \
	tests/unit/test_handlercall \
	tests/unit/test_handlercall_end \
	tests/unit/test_handlercall_gather \
	tests/unit/test_handlercall_push \
	tests/unit/test_hookmac \
	tests/unit/test_hookdelivery \
	tests/unit/test_hookroom \
	tests/unit/test_httpargs \
	tests/unit/test_httpcall \
	tests/unit/test_httpdoor \
	tests/unit/test_httpfront \
	tests/unit/test_httplogin \
	tests/unit/test_httppolicy \
	tests/unit/test_lease \
	tests/unit/test_lease_model \
	tests/unit/test_leases \
	tests/unit/test_result \
	tests/unit/test_sink \
	tests/unit/test_conversation \
	tests/unit/test_conversation_pipeline
check_PROGRAMS += $(worker_tests)
TESTS += $(worker_tests)

worker_test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
worker_test_ldadd = libworker.la libhttp.la libresp.la libcall.la liblease.la libnet.la \
	libipc.la libconf.la libproto.la libbase.la libconfine.la $(CHECK_LIBS)
worker_peer = tests/unit/worker-peer.h
handler_peer = tests/unit/handler-peer.h $(worker_peer)

tests_unit_test_conn_SOURCES = tests/unit/test_conn.c $(worker_peer)
tests_unit_test_conn_CFLAGS = $(worker_test_cflags)
tests_unit_test_conn_LDADD = $(worker_test_ldadd)
# The same tests over streams that split and delay every byte.
tests_unit_test_conn_slow_SOURCES = tests/unit/test_conn.c tests/unit/slow-stream.h $(worker_peer)
tests_unit_test_conn_slow_CPPFLAGS = $(AM_CPPFLAGS) -DSLOW_STREAM
tests_unit_test_conn_slow_CFLAGS = $(worker_test_cflags)
tests_unit_test_conn_slow_LDADD = $(worker_test_ldadd)
# The same tests over TLS.
tests_unit_test_conn_tls_SOURCES = tests/unit/test_conn.c tests/unit/tls-peer.h $(worker_peer)
tests_unit_test_conn_tls_CPPFLAGS = $(AM_CPPFLAGS) -DTLS_STREAM
tests_unit_test_conn_tls_CFLAGS = $(worker_test_cflags)
tests_unit_test_conn_tls_LDADD = libkeys.la $(worker_test_ldadd) $(TLS_LIBS)
tests_unit_test_handlercall_SOURCES = tests/unit/test_handlercall.c $(handler_peer)
tests_unit_test_handlercall_CFLAGS = $(worker_test_cflags)
tests_unit_test_handlercall_LDADD = $(worker_test_ldadd)
tests_unit_test_handlercall_end_SOURCES = tests/unit/test_handlercall_end.c $(handler_peer)
tests_unit_test_handlercall_end_CFLAGS = $(worker_test_cflags)
tests_unit_test_handlercall_end_LDADD = $(worker_test_ldadd)
tests_unit_test_handlercall_gather_SOURCES = tests/unit/test_handlercall_gather.c $(handler_peer)
tests_unit_test_handlercall_gather_CFLAGS = $(worker_test_cflags)
tests_unit_test_handlercall_gather_LDADD = $(worker_test_ldadd)
tests_unit_test_handlercall_push_SOURCES = tests/unit/test_handlercall_push.c $(handler_peer)
tests_unit_test_handlercall_push_CFLAGS = $(worker_test_cflags)
tests_unit_test_handlercall_push_LDADD = $(worker_test_ldadd)
tests_unit_test_lease_SOURCES = tests/unit/test_lease.c $(handler_peer)
tests_unit_test_lease_CFLAGS = $(worker_test_cflags)
tests_unit_test_lease_LDADD = $(worker_test_ldadd)
tests_unit_test_lease_model_SOURCES = tests/unit/test_lease_model.c $(worker_peer)
tests_unit_test_lease_model_CFLAGS = $(worker_test_cflags)
tests_unit_test_lease_model_LDADD = $(worker_test_ldadd)
tests_unit_test_leases_SOURCES = tests/unit/test_leases.c $(handler_peer)
tests_unit_test_leases_CFLAGS = $(worker_test_cflags)
tests_unit_test_leases_LDADD = $(worker_test_ldadd)
tests_unit_test_result_SOURCES = tests/unit/test_result.c
tests_unit_test_result_CFLAGS = $(worker_test_cflags)
tests_unit_test_result_LDADD = $(worker_test_ldadd)
tests_unit_test_sink_SOURCES = tests/unit/test_sink.c tests/unit/line-door.h $(handler_peer)
tests_unit_test_sink_CFLAGS = $(worker_test_cflags)
tests_unit_test_sink_LDADD = $(worker_test_ldadd)
tests_unit_test_conversation_SOURCES = tests/unit/test_conversation.c $(handler_peer)
tests_unit_test_conversation_CFLAGS = $(worker_test_cflags)
tests_unit_test_conversation_LDADD = $(worker_test_ldadd)
tests_unit_test_conversation_pipeline_SOURCES = tests/unit/test_conversation_pipeline.c $(handler_peer)
tests_unit_test_conversation_pipeline_CFLAGS = $(worker_test_cflags)
tests_unit_test_conversation_pipeline_LDADD = $(worker_test_ldadd)
tests_unit_test_hookmac_SOURCES = tests/unit/test_hookmac.c tests/unit/unit.h
tests_unit_test_hookmac_CFLAGS = $(worker_test_cflags)
tests_unit_test_hookmac_LDADD = $(worker_test_ldadd)
tests_unit_test_hookroom_SOURCES = tests/unit/test_hookroom.c tests/unit/unit.h
tests_unit_test_hookroom_CFLAGS = $(worker_test_cflags)
tests_unit_test_hookroom_LDADD = $(worker_test_ldadd)
tests_unit_test_hookdelivery_SOURCES = tests/unit/test_hookdelivery.c tests/unit/unit.h
tests_unit_test_hookdelivery_CFLAGS = $(worker_test_cflags)
tests_unit_test_hookdelivery_LDADD = $(worker_test_ldadd)
tests_unit_test_httpargs_SOURCES = tests/unit/test_httpargs.c tests/unit/unit.h
tests_unit_test_httpargs_CFLAGS = $(worker_test_cflags)
tests_unit_test_httpargs_LDADD = $(worker_test_ldadd)
tests_unit_test_httpcall_SOURCES = tests/unit/test_httpcall.c tests/unit/http-peer.h $(worker_peer)
tests_unit_test_httpcall_CFLAGS = $(worker_test_cflags)
tests_unit_test_httpcall_LDADD = $(worker_test_ldadd)
tests_unit_test_httpfront_SOURCES = tests/unit/test_httpfront.c tests/unit/http-peer.h $(worker_peer)
tests_unit_test_httpfront_CFLAGS = $(worker_test_cflags)
tests_unit_test_httpfront_LDADD = $(worker_test_ldadd)
tests_unit_test_httplogin_SOURCES = tests/unit/test_httplogin.c tests/unit/http-peer.h $(worker_peer)
tests_unit_test_httplogin_CFLAGS = $(worker_test_cflags)
tests_unit_test_httplogin_LDADD = $(worker_test_ldadd)
tests_unit_test_httpdoor_SOURCES = tests/unit/test_httpdoor.c tests/unit/http-peer.h $(worker_peer)
tests_unit_test_httpdoor_CFLAGS = $(worker_test_cflags)
tests_unit_test_httpdoor_LDADD = $(worker_test_ldadd)
tests_unit_test_httppolicy_SOURCES = tests/unit/test_httppolicy.c tests/unit/unit.h
tests_unit_test_httppolicy_CFLAGS = $(worker_test_cflags)
tests_unit_test_httppolicy_LDADD = $(worker_test_ldadd)
