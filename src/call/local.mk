# SPDX-License-Identifier: ISC
# call: what is done: calls, whoever makes them and whoever serves them.
noinst_LTLIBRARIES += libcall.la
libcall_la_SOURCES = \
	src/call/builtin.c src/call/builtin.h \
	src/call/call.c src/call/call.h \
	src/call/callend.c \
	src/call/callenv.c src/call/callenv.h \
	src/call/callio.c src/call/callio.h \
	src/call/callrequest.c src/call/callrequest.h \
	src/call/callstart.c \
	src/call/callstrings.c src/call/callstrings.h \
	src/call/command.c \
	src/call/explain.c src/call/explain.h \
	src/call/handlercall.c \
	src/call/kept.c src/call/kept.h \
	src/call/kits.c src/call/kits.h \
	src/call/calllookup.c \
	src/call/refuse.c src/call/refuse.h \
	src/call/result.c src/call/result.h \
	src/call/sink.h
