# SPDX-License-Identifier: ISC
# web: the console, a page that reqd holds as an array of its bytes.
EXTRA_DIST += src/web/console.html
CLEANFILES += src/web/console.h
AM_CPPFLAGS += -I$(top_builddir)/src
# By a variable: automake makes no rule for an object that it finds among the targets here.
console_object = src/door/http/libhttp_la-httpconsole.lo
$(console_object): src/web/console.h
src/web/console.h: src/web/console.html
	@$(MKDIR_P) src/web
	$(AM_V_GEN)LC_ALL=C od -An -v -to1 $(srcdir)/src/web/console.html | \
	    sed "s/ *\([0-7]\{3\}\)/'\\\\\1',/g" >$@.tmp && mv $@.tmp $@
