# bash completion of reqctl; the candidates come from reqctl and its server.
_reqctl()
{
	local line=${COMP_LINE:0:COMP_POINT} words=() cur piece i IFS=$'\n'

	# readline parts words at "=" and ":", reqctl does not: join what has no blank between.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		piece=${COMP_WORDS[i]}
		((i < COMP_CWORD)) || piece=${piece:0:${#line}}
		if ((i > 0)) && [[ $line != [[:blank:]]* ]] && ((${#words[@]} > 0)); then
			words[-1]+=$piece
		else
			words+=("$piece")
		fi
		line=${line#"${line%%[![:blank:]]*}"}
		line=${line:${#piece}}
	done
	cur=${words[-1]}
	[[ $piece == [=:] ]] && piece=

	COMPREPLY=()
	while read -r line; do
		if [[ $line == :files ]]; then
			compopt -o filenames 2>/dev/null
			COMPREPLY+=($(compgen -f -- "$cur"))
		else
			line=${line%%$'\t'*}
			COMPREPLY+=("${line#"${cur%"$piece"}"}")
		fi
	done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _reqctl reqctl
