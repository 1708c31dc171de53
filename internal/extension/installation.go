package extension

import (
	"path/filepath"

	"bkt/internal/reconcile"
)

// identity identifies the installation of an extension: for one of the user, its folder
// and the database that enables it; for one of the system, only the database.
func (s snapshot) identity() func(extension) string {
	settings := reconcile.FolderIdentity(filepath.Join(s.Config, "dconf"))
	users := reconcile.FolderIdentity(filepath.Join(s.Data, belowData)) + " " + settings
	return func(e extension) string {
		_, systems := s.system[e.ID]
		if _, there := s.user[e.ID]; systems && !there {
			return settings
		}
		return users
	}
}
