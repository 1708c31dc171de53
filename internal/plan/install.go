package plan

// Install downloads a program that is one file. It takes its place, and may be
// executed, only once it is whole, known to be the right one, and the Finisher
// has nothing against it.
type Install struct {
	Name   string // of the program, as the user knows it
	Source Source
	Path   string // where it goes
	Cache  string // where it is until then; what broke off there is gone on with
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
	return "install " + quote(i.Path) + " from " + quote(from)
}

// A Source says where a file is and how to know it, or what tells that.
type Source struct {
	URL     string // https, or file; http only of this computer
	SHA256  string // in hexadecimal; "": the SHA-1 will do
	SHA1    string
	Size    int64  // in bytes; 0: whatever
	Version string // of the release that has it; "": none is known
	Ask     *Ask   // what tells all this; nil: it is known
}

// An Ask is a question to a server.
type Ask struct {
	URLs    []string // the first of them that is there has the answer
	Token   string   // for the host of the URLs, and no other; "": none
	Limit   int64    // the most bytes that the answer may have
	Missing string   // what it means that none is there; "": just that
	Refused string   // what the user can do where the server will not answer
	Answer  Answer
}

// An Answer understands what a server says.
type Answer interface {
	// Source returns what the text at a URL says.
	Source(url string, text []byte) (Source, error)
}

// A Finisher has the last word on a program that was downloaded.
type Finisher interface {
	// Finish says what is written and deleted once the file has taken its
	// place. An error is what is wrong with it. The source has the file's sha256.
	Finish(file string, from Source) ([]Step, error)
}

// EditFile edits a file that programs write. Where the edit changes nothing, it is
// not written.
type EditFile struct {
	Path string
	Edit Editor
}

func (EditFile) step() {}

// String returns what happens, in a few words.
func (r EditFile) String() string { return "edit " + quote(r.Path) + ": " + r.Edit.String() }
