package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// standInSystemctl is systemctl as it works on files, without a manager.
func standInSystemctl() {
	var m unitFiles
	var words []string
	for _, arg := range os.Args[1:] {
		root, ok := strings.CutPrefix(arg, "--root=")
		switch {
		case ok:
			m = unitFiles{own: root + "/etc/systemd/system", shipped: root + "/usr/lib/systemd/system"}
		case arg == "--user":
			m = unitFiles{own: os.Getenv("XDG_CONFIG_HOME") + "/systemd/user", shipped: os.Getenv("XDG_DATA_HOME") + "/systemd/user"}
		case arg != "--":
			words = append(words, arg)
		}
	}
	act := map[string]func(string) error{"enable": m.enable, "disable": m.disable, "mask": m.mask, "unmask": m.unmask}[words[0]]
	for _, unit := range words[1:] {
		if err := act(unit); err != nil {
			standInFails("Failed to %s unit: %v", words[0], err)
		}
	}
}

// unitFiles are the folders of a scope.
type unitFiles struct{ own, shipped string }

func (m unitFiles) enable(unit string) error {
	path := filepath.Join(m.own, unit)
	if target, _ := os.Readlink(path); target == "/dev/null" {
		return fmt.Errorf("unit %s is masked", unit)
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		path = filepath.Join(m.shipped, unit)
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return fmt.Errorf("unit %s does not exist", unit)
	}
	for line := range strings.Lines(string(text)) {
		target, ok := strings.CutPrefix(strings.TrimSpace(line), "WantedBy=")
		if !ok {
			continue
		}
		link := filepath.Join(m.own, target+".wants", unit)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(path, link); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func (m unitFiles) disable(unit string) error {
	links, err := filepath.Glob(filepath.Join(m.own, "*.wants", unit))
	for _, link := range links {
		err = errors.Join(err, os.Remove(link))
	}
	return err
}

func (m unitFiles) mask(unit string) error {
	path := filepath.Join(m.own, unit)
	if target, _ := os.Readlink(path); target == "/dev/null" {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("file %s already exists", path)
	}
	return errors.Join(os.MkdirAll(m.own, 0o755), os.Symlink("/dev/null", path))
}

func (m unitFiles) unmask(unit string) error { return os.Remove(filepath.Join(m.own, unit)) }
