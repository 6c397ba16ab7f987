# SPDX-License-Identifier: ISC
# examples: handlers, which reqd-handler(7) explains, and configurations, ready to be
# copied.
examplesdir = $(docdir)/examples
dist_examples_DATA = \
	examples/Dockerfile \
	examples/accounts.conf \
	examples/agent.conf \
	examples/accounts-unit.conf \
	examples/digest.js \
	examples/entropy.c \
	examples/fail2ban-reqd.conf \
	examples/git.conf \
	examples/kv.py \
	examples/sentiment.py \
	examples/store.pl \
	examples/strict-unit.conf \
	examples/sum.py \
	examples/tour.conf \
	examples/upper.py \
	examples/upper.sh \
	examples/webhook.conf \
	examples/words.py
check_PROGRAMS += examples/entropy
examples_entropy_SOURCES = examples/entropy.c
examples_entropy_CPPFLAGS = -I$(top_srcdir)/src/client
examples_entropy_LDADD = libreqd.la -lm
