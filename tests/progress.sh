# shellcheck shell=sh
# SPDX-License-Identifier: ISC
# progress: shows the progress of a command that takes long, and the reason when
# it fails. Sourced by dev, tests/package/check and tests/lint/progress.sh.
#
# A terminal has one line that changes every second; a pipe gets a line after
# five seconds and then every half minute. All of it goes to stderr.

# progress LOG TEXT STATE COMMAND...: appends the output of the command to LOG.
# STATE is a function that prints in a few words how far the command has come;
# it reads the log, "log". Returns the status of the command. With
# progress_end=no the line with the time is left out.
progress() {
	log=$1
	progress_text=$2
	progress_state=$3
	shift 3
	printf '\n==== %s\n' "$*" >>"$log"
	progress_began=$(date +%s)
	[ ! -t 2 ] || printf '%-28s' "$progress_text" >&2
	progress_watch $$ &
	progress_watcher=$!
	progress_status=0
	"$@" >>"$log" 2>&1 || progress_status=$?
	# A second signal could still run the trap of the script that sources
	# this.
	kill -KILL $progress_watcher 2>/dev/null || :
	wait $progress_watcher 2>/dev/null || :
	if [ "${progress_end:-yes}" = no ]; then
		[ ! -t 2 ] || printf '\r%79s\r' '' >&2
		return $progress_status
	elif [ $progress_status -eq 0 ]; then
		progress_line ''
	else
		progress_line failed
	fi
	[ ! -t 2 ] || printf '\n' >&2
	return $progress_status
}

# True as long as process PID is there, a day at most.
progress_watch() { # PID
	for progress_second in $(seq 86400); do
		sleep 1 >/dev/null 2>&1
		kill -0 "$1" 2>/dev/null || return 0
		if [ -t 2 ] || [ "$progress_second" -eq 5 ] || [ $((progress_second % 30)) -eq 0 ]; then
			progress_line "... $($progress_state)"
		fi
	done
}

progress_line() { # WORDS
	progress_took=$(($(date +%s) - progress_began))
	if [ -t 2 ]; then
		# A line wider than a terminal of 80 columns could not be
		# rewritten.
		progress_room=$((72 - ${#progress_text}))
		[ $progress_room -lt 44 ] || progress_room=44
		printf "\\r%-28s%4d s  %-$progress_room.${progress_room}s" \
		    "$progress_text" "$progress_took" "$1" >&2
	else
		printf '%-28s%4d s%s\n' "$progress_text" "$progress_took" "${1:+  $1}" >&2
	fi
}

# ---------------------------------------------------------------- states ---

state_unknown() {
	:
}

# Prints the lines of the log since COMMAND has been started.
this_log() {
	awk '/^==== / { n = 0; next } { line[++n] = $0 }
	    END { for (i = 1; i <= n; i++) print line[i] }' "$log"
}

state_of_compiler() {
	this_log | awk '
	/^  CC / || /libtool .*--mode=compile/ { n++ }
	END { if (n) printf "%d files compiled", n }'
}

state_of_configure() {
	this_log | sed -n 's/^checking \(.*\)\.\.\..*/checking \1/p' | tail -n 1
}

state_of_apt() {
	this_log | awk '
	/ newly installed/ { for (i = 1; i < NF; i++) if ($(i + 1) == "newly") all = $i }
	/^Get:/ { got++ }
	/^Unpacking / { unpacked++ }
	/^Setting up / { ready++ }
	END {
		if (ready) printf "%d of %d packages are ready", ready, all
		else if (unpacked) printf "%d of %d packages are unpacked", unpacked, all
		else if (got && all) printf "%d of %d packages are downloaded", got, all
		else if (got) print "reading what the mirror has"
	}'
}

# Prints the last step of debhelper, and how much it has compiled.
state_of_deb() {
	this_log | awk '
	/^   dh_[a-z_]*/ { step = $1 }
	/libtool .*--mode=compile/ { n++ }
	/^(PASS|FAIL|SKIP|XFAIL|ERROR): tests\// { tests++ }
	END {
		if (step == "dh_autoreconf") print "making configure"
		else if (step == "dh_auto_configure") print "configuring"
		else if (step == "dh_auto_build") printf "%d files compiled", n
		else if (step == "dh_auto_test" && tests) printf "%d tests have run", tests
		else if (step == "dh_auto_test") printf "compiling tests, %d files compiled", n
		else if (step ~ /^dh_auto_install|^dh_install/) print "installing into the packages"
		else if (step == "dh_builddeb") print "packing"
		else if (step) print "at " step
	}'
}

# Prints "83 of 127, about 4 min left", by the time that each test took the last
# time, or a usual time where that is not known. In $build: tests.list, all
# tests; times, NAME SECONDS of the last run.
state_of_tests() {
	find "$build/tests" -name '*.trs' | sed "s|^$build/||; s|\.trs$||" >"$build/tests.done"
	awk -v elapsed=$(($(date +%s) - progress_began)) '
	FILENAME ~ /times$/ { took[$1] = $2; next }
	FILENAME ~ /done$/ { done[$1]; n++; next }
	{
		name = $1
		sub(/\.sh$/, "", name)
		weight = 1
		if (name in took)
			weight = took[name] + 0.1
		else if (name ~ /faults|system/)
			weight = 30
		else if (name ~ /integration/)
			weight = 8
		all += weight
		if (name in done)
			ready += weight
	}
	END {
		printf "%d of %d", n, FNR
		if (n == FNR || ready == 0 || elapsed < 10)
			exit
		left = elapsed * (all - ready) / ready
		if (left < 60)
			printf ", less than a minute left"
		else
			printf ", about %d min left", left / 60 + 0.5
	}' "$build/times" "$build/tests.done" "$build/tests.list"
}

# -------------------------------------------------------------- failures ---

# Prints why a build has failed: the tests that did, and the end of the log of
# the last of them; else the complaint of the compiler or a tool; else the end.
failures() { # LOG
	if grep -qE '^(FAIL|ERROR): ' "$1"; then
		grep -E '^(FAIL|ERROR): tests/[^ ]*$' "$1" | sed 's/\.sh$//' | sort -u
		awk '
		/^=+$/ && title ~ /^(FAIL|ERROR|SKIP|XFAIL): / {
			in_test = title ~ /^(FAIL|ERROR)/
			if (in_test)
				n = 0
			title = ""
			next
		}
		in_test { line[++n] = $0 }
		/^(FAIL|ERROR) .*\(exit status: / { in_test = 0 }
		{ title = $0 }
		END { for (i = n > 30 ? n - 29 : 1; i <= n; i++) print "    " line[i] }' "$1"
	elif grep -qE "$complaint" "$1"; then
		grep -E -A 3 "$complaint" "$1" | tail -n 40
	else
		tail -n 10 "$1"
	fi
}
complaint='(^|[^-[:alnum:]_/])(fatal )?error: |undefined reference| \*\*\* |^[EW]: |configure: error'
