# SPDX-License-Identifier: ISC
# examples: handlers, ready to be copied. reqd-handler(7) explains them.
examplesdir = $(docdir)/examples
dist_examples_DATA = \
	examples/digest.js \
	examples/entropy.c \
	examples/kv.py \
	examples/store.pl \
	examples/sum.py \
	examples/upper.py \
	examples/upper.sh \
	examples/words.py
check_PROGRAMS += examples/entropy
examples_entropy_SOURCES = examples/entropy.c
examples_entropy_CPPFLAGS = -I$(top_srcdir)/src/client
examples_entropy_LDADD = libreqd.la -lm
