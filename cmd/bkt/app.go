package main

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"bkt/gen"
	"bkt/internal/buildspec"
	"bkt/internal/crash"
	"bkt/internal/hint"
	"bkt/internal/ownpath"
	"bkt/internal/pipeline"
	"bkt/internal/repo"
	"bkt/internal/ui"
	"bkt/internal/workspace"

	"golang.org/x/term"
)

// app prints for commands.
type app struct {
	ui.Printer
	args     []string      // of the command line
	called   string        // see [ownpath.Start]
	image    gen.Image     // of the command, if it has one
	links    repo.Links    // of the repository
	warnings []warningJSON // that the output of --json repeats

	terminal atomic.Pointer[term.State] // before a list was shown; nil: none was
}

// start says how bkt was started, for a user with these folders.
func (a *app) start(f workspace.Folders) ownpath.Start {
	return ownpath.Start{Called: a.called, Path: os.Getenv("PATH"), Home: f.Home}
}

// resetTerminal undoes what a list or the progress of a build may have changed.
func (a *app) resetTerminal() {
	if state := a.terminal.Load(); state != nil {
		_ = term.Restore(int(os.Stdin.Fd()), state)
	}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		fmt.Fprint(os.Stderr, showCursor)
	}
}

// showCursor is the terminal's sequence that shows the cursor.
const showCursor = "\x1b[?25h"

func (a *app) configure(c cli) {
	a.JSON, a.Quiet, a.Verbose, a.Color = c.JSON, c.Quiet, c.Verbose, c.Color
}

// report prints err, joined errors one by one, and returns the exit status.
func (a *app) report(err error) int {
	if code, ok := errors.AsType[exited](err); ok {
		return min(int(code), 1)
	}
	if errors.Is(err, pipeline.ErrReported) {
		return 1
	}
	if err == nil {
		return 0
	}
	failed := false
	for _, e := range hint.Split(err) {
		if !errors.Is(e, ui.ErrPending) {
			a.source(e)
			a.Say("error", ui.Red, a.withStack(e))
			failed = true
		}
	}
	if failed {
		return 1
	}
	return 2
}

// withStack prints the stack of a bug in bkt with --verbose. Otherwise it adds a hint.
func (a *app) withStack(err error) error {
	bug, ok := errors.AsType[*crash.Error](err)
	if !ok {
		return err
	}
	if !a.Verbose {
		return hint.Add(err, "run the command again with -v to print the whole stack")
	}
	fmt.Fprint(a.Err, bug.Stack())
	return err
}

// source prints the lines of the Containerfile at which a build failed, and the last
// lines of the step's output if the progress has not shown them.
func (a *app) source(err error) {
	step, ok := errors.AsType[*buildspec.StepError](err)
	if !ok {
		return
	}
	fmt.Fprint(a.Err, step.Source)
	if step.Tail != "" {
		fmt.Fprintln(a.Err, step.Tail)
	}
}
