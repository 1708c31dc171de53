// Rpms writes the packages of an offline repository: stand-ins for Fedora's,
// small, with real dependencies, and the same bytes on every run.
//
//	rpms OUTDIR [MANIFEST…]
//
// The repository has the packages of the table in stock.go, and one for each
// name in the packages of the manifests. OUTDIR also gets comps.xml, with the
// groups. It is not indexed: that is createrepo_c's work.
package main

import (
	"encoding/json"
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
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, p := range collect(specs) {
		if err := p.write(dir); err != nil {
			return fmt.Errorf("package %s: %w", p.name, err)
		}
	}
	return os.WriteFile(filepath.Join(dir, "comps.xml"), comps(specs), 0o644)
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
