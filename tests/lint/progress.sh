#!/bin/sh
# SPDX-License-Identifier: ISC
# tests/progress.sh shows how far a command has come, and why it failed.
. "${srcdir:-.}/tests/progress.sh"
. "${srcdir:-.}/tests/integration/steps.sh"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
log=$dir/log
build=$dir

# A build of the packages where one test fails: options and names have "error"
# in them, and a test that is skipped stands beside it.
cat >"$dir/suite" <<'END'

==== make-deb
   dh_auto_test -O--builddirectory=build-deb
libtool: link: gcc -g -O2 -Werror=format-security -o reqd error.o
PASS: tests/unit/test_error
FAIL: tests/integration/client-ruby.sh
SKIP: tests/system/service.sh

FAIL: tests/integration/client-ruby
===================================

EXIT 3 broken (redis://127.0.0.1:7373)
FAIL: Ruby's redis
FAIL tests/integration/client-ruby.sh (exit status: 1)

SKIP: tests/system/service
==========================

SKIP: within a build of the packages
SKIP tests/system/service.sh (exit status: 77)

make[3]: *** [Makefile:1: check-TESTS] Error 1
END
failures "$dir/suite" >"$dir/out"
step "the failing test comes first" assert_eq "$(head -n 1 "$dir/out")" \
    "FAIL: tests/integration/client-ruby"
step "then the end of its log, and no more" assert_eq "$(tail -n +2 "$dir/out" | tr -s ' \n' ' ')" \
    " EXIT 3 broken (redis://127.0.0.1:7373) FAIL: Ruby's redis FAIL tests/integration/client-ruby.sh (exit status: 1) "

cat >"$dir/compile" <<'END'
gcc -Werror=format-security -o errors.o errors.c
src/base/buf.c:7:2: error: 'x' undeclared
    7 |  x;
gcc -Werror=format-security -o other.o other.c
END
step "what the compiler complains of" assert_match "$(failures "$dir/compile")" "src/base/buf.c:7:2: error:*"

# ------------------------------------------------------------------ states ---

head -n 7 "$dir/suite" >"$log"
step "tests of a package build" assert_eq "$(state_of_deb)" "3 tests have run"
printf '==== apt\n12 newly installed\nGet:1 a\nGet:2 b\n' | sed 's/^12/0 upgraded, 12/' >"$log"
step "packages come" assert_eq "$(state_of_apt)" "2 of 12 packages are downloaded"
echo 'Unpacking a (1) ...' >>"$log"
step "... are unpacked" assert_eq "$(state_of_apt)" "1 of 12 packages are unpacked"
echo 'Setting up a (1) ...' >>"$log"
step "... and ready" assert_eq "$(state_of_apt)" "1 of 12 packages are ready"
printf '==== make\n  CC       a.o\n  CC       b.o\n' >>"$log"
step "of the last command only" assert_eq "$(state_of_apt)" ""
step "files are compiled" assert_eq "$(state_of_compiler)" "2 files compiled"

# One test of four has ended, which took a sixth of the time of all tests the
# last time.
mkdir -p "$dir/tests/lint"
touch "$dir/tests/lint/a.trs"
printf 'tests/lint/%s.sh\n' a b c d >"$dir/tests.list"
printf 'tests/lint/%s\n' 'a 60' 'b 100' 'c 100' 'd 100' >"$dir/times"
progress_began=$(($(date +%s) - 60))
step "tests count up, with what is left" assert_eq "$(state_of_tests)" "1 of 4, about 5 min left"
: >"$dir/times"
step "also for the first time" assert_eq "$(state_of_tests)" "1 of 4, about 3 min left"
touch "$dir/tests/lint/b.trs" "$dir/tests/lint/c.trs" "$dir/tests/lint/d.trs"
step "all of them" assert_eq "$(state_of_tests)" "4 of 4"

# --------------------------------------------------------------- progress ---

ends_with() { # STATUS
	echo "prints this"
	return "$1"
}
state_of_it() {
	tail -n 1 "$log"
}
succeeds() {
	progress "$log" "a good one" state_of_it ends_with 0 2>"$dir/err" || return 1
	assert_match "$(cat "$dir/err")" "a good one * s"
	assert_eq "$(tail -n 1 "$log")" "prints this"
}
step "a command that succeeds" succeeds
fails() {
	status=0
	progress "$log" "a bad one" state_of_it ends_with 7 2>"$dir/err" || status=$?
	assert_eq $status 7
	assert_match "$(cat "$dir/err")" "a bad one * s  failed"
}
step "one that fails" fails
