package appimage

import (
	"slices"
	"strings"

	"bkt/internal/manifest"
)

// named returns files by the names of their apps: the name in the record, or else the name
// of the file without version and architecture, in the spelling of its declaration. left
// are the files whose name another file has.
func named(files []*file, known []app, records map[string]record) (names map[string]*file, left []*file) {
	names = map[string]*file{}
	rest := slices.Clone(files)
	for _, naming := range []func(*file) string{
		func(f *file) string { return records[f.path].Name },
		func(f *file) string { return knownAs(known, f.stem()) },
		func(f *file) string { return knownAs(known, plainName(f.stem())) },
		func(f *file) string { return usable(plainName(f.stem())) },
		func(f *file) string { return usable(f.stem()) },
	} {
		rest = slices.DeleteFunc(rest, func(f *file) bool {
			name := naming(f)
			if name == "" || names[name] != nil {
				return false
			}
			names[name] = f
			return true
		})
	}
	return names, rest
}

// knownAs returns the name of the known app with a name in any spelling, "" if none.
func knownAs(known []app, name string) string {
	for _, a := range known {
		if strings.EqualFold(a.Name, name) {
			return a.Name
		}
	}
	return ""
}

// usable returns a name in a form that manifests allow, "" if they allow none.
func usable(name string) string {
	name = strings.TrimLeft(strings.TrimSpace(name), ".-")
	if manifest.Check(app{Name: name}) != nil {
		return ""
	}
	return name
}

// plainName removes versions and architectures from the end of the name of a file.
func plainName(stem string) string {
	name := stem
	for {
		shorter := name
		for _, words := range architectures {
			for _, w := range words {
				shorter = trimWord(shorter, w)
			}
		}
		if i := strings.LastIndexAny(shorter, "-_ "); i > 0 && isVersion(shorter[i+1:]) {
			shorter = shorter[:i]
		}
		if shorter == name || shorter == "" {
			return name
		}
		name = shorter
	}
}

func trimWord(name, word string) string {
	n := len(name) - len(word)
	if n > 1 && strings.EqualFold(name[n:], word) && strings.ContainsRune("-_. ", rune(name[n-1])) {
		return name[:n-1]
	}
	return name
}

func isVersion(word string) bool {
	word = strings.TrimPrefix(strings.ToLower(word), "v")
	return word != "" && word[0] >= '0' && word[0] <= '9'
}
