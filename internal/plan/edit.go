package plan

import "bkt/internal/shell"

// EditLists adds elements to lists of strings in GSettings, and removes elements. It
// reads the lists when it is executed, and thus keeps elements that others have added since
// the plan was made. A list that does not change is not written.
type EditLists struct {
	Schema string // of GSettings, such as "org.gnome.shell"
	Folder string // its folder in dconf, such as "/org/gnome/shell/"
	Lists  []ListEdit

	// Needs are paths by element: an element whose path does not exist then is
	// neither added nor removed.
	Needs   map[string]string
	Summary string // of the edit, in a few words
}

// A ListEdit edits the list of a key. Elements in Add are in the list once afterwards.
type ListEdit struct {
	Key         string
	Add, Remove []string
	Optional    bool // a schema without the key is not an error
}

func (EditLists) step() {}

// String returns the command that writes, and a summary of the edit.
func (e EditLists) String() string { return "dconf load " + e.Folder + " < " + e.Summary }

// EditKeyFile edits a key file that programs write, if it exists. Other groups and
// keys stay. A file that does not change is not written.
type EditKeyFile struct {
	Path    string
	Remove  []string   // groups
	Set     []KeyValue // after that
	Summary string     // of the edit, in a few words

	// LowerKeys writes all keys in lower case, for files of Python's configparser,
	// which ignores case.
	LowerKeys bool
}

// A KeyValue is an entry of a group in a key file, with a raw value.
type KeyValue struct{ Group, Key, Value string }

func (EditKeyFile) step() {}

// String returns a short description.
func (e EditKeyFile) String() string { return "edit " + shell.Show(e.Path) + ": " + e.Summary }
