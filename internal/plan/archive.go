package plan

import (
	"fmt"
	"strings"

	"bkt/internal/shell"
)

// Fetch downloads a file. The file takes its place only when it is complete and
// proves to be the right one.
type Fetch struct {
	URL     string // https, http or file
	Path    string
	SHA256  string // in hexadecimal; "": any file
	Limit   int64  // the most bytes that it may have
	Missing string // the error if the server has no such file; "": only that
}

func (Fetch) step() {}

// String returns what happens, as a command would say it.
func (f Fetch) String() string { return "fetch " + shell.Show(f.URL) }

// Unzip makes a folder of a zip archive, in place of the present folder, and deletes
// the archive in any case. The present folder stays until the new one is complete.
type Unzip struct {
	Archive, Dir string
	Limit        int64         // the most bytes that all files together may have
	Expect       []Expectation // an archive that does not meet one is refused

	// Command runs in the folder of the files that match Pattern, before the new
	// folder takes its place. Without such files it does not run.
	Pattern string
	Command []string
}

func (Unzip) step() {}

// String returns what happens, in a few words.
func (u Unzip) String() string {
	text := "unzip into " + shell.Show(u.Dir)
	if len(u.Command) > 0 {
		text += fmt.Sprintf(" (%s: %s)", u.Pattern, strings.Join(u.Command, " "))
	}
	return text
}

// An Expectation is a value that a file of JSON must have.
type Expectation struct {
	File    string // in the folder
	Field   string // of the object in the file
	Value   any    // a string or a uint: of the field, or of one element of it
	Release bool   // a string that begins with Value and a dot is right, too
	Wrong   string // the error otherwise; its verb formats what the field has
}

// Fail is a step that cannot be executed.
type Fail struct {
	Reason error
}

func (Fail) step() {}

// String returns why.
func (f Fail) String() string { return "cannot be done: " + f.Reason.Error() }
