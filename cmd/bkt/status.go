package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bkt/gen"
	"bkt/gen/section"
	"bkt/internal/bootc"
	"bkt/internal/containerfile"
	"bkt/internal/crash"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/pipeline"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/workspace"
)

type statusCmd struct{ domainArgs }

// A bootedStatus is the image that the system booted from.
type bootedStatus struct {
	Image  string `json:"image"`
	Digest string `json:"digest,omitempty"`
	Wanted string `json:"wanted,omitempty"` // the image of this repository, if it is another one
	Error  string `json:"error,omitempty"`  // why one of these is unknown
}

// A boxStatus is the container of the toolbox image.
type boxStatus struct {
	Name   string `json:"name"`
	Image  string `json:"image"`
	Wanted string `json:"wanted,omitempty"` // the toolbox image of this repository, if it is another one
	Error  string `json:"error,omitempty"`  // why one of these is unknown
}

// A status is what bkt status prints.
type status struct {
	Version     int           `json:"version"`
	Files       []fileStatus  `json:"containerfiles"`
	Booted      *bootedStatus `json:"booted_image,omitempty"`
	Staged      bool          `json:"staged_image"`
	StagedError string        `json:"staged_image_error,omitempty"` // why it is not known
	Box         *boxStatus    `json:"toolbox,omitempty"`
	Domains     []domainJSON  `json:"domains"`
	Unseen      string        `json:"domains_error,omitempty"` // why the domains were not looked at
	Uncommitted []string      `json:"uncommitted"`
	Unknown     string        `json:"uncommitted_error,omitempty"` // why it is not known what is not committed

	AutoCapture *autoStatusJSON `json:"auto_capture,omitempty"` // where the domains were looked at
}

type fileStatus struct {
	Name     string   `json:"name"`
	State    string   `json:"state"`              // "in step", "stale" or what is wrong
	Sections []string `json:"sections,omitempty"` // that are stale

	Undecided bool `json:"undecided,omitempty"` // sync stops at them
}

// Run prints how things stand. It is no error that something differs, or is out
// of order.
func (c *statusCmd) Run(ctx context.Context, a *app) error {
	s, err := thisSystem()
	if err != nil {
		return err
	}
	st, err := s.status(ctx, c.Domains)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.PrintJSON(st)
	}
	_, err = a.Out.Write([]byte(st.text()))
	return err
}

// status looks at all there is side by side: most of it is waiting.
func (s system) status(ctx context.Context, asked []string) (status, error) {
	st := status{Version: 1}
	var domains []*live.Domain
	errs := make([]error, 2)
	var wg crash.Group
	if err := workspace.CheckDesktop(); err != nil {
		st.Unseen = err.Error()
	} else {
		wg.Go(func() { domains, errs[0] = s.Look(ctx, asked) })
		auto := s.autoStatus()
		st.AutoCapture = &auto
	}
	wg.Go(func() { st.Files, errs[1] = s.files(ctx) })
	wg.Go(func() { st.readUncommitted(ctx, s) })
	wg.Go(func() { st.Booted, st.Box = s.images(ctx) })
	wg.Wait()
	var err error
	if st.Staged, err = bootc.IsStaged(); err != nil {
		st.StagedError = err.Error()
	}
	st.Domains = asDomainsJSON(domains, live.Items(domains, nil)).Domains
	return st, errors.Join(errs...)
}

// files returns how the Containerfiles stand.
func (s system) files(ctx context.Context) ([]fileStatus, error) {
	names, err := containerfile.Names(s.Repo, nil)
	var files []fileStatus
	for _, name := range names {
		r := containerfile.Render(ctx, s.Repo.FS(), name, containerfile.Unchanged)
		f := fileStatus{Name: name, State: "in step"}
		switch {
		case r.Err != nil:
			f.State = hint.Split(r.Err)[0].Error()
		case len(plan.Rewrite("", "", r.Old, r.Text)) > 0:
			f.State, f.Sections = "stale", section.Stale(string(r.Old), string(r.Text))
			f.Undecided = len(containerfile.Unsaved(ctx, s.Repo, []containerfile.Rendering{r})) > 0
		}
		files = append(files, f)
	}
	return files, err
}

func (st *status) readUncommitted(ctx context.Context, s system) {
	names, err := s.Repo.Uncommitted(ctx, host.Git{}, "manifests", gen.Containerfile(gen.System), gen.Containerfile(gen.Toolbox), workspace.IgnoreFile)
	st.Uncommitted = append([]string{}, names...)
	if err != nil {
		st.Unknown = err.Error()
	}
}

// images compares the booted image and the toolbox container with the images of the
// repository. Without one of them, the result is nil; one that cannot be read has an
// error instead.
func (s system) images(ctx context.Context) (*bootedStatus, *boxStatus) {
	_, images, err := reconcile.ReadManifest[manifest.Images](s.Repo.FS(), manifest.ImagePath)
	return newBootedStatus(ctx, images.System.Name, err), s.toolboxStatus(images.Toolbox.Name, err)
}

// newBootedStatus compares the booted image with the image called name; errName is why
// the name is unknown.
func newBootedStatus(ctx context.Context, name string, errName error) *bootedStatus {
	i, err := bootc.Booted(ctx)
	b := &bootedStatus{Image: i.Name, Digest: i.Digest}
	switch {
	case err != nil:
		b.Error = err.Error()
	case i.Name == "":
		return nil
	case errName != nil:
		b.Error = firstOf(errName)
	case name != "" && !bootc.SameRepository(i.Name, name):
		b.Wanted = name
	}
	return b
}

// toolboxStatus compares the toolbox container with the image called name; errName is
// why the name is unknown.
func (s system) toolboxStatus(name string, errName error) *boxStatus {
	_, boxes, err := reconcile.ReadManifest[manifest.Boxes](s.Repo.FS(), manifest.DistroboxPath)
	if err != nil {
		return &boxStatus{Error: firstOf(err)}
	}
	container, ok := boxes.Toolbox()
	if !ok {
		return nil
	}
	box := &boxStatus{Name: container, Image: boxes.Containers[container].Image}
	switch {
	case errName != nil:
		box.Error = firstOf(errName)
	case name != "" && !bootc.SameRepository(box.Image, name):
		box.Wanted = name
	}
	return box
}

// firstOf returns the first of the errors in a manifest.
func firstOf(err error) string { return hint.Split(patherr.Trim(err))[0].Error() }

// text is the status for people.
func (st status) text() string {
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
	if st.Box != nil {
		fmt.Fprintf(&out, "toolbox: %s\n", st.Box.text())
	}
	if st.Unseen != "" {
		fmt.Fprintf(&out, "not read: flatpak-apps, gsettings and all other domains: %s\n", st.Unseen)
	}
	for _, d := range st.Domains {
		fmt.Fprintf(&out, "%s: %s\n", d.Name, d.summary())
		for _, note := range d.Notes {
			fmt.Fprintf(&out, "  %s\n", note)
		}
	}
	if st.Unknown != "" {
		fmt.Fprintf(&out, "not committed: unknown: %s\n", st.Unknown)
	}
	if n := len(st.Uncommitted); n > 0 {
		fmt.Fprintf(&out, "not committed: %s\n", strings.Join(st.Uncommitted, ", "))
	}
	if st.AutoCapture != nil {
		out.WriteString(st.AutoCapture.text())
	}
	return out.String()
}

func (f fileStatus) text() string {
	switch f.State {
	case "in step":
		return "up to date"
	case "stale":
	default:
		return f.State
	}
	does := "to update it"
	if f.Undecided {
		does = "to list text that comes from no manifest"
	}
	return strings.TrimSpace("stale "+strings.Join(f.Sections, ", ")) + ` (run "bkt containerfile sync" ` + does + ")"
}

// summary says in a line how a domain stands.
func (d domainJSON) summary() string {
	if d.Reason != "" {
		return "unavailable: " + d.Reason
	}
	parts := []string{fmt.Sprintf("%d up to date", d.InStep)}
	for _, c := range []struct {
		words string
		cases []reconcile.Case
	}{
		{"changed on this system", []reconcile.Case{reconcile.CaseLive, reconcile.CaseNew}},
		{"changed in the manifest", []reconcile.Case{reconcile.CaseManifest, reconcile.CaseMissing}},
		{"changed on both sides", []reconcile.Case{reconcile.CaseMerge, reconcile.CaseNoBase}},
		{"in conflict", []reconcile.Case{reconcile.CaseConflict}},
		{"cannot be captured", []reconcile.Case{reconcile.CaseUncapturable}},
	} {
		if n := d.of(c.cases); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, c.words))
		}
	}
	return strings.Join(parts, ", ")
}

func (d domainJSON) of(cases []reconcile.Case) int {
	n := 0
	for _, i := range d.Items {
		for _, c := range cases {
			if i.Case == c {
				n++
			}
		}
	}
	return n
}

func (b bootedStatus) text() string {
	if b.Error != "" && b.Image == "" {
		return "unknown: " + b.Error
	}
	text := b.Image
	if b.Digest != "" {
		text += " " + pipeline.Short(b.Digest)
	}
	switch {
	case b.Error != "":
		text += "; whether it is the image of this repository is unknown: " + b.Error
	case b.Wanted != "":
		text += fmt.Sprintf(", not the image of this repository (run \"bootc switch %s\" to change to it)", b.Wanted)
	}
	return text
}

func (b boxStatus) text() string {
	if b.Name == "" {
		return "unknown: " + b.Error
	}
	text := fmt.Sprintf("container %s, image %s", b.Name, b.Image)
	switch {
	case b.Error != "":
		text += "; whether it is the image of this repository is unknown: " + b.Error
	case b.Wanted != "":
		text += fmt.Sprintf("; the image of this repository is %s", b.Wanted)
	}
	return text
}
