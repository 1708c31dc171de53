package flatpak

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/keyfile"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/reconcile"
)

// A definition defines an installation with a name of its own, with the fields of
// flatpak-installation(5).
type definition struct {
	manifest.FlatpakInstallation
	file  string
	alone bool // the file has nothing else
}

// further has the installations that files in installations.d define.
type further struct {
	defined []definition
	unread  []reconcile.Unread // files, which may define others
}

// find returns the definition of an installation. A nil f has none.
func (f *further) find(scope manifest.Scope) (definition, bool) {
	if f == nil {
		return definition{}, false
	}
	i := slices.IndexFunc(f.defined, func(d definition) bool { return d.Scope == scope })
	if i < 0 {
		return definition{}, false
	}
	return f.defined[i], true
}

// installationsFolder is the folder of definitions, whose names end in definitionSuffix.
const (
	installationsFolder = "installations.d"
	definitionSuffix    = ".conf"
)

// readFurther reads the definitions below a configuration folder. The first of two with
// the same name counts.
func readFurther(config string) further {
	var f further
	if config == "" {
		return f
	}
	dir := filepath.Join(config, installationsFolder)
	files, err := names(dir)
	if err != nil {
		f.unread = append(f.unread, reconcile.Unread{What: dir, Err: patherr.Reason(err)})
	}
	for _, name := range files {
		if !strings.HasSuffix(name, definitionSuffix) {
			continue
		}
		path := filepath.Join(dir, name)
		defined, err := readDefinitions(path)
		if err != nil {
			f.unread = append(f.unread, reconcile.Unread{What: path, Err: patherr.Reason(err)})
		}
		for _, d := range defined {
			if _, ok := f.find(d.Scope); !ok {
				f.defined = append(f.defined, d)
			}
		}
	}
	return f
}

func readDefinitions(path string) ([]definition, error) {
	text, err := plainfile.Read(path, plainfile.MaxText)
	if err != nil {
		return nil, err
	}
	file, err := keyfile.Parse(text)
	if err != nil {
		return nil, err
	}
	var all []definition
	for _, g := range file {
		name, ok := quotedName("Installation", g.Name)
		if !ok {
			continue
		}
		d := definition{file: path, alone: len(file) == 1}
		d.Scope = manifest.CustomScope(name)
		d.Path, d.DisplayName = file.Get(g.Name, "Path"), file.Get(g.Name, "DisplayName")
		d.StorageType = file.Get(g.Name, "StorageType")
		d.Priority, err = strconv.Atoi(cmp.Or(file.Get(g.Name, "Priority"), "0"))
		if d.Path == "" || err != nil {
			return all, errors.New("an installation has no Path, or its Priority is not a number")
		}
		all = append(all, d)
	}
	return all, nil
}
