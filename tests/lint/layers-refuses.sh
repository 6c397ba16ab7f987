#!/bin/sh
# SPDX-License-Identifier: ISC
# layers.sh finds what it looks for: it accepts the small tree in
# tests/data/layers, and refuses that tree with each defect, for the right
# reason. A defect is a directory of files that are put over those of the tree.
top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
data=$top/tests/data/layers
cc=${CC:-cc}
command -v python3 >/dev/null 2>&1 || { echo "SKIP: python3 is not installed"; exit 77; }
command -v nm >/dev/null 2>&1 || { echo "SKIP: nm is not installed"; exit 77; }
# shellcheck disable=SC2086
command -v ${cc%% *} >/dev/null 2>&1 || { echo "SKIP: there is no compiler $cc"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
status=0
n=0

# Compiles sources below $1, where objects are placed and named as libtool and
# automake may do it.
compile() { # TREE SOURCE...
	place=$1
	shift
	for source; do
		obj=$place/build/${source%.c}.o
		case $source in
		*/tap.c) obj=${obj%/*}/liblow_la-tap.o ;;
		*/drain.c) obj=${obj%/*}/.libs/drain.o ;;
		esac
		mkdir -p "${obj%/*}"
		# shellcheck disable=SC2086
		$cc -g -Wall -Werror $flags -I"$place/src" -c -o "$obj" "$place/$source" ||
		    { echo "$place/$source: does not compile"; exit 1; }
	done
}

# The good tree, by the compiler's FLAGS.
make_good() { # FLAGS
	flags=$1
	rm -rf "$dir/good"
	mkdir "$dir/good"
	cp -R "$data/src" "$data/layers.conf" "$dir/good"
	chmod -R u+w "$dir/good"
	# shellcheck disable=SC2046
	compile "$dir/good" $(cd "$data" && find src -name '*.c')
}

# A copy of it, with a defect.
make_tree() { # [DEFECT]
	tree=$dir/${1:-tree}
	rm -rf "$tree"
	cp -R "$dir/good" "$tree"
	[ -n "${1:-}" ] || return
	cp -R "$data/$1/." "$tree/src"
	chmod -R u+w "$tree"
	# shellcheck disable=SC2046
	compile "$tree" $(cd "$data/$1" && find . -name '*.c' | sed 's|^\./|src/|')
}

# Runs the lint on the tree that was made last.
lint() {
	python3 "$top/tests/lint/layers.py" --top "$tree" --build "$tree/build" \
	    --conf "$tree/layers.conf" "$@" >"$dir/out" 2>&1
}

wrong() {
	echo "$tree: $*"
	cat "$dir/out"
	status=1
}

accepts() {
	n=$((n + 1))
	lint || wrong "is refused"
}

# The last line, and the only error, says TEXT.
refuses() { # TEXT
	n=$((n + 1))
	lint && wrong "is accepted"
	tail -n 1 "$dir/out" | grep -qF -- "$1" || wrong "is not refused with: $1"
	[ "$(grep -c 'layers\.conf' "$dir/out")" -le 1 ] || wrong "is refused for something else too"
}

# Another line for the table.
row() { # LINE
	printf '%s\n' "$1" >>"$tree/layers.conf"
}

prints() { # LINE
	grep -qxF -- "$1" "$dir/out" || wrong "does not print: $1"
}

upward='but low may use nothing (layers.conf): '

make_good -O2
make_tree
accepts
prints 'no circle of calls is larger than one noun'
prints '  low          27   at most 30, goal 10'
prints '  all          51   at most 60'
lint --print || wrong "is refused with --print"
prints 'high/basin.c:'
prints '    low/tap.c: tap_open'
lint --dot || wrong "is refused with --dot"
grep -qF '"high/basin.c" -> "low/tap.c"' "$dir/out" || wrong "has no arrow from basin to tap"

make_tree upward-call
refuses "src/low/tap-valve.c:12: low calls basin_fill() of src/high/basin.c, $upward"
make_tree upward-address
refuses ": low calls drain_open() of src/high/drain.c, $upward"
make_tree upward-include
refuses "src/low/tap-valve.c:4: low includes \"high/basin.h\", $upward"
make_tree no-row
refuses "src/attic: no row in layers.conf: add 'layer attic: ...'"
make_tree two-homes
refuses 'src/high/basin.c calls drain_open, which is in each of src/high/drain.c src/high/sink.c: '
make_tree two-programs
row 'layer side:'
accepts

# A circle, and a table that is not true of the circles.
make_tree circle
refuses 'high: a circle of 2 files, larger than one noun: '
prints 'circle of 2 files in high: high/basin.c high/drain.c'
row 'allow-circle high 2'
accepts
row 'allow-circle high 2'
refuses "high: a circle is gone; so that it stays so, remove 'allow-circle high 2' from layers.conf"
make_tree circle
row 'allow-circle high 3'
refuses "write 'allow-circle high 2' instead of 3 into layers.conf"
make_tree circle
row 'noun basin: high/basin.c high/drain.c'
accepts
make_tree
row 'noun basin: high/basin.c high/drain.c'
refuses 'layers.conf: noun basin: no circle needs it: remove the line'
make_tree
row 'allow-circle high 2'
refuses "high: a circle is gone; so that it stays so, remove 'allow-circle high 2' from layers.conf"

# One line more than there may be, in one directory and in all.
make_tree
sed -i 's/^limit low 30/limit low 27/; s/^limit all 60/limit all 51/' "$tree/layers.conf"
echo '/* no code */' >>"$tree/src/low/tap.h"
accepts
sed -i 's/^limit all 51/limit all 52/' "$tree/layers.conf"
echo 'extern int tap_size;' >>"$tree/src/low/tap.h"
refuses 'low: 28 lines of code, at most 27 (layers.conf): '
sed -i 's/^limit low 27/limit low 28/; s/^limit all 52/limit all 51/' "$tree/layers.conf"
refuses 'all: 52 lines of code, at most 51 (layers.conf): '

# A file that the lint cannot see is an error, and is not ignored.
make_tree
echo 'int gone;' >"$tree/src/high/gone.c"
refuses 'no makefile builds, or nobody has built: src/high/gone.c'
make_tree
cp "$tree/build/src/low/tap-valve.o" "$tree/build/src/low/removed.o"
accepts
make_tree
row 'layer low: high'
refuses 'not understood: layer low: high'
make_tree
row 'layer later: attic'
refuses 'not understood: layer later: attic'
make_tree
sed -i 's/^layer low:/layer low: later/' "$tree/layers.conf"
refuses 'may call each other'
make_tree
row 'limit high lots'
refuses 'not understood: limit high lots'

# However the objects were made.
for flags in "-Os -ffunction-sections -fdata-sections" "-O0 -fsanitize=address,undefined" "-O2 -flto"; do
	echo 'int main(void) { return 0; }' >"$dir/main.c"
	# shellcheck disable=SC2086
	$cc $flags -o "$dir/main" "$dir/main.c" 2>/dev/null || { echo "$cc cannot do $flags"; continue; }
	make_good "$flags"
	make_tree
	lint
	[ $? -ne 77 ] || { echo "nm does not know what $cc $flags makes"; continue; }
	accepts
	make_tree upward-call
	refuses ": low calls basin_fill() of src/high/basin.c, $upward"
done

[ $n -ge 24 ] || { echo "only $n trees were tried"; status=1; }
exit $status
