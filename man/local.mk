# SPDX-License-Identifier: ISC
# reqctl.1 and libreqd.3 are listed beside what they describe.
dist_man_MANS += man/reqd.8 man/reqd.conf.5 man/reqd-handler.7 man/reqd-python.7 \
	man/reqd-security.7
