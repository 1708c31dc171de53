package flatpak

import (
	"slices"
	"strings"
)

// parseOverride returns what the text of an override says.
func parseOverride(text []byte) ([]permission, error) {
	file, err := parseKeyFile(text)
	if err != nil {
		return nil, err
	}
	unset := splitList(rawValue(file, contextGroup, unsetEnvironment))
	var all []permission
	for _, g := range file {
		for _, e := range g.entries {
			// For old versions, a variable that is unset is also set to nothing.
			if g.name == environment && e.value == "" && slices.Contains(unset, e.key) {
				continue
			}
			all = append(all, permissionsOf(g.name, e)...)
		}
	}
	return all, nil
}

func rawValue(f keyFile, group, key string) string {
	for _, g := range f {
		for _, e := range g.entries {
			if g.name == group && e.key == key {
				return e.value
			}
		}
	}
	return ""
}

func permissionsOf(group string, e entry) []permission {
	if !isList(group, e.key) {
		value := e.value
		if group == environment || group == sessionGroup || group == systemGroup {
			value = unescape(value)
		}
		return []permission{{group, e.key, "", value}}
	}
	var all []permission
	for _, word := range splitList(e.value) {
		if word != "" && word != denied { // which means nothing to flatpak
			all = append(all, listed(group, e.key, word))
		}
	}
	return all
}

// isList reports whether the value of a key is a list that we know.
func isList(group, key string) bool {
	return strings.HasPrefix(group, policyPrefix) ||
		slices.ContainsFunc(listOptions, func(o listOption) bool { return o.group == group && o.key == key })
}

// formatOverride returns the text of an override that says all of these.
func formatOverride(all []permission) string {
	var file keyFile
	for _, name := range groupsOf(all) {
		file = append(file, group{name, entriesOf(name, all)})
	}
	return file.String()
}

// groupsOf returns the groups in the order in which Flatpak writes them. What is
// in none is an option that we do not know.
func groupsOf(all []permission) []string {
	known := []string{contextGroup, sessionGroup, systemGroup, environment}
	var others []string
	has := map[string]bool{}
	for _, p := range all {
		if !has[p.group] && !slices.Contains(known, p.group) {
			others = append(others, p.group)
		}
		has[p.group] = true
		has[environment] = has[environment] || p.key == unsetEnvironment
	}
	slices.Sort(others)
	return slices.DeleteFunc(append(known, others...), func(g string) bool { return g == "" || !has[g] })
}

func entriesOf(group string, all []permission) []entry {
	lists := map[string][]string{}
	values := map[string]string{}
	var keys []string
	for _, p := range all {
		switch {
		case group == environment && p.group == contextGroup && p.key == unsetEnvironment:
			keys, values[p.element] = append(keys, p.element), ""
		case p.group != group:
		case isList(group, p.key):
			keys, lists[p.key] = append(keys, p.key), append(lists[p.key], word(p))
		case group == environment || group == sessionGroup || group == systemGroup:
			keys, values[p.key] = append(keys, p.key), escape(p.state)
		default:
			keys, values[p.key] = append(keys, p.key), p.state
		}
	}
	slices.Sort(keys)
	var entries []entry
	for _, key := range slices.Compact(keys) {
		if list, ok := lists[key]; ok {
			slices.Sort(list)
			entries = append(entries, entry{key, joinList(list)})
			continue
		}
		entries = append(entries, entry{key, values[key]})
	}
	return entries
}

// word returns an element of a list as the file has it.
func word(p permission) string {
	if use, ok := strings.CutPrefix(p.state, denied); ok {
		return denied + p.element + use
	}
	return p.element + p.state
}
