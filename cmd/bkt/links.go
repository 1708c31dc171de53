package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/workspace"
)

// linksKey is the setting of git with folders that the links of repositories may lead into.
const linksKey = "bkt.allowLinks"

// repository returns the repository of the command.
func (a *app) repository() (repo.Repo, error) {
	r, err := workspace.FindRepo()
	r.Links = a.links
	a.noteRepo(r, a.Verbose)
	return r, err
}

// images is like repository for commands about images.
func (a *app) images() (repo.Repo, error) {
	r, err := a.repository()
	if err == nil {
		err = r.CheckImages()
	}
	return r, err
}

// noteRepo prints which repository a command works on, if it is not the current one.
func (a *app) noteRepo(r repo.Repo, wanted bool) {
	if r.By != "" && wanted {
		a.Note("the repository is %s (%s)", r.Root, r.By)
	}
}

// allowedLinks returns the folders that the links of a repository may lead into: those of
// the flag, and those in the user's own configuration of git, for hooks and timers, which have
// no flags. The configuration of the repository itself does not count.
func allowedLinks(ctx context.Context, flags []string) repo.Links {
	return sync.OnceValues(func() ([]string, error) {
		var all []string
		for _, dir := range flags {
			abs, err := filepath.Abs(dir)
			if err != nil {
				return nil, err
			}
			all = append(all, abs)
		}
		configured, err := configuredLinks(ctx)
		return append(all, configured...), err
	})
}

func configuredLinks(ctx context.Context) ([]string, error) {
	if !host.Installed("git") {
		return nil, nil
	}
	argv := []string{"git", "config", "--global", "--type=path", "--get-all", linksKey}
	out, err := host.Query{}.Output(ctx, plan.Run{Argv: argv, Dir: "/"})
	if exit, ok := errors.AsType[*host.ExitError](err); ok && exit.Status == 1 { // it is not set
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("which links are allowed is unknown: %w", err)
	}
	var all []string
	for dir := range strings.SplitSeq(strings.TrimSuffix(string(out), "\n"), "\n") {
		if !filepath.IsAbs(dir) {
			return nil, fmt.Errorf("%s in git's configuration: %s is not an absolute path", linksKey, dir)
		}
		all = append(all, dir)
	}
	return all, nil
}
