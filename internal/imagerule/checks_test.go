package imagerule_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"bkt/internal/imagerule"

	"github.com/google/go-cmp/cmp"
)

// manifests has every kind of entry that checks follow from.
var manifests = fstest.MapFS{
	"manifests/system-packages.json": {Data: []byte(`{
  "packages": ["jq", "kernel-core-6.*", "@editors"],
  "groups": ["sound"],
  "excluded": ["nano*"],
  "removed": ["vim", "@games"],
  "swap": [{"remove": "a", "install": "b"}],
  "versionlock": ["kernel-6.17.*"]
}`)},
	"manifests/toolbox-packages.json": {Data: []byte(`{"packages": ["jq", {"name": "gh", "from_repo": "@x/y", "arch": ["x86_64", "aarch64"]}, "z"], "removed": ["x", "z"]}`)},
	"manifests/external-repos.json": {Data: []byte(`{"repos": [{"name": "code", "display_name": "Code",
  "baseurl": "https://example.org/r", "gpg_key": "https://example.org/k", "packages": ["code"], "opt_path": "/opt/a/code"}]}`)},
	"manifests/system-config.json": {Data: []byte(`{
  "kargs": {"append": ["quiet", "a=\"b c\"", "gone"], "remove": ["gone"]},
  "files": [{"src": "motd", "dest": "/etc/motd"}, {"src": "x", "dest": "/usr/bin/x", "mode": "0755"}],
  "systemd": {"enable": ["a.service"], "disable": ["b.timer"], "mask": ["c.socket"]}
}`)},
	"manifests/toolchains.json": {Data: []byte(`{"toolchains": [{"name": "rustup", "url": {"x86_64": "https://example.org/x"},
  "sha256": {"x86_64": "` + strings.Repeat("0", 64) + `"}, "path": "/usr/local/bin/rustup", "state": "~/.rustup"}]}`)},
	"manifests/distrobox.json": {Data: []byte(`{"containers": {"bootc-dev": {"image": "x", "path": ["~/bin"],
  "env": {"EDITOR": "hx", "GOPATH": "~/go"}, "bins": {"also": ["/usr/bin/nu"], "to": "/usr/bin"}}}}`)},
	"manifests/image.json": {Data: []byte(`{"system": {"labels": {"b": "2", "a": "1"}, "checks": ["true && x"]},
  "toolbox": {"checks": ["false"]}}`)},
	"system/motd": {Data: []byte("hello\n")},
	"system/x":    {Data: []byte("#!/bin/sh\n")},
}

// named returns the checks as "name: place: command or label=value".
func named(all []imagerule.Check) []string {
	var out []string
	for _, c := range all {
		what := c.Command
		if c.Label != "" {
			what = c.Label + "=" + c.Value
		}
		out = append(out, c.Name+": "+c.Entry.String()+": "+what)
	}
	return out
}

func TestSystemChecks(t *testing.T) {
	checks, err := imagerule.SystemChecks(manifests)
	if err != nil {
		t.Fatal(err)
	}
	installed := func(spec string) string {
		return "grep -qsxF -- " + spec + ` "$BKT_PACKAGES" || rpm -q -- ` + spec + " || rpm -q --whatprovides -- " + spec
	}
	absent := func(spec string) string {
		return "found=$(rpm -qa -- " + spec + `) || { echo "rpm failed"; exit 1; }; if test "$found"; then echo "$found"; echo "is installed"; exit 1; fi`
	}
	origin := func(spec, repo string) string {
		return "command -v dnf >/dev/null || exit 77\nfound=$(dnf -q repoquery --installed --qf '%{name} %{from_repo}\\n' " + spec + `) || exit 1
echo "$found" | grep . || { echo "no package matches"; exit 1; }
if echo "$found" | grep -qE ' '` + repo + `'$'; then exit 0; fi
if echo "$found" | grep -qE ' (<unknown>)?$'; then echo "dnf has not recorded its repository"; exit 77; fi
echo "is from another repository"; exit 1`
	}
	file := func(dest, sum, mode string) string {
		return `printf '%s  %s\n' ` + sum + " " + dest + ` | sha256sum --check - && stat -c "mode %a" ` + dest + ` && test "$(stat -c %a ` + dest + `)" = ` + mode
	}
	unit := func(unit, test string) string {
		return "unit=" + unit + `; state=$(systemctl is-enabled "$unit") || true; echo "is $state"; case $state in ` + test
	}
	const toml = " /usr/lib/bootc/kargs.d/10-bkt.toml"
	want := []string{
		"package jq: manifests/system-packages.json:2:16: " + installed("jq"),
		`package kernel-core-6.*: manifests/system-packages.json:2:22: rpm -qa -- 'kernel-core-6.*' | grep -q . || { echo "no package matches"; exit 1; }`,
		"no package nano*: manifests/system-packages.json:4:16: " + absent("'nano*'"),
		"no package vim: manifests/system-packages.json:5:15: " + absent("vim"),
		"no package a: manifests/system-packages.json:6:12: " + absent("a"),
		"package b: manifests/system-packages.json:6:12: " + installed("b"),
		"version lock of kernel-6.17.*: manifests/system-packages.json:7:19: dnf -q versionlock list | grep -F -- kernel",
		"package code: manifests/external-repos.json:2:88: " + installed("code"),
		"package code is from code: manifests/external-repos.json:2:88: " + origin("code", "code"),
		`folder /usr/lib/opt/a/code: manifests/external-repos.json:2:109: test -d /usr/lib/opt/a/code || { echo "is not a folder"; exit 1; }`,
		`kernel argument quiet: manifests/system-config.json:2:24: grep -qxF -- '  "quiet",'` + toml,
		`kernel argument a="b c": manifests/system-config.json:2:33: grep -qxF -- '  "a=\"b c\"",'` + toml,
		"file /etc/motd: manifests/system-config.json:3:13: " + file("/etc/motd", "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", "644"),
		"file /usr/bin/x: manifests/system-config.json:3:51: " + file("/usr/bin/x", "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf", "755"),
		"enabled unit a.service: manifests/system-config.json:4:26: " + unit("a.service", `enabled|alias|static|indirect|generated) ;; *) exit 1 ;; esac`),
		"disabled unit b.timer: manifests/system-config.json:4:52: " + unit("b.timer", `enabled|enabled-runtime|alias) exit 1 ;; '') for file in /etc /usr/lib /usr/local/lib; do if ! command -v systemctl || test -e $file/systemd/system/"$unit"; then echo "systemctl printed no state"; exit 1; fi; done ;; esac`),
		"masked unit c.socket: manifests/system-config.json:4:73: " + unit("c.socket", `masked) ;; *) exit 1 ;; esac`),
		`wrapper /usr/bin/nu: manifests/distrobox.json:2:64: test -x /usr/bin/nu && grep -qxF "# distrobox_binary" /usr/bin/nu && sh -n /usr/bin/nu`,
		"bootc container lint: Containerfile: command -v bootc >/dev/null || exit 77; bootc container lint",
		"label a: manifests/image.json:1:39: a=1",
		"label b: manifests/image.json:1:29: b=2",
		"true && x: manifests/image.json:1:56: true && x",
	}
	if diff := cmp.Diff(want, named(checks)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestToolboxChecks(t *testing.T) {
	checks, err := imagerule.ToolboxChecks(manifests)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range checks {
		names = append(names, c.Name)
	}
	for _, c := range checks[1:3] {
		if !strings.HasPrefix(c.Command, "case $(uname -m) in x86_64|aarch64) ;; *) exit 77 ;; esac; ") {
			t.Errorf("%s on every architecture: %s", c.Name, c.Command)
		}
	}
	want := []string{
		"package jq", "package gh", "package gh is from copr:copr.fedorainfracloud.org:group_x:y", "package z", "no package x", "toolchain rustup", "no state of toolchain rustup",
		"label com.github.containers.toolbox", "variable EDITOR", "environment of shells", "false",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestChecksNeedTheirManifests checks that a manifest that cannot be read is an error,
// and that the checks of the others exist.
func TestChecksNeedTheirManifests(t *testing.T) {
	repo := fstest.MapFS{
		"manifests/system-packages.json": {Data: []byte(`{"packages": ["jq"]}`)},
		"manifests/system-config.json":   {Data: []byte(`{"files": [{"src": "none", "dest": "/etc/none"}]}`)},
		"manifests/image.json":           {Data: []byte(`{`)},
	}
	checks, err := imagerule.SystemChecks(repo)
	if len(checks) != 2 || err == nil || !strings.Contains(err.Error(), "manifests/image.json:1:") || !strings.Contains(err.Error(), "neither system/none nor none is in the repository") {
		t.Errorf("%v, %v", named(checks), err)
	}
}

// TestCommandsQuoteTheirArguments checks that no text of a manifest is run.
func TestCommandsQuoteTheirArguments(t *testing.T) {
	const hostile = `a$(touch /pwned)'"b`
	repo := fstest.MapFS{"manifests/distrobox.json": {Data: []byte(`{"containers": {"bootc-dev": {"image": "x", "env": {"A": "a$(touch /pwned)'\"b"}}}}`)}}
	checks, err := imagerule.ToolboxChecks(repo)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(checks, func(c imagerule.Check) bool { return c.Name == "variable A" })
	for value, holds := range map[string]bool{hostile: true, "a": false} {
		cmd := exec.Command("/bin/sh", "-c", checks[i].Command)
		cmd.Env = []string{"A=" + value, "PATH=" + t.TempDir()}
		if out, err := cmd.CombinedOutput(); (err == nil) != holds {
			t.Errorf("A=%s: %v\n%s", value, err, out)
		}
	}
}

// TestAbsentMeansThatTheProgramSaysSo checks that a package or a unit does not
// count as absent because the program that should know fails.
func TestAbsentMeansThatTheProgramSaysSo(t *testing.T) {
	checks, err := imagerule.SystemChecks(fstest.MapFS{
		"manifests/system-packages.json": {Data: []byte(`{"removed": ["nano"]}`)},
		"manifests/system-config.json":   {Data: []byte(`{"systemd": {"disable": ["bkt-test-none.service"]}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, program, script string
		holds                 bool
	}{
		{"no package nano", "rpm", "exit 0", true},
		{"no package nano", "rpm", "echo nano-7", false},
		{"no package nano", "rpm", "echo error: cannot open Packages >&2; exit 1", false},
		{"no package nano", "none", "", false},
		{"disabled unit bkt-test-none.service", "systemctl", "echo disabled; exit 1", true},
		{"disabled unit bkt-test-none.service", "systemctl", "echo masked; exit 1", true},
		{"disabled unit bkt-test-none.service", "systemctl", "echo not-found; exit 1", true},
		{"disabled unit bkt-test-none.service", "systemctl", "echo Failed to get unit file state >&2; exit 1", true}, // the unit does not exist
		{"disabled unit bkt-test-none.service", "systemctl", "echo enabled", false},
		{"disabled unit bkt-test-none.service", "systemctl", "echo enabled-runtime", false},
		{"disabled unit bkt-test-none.service", "none", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+tt.script, func(t *testing.T) {
			bin := t.TempDir()
			if err := os.WriteFile(filepath.Join(bin, tt.program), []byte("#!/bin/sh\n"+tt.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(checks, func(c imagerule.Check) bool { return c.Name == tt.name })
			cmd := exec.Command("/bin/sh", "-c", checks[i].Command)
			cmd.Env = []string{"PATH=" + bin}
			if out, err := cmd.CombinedOutput(); (err == nil) != tt.holds {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
