package gsettings

import (
	"errors"
	"os"
	"path/filepath"

	"bkt/internal/patherr"
	"bkt/internal/reconcile"
)

// ofFlatpaks returns the Flatpak apps that keep settings in a file of their own, because
// they have no access to dconf. The files belong to the data of the apps.
func (d Domain) ofFlatpaks() ([]reconcile.LeftOut, error) {
	apps := filepath.Join(d.Home, ".var/app")
	entries, err := os.ReadDir(apps)
	errs := []error{patherr.UnlessMissing(err)}
	var all []reconcile.LeftOut
	for _, e := range entries {
		st, err := os.Lstat(filepath.Join(apps, e.Name(), "config/glib-2.0/settings/keyfile"))
		errs = append(errs, patherr.UnlessMissing(err))
		if err == nil && st.Size() > 0 {
			all = append(all, reconcile.LeftOut{Reason: "settings inside Flatpak apps", What: e.Name()})
		}
	}
	return all, patherr.TrimOp(errors.Join(errs...))
}
