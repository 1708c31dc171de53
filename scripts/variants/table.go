package main

import (
	"crypto/sha256"
	"fmt"
)

// A variant is an image that differs from an offline base as a real one does.
type variant struct {
	name   string
	dnf4   bool // whether it is one of the base with dnf 4
	layers []layer
	labels map[string]string
	// lastOfCommit is the number of the layer, counted from 1, with which the commit
	// of ostree that is the base of the image ends; 0 for none.
	lastOfCommit int
}

// variants returns the variants.
func variants() []variant {
	return []variant{atomic(), rawhide(), bare(), stream10(), universal()}
}

// atomic looks like quay.io/fedora-ostree-desktops/kinoite:43 and silverblue:43.
// rpm-ostree makes /opt and /usr/local links into /var (opt-usrlocal of its
// docs/treefile.md, default var), as it makes /home, /root, /srv and others; an
// image has nothing where they lead to. It has no /usr/lib/bootc/kargs.d, as the
// offline base.
func atomic() variant {
	return variant{
		name:   "atomic",
		labels: bootable(),
		layers: []layer{{
			history: "ostree export of commit",
			entries: append(ostreeRoot(), osRelease(`NAME="Fedora Linux"
VERSION="43.20251028.0 (Kinoite)"
RELEASE_TYPE=stable
ID=fedora
VERSION_ID=43
PRETTY_NAME="Fedora Linux 43.20251028.0 (Kinoite)"
CPE_NAME="cpe:/o:fedoraproject:fedora:43"
DEFAULT_HOSTNAME="fedora"
REDHAT_BUGZILLA_PRODUCT_VERSION=43
VARIANT="Kinoite"
VARIANT_ID=kinoite
OSTREE_VERSION='43.20251028.0'
`)),
		}},
	}
}

// rawhide says what quay.io/fedora/fedora-bootc:rawhide says it is: a Fedora with the
// number of the next release, which is its $releasever, too.
func rawhide() variant {
	return variant{
		name:   "rawhide",
		labels: bootable(),
		layers: []layer{{
			history: "rawhide",
			entries: []entry{
				osRelease(`NAME="Fedora Linux"
VERSION="44 (Container Image Prerelease)"
RELEASE_TYPE=development
ID=fedora
VERSION_ID=44
PRETTY_NAME="Fedora Linux 44 (Container Image Prerelease)"
CPE_NAME="cpe:/o:fedoraproject:fedora:44"
REDHAT_BUGZILLA_PRODUCT_VERSION=rawhide
REDHAT_SUPPORT_PRODUCT_VERSION=rawhide
`),
				file("etc/dnf/vars/releasever", "44\n"),
			},
		}},
	}
}

// bare has no /etc/yum.repos.d, as minimal images have none that are made with dnf
// --installroot and without a package of repositories. Its own repository is in
// /etc/distro.repos.d, the other folder that both versions of dnf read.
func bare() variant {
	return variant{
		name: "bare",
		layers: []layer{{
			history: "repositories",
			entries: []entry{
				removed("etc/yum.repos.d"),
				folder("etc/distro.repos.d"),
				file("etc/distro.repos.d/offline.repo", repository),
			},
		}},
	}
}

// repository is the text of offline.repo in the bases: see rootfs.sh.
const repository = `[fedora]
name=Fedora, offline
baseurl=http://packages.offline.test/fedora/
enabled=1
gpgcheck=0
metadata_expire=1
`

// stream10 looks like quay.io/centos-bootc/centos-bootc:stream10: it has dnf 4 with the
// settings of CentOS, which stop at a repository that fails, and $releasever 10 and
// $stream, and no name of Fedora but in ID_LIKE.
func stream10() variant {
	return variant{
		name:   "stream10",
		dnf4:   true,
		labels: bootable(),
		layers: []layer{{
			history: "stream10",
			entries: []entry{
				osRelease(`NAME="CentOS Stream"
VERSION="10 (Coughlan)"
ID="centos"
ID_LIKE="rhel fedora"
VERSION_ID="10"
PLATFORM_ID="platform:el10"
PRETTY_NAME="CentOS Stream 10 (Coughlan)"
CPE_NAME="cpe:/o:centos:centos:10"
REDHAT_SUPPORT_PRODUCT="Red Hat Enterprise Linux 10"
REDHAT_SUPPORT_PRODUCT_VERSION="CentOS Stream"
`),
				file("etc/dnf/dnf.conf", "[main]\ngpgcheck=1\ninstallonly_limit=3\nclean_requirements_on_remove=True\nbest=True\nskip_if_unavailable=False\n"),
				file("etc/dnf/vars/releasever", "10\n"),
				file("etc/dnf/vars/stream", "10-stream\n"),
			},
		}},
	}
}

// universalLayers is the number of layers of the variant universal, with that of its
// base: that of rpm-ostree's compose build-chunked-oci and of rechunk is about that.
const universalLayers = 60

// universal looks like Universal Blue's images, such as ghcr.io/ublue-os/kinoite-main:43:
//
//   - First the layer with ostree's root and commit, then the chunks: each file is one
//     of ostree's objects, and the name that it has in the system is a hard link. The
//     layers are annotated with their components. (ostree-ext, src/tar/export.rs and
//     src/container/encapsulate.rs)
//   - Labels of ostree, bootc and Open Containers. (encapsulate.rs; Justfile of
//     ublue-os/main)
//   - Extended attributes by which chunkah groups files, a file with capabilities, one
//     that is setuid, kernel arguments in kargs.d.
//   - /var is empty but for cache, log and tmp. (build_files/post-install.sh of
//     ublue-os/main)
//   - The layers over the chunks remove, replace and link files of layers below.
func universal() variant {
	v := atomic()
	v.name = "universal"
	for i := 1; len(v.layers) < universalLayers-3; i++ {
		v.layers = append(v.layers, chunk(i))
	}
	v.lastOfCommit = len(v.layers)
	v.layers = append(v.layers, derived(), cleaned())
	for name, value := range map[string]string{
		"ostree.commit":                        digest("commit"),
		"ostree.linux":                         "6.17.5-300.fc43.x86_64",
		"rpmostree.inputhash":                  digest("input"),
		"org.opencontainers.image.title":       "kinoite-main",
		"org.opencontainers.image.version":     "43.20251028",
		"org.opencontainers.image.created":     "2025-10-28T00:00:00Z",
		"org.opencontainers.image.source":      "https://github.com/ublue-os/main",
		"org.opencontainers.image.revision":    digest("revision")[:40],
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"io.artifacthub.package.readme-url":    "https://raw.githubusercontent.com/ublue-os/main/main/README.md",
		"org.opencontainers.image.description": "A base Universal Blue kinoite image with batteries included",
	} {
		v.labels[name] = value
	}
	return v
}

// chunk returns the layer of one component.
func chunk(i int) layer {
	name := fmt.Sprintf("component-%02d", i)
	text := "the file of " + name + "\n"
	sum := digest(text)
	object := "sysroot/ostree/repo/objects/" + sum[:2] + "/" + sum[2:] + ".file"
	return layer{
		history:     name,
		annotations: map[string]string{"ostree.components": name},
		entries: []entry{
			folder("sysroot/ostree/repo/objects/" + sum[:2]),
			file(object, text).with("user.component", name),
			hardLink("usr/share/components/"+name, object),
		},
	}
}

// derived is the layer of a RUN, over the chunks.
func derived() layer {
	return layer{history: "RUN /ctx/build.sh", entries: []entry{
		removed("usr/share/components/component-01"),
		file("usr/share/components/component-02", "another file\n"),
		// A new name of a file of a layer below: both names are in the layer. A link to
		// a file that is only below is what no engine writes, and neither BuildKit nor
		// podman unpacks.
		file("usr/share/components/across", "the file of component-03\n"),
		hardLink("usr/share/components/component-03", "usr/share/components/across"),
		folder("usr/share/opaque"),
		emptied("usr/share/opaque"),
		file("usr/share/opaque/new", "new\n"),
		program("usr/bin/as-root", "#!/bin/sh\nid -u\n", 0o4755),
		program("usr/bin/raw-socket", "#!/bin/sh\n", 0o755).with("security.capability", netRaw),
		folder("usr/lib/bootc"),
		folder("usr/lib/bootc/kargs.d"),
		file("usr/lib/bootc/kargs.d/10-vendor.toml", "kargs = [\"quiet\"]\n"),
	}}
}

// netRaw is the capability CAP_NET_RAW, permitted and effective, as Linux stores it
// (struct vfs_cap_data, revision 2).
const netRaw = "\x01\x00\x00\x02" + "\x00\x20\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// cleaned is the layer of the clean-up at the end of a build.
func cleaned() layer {
	x := layer{history: "RUN /ctx/post-install.sh && ostree container commit"}
	for _, name := range []string{"backups", "lib", "local", "mail", "opt", "spool"} {
		x.entries = append(x.entries, removed("var/"+name))
	}
	return x
}

// ostreeRoot returns the links of a root file system of ostree.
func ostreeRoot() []entry {
	return []entry{
		folder("sysroot"),
		folder("sysroot/ostree"),
		folder("sysroot/ostree/repo"),
		file("sysroot/ostree/repo/config", "[core]\nrepo_version=1\nmode=bare-split-xattrs\n"),
		folder("sysroot/ostree/repo/objects"),
		folder("usr/share/components"),
		folder("usr/share/opaque"),
		file("usr/share/opaque/old", "old\n"),
		symlink("ostree", "sysroot/ostree"),
		symlink("home", "var/home"),
		symlink("media", "run/media"),
		symlink("mnt", "var/mnt"),
		symlink("opt", "var/opt"),
		symlink("root", "var/roothome"),
		symlink("srv", "var/srv"),
		symlink("usr/local", "../var/usrlocal"),
		removed("var/opt"),
	}
}

func osRelease(text string) entry { return file("usr/lib/os-release", text) }

// bootable returns the labels of every image for bootc.
func bootable() map[string]string {
	return map[string]string{"containers.bootc": "1", "ostree.bootable": "true"}
}

func digest(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
