package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sections are those of each Containerfile.
var (
	systemSections  = []string{"BASE_IMAGE", "EXTERNAL_REPOS", "COPR_REPOS", "SYSTEM_PACKAGES", "KERNEL_ARGUMENTS", "SYSTEM_FILES", "SYSTEMD_UNITS", "HOST_EXPORTS"}
	toolboxSections = []string{"BASE_IMAGE", "COPR_REPOS", "TOOLBOX_PACKAGES", "TOOLCHAIN_INSTALLERS", "TOOLBOX_ENVIRONMENT"}
)

// large measures the generator on repositories that have every section.
func (s *site) large() error {
	lines, small, big := filepath.Join(s.dir, "400"), filepath.Join(s.dir, "500"), filepath.Join(s.dir, "2000")
	if err := errors.Join(s.newRepo(lines, 400), s.newRepo(small, 500), s.newRepo(big, 2000)); err != nil {
		return err
	}
	all, err := s.byTurns(30, nil,
		s.command("empty"),
		s.command("bkt", "-C", small, "containerfile", "check"),
		s.command("bkt", "-C", big, "containerfile", "why", "Containerfile"),
		s.command("bkt", "-C", s.repo, "containerfile", "check"),
		s.command("bkt", "-C", lines, "containerfile", "check", "Containerfile"))
	if err != nil {
		return err
	}
	row("`bkt containerfile check`, all sections, 500 packages", all[1], ratio(all[1], all[0], "an empty program"))
	row("`bkt containerfile check Containerfile`, all sections, 450 lines", all[4], ratio(all[4], all[3], "the same on this repository"))
	row("`bkt containerfile why`, each of 2,000 lines", all[2], "")
	var add times
	for range 30 {
		took, err := s.time(s.command("bkt", "-C", small, "-q", "system", "add", "zoxide"))
		if err == nil {
			err = s.once(s.command("bkt", "-C", small, "-q", "system", "remove", "zoxide"))
		}
		if err != nil {
			return err
		}
		add = append(add, took)
	}
	row("`bkt system add`, 500 packages", add, ratio(add, all[0], "an empty program"))
	return nil
}

// newRepo makes a repository with every section and n packages in each image.
func (s *site) newRepo(dir string, n int) error {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("package-%06d", i))
	}
	packages, err := json.Marshal(map[string]any{"packages": names, "copr_repos": []any{map[string]string{"name": "a/b"}}})
	if err != nil {
		return err
	}
	files := map[string]string{
		"manifests/system-packages.json":  string(packages),
		"manifests/toolbox-packages.json": string(packages),
		"manifests/image.json":            `{"system": {"base": {"image": "example.org/a:1"}}, "toolbox": {"base": {"image": "example.org/b:1"}}}`,
		"manifests/external-repos.json":   `{"repos": [{"name": "code", "display_name": "Code", "baseurl": "https://example.org/r", "gpg_key": "https://example.org/k", "packages": ["code"]}]}`,
		"manifests/system-config.json":    `{"kargs": ["quiet"], "systemd": {"enable": ["a.service"]}, "files": [{"src": "motd", "dest": "/etc/motd"}]}`,
		"manifests/toolchains.json":       `{"toolchains": [{"name": "rustup", "url": {"x86_64": "https://example.org/x"}, "sha256": {"x86_64": "` + strings.Repeat("0", 64) + `"}, "path": "/usr/local/bin/rustup"}]}`,
		"manifests/distrobox.json":        `{"containers": {"bootc-dev": {"image": "x", "path": ["~/bin"], "bins": {"also": ["/usr/bin/nu"], "to": "/usr/bin"}}}}`,
		"system/motd":                     "hello\n",
		"Containerfile":                   markers(systemSections),
		"toolbox/Containerfile":           markers(toolboxSections),
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return s.once(s.command("bkt", "-C", dir, "containerfile", "sync"))
}

func markers(names []string) string {
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "# === %s (managed by bkt) ===\n# === END %s ===\n", name, name)
	}
	return text.String()
}
