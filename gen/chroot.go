package gen

import (
	"slices"
	"strconv"
	"strings"
)

// fedoraChroot is the chroot on COPR for every numbered release of Fedora.
const fedoraChroot = "fedora-$releasever-$basearch"

// Words in the names of images, without the numbers at their ends.
var (
	// enterprise are the distributions of Enterprise Linux, for all of which COPR has
	// the chroot epel-N. It is the one that "dnf copr enable" chooses there.
	enterprise = []string{"centos", "rhel", "ubi", "almalinux", "almalinuxorg", "alma", "rocky", "rockylinux", "oraclelinux", "epel"}
	// foreign are distributions that are built on neither Fedora nor Enterprise Linux.
	foreign = []string{
		"debian", "ubuntu", "alpine", "arch", "archlinux", "opensuse", "suse", "sles", "tumbleweed", "wolfi", "chainguard", "gentoo",
		"nixos", "void", "amazonlinux", "mageia", "openeuler", "openmandriva", "photon", "azurelinux", "mariner",
	}
)

// chrootFor returns the chroot on COPR of the packages for an image on the given base,
// as far as the name and the tag of the base tell. An image whose name says nothing is
// taken for Fedora, as most images of desktops are. known is false if the name says that
// it is not Fedora, but not what it is.
func chrootFor(base string) (chroot string, known bool) {
	name, tag := splitImage(base)
	words := append(wordsOf(tag), wordsOf(name)...)
	has := func(all ...string) bool {
		return slices.ContainsFunc(words, func(w imageWord) bool { return slices.Contains(all, w.text) })
	}
	switch {
	case has("fedora") && has("eln"):
		return "fedora-eln-$basearch", true
	case has(enterprise...), slices.ContainsFunc(words, func(w imageWord) bool { return w.text == "el" && w.number >= 0 }):
		return epelChroot(name, tag)
	case has("bluefin") && has("lts", "gdx"): // of Universal Blue; built on CentOS Stream
		return "epel-10-$basearch", true
	case has("rawhide"):
		return "fedora-rawhide-$basearch", true
	case !has("fedora") && has(foreign...):
		return "", false
	}
	return fedoraChroot, true
}

// epelChroot returns the chroot for an image of Enterprise Linux, by the major version in
// the tag, or else in the last part of the name that has one.
func epelChroot(name, tag string) (chroot string, known bool) {
	parts := strings.Split(name, "/")
	slices.Reverse(parts)
	for _, part := range append([]string{tag}, parts...) {
		if n := majorOf(wordsOf(part)); n >= 7 && n < 20 {
			return "epel-" + strconv.Itoa(n) + "-$basearch", true
		}
	}
	return "", false
}

// majorOf returns the number after the name of a distribution, or else the first number,
// or -1.
func majorOf(words []imageWord) int {
	for _, w := range words {
		if w.number >= 0 && (w.text == "el" || w.text == "stream" || slices.Contains(enterprise, w.text)) {
			return w.number
		}
	}
	for _, w := range words {
		if w.number >= 0 {
			return w.number
		}
	}
	return -1
}

// splitImage returns the path of an image on its registry, and its tag. The tag is empty
// if it has a variable without a value.
func splitImage(image string) (name, tag string) {
	image, _, _ = strings.Cut(strings.ToLower(image), "@")
	if host, path, ok := strings.Cut(image, "/"); ok && (strings.ContainsAny(host, ".:") || host == "localhost") {
		image = path
	}
	name, tag, _ = strings.Cut(image, ":")
	if strings.Contains(tag, "$") {
		tag = ""
	}
	return name, tag
}

// An imageWord is a word of an image's name, such as "stream10" or "9".
type imageWord struct {
	text   string // without the number at its end
	number int    // -1: none
}

// wordsOf returns the words of a name or a tag, in lower case.
func wordsOf(text string) []imageWord {
	var words []imageWord
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		if release, ok := strings.CutSuffix(w, "s"); ok && strings.TrimRight(release, "0123456789") == "c" {
			w = "centos" + release[1:] // c10s is CentOS Stream 10
		}
		letters := strings.TrimRight(w, "0123456789")
		number, err := strconv.Atoi(w[len(letters):])
		if err != nil {
			number = -1
		}
		words = append(words, imageWord{letters, number})
	}
	return words
}
