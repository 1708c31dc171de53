package flatpak

import (
	"slices"
	"strings"

	"bkt/internal/keyfile"
)

// parseOverride returns the permissions in the text of an override.
func parseOverride(text []byte) ([]permission, error) {
	file, err := keyfile.Parse(text)
	if err != nil {
		return nil, err
	}
	unset := keyfile.SplitList(file.Raw(contextGroup, unsetEnvironment))
	var all []permission
	for _, g := range file {
		for _, e := range g.Entries {
			// For old versions of Flatpak, an unset variable is also set to "".
			if g.Name == environment && e.Value == "" && slices.Contains(unset, e.Key) {
				continue
			}
			all = append(all, permissionsOf(g.Name, e)...)
		}
	}
	return all, nil
}

func permissionsOf(group string, e keyfile.Entry) []permission {
	if !isList(group, e.Key) {
		value := e.Value
		if group == environment || group == sessionGroup || group == systemGroup {
			value = keyfile.Unescape(value)
		}
		return []permission{{group, e.Key, "", value}}
	}
	var all []permission
	for _, word := range keyfile.SplitList(e.Value) {
		if word != "" && word != denied { // flatpak ignores these
			all = append(all, listed(group, e.Key, word))
		}
	}
	return all
}

// isList reports whether the value of a key is a known list.
func isList(group, key string) bool {
	return strings.HasPrefix(group, policyPrefix) ||
		slices.ContainsFunc(listOptions, func(o listOption) bool { return o.group == group && o.key == key })
}

// formatOverride returns the text of an override with these permissions.
func formatOverride(all []permission) string {
	var file keyfile.File
	for _, name := range groupsOf(all) {
		file = append(file, keyfile.Group{Name: name, Entries: entriesOf(name, all)})
	}
	return file.String()
}

// groupsOf returns the groups in the order in which Flatpak writes them. Unknown options
// have no group.
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

func entriesOf(group string, all []permission) []keyfile.Entry {
	lists := map[string][]string{}
	values := map[string]string{}
	var keys []string
	for _, p := range all {
		switch {
		case group == environment && p.group == contextGroup && p.key == unsetEnvironment:
			if _, ok := values[p.element]; !ok {
				keys, values[p.element] = append(keys, p.element), ""
			}
		case p.group != group:
		case isList(group, p.key):
			keys, lists[p.key] = append(keys, p.key), append(lists[p.key], word(p))
		case group == environment || group == sessionGroup || group == systemGroup:
			keys, values[p.key] = append(keys, p.key), keyfile.Escape(p.state)
		default:
			keys, values[p.key] = append(keys, p.key), p.state
		}
	}
	slices.Sort(keys)
	var entries []keyfile.Entry
	for _, key := range slices.Compact(keys) {
		if list, ok := lists[key]; ok {
			slices.Sort(list)
			entries = append(entries, keyfile.Entry{Key: key, Value: keyfile.JoinList(list)})
			continue
		}
		entries = append(entries, keyfile.Entry{Key: key, Value: values[key]})
	}
	return entries
}

// word returns an element of a list in the words of the file.
func word(p permission) string {
	if use, ok := strings.CutPrefix(p.state, denied); ok {
		return denied + p.element + use
	}
	return p.element + p.state
}
