package completion

import (
	"maps"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/containerfile"
	"bkt/internal/live"
	"bkt/internal/manifest"
	"bkt/internal/repo"
)

// InRepository returns the values that depend on the repository of the current folder. What
// cannot be read has none.
func InRepository(r repo.Repo) Values {
	return func(command, name, word string) []Candidate {
		switch name {
		case "stage":
			return plain(containerfile.Stages(r))
		case "package":
			return packages(r, command)
		case "container":
			return containers(r)
		case "domain":
			return items(r.Links, word)
		case "name":
			if command == "schema" {
				return manifests()
			}
		case "os/arch":
			return plain([]string{"linux/amd64", "linux/arm64"})
		case "address", "[os/arch=]address":
			return []Candidate{{"auto", "The first engine that works"}, {"own", "The engine of bkt"}, {"docker", "The BuildKit inside dockerd"}}
		}
		return nil
	}
}

func plain(words []string) []Candidate {
	var all []Candidate
	for _, word := range words {
		all = append(all, Candidate{Value: word})
	}
	return all
}

// packages returns the packages that "bkt system remove" and "bkt toolbox remove" may remove.
func packages(r repo.Repo, command string) []Candidate {
	image, verb, _ := strings.Cut(command, " ")
	if verb != "remove" {
		return nil
	}
	d, err := manifest.Read[manifest.Packages](r.FS(), gen.PackagesManifest(gen.Image(image)))
	if err != nil {
		return nil
	}
	var all []Candidate
	for _, p := range d.Content.Packages {
		all = append(all, Candidate{p.Name, p.Comment})
	}
	for _, group := range d.Content.Groups {
		all = append(all, Candidate{"@" + strings.TrimPrefix(group, "@"), "A group of packages"})
	}
	return all
}

func containers(r repo.Repo) []Candidate {
	d, err := manifest.Read[manifest.Containers](r.FS(), manifest.DistroboxPath)
	if err != nil {
		return nil
	}
	var all []Candidate
	for _, name := range slices.Sorted(maps.Keys(d.Content.Containers)) {
		all = append(all, Candidate{name, d.Content.Containers[name].Image})
	}
	return all
}

func manifests() []Candidate {
	var all []Candidate
	for _, f := range manifest.All() {
		all = append(all, Candidate{strings.TrimSuffix(f.Name, ".json"), f.Path})
	}
	return all
}

// helpOfDomains says what the items of each domain are.
var helpOfDomains = map[string]string{
	"flatpak":               "All domains of Flatpak",
	"flatpak-installations": "Languages, masks and pins of Flatpak",
	"flatpak-remotes":       "Flatpak remotes",
	"flatpak-apps":          "Flatpak apps and runtimes",
	"flatpak-overrides":     "Permissions of Flatpak apps",
	"extensions":            "GNOME Shell extensions",
	"gsettings":             "Settings in GSettings",
	"distrobox":             "Containers of distrobox",
	"appimages":             "AppImages",
	"services":              "Systemd units",
}

// items returns the domains or, after a colon, the declared items of a domain.
func items(links repo.Links, word string) []Candidate {
	s, err := live.Find(links)
	if err != nil {
		return nil
	}
	var all []Candidate
	if !strings.Contains(word, ":") {
		all = append(all, Candidate{"flatpak", helpOfDomains["flatpak"]})
	}
	for _, name := range s.Names(word) {
		all = append(all, Candidate{name, helpOfDomains[name]})
	}
	return all
}
