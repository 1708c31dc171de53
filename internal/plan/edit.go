package plan

import "bkt/internal/shell"

// EditLists adds elements to lists of strings in GSettings, and removes elements. It
// reads the lists when it is executed: elements that others have added since the plan
// was made stay. A list that does not change is not written.
type EditLists struct {
	Schema string // of GSettings, such as "org.gnome.shell"
	Folder string // where dconf keeps it, such as "/org/gnome/shell/"
	Lists  []ListEdit

	// Needs are paths by element: an element whose path does not exist then is
	// neither added nor removed.
	Needs   map[string]string
	Summary string // of the edit, in a few words
}

// A ListEdit edits the list of a key. An element that is in Add is there once.
type ListEdit struct {
	Key         string
	Add, Remove []string
	Optional    bool // a schema without the key is not an error
}

func (EditLists) step() {}

// String returns the command that writes, and what it changes.
func (e EditLists) String() string { return "dconf load " + e.Folder + " < " + e.Summary }

// EditKeyFile edits a key file that programs write, if it exists. Other groups and
// keys stay. A file that does not change is not written.
type EditKeyFile struct {
	Path    string
	Remove  []string   // groups
	Set     []KeyValue // after that
	Summary string     // of the edit, in a few words

	// LowerKeys writes all keys in lower case: the file is one of Python's
	// configparser, for which keys with other letters are the same.
	LowerKeys bool
}

// A KeyValue is an entry of a group in a key file, as the file has it.
type KeyValue struct{ Group, Key, Value string }

func (EditKeyFile) step() {}

// String returns what happens, in a few words.
func (e EditKeyFile) String() string { return "edit " + shell.Show(e.Path) + ": " + e.Summary }
