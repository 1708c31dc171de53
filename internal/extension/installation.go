package extension

import (
	"path/filepath"

	"bkt/internal/reconcile"
)

// identity returns what an extension is part of: of the user's, the folder that
// it is in and the database that says whether it is enabled, of the system's
// only the latter.
func (d *Domain) identity() func(extension) string {
	settings := reconcile.Birth(filepath.Join(d.Config, "dconf"))
	users := reconcile.Birth(filepath.Join(d.Data, belowData)) + " " + settings
	system := d.seen.system
	user := d.seen.user
	return func(e extension) string {
		_, systems := system[e.ID]
		if _, there := user[e.ID]; systems && !there {
			return settings
		}
		return users
	}
}
