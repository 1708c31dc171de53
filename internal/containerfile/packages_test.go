package containerfile

import (
	"fmt"
	"strings"
	"testing"

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
		edit             func(Log, *manifest.Packages)
		packages, groups string
		messages         string
	}{
		{name: "add", edit: func(l Log, p *manifest.Packages) { AddPackages(l, p, []string{"jq", "fish", "@new"}) },
			packages: "jq @odd fish", groups: "editors new", messages: "jq is in the manifest already"},
		{name: "add a group that is there", edit: func(l Log, p *manifest.Packages) { AddPackages(l, p, []string{"@odd", "@editors"}) },
			packages: "jq @odd", groups: "editors", messages: "@odd is in the manifest already\n@editors is in the manifest already"},
		{name: "remove", edit: func(l Log, p *manifest.Packages) {
			RemovePackages(l, p, []string{"jq", "@editors", "@odd", "vim"}, "x.json")
		},
			messages: "warning: vim is not in the manifest"},
		{name: "capture", edit: func(_ Log, p *manifest.Packages) { CapturePackages(p, []string{"jq", "gcc", "fish"}, []string{"gcc"}) },
			packages: "jq @odd fish", groups: "editors"},
	} {
		p := manifest.Packages{Packages: manifest.PlainPackages("jq", "@odd"), Groups: []string{"editors"}}
		var log transcript
		test.edit(&log, &p)
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
