package repo

import (
	"context"
	"slices"
	"strings"
)

// Uncommitted returns the paths, and the files below them, with changes that are not
// committed, sorted; none outside a repository of git.
func (r Repo) Uncommitted(ctx context.Context, git Git, paths ...string) ([]string, error) {
	out, err := git.Git(ctx, r.Root, nil,
		append([]string{"--no-optional-locks", "status", "--porcelain", "-z", "--no-renames", "--ignore-submodules=dirty", "--"}, paths...)...)
	if err != nil {
		return nil, r.NoGit(err)
	}
	var names []string
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if len(entry) > len("XY ") {
			names = append(names, entry[len("XY "):])
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
