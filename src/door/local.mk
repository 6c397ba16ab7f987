# SPDX-License-Identifier: ISC
# door: what is spoken on connections. HTTP describes services as RESP does.
noinst_LTLIBRARIES += libhttp.la
libhttp_la_SOURCES = \
	src/door/http/httpaccess.c src/door/http/httpaccess.h \
	src/door/http/hookdelivery.c src/door/http/hookdelivery.h \
	src/door/http/hookmac.c src/door/http/hookmac.h \
	src/door/http/hookroom.c src/door/http/hookroom.h \
	src/door/http/hooktest.c src/door/http/hooktest.h \
	src/door/http/httpanswer.c src/door/http/httpanswer.h \
	src/door/http/httpargs.c src/door/http/httpargs.h \
	src/door/http/httpasync.c src/door/http/httpasync.h \
	src/door/http/httpcall.c src/door/http/httpcall.h \
	src/door/http/httpconsole.c src/door/http/httpconsole.h \
	src/door/http/httpdoor.c src/door/http/httpdoor.h \
	src/door/http/httpfront.c src/door/http/httpfront.h \
	src/door/http/httplisten.c src/door/http/httplisten.h \
	src/door/http/httphook.c src/door/http/httphook.h \
	src/door/http/httplogin.c src/door/http/httplogin.h \
	src/door/http/httpmcp.c src/door/http/httpmcp.h \
	src/door/http/httpmetrics.c src/door/http/httpmetrics.h \
	src/door/http/httppairs.c src/door/http/httppairs.h \
	src/door/http/httppolicy.c src/door/http/httppolicy.h \
	src/door/http/httpresult.c src/door/http/httpresult.h \
	src/door/http/httproutes.c src/door/http/httproutes.h \
	src/door/http/httpsession.c src/door/http/httpsession.h \
	src/door/http/httptool.c src/door/http/httptool.h \
	src/door/http/httpviews.c src/door/http/httpviews.h \
	src/door/http/openapi.c src/door/http/openapi.h \
	src/door/http/resultjson.c src/door/http/resultjson.h
libhttp_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
libhttp_la_LIBADD = libmcp.la $(JANSSON_LIBS)
noinst_LTLIBRARIES += libresp.la
libresp_la_SOURCES = \
	src/door/resp/client-verbs.c \
	src/door/resp/probe-verbs.c \
	src/door/resp/describe.c src/door/resp/describe.h \
	src/door/resp/docs.c \
	src/door/resp/info.c \
	src/door/resp/login-verbs.c \
	src/door/resp/respdoor.c src/door/resp/respdoor.h \
	src/door/resp/service-verbs.c \
	src/door/resp/session.c src/door/resp/session.h \
	src/door/resp/sessioncall.c src/door/resp/sessioncall.h \
	src/door/resp/verbs.c src/door/resp/verbs.h \
	src/door/resp/why.c src/door/resp/why.h
