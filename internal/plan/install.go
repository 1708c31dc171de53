package plan

import "bkt/internal/shell"

// Install downloads a program of one file. It replaces the file at Path, and becomes
// executable, only when it is complete, its checksum is right, and Finish accepts it.
type Install struct {
	Name   string // of the program, in the user's words
	Source Source
	Path   string // its final place
	Cache  string // its place during the download; an interrupted download continues there
	Limit  int64  // the maximum size in bytes
	Finish Finisher
}

func (Install) step() {}

// String returns a short description in the form of a command.
func (i Install) String() string {
	from := i.Source.URL
	if i.Source.Ask != nil {
		from = i.Source.Ask.URLs[0]
	}
	return "install " + shell.Show(i.Path) + " from " + shell.Show(from)
}

// A Source is the URL and the checksum of a file, or the request to a server for them.
type Source struct {
	URL     string // https or file; http only on this computer
	SHA256  string // in hexadecimal; "": SHA1 counts
	SHA1    string
	Size    int64  // in bytes; 0: any
	Version string // of the release that has it; "": unknown
	Ask     *Ask   // the request whose answer is the source; nil: the source is known
}

// An Ask is a request to a server.
type Ask struct {
	URLs    []string // the first one that exists has the answer
	Token   string   // for the host of the URLs, and no other; "": none
	Limit   int64    // the maximum size of the answer in bytes
	Missing string   // the error if none exists; "": the status of the answer
	Refused string   // the hint if the server refuses to answer
	Answer  Answer
}

// An Answer parses the answer of a server. It is the first of three callbacks in plans:
// planning asks no server, so only the execution knows which file to install.
type Answer interface {
	// Source returns the source in the text at a URL.
	Source(url string, text []byte) (Source, error)
}

// A Finisher computes the steps that belong to the installation of a program. It is the second of three
// callbacks in plans: only the program itself has its desktop entry and its icon.
type Finisher interface {
	// Finish returns the steps that write and delete files before the program moves to its
	// place: once it is there, nothing is left to do. It returns an error if the program must not be installed. The source has the
	// file's sha256.
	Finish(file string, from Source) ([]Step, error)
}
