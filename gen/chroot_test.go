package gen_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"bkt/gen"
)

// TestChrootOfBase checks the folder of a COPR project that is used for a base image.
func TestChrootOfBase(t *testing.T) {
	const (
		fedora, rawhide = "fedora-$releasever-$basearch", "fedora-rawhide-$basearch"
		epel9, epel10   = "epel-9-$basearch", "epel-10-$basearch"
		unknown         = "" // an error
	)
	for base, want := range map[string]string{
		"quay.io/fedora/fedora-bootc:43":                           fedora,
		"quay.io/fedora/fedora-bootc":                              fedora,
		"quay.io/fedora/fedora-bootc:$VERSION":                     fedora,
		"quay.io/fedora-ostree-desktops/silverblue:42":             fedora,
		"registry.fedoraproject.org/fedora-toolbox:43@sha256:0":    fedora,
		"registry.fedoraproject.org/fedora:latest":                 fedora,
		"ghcr.io/ublue-os/bazzite:stable":                          fedora,
		"ghcr.io/ublue-os/bazzite-gnome-nvidia:stable-43.20251020": fedora,
		"ghcr.io/ublue-os/bluefin:gts":                             fedora,
		"ghcr.io/ublue-os/aurora-dx:latest":                        fedora,
		"ghcr.io/ublue-os/silverblue-main:42":                      fedora,
		"ghcr.io/ublue-os/ucore-hci:stable":                        fedora,
		"ghcr.io/secureblue/silverblue-main-hardened:latest":       fedora,
		"quay.io/fedora/fedora-coreos:stable":                      fedora,
		"fedora":                                                   fedora,
		"example.org/my/base:10":                                   fedora, // its own version
		"localhost/workstation":                                    fedora,
		"localhost:5000/mirror/fedora-bootc:43":                    fedora,
		"quay.io/fedora/fedora-bootc:rawhide":                      rawhide,
		"registry.fedoraproject.org/fedora-toolbox:rawhide":        rawhide,
		"quay.io/fedora/fedora-bootc:rawhide-20251120":             rawhide,
		"ghcr.io/someone/silverblue:rawhide":                       rawhide,
		"quay.io/fedora/eln:latest":                                "fedora-eln-$basearch",
		"quay.io/centos-bootc/centos-bootc:stream10":               epel10,
		"quay.io/centos-bootc/centos-bootc:stream9":                epel9,
		"quay.io/centos-bootc/centos-bootc:c10s":                   epel10,
		"quay.io/centos/centos:stream10-minimal":                   epel10,
		"quay.io/centos/centos:7":                                  "epel-7-$basearch",
		"quay.io/sclorg/python-312-c9s:latest":                     epel9,
		"quay.io/toolbx-images/centos-toolbox:stream9":             epel9,
		"quay.io/almalinuxorg/almalinux-bootc:10":                  epel10,
		"quay.io/almalinuxorg/almalinux-bootc:10.0":                epel10,
		"quay.io/almalinuxorg/almalinux-bootc:10-kitten":           epel10,
		"quay.io/almalinuxorg/10-kitten-base:latest":               epel10,
		"docker.io/library/almalinux:9":                            epel9,
		"rockylinux/rockylinux:10-ubi":                             epel10,
		"quay.io/rockylinux/rockylinux:9.4.20240509":               epel9,
		"registry.redhat.io/rhel10/rhel-bootc:10.0":                epel10,
		"registry.redhat.io/rhel10/rhel-bootc":                     epel10,
		"registry.redhat.io/rhel9/rhel-bootc:latest":               epel9,
		"registry.redhat.io/rhel9-eus/rhel-9.4-bootc:9.4":          epel9,
		"registry.access.redhat.com/ubi9/ubi:9.4-1214":             epel9,
		"registry.access.redhat.com/ubi9-minimal":                  epel9,
		"registry.access.redhat.com/ubi8/toolbox:latest":           "epel-8-$basearch",
		"container-registry.oracle.com/os/oraclelinux:10":          epel10,
		"ghcr.io/ublue-os/bluefin:lts":                             epel10,
		"ghcr.io/ublue-os/bluefin-dx:lts.20251101":                 epel10,
		"ghcr.io/ublue-os/bluefin-gdx:latest":                      epel10,
		"ghcr.io/ublue-os/cayo:centos10":                           epel10,
		"ghcr.io/someone/workstation:el10":                         epel10,
		"quay.io/centos-bootc/centos-bootc:latest":                 unknown,
		"quay.io/centos-bootc/centos-bootc:$STREAM":                unknown,
		"quay.io/centos-bootc/centos-bootc:20251101":               unknown,
		"almalinux":                                        unknown,
		"registry.example.org/my-rhel-base:1.10":           unknown,
		"docker.io/library/debian:13":                      unknown,
		"ubuntu":                                           unknown,
		"quay.io/toolbx/arch-toolbox:latest":               unknown,
		"registry.opensuse.org/opensuse/tumbleweed:latest": unknown,
		"public.ecr.aws/amazonlinux/amazonlinux:2023":      unknown,
		"ghcr.io/ublue-os/wolfi-toolbox:latest":            unknown,
	} {
		for name, manifest := range map[string]string{"Containerfile": "system", "toolbox/Containerfile": "toolbox"} {
			repo := fstest.MapFS{"manifests/" + manifest + "-packages.json": {Data: []byte(`{"copr_repos": [{"name": "a/b"}]}`)}}
			src := "FROM " + base + "\n# === COPR_REPOS (managed by bkt) ===\n# === END COPR_REPOS ===\n"
			res, err := gen.Render(name, []byte(src), repo)
			_, rest, _ := strings.Cut(string(res.Text), "baseurl=https://download.copr.fedorainfracloud.org/results/a/b/")
			got, _, _ := strings.Cut(rest, "/\n")
			if got != want || (err != nil) != (want == unknown) {
				t.Errorf("%s: %q, %v", base, got, err)
			}
		}
	}
}
