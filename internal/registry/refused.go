//go:build containers_image_openpgp

package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"

	"github.com/containers/image/v5/signature"
	"github.com/containers/image/v5/types"
	"go.yaml.in/yaml/v3"
)

// A requirement of a policy has the fields of containers-policy.json(5) that name files.
type requirement struct {
	Type                string   `json:"type"`
	KeyPath             string   `json:"keyPath"`
	KeyPaths            []string `json:"keyPaths"`
	RekorPublicKeyPath  string   `json:"rekorPublicKeyPath"`
	RekorPublicKeyPaths []string `json:"rekorPublicKeyPaths"`
	Fulcio              struct {
		CAPath string `json:"caPath"`
	} `json:"fulcio"`
	PKI struct {
		Roots         string `json:"caRootsPath"`
		Intermediates string `json:"caIntermediatesPath"`
	} `json:"pki"`
}

const sigstoreSigned = "sigstoreSigned" // the type of a requirement

// requirementsFor returns the requirements of the policy for an image.
func requirementsFor(policy *signature.Policy, ref types.ImageReference) []requirement {
	found := policy.Default
	for _, scope := range append(scopesOf(ref), "") {
		if scoped, ok := policy.Transports[ref.Transport().Name()][scope]; ok {
			found = scoped
			break
		}
	}
	var all []requirement
	for _, d := range found {
		var r requirement
		if text, err := json.Marshal(d); err == nil && json.Unmarshal(text, &r) == nil {
			all = append(all, r)
		}
	}
	return all
}

// scopesOf returns the names under which the configuration of an image may be, the first
// of which counts.
func scopesOf(ref types.ImageReference) []string {
	return append([]string{ref.PolicyConfigurationIdentity()}, ref.PolicyConfigurationNamespaces()...)
}

// files returns the files that a requirement needs.
func (r requirement) files() []string {
	all := slices.Concat([]string{r.KeyPath}, r.KeyPaths, []string{r.RekorPublicKeyPath}, r.RekorPublicKeyPaths,
		[]string{r.Fulcio.CAPath, r.PKI.Roots, r.PKI.Intermediates})
	return slices.DeleteFunc(all, func(file string) bool { return file == "" })
}

// refused returns the error for an image that the policy does not allow. The library says
// "no signature exists" also where a key is missing, or where it has not looked.
func refused(policy *signature.Policy, ref types.ImageReference, err error) error {
	all := requirementsFor(policy, ref)
	var names []string
	for _, r := range all {
		names = append(names, r.Type)
	}
	prefix := fmt.Sprintf("not allowed by the policy (%s)", strings.Join(names, ", "))
	for _, r := range all {
		for _, file := range r.files() {
			if _, errFile := os.Stat(file); errFile != nil {
				return hint.Add(fmt.Errorf("%s: it names the file %s: %w", prefix, file, patherr.Reason(errFile)),
					"put the key of the image's publisher there, or correct the path in the policy, %s", policyFiles)
			}
		}
	}
	reads, folder, errConfiguration := readsAttachments(ref)
	if !reads && errConfiguration == nil && slices.ContainsFunc(all, func(r requirement) bool { return r.Type == sigstoreSigned }) {
		return hint.Add(fmt.Errorf("%s: signatures of this image are not read: no file in %s sets use-sigstore-attachments for it", prefix, folder),
			"write %s with \"docker: {%s: {use-sigstore-attachments: true}}\"", filepath.Join(folder, host(ref)+".yaml"), repositoryOf(ref))
	}
	err = fmt.Errorf("%s: %w", prefix, err)
	if strings.Contains(err.Error(), "no signature exists") {
		return hint.Add(err, "the image is not signed: ask its publisher for a signed one, or change the policy, %s", policyFiles)
	}
	return hint.Add(err, "the policy is in %s; \"podman image trust show\" prints it", policyFiles)
}

const policyFiles = "~/.config/containers/policy.json or else /etc/containers/policy.json"

// repositoryOf returns the name of an image without its tag.
func repositoryOf(ref types.ImageReference) string { return ref.DockerReference().Name() }

// readsAttachments reports whether the library looks for signatures of an image that are
// attachments in the registry, as cosign makes them, and in which folder the configuration
// for that is; see containers-registries.d(5).
func readsAttachments(ref types.ImageReference) (reads bool, folder string, err error) {
	folder = "/etc/containers/registries.d"
	if home, err := os.UserHomeDir(); err == nil {
		own := filepath.Join(home, ".config", "containers", "registries.d")
		if _, err := os.Stat(own); err == nil {
			folder = own
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return false, folder, err
	}
	var standard *bool
	set := map[string]*bool{}
	for _, file := range files {
		config, err := readAttachments(file)
		if err != nil {
			return false, folder, err
		}
		if config.Default != nil {
			standard = config.Default.Use
		}
		for scope, c := range config.Docker {
			set[scope] = c.Use
		}
	}
	for _, scope := range scopesOf(ref) {
		if set[scope] != nil {
			return *set[scope], folder, nil
		}
	}
	return standard != nil && *standard, folder, nil
}

// attachments is the part of a file in registries.d about them.
type attachments struct {
	Default *useAttachments           `yaml:"default-docker"`
	Docker  map[string]useAttachments `yaml:"docker"`
}

type useAttachments struct {
	Use *bool `yaml:"use-sigstore-attachments"`
}

func readAttachments(file string) (config attachments, err error) {
	text, err := plainfile.Read(file, plainfile.MaxText)
	if errors.Is(err, fs.ErrNotExist) {
		return config, nil
	}
	if err == nil {
		err = yaml.Unmarshal(text, &config)
	}
	return config, err
}
