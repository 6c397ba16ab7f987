# SPDX-License-Identifier: ISC
# worker: accepts, speaks the protocol, decides who may call what, serves.
noinst_LTLIBRARIES += libworker.la
libworker_la_SOURCES = \
	src/worker/builtin.c src/worker/builtin.h \
	src/worker/call.c src/worker/call.h \
	src/worker/callend.c \
	src/worker/callenv.c src/worker/callenv.h \
	src/worker/callio.c src/worker/callio.h \
	src/worker/callrequest.c src/worker/callrequest.h \
	src/worker/callstart.c \
	src/worker/client-verbs.c \
	src/worker/command.c \
	src/worker/conn.c src/worker/conn.h src/worker/net.h \
	src/worker/describe.c src/worker/describe.h \
	src/worker/docs.c \
	src/worker/exchange.c src/worker/exchange.h \
	src/worker/handlercall.c \
	src/worker/identity.c src/worker/identity.h \
	src/worker/info.c \
	src/worker/lease.c src/worker/lease.h \
	src/worker/leases.c src/worker/leases.h \
	src/worker/runnerlink.c src/worker/runnerlink.h \
	src/worker/port.c src/worker/port.h \
	src/worker/refuse.c src/worker/refuse.h \
	src/worker/result.c src/worker/result.h \
	src/worker/service-verbs.c \
	src/worker/respdoor.c src/worker/respdoor.h \
	src/worker/session.c src/worker/session.h \
	src/worker/sessioncall.c src/worker/sessioncall.h \
	src/worker/stream.c src/worker/stream.h \
	src/worker/sink.h \
	src/worker/talk.c src/worker/talk.h \
	src/worker/verbs.c src/worker/verbs.h \
	src/worker/words.c src/worker/words.h \
	src/worker/worker.c src/worker/worker.h
