// Package keyfile reads and writes key files: those of Flatpak, desktop entries, and files
// with a similar format.
package keyfile

import (
	"fmt"
	"slices"
	"strings"
)

// A File is a file of groups, keys and values in their order; see the Desktop Entry
// Specification and GLib's GKeyFile.
type File []Group

// A Group has its entries in the order of the file.
type Group struct {
	Name    string
	Entries []Entry
}

// An Entry has a raw value: see [Unescape] and [SplitList].
type Entry struct{ Key, Value string }

// Parse parses the text of a key file, and drops comments. An error has the number of the
// line and not its text, which may be a part of a secret.
func Parse(text []byte) (File, error) {
	var f File
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
				return nil, fmt.Errorf("line %d is not a group", n)
			}
			f, last = f.Open(name)
		case !isEntry || len(f) == 0 || strings.TrimSpace(key) == "":
			return nil, fmt.Errorf("line %d is neither a group nor an entry of one", n)
		default:
			f[last].Set(strings.TrimRight(key, " \t"), strings.TrimLeft(value, " \t"))
		}
	}
	return f, nil
}

// Open returns the file with the group, and the index of the group. If the file has a group
// twice, both are one group.
func (f File) Open(name string) (File, int) {
	if i := slices.IndexFunc(f, func(g Group) bool { return g.Name == name }); i >= 0 {
		return f, i
	}
	return append(f, Group{Name: name}), len(f)
}

// Set sets the value of a key, and replaces an earlier one.
func (g *Group) Set(key, value string) {
	if i := slices.IndexFunc(g.Entries, func(e Entry) bool { return e.Key == key }); i >= 0 {
		g.Entries[i].Value = value
		return
	}
	g.Entries = append(g.Entries, Entry{key, value})
}

// Get returns the value of a key as a string, "" if it has none.
func (f File) Get(group, key string) string { return Unescape(f.Raw(group, key)) }

// Raw returns the raw value of a key, "" if it has none.
func (f File) Raw(group, key string) string {
	for _, g := range f {
		for _, e := range g.Entries {
			if g.Name == group && e.Key == key {
				return e.Value
			}
		}
	}
	return ""
}

// String returns the text of the file.
func (f File) String() string {
	var out strings.Builder
	for _, g := range f {
		fmt.Fprintf(&out, "[%s]\n", g.Name)
		for _, e := range g.Entries {
			fmt.Fprintf(&out, "%s=%s\n", e.Key, e.Value)
		}
		out.WriteString("\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

var (
	unescaper = strings.NewReplacer(`\s`, " ", `\n`, "\n", `\t`, "\t", `\r`, "\r", `\;`, ";", `\\`, `\`)
	escaper   = strings.NewReplacer("\n", `\n`, "\t", `\t`, "\r", `\r`, `\`, `\\`)
)

// Unescape returns the string of a raw value.
func Unescape(s string) string { return unescaper.Replace(s) }

// Escape returns the raw value of a string. It escapes a blank at the start, which would be
// lost.
func Escape(s string) string {
	escaped := escaper.Replace(s)
	if rest, ok := strings.CutPrefix(escaped, " "); ok {
		return `\s` + rest
	}
	return escaped
}

// SplitList returns the elements of a list. The last one may lack its semicolon.
func SplitList(value string) []string {
	var all []string
	start := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case ';':
			all = append(all, Unescape(value[start:i]))
			start = i + 1
		}
	}
	if start < len(value) {
		all = append(all, Unescape(value[start:]))
	}
	return all
}

// JoinList returns the raw value of a list.
func JoinList(elements []string) string {
	var out strings.Builder
	for _, e := range elements {
		out.WriteString(strings.ReplaceAll(Escape(e), ";", `\;`) + ";")
	}
	return out.String()
}
