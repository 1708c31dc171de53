package flatpak

import (
	"fmt"
	"slices"
	"strings"
)

// A keyFile is a file of groups, keys and values, by the Desktop Entry
// Specification and GLib's GKeyFile. The order is that of the file.
type keyFile []group

type group struct {
	name    string
	entries []entry
}

// An entry has its value as the file has it: see unescape and splitList.
type entry struct{ key, value string }

// parseKeyFile parses the text of a key file. Comments are left out.
func parseKeyFile(text []byte) (keyFile, error) {
	var f keyFile
	n, last := 0, 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimRight(strings.TrimLeft(line, " \t"), "\r\n")
		key, value, isEntry := strings.Cut(line, "=")
		switch {
		case line == "", line[0] == '#':
		case line[0] == '[':
			name, ok := strings.CutSuffix(strings.TrimRight(line[1:], " \t"), "]")
			if !ok || name == "" || strings.ContainsAny(name, "[]") {
				return nil, fmt.Errorf("line %d is no group: %q", n, line)
			}
			f, last = f.open(name)
		case !isEntry || len(f) == 0 || strings.TrimSpace(key) == "":
			return nil, fmt.Errorf("line %d is neither a group nor an entry of one: %q", n, line)
		default:
			f[last].set(strings.TrimRight(key, " \t"), strings.TrimLeft(value, " \t"))
		}
	}
	return f, nil
}

// open returns the file with the group and where it stands. A group that stands
// there twice is one.
func (f keyFile) open(name string) (keyFile, int) {
	if i := slices.IndexFunc(f, func(g group) bool { return g.name == name }); i >= 0 {
		return f, i
	}
	return append(f, group{name: name}), len(f)
}

// set gives a key its value. Of two, the last one holds.
func (g *group) set(key, value string) {
	if i := slices.IndexFunc(g.entries, func(e entry) bool { return e.key == key }); i >= 0 {
		g.entries[i].value = value
		return
	}
	g.entries = append(g.entries, entry{key, value})
}

// get returns the value of a key, "" if it has none.
func (f keyFile) get(group, key string) string {
	for _, g := range f {
		for _, e := range g.entries {
			if g.name == group && e.key == key {
				return unescape(e.value)
			}
		}
	}
	return ""
}

// String returns the text of the file.
func (f keyFile) String() string {
	var out strings.Builder
	for _, g := range f {
		fmt.Fprintf(&out, "[%s]\n", g.name)
		for _, e := range g.entries {
			fmt.Fprintf(&out, "%s=%s\n", e.key, e.value)
		}
		out.WriteString("\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

var (
	unescaper = strings.NewReplacer(`\s`, " ", `\n`, "\n", `\t`, "\t", `\r`, "\r", `\;`, ";", `\\`, `\`)
	escaper   = strings.NewReplacer("\n", `\n`, "\t", `\t`, "\r", `\r`, `\`, `\\`)
)

func unescape(s string) string { return unescaper.Replace(s) }

// escape returns a string as a value. A blank at the start would be lost.
func escape(s string) string {
	escaped := escaper.Replace(s)
	if rest, ok := strings.CutPrefix(escaped, " "); ok {
		return `\s` + rest
	}
	return escaped
}

// splitList returns the elements of a value that is a list. The last may lack
// its semicolon.
func splitList(value string) []string {
	var all []string
	start := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case ';':
			all = append(all, unescape(value[start:i]))
			start = i + 1
		}
	}
	if start < len(value) {
		all = append(all, unescape(value[start:]))
	}
	return all
}

// joinList returns elements as a value that is a list.
func joinList(elements []string) string {
	var out strings.Builder
	for _, e := range elements {
		out.WriteString(strings.ReplaceAll(escape(e), ";", `\;`) + ";")
	}
	return out.String()
}
