package gen

import (
	"maps"
	"slices"

	"bkt/internal/manifest"

	"github.com/go-json-experiment/json/jsontext"
)

// environmentSection is the data for toolbox-environment.tmpl. The shells of the
// image expand values with a ~, as ENV cannot.
type environmentSection struct {
	Variables, HomeVariables []variable
	Path, HomePath           []value // folders; one of the two is empty
}

func environmentData(in input, t *trace) (any, error) {
	d, err := load[manifest.Containers](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	name, ok := d.Content.Toolbox()
	if !ok {
		return environmentSection{}, nil
	}
	at := jsontext.Pointer("/containers").AppendToken(name)
	return newEnvironment(d, at, d.Content.Containers[name], t), nil
}

func newEnvironment(d manifest.Document[manifest.Containers], at jsontext.Pointer, box manifest.Container, t *trace) environmentSection {
	var s environmentSection
	for _, name := range slices.Sorted(maps.Keys(box.Env)) {
		e := d.Entry((at + "/env").AppendToken(name), name, "")
		v := variable{t.value(name, e), t.value(box.Env[name], e)}
		if manifest.InHome(box.Env[name]) {
			s.HomeVariables = append(s.HomeVariables, v)
			continue
		}
		s.Variables = append(s.Variables, v)
	}
	if len(box.Path) == 0 {
		return s
	}
	folders := values(d, at+"/path", box.Path, t)
	if !slices.Contains(box.Path, "$PATH") {
		folders = append(folders, value{text: "$PATH"})
	}
	if slices.ContainsFunc(box.Path, manifest.InHome) {
		s.HomePath = folders
	} else {
		s.Path = folders
	}
	return s
}
