package schema_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/manifest"
	"bkt/internal/schema"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "rewrite the files in schemas/")

const schemas = "../../schemas"

func fileOf(f manifest.File) string {
	return filepath.Join(schemas, strings.TrimSuffix(f.Name, ".json")+".schema.json")
}

func TestSchemasAreThoseOfTheTypes(t *testing.T) {
	for _, f := range manifest.All() {
		want, err := schema.Generate(f, "../manifest")
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(fileOf(f), want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(fileOf(f))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got), make update rewrites it:\n%s", fileOf(f), diff)
		}
	}
}

// TestSchemasAgreeWithReading checks that bkt reads exactly the files that the schema
// allows, as far as a schema can express it.
func TestSchemasAgreeWithReading(t *testing.T) {
	for _, f := range manifest.All() {
		s, err := jsonschema.NewCompiler().Compile(fileOf(f))
		if err != nil {
			t.Fatal(err)
		}
		for _, sample := range samples[f.Name] {
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(sample.text))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(value); (err == nil) != sample.ok {
				t.Errorf("%s: by the schema, %s: %v", f.Name, sample.text, err)
			}
			if _, err := f.Format(f.Name, []byte(sample.text)); (err == nil) != sample.ok {
				t.Errorf("%s: by bkt, %s: %v", f.Name, sample.text, err)
			}
		}
	}
}

// TestOwnManifests checks the manifests of this repository.
func TestOwnManifests(t *testing.T) {
	for _, f := range manifest.All() {
		text, err := os.ReadFile(filepath.Join("../../manifests", f.Name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		s, err := jsonschema.NewCompiler().Compile(fileOf(f))
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err == nil {
			err = s.Validate(value)
		}
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

type sample struct {
	text string
	ok   bool
}

// samples has, for each manifest, one of the forms of existing repositories and
// ones that are wrong.
var samples = map[string][]sample{
	"image.json": {
		{`{"$schema": "x", "system": {"base": {"image": "a.b/c:1", "as": "base"}, "name": "a.b/d:1", "platforms": ["linux/amd64"], "labels": {"x": "y"}, "checks": ["true"]}}`, true},
		{`{"sytem": {}}`, false},
		{`{"system": {"base": {"digest": "sha256:x"}}}`, false},
	},
	"system-packages.json": {
		{`{"$schema": "x", "packages": ["jq"], "groups": [], "excluded": [], "copr_repos": [{"name": "a/b", "enabled": false, "gpg_check": true}]}`, true},
		{`{}`, true},
		{`{"packages": "jq"}`, false},
		{`{"copr_repos": [{"enabled": true}]}`, false},
		{`{"copr_repos": [{"name": "a/b", "chroot": "epel-10-$basearch"}]}`, true},
		{`{"copr_repos": [{"name": "a/b", "enabled": "yes"}]}`, false},
	},
	"toolbox-packages.json": {
		{`{"packages": ["jq"], "removed": ["nano"]}`, true},
		{`{"package": ["jq"]}`, false},
	},
	"external-repos.json": {
		{`{"repos": [{"name": "code", "display_name": "Code", "baseurl": "https://a/b", "gpg_key": "https://a/k", "packages": ["code"], "opt_path": "x", "layer_group": "bundled"}]}`, true},
		{`{"repos": [{"name": "code"}]}`, false},
		{`{"repos": [{"name": "a", "display_name": "A", "metalink": "https://a/m", "gpg_keys": ["https://a/k"], "repo_gpgcheck": true}]}`, true},
		{`{"repos": [{"name": "a", "display_name": "A", "mirrorlist": "https://a/m", "gpg_key": "https://a/k", "gpg_keys": ["https://a/l"]}]}`, true},
		{`{"repos": [{"name": "a", "display_name": "A", "gpg_key": "https://a/k"}]}`, false},
		{`{"repos": [{"name": "a", "display_name": "A", "baseurl": "https://a/b", "metalink": "https://a/m", "gpg_key": "https://a/k"}]}`, false},
		{`{"repos": [{"name": "a", "display_name": "A", "baseurl": "https://a/b"}]}`, false},
	},
	"system-config.json": {
		{`{"kargs": {"append": ["quiet"], "remove": []}, "systemd": {"enable": ["a.service"], "disable": [], "mask": [], "custom": null}, "udev": {"rules": []}, "selinux": {}, "firmware_notes": "x"}`, true},
		{`{"kargs": ["quiet"]}`, true},
		{`{"kargs": "quiet"}`, false},
		{`{"kargs": {"append": ["quiet", {"value": "a", "arch": ["x86_64"], "comment": "b"}]}}`, true},
		{`{"kargs": [{"arch": ["x86_64"]}]}`, false},
		{`{"systemd": {"unmask": ["a.service"], "user": {"enable": ["b.socket"], "disable": [], "mask": []}}}`, true},
		{`{"systemd": {"user": {"unmask": ["b.socket"]}}}`, false},
		{`{"files": [{"src": "./a", "dest": "/"}]}`, true},
		{`{"files": [{"src": "a", "dest": "/a", "mode": "0644"}]}`, true},
		{`{"files": [{"src": "a"}]}`, false},
	},
	"toolchains.json": {
		{`{"toolchains": [{"name": "rustup", "url": {"x86_64": "https://a/b"}, "sha256": {"x86_64": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}, "path": "/usr/local/bin/rustup", "state": "~/.rustup"}]}`, true},
		{`{"toolchains": [{"name": "rustup", "url": "https://a/b"}]}`, false},
	},
	"distrobox.json": {
		{`{"containers": {"dev": {"image": "a", "packages": [], "bins": {"from": ["~/.cargo/bin"], "also": [], "exclude": ["bkt"], "to": "~/.local/bin"}, "exported_apps": [], "init_hooks": ["true", {"run": "x", "as": "root", "volatile": ["/tmp"]}], "pre_init_hooks": [], "volume": [], "pull": true, "init": false, "root": false, "path": ["~/bin"], "env": {"A": "b"}, "additional_flags": []}}}`, true},
		{`{"containers": {"dev": {"image": "a", "bins": {"also": ["/usr/bin/bc", {"path": "/usr/bin/dc", "flags": "-q", "to": "~/bin"}]}, "exported_apps": ["gimp", {"name": "inkscape", "label": "none"}]}}}`, true},
		{`{"containers": {"dev": {"image": "a", "bins": {"also": [{"flags": "-q"}]}}}}`, false},
		{`{"containers": {"dev": {"image": "a", "exported_apps": [1]}}}`, false},
		{`{"containers": {"dev": {}}}`, false},
		{`{"containers": {"dev": {"image": "a", "init_hooks": [{"as": "root"}]}}}`, false},
	},
	"flatpak-remotes.json": {
		{`{"remotes": [{"name": "flathub", "url": "https://dl.flathub.org/repo/", "scope": "system", "filtered": true}]}`, true},
		{`{"remotes": [{"url": "x"}]}`, false},
	},
	"flatpak-apps.json": {
		{`{"apps": [{"id": "org.gnome.Boxes", "remote": "flathub", "scope": "system", "branch": "stable", "overrides": ["--share=network"]}]}`, true},
		{`{"apps": [{"name": "x"}]}`, false},
	},
	"flatpak-overrides.json": {
		{`{"overrides": [{"app": "global", "scope": "user", "flags": ["--share=network"]}]}`, true},
		{`{"overrides": [{"flags": "x"}]}`, false},
	},
	"systemd-services.json": {
		{`{"services": {"tuned.service": "enabled", "x.service": "masked"}}`, true},
		{`{"services": ["tuned.service"]}`, false},
	},
	"gnome-extensions.json": {
		{`{"extensions": ["a@b.c", {"id": "d@e.f", "enabled": false}]}`, true},
		{`{"extensions": [1]}`, false},
	},
	"gsettings.json": {
		{`{"settings": [{"schema": "org.gnome.desktop.interface", "key": "color-scheme", "value": "'prefer-dark'", "comment": "dark"}]}`, true},
		{`{"settings": [{"schema": "a", "value": 1}]}`, false},
	},
	"appimage-apps.json": {
		{`{"apps": [{"name": "x", "repo": "a/b", "asset": "*.AppImage", "prereleases": false, "disabled": false}]}`, true},
		{`{"apps": [{"repo": "a/b"}]}`, false},
	},
}
