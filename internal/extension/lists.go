package extension

import (
	"fmt"
	"slices"
	"strings"

	"bkt/internal/gvariant"
	"bkt/internal/plan"
)

const schema = "org.gnome.shell"

const (
	keyEnabled  = "enabled-extensions"
	keyDisabled = "disabled-extensions"
	keyOff      = "disable-user-extensions"
	keyAnyShell = "disable-extension-version-validation"
)

// lists are the shell's settings for extensions.
type lists struct {
	on, not  []string // an extension in both is disabled
	off      bool     // the extensions of the user are switched off
	anyShell bool     // the shell accepts extensions for other versions
}

func (l lists) enabled(id string) bool {
	return slices.Contains(l.on, id) && !slices.Contains(l.not, id)
}

// naming says which lists an extension is in.
type naming struct{ on, not bool }

func (l lists) names(id string) naming {
	return naming{slices.Contains(l.on, id), slices.Contains(l.not, id)}
}

// newLists reads the values of the keys. Some versions of the shell lack some of the keys.
func newLists(values map[string]gvariant.Value) (lists, error) {
	if _, ok := values[keyEnabled]; !ok {
		return lists{}, fmt.Errorf("%s has no %s", schema, keyEnabled)
	}
	for key, t := range map[string]string{keyEnabled: "as", keyDisabled: "as", keyOff: "b", keyAnyShell: "b"} {
		if v, ok := values[key]; ok && v.Type() != t {
			return lists{}, fmt.Errorf("%s %s is %s, which has the wrong type", schema, key, v)
		}
	}
	truth := func(key string) bool {
		v, ok := values[key]
		return ok && v.String() == "true"
	}
	return lists{texts(values[keyEnabled]), texts(values[keyDisabled]), truth(keyOff), truth(keyAnyShell)}, nil
}

func texts(list gvariant.Value) []string {
	var all []string
	for _, e := range list.Inner() {
		text, _ := e.Text()
		all = append(all, text)
	}
	return all
}

// An edit switches extensions on and off.
type edit struct {
	enable, disable []string
	forget          []string          // removed from both lists
	needs           map[string]string // the folders of extensions to install first; without its folder, an extension is skipped
}

func (e *edit) set(want extension) {
	if want.Enabled() {
		e.enable = append(e.enable, want.ID)
	} else {
		e.disable = append(e.disable, want.ID)
	}
}

// step returns the step that edits the settings of the shell.
func (e edit) step() plan.Step {
	return plan.EditLists{
		Schema: schema,
		Folder: "/org/gnome/shell/",
		Lists: []plan.ListEdit{
			{Key: keyEnabled, Add: e.enable, Remove: slices.Concat(e.disable, e.forget)},
			{Key: keyDisabled, Add: e.disable, Remove: slices.Concat(e.enable, e.forget), Optional: true},
		},
		Needs:   e.needs,
		Summary: e.summary(),
	}
}

func (e edit) summary() string {
	var parts []string
	for _, p := range []struct {
		word string
		ids  []string
	}{{"enable", e.enable}, {"disable", e.disable}, {"forget", e.forget}} {
		if len(p.ids) > 0 {
			parts = append(parts, p.word+" "+strings.Join(p.ids, " "))
		}
	}
	return strings.Join(parts, ", ")
}
