package live

import (
	"errors"
	"io/fs"
	"slices"

	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/workspace"
)

// Ignore is the plan that adds the items to the ignore file.
func (s System) Ignore(items []Item) (plan.Plan, error) {
	if len(items) == 0 {
		return nil, nil
	}
	old, err := fs.ReadFile(s.Repo.FS(), workspace.IgnoreFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, patherr.TrimOp(err)
	}
	text := string(old)
	if text != "" && text[len(text)-1] != '\n' {
		text += "\n"
	}
	var lines []string
	for _, i := range items {
		lines = append(lines, i.IgnoreLine()+"\n")
	}
	slices.Sort(lines)
	for _, line := range lines {
		text += line
	}
	return s.Repo.Rewrite(workspace.IgnoreFile, old, []byte(text)), nil
}
