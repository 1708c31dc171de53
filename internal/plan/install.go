package plan

import "bkt/internal/shell"

// Install downloads a program that is one file. The program takes its place, and may
// be executed, only when it is complete, proves to be the right one, and is accepted by
// Finish.
type Install struct {
	Name   string // of the program, as the user knows it
	Source Source
	Path   string // where it goes
	Cache  string // where it is until then; a download that was interrupted continues there
	Limit  int64  // the most bytes that it may have
	Finish Finisher
}

func (Install) step() {}

// String returns what happens, as a command would say it.
func (i Install) String() string {
	from := i.Source.URL
	if i.Source.Ask != nil {
		from = i.Source.Ask.URLs[0]
	}
	return "install " + shell.Show(i.Path) + " from " + shell.Show(from)
}

// A Source says where a file is and how to recognize it, or which server knows that.
type Source struct {
	URL     string // https or file; http only on this computer
	SHA256  string // in hexadecimal; "": SHA1 is enough
	SHA1    string
	Size    int64  // in bytes; 0: any
	Version string // of the release that has it; "": unknown
	Ask     *Ask   // the question whose answer is the source; nil: all is known
}

// An Ask is a question to a server.
type Ask struct {
	URLs    []string // the first that exists has the answer
	Token   string   // for the host of the URLs, and no other; "": none
	Limit   int64    // the most bytes that the answer may have
	Missing string   // the error if none exists; "": only that
	Refused string   // what the user can do if the server refuses to answer
	Answer  Answer
}

// An Answer understands what a server says. It is the first of two callbacks in plans:
// looking asks no server, so that only the execution can learn which file to install.
type Answer interface {
	// Source returns what the text at a URL says.
	Source(url string, text []byte) (Source, error)
}

// A Finisher decides about a program that was downloaded. It is the second of two
// callbacks in plans: which desktop entry and icon a program has is known only from the
// program.
type Finisher interface {
	// Finish returns the steps that write and delete files after the program has
	// taken its place, or what is wrong with the program. The source has the file's
	// sha256.
	Finish(file string, from Source) ([]Step, error)
}
