# SPDX-License-Identifier: ISC
# integration: scripts that start a reqd of their own. lib.sh says how.
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/bounded $(SHELL)
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/bounded

check_PROGRAMS += tests/integration/notify-wait tests/integration/free-port \
	tests/integration/crosstalk
# Without libreqd.so, as it is copied to where any account can run it.
tests_integration_crosstalk_SOURCES = tests/integration/crosstalk.c
tests_integration_crosstalk_LDADD = libserve.la libproto.la libbase.la
tests_integration_notify_wait_SOURCES = tests/integration/notify-wait.c
tests_integration_notify_wait_LDADD = $(BSD_LIBS)
if SANDBOX
check_PROGRAMS += tests/integration/without
tests_integration_without_SOURCES = tests/integration/without.c
tests_integration_without_LDADD = $(SECCOMP_LIBS)
endif
tests_integration_free_port_SOURCES = tests/integration/free-port.c

integration_tests = \
	tests/integration/access-model.sh \
	tests/integration/activation.sh \
	tests/integration/client-certificates.sh \
	tests/integration/client-hiredis.sh \
	tests/integration/client-netcat.sh \
	tests/integration/client-perl.sh \
	tests/integration/client-python.sh \
	tests/integration/client-redis-benchmark.sh \
	tests/integration/client-redis-cli.sh \
	tests/integration/client-ruby.sh \
	tests/integration/control-socket.sh \
	tests/integration/evil-stop.sh \
	tests/integration/evil-web.sh \
	tests/integration/every-key.sh \
	tests/integration/evil-worker.sh \
	tests/integration/explain.sh \
	tests/integration/file-size-limit.sh \
	tests/integration/handler-examples.sh \
	tests/integration/full-worker.sh \
	tests/integration/git-stream.sh \
	tests/integration/handler-crosstalk.sh \
	tests/integration/handler-input.sh \
	tests/integration/handler-restart.sh \
	tests/integration/handler-status.sh \
	tests/integration/hidden-services.sh \
	tests/integration/hooks.sh \
	tests/integration/http.sh \
	tests/integration/handler-zoo.sh \
	tests/integration/kill-roles.sh \
	tests/integration/jobs-full.sh \
	tests/integration/listener-name.sh \
	tests/integration/localhost-unknown.sh \
	tests/integration/live-output.sh \
	tests/integration/log-blocked.sh \
	tests/integration/log-lines.sh \
	tests/integration/limits.sh \
	tests/integration/logins.sh \
	tests/integration/logins-model.sh \
	tests/integration/passwords.sh \
	tests/integration/long-arguments.sh \
	tests/integration/manual-examples.sh \
	tests/integration/man-in-the-middle.sh \
	tests/integration/mcp.sh \
	tests/integration/master-death.sh \
	tests/integration/master-notify.sh \
	tests/integration/master-start.sh \
	tests/integration/master-stop-answers.sh \
	tests/integration/master-stop.sh \
	tests/integration/passed-sockets.sh \
	tests/integration/program-environment.sh \
	tests/integration/pid-one.sh \
	tests/integration/program-process.sh \
	tests/integration/proxy.sh \
	tests/integration/python-kit.sh \
	tests/integration/ps-bad-lines.sh \
	tests/integration/ps-waiting.sh \
	tests/integration/readme-examples.sh \
	tests/integration/refused-early.sh \
	tests/integration/reload-changes-rules.sh \
	tests/integration/reload-keeps-connections.sh \
	tests/integration/reload-scales-workers.sh \
	tests/integration/reload-refuses-broken-configuration.sh \
	tests/integration/reload-refuses-odd-files.sh \
	tests/integration/reload-says-what-changes.sh \
	tests/integration/reload-under-load.sh \
	tests/integration/self-test.sh \
	tests/integration/sandbox-fallback.sh \
	tests/integration/secret-files.sh \
	tests/integration/service-sandbox.sh \
	tests/integration/reqd-test.sh \
	tests/integration/temporary-directory.sh \
	tests/integration/reqctl-check.sh \
	tests/integration/kept-counts.sh \
	tests/integration/shares.sh \
	tests/integration/reqctl-import.sh \
	tests/integration/reqctl-logins.sh \
	tests/integration/reqctl-output.sh \
	tests/integration/silent-slips.sh \
	tests/integration/start-fails-for-good.sh \
	tests/integration/start-without.sh \
	tests/integration/start-fails.sh \
	tests/integration/tls.sh \
	tests/integration/tls-load.sh \
	tests/integration/tls-passed.sh \
	tests/integration/two-boxes.sh \
	tests/integration/web-workers.sh \
	tests/integration/zoo.sh
TESTS += $(integration_tests)
EXTRA_DIST += tests/bounded tests/progress.sh
EXTRA_DIST += $(integration_tests) tests/integration/lib.sh tests/integration/steps.sh \
	tests/integration/pass-sockets.py \
	tests/integration/cancel-elsewhere.py \
	tests/integration/control-client.py \
	tests/integration/handler-examples.py \
	tests/integration/hooks.py \
	tests/integration/reload-rules.py \
	tests/integration/every-key.py tests/integration/web-client.py \
	tests/integration/kept-counts.py \
	tests/integration/service-sandbox.py \
	tests/integration/shares.py \
	tests/integration/limits.py \
	tests/integration/man-in-the-middle.py \
	tests/integration/login-tokens.py tests/integration/logins.py tests/integration/logins-model.py \
	tests/integration/login-tokens.py tests/integration/passwords.py tests/integration/logins.py tests/integration/logins-model.py \
	tests/integration/access-model.py tests/integration/login-tokens.py tests/integration/logins.py tests/integration/logins-model.py \
	tests/integration/access-model.py tests/integration/two-boxes.py tests/integration/login-tokens.py tests/integration/logins.py tests/integration/logins-model.py \
	tests/integration/conf-examples.py tests/integration/examples.py \
	tests/integration/protocol-examples.py \
	tests/integration/proxy.py \
	tests/integration/client-certificates.py \
	tests/integration/make-pki.sh \
	tests/integration/python-kit.py tests/zoo/python-kit.py \
	tests/integration/tls-client.py \
	tests/integration/tls-load.py \
	tests/integration/mcp-client.py \
	tests/integration/hiredis-client.c
EXTRA_DIST += README.md
include tests/integration/hostile.mk
include tests/integration/evil.mk
