# SPDX-License-Identifier: ISC
# system: scripts that install the packages in a box with a systemd of its own.
system_tests = \
	tests/system/helper.sh \
	tests/system/late-account.sh \
	tests/system/network.sh \
	tests/system/restart-keeps-sockets.sh \
	tests/system/same-answers.sh \
	tests/system/sandbox.sh \
	tests/system/socket-rights.sh \
	tests/system/service.sh \
	tests/system/upgrade.sh
TESTS += $(system_tests)
EXTRA_DIST += $(system_tests) tests/system/lib.sh tests/system/sdbox
