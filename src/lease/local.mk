# SPDX-License-Identifier: ISC
# lease: warm processes as a worker sees them.
noinst_LTLIBRARIES += liblease.la
liblease_la_SOURCES = \
	src/lease/conversation.c src/lease/conversation.h \
	src/lease/exchange.c src/lease/exchange.h \
	src/lease/lease.c src/lease/lease.h \
	src/lease/leases.c src/lease/leases.h \
	src/lease/stderr.c src/lease/stderr.h
