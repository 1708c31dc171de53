package flatpak

import (
	"testing"

	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// TestHeldByOtherMasks has an app that masks of the installation hold: flatpak does not move
// a masked app to another commit, so they are lifted for that moment, and no other mask is
// added. A removed app leaves masks that are not its own.
func TestHeldByOtherMasks(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	a := Apps{Arch: "x86_64", masked: map[manifest.Scope][]string{"user": {"a.b.*", "app/a.b.c/x86_64/*", "c.d.e"}}}
	item := func(id, commit string) *manifest.FlatpakApp {
		return &manifest.FlatpakApp{ID: id, Scope: "user", Remote: "r", Commit: commit}
	}
	run := func(argv ...string) plan.Step {
		return plan.Run{Argv: append([]string{"flatpak", argv[0], "--user"}, argv[1:]...)}
	}
	update := func(id string) plan.Step {
		return run("update", "--noninteractive", "--commit="+commit, "app/"+id+"/x86_64/")
	}
	for _, tt := range []struct {
		name string
		diff reconcile.Diff[manifest.FlatpakApp]
		want []plan.Step
	}{
		{"held by two", reconcile.Diff[manifest.FlatpakApp]{Want: item("a.b.c", commit)}, []plan.Step{
			run("mask", "--remove", "a.b.*", "app/a.b.c/x86_64/*"), update("a.b.c"), run("mask", "a.b.*", "app/a.b.c/x86_64/*"),
		}},
		{"held by one", reconcile.Diff[manifest.FlatpakApp]{Want: item("c.d.e", commit)}, []plan.Step{
			run("mask", "--remove", "c.d.e"), update("c.d.e"), run("mask", "c.d.e"),
		}},
		{"not held", reconcile.Diff[manifest.FlatpakApp]{Want: item("f.g.h", commit)}, []plan.Step{
			update("f.g.h"), run("mask", "app/f.g.h/x86_64/*"),
		}},
		{"removed", reconcile.Diff[manifest.FlatpakApp]{Have: item("a.b.c", commit)}, []plan.Step{run("mask", "--remove", "app/a.b.c/x86_64/*")}},
		{"removed, held by another's mask", reconcile.Diff[manifest.FlatpakApp]{Have: item("c.d.e", commit)}, nil},
	} {
		change, needed := a.pin(tt.diff)
		if diff := cmp.Diff(tt.want, change.Steps); diff != "" || needed != (tt.want != nil) {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, needed, diff)
		}
	}
}
