package status

import (
	"fmt"
	"slices"
	"strings"

	"bkt/internal/live"
	"bkt/internal/reconcile"
	"bkt/internal/report"
)

// Text returns the status for users.
func (st Status) Text() string {
	var out strings.Builder
	for _, f := range st.Files {
		fmt.Fprintf(&out, "%s: %s\n", f.Name, f.text())
	}
	if st.Booted != nil {
		fmt.Fprintf(&out, "booted image: %s\n", st.Booted.text())
	}
	if st.StagedError != "" {
		fmt.Fprintf(&out, "whether an image is staged is unknown: %s\n", st.StagedError)
	}
	if st.Staged {
		out.WriteString("a new image is staged: it is used after the next boot\n")
	}
	if st.Toolbox != nil {
		fmt.Fprintf(&out, "toolbox: %s\n", st.Toolbox.text())
	}
	for _, f := range st.UnreadFiles {
		fmt.Fprintf(&out, "%s\n", f.Message)
	}
	if st.UnreadFilesError != "" {
		fmt.Fprintf(&out, "files that bkt does not read: unknown: %s\n", st.UnreadFilesError)
	}
	if st.DomainsError != "" {
		fmt.Fprintf(&out, "not read: flatpak-apps, gsettings and all other domains: %s\n", st.DomainsError)
	}
	for _, d := range st.Domains {
		fmt.Fprintf(&out, "%s: %s\n", d.Name, summary(d))
		for _, part := range d.Unread {
			fmt.Fprintf(&out, "  not read: %s: %s\n", part.What, oneLine(part.Error))
		}
		for _, note := range d.Notes {
			fmt.Fprintf(&out, "  %s\n", note)
		}
	}
	if st.undoable > 0 { // others, such as programs found in a container, no apply changes
		fmt.Fprintf(&out, "changed on this system: %s\n", live.BothWays)
	}
	if st.UncommittedError != "" {
		fmt.Fprintf(&out, "not committed: unknown: %s\n", st.UncommittedError)
	}
	if len(st.Uncommitted) > 0 {
		fmt.Fprintf(&out, "not committed: %s\n", strings.Join(st.Uncommitted, ", "))
	}
	return out.String()
}

func (f File) text() string {
	switch f.State {
	case "in step":
		return "up to date"
	case "stale":
	default:
		return f.State
	}
	purpose := "to update it"
	if f.Undecided {
		purpose = "to list text that comes from no manifest"
	}
	return strings.TrimSpace("stale "+strings.Join(f.Sections, ", ")) + ` (run "bkt containerfile sync" ` + purpose + ")"
}

func (b Booted) text() string {
	if b.Error != "" && b.Image == "" {
		return "unknown: " + b.Error
	}
	text := b.Image
	if b.Digest != "" {
		text += " " + shortDigest(b.Digest)
	}
	switch {
	case b.Error != "":
		text += "; whether it is the image of this repository is unknown: " + b.Error
	case b.Wanted != "":
		text += fmt.Sprintf(", not the image of this repository (run \"bootc switch %s\" to change to it)", b.Wanted)
	}
	return text
}

func (t Toolbox) text() string {
	if t.Name == "" {
		return "unknown: " + t.Error
	}
	text := fmt.Sprintf("container %s, image %s", t.Name, t.Image)
	switch {
	case t.Error != "":
		text += "; whether it is the image of this repository is unknown: " + t.Error
	case t.Wanted != "":
		text += fmt.Sprintf("; the image of this repository is %s", t.Wanted)
	}
	return text
}

// summary describes a domain in a line.
func summary(d report.Domain) string {
	if d.Reason != "" {
		return "unavailable: " + oneLine(d.Reason)
	}
	parts := []string{fmt.Sprintf("%d up to date", d.InStep)}
	for _, c := range []struct {
		words string
		cases []reconcile.Case
	}{
		{"changed on this system", []reconcile.Case{reconcile.CaseLive, reconcile.CaseNew, reconcile.CaseRenamed}},
		{"changed in the manifest", []reconcile.Case{reconcile.CaseManifest, reconcile.CaseMissing}},
		{"changed on both sides", []reconcile.Case{reconcile.CaseMerge, reconcile.CaseNoBase}},
		{"in conflict", []reconcile.Case{reconcile.CaseConflict}},
		{"broken", []reconcile.Case{reconcile.CaseBroken}},
		{"cannot be captured", []reconcile.Case{reconcile.CaseUncapturable}},
	} {
		if n := count(d.Items, c.cases); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, c.words))
		}
	}
	if n := len(d.Hidden); n > 0 {
		parts = append(parts, fmt.Sprintf("%d could not be read", n))
	}
	return strings.Join(parts, ", ")
}

// oneLine returns the text of an error in a line, and of several the first.
func oneLine(err string) string {
	first, others, more := strings.Cut(err, "\n")
	if more {
		first += fmt.Sprintf(" (and %d more)", 1+strings.Count(others, "\n"))
	}
	return first
}

// shortDigest returns the beginning of a digest, which is enough to distinguish it.
func shortDigest(digest string) string {
	const enough = len("sha256:") + 12
	if len(digest) <= enough {
		return digest
	}
	return digest[:enough] + "…"
}

func count(items []report.Item, cases []reconcile.Case) int {
	n := 0
	for _, i := range items {
		if slices.Contains(cases, i.Case) {
			n++
		}
	}
	return n
}
