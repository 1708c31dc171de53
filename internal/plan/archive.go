package plan

import (
	"fmt"
	"strings"

	"bkt/internal/shell"
)

// Fetch downloads a file. It replaces the file at Path only when the download is complete
// and its checksum is right.
type Fetch struct {
	URL     string // https, http or file
	Path    string
	SHA256  string // in hexadecimal; "": any file
	Limit   int64  // the maximum size in bytes
	Missing string // the error if the server has no such file; "": the status of the answer
}

func (Fetch) step() {}

// String returns a short description in the form of a command.
func (f Fetch) String() string { return "fetch " + shell.Show(f.URL) }

// Unzip replaces a folder by the content of a zip archive, and always deletes the archive.
// The old folder stays until the new one is complete.
type Unzip struct {
	Archive, Dir string
	Limit        int64         // the maximum size of all files together, in bytes
	Expect       []Expectation // an archive that fails one is refused

	// Command runs in the folder of the files that match Pattern, before the new
	// folder takes its place. Without such files it does not run.
	Pattern string
	Command []string
}

func (Unzip) step() {}

// String returns a short description.
func (u Unzip) String() string {
	text := "unzip into " + shell.Show(u.Dir)
	if len(u.Command) > 0 {
		text += fmt.Sprintf(" (%s: %s)", u.Pattern, strings.Join(u.Command, " "))
	}
	return text
}

// An Expectation is a required value in a JSON file.
type Expectation struct {
	File    string // in the folder
	Field   string // of the object in the file
	Value   any    // a string or a uint: of the field, or of one element of it
	Release bool   // a string that begins with Value and a dot is right, too
	Wrong   string // the error otherwise; its verb formats the value of the field
}

// Fail is a step that cannot be executed.
type Fail struct {
	Reason error
}

func (Fail) step() {}

// String returns the reason.
func (f Fail) String() string { return "cannot be done: " + f.Reason.Error() }
