# SPDX-License-Identifier: ISC
# base: knows nothing of reqd.
noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = \
	src/base/addr.c src/base/addr.h \
	src/base/backoff.c src/base/backoff.h \
	src/base/base64.c src/base/base64.h \
	src/base/base64url.c src/base/base64url.h \
	src/base/buf.c src/base/buf.h \
	src/base/callfilter.c src/base/callfilter.h \
	src/base/cgroup.c src/base/cgroup.h \
	src/base/children.c src/base/children.h \
	src/base/cleanup.h \
	src/base/clock.h \
	src/base/delegation.c src/base/delegation.h \
	src/base/digest.c src/base/digest.h \
	src/base/escape.c src/base/escape.h \
	src/base/fd.c src/base/fd.h \
	src/base/fence.c src/base/fence.h \
	src/base/hexdigit.h \
	src/base/hidden.c src/base/hidden.h \
	src/base/jsonbuf.c src/base/jsonbuf.h \
	src/base/landlock.c src/base/landlock.h \
	src/base/loop.c src/base/loop.h \
	src/base/mark.c src/base/mark.h \
	src/base/oomscore.c src/base/oomscore.h \
	src/base/pin.c src/base/pin.h \
	src/base/privilege.c src/base/privilege.h \
	src/base/procstate.c src/base/procstate.h \
	src/base/ratelimit.h \
	src/base/reason.c src/base/reason.h \
	src/base/removetree.c src/base/removetree.h \
	src/base/share.c src/base/share.h \
	src/base/signals.c src/base/signals.h \
	src/base/siphash.c src/base/siphash.h \
	src/base/slice.h \
	src/base/sockdiag.c src/base/sockdiag.h \
	src/base/socketfile.c src/base/socketfile.h \
	src/base/sparse.c src/base/sparse.h \
	src/base/suggest.c src/base/suggest.h \
	src/base/temporary.c src/base/temporary.h \
	src/base/units.c src/base/units.h \
	src/base/wiping.c src/base/wiping.h
# A library of its own, because libreqd must not bring another library to its programs.
noinst_LTLIBRARIES += libconfine.la
libconfine_la_SOURCES = src/base/confine.c src/base/confine.h
libconfine_la_LIBADD = libbase.la $(SECCOMP_LIBS)
libbase_la_LIBADD = $(BSD_LIBS) $(MD_LIBS)
