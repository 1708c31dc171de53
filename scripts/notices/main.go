// Notices writes THIRD_PARTY_NOTICES: the licences and notices of all code that
// is linked into bkt and bkt-engine, from the module cache.
//
//	notices [--check] FILE
//
// With --check it writes nothing, and fails if FILE is out of date. The same
// go.mod gives the same bytes on every machine.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// main exits with status 1 on an error, also if FILE is out of date.
func main() {
	check := flag.Bool("check", false, "fail if FILE is out of date")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: notices [--check] FILE")
		os.Exit(1)
	}
	if err := run(flag.Arg(0), *check); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

// run writes or checks a file with the notices of the module around it.
func run(name string, check bool) error {
	packages, err := linked(filepath.Dir(name))
	if err != nil {
		return err
	}
	modules, err := collect(packages)
	if err != nil {
		return err
	}
	want := render(modules)
	if !check {
		return os.WriteFile(name, want, 0o644)
	}
	have, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return fmt.Errorf("%s is out of date: run \"make notices\"", filepath.Base(name))
	}
	return nil
}

// A module has the texts of its notices by file, relative to its folder.
type module struct {
	name, version string
	texts         map[string]string
}

// collect returns the modules of packages, sorted by name. A module of someone
// else without a licence is an error; one of our own is left out.
func collect(packages []pkg) ([]module, error) {
	modules := map[string]module{}
	for _, p := range packages {
		m, ok := modules[p.module]
		if !ok {
			m = module{name: p.module, version: p.version, texts: map[string]string{}}
			modules[p.module] = m
		}
		if err := addNotices(m.texts, p.root, p.dir); err != nil {
			return nil, err
		}
	}
	var sorted []module
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		m := modules[name]
		if len(m.texts) > 0 {
			sorted = append(sorted, m)
		} else if m.version != "" {
			return nil, fmt.Errorf("%s %s has no licence", m.name, m.version)
		}
	}
	return sorted, nil
}
