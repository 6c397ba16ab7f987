# SPDX-License-Identifier: ISC
# lint: what can be said of the sources without running them.
lint_tests = tests/lint/banned.sh tests/lint/comments.sh tests/lint/completions.sh \
	tests/lint/crypto.sh \
	tests/lint/documents.sh tests/lint/headers.sh tests/lint/help.sh tests/lint/layers.sh \
	tests/lint/layers-refuses.sh tests/lint/lints-refuse.sh tests/lint/loops.sh \
	tests/lint/manual-words.sh tests/lint/manuals.sh tests/lint/progress.sh
# They are about the sources: a build with sanitizers would only repeat them.
if !SANITIZERS
TESTS += $(lint_tests)
endif
EXTRA_DIST += $(lint_tests) tests/lint/comments.conf tests/lint/comments.py \
	tests/lint/layers.conf tests/lint/layers.py tests/data/layers tests/data/lint
