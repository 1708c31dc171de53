package appimage

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"bkt/internal/keyfile"
)

const (
	actionPrefix = "Desktop Action "
	keyVersion   = "X-AppImage-Version"

	// ours is the key that marks the desktop entries of bkt. Its value is the name of
	// the app.
	ours = "X-Bkt-AppImage"
)

// dropped are keys of a desktop entry that describe the image, or would start another
// program than the file.
var dropped = []string{"Exec", "TryExec", "Icon", "Path", "DBusActivatable", "Hidden", "X-AppImage-Integrate", "X-AppImage-Name", ours, keyOwn}

// integrates reports whether the desktop entry of an image asks for an entry in the menu.
func integrates(entry keyfile.File) bool {
	return entry != nil &&
		!strings.EqualFold(entry.Get(desktopGroup, "X-AppImage-Integrate"), "false") &&
		entry.Get(desktopGroup, "NoDisplay") != "true"
}

// desktopEntry returns the desktop entry of a file, from the entry in its
// image. icon and version may be empty; a version in the image takes precedence. added is
// what the user has added to the command.
func desktopEntry(entry keyfile.File, name, file, icon, version string, added launch) (keyfile.File, error) {
	for _, s := range []string{name, file, icon, version} {
		if strings.ContainsFunc(s, unicode.IsControl) {
			return nil, fmt.Errorf("%q has a control character, which desktop entries cannot have", s)
		}
	}
	var out keyfile.File
	for _, g := range entry {
		if g.Name != desktopGroup && !strings.HasPrefix(g.Name, actionPrefix) {
			continue
		}
		made, err := entryGroup(g, file, added)
		if err != nil {
			return nil, err
		}
		out = append(out, made)
	}
	out, main := out.Open(desktopGroup)
	out[main].Set("TryExec", keyfile.Escape(file))
	if icon != "" {
		out[main].Set("Icon", keyfile.Escape(icon))
	}
	if version != "" && out.Raw(desktopGroup, keyVersion) == "" {
		out[main].Set(keyVersion, keyfile.Escape(version))
	}
	out[main].Set("X-AppImage-Name", keyfile.Escape(name))
	out[main].Set(ours, keyfile.Escape(name))
	return out, nil
}

func entryGroup(g keyfile.Group, file string, added launch) (keyfile.Group, error) {
	made := keyfile.Group{Name: g.Name}
	for _, e := range g.Entries {
		switch name, _, _ := strings.Cut(e.Key, "["); {
		case strings.ContainsFunc(g.Name+e.Key+e.Value, unicode.IsControl):
			return made, errors.New("its desktop entry has control characters")
		case e.Key == "Exec":
			made.Set("Exec", keyfile.Escape(added.command(file, keyfile.Unescape(e.Value))))
			made.Set(keyOwn, e.Value)
		case !isDropped(name):
			made.Entries = append(made.Entries, e)
		}
	}
	return made, nil
}

func isDropped(key string) bool {
	for _, d := range dropped {
		if key == d {
			return true
		}
	}
	return false
}

// execWords splits a command line according to the Desktop Entry Specification.
func execWords(line string) []string {
	var words []string
	var word strings.Builder
	quoted, begun := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			quoted, begun = !quoted, true
		case c == '\\' && quoted && i+1 < len(line):
			i++
			word.WriteByte(line[i])
		case c == ' ' && !quoted:
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	if begun {
		words = append(words, word.String())
	}
	return words
}

var execEscaper = strings.NewReplacer(`"`, `\"`, "`", "\\`", `$`, `\$`, `\`, `\\`)

// quoteExec quotes an argument according to the Desktop Entry Specification. Field codes,
// such as %U, must not be quoted.
func quoteExec(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n\"'\\><~|&;$*?#()`") {
		return word
	}
	return `"` + execEscaper.Replace(word) + `"`
}
