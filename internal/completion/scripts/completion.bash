# Completion of bkt for bash.
_bkt() {
	local kind value help line width=0 i
	local -a values helps
	{
		read -r kind
		while IFS=$'\t' read -r value help; do
			values+=("$value")
			helps+=("$help")
			((${#value} > width)) && width=${#value}
		done
	} < <(bkt complete --for bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
	COMPREPLY=()
	case $kind in
	files) compopt -o default ;;
	folders) compopt -o dirnames ;;
	esac
	compopt -o nosort 2>/dev/null # bash 4.4 and later
	for i in "${!values[@]}"; do
		printf -v line %q "${values[i]}"
		# Help texts are for lists only: what bash inserts has none.
		if ((${#values[@]} > 1)) && [[ $line == "${values[i]}" && -n ${helps[i]} && $COMP_TYPE == @(33|63|64) ]]; then
			printf -v line '%-*s  (%s)' "$width" "$line" "${helps[i]}"
			((${#line} < ${COLUMNS:-80})) || line="${line:0:${COLUMNS:-80}-2}…"
		fi
		COMPREPLY+=("$line")
	done
}
complete -F _bkt bkt
