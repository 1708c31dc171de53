package flatpak

import (
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/keyfile"
	"bkt/internal/plainfile"
	"bkt/internal/reconcile"
)

// leftOut returns the runtimes that nobody pinned and nothing needs: they are left over, or
// someone installed them with a flatpak older than 1.9, which pinned nothing. It also
// returns the apps for other architectures.
func (o *observed) leftOut() []reconcile.LeftOut {
	var all []reconcile.LeftOut
	for _, what := range o.foreign {
		all = append(all, reconcile.LeftOut{Reason: "apps for another architecture", What: what})
	}
	needs := needs{read: map[string]keyfile.File{}}
	for _, d := range o.all {
		if d.Runtime && d.err == nil && !d.isPinned() && d.Bundle == "" && !needs.include(o.all, d) {
			all = append(all, reconcile.LeftOut{Reason: `runtimes that no app needs and "flatpak pin" does not list`, What: d.Key()})
		}
	}
	return all
}

// needs says which runtimes others need. It reads the metadata of each only once.
type needs struct{ read map[string]keyfile.File }

// include reports whether one of all needs a runtime. If metadata cannot be read, it may.
func (n needs) include(all []deployed, runtime deployed) bool {
	return slices.ContainsFunc(all, func(d deployed) bool {
		if d.dir == runtime.dir || d.err != nil {
			return d.dir != runtime.dir
		}
		metadata, ok := n.metadata(d)
		return !ok || needsRuntime(metadata, runtime) || needsExtension(metadata, d, runtime)
	})
}

// metadata returns the metadata of an app or a runtime, see flatpak-metadata(5).
func (n needs) metadata(d deployed) (keyfile.File, bool) {
	if file, ok := n.read[d.dir]; ok {
		return file, file != nil
	}
	text, err := plainfile.Read(filepath.Join(d.dir, "metadata"), plainfile.MaxText)
	if err == nil {
		n.read[d.dir], err = keyfile.Parse(text)
	}
	if err != nil {
		n.read[d.dir] = nil
	}
	return n.read[d.dir], err == nil
}

// needsRuntime reports whether metadata names a runtime.
func needsRuntime(metadata keyfile.File, runtime deployed) bool {
	ref := runtime.ID + "/" + runtime.arch + "/" + runtime.Branch
	for _, group := range []string{"Application", "Runtime"} {
		if metadata.Get(group, "runtime") == ref || metadata.Get(group, "sdk") == ref {
			return true
		}
	}
	return false
}

// needsExtension reports whether flatpak installs a runtime for d without being asked:
// it is in an extension point of d, and the point does not say no-autodownload, or says on
// which computers it does not hold.
func needsExtension(metadata keyfile.File, d, runtime deployed) bool {
	for _, g := range metadata {
		point, ok := strings.CutPrefix(g.Name, "Extension ")
		if !ok {
			continue
		}
		point, _, _ = strings.Cut(point, "@")
		inside := runtime.ID == point || strings.HasPrefix(runtime.ID, point+".") && metadata.Get(g.Name, "subdirectories") == "true"
		automatic := metadata.Get(g.Name, "no-autodownload") != "true" || metadata.Get(g.Name, "download-if") != ""
		if inside && automatic && slices.Contains(pointVersions(metadata, g.Name, d), runtime.Branch) {
			return true
		}
	}
	return false
}

// pointVersions returns the branches of an extension point.
func pointVersions(metadata keyfile.File, group string, d deployed) []string {
	if versions := keyfile.SplitList(metadata.Raw(group, "versions")); len(versions) > 0 {
		return versions
	}
	if version := metadata.Get(group, "version"); version != "" {
		return []string{version}
	}
	return []string{d.Branch}
}
