package images_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"bkt/gen"
	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A realBase is one of the base images that look like real ones.
type realBase struct {
	name   string   // of its layout in scripts/offline.sh's folder variants
	image  string   // the image that it looks like
	checks []string // what must hold in an image that is built on it
	dnf4   bool
}

var realBases = []realBase{
	{name: "atomic", image: "quay.io/fedora-ostree-desktops/kinoite:43", checks: []string{keepsLinks}},
	{name: "rawhide", image: "quay.io/fedora/fedora-bootc:rawhide", checks: []string{"grep -q '^VERSION_ID=44$' /etc/os-release"}},
	{name: "bare", image: "registry.example.org/bare:43", checks: []string{"test \"$(stat -c %a /etc/yum.repos.d)\" = 755"}},
	{name: "stream10", image: "quay.io/centos-bootc/centos-bootc:stream10", checks: []string{"dnf --version | grep -q '^4[.]'"}, dnf4: true},
	{name: "universal", image: "ghcr.io/ublue-os/kinoite-main:43", checks: []string{
		keepsLinks,
		"test \"$(stat -c %h /usr/share/components/component-05)\" = 2",
		"test /usr/share/components/across -ef /usr/share/components/component-03",
		"test ! -e /usr/share/components/component-01",
		"test \"$(ls /usr/share/opaque)\" = new",
		"test -u /usr/bin/as-root",
		"tar --xattrs --xattrs-include='*' -cf - /usr/bin/raw-socket | grep -aq SCHILY.xattr.security.capability=",
		"tar --xattrs --xattrs-include='*' -cf - /usr/share/components/component-05 | grep -aq SCHILY.xattr.user.component=component-05",
		"test -e /usr/lib/bootc/kargs.d/10-vendor.toml",
	}},
}

// keepsLinks checks the links of a root file system of ostree.
const keepsLinks = "test \"$(readlink /opt /usr/local /home /root /srv | tr '\\n' ' ')\" = 'var/opt ../var/usrlocal var/home var/roothome var/srv '"

// TestBases builds both images, from all sections with all their fields, on each base,
// and checks them.
func TestBases(t *testing.T) {
	t.Parallel()
	w := testkit.SharedWorkshop(t)
	testkit.Offline(t, "variants")
	for _, b := range realBases {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t, w, b)
			r.bkt(t, "containerfile", "sync")
			if b.name == "universal" {
				r.bkt(t, append([]string{"build", "system"}, r.sources...)...)
				r.checkLayout(t)
				r.bkt(t, append([]string{"test", "system", "--built"}, r.sources...)...)
			} else {
				r.bkt(t, append([]string{"test", "system"}, r.sources...)...)
			}
			r.bkt(t, append([]string{"test", "toolbox"}, r.sources...)...)
		})
	}
}

// TestSectionsOnBases builds each section alone on each base, with what it needs.
func TestSectionsOnBases(t *testing.T) {
	if !testkit.Full() {
		t.Skip("TestBases builds all sections at once")
	}
	t.Parallel()
	w := testkit.SharedWorkshop(t)
	testkit.Offline(t, "variants")
	for _, b := range realBases {
		for _, image := range gen.Images() {
			for _, section := range gen.SectionNames() {
				if gen.ManifestOf(section, image) == "" {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%s", b.name, image, section), func(t *testing.T) {
					t.Parallel()
					r := newRepo(t, w, b)
					r.keepSections(t, image, append(needed[section], gen.BaseImage, section))
					r.bkt(t, "containerfile", "sync", gen.Containerfile(image))
					r.bkt(t, append([]string{"build", string(image)}, r.sources...)...)
				})
			}
		}
	}
}

// needed are the sections without which another cannot be built: they have its
// repositories or files.
var needed = map[string][]string{
	"SYSTEM_PACKAGES":  {"EXTERNAL_REPOS", "COPR_REPOS"},
	"TOOLBOX_PACKAGES": {"COPR_REPOS"},
	"SYSTEMD_UNITS":    {"SYSTEM_FILES"},
}

// A baseRepo is a copy of testdata/bases for one base.
type baseRepo struct {
	w       *testkit.Workshop
	dir     string
	layout  string   // of the base
	sources []string // arguments of bkt build and bkt test
}

// newRepo makes a repository whose images are built on b.
func newRepo(t *testing.T, w *testkit.Workshop, b realBase) baseRepo {
	t.Helper()
	r := baseRepo{w: w, dir: filepath.Join(t.TempDir(), "bases-"+b.name), layout: filepath.Join(w.Offline, "variants", b.name)}
	r.sources = []string{"--progress=plain", "--build-context=" + b.image + "=oci-layout://" + r.layout, "--build-arg=http_proxy=" + w.Proxy}
	testkit.CopyTree(t, "testdata/bases", r.dir)
	toolchains := filepath.Join(w.Offline, "packages", "toolchains")
	replace(t, filepath.Join(r.dir, "manifests", "image.json"), "BASE_IMAGE", b.image, "ARCHITECTURE", runtime.GOARCH,
		`"EACH_BASE"`, jsonList(t, b.checks))
	replace(t, filepath.Join(r.dir, "manifests", "toolchains.json"), "SUM_OF_RUSTUP", sumOf(t, filepath.Join(toolchains, "rustup")),
		"SUM_OF_PROTO", sumOf(t, filepath.Join(toolchains, "proto.tar.gz")))
	if b.dnf4 { // its plugin for this is not among the offline packages
		replace(t, filepath.Join(r.dir, "manifests", "system-packages.json"), `"ripgrep-14.*"`, "")
	}
	r.offlineCopr(t)
	return r
}

// offlineCopr makes the packages of a COPR come from the offline repository.
func (r baseRepo) offlineCopr(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("../../templates/copr.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	const external = "http://packages.offline.test/external/"
	text = regexp.MustCompile(`(?m)^baseurl=.*`).ReplaceAll(text, []byte("baseurl="+external))
	text = regexp.MustCompile(`(?m)^gpgkey=.*`).ReplaceAll(text, []byte("gpgkey="+external+"key.asc"))
	dir := filepath.Join(r.dir, "templates")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "copr.tmpl"), text, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// bkt runs bkt in the repository.
func (r baseRepo) bkt(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(r.w.Bin, "bkt"), args...)
	cmd.Dir, cmd.Env = r.dir, r.w.Env()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("bkt %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// keepSections removes all but these sections from the Containerfile of an image, and
// the manifests that none of these is rendered from.
func (r baseRepo) keepSections(t *testing.T, image gen.Image, names []string) {
	t.Helper()
	path := filepath.Join(r.dir, filepath.FromSlash(gen.Containerfile(image)))
	for _, other := range gen.SectionNames() {
		if !slices.Contains(names, other) {
			replace(t, path, fmt.Sprintf("# === %s (managed by bkt) ===\n# === END %[1]s ===\n", other), "")
		}
	}
	manifests := map[string]bool{}
	for _, name := range names {
		manifests[gen.ManifestOf(name, image)] = true
	}
	all, err := filepath.Glob(filepath.Join(r.dir, "manifests", "*.json"))
	for _, path := range all {
		if !manifests["manifests/"+filepath.Base(path)] {
			err = errors.Join(err, os.Remove(path))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// checkLayout checks what a built image keeps of its base: the layers, byte by byte,
// and the labels that it does not replace.
func (r baseRepo) checkLayout(t *testing.T) {
	t.Helper()
	base, baseLayers := readImage(t, r.layout)
	built, layers := readImage(t, filepath.Join(r.dir, "build", "system"))
	digests := func(all []ocispec.Descriptor) (s []string) {
		for _, d := range all {
			s = append(s, d.Digest.String())
		}
		return s
	}
	if diff := cmp.Diff(digests(baseLayers), digests(layers[:min(len(baseLayers), len(layers))])); diff != "" {
		t.Errorf("layers of the base (-base +built):\n%s", diff)
	}
	for name, value := range base.Config.Labels {
		if !strings.HasPrefix(name, "org.opencontainers.image.") && built.Config.Labels[name] != value {
			t.Errorf("label %s is %q, not %q", name, built.Config.Labels[name], value)
		}
	}
	if title := built.Config.Labels[ocispec.AnnotationTitle]; title != "a workstation" {
		t.Errorf("title %q", title)
	}
}

// sumOf returns the SHA-256 of a file.
func sumOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// replace replaces texts in a file that must have them: old and new, by turns.
func replace(t *testing.T, path string, oldnew ...string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(strings.NewReplacer(oldnew...).Replace(string(text))), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// jsonList returns the elements of a list in JSON.
func jsonList(t *testing.T, all []string) string {
	t.Helper()
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(text), "[]")
}
