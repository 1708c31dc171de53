// Package workspace knows the repository of manifests and the computer and user
// that bkt works for: where their files are. It changes nothing.
package workspace

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"

	"bkt/internal/patherr"
	"bkt/internal/repo"
)

// IgnoreFile lists, in the repository, items that bkt does not capture.
const IgnoreFile = ".bktignore"

// A Workspace is a repository of manifests on a computer.
type Workspace struct {
	Repo    repo.Repo
	Folders Folders
	Host    string // name of the computer
}

// Find returns the workspace of the repository that [FindRepo] finds. links are those
// of [repo.Repo].
func Find(links repo.Links) (Workspace, error) {
	r, err := FindRepo()
	if err != nil {
		return Workspace{}, err
	}
	// The repository has one path, even if it is reached by a link: /home may be a link
	// to /var/home.
	if r.Root, err = filepath.EvalSymlinks(r.Root); err != nil {
		return Workspace{}, patherr.TrimOp(err)
	}
	r.Links = links
	f, err := FindFolders()
	if err != nil {
		return Workspace{}, err
	}
	name, err := os.Hostname()
	return Workspace{r, f, name}, err
}

// FindDesktop is [Find] for commands about the user's own desktop. It fails if
// bkt runs as root for another user.
func FindDesktop(links repo.Links) (Workspace, error) {
	if err := CheckDesktop(); err != nil {
		return Workspace{}, err
	}
	return Find(links)
}

// BasePath returns the file with the last known state of a domain: what system and
// manifest last agreed on, in this repository on this computer.
func (w Workspace) BasePath(domain string) string {
	return filepath.Join(w.Folders.State, "bkt", "base", w.ID(), w.Host, domain+".json")
}

// Private returns the folder of bkt's state on this computer. It holds values of all
// captured items, so no other user may read it.
func (w Workspace) Private() string { return filepath.Join(w.Folders.State, "bkt") }

// ID distinguishes the repository from others of the same name.
func (w Workspace) ID() string { return ID(w.Repo.Root) }

// ID returns the id of the repository at root.
func ID(root string) string {
	sum := sha256.Sum256([]byte(root))
	return filepath.Base(root) + "-" + hex.EncodeToString(sum[:4])
}
