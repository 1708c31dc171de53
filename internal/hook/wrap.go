// Package hook has the init hooks of containers: shell commands that distrobox
// runs whenever a container starts.
//
// A hook must be idempotent, and leave a container as one that is created today;
// a [Verdict] says how a hook fails to. [Read] returns the hooks that a manifest
// declares, and [Wrap] prepares one for distrobox. Nothing here checks or runs a
// hook: packages lint and rehearse do.
package hook

import (
	"encoding/base64"
	"fmt"
	"strings"

	"bkt/internal/manifest"
)

// Wrap returns the text of a hook for distrobox: a command that runs the hook in
// its own shell, as root or as the user whose home $HOME is. The shell exits at
// the first error and at an unset variable.
//
// distrobox runs a hook as root and by eval, without quotes around its text: the
// shell joins blanks and replaces patterns with the names of files. Before that,
// its create, a shell script, puts the text between single quotes. So the result
// has no single quote, no pattern, no two blanks in a row and no newline; it can
// be joined to other hooks by "&&". printf restores the text of the hook. A
// subshell is not enough: set -e has no effect in one next to "&&".
func Wrap(h manifest.Hook) string {
	text := escape(h.Run)
	if h.As == "root" {
		return fmt.Sprintf(asRoot, text)
	}
	return fmt.Sprintf(asUser, text)
}

const (
	asRoot = `sh -euc "$(printf %%b "%s")"`

	// The user keeps HOME, which can differ from the one in /etc/passwd, and the
	// PATH of the container. A container without root, or of the user root, has
	// only one user. USER is not read because set -u is on and it can be unset.
	asUser = `( bkt_run="$(printf %%b "%s")"; bkt_user="$(stat -c %%U "$HOME")" || exit; ` +
		`if test "$bkt_user" = root || test "$(id -u)" != 0; then exec sh -euc "$bkt_run"; fi; ` +
		`set -- env HOME="$HOME" PATH="$PATH" USER="$bkt_user" LOGNAME="$bkt_user" sh -euc "$bkt_run"; ` +
		`if command -v runuser >/dev/null; then exec runuser -u "$bkt_user" -- "$@"; fi; ` +
		`if command -v setpriv >/dev/null; then exec setpriv --reuid="$bkt_user" --regid="$(id -g "$bkt_user")" --init-groups -- "$@"; fi; ` +
		`exec su -s /bin/sh "$bkt_user" -c "exec \"\$0\" \"\$@\"" -- "$@" )`
)

// escape encodes text for printf %b between double quotes: no byte of the result
// has a meaning for a shell.
func escape(text string) string {
	var out strings.Builder
	for i, c := range []byte(text) {
		blank := c == ' ' && i > 0 && i < len(text)-1 && text[i-1] != ' '
		if blank || c > ' ' && c != 0x7f && strings.IndexByte("\\'\"$`*?[]!", c) < 0 {
			out.WriteByte(c)
			continue
		}
		fmt.Fprintf(&out, `\0%03o`, c)
	}
	return out.String()
}

// WrapPre returns the text for distrobox of a hook that runs before the container
// is set up, as root. distrobox's create puts that text between double quotes, so
// the result has no quote, no backslash and nothing that a shell expands.
func WrapPre(run string) string {
	return "echo " + base64.StdEncoding.EncodeToString([]byte("set -eu\n"+run+"\n")) + " | base64 -d | sh"
}
