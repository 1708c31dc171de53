package autocapture

import (
	"context"

	"bkt/gen"
	"bkt/internal/containerfile"
	"bkt/internal/reconcile"
	"bkt/internal/repo"
)

// A rendering is a Containerfile whose sections change with some edits of manifests.
type rendering struct {
	name      string
	old, text []byte
	stale     bool // its sections already differed from the manifests
}

// rerender returns the Containerfiles whose sections edits of manifests change, and those of
// unwritten whose sections differ. One that cannot be rendered is left out: that was so
// before, or the commit reports it.
func rerender(ctx context.Context, rep repo.Repo, edits *reconcile.Edits, unwritten map[string]bool) []rendering {
	var changed []rendering
	for _, image := range gen.Images() {
		name := gen.Containerfile(image)
		if !rep.Has(name) {
			continue
		}
		before := containerfile.Render(ctx, rep.FS(), name, containerfile.Unchanged)
		after := containerfile.Render(ctx, edits, name, containerfile.Unchanged)
		if before.Err != nil || after.Err != nil {
			continue
		}
		stale := string(before.Old) != string(before.Text)
		if string(before.Text) != string(after.Text) || stale && unwritten[name] {
			changed = append(changed, rendering{name, before.Old, after.Text, stale})
		}
	}
	return changed
}
