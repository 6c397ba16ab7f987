# SPDX-License-Identifier: ISC
# proto: bytes <-> values, no I/O.
noinst_LTLIBRARIES += libproto.la
libproto_la_SOURCES = \
	src/proto/bearer.c src/proto/bearer.h \
	src/proto/callopt.c src/proto/callopt.h \
	src/proto/certname.c src/proto/certname.h \
	src/proto/credential.c src/proto/credential.h \
	src/proto/hooksign.c src/proto/hooksign.h \
	src/proto/hooksource.c src/proto/hooksource.h \
	src/proto/httpaccept.c src/proto/httpaccept.h \
	src/proto/httpchunk.c src/proto/httpchunk.h \
	src/proto/httpdate.c src/proto/httpdate.h \
	src/proto/httpform.c src/proto/httpform.h \
	src/proto/httphead.c src/proto/httphead.h \
	src/proto/httphost.c src/proto/httphost.h \
	src/proto/httpreply.c src/proto/httpreply.h \
	src/proto/httptarget.c src/proto/httptarget.h \
	src/proto/crypthash.c src/proto/crypthash.h \
	src/proto/jsonpointer.c src/proto/jsonpointer.h \
	src/proto/loginurl.c src/proto/loginurl.h \
	src/proto/origin.c src/proto/origin.h \
	src/proto/outcome.c src/proto/outcome.h \
	src/proto/percent.c src/proto/percent.h \
	src/proto/proxyheader.c src/proto/proxyheader.h \
	src/proto/reply.c src/proto/reply.h \
	src/proto/request.c src/proto/request.h \
	src/proto/resp.c src/proto/resp.h \
	src/proto/value.c src/proto/value.h
# What needs a reader of JSON is a library of its own, which libreqd does without.
noinst_LTLIBRARIES += libmcp.la
libmcp_la_SOURCES = \
	src/proto/jsontext.c src/proto/jsontext.h \
	src/proto/mcp.c src/proto/mcp.h \
	src/proto/mcpcall.c src/proto/mcpcall.h \
	src/proto/mcptool.c src/proto/mcptool.h
libmcp_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
libmcp_la_LIBADD = $(JANSSON_LIBS)
