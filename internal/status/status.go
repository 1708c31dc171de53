// Package status collects the status of the repository and of this system: Containerfiles,
// images, domains, and uncommitted files. It changes nothing.
package status

import (
	"bytes"
	"context"
	"errors"
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
	"bkt/internal/repo"
	"bkt/internal/report"
	"bkt/internal/workspace"
)

// A Status is the output of bkt status, without auto-capture.
type Status struct {
	Version          int             `json:"version"`
	Files            []File          `json:"containerfiles"`
	Booted           *Booted         `json:"booted_image,omitempty"`
	Staged           bool            `json:"staged_image"`
	StagedError      string          `json:"staged_image_error,omitempty"` // why Staged is unknown
	Toolbox          *Toolbox        `json:"toolbox,omitempty"`
	UnreadFiles      []UnreadFile    `json:"unread_files,omitempty"`       // in the folder of manifests, or of an earlier bkt
	UnreadFilesError string          `json:"unread_files_error,omitempty"` // why UnreadFiles are unknown
	Domains          []report.Domain `json:"domains"`
	DomainsError     string          `json:"domains_error,omitempty"` // why Domains are unknown
	Uncommitted      []string        `json:"uncommitted"`
	UncommittedError string          `json:"uncommitted_error,omitempty"` // why Uncommitted is unknown

	undoable int // items that "bkt apply --restore" would restore
}

// A File is a Containerfile.
type File struct {
	Name     string   `json:"name"`
	State    string   `json:"state"`              // "in step", "stale" or an error
	Sections []string `json:"sections,omitempty"` // the stale ones

	Undecided bool `json:"undecided,omitempty"` // sync refuses to lose text in it
}

// Booted is the image that the system booted from.
type Booted struct {
	Image  string `json:"image"`
	Digest string `json:"digest,omitempty"`
	Wanted string `json:"wanted,omitempty"` // the image of this repository, if it is another one
	Error  string `json:"error,omitempty"`  // why Image or Wanted is unknown
}

// Toolbox is the container of the toolbox image.
type Toolbox struct {
	Name   string `json:"name"`
	Image  string `json:"image"`
	Wanted string `json:"wanted,omitempty"` // the toolbox image of this repository, if it is another one
	Error  string `json:"error,omitempty"`  // why Image or Wanted is unknown
}

// An UnreadFile is a file that may be meant as a manifest, and that bkt does not read.
type UnreadFile struct {
	Message string   `json:"message"`
	Hints   []string `json:"hints,omitempty"`
}

// Look collects the status, the parts concurrently. asked are domains, as for
// [live.System.Look]; they are not read if elsewhere says that this is not the user's
// system.
func Look(ctx context.Context, s live.System, asked []string, elsewhere error) (Status, error) {
	st := Status{Version: 1}
	var domains []*live.Domain
	errs := make([]error, 2)
	var wg crash.Group
	if err := errors.Join(workspace.CheckDesktop(), elsewhere); err != nil {
		st.DomainsError = withHints(err)
	} else {
		wg.Go(func() { domains, errs[0] = s.Look(ctx, asked) })
	}
	wg.Go(func() { st.Files, errs[1] = files(ctx, s.Repo) })
	wg.Go(func() { st.readUncommitted(ctx, s) })
	wg.Go(func() { st.readImages(ctx, s) })
	wg.Wait()
	st.findUnread(s.Repo)
	items := live.Items(domains, nil)
	st.Domains, st.undoable = report.NewDomains(domains, items).Domains, live.Undoable(items)
	return st, errors.Join(errs...)
}

// files returns the status of the Containerfiles.
func files(ctx context.Context, r repo.Repo) ([]File, error) {
	names, err := containerfile.Names(r, nil)
	files := []File{}
	for _, name := range names {
		rendered := containerfile.Render(ctx, r.FS(), name, containerfile.Unchanged)
		f := File{Name: name, State: "in step"}
		switch {
		case rendered.Err != nil:
			f.State = hint.Split(rendered.Err)[0].Error()
		case !bytes.Equal(rendered.Old, rendered.Text):
			f.State, f.Sections = "stale", section.Stale(string(rendered.Old), string(rendered.Text))
			f.Undecided = len(containerfile.Unsaved(ctx, r, []containerfile.Rendering{rendered})) > 0
		}
		files = append(files, f)
	}
	return files, err
}

func (st *Status) findUnread(r repo.Repo) {
	if !r.Has(manifest.Folder) {
		return
	}
	files, err := manifest.FindUnread(r.FS())
	for _, f := range files {
		st.UnreadFiles = append(st.UnreadFiles, UnreadFile{f.Error(), hint.Of(f)})
	}
	if err != nil {
		st.UnreadFilesError = err.Error()
	}
}

func (st *Status) readUncommitted(ctx context.Context, s live.System) {
	names, err := s.Repo.Uncommitted(ctx, host.Query{}, "manifests", gen.Containerfile(gen.System), gen.Containerfile(gen.Toolbox), workspace.IgnoreFile)
	st.Uncommitted = append([]string{}, names...)
	if err != nil {
		st.UncommittedError = withHints(err)
	}
}

// withHints returns an error and its hints in a line.
func withHints(err error) string {
	return strings.ReplaceAll(strings.Join(append([]string{err.Error()}, hint.Of(err)...), "; "), "\n", "; ")
}

// readImages compares the images of this system with the repository's.
func (st *Status) readImages(ctx context.Context, s live.System) {
	images, err := manifest.Read[manifest.Images](s.Repo.FS(), manifest.ImagePath)
	st.Booted = booted(ctx, images.Content.System.Name, err)
	st.Toolbox = toolbox(s.Repo, images.Content.Toolbox.Name, err)
	if st.Staged, err = bootc.IsStaged(); err != nil {
		st.StagedError = err.Error()
	}
}

// booted compares the booted image with the image called name; errName is why the name
// is unknown. The result is nil if the system did not boot from an image.
func booted(ctx context.Context, name string, errName error) *Booted {
	i, err := bootc.Booted(ctx)
	b := &Booted{Image: i.Name, Digest: i.Digest}
	switch {
	case err != nil:
		b.Error = err.Error()
	case i.Name == "":
		return nil
	default:
		b.Wanted, b.Error = compareImage(i.Name, name, errName)
	}
	return b
}

// toolbox compares the image of the toolbox container with the image called name;
// errName is why the name is unknown. The result is nil without such a container.
func toolbox(r repo.Repo, name string, errName error) *Toolbox {
	containers, err := manifest.Read[manifest.Containers](r.FS(), manifest.DistroboxPath)
	if err != nil {
		return &Toolbox{Error: firstOf(err)}
	}
	container, ok := containers.Content.Toolbox()
	if !ok {
		return nil
	}
	t := &Toolbox{Name: container, Image: containers.Content.Containers[container].Image}
	t.Wanted, t.Error = compareImage(t.Image, name, errName)
	return t
}

// compareImage returns name if the image has another one, or why that is unknown.
func compareImage(image, name string, errName error) (wanted, problem string) {
	switch {
	case errName != nil:
		return "", firstOf(errName)
	case name == "" || bootc.SameRepository(image, name):
		return "", ""
	}
	return name, ""
}

// firstOf returns the first of the errors in a manifest.
func firstOf(err error) string { return hint.Split(patherr.TrimOp(err))[0].Error() }
