# SPDX-License-Identifier: ISC
# conf: text -> one immutable struct conf.
noinst_LTLIBRARIES += libconf.la
libconf_la_SOURCES = \
	src/conf/access.c src/conf/access.h \
	src/conf/account.c src/conf/account.h \
	src/conf/arena.c src/conf/arena.h \
	src/conf/argument.c src/conf/argument.h \
	src/conf/arguments.c src/conf/arguments.h \
	src/conf/build.c src/conf/build.h \
	src/conf/certificate.c src/conf/certificate.h \
	src/conf/check.c src/conf/check.h \
	src/conf/conf.c src/conf/conf.h \
	src/conf/diff.c src/conf/diff.h \
	src/conf/errors.c src/conf/errors.h \
	src/conf/executable.c src/conf/executable.h \
	src/conf/format.c \
	src/conf/hook.c src/conf/hook.h \
	src/conf/hooksecrets.c src/conf/hooksecrets.h \
	src/conf/hosts.c src/conf/hosts.h \
	src/conf/lexer.c src/conf/lexer.h \
	src/conf/load.c \
	src/conf/logins.c src/conf/logins.h \
	src/conf/passedfile.c src/conf/passedfile.h \
	src/conf/passwords.c src/conf/passwords.h \
	src/conf/pattern.c src/conf/pattern.h \
	src/conf/program.c src/conf/program.h \
	src/conf/reader.c src/conf/reader.h \
	src/conf/remarks.c src/conf/remarks.h \
	src/conf/report.c src/conf/report.h \
	src/conf/schema.c src/conf/schema.h \
	src/conf/schemajson.c src/conf/schemajson.h \
	src/conf/section.c \
	src/conf/service.c \
	src/conf/template.c src/conf/template.h \
	src/conf/tlsfiles.c src/conf/tlsfiles.h \
	src/conf/tree.c src/conf/tree.h \
	src/conf/valuetype.c src/conf/valuetype.h
libconf_la_LIBADD = $(BSD_LIBS) $(TLS_LIBS) $(CRYPT_LIBS)
