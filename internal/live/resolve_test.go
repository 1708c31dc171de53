package live

import (
	"os"
	"testing"

	"bkt/internal/host"
	"bkt/internal/reconcile"
	"bkt/internal/workspace"
)

// TestIgnore checks that items are added to the ignore file, whether or not it ends
// with a newline, and that it then ignores them.
func TestIgnore(t *testing.T) {
	d := fakeDomain("services", fakeComparison{}, nil)
	items := []Item{item(d, "user/b.service", ""), item(d, "user/a.service", "")}
	const added = "services:user/a.service\nservices:user/b.service\n"
	for old, want := range map[string]string{"": added, "# mine\n": "# mine\n" + added, "# mine": "# mine\n" + added} {
		s := fakeSystem(t)
		path := s.Repo.Path(workspace.IgnoreFile)
		if old != "" {
			if err := os.WriteFile(path, []byte(old), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		p, err := s.Ignore(items)
		if err == nil {
			err = host.Executor{}.Execute(t.Context(), p, nil)
		}
		got, errRead := os.ReadFile(path)
		if err != nil || errRead != nil || string(got) != want {
			t.Errorf("%q: %q, %v, %v", old, got, err, errRead)
		}
		ignored, err := reconcile.ParseIgnore(workspace.IgnoreFile, got, []string{"services"})
		if err != nil || !ignored["services"].Has("user/a.service") || ignored["services"].Has("user/c.service") {
			t.Errorf("%q: ignored %v, %v", old, ignored, err)
		}
	}
	if p, err := fakeSystem(t).Ignore(nil); len(p) != 0 || err != nil {
		t.Errorf("nothing: %v, %v", p, err)
	}
}
