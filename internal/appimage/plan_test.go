package appimage

import (
	"strings"
	"testing"

	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// TestPlan checks the plans for apps that are missing, installed, or no longer declared,
// from a snapshot alone.
func TestPlan(t *testing.T) {
	there := func(path string) map[string]*file { return map[string]*file{"demo": {path: path}} }
	byBkt := map[string]desktopFile{"demo": {there: true, byBkt: true}}
	byUser := map[string]desktopFile{"demo": {there: true, starts: true}}
	github := &app{Name: "demo", Repo: "o/r"}
	remove := []string{"- rm -r /c/icons/bkt/demo.svg", "- rm -r /c/icons/bkt/demo.png", "- rm -r /apps/demo.AppImage", "- rm -r /records/demo.json"}
	tests := []struct {
		name     string
		snapshot snapshot
		diff     reconcile.Diff[app]
		want     []string
	}{
		{"missing", snapshot{}, reconcile.Diff[app]{Want: github},
			[]string{"+ install /apps/demo.AppImage from https://api.test/repos/o/r/releases/latest"}},
		{"missing, with a version", snapshot{}, reconcile.Diff[app]{Want: &app{Name: "demo", Repo: "o/r", Version: "1.0"}},
			[]string{"+ install /apps/demo.AppImage from https://api.test/repos/o/r/releases/tags/1.0"}},
		{"missing, with prereleases", snapshot{}, reconcile.Diff[app]{Want: &app{Name: "demo", Repo: "o/r", Prereleases: true}},
			[]string{"+ install /apps/demo.AppImage from 'https://api.test/repos/o/r/releases?per_page=10'"}},
		{"missing, from a URL", snapshot{}, reconcile.Diff[app]{Want: &app{Name: "demo", URL: "https://x.test/a", SHA256: strings.Repeat("0", 64)}},
			[]string{"+ install /apps/demo.AppImage from https://x.test/a"}},
		{"missing, from a URL of zsync", snapshot{}, reconcile.Diff[app]{Want: &app{Name: "demo", URL: "https://x.test/a.zsync"}},
			[]string{"+ install /apps/demo.AppImage from https://x.test/a.zsync"}},
		{"missing, without a checksum", snapshot{}, reconcile.Diff[app]{Want: &app{Name: "demo", URL: "https://x.test/a"}},
			[]string{"+ cannot be done: its download has no sha256 in the manifest"}},
		{"missing, from nowhere", snapshot{}, reconcile.Diff[app]{Want: &app{Name: "demo"}},
			[]string{"+ cannot be done: its source is unknown"}},
		{"missing, and another file has its name", snapshot{others: map[string]bool{"/apps/demo.AppImage": true}}, reconcile.Diff[app]{Want: github},
			[]string{"+ cannot be done: /apps/demo.AppImage exists and is not an AppImage"}},
		{"another version", snapshot{files: there("/other/Demo-1.AppImage")}, reconcile.Diff[app]{Have: github, Want: &app{Name: "demo", Repo: "o/r", Version: "2"}},
			[]string{"~ install /other/Demo-1.AppImage from https://api.test/repos/o/r/releases/tags/2"}},
		{"removed", snapshot{files: there("/apps/demo.AppImage")}, reconcile.Diff[app]{Have: github}, remove},
		{"removed, with its entry", snapshot{files: there("/apps/demo.AppImage"), entries: byBkt}, reconcile.Diff[app]{Have: github},
			append([]string{"- rm -r /c/applications/demo.desktop"}, remove...)},
		{"removed, with an entry of the user", snapshot{files: there("/apps/demo.AppImage"), entries: byUser}, reconcile.Diff[app]{Have: github}, remove},
		{"removed, and Gear Lever is used", snapshot{files: there("/apps/demo.AppImage"), gearLever: true}, reconcile.Diff[app]{Have: github},
			append(remove[:len(remove):len(remove)], "- edit /gearlever.conf: forget /apps/demo.AppImage")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.snapshot
			s.Domain = Domain{Data: "/c", Cache: "/cache", Records: "/records", GearLever: "/gearlever.conf", GitHub: GitHub{URL: "https://api.test/"}, Arch: "amd64"}
			s.folder = "/apps"
			var got []string
			for _, c := range s.plan([]reconcile.Diff[app]{tt.diff}) {
				if cmp.Diff([]string{"demo"}, c.Targets) != "" {
					t.Errorf("targets %v", c.Targets)
				}
				for _, step := range c.Steps {
					got = append(got, string(c.Op)+" "+step.String())
					if i, ok := step.(plan.Install); ok && (i.Name != "demo" || i.Cache != "/cache/demo.part" || i.Limit != maxFile || i.Finish == nil) {
						t.Errorf("%+v", i)
					}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
