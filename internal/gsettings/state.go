package gsettings

import (
	_ "embed"
	"path"
	"slices"
	"strings"
	"sync"
)

// Keys that programs change by themselves while they are used were not chosen by the user,
// and keys that tell who or where someone is are private. Neither is captured unless it is
// declared: state.tsv lists them. Keys with a password are not in it: capture asks about
// them, or names them.

// These are the reasons why a capture leaves a key out.
const (
	stored  = "values that programs store"
	private = "private values"
)

// extensions is the folder of the settings of extensions. Their names are not like those of
// programs: "window-size" is often the wish for the size of a preview.
const extensions = "/org/gnome/shell/extensions/"

// extensionKeys are the keys that belong to the domain of extensions.
var extensionKeys = []string{
	"/org/gnome/shell/enabled-extensions", "/org/gnome/shell/disabled-extensions", "/org/gnome/shell/disable-user-extensions",
}

//go:embed state.tsv
var stateText string

// states is the table in state.tsv. Only a command that reads settings needs it.
var states = sync.OnceValue(func() stateTable { return parseStates(stateText) })

// A stateTable has the keys that are not captured.
type stateTable struct {
	folders  map[string]map[string]string // by folder of dconf and key: the reason
	patterns []string                     // the folders with a "*"
}

// parseStates parses the lines "FOLDER KIND KEYS SCHEMA PACKAGE MEANING", which are
// separated by tabs. "#" begins a comment.
func parseStates(text string) stateTable {
	t := stateTable{folders: map[string]map[string]string{}}
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) < 3 || strings.HasPrefix(line, "#") {
			continue
		}
		folder, reason := fields[0], stored
		if fields[1] == "private" {
			reason = private
		}
		if t.folders[folder] == nil {
			t.folders[folder] = map[string]string{}
			if strings.Contains(folder, "*") {
				t.patterns = append(t.patterns, folder)
			}
		}
		for name := range strings.FieldsSeq(fields[2]) {
			t.folders[folder][name] = reason
		}
	}
	return t
}

// leaves returns the reason why a key is not captured, "" if it is. knows reports whether
// the table has other keys of its folder.
func (t stateTable) leaves(folder, name string) (reason string, knows bool) {
	keys, knows := t.folders[folder]
	if reason = keys[name]; reason != "" {
		return reason, true
	}
	for _, pattern := range t.patterns {
		if fits, _ := path.Match(pattern, folder); fits { // the patterns are right
			knows = true
			if reason = t.folders[pattern][name]; reason != "" {
				return reason, true
			}
		}
	}
	return "", knows
}

// leavesOut returns the reason why a key of dconf with a value of this type is not
// captured, "" if it is.
func leavesOut(key, valueType string) string {
	folder, name := path.Split(key)
	reason, knows := states().leaves(folder, name)
	if reason == "" && !knows && !strings.HasPrefix(key, extensions) && isCommonState(folder, name, valueType) {
		return stored
	}
	return reason
}

// The names of keys that practically every program with a window uses for the same state,
// by the types that such a key can have. For programs that the table does not know.
var commonState = []struct {
	types, names []string
}{
	{numbers, []string{"window-width", "window-height", "window-x", "window-y", "sidebar-width", "paned-position"}},
	{pairs, []string{"window-size", "window-position", "last-window-size"}},
	{[]string{"b"}, []string{
		"window-maximized", "window-is-maximized", "is-maximized", "maximized", "window-fullscreen", "window-is-fullscreen", "first-run",
	}},
	{append(numbers, "(iii)", "(iiii)", "(iib)", "(iiiib)"), []string{"window-state", "window-geometry", "geometry"}},
	{texts, []string{"last-folder", "last-folder-uri", "last-folder-path", "last-directory", "last-save-directory", "last-open-directory"}},
	{[]string{"as"}, []string{"recent-files"}},
}

// The same for keys in a folder of the window's own, such as ".../state/window/".
var commonOfWindow = []struct {
	types, names []string
}{
	{numbers, []string{"width", "height", "x", "y"}},
	{pairs, []string{"size", "position"}},
	{[]string{"b"}, []string{"fullscreen"}},
}

var (
	numbers = []string{"i", "u", "n", "q", "x", "t"}
	pairs   = []string{"(ii)", "(uu)", "(nn)", "(qq)", "ai", "au"}
	texts   = []string{"s", "ms"}
)

// isCommonState reports whether a key is state in practically every program.
func isCommonState(folder, name, valueType string) bool {
	kinds := commonState
	if base := path.Base(folder); base == "window" || base == "window-state" {
		kinds = slices.Concat(commonState, commonOfWindow)
	}
	for _, kind := range kinds {
		if slices.Contains(kind.names, name) {
			return slices.Contains(kind.types, valueType)
		}
	}
	return false
}
