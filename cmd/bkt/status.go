package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/gen/section"
	"bkt/internal/containerfile"
	"bkt/internal/crash"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/workspace"
)

type statusCmd struct{ domainArgs }

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

// stagedDeployment is there while a deployment waits for the next start, by
// ostree's src/libostree/ostree-sysroot-deploy.c.
const stagedDeployment = "/run/ostree/staged-deployment"

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
	var domains []domain
	errs := make([]error, 2)
	var wg crash.Group
	if err := workspace.CheckDesktop(); err != nil {
		st.Unseen = err.Error()
	} else {
		wg.Go(func() { domains, errs[0] = s.look(ctx, asked) })
		auto := s.autoStatus()
		st.AutoCapture = &auto
	}
	wg.Go(func() { st.Files, errs[1] = s.files(ctx) })
	wg.Go(func() { st.readUncommitted(ctx, s) })
	wg.Go(func() { st.Booted, st.Box = s.images(ctx) })
	wg.Wait()
	_, err := os.Stat(stagedDeployment)
	st.Staged = err == nil
	if err = patherr.UnlessMissing(err); err != nil {
		st.StagedError = patherr.Trim(err).Error()
	}
	st.Domains = asDomainsJSON(domains, each(domains, func(*item) {})).Domains
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
	names, err := s.uncommitted(ctx)
	st.Uncommitted = append([]string{}, names...)
	if err != nil {
		st.Unknown = err.Error()
	}
}

// uncommitted returns those of bkt's files that git has not, none where there is
// no git, or no repository of git's.
func (s system) uncommitted(ctx context.Context) ([]string, error) {
	out, err := host.Git{}.Git(ctx, s.Repo.Root, nil,
		"--no-optional-locks", "status", "--porcelain", "-z", "--no-renames", "--", "manifests", gen.Containerfile(gen.System), gen.Containerfile(gen.Toolbox), workspace.IgnoreFile)
	names := []string{}
	if err != nil {
		return names, s.Repo.NoGit(err)
	}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if len(entry) > len("XY ") {
			names = append(names, entry[len("XY "):])
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

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
		out.WriteString("an image is staged: it is used from the next start on\n")
	}
	if st.Box != nil {
		fmt.Fprintf(&out, "toolbox: %s\n", st.Box.text())
	}
	if st.Unseen != "" {
		fmt.Fprintf(&out, "not looked at: flatpak-apps, gsettings and all else that bkt captures: %s\n", st.Unseen)
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
	if f.State != "stale" {
		return f.State
	}
	does := "mends it"
	if f.Undecided {
		does = "lists text that comes from no manifest"
	}
	return strings.TrimSpace("stale "+strings.Join(f.Sections, ", ")) + ` ("bkt containerfile sync" ` + does + ")"
}

// summary says in a line how a domain stands.
func (d domainJSON) summary() string {
	if d.Reason != "" {
		return "unavailable: " + d.Reason
	}
	parts := []string{fmt.Sprintf("%d in step", d.InStep)}
	for _, c := range []struct {
		words string
		cases []reconcile.Case
	}{
		{"changed here", []reconcile.Case{reconcile.CaseLive, reconcile.CaseNew}},
		{"changed in the manifest", []reconcile.Case{reconcile.CaseManifest, reconcile.CaseMissing}},
		{"changed on both sides", []reconcile.Case{reconcile.CaseMerge, reconcile.CaseNoBase}},
		{"in conflict", []reconcile.Case{reconcile.CaseConflict}},
		{"not to be captured", []reconcile.Case{reconcile.CaseUncapturable}},
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
