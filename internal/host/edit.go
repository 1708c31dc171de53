package host

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/gvariant"
	"bkt/internal/keyfile"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
)

// editLists reads the lists again, to keep changes that others have made since the plan was
// made. It edits all lists with one process of each program. It writes with dconf, which
// fails where gsettings would report success without writing.
func editLists(ctx context.Context, e plan.EditLists) error {
	printed, _, err := outputs(ctx, plan.Run{Argv: []string{"gsettings", "list-recursively", e.Schema}})
	if err != nil {
		return err
	}
	text, err := editedLists(e, string(printed))
	if err != nil || text == "" {
		return err
	}
	_, _, err = outputs(ctx, plan.Run{Argv: []string{"dconf", "load", e.Folder}, Stdin: []byte(text)})
	return err
}

// editedLists returns the input for "dconf load", "" if no list changes. printed is the
// output of gsettings: lines of a schema, a key and a value.
func editedLists(e plan.EditLists, printed string) (string, error) {
	values := map[string]string{}
	for line := range strings.Lines(printed) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(words) == 3 && words[0] == e.Schema {
			values[words[1]] = words[2]
		}
	}
	var text strings.Builder
	for _, l := range e.Lists {
		value, ok := values[l.Key]
		if !ok && !l.Optional {
			return "", fmt.Errorf("gsettings does not print %s of %s", l.Key, e.Schema)
		}
		before, err := parseList(value)
		if err != nil {
			return "", fmt.Errorf("gsettings: %s: %w", l.Key, err)
		}
		if after := editList(before, existing(e, l.Add), existing(e, l.Remove)); !slices.Equal(before, after) {
			fmt.Fprintf(&text, "%s=%s\n", l.Key, formatList(after))
		}
	}
	if text.Len() == 0 {
		return "", nil
	}
	return "[/]\n" + text.String(), nil
}

// existing returns the elements that need no path, or whose path exists.
func existing(e plan.EditLists, elements []string) []string {
	return slices.DeleteFunc(slices.Clone(elements), func(element string) bool {
		path, needed := e.Needs[element]
		_, err := os.Stat(path)
		return needed && err != nil
	})
}

func editList(list, add, remove []string) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(element string) bool { return slices.Contains(remove, element) })
	for _, element := range add {
		if !slices.Contains(list, element) {
			list = append(list, element)
		}
	}
	return list
}

func parseList(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	v, err := gvariant.Parse("as", text)
	var all []string
	for _, element := range v.Inner() {
		text, _ := element.Text()
		all = append(all, text)
	}
	return all, err
}

func formatList(elements []string) string {
	var all []gvariant.Value
	for _, element := range elements {
		all = append(all, gvariant.NewString(element))
	}
	return gvariant.NewArray("as", all...).String()
}

// editKeyFile reads the file again, as editLists does.
func editKeyFile(e plan.EditKeyFile) error {
	text, err := plainfile.Read(e.Path, plainfile.MaxText)
	if patherr.IsMissing(err) {
		return nil
	}
	if err != nil {
		return patherr.Reason(err)
	}
	f, err := keyfile.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", e.Path, err)
	}
	if e.LowerKeys {
		lowerKeys(f)
	}
	before := f.String()
	f = slices.DeleteFunc(f, func(g keyfile.Group) bool { return slices.Contains(e.Remove, g.Name) })
	for _, kv := range e.Set {
		var n int
		f, n = f.Open(kv.Group)
		f[n].Set(kv.Key, kv.Value)
	}
	if f.String() == before {
		return nil
	}
	return put(plan.Overwrite{Path: e.Path, Text: []byte(f.String())})
}

func lowerKeys(f keyfile.File) {
	for _, g := range f {
		for i := range g.Entries {
			g.Entries[i].Key = strings.ToLower(g.Entries[i].Key)
		}
	}
}

// checkExpectation returns an error if a folder does not meet an expectation.
func checkExpectation(folder fs.FS, e plan.Expectation) error {
	text, err := fs.ReadFile(folder, e.File)
	fields := map[string]any{}
	if err == nil {
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.UseNumber()
		err = decoder.Decode(&fields)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", e.File, patherr.Reason(err))
	}
	elements, isList := fields[e.Field].([]any)
	if !isList {
		elements = []any{fields[e.Field]}
	}
	if slices.ContainsFunc(elements, func(element any) bool { return isExpected(element, e) }) {
		return nil
	}
	var found []string
	for _, element := range elements {
		if element != nil {
			found = append(found, fmt.Sprint(element))
		}
	}
	if len(found) == 0 {
		found = []string{"none"}
	}
	return fmt.Errorf(e.Wrong, strings.Join(found, ", "))
}

func isExpected(element any, e plan.Expectation) bool {
	switch want := e.Value.(type) {
	case string:
		text, ok := element.(string)
		return ok && (text == want || e.Release && strings.HasPrefix(text, want+"."))
	case uint:
		number, ok := element.(json.Number)
		return ok && number.String() == strconv.FormatUint(uint64(want), 10)
	}
	return false
}
