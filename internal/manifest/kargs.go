package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Kargs are kernel arguments. A plain list has those to append.
type Kargs struct {
	Append []Karg   `json:"append,omitempty"` // arguments that the image sets, in order
	Remove []string `json:"remove,omitempty"` // some of the appended arguments; an image cannot remove others
	Plain  bool     `json:"-"`                // written as a plain list
}

// A Karg is a kernel argument. A string is one for every architecture.
type Karg struct {
	Value   string   `json:"value"`          // the argument, such as "quiet" or "console=ttyS0"
	Arch    []string `json:"arch,omitempty"` // the only architectures that it is for, by bootc's names; default: all
	Comment string   `json:"comment,omitempty"`
	Bare    bool     `json:"-"` // written as a string
}

// Form implements [strictjson.Union].
func (k *Karg) Form(kind jsontext.Kind) any {
	return textOrObject(kind, &k.Bare, &k.Value, (*karg)(k))
}

// A karg is a Karg in the form of an object.
type karg Karg

// MarshalJSONTo implements json.MarshalerTo.
func (k Karg) MarshalJSONTo(e *jsontext.Encoder) error {
	return writeTextOrObject(e, k.Bare && len(k.Arch) == 0 && k.Comment == "", k.Value, karg(k))
}

func (k Karg) canonical() Karg {
	k.Arch = sorted(k.Arch, strings.Compare)
	return k
}

func (k Karg) check(o strictjson.Object) {
	checkItemText(o, k.Bare, "kernel argument", "value", k.Value, checkKarg)
	checkArchs(o, k.Arch, "argument", checkKargArch)
	checkItemComment(o, k.Comment)
}

// checkArchs checks the architectures that something is for. An empty list is an error: it
// would be for none.
func checkArchs(o strictjson.Object, archs []string, what string, check func(string) error) {
	o.Tell("arch", strictjson.Rule{Filled: true})
	if at := o.Pointer + "/arch"; len(archs) == 0 && o.Has(at) {
		err := fmt.Errorf(`"arch" has no architecture, so that the %s would be for none`, what)
		o.Add(at, hint.Add(err, `name the architectures, or leave out "arch" for all`))
	}
	o.List("arch", "architecture", archs, check)
}

// kargArchs are the architectures of bootc, by Rust's names
// (https://bootc-dev.github.io/bootc/building/kernel-arguments.html).
var kargArchs = []string{"aarch64", "arm", "powerpc64", "riscv64", "s390x", "x86_64"}

// otherArchs has the names of the same architectures in other programs.
var otherArchs = map[string]string{"amd64": "x86_64", "arm64": "aarch64", "ppc64le": "powerpc64"}

func checkKargArch(s string) error {
	err := strictjson.OneOf(kargArchs...)(s)
	if must, ok := err.(strictjson.MustBe); ok && otherArchs[s] != "" {
		must.Suffix = fmt.Sprintf(" (bootc calls it %q)", otherArchs[s])
		return must
	}
	return err
}

func (k Kargs) canonical() Kargs {
	k.Append = slices.Clone(k.Append)
	for i, a := range k.Append {
		k.Append[i] = a.canonical()
	}
	return k
}

func (k Kargs) check(r *strictjson.Report) {
	list := k.list()
	checkItems(r.Object(list.Parent()), list.LastToken(), "kernel argument", k.Append)
	r.Object("/kargs").List("remove", "kernel argument", k.Remove, checkKarg)
}

// list returns the pointer of the list of appended arguments.
func (k Kargs) list() jsontext.Pointer {
	if k.plain() {
		return "/kargs"
	}
	return "/kargs/append"
}

// A KernelArgument is an argument that the image sets, with its pointer.
type KernelArgument struct {
	ListItem
	Comment string
	Arch    []string // the only architectures that it is for; none: all
}

// Form implements [strictjson.Union].
func (k *Kargs) Form(kind jsontext.Kind) any {
	switch kind {
	case '[':
		k.Plain = true
		return &k.Append
	case '{':
		return (*kargs)(k)
	}
	return nil
}

// kargs are Kargs in the form of an object.
type kargs Kargs

// MarshalJSONTo implements json.MarshalerTo.
func (k Kargs) MarshalJSONTo(e *jsontext.Encoder) error {
	if k.plain() {
		return json.MarshalEncode(e, k.Append)
	}
	return json.MarshalEncode(e, kargs(k))
}

// plain reports whether k is written as a plain list, which cannot have removals.
func (k Kargs) plain() bool { return k.Plain && len(k.Remove) == 0 }

// IsZero reports whether k is left out of the file.
func (k Kargs) IsZero() bool { return !k.Plain && len(k.Append)+len(k.Remove) == 0 }

const hintKarg = `a kernel argument is a word such as "quiet" or "console=ttyS0"; put a value with spaces into double quotes, as in "dyndbg=\"file a.c +p\""`

// checkKarg checks one kernel argument. bootc splits them at spaces outside of double
// quotes.
func checkKarg(s string) error {
	return hint.Add(cmp.Or(checkTrimmed(s), checkControl(s, ""), checkQuotes(s)), hintKarg)
}

func checkQuotes(s string) error {
	quoted := false
	for _, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ' ' && !quoted:
			return errors.New("has a space, and would be two arguments")
		}
	}
	switch name, _, _ := strings.Cut(strings.Trim(s, `"`), "="); {
	case quoted:
		return errors.New(`lacks a closing "`)
	case name == "":
		return errors.New("has no name")
	}
	return nil
}
