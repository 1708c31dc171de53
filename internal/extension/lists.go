package extension

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"

	"bkt/internal/gvariant"
	"bkt/internal/plan"

	"github.com/godbus/dbus/v5"
)

const schema = "org.gnome.shell"

var (
	// gsettings gives each key the value that holds: of the user, or else of the
	// databases below, or of the schema; and that of the administrator where the
	// key is locked.
	readSettings = plan.Run{Argv: []string{"gsettings", "list-recursively", schema}}
	// gsettings says that all is well where nothing was written. And this is one
	// process, and one step, for both keys.
	writeSettings = plan.Run{Argv: []string{"dconf", "load", "/org/gnome/shell/"}}
)

const (
	keyEnabled  = "enabled-extensions"
	keyDisabled = "disabled-extensions"
	keyOff      = "disable-user-extensions"
	keyAnyShell = "disable-extension-version-validation"
)

// lists are the settings of the shell that are about extensions.
type lists struct {
	on, not  []string // an extension that is in both is disabled
	off      bool     // the extensions of the user are switched off
	anyShell bool     // an extension may be made for another version of the shell
}

func (l lists) enabled(id string) bool {
	return slices.Contains(l.on, id) && !slices.Contains(l.not, id)
}

// naming says which lists an extension is in.
type naming struct{ on, not bool }

func (l lists) names(id string) naming {
	return naming{slices.Contains(l.on, id), slices.Contains(l.not, id)}
}

// newLists returns what the values of the keys say. Keys that the shell does not
// have, other versions of it do.
func newLists(values map[string]gvariant.Value) (lists, error) {
	if _, ok := values[keyEnabled]; !ok {
		return lists{}, fmt.Errorf("%s has no %s", schema, keyEnabled)
	}
	for key, t := range map[string]string{keyEnabled: "as", keyDisabled: "as", keyOff: "b", keyAnyShell: "b"} {
		if v, ok := values[key]; ok && v.Type() != t {
			return lists{}, fmt.Errorf("%s %s is %s, which is of another type", schema, key, v)
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

// parseLists parses what gsettings prints: lines of a schema, a key and a value.
// Keys that the shell does not have, other versions of it do.
func parseLists(text []byte) (lists, error) {
	var l lists
	var found bool
	for line := range bytes.Lines(text) {
		words := strings.SplitN(strings.TrimSpace(string(line)), " ", 3)
		if len(words) != 3 || words[0] != schema {
			continue
		}
		var err error
		switch words[1] {
		case keyEnabled:
			found = true
			err = parse(words[2], &l.on)
		case keyDisabled:
			err = parse(words[2], &l.not)
		case keyOff:
			err = parse(words[2], &l.off)
		case keyAnyShell:
			err = parse(words[2], &l.anyShell)
		}
		if err != nil {
			return l, fmt.Errorf("gsettings: %s: %w", words[1], err)
		}
	}
	if !found {
		return l, fmt.Errorf("gsettings does not print %s of %s", keyEnabled, schema)
	}
	return l, nil
}

func parse[T any](text string, into *T) error {
	v, err := dbus.ParseVariant(text, dbus.Signature{})
	if err != nil {
		return err
	}
	value, ok := v.Value().(T)
	if !ok {
		return fmt.Errorf("%s is of another type", text)
	}
	*into = value
	return nil
}

// An edit switches extensions on and off.
type edit struct {
	enable, disable []string
	forget          []string          // neither
	places          map[string]string // the folders of those that are installed before: without it, they are left out
}

func (e *edit) set(want extension) {
	if want.Enabled() {
		e.enable = append(e.enable, want.ID)
	} else {
		e.disable = append(e.disable, want.ID)
	}
}

// String says what is switched.
func (e edit) String() string {
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

// Edit implements [plan.Editor]. The lists keep what else is in them, and a list
// that stays as it is, is not written.
func (e edit) Edit(text []byte) ([]byte, error) {
	l, err := parseLists(text)
	if err != nil {
		return nil, err
	}
	enable, disable := e.there(e.enable), e.there(e.disable)
	on := with(without(l.on, disable, e.forget), enable)
	not := with(without(l.not, enable, e.forget), disable)
	var b bytes.Buffer
	if !slices.Equal(on, l.on) {
		fmt.Fprintf(&b, "%s=%s\n", keyEnabled, format(on))
	}
	if !slices.Equal(not, l.not) {
		fmt.Fprintf(&b, "%s=%s\n", keyDisabled, format(not))
	}
	if b.Len() == 0 {
		return nil, nil
	}
	return append([]byte("[/]\n"), b.Bytes()...), nil
}

// there returns those of the extensions that could be installed.
func (e edit) there(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		place, awaited := e.places[id]
		_, err := os.Stat(place)
		return awaited && err != nil
	})
}

func with(ids, more []string) []string {
	for _, id := range more {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func without(ids []string, others ...[]string) []string {
	gone := slices.Concat(others...)
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(gone, id) })
}

// format returns a list in GVariant text.
func format(ids []string) string {
	if len(ids) == 0 {
		return "@as []"
	}
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = quote(id)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteString(`\` + string(r))
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
