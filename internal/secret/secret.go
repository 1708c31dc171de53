// Package secret tells what looks like a password or a token. It is for what is
// written into a repository: it goes by the forms that services give to their
// tokens, by the names of fields, variables and options, by where in a URL or a
// command a value stands, and by whether a word looks random. It never repeats
// what it has found.
package secret

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// A finding is one place that seems to hold a secret.
type finding struct {
	kind  string // what it seems to be
	where string // the field, variable or option that holds it; "": not known
	value string // which is for Mask alone
}

func (f finding) String() string {
	if f.where == "" {
		return f.kind
	}
	return f.kind + " in " + f.where
}

// Find returns what kind of secret an item, in JSON, seems to hold, and in which of
// its fields, variables or options: "" for none. What the item held before, which
// may be nil, is no secret any more. names are what the item is called, of which
// the last word is the key of a setting, where the item has no field "key".
func Find(item, before []byte, names ...string) string {
	found := of(item, strings.Join(names, " "))
	if len(found) == 0 {
		return ""
	}
	known := map[string]bool{}
	for _, f := range of(before, strings.Join(names, " ")) {
		known[f.value] = true
	}
	for _, f := range found {
		if !known[f.value] || len(found) == maxFound {
			return f.String()
		}
	}
	return ""
}

// All returns of each secret that an item seems to hold what kind it is, and
// where it stands.
func All(item []byte) []string {
	var all []string
	for _, f := range of(item, "") {
		all = append(all, f.String())
	}
	return all
}

// hidden stands for a secret in what is shown.
const hidden = "***"

// Mask returns a text without the secrets that it seems to hold. field is the
// field of an item that it is from, such as "flags" or "env.TOKEN"; name is the
// key of a setting, and "" for all else.
func Mask(field, name, text string) string {
	s := scan{setting: name}
	s.field(strings.Split(field, "."), text)
	for _, f := range s.found {
		if f.value == "" || !strings.Contains(text, f.value) {
			return hidden // it is written in other characters there
		}
		text = strings.ReplaceAll(text, f.value, hidden)
	}
	return text
}

// MaskItem returns an item in JSON without the secrets that it seems to hold.
func MaskItem(item []byte) []byte {
	var value any
	if json.Unmarshal(item, &value) != nil || len(of(item, "")) == 0 {
		return item
	}
	name := keyOf(value, "")
	masked, err := json.Marshal(replace(value, nil, func(path []string, text string) string {
		return Mask(strings.Join(path, "."), name, text)
	}))
	if err != nil {
		return []byte("null")
	}
	return masked
}

func of(item []byte, names string) []finding {
	if len(item) == 0 {
		return nil
	}
	var value any
	s := scan{}
	if json.Unmarshal(item, &value) != nil {
		s.field([]string{"value"}, string(item))
		return s.found
	}
	s.setting = keyOf(value, names)
	replace(value, nil, func(path []string, text string) string {
		s.field(path, text)
		return text
	})
	if object, _ := value.(map[string]any); names != "" && object["key"] == nil {
		s.where = "its name" // a setting has its name in its fields
		s.formats(names)
		s.urls(names)
	}
	return s.found
}

// keyOf returns the key of an item that is a setting: where it can be at several
// places, the last folder of its path comes first.
func keyOf(item any, names string) string {
	object, _ := item.(map[string]any)
	key, _ := object["key"].(string)
	if key == "" {
		return names[strings.LastIndexByte(names, ' ')+1:]
	}
	if generic()[key] {
		path, _ := object["path"].(string)
		path = strings.TrimSuffix(path, "/")
		return path[strings.LastIndexByte(path, '/')+1:] + "-" + key
	}
	return key
}

// replace returns a value with each of its strings replaced by what f returns,
// which is told the names of the fields on the way there.
func replace(value any, path []string, f func(path []string, text string) string) any {
	switch v := value.(type) {
	case string:
		return f(path, v)
	case []any:
		all := make([]any, len(v))
		for i, e := range v {
			all[i] = replace(e, path, f)
		}
		return all
	case map[string]any:
		all := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			all[name] = replace(v[name], append(slices.Clone(path), name), f)
		}
		return all
	}
	return value
}
