// Rpms writes the packages of offline repositories: stand-ins for Fedora's and
// others', small, with real dependencies.
//
//	rpms OUTDIR [MANIFEST…]
//
// OUTDIR/fedora has the packages of the table in stock.go, and one for each name
// in the packages of the manifests, the same bytes on every run. It also gets
// comps.xml, with the groups. OUTDIR/external has signed packages, and their
// key. Neither is indexed: that is createrepo_c's work. OUTDIR/toolchains has
// programs that are no packages.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: rpms OUTDIR [MANIFEST…]")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "rpms: error: %v\n", err)
		os.Exit(1)
	}
}

// run writes the repository of the stock and of what the manifests name.
func run(dir string, manifests []string) error {
	var specs []string
	for _, name := range manifests {
		more, err := readSpecs(name)
		if err != nil {
			return err
		}
		specs = append(specs, more...)
	}
	fedora := filepath.Join(dir, "fedora")
	if err := writeAll(fedora, collect(specs), ""); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(fedora, "comps.xml"), comps(specs), 0o644); err != nil {
		return err
	}
	return errors.Join(writeExternal(filepath.Join(dir, "external")), writeToolchains(filepath.Join(dir, "toolchains")))
}

// writeAll writes packages into dir, signed with the key in a file if that is
// given.
func writeAll(dir string, pkgs []pkg, key string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, p := range pkgs {
		if err := p.write(dir, key); err != nil {
			return fmt.Errorf("package %s: %w", p.name, err)
		}
	}
	return nil
}

// readSpecs returns the packages of the manifest called name. A manifest that
// is not there has none.
func readSpecs(name string) ([]string, error) {
	data, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var manifest struct {
		Packages []string `json:"packages"`
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return manifest.Packages, nil
}

// collect returns the stock and a package for each spec that it lacks, by
// name.
func collect(specs []string) []pkg {
	byName := map[string]pkg{}
	for _, p := range stock {
		byName[p.name] = p
	}
	for _, spec := range specs {
		p, ok := standIn(spec)
		if _, has := byName[p.name]; ok && !has {
			byName[p.name] = p
		}
	}
	var pkgs []pkg
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		pkgs = append(pkgs, byName[name])
	}
	return pkgs
}

// standIn returns a package that dnf takes for spec. Groups and patterns name
// no package of their own.
func standIn(spec string) (pkg, bool) {
	if strings.HasPrefix(spec, "@") || strings.ContainsAny(spec, "*?[") {
		return pkg{}, false
	}
	if !strings.ContainsAny(spec, "()/ ") {
		return pkg{name: spec, version: "1.0"}, true
	}
	// What is not a name is something that a package provides, such as
	// python3dist(requests) or /usr/bin/vi.
	name := strings.Trim(strings.Map(nameRune, spec), "-")
	return pkg{name: name, version: "1.0", provides: []string{spec}}, true
}

// nameRune turns what a package's name cannot have into a dash.
func nameRune(r rune) rune {
	if strings.ContainsRune("()/ ", r) {
		return '-'
	}
	return r
}
