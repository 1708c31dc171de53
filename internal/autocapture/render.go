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

// rerender returns the Containerfiles whose sections edits of manifests change. One
// that cannot be rendered is left out: that was so before, or the commit reports it.
func rerender(ctx context.Context, rep repo.Repo, edits *reconcile.Edits) []rendering {
	var changed []rendering
	for _, image := range gen.Images() {
		name := gen.Containerfile(image)
		if !rep.Has(name) {
			continue
		}
		before := containerfile.Render(ctx, rep.FS(), name, containerfile.Unchanged)
		after := containerfile.Render(ctx, edits, name, containerfile.Unchanged)
		if before.Err == nil && after.Err == nil && string(before.Text) != string(after.Text) {
			changed = append(changed, rendering{name, before.Old, after.Text, string(before.Old) != string(before.Text)})
		}
	}
	return changed
}
