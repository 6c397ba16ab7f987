# SPDX-License-Identifier: ISC
# kits/python: the package reqd for Python, and its part in C on libreqd.
python_kit = \
	kits/python/reqd/__init__.py \
	kits/python/reqd/__main__.py \
	kits/python/reqd/_client.py \
	kits/python/reqd/_conf.py \
	kits/python/reqd/_errors.py \
	kits/python/reqd/_plain.py \
	kits/python/reqd/_request.py \
	kits/python/reqd/__init__.pyi \
	kits/python/reqd/_serve.py \
	kits/python/reqd/_signature.py \
	kits/python/reqd/py.typed
python_kit_sources = \
	kits/python/src/argument.c \
	kits/python/src/connection.c \
	kits/python/src/function.c \
	kits/python/src/kit.h \
	kits/python/src/module.c \
	kits/python/src/reply.c \
	kits/python/src/serving.c \
	kits/python/src/value.c
EXTRA_DIST += $(python_kit) $(python_kit_sources) \
	kits/python/pyproject.toml kits/python/setup.py kits/python/README.md

if PYTHON_KIT
pykitdir = $(PYTHON_KIT_DIR)/reqd
pykit_DATA = $(python_kit)
pykit_LTLIBRARIES = kits/python/_reqd.abi3.la
kits_python__reqd_abi3_la_SOURCES = $(python_kit_sources)
kits_python__reqd_abi3_la_CPPFLAGS = -DPy_LIMITED_API=0x03090000 -I$(top_srcdir)/src/client \
	$(PYTHON_KIT_CPPFLAGS)
# Python deprecates functions for which its stable interface has nothing else.
kits_python__reqd_abi3_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden \
	-Wno-deprecated-declarations
kits_python__reqd_abi3_la_LIBADD = libreqd.la
kits_python__reqd_abi3_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared

# The package as it is installed, for tests: PYTHONPATH=kits/python/lib.
noinst_DATA += kits/python/lib/stamp
kits/python/lib/stamp: kits/python/_reqd.abi3.la $(python_kit)
	@rm -rf kits/python/lib && $(MKDIR_P) kits/python/lib/reqd
	@for file in $(python_kit); do \
	    cp "$(srcdir)/$$file" kits/python/lib/reqd/ || exit 1; done
	@cp kits/python/.libs/_reqd.abi3.so kits/python/lib/reqd/
	@touch $@
endif
clean-local:
	rm -rf kits/python/lib
