package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// platforms are the platforms that bkt is built for. The linked packages differ by
// platform.
var platforms = []string{"amd64", "arm64"}

// A pkg is a package that is linked into one of the programs.
type pkg struct {
	module, version string
	root, dir       string // the folders of the module and of the package
}

// linked returns the packages that the programs of the module in a folder link.
// The standard library is one package, and each of the module's own packages is a
// module of its own: it may have copied something.
func linked(dir string) ([]pkg, error) {
	goroot, err := runGo(dir, runtime.GOARCH, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	root := strings.TrimSpace(goroot)
	packages := []pkg{{module: "Go standard library", root: root, dir: root}}
	for _, arch := range platforms {
		out, err := runGo(dir, arch, "list", "-deps", "-tags", "containers_image_openpgp",
			"-f", fields, "./cmd/bkt", "./cmd/bkt-engine")
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(out) {
			if f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(f) == 4 {
				packages = append(packages, pkg{module: f[0], version: f[1], root: f[2], dir: f[3]})
			}
		}
	}
	return packages, nil
}

// fields is what go list prints of a package: the fields of a pkg, with tabs
// between them, and an empty line for the standard library.
const fields = `{{$p := .}}{{with .Module}}` +
	`{{if .Main}}{{$p.ImportPath}}{{"\t\t"}}{{$p.Dir}}` +
	`{{else}}{{.Path}}{{"\t"}}{{.Version}}{{"\t"}}{{.Dir}}{{end}}` +
	`{{"\t"}}{{$p.Dir}}{{end}}`

// runGo runs go in a folder, for a platform, and returns its output.
func runGo(dir, arch string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", args[0], err)
	}
	return string(out), nil
}

// notice matches the names of files that have to go with a binary, such as
// LICENSE.txt and gitleaks.LICENSE.
var notice = regexp.MustCompile(`(?i)^(.+\.)?(licen[cs]e|unlicense|copying|copyright|notice|patents)([.-_].*)?$`)

// addNotices adds the notices in a package's folder and in those above it, up to the
// root of its module: code that a module copied from elsewhere has its licence in the
// same folder.
func addNotices(texts map[string]string, root, dir string) error {
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || !notice.MatchString(e.Name()) || filepath.Ext(e.Name()) == ".go" {
				continue
			}
			name := filepath.Join(dir, e.Name())
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			texts[rel] = string(text)
		}
		if dir == root {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}
