# SPDX-License-Identifier: ISC
# upper: text in capitals, from a shell.
#
#   service "upper" {
#       handler = {"/bin/sh", "/usr/share/doc/reqd/examples/upper.sh"}
#       argument "text" { repeat = yes }
#       allow = {"local"}
#   }
#
# A shell cannot hold a NUL. Words are taken from the stream by dd, which counts
# every byte, so that no request after such a word is lost; the word is then
# shorter than announced, and the request is refused. It takes processes for
# each word and a system call for each byte: for more than a few requests a
# second use another language, and for large data "command" with "input".
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
