package plan

import (
	"fmt"
	"io/fs"
	"strings"
)

// Fetch downloads a file, which takes its place only once it is whole and known
// to be the right one.
type Fetch struct {
	URL     string // https, http or file
	Path    string
	SHA256  string // in hexadecimal; "": whatever comes
	Limit   int64  // the most bytes that it may have
	Missing string // what it means that the server has no such file; "": just that
}

func (Fetch) step() {}

// String returns what happens, as a command would say it.
func (f Fetch) String() string { return "fetch " + quote(f.URL) }

// Unzip makes a folder of a zip archive, in place of the one that is there, and
// deletes the archive, whatever comes of it. The old folder stays until the new
// one is complete.
type Unzip struct {
	Archive, Dir string
	Limit        int64 // the most bytes that all files may have together
	Check        Checker

	// The command is run where the files are that match the pattern, before
	// the folder takes its place. It is not if there are none.
	Pattern string
	Command []string
}

func (Unzip) step() {}

// String returns what happens, in a few words.
func (u Unzip) String() string {
	text := "unzip into " + quote(u.Dir)
	if len(u.Command) > 0 {
		text += fmt.Sprintf(" (%s: %s)", u.Pattern, strings.Join(u.Command, " "))
	}
	return text
}

// A Checker says what is wrong with a folder, if anything is.
type Checker interface {
	Check(folder fs.FS) error
}

// FilterCommand gives a command what another prints, edited. Where the edit changes
// nothing, the command is not run.
type FilterCommand struct {
	Read  Run
	Edit  Editor
	Write Run // Stdin is the edited text
}

func (FilterCommand) step() {}

// String returns the command that changes something, and what it changes.
func (u FilterCommand) String() string { return fmt.Sprintf("%s < %s", u.Write, u.Edit) }

// An Editor says what a command is to be given.
type Editor interface {
	fmt.Stringer
	// Edit returns it, nil if nothing is to change.
	Edit(text []byte) ([]byte, error)
}

// Fail is what ought to be done and cannot be.
type Fail struct {
	Reason error
}

func (Fail) step() {}

// String returns why.
func (f Fail) String() string { return "cannot be done: " + f.Reason.Error() }
