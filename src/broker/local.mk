# SPDX-License-Identifier: ISC
# broker: decides what runs, and lends warm processes.
noinst_LTLIBRARIES += libbroker.la
libbroker_la_SOURCES = \
	src/broker/admission.c src/broker/admission.h \
	src/broker/broker.c src/broker/broker.h \
	src/broker/cancel.c src/broker/cancel.h \
	src/broker/entry.c src/broker/entry.h \
	src/broker/handler.c src/broker/handler.h \
	src/broker/handlerenv.c src/broker/handlerenv.h \
	src/broker/stock.c src/broker/stock.h \
	src/broker/lending.c src/broker/lending.h \
	src/broker/link.c src/broker/link.h \
	src/broker/tokenlookup.c src/broker/tokenlookup.h \
	src/broker/members.c src/broker/members.h \
	src/broker/pool.c src/broker/pool.h \
	src/broker/pools.c src/broker/pools.h \
	src/broker/poolsize.c src/broker/poolsize.h \
	src/broker/renewal.c src/broker/renewal.h \
	src/broker/run.c src/broker/run.h \
	src/broker/runnerlink.c src/broker/runnerlink.h \
	src/broker/table.c src/broker/table.h \
	src/broker/token.c src/broker/token.h \
	src/broker/twin.c src/broker/twin.h \
	src/broker/wants.c src/broker/wants.h \
	src/broker/workers.c src/broker/workers.h
