package gen

import (
	"strings"

	"bkt/internal/manifest"

	"github.com/go-json-experiment/json/jsontext"
)

// unitsSection is the data for systemd-units.tmpl.
type unitsSection struct {
	Manifest string // where units are added
	Verbs    []verb // with units, in the order of the calls of systemctl
}

// A verb is a command of systemctl.
type verb struct {
	Name  string
	Units []value
}

func unitsData(in input, t *trace) (any, error) {
	d, err := load[manifest.SystemConfig](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	s := unitsSection{Manifest: in.manifest}
	systemd := d.Content.Systemd
	for _, v := range []struct {
		name  string
		units []string
	}{{"enable", systemd.Enable}, {"disable", systemd.Disable}, {"mask", systemd.Mask}} {
		if len(v.units) > 0 {
			at := jsontext.Pointer("/systemd/" + v.name)
			s.Verbs = append(s.Verbs, verb{v.name, sorted(values(d, at, v.units, t))})
		}
	}
	for _, p := range d.Content.Ignored() {
		name := strings.ReplaceAll(strings.TrimPrefix(string(p), "/"), "/", ".")
		in.warn(warning("no-effect", d.Entry(p, "", ""), name+" has no effect: bkt keeps it and ignores it"))
	}
	return s, in.checkUnitFiles(d)
}
