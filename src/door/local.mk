# SPDX-License-Identifier: ISC
# door: what is spoken on connections. resp is the one there is.
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
	src/door/resp/verbs.c src/door/resp/verbs.h
