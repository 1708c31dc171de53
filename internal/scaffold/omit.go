package scaffold

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/patherr"
	"bkt/internal/repo"
)

const (
	workflows = ".github/workflows/"
	renovate  = "renovate.json"
)

// omit removes from missing, the files to create, those that would compete with files of r:
// workflows that publish the same images, and a configuration that Renovate would read
// instead of another. It returns what it omits, as errors with hints.
func omit(r repo.Repo, missing map[string]bool) ([]error, error) {
	var omitted []error
	for _, check := range []func(repo.Repo, map[string]bool) (error, error){omitWorkflows, omitRenovate} {
		one, err := check(r, missing)
		if err != nil {
			return nil, patherr.TrimOp(err)
		}
		if one != nil {
			omitted = append(omitted, one)
		}
	}
	return omitted, nil
}

// publishes matches workflows that build or push images.
var publishes = regexp.MustCompile(`(?m)^[^#\n]*(\b(podman|docker|buildah) +(build|bud|push)\b|build-push-action|buildah-build|push-to-registry|blue-build/github-action)`)

// omitWorkflows omits the workflows if r has another one that publishes images.
func omitWorkflows(r repo.Repo, missing map[string]bool) (omitted, err error) {
	if !missing[workflows+"images.yml"] {
		return nil, nil
	}
	names, err := fs.Glob(r.FS(), workflows+"*.y*ml")
	if err != nil {
		return nil, err
	}
	var others []string
	for _, name := range names {
		text, err := fs.ReadFile(r.FS(), name)
		if err != nil {
			return nil, err
		}
		if publishes.Match(text) {
			others = append(others, name)
		}
	}
	if len(others) == 0 {
		return nil, nil
	}
	maps.DeleteFunc(missing, func(name string, _ bool) bool { return strings.HasPrefix(name, ".github/") })
	err = fmt.Errorf("workflows in this repository build images: %s; those of bkt are not added, because only one should publish them", strings.Join(others, ", "))
	return hint.Add(err, "keep yours, and let it run \"make check\"; or remove it, and run \"bkt init\" again"), nil
}

// configurations are the files of which Renovate reads the first one
// (https://docs.renovatebot.com/configuration-options/).
var configurations = []string{
	"renovate.json5", ".github/renovate.json", ".github/renovate.json5", ".gitlab/renovate.json", ".gitlab/renovate.json5",
	".renovaterc", ".renovaterc.json", ".renovaterc.json5",
}

// omitRenovate omits the configuration of Renovate if r has another one.
func omitRenovate(r repo.Repo, missing map[string]bool) (omitted, err error) {
	for _, name := range configurations {
		if !missing[renovate] || !r.Has(name) {
			continue
		}
		delete(missing, renovate)
		text, err := fs.ReadFile(r.FS(), name)
		if err != nil || strings.Contains(string(text), "image.json") {
			return nil, err
		}
		err = fmt.Errorf("%s exists, so %s is not added: Renovate reads only one of them", name, renovate)
		return hint.Add(err, "add the \"customManagers\" to it that \"bkt init example --dry-run\" prints for %s, so that Renovate updates manifests/image.json", renovate), nil
	}
	return nil, nil
}
