package gsettings

import (
	"errors"
	"slices"
	"strings"

	"bkt/internal/gvariant"
	"bkt/internal/manifest"
)

// GNOME Shell stores the name of each program that has sent a notification, and a list of
// these programs. Both are captured only for the programs whose notifications the user has
// changed: without them, Settings does not show what has been changed.
const (
	forNotifications  = "/org/gnome/desktop/notifications/application/"
	nameOfProgram     = "application-id"
	notifyingPrograms = "/org/gnome/desktop/notifications/application-children"
)

// isStoredForNotifications reports whether a key is one that the shell stores.
func isStoredForNotifications(path string) bool {
	return path == notifyingPrograms || strings.HasPrefix(path, forNotifications) && strings.HasSuffix(path, "/"+nameOfProgram)
}

// addStored adds what the shell stores for the programs whose notifications are among the
// items.
func (o *observer) addStored() error {
	if len(o.stored) == 0 {
		return nil
	}
	changed := map[string]bool{}
	for _, item := range o.items {
		if path := o.schemas.path(item); strings.HasPrefix(path, forNotifications) {
			changed[strings.TrimSuffix(path, item.Name)] = true
		}
	}
	for _, s := range o.stored {
		path, value := s.folder, s.value
		known, declared := o.known[path]
		if path == notifyingPrograms {
			value = o.relevant(value, known, changed)
			declared = declared || len(value.Inner()) > 0
		} else {
			declared = declared || changed[strings.TrimSuffix(path, nameOfProgram)]
		}
		if !declared {
			o.leave(stored, o.schemas.find(path, value))
			continue
		}
		if err := o.add(path, value); err != nil {
			return err
		}
	}
	return nil
}

// relevant returns the part of the list of programs that is declared, or has items.
func (o *observer) relevant(list gvariant.Value, known manifest.Setting, changed map[string]bool) gvariant.Value {
	if list.Type() != "as" {
		return list
	}
	declared, _ := o.parse("as", known.Value)
	var all []gvariant.Value
	for _, program := range declared.Inner() {
		if has(list, program) {
			all = append(all, program)
		}
	}
	for _, program := range list.Inner() {
		name, _ := program.Text()
		if changed[forNotifications+name+"/"] && !has(declared, program) {
			all = append(all, program)
		}
	}
	return gvariant.NewArray("as", all...)
}

// withOthers returns the list of programs with those that only this system has: the shell
// has stored them.
func (s snapshot) withOthers(wanted gvariant.Value) (gvariant.Value, error) {
	list, _, err := s.db.user.Value(notifyingPrograms)
	all := slices.Clone(list.Inner())
	for _, program := range wanted.Inner() {
		if !has(list, program) {
			all = append(all, program)
		}
	}
	return gvariant.NewArray("as", all...), err
}

// others returns the list of programs without those of a list that is no longer declared.
func (s snapshot) others(gone manifest.Setting) (gvariant.Value, error) {
	list, _, err := s.db.user.Value(notifyingPrograms)
	removed, errParse := s.parse("as", gone.Value)
	isGone := func(program gvariant.Value) bool { return has(removed, program) }
	return gvariant.NewArray("as", slices.DeleteFunc(slices.Clone(list.Inner()), isGone)...), errors.Join(err, errParse)
}
