# SPDX-License-Identifier: ISC
# ipc: what our own processes say to each other.
noinst_LTLIBRARIES += libipc.la
libipc_la_SOURCES = \
	src/ipc/asker.c src/ipc/asker.h \
	src/ipc/birth.c src/ipc/birth.h \
	src/ipc/channel.c src/ipc/channel.h \
	src/ipc/confinement.c src/ipc/confinement.h \
	src/ipc/death.c src/ipc/death.h \
	src/ipc/ends.c src/ipc/ends.h \
	src/ipc/frame.c src/ipc/frame.h \
	src/ipc/histogram.c src/ipc/histogram.h \
	src/ipc/job.c src/ipc/job.h \
	src/ipc/limits.c src/ipc/limits.h \
	src/ipc/logrec.c src/ipc/logrec.h \
	src/ipc/mail.c src/ipc/mail.h \
	src/ipc/member.c src/ipc/member.h \
	src/ipc/password.h \
	src/ipc/roles.c src/ipc/roles.h src/ipc/roster.h \
	src/ipc/signing.h \
	src/ipc/stats.c src/ipc/stats.h \
	src/ipc/tally.c src/ipc/tally.h
