# Where Debian is to be had from, for scripts that source this.
# shellcheck shell=bash

# mirrors prints the URI of each repository of the running Debian's main
# archive. Other repositories, its security updates among them, have other
# suites than the name of the release, or no component main.
mirrors() {
	local codename sources=/etc/apt/sources.list
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	{ cat "$sources" "$sources".d/*.list 2>/dev/null || true; } |
		sed -n 's/\[[^]]*\]//; s/^deb[[:space:]]\+//p' |
		awk -v suite="$codename" '$2 == suite && $3 == "main" { print $1 }'
	{ cat "$sources".d/*.sources 2>/dev/null || true; } | awk -v suite="$codename" '
		function flush() {
			if (uris != "" && (" " suites " ") ~ (" " suite " ") && (" " components " ") ~ / main /)
				print uris
			uris = suites = components = ""
		}
		/^[[:space:]]*$/ || /^Types:/ { flush() }
		/^URIs:/ { sub(/^URIs:[[:space:]]*/, ""); uris = $1 }
		/^Suites:/ { sub(/^Suites:[[:space:]]*/, ""); suites = $0 }
		/^Components:/ { sub(/^Components:[[:space:]]*/, ""); components = $0 }
		END { flush() }'
}

# mirror prints the mirror to take Debian from: the machine's own, if it has
# one.
mirror() {
	mirrors | sed -n 's,/*$,,; \,^http.*/debian$,p' | head -n 1 | grep . ||
		echo http://deb.debian.org/debian
}
