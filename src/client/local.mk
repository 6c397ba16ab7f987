# SPDX-License-Identifier: ISC
# client: libreqd, the client library.
lib_LTLIBRARIES += libreqd.la
include_HEADERS += src/client/reqd.h
libreqd_la_SOURCES = \
	src/client/clientcall.c src/client/clientcall.h \
	src/client/client.c src/client/client.h \
	src/client/clientexchange.c \
	src/client/clienttls.c src/client/clienttls.h \
	src/client/clientresult.c src/client/clientresult.h \
	src/client/clientvalue.c \
	src/client/dial.c
libreqd_la_LIBADD = libserve.la libproto.la libbase.la $(TLS_LIBS)
libreqd_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined \
	-export-symbols-regex '^reqd_'

# Its handler side, also for programs of ours that do without the library.
noinst_LTLIBRARIES += libserve.la
libserve_la_SOURCES = \
	src/client/serve.c src/client/serve.h \
	src/client/servechannel.c \
	src/client/servehold.c \
	src/client/servereply.c

pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = src/client/libreqd.pc
