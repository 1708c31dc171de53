// Package statefile has the errors of bkt's own state files, such as the last known state.
//
// A file that bkt cannot use is never the same as one that does not exist: bkt stops
// and names it. "bkt doctor --fix" moves damaged files away; those of a newer bkt stay.
package statefile

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"bkt/internal/version"
)

// A Problem is the error of a state file that bkt cannot use.
type Problem struct {
	Path  string
	Err   error  // names the file
	Newer bool   // a newer bkt wrote it
	After string // what bkt does without the file; "": only the user can replace it
	Hint  string // for the user, if After is ""
}

// Damaged returns the error of a file with a text that bkt did not write, nil if err is
// nil. err names the file.
func Damaged(path string, err error, after string) error {
	if err == nil {
		return nil
	}
	return &Problem{Path: path, Err: err, After: after}
}

// Newer returns the error of a file with a version that this bkt does not know.
func Newer(path string, has, reads int) error {
	return &Problem{Path: path, Err: fmt.Errorf("%s: has version %d, and this bkt reads version %d", path, has, reads), Newer: true}
}

// Of returns the Problem in err, or nil.
func Of(err error) *Problem {
	p, _ := errors.AsType[*Problem](err)
	return p
}

func (p *Problem) Error() string { return p.Err.Error() }

func (p *Problem) Unwrap() error { return p.Err }

// Hints implements the interface of package hint.
func (p *Problem) Hints() []string {
	switch {
	case p.Newer:
		return []string{"update bkt: a newer one wrote this file" + version.AtReleases()}
	case p.CanMove():
		return []string{`run "bkt doctor --fix", which moves this file away: ` + p.After}
	}
	return []string{p.Hint}
}

// CanMove reports whether bkt can go on without the file, and nothing is lost.
func (p *Problem) CanMove() bool { return !p.Newer && p.After != "" }

// damaged is between the name of a file and the time at which it was moved away.
const damaged = ".damaged-"

// Away returns the path to which a damaged file is moved. bkt reads no file of such a
// name.
func (p *Problem) Away(now time.Time) string {
	return p.Path + damaged + now.UTC().Format("20060102-150405")
}

// IsAway reports whether name is that of a file called of that was moved away.
func IsAway(name, of string) bool { return strings.HasPrefix(name, filepath.Base(of)+damaged) }
