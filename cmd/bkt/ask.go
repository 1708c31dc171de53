package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"

	"bkt/internal/live"
	"bkt/internal/printable"
	"bkt/internal/ui"
	"bkt/internal/workspace"

	"charm.land/huh/v2"
	"golang.org/x/term"
)

const (
	titleLines = 1  // of a list on the terminal
	maxLines   = 20 // of it, which scrolls
)

// pick lets the user deselect items that change. What looks like a secret is not
// selected at first.
func (a *app) pick(ctx context.Context, title string, items []live.Item, to live.Direction) error {
	if !live.Changing(items) {
		return nil
	}
	if !ui.Interactive() {
		return errNoTerminal("--interactive", "leave out --interactive, or name domains")
	}
	var options []huh.Option[int]
	for n, i := range items {
		if i.Op != "" {
			text, secret := i.PickLine(to)
			options = append(options, huh.NewOption(printable.Escape(text), n).Selected(secret == ""))
		}
	}
	var picked []int
	field := huh.NewMultiSelect[int]().Title(title).Options(options...).Height(min(len(options)+titleLines, maxLines)).Value(&picked)
	a.Asked = true
	if err := a.runForm(ctx, os.Stdin, field); err != nil {
		return err
	}
	for n := range items {
		if items[n].Op != "" && !slices.Contains(picked, n) {
			items[n].Keep()
		}
	}
	return nil
}

// runForm lets the user answer field on the terminal in.
func (a *app) runForm(ctx context.Context, in *os.File, field huh.Field) error {
	if state, err := term.GetState(int(in.Fd())); err == nil {
		a.terminal.Store(state)
	}
	keys := &formKeys{File: in}
	defer keys.ended.Store(true)
	err := huh.NewForm(huh.NewGroup(field)).WithInput(keys).RunWithContext(ctx)
	if errors.Is(err, huh.ErrUserAborted) {
		return errInterrupted
	}
	return err
}

// formKeys are the keys typed while a form is shown. On a busy machine, huh leaves a
// goroutine behind that reads on: it must not take the answer to the next question.
type formKeys struct {
	*os.File
	ended atomic.Bool
}

// Read returns [io.EOF] once the form has ended.
func (k *formKeys) Read(p []byte) (int, error) {
	if k.ended.Load() {
		return 0, io.EOF
	}
	return k.File.Read(p)
}

// askSecrets asks whether to capture each item that looks like a secret. Without a
// terminal they are refused. --yes is no answer: who gives it does not know of the
// secret.
func (a *app) askSecrets(ctx context.Context, items []live.Item, f liveFlags) error {
	if f.Yes || f.Preview() || !ui.Interactive() {
		live.RefuseSecrets(items)
		return nil
	}
	in := bufio.NewReader(os.Stdin)
	for n := range items {
		i := &items[n]
		what := i.Secret()
		if what == "" {
			continue
		}
		question := fmt.Sprintf("%s: %s looks like a secret (%s). Capture it anyway? [y/N] ", i.Domain.Name(), i.MaskedKey(), what)
		answer, err := a.Ask(ctx, in, question)
		if err != nil {
			return err
		}
		if !ui.IsYes(answer) {
			i.Refuse(nil)
			a.Note("%s: %s: not captured; to ignore it from now on, add the line %q to %s", i.Domain.Name(), i.MaskedKey(), i.IgnoreLine(), workspace.IgnoreFile)
		}
	}
	return nil
}
