package extension

import (
	"path/filepath"

	"bkt/internal/reconcile"
)

// identity returns what an extension is part of: of the user's, the folder that
// it is in and the database that says whether it is enabled, of the system's
// only the latter.
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
