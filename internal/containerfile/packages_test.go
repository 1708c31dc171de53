package containerfile

import (
	"fmt"
	"strings"
	"testing"

	"bkt/gen"
	"bkt/internal/hint"
	"bkt/internal/manifest"
)

// A transcript is a [Log] that keeps everything.
type transcript []string

func (l *transcript) Warn(warnings []error) {
	for _, w := range warnings {
		*l = append(*l, "warning: "+w.Error())
	}
}
func (l *transcript) Note(format string, args ...any) { *l = append(*l, fmt.Sprintf(format, args...)) }

func TestPackages(t *testing.T) {
	for _, test := range []struct {
		name             string
		edit             func(Log, *manifest.Packages) error
		packages, groups string
		messages         string
	}{
		{name: "add", edit: func(l Log, p *manifest.Packages) error { return AddPackages(l, p, []string{"jq", "fish", "@new"}) },
			packages: "jq @odd fish", groups: "editors new", messages: "jq is in the manifest already"},
		{name: "add a group that is there", edit: func(l Log, p *manifest.Packages) error {
			return AddPackages(l, p, []string{"@odd", "@editors"})
		},
			packages: "jq @odd", groups: "editors", messages: "@odd is in the manifest already\n@editors is in the manifest already"},
		{name: "add what is no package", edit: func(l Log, p *manifest.Packages) error {
			return AddPackages(l, p, []string{"a;b", "fish", "--yes"})
		},
			packages: "jq @odd a;b fish --yes", groups: "editors",
			messages: "error: package \"a;b\": may not contain ';'\nerror: package \"--yes\": would be an option of dnf"},
		{name: "remove", edit: func(_ Log, p *manifest.Packages) error {
			return RemovePackages(p, []string{"jq", "@editors", "@odd"}, gen.Toolbox)
		}},
		{name: "remove what is not there", edit: func(_ Log, p *manifest.Packages) error {
			return RemovePackages(p, []string{"vim", "@editor", "od", "editors"}, gen.Toolbox)
		},
			packages: "jq @odd", groups: "editors",
			messages: "error: vim is not in manifests/toolbox-packages.json; run \"bkt toolbox list\" for the packages that are\n" +
				"error: @editor is not in manifests/toolbox-packages.json; did you mean \"@editors\"?\n" +
				"error: od is not in manifests/toolbox-packages.json; run \"bkt toolbox list\" for the packages that are\n" +
				"error: editors is not in manifests/toolbox-packages.json; did you mean \"@editors\"?"},
		{name: "capture", edit: func(_ Log, p *manifest.Packages) error {
			CapturePackages(p, []string{"jq", "gcc", "fish"}, []string{"gcc"})
			return nil
		},
			packages: "jq @odd fish", groups: "editors"},
	} {
		p := manifest.Packages{Packages: manifest.PlainPackages("jq", "@odd"), Groups: []string{"editors"}}
		var log transcript
		for _, err := range hint.Split(test.edit(&log, &p)) {
			text := "error: " + err.Error()
			if hints := hint.Of(err); strings.HasPrefix(test.name, "remove") {
				text += "; " + strings.Join(hints, "; ")
			}
			log = append(log, text)
		}
		if got := strings.Join(p.PackageNames(), " "); got != test.packages {
			t.Errorf("%s: packages %s", test.name, got)
		}
		if got := strings.Join(p.Groups, " "); got != test.groups {
			t.Errorf("%s: groups %s", test.name, got)
		}
		if got := strings.Join(log, "\n"); got != test.messages {
			t.Errorf("%s: messages %s", test.name, got)
		}
	}
}
