package flatpak

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// bundleName returns the name of the file that an app was installed from: flatpak makes it
// the title of the remote.
func bundleName(title, id string) string {
	return cmp.Or(strings.TrimSpace(title), id+".flatpak")
}

// bundleNotes names the items that bkt cannot install on another computer.
func bundleNotes(items []manifest.FlatpakApp) []string {
	var notes []string
	for _, item := range items {
		if item.Bundle != "" {
			notes = append(notes, fmt.Sprintf("%s: unresolvable: it was installed from the bundle %s, and bkt cannot install it on another computer", item.Key(), item.Bundle))
		}
	}
	return notes
}

// isBundle reports whether an app would have to be installed from a bundle.
func isBundle(d reconcile.Diff[manifest.FlatpakApp]) bool {
	return d.Want != nil && d.Want.Bundle != "" && (d.Have == nil || d.Have.Remote != d.Want.Remote)
}

// needsBundle returns the change that fails because an app is only in a bundle.
func needsBundle(want manifest.FlatpakApp) plan.Change {
	err := errors.New("it comes from the bundle " + want.Bundle + ", which bkt does not have")
	err = hint.Add(err, `get the file, and run "flatpak install %s FILE"; or, if a remote has it now, declare that remote for it, without "bundle"`, option(want.Scope))
	return plan.Change{Op: plan.Add, Targets: []string{want.Key()}, Steps: []plan.Step{plan.Fail{Reason: err}}}
}
