package gen

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// unitsSection is the data for systemd-units.tmpl.
type unitsSection struct {
	Manifest string // where units are added
	Verbs    []verb // with units, in the order of the calls of systemctl
	Presets  []preset
}

// A verb is a command of systemctl.
type verb struct {
	Name  string // with its options
	Units []value
}

// A preset is a file of systemd.preset(5). Without it, "systemctl preset-all", as at a
// first boot, would enable a disabled unit again, or disable an enabled one.
type preset struct {
	File  value
	Rules []presetRule
}

type presetRule struct {
	Verb      string
	Unit      value // with the template in the place of an instance
	Instances []value
}

// presetFile returns the file of the presets of a scope, "system" or "user". Its name
// sorts before those of distributions: the first rule for a unit counts.
func presetFile(scope string) string {
	return "/usr/lib/systemd/" + scope + "-preset/01-bkt.preset"
}

// A unitList is a list of units in the manifest.
type unitList struct {
	verb  string
	at    jsontext.Pointer
	units []string
}

func unitsData(in input, t *trace) (any, error) {
	d, err := load[manifest.SystemConfig](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	s := unitsSection{Manifest: in.manifest}
	u := d.Content.Systemd
	system := []unitList{{"unmask", "/systemd/unmask", u.Unmask}, {"enable", "/systemd/enable", u.Enable}, {"disable", "/systemd/disable", u.Disable}, {"mask", "/systemd/mask", u.Mask}}
	user := []unitList{{"enable", "/systemd/user/enable", u.User.Enable}, {"disable", "/systemd/user/disable", u.User.Disable}, {"mask", "/systemd/user/mask", u.User.Mask}}
	s.add("system", "", system, d, t)
	s.add("user", "--global ", user, d, t)
	for _, p := range d.Content.Ignored() {
		name := strings.ReplaceAll(strings.TrimPrefix(string(p), "/"), "/", ".")
		in.warn(warning("no-effect", d.Entry(p, "", ""), name+" has no effect: bkt keeps it and ignores it"))
	}
	return s, errors.Join(in.checkUnitFiles(d), in.checkMasks(d, "/systemd/mask", "system", u.Mask), in.checkMasks(d, "/systemd/user/mask", "user", u.User.Mask))
}

// add adds the units of a scope.
func (s *unitsSection) add(scope, option string, lists []unitList, d manifest.Document[manifest.SystemConfig], t *trace) {
	p := preset{File: value{text: presetFile(scope)}}
	for _, l := range lists {
		if len(l.units) == 0 {
			continue
		}
		units := sorted(values(d, l.at, l.units, t))
		s.Verbs = append(s.Verbs, verb{option + l.verb, units})
		if l.verb == "enable" || l.verb == "disable" {
			for _, unit := range units {
				p.add(l.verb, unit)
			}
		}
	}
	if len(p.Rules) > 0 {
		s.Presets = append(s.Presets, p)
	}
}

// add adds a rule for a unit. Presets have no rule for an instance, only one that
// instantiates its template. If an instance is enabled, that rule disables the others.
func (p *preset) add(verb string, unit value) {
	name, instance := unit.text, ""
	if prefix, rest, ok := strings.Cut(unit.text, "@"); ok {
		if i := strings.LastIndex(rest, "."); i > 0 {
			name, instance = prefix+"@"+rest[i:], rest[:i]
		}
	}
	r := presetRule{Verb: verb, Unit: value{name, unit.entry}}
	i := slices.IndexFunc(p.Rules, func(r presetRule) bool { return r.Unit.text == name })
	if instance == "" || i < 0 {
		if instance != "" && verb == "enable" {
			r.Instances = []value{{instance, unit.entry}}
		}
		p.Rules = append(p.Rules, r)
		return
	}
	if verb == "enable" {
		p.Rules[i].Instances = append(p.Rules[i].Instances, value{instance, unit.entry})
	}
}

// checkMasks returns an error for each masked unit whose file the image puts where the link
// of a mask would be.
func (in input) checkMasks(d manifest.Document[manifest.SystemConfig], list jsontext.Pointer, scope string, units []string) error {
	if len(units) == 0 {
		return nil
	}
	files, err := in.sources(in.manifest)
	if err != nil {
		return err
	}
	var errs []error
	for i, unit := range units {
		link := "/etc/systemd/" + scope + "/" + unit
		for _, f := range files {
			for _, it := range f.found.Items {
				if it.Dest != link || it.Target == "/dev/null" {
					continue
				}
				err := fmt.Errorf("%s: unit %q cannot be masked: files put it to %s (at %s), where the link of a mask would be", d.Entry(strictjson.Item(list, i), "", ""), unit, link, f.entry)
				errs = append(errs, hint.Add(err, "put it to /usr/lib/systemd/%s/%s, or remove it", scope, unit))
			}
		}
	}
	return errors.Join(errs...)
}
