package install_test

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/testkit"
)

// TestPackages packs the same programs twice, in other folders, for users with other
// settings. The bytes must be the same, and the files those in testdata/files.txt.
func TestPackages(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "dpkg-deb")
	programs, first, second := t.TempDir(), t.TempDir(), t.TempDir()
	for _, name := range []string{"bkt", "bkt-engine"} { // packing the real ones takes long
		if err := os.WriteFile(filepath.Join(programs, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	packages(t, programs, first, "archive rpm deb")
	packages(t, programs, second, "archive rpm deb", "TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "TMPDIR="+t.TempDir())
	run(t, "diff", "--recursive", first, second)

	listing := func(command string) string {
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = first
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		return string(out)
	}
	const tidy = ` | grep -v '^$\|/$' | sed -E 's,(schemas|docs|man1)/[^/]*$,\1/…,' | LC_ALL=C sort -u`
	archive := listing(`tar -tzf bkt-*.tar.gz | sed 's,^[^/]*/,,'` + tidy)
	if testkit.Update() {
		if err := os.WriteFile("testdata/files.txt", []byte(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := read(t, "testdata/files.txt")
	if archive != want {
		t.Errorf("the archive has\n%s\nwant\n%s", archive, want)
	}
	deb := listing(`dpkg-deb --fsys-tarfile bkt_*.deb | tar -t | sed 's,^./usr/,,' | grep -v share/doc/bkt/copyright` + tidy)
	if deb != want {
		t.Errorf("the deb has\n%s\nwant\n%s", deb, want)
	}
}

// TestReleaseRefuses starts a release of what is none. Each must fail before it compiles.
func TestReleaseRefuses(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "git")
	for name, tt := range map[string]struct{ version, url, before, want string }{
		"no version":     {version: "2df76b7-dirty", want: `VERSION is "2df76b7-dirty": it must be such as v0.3.0`},
		"without v":      {version: "0.3.0", want: `VERSION is "0.3.0"`},
		"leading zero":   {version: "v0.03.0", want: `VERSION is "v0.03.0"`},
		"two numbers":    {version: "v0.3", want: `VERSION is "v0.3"`},
		"build metadata": {version: "v0.3.0+1", want: `VERSION is "v0.3.0+1"`},
		"two lines":      {version: "v0.3.0\nv0.3.0", want: `VERSION is "v0.3.0`},
		"address":        {version: "v0.3.0", url: "https://example.org/a|b", want: `RELEASES_URL is "https://example.org/a|b"`},
		"changed tree":   {version: "v0.3.0", before: "echo >new", want: "not committed:\n?? new"},
		"other commit":   {version: "v0.3.0-rc.1", before: "git tag v0.3.0-rc.1 && git commit -q --allow-empty -m later", want: "the tag v0.3.0-rc.1 is at another commit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			testkit.CopyTree(t, "../../scripts", filepath.Join(dir, "scripts"))
			shell := func(command string) ([]byte, error) {
				cmd := exec.Command("bash", "-c", command, "bash", tt.version)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "RELEASES_URL="+tt.url, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
				return cmd.CombinedOutput()
			}
			if out, err := shell("git init -q && git add . && git commit -qm first && " + cmp.Or(tt.before, "true")); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			out, err := shell(`scripts/release.sh "$1"`)
			if err == nil || !strings.Contains(string(out), tt.want) {
				t.Errorf("%v\n%s", err, out)
			}
			if _, err := os.Stat(filepath.Join(dir, "dist")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("it has begun: %v", err)
			}
		})
	}
}

// TestRelease makes a whole release of the last commit twice, in two folders: all bytes
// must be the same. Then rpmbuild builds an RPM of the source, without a network.
func TestRelease(t *testing.T) {
	if !testkit.Full() {
		t.Skip("TestPackages packs the same programs twice")
	}
	testkit.Need(t, "git", "make", "rpmbuild", "unshare")
	var dists []string
	for _, name := range []string{"first", "elsewhere/second"} {
		clone := filepath.Join(t.TempDir(), name)
		run(t, "git", "clone", "-q", "../..", clone)
		run(t, "git", "-C", clone, "tag", "v0.3.0")
		run(t, "make", "-C", clone, "release", "VERSION=v0.3.0", "RELEASES_URL=https://example.org/bkt/releases")
		dists = append(dists, filepath.Join(clone, "dist"))
	}
	run(t, "diff", "--recursive", dists[0], dists[1])
	run(t, "sh", "-c", `cd "$0" && sha256sum --check --quiet SHA256SUMS`, dists[0])
	for _, arch := range []string{"amd64", "arm64"} { // what Homebrew downloads
		run(t, "sh", "-c", `cd "$0" && name=bkt-0.3.0-linux-$1.tar.gz &&
			grep -A1 "url \"https://example.org/bkt/releases/download/v0.3.0/$name\"" bkt.rb | grep "$(sha256sum <$name | cut -d ' ' -f 1)"`, dists[0], arch)
	}
	top := t.TempDir()
	run(t, "unshare", "--net", "rpmbuild", "--nodeps", "-bb", "--define=_topdir "+top, "--define=_sourcedir "+dists[0], filepath.Join(dists[0], "bkt.spec"))
	built, err := filepath.Glob(filepath.Join(top, "RPMS", "*", "bkt-0.3.0-1*.rpm"))
	if err != nil || len(built) != 1 {
		t.Fatal(built, err)
	}
	run(t, "sh", "-c", `rpm -qp --requires --recommends "$0" | grep -v ^rpmlib | diff - "$1"`, built[0], needs(t, dists[0]))
}

// needs returns a file with what the RPM in a folder requires and recommends.
func needs(t *testing.T, dist string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "needs")
	run(t, "sh", "-c", `rpm -qp --requires --recommends "$0"/bkt-*.x86_64.rpm >"$1"`, dist, file)
	return file
}
