package flatpak

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/keyfile"
	"bkt/internal/plainfile"
	"bkt/internal/reconcile"
)

// leftOut returns the runtimes that nobody pinned and nothing needs: they are left over, or
// someone installed them with a flatpak older than 1.9, which pinned nothing. It also
// returns the apps for other architectures, and which branch of several starts.
func (o *observed) leftOut() []reconcile.LeftOut {
	var all []reconcile.LeftOut
	for _, what := range o.foreign {
		all = append(all, reconcile.LeftOut{Reason: "apps for another architecture", What: what})
	}
	for _, d := range o.all {
		if d.Runtime && d.err == nil && !d.isPinned() && d.Bundle == "" && !o.needs.include(d) {
			all = append(all, reconcile.LeftOut{Reason: `runtimes that no app needs and "flatpak pin" does not list`, What: d.Key()})
		}
	}
	for _, d := range o.all {
		if !d.Runtime && d.err == nil && !o.isOnly(d) && d.isCurrent() {
			all = append(all, reconcile.LeftOut{Reason: "current branches of apps that have several", What: fmt.Sprintf("%s/%s/%s", d.Scope, d.ID, d.Branch)})
		}
	}
	return all
}

// isCurrent reports whether an app starts in this branch if it has several.
func (d deployed) isCurrent() bool {
	branch := filepath.Dir(d.dir)
	link, err := os.Readlink(filepath.Join(branch, "..", "..", "current"))
	return err == nil && link == d.arch+"/"+filepath.Base(branch)
}

// needs says which runtimes others need.
type needs struct {
	refs    map[string]bool // named as runtimes or SDKs, without their kind
	points  []point
	unknown bool // metadata cannot be read, so anything may be needed
}

// A point is an extension point for which flatpak installs runtimes without being asked.
type point struct {
	name     string
	inside   bool // for ids that begin with the name, too
	versions []string
}

// needsOf reads the metadata of apps and runtimes, see flatpak-metadata(5). That of a runtime
// names itself.
func needsOf(all []deployed) needs {
	n := needs{refs: map[string]bool{}}
	for _, d := range all {
		text, err := plainfile.Read(filepath.Join(d.dir, "metadata"), plainfile.MaxText)
		file, errParse := keyfile.Parse(text)
		if d.err != nil || err != nil || errParse != nil {
			n.unknown = true
			continue
		}
		own := d.refWithoutKind()
		for _, group := range []string{"Application", "Runtime"} {
			for _, key := range []string{"runtime", "sdk"} {
				if ref := file.Raw(group, key); ref != own {
					n.refs[ref] = true
				}
			}
		}
		n.points = append(n.points, pointsOf(file, d)...)
	}
	return n
}

func (d deployed) refWithoutKind() string { return d.ID + "/" + d.arch + "/" + d.Branch }

// include reports whether something needs a runtime, or may need it.
func (n needs) include(runtime deployed) bool {
	return n.unknown || n.refs[runtime.refWithoutKind()] || slices.ContainsFunc(n.points, func(p point) bool {
		isIn := runtime.ID == p.name || p.inside && strings.HasPrefix(runtime.ID, p.name+".")
		return isIn && slices.Contains(p.versions, runtime.Branch)
	})
}

// pointsOf returns the points for which flatpak installs runtimes without being asked: those
// that do not say no-autodownload, or say on which computers it does not hold.
func pointsOf(metadata keyfile.File, d deployed) []point {
	var all []point
	for _, g := range metadata {
		name, ok := strings.CutPrefix(g.Name, "Extension ")
		if !ok || metadata.Raw(g.Name, "no-autodownload") == "true" && metadata.Raw(g.Name, "download-if") == "" {
			continue
		}
		name, _, _ = strings.Cut(name, "@")
		all = append(all, point{name, metadata.Raw(g.Name, "subdirectories") == "true", pointVersions(metadata, g.Name, d)})
	}
	return all
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
