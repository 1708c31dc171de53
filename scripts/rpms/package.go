package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/files"
	"github.com/goreleaser/nfpm/v2/rpm"
)

// modified is the time of everything in the packages, and of the packages.
var modified = time.Date(2025, 10, 28, 0, 0, 0, 0, time.UTC)

// release is the release of every package, as if built for Fedora 43.
const release = "1.fc43"

// write writes p into dir, signed with the key in a file if that is given.
func (p pkg) write(dir, key string) error {
	source, err := os.MkdirTemp("", "rpms-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(source)
	contents, err := p.contents(source)
	if err != nil {
		return err
	}
	info := p.info(contents)
	if info.Scripts, err = p.scripts(source); err != nil {
		return err
	}
	info.RPM.Signature.KeyFile = key
	if err := nfpm.PrepareForPackager(info, "rpm"); err != nil {
		return err
	}
	var text bytes.Buffer
	if err := rpm.DefaultRPM.Package(info, &text); err != nil {
		return err
	}
	name := filepath.Join(dir, rpm.DefaultRPM.ConventionalFileName(info))
	if err := os.WriteFile(name, text.Bytes(), 0o644); err != nil {
		return err
	}
	// createrepo_c writes this time into its index.
	return os.Chtimes(name, modified, modified)
}

// info describes p with such contents.
func (p pkg) info(contents files.Contents) *nfpm.Info {
	return &nfpm.Info{
		Name:        p.name,
		Arch:        runtime.GOARCH,
		Platform:    "linux",
		Version:     p.version,
		Release:     release,
		Maintainer:  "Nobody <nobody@packages.offline.test>",
		Description: "Stand-in for " + p.name,
		License:     "Apache-2.0",
		MTime:       modified,
		Overridables: nfpm.Overridables{
			Depends:   p.requires,
			Provides:  p.provides,
			Conflicts: p.conflicts,
			Contents:  contents,
			RPM: nfpm.RPM{
				Compression: "zstd",
				BuildHost:   "packages.offline.test",
			},
		},
	}
}

// inBase are packages whose program the base image has and needs. Debian's base
// has no RPM of them, so that a stand-in would be installed over the real one.
var inBase = []string{
	"bash", "curl", "dnf", "dnf5", "gawk", "grep", "gzip", "perl", "python3",
	"rpm", "sed", "tar", "xz",
}

// contents writes the files of p below source and returns where each goes: a
// program that prints the name and version, its documentation, and the data.
func (p pkg) contents(source string) (files.Contents, error) {
	program := cmp.Or(p.program, fmt.Sprintf("#!/bin/sh\necho '%s %s'\n", p.name, p.version))
	doc := fmt.Sprintf("%s %s stands in for the package of that name.\n", p.name, p.version)
	var contents files.Contents
	var errs []error
	add := func(destination string, mode fs.FileMode, text []byte) {
		name := filepath.Join(source, fmt.Sprint(len(contents)))
		errs = append(errs, os.WriteFile(name, text, 0o600))
		contents = append(contents, &files.Content{
			Source:      name,
			Destination: destination,
			FileInfo:    &files.ContentFileInfo{Mode: mode, MTime: modified},
		})
	}
	if !slices.Contains(inBase, p.name) {
		add("/usr/bin/"+p.name, 0o755, []byte(program))
	}
	if p.opt != "" {
		add("/opt/"+p.opt+"/run", 0o755, []byte(program))
	}
	if p.unit != "" {
		add("/usr/lib/systemd/system/"+p.name+".service", 0o644, []byte(p.unit))
	}
	add("/usr/share/doc/"+p.name+"/README", 0o644, []byte(doc))
	if p.kib > 0 {
		add("/usr/share/"+p.name+"/data", 0o644, p.data())
	}
	return contents, errors.Join(errs...)
}

// scripts writes the scripts of p into the folder source and returns where they are.
func (p pkg) scripts(source string) (nfpm.Scripts, error) {
	var s nfpm.Scripts
	var errs []error
	for _, script := range []struct {
		path *string
		text string
	}{{&s.PreInstall, p.pre}, {&s.PostInstall, p.post}} {
		if script.text != "" {
			*script.path = filepath.Join(source, fmt.Sprintf("script%d", len(errs)))
			errs = append(errs, os.WriteFile(*script.path, []byte(script.text), 0o600))
		}
	}
	return s, errors.Join(errs...)
}

// data returns bytes that look random but are always the same for p.
func (p pkg) data() []byte {
	data := make([]byte, p.kib<<10)
	// Reading from it cannot go wrong.
	_, _ = io.ReadFull(rand.NewChaCha8(sha256.Sum256([]byte(p.name+p.version))), data)
	return data
}
