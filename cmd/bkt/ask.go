package main

import (
	"context"
	"errors"
	"slices"

	"bkt/internal/hint"
	"bkt/internal/ui"

	"charm.land/huh/v2"
)

const (
	titleLines = 1  // of a list on the terminal
	maxLines   = 20 // of it, which scrolls
)

// pick lets the user take back some of the items that are to be changed.
func (a *app) pick(ctx context.Context, wanted bool, title string, items []item, to direction) error {
	if !wanted || len(keysByDomain(items)) == 0 {
		return nil
	}
	if !ui.Interactive() {
		return hint.Add(errors.New("there is no terminal to pick on"), "leave out --interactive, or name domains")
	}
	var options []huh.Option[int]
	for n, i := range items {
		if i.op != "" {
			options = append(options, i.option(to, n))
		}
	}
	var picked []int
	field := huh.NewMultiSelect[int]().Title(title).Options(options...).Height(min(len(options)+titleLines, maxLines)).Value(&picked)
	a.Asked = true
	if err := interrupted(huh.NewForm(huh.NewGroup(field)).RunWithContext(ctx)); err != nil {
		return err
	}
	for n := range items {
		if items[n].op != "" && !slices.Contains(picked, n) {
			items[n].op, items[n].result = "", resultKept
		}
	}
	return nil
}

func interrupted(err error) error {
	if errors.Is(err, huh.ErrUserAborted) {
		return errors.New("interrupted")
	}
	return err
}
