#compdef bkt
# Completion of bkt for zsh.
_bkt() {
	local -a lines
	lines=("${(@f)$(bkt complete --for zsh -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
	local kind=$lines[1]
	shift lines
	case $kind in
	files | folders)
		[[ $PREFIX == --*=* ]] && compset -P '*='
		if [[ $kind == files ]]; then _files; else _files -/; fi
		;;
	*) _describe -V bkt lines ;;
	esac
}
if [[ $funcstack[1] == _bkt ]]; then _bkt "$@"; else compdef _bkt bkt; fi
