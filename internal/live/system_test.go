package live

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"bkt/internal/domains"
	"bkt/internal/hint"
	"bkt/internal/reconcile"
)

// TestCheckNames checks the names of domains: whole ones, and first words of several.
func TestCheckNames(t *testing.T) {
	s := fakeSystem(t)
	s.Cache = &domains.Cache{}
	for _, names := range [][]string{nil, {"gsettings"}, {"flatpak"}, {"flatpak-apps", "services"}} {
		if err := s.CheckNames(names); err != nil {
			t.Errorf("%q: %v", names, err)
		}
	}
	chosen, err := s.choose([]string{"flatpak"})
	if err != nil || len(chosen) != 4 {
		t.Errorf("flatpak: %d domains, %v", len(chosen), err)
	}
	for name, want := range map[string]string{"gsetings": `did you mean "gsettings"`, "flatpack": `did you mean "flatpak"`, "flat": "the domains are ", "x": "the domains are "} {
		err := s.CheckNames([]string{name})
		if err == nil || !strings.Contains(fmt.Sprint(hint.Of(err)), want) {
			t.Errorf("%s: %v, %q", name, err, hint.Of(err))
		}
	}
}

// TestProblems checks that a domain that nobody needs may be unavailable, and that a
// shared problem is reported once.
func TestProblems(t *testing.T) {
	broken := errors.New("manifests/x.json:1:1: broken")
	missing := reconcile.Unavailablef("no flatpak")
	named := func(name string, err error, needed bool) *Domain {
		return &Domain{Reconciler: fakeReconciler{name: name}, Err: err, Needed: needed}
	}
	err := Problems([]*Domain{named("a", broken, false), named("b", broken, true), named("c", missing, true), named("d", missing, false), named("e", nil, true)})
	if want := broken.Error() + "\nc: unavailable: no flatpak"; err == nil || err.Error() != want {
		t.Errorf("%v, not %s", err, want)
	}
}
