// Package hook has what is common to all that deals with the init hooks of boxes:
// shell commands that distrobox runs whenever a box starts.
//
// A hook is idempotent, and leaves a box as one that is made today would be; a
// [Verdict] says which half of that one breaks. [Wrap] makes a hook ready for
// distrobox. Nothing here runs a hook.
package hook

import (
	"encoding/base64"
	"fmt"
	"strings"

	"bkt/internal/manifest"
)

// Wrap returns the text that distrobox is given for a hook: a command that runs
// it in a shell of its own, which ends at the first error and at a variable that
// is not set, as root or as the user whose home $HOME is.
//
// distrobox runs a hook as root and by eval, without quotes around its text: by
// then, blanks are joined and what looks like a pattern has become the names of
// files. And its create, as a shell script, has put the text between single
// quotes. So there is none of all that in what Wrap returns, and no newline: it
// can be joined to other hooks by "&&". The hook is written for printf, which
// makes it what it was. A subshell would not do: behind or before "&&", set -e
// has no effect in one.
func Wrap(h manifest.Hook) string {
	text := escape(h.Run)
	if h.As == "root" {
		return fmt.Sprintf(asRoot, text)
	}
	return fmt.Sprintf(asUser, text)
}

const (
	asRoot = `sh -euc "$(printf %%b "%s")"`

	// The user has its own HOME, which need not be that of /etc/passwd, and the
	// PATH of the box. A box without root, or of root, has one user only. That
	// set -u is on while this runs is why USER is not asked for.
	asUser = `( bkt_run="$(printf %%b "%s")"; bkt_user="$(stat -c %%U "$HOME")" || exit; ` +
		`if test "$bkt_user" = root || test "$(id -u)" != 0; then exec sh -euc "$bkt_run"; fi; ` +
		`set -- env HOME="$HOME" PATH="$PATH" USER="$bkt_user" LOGNAME="$bkt_user" sh -euc "$bkt_run"; ` +
		`if command -v runuser >/dev/null; then exec runuser -u "$bkt_user" -- "$@"; fi; ` +
		`if command -v setpriv >/dev/null; then exec setpriv --reuid="$bkt_user" --regid="$(id -g "$bkt_user")" --init-groups -- "$@"; fi; ` +
		`exec su -s /bin/sh "$bkt_user" -c "exec \"\$0\" \"\$@\"" -- "$@" )`
)

// escape writes text for printf %b between double quotes, with nothing in it
// that a shell or a pattern takes for anything else.
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

// WrapPre returns the text that distrobox is given for a hook that runs before
// the box is set up, as root. distrobox's create puts that text between double
// quotes, so that there is neither a quote nor a backslash, and nothing that a
// shell expands, in what WrapPre returns.
func WrapPre(run string) string {
	return "echo " + base64.StdEncoding.EncodeToString([]byte("set -eu\n"+run+"\n")) + " | base64 -d | sh"
}
