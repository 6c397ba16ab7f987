#!/bin/sh
# SPDX-License-Identifier: ISC
# The manual pages and the programs know the same words: options, verbs,
# configuration keys with section and default, exit statuses, functions, and
# messages of the log.
top=$(cd "${srcdir:-.}" && pwd)
build=${top_builddir:-.}
for program in reqd reqctl; do
	[ -x "$build/$program" ] || { echo "SKIP: $program is not built"; exit 77; }
done
export LC_ALL=C
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
status=0

# Two sorted lists are the same, and hold at least LEAST lines.
same() { # WHAT LEAST PROGRAM MANUAL
	[ "$(wc -l <"$3")" -ge "$2" ] || {
		echo "$1: only these were found: $(tr '\n' ' ' <"$3")"
		status=1
	}
	for word in $(comm -23 "$3" "$4"); do
		echo "$1: '$word' is not in the manual page"
		status=1
	done
	for word in $(comm -13 "$3" "$4"); do
		echo "$1: '$word' is in the manual page only"
		status=1
	done
}

# "  -q, --quiet  ..." and "      --json  ...": the letters and the names.
help_options() {
	grep -E '^ +(-[A-Za-z], )?--' | grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' | grep -oE -- '--?[A-Za-z-]+'
}

# Every ".It Fl" of a page: "Fl s , -server", "Fl -json", "Fl Fl json-log".
manual_options() {
	sed -n 's/^\.It Fl/Fl/p' "$top/man/$1" |
	    sed -e 's/Fl Fl /Fl -/g' -e 's/Fl c Ar file , /Fl c , /' |
	    sed -E -e 's/ , Fl / , /' -e 's/^Fl ([A-Za-z-]+)( , (-[a-z-]+))?.*/-\1 -\3/' |
	    tr ' ' '\n' | grep -v '^-$'
}

"$build/reqd" --help | help_options | sort -u >"$dir/program"
manual_options reqd.8 | sort -u >"$dir/manual"
same "option of reqd" 13 "$dir/program" "$dir/manual"

verbs=$("$build/reqctl" __complete -- '' | cut -f 1)
printf '%s\n' "$verbs" | sort >"$dir/program"
sed -n 's/^\.It Cm \([a-z-]*\).*/\1/p' "$top/man/reqctl.1" | sort -u >"$dir/manual"
same "verb of reqctl" 13 "$dir/program" "$dir/manual"

# Options of every verb are explained in the help of reqctl.
for verb in '' $verbs; do
	# shellcheck disable=SC2086
	"$build/reqctl" help $verb | help_options
done | sort -u >"$dir/program"
manual_options reqctl.1 | sort -u >"$dir/manual"
same "option of reqctl" 18 "$dir/program" "$dir/manual"

# One ".It" of EXIT STATUS for each status that reqctl gives itself.
{
	sed -n 's/^	\[OUTCOME_[A-Z]*\] = .*, \(2[0-9]*\) },$/\1/p' "$top/src/proto/outcome.c"
	sed -n 's/^#define STATUS_[A-Z_]* \(2[0-9]*\).*/\1/p' "$top/src/proto/outcome.c" \
	    "$top/src/proto/outcome.h"
} | sort >"$dir/program"
sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/s/^\.It \(2[0-9]*\)$/\1/p' "$top/man/reqctl.1" |
    sort >"$dir/manual"
same "exit status of reqctl" 17 "$dir/program" "$dir/manual"

# SECTION/KEY and SECTION/KEY=DEFAULT of the tables. Keys of canonical text are not for people.
awk '
/^static const struct key keys_/ { section = $5; sub(/^keys_/, "", section); sub(/\[\]/, "", section) }
/^};/ { section = "" }
section != "" && /^	\{ "/ { row = "" }
section != "" && /^\t/ {
	row = row $0
	if (row ~ / },$/ && row !~ /KEY_CANONICAL/) {
		split(row, word, "\"")
		print section "/" word[2]
		if (match(row, /\.def = "[^"]*"/))
			print section "/" word[2] "=" substr(row, RSTART + 8, RLENGTH - 9)
	}
}' "$top/src/conf/schema.c" | sort >"$dir/tables"
grep -v '=' "$dir/tables" >"$dir/program"
awk '
/^\.Sh SETTINGS OUTSIDE/ { section = "top" }
/^\.Ss The log section/ { section = "log" }
/^\.Ss The control section/ { section = "control" }
/^\.Sh LISTENERS/ { section = "listen" }
/^The section$/ { getline; if ($0 == ".Ic proxy") section = "proxy" }
/^\.Ss Sockets of systemd/ { section = "listen" }
/^\.Sh ROLES/ { section = "role" }
/^\.Sh SERVICES/ { section = "service" }
/^\.Ss Handlers/ { handlers = 1 }
handlers && /^\.Bl / && ++lists == 2 { section = "processes" }
/^\.Ss The limits section/ { section = "limits" }
/^\.Ss The http section/ { section = "http" }
/^\.Ss Arguments of/ { section = "argument" }
/^\.Ss Webhooks of/ { section = "webhook" }
/^\.Ss The hmac section/ { section = "hmac" }
/^\.Ss The token section/ { section = "token" }
/^\.Sh FILES/ { exit }
/^\.It Ic [a-z0-9-]+ No = / { key = section "/" $3; print key }
/^Default:/ { getline value; if (NF > 1) value = $2; }
value != "" {
	sub(/^\.[A-Z][a-z] /, "", value)
	sub(/[ ,;].*/, "", value)
	sub(/\.$/, "", value)
	print key "=" value
	value = ""
}' "$top/man/reqd.conf.5" | sort >"$dir/page"
grep -v '=' "$dir/page" >"$dir/manual"
same "configuration key" 60 "$dir/program" "$dir/manual"
grep '=' "$dir/page" >"$dir/manual"
grep '=' "$dir/tables" >"$dir/program"
# The page says more about those that have no fixed default.
awk -F = 'NR == FNR { fixed[$1]; next } $1 in fixed' "$dir/program" "$dir/manual" >"$dir/both"
same "default of a key" 40 "$dir/program" "$dir/both"

grep -oE '\breqd_[a-z_]+\(|\(\*?reqd_[a-z_]+_fn\)|\breqd_[a-z_]+_fn\(' "$top/src/client/reqd.h" |
    tr -d '(*)' | sort -u >"$dir/program"
sed -nE 's/^\.Fn (reqd_[a-z_]*[a-z])( .*)?$/\1/p' "$top/man/libreqd.3" | sort -u >"$dir/manual"
same "function of libreqd" 50 "$dir/program" "$dir/manual"

# A source has each log message that reqd(8) quotes: each part between commas
# and the capitals that stand for something.
sed -n '/^\.Sh DIAGNOSTICS/,/^\.Sh SEE/s/^\.It "\(.*\)"$/\1/p' "$top/man/reqd.8" >"$dir/quotes"
[ "$(wc -l <"$dir/quotes")" -ge 5 ] || { echo "the log messages of reqd(8) were not found"; status=1; }
while read -r quote; do
	printf '%s\n' "$quote" | sed -E "s/\(?'?\b([A-Z]|[A-Z]{3,})\b'?\)?/,/g; s/, */\n/g" | grep -E '.{6}' |
	    sed -E 's/^[ :]+//; s/[ :]+$//' >"$dir/parts"
	while read -r part; do
		grep -rqF --include='*.c' -e "$part" "$top/src" && continue
		echo "log message of reqd(8): no source says '$part'"
		status=1
	done <"$dir/parts"
done <"$dir/quotes"
exit $status
