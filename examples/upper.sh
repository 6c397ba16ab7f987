# SPDX-License-Identifier: ISC
# upper: turns text into capitals, in shell.
#
#   service "upper" {
#       handler = {"/bin/sh", "/usr/share/doc/reqd/examples/upper.sh"}
#       argument "text" { repeat = yes }
#       allow = {"local"}
#   }
#
# A shell cannot hold a NUL. dd takes words from the stream and counts every
# byte, so that no request behind a word with a NUL is lost; that word is then
# shorter than announced, and its request is refused. Each word costs several
# processes, and each byte a system call: for more than a few requests a second
# use another language, and for large data use "command" with "input".
export LC_ALL=C			# ${#word} counts bytes
cr=$(printf '\r')

# ---- for every handler in shell: sets $1 ... to the words of a request ----
half() {
	echo 'the input ended inside a request' >&2
	exit 1
}

number() {			# of a line "*2" or "$5"
	case $1 in
	?[0-9]*"$cr") n=${1#?} n=${n%"$cr"} ;;
	*) half ;;
	esac
}

answer() { printf '%s\r\n' "$1"; }
bulk() { printf '$%d\r\n%s\r\n' "${#1}" "$1"; }

while IFS= read -r head; do
	number "$head"
	count=$n nul=no
	set --
	while [ $# -lt "$count" ]; do
		IFS= read -r size || half
		number "$size"
		word=$(dd bs=1 count="$n" 2>/dev/null; echo .)
		word=${word%.}
		IFS= read -r end || half
		[ ${#word} -eq "$n" ] || nul=yes
		set -- "$@" "$word"
	done
	# ---- end of that part ----
	case $nul,$1 in
	yes,*) answer '-ERR a word has a NUL in it' ;;
	no,PING) answer +PONG ;;
	no,upper)
		shift
		text=$(printf '%s' "$*" | tr a-z A-Z; echo .)
		bulk "${text%.}"
		;;
	*) answer '-ERR unknown command' ;;
	esac
done
[ -z "$head" ] || half
