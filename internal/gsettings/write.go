package gsettings

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bkt/internal/gvariant"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/strictjson"
)

// A write sets a key to a value in the format of dconf, or resets it.
type write struct {
	op     plan.Op
	target string // in the user's words
	path   string
	value  string // "": reset
}

// A snapshot has the facts about the system that Plan needs.
type snapshot struct {
	Domain
	db      databases
	schemas *schemas
	busErr  error // the reason why nothing can be set
}

// plan implements Plan of [reconcile.Snapshot]. It sets all keys by one command, and
// resets all by another. dconf accepts all or nothing, so if it refuses, each key is set
// by its own command. A key that dconf is known to refuse is not set.
func (s snapshot) plan(diffs []reconcile.Diff[manifest.Setting]) []plan.Change {
	if s.busErr != nil {
		return []plan.Change{failing(diffs, s.busErr)}
	}
	var p []plan.Change
	writes := map[plan.Op][]write{}
	for _, diff := range diffs {
		w, err := s.write(diff)
		if err != nil {
			p = append(p, plan.Change{Op: w.op, Targets: []string{w.target}, Steps: []plan.Step{plan.Fail{Reason: err}}})
			continue
		}
		writes[w.op] = append(writes[w.op], w)
	}
	p = append(p, s.batch(slices.Concat(writes[plan.Add], writes[plan.Modify]), s.load)...)
	for some := range slices.Chunk(writes[plan.Remove], maxResets) {
		p = append(p, s.batch(some, func(w []write) plan.Step { return s.reset(s.db.name, w) })...)
	}
	return p
}

// maxResets is the largest number of keys in one reset: an argument may have 128 KiB, and
// each byte of a key takes six.
const maxResets = 200

func failing(diffs []reconcile.Diff[manifest.Setting], err error) plan.Change {
	c := plan.Change{Op: plan.Modify, Steps: []plan.Step{plan.Fail{Reason: err}}}
	for _, diff := range diffs {
		c.Targets = append(c.Targets, cmp.Or(diff.Want, diff.Have).Key())
	}
	return c
}

func (s snapshot) write(diff reconcile.Diff[manifest.Setting]) (write, error) {
	if diff.Want == nil {
		return s.removal(*diff.Have)
	}
	w := write{plan.Modify, diff.Want.Key(), s.schemas.path(*diff.Want), ""}
	if diff.Have == nil {
		w.op = plan.Add
	}
	err := allowed(s.db, w.path)
	if err != nil {
		return w, err
	}
	value, err := s.value(s.schemas, *diff.Want)
	if err == nil && w.path == notifyingPrograms {
		value, err = s.withOthers(value)
	}
	if err == nil {
		w.value = value.String()
	}
	return w, err
}

func (s snapshot) removal(have manifest.Setting) (write, error) {
	w := write{plan.Remove, have.Key(), s.schemas.path(have), ""}
	if w.path != notifyingPrograms {
		return w, nil
	}
	others, err := s.others(have)
	if len(others.Inner()) > 0 {
		w.op, w.value = plan.Modify, others.String()
	}
	return w, err
}

// allowed returns an error if a key cannot be set.
func allowed(db databases, path string) error {
	switch {
	case slices.Contains(extensionKeys, path):
		return hint.Add(errors.New("the list of extensions is not a setting"), "declare extensions in %s, and remove this setting from %s", manifest.ExtensionsPath, manifest.SettingsPath)
	case db.locks[path]:
		err := errors.New("the system has locked this key")
		if below, ok, errBelow := db.beneath(path); ok && errBelow == nil {
			err = fmt.Errorf("%w: it is %s", err, below)
		}
		return hint.Add(err, "remove it from %s, or from the locks of the system's dconf database", manifest.SettingsPath)
	}
	return nil
}

// value returns the value of a setting. It is an error if the schema does not allow it.
func (d Domain) value(s *schemas, k manifest.Setting) (gvariant.Value, error) {
	of, err := s.of(k)
	if err != nil {
		return gvariant.Value{}, err
	}
	if of == nil {
		v, err := d.parse("", k.Value)
		return v, hint.Add(err, "in GVariant's text format, a string has quotes: \"'Adwaita'\"")
	}
	known := s.key(of, k.Name)
	if err := s.bad[of.id]; err != nil {
		return gvariant.Value{}, fmt.Errorf("the schema %s cannot be read: %w", of.id, hint.Add(err, recompile))
	}
	v, err := d.parse(known.standard.Type(), k.Value)
	if err == nil {
		err = known.check(v)
	}
	if err != nil {
		err = hint.Add(fmt.Errorf("value %s: %w", k.Value, err), "\"gsettings range %s %s\" prints the allowed values; the default is %s", of.id, k.Name, s.defaults(known)[0])
	}
	return v, err
}

// of returns the schema of a setting, nil if no installed schema has its key. It is an
// error if a named schema does not have it.
func (s *schemas) of(k manifest.Setting) (*schema, error) {
	id, folder := k.Location()
	if id == "" {
		return s.at(folder, k.Name), nil
	}
	of := s.schema(id)
	switch {
	case of == nil:
		return nil, s.absent(id)
	case of.path == "" && folder == "":
		return nil, hint.Add(fmt.Errorf("the schema %s has no path of its own", id), `add "path", the folder of the settings that use it`)
	case of.path != "" && folder != "" && of.path != folder:
		return nil, hint.Add(fmt.Errorf("the schema %s is at %s, not at %s", id, of.path, folder), `remove "path"`)
	case !of.has(k.Name):
		return nil, unknownKey(of, k.Name)
	}
	return of, nil
}

// absent returns an error if the name of a missing schema must be wrong: the schemas of the
// desktop are installed together. Other schemas may come with a program that is not
// installed yet.
func (s *schemas) absent(id string) error {
	const desktop = "org.gnome.desktop."
	if !strings.HasPrefix(id, desktop) || s.schema(desktop+"interface") == nil {
		return nil
	}
	err := fmt.Errorf("schema %s does not exist", id)
	if near, ok := strictjson.Nearest(id, s.names()); ok {
		return hint.Add(err, "did you mean %q?", near)
	}
	return err
}

func unknownKey(of *schema, name string) error {
	err := fmt.Errorf("the schema %s has no key %q", of.id, name)
	if near, ok := strictjson.Nearest(name, of.keys()); ok {
		return hint.Add(err, "did you mean %q?", near)
	}
	return err
}

// batch returns the change for all writes, if there are any.
func (d Domain) batch(all []write, step func([]write) plan.Step) []plan.Change {
	if len(all) == 0 {
		return nil
	}
	c := plan.Change{Op: all[0].op, Steps: []plan.Step{step(all)}}
	for _, w := range all {
		if w.op != c.Op {
			c.Op = plan.Modify
		}
		c.Targets = append(c.Targets, w.target)
		c.Fallback = append(c.Fallback, plan.Change{Op: w.op, Targets: []string{w.target}, Steps: []plan.Step{d.one(w)}})
	}
	if len(all) == 1 && all[0].value != "" {
		c.Fallback = nil
	}
	return []plan.Change{c}
}

func (d Domain) one(w write) plan.Step {
	if w.value == "" {
		return d.run(nil, "dconf", "reset", w.path)
	}
	return d.load([]write{w})
}

// load sets keys by "dconf load".
func (d Domain) load(all []write) plan.Step {
	folders := map[string]string{}
	for _, w := range all {
		i := strings.LastIndexByte(w.path, '/') + 1
		folders[w.path[:i]] += w.path[i:] + "=" + w.value + "\n"
	}
	var text strings.Builder
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		name := strings.Trim(folder, "/")
		if name == "" {
			name = "/"
		}
		fmt.Fprintf(&text, "[%s]\n%s\n", name, folders[folder])
	}
	return d.run([]byte(text.String()), "dconf", "load", "/")
}

// reset resets keys. The program dconf resets one key at a time; its service takes a
// dictionary of keys with optional values.
func (d Domain) reset(database string, all []write) plan.Step {
	var entries []gvariant.Value
	for _, w := range all {
		entries = append(entries, gvariant.NewEntry(gvariant.NewString(w.path), gvariant.Nothing("mv")))
	}
	changes := gvariant.NewBytes(gvariant.NewArray("a{smv}", entries...).Encode())
	return d.run(nil, "gdbus", "call", "--session", "--dest", "ca.desrt.dconf", "--object-path", "/ca/desrt/dconf/Writer/"+database,
		"--method", "ca.desrt.dconf.Writer.Change", changes.String())
}

// run runs a command that uses dconf's service. Without a session bus, it starts one:
// the service writes the same files.
func (d Domain) run(stdin []byte, argv ...string) plan.Run {
	if d.Bus == "" {
		argv = append([]string{"dbus-run-session", "--"}, argv...)
	}
	return plan.Run{Argv: argv, Stdin: stdin}
}
