package services

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/plainfile"
)

// rules are the rules of presets; see systemd.preset(5). The first rule that matches a
// unit counts.
type rules []rule

type rule struct {
	enable    bool
	pattern   string
	glob      string   // the pattern for path.Match
	instances []string // of the template in pattern
}

// readRules reads the presets in folders, in the order of the file names. Of files with
// the same name, the one in the first folder counts.
func readRules(dirs []string) (rules, error) {
	files := map[string]string{}
	for _, dir := range slices.Backward(dirs) {
		entries, err := read(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if filepath.Ext(e.Name()) == ".preset" {
				files[e.Name()] = filepath.Join(dir, e.Name())
			}
		}
	}
	var all rules
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text, err := plainfile.Read(files[name], plainfile.MaxText) // a link to /dev/null is empty
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		all = append(all, parseRules(string(text))...)
	}
	return all, nil
}

// parseRules parses the text of a preset. Like systemd, it ignores unknown lines.
func parseRules(text string) rules {
	var all rules
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || (words[0] != "enable" && words[0] != "disable") {
			continue
		}
		r := rule{enable: words[0] == "enable", pattern: words[1], glob: glob(words[1])}
		if r.enable {
			r.instances = words[2:]
		}
		all = append(all, r)
	}
	return all
}

// enable reports whether the presets enable a unit, and whether they mention it. They
// enable units that they do not mention.
func (all rules) enable(name string) (enable, mentioned bool) {
	for _, r := range all {
		if r.matches(name) {
			return r.enable, true
		}
	}
	return true, false
}

func (r rule) matches(name string) bool {
	if len(r.instances) > 0 && r.pattern == template(name) {
		return slices.ContainsFunc(r.instances, func(i string) bool { return instantiate(r.pattern, i) == name })
	}
	ok, err := path.Match(r.glob, name)
	return ok || err != nil && r.pattern == name
}

// glob returns a pattern of presets, in which backslashes are literal, for [path.Match].
func glob(pattern string) string {
	return strings.NewReplacer(`\`, `\\`, "[!", "[^").Replace(pattern)
}
