// Package secret recognizes values that look like passwords or tokens, so that bkt does not
// write them into a repository. It uses the formats of the tokens of services, the names of
// fields, variables and options, the place of a value in a URL or a command, and whether a
// word looks random. Its results never contain the secrets.
package secret

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// A finding is a place with a possible secret.
type finding struct {
	kind  string // of secret
	where string // the field, variable or option that has it; "": unknown
	value string // only for Mask
}

func (f finding) String() string {
	if f.where == "" {
		return f.kind
	}
	return f.kind + " in " + f.where
}

// Find returns the kind of the first possible secret of an item in JSON, and the field,
// variable or option that has it; "" if it has none. Values in before, the earlier item or
// nil, do not count. names are the names of the item; the last word is the key of a
// setting if the item has no field "key".
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

// All returns the kind and the place of each possible secret of an item.
func All(item []byte) []string {
	var all []string
	for _, f := range of(item, "") {
		all = append(all, f.String())
	}
	return all
}

// hidden replaces a secret in printed texts.
const hidden = "***"

// Mask returns a text without its possible secrets. field is the field of the text in its
// item, such as "flags" or "env.TOKEN"; name is the key of a setting, "" for other items.
func Mask(field, name, text string) string {
	s := scan{setting: name}
	s.field(strings.Split(field, "."), text)
	for _, f := range s.found {
		if f.value == "" || !strings.Contains(text, f.value) {
			return hidden // the text has it in other characters
		}
		text = strings.ReplaceAll(text, f.value, hidden)
	}
	return text
}

// MaskItem returns an item in JSON without its possible secrets.
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
		s.where = "its name" // the name of a setting is in its fields
		s.formats(names)
		s.urls(names)
	}
	return s.found
}

// keyOf returns the key of a setting. A generic key gets the last folder of its path as a
// prefix.
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

// replace returns a value with each string replaced by the result of f, which gets the names
// of the fields on the path to the string.
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
