# SPDX-License-Identifier: ISC
ctl_tests = \
	tests/unit/test_answer \
	tests/unit/test_explanation \
	tests/unit/test_options \
	tests/unit/test_outjson \
	tests/unit/test_outtable \
	tests/unit/test_topsample \
	tests/unit/test_topscreen
check_PROGRAMS += $(ctl_tests)
TESTS += $(ctl_tests)

# What is tested here are parts of reqctl, which is no library.
ctl_messages = src/ctl/ctl.c src/ctl/out.c tests/unit/unit.h

tests_unit_test_answer_SOURCES = tests/unit/test_answer.c \
	src/ctl/answer.c src/ctl/outjson.c $(ctl_messages)
tests_unit_test_answer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_answer_LDADD = libreqd.la libbase.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_explanation_SOURCES = tests/unit/test_explanation.c src/ctl/explanation.c \
	$(ctl_messages)
tests_unit_test_explanation_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_explanation_LDADD = libreqd.la libproto.la libbase.la $(CHECK_LIBS) -lm
tests_unit_test_options_SOURCES = tests/unit/test_options.c src/ctl/options.c $(ctl_messages)
tests_unit_test_options_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_options_LDADD = libbase.la $(CHECK_LIBS) -lm
tests_unit_test_outjson_SOURCES = tests/unit/test_outjson.c src/ctl/outjson.c $(ctl_messages)
tests_unit_test_outjson_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_outjson_LDADD = libreqd.la libbase.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_outtable_SOURCES = tests/unit/test_outtable.c src/ctl/outtable.c $(ctl_messages)
tests_unit_test_outtable_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_outtable_LDADD = libbase.la $(SMARTCOLS_LIBS) $(CHECK_LIBS)
tests_unit_test_topsample_SOURCES = tests/unit/test_topsample.c src/ctl/topsample.c \
	src/ctl/outjson.c $(ctl_messages)
tests_unit_test_topsample_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_topsample_LDADD = libreqd.la libbase.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_topscreen_SOURCES = tests/unit/test_topscreen.c src/ctl/topscreen.c \
	src/ctl/topsample.c src/ctl/outjson.c $(ctl_messages)
tests_unit_test_topscreen_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_topscreen_LDADD = libreqd.la libbase.la $(JANSSON_LIBS) $(CHECK_LIBS)
