package buildkit

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// describe takes the labels away that describe the base image, and adds own to each image
// in res. isOwn reports whether the Containerfile gives the image a label, which stays.
func describe(res *gateway.Result, isOwn func(name string) bool, own map[string]string) error {
	for key, data := range res.Metadata {
		if _, ok := configOf(key); !ok {
			continue
		}
		changed, err := withLabels(data, func(labels map[string]string) {
			maps.DeleteFunc(labels, func(name, _ string) bool { return describesImage(name) && !isOwn(name) })
			for name, value := range own {
				if !isOwn(name) {
					labels[name] = value
				}
			}
		})
		if err != nil {
			return err
		}
		res.Metadata[key] = changed
	}
	return nil
}

// describesImage reports whether a label is about one image, and is wrong on another that
// is built on it: it is one of those that OCI defines, or that came before
// (http://label-schema.org), or the one that bootc reads as the version, too. Other labels
// are about the files of an image, such as those of ostree and bootc.
func describesImage(label string) bool {
	return strings.HasPrefix(label, "org.opencontainers.image.") || strings.HasPrefix(label, "org.label-schema.") || label == "version"
}

// configOf reports whether a key of the metadata of a result is for the configuration of
// an image, and returns its platform; "": that of the build.
func configOf(key string) (platform string, ok bool) {
	rest, ok := strings.CutPrefix(key, exptypes.ExporterImageConfigKey)
	platform, several := strings.CutPrefix(rest, "/")
	return platform, ok && (rest == "" || several)
}

// withLabels returns the configuration of an image with other labels. All other fields
// stay, including those that this program does not know.
func withLabels(config []byte, edit func(labels map[string]string)) ([]byte, error) {
	var whole, inner map[string]json.RawMessage
	if err := json.Unmarshal(config, &whole); err != nil {
		return nil, err
	}
	labels := map[string]string{}
	if whole["config"] != nil {
		if err := json.Unmarshal(whole["config"], &inner); err != nil {
			return nil, err
		}
	}
	if inner == nil {
		inner = map[string]json.RawMessage{}
	}
	if inner["Labels"] != nil {
		if err := json.Unmarshal(inner["Labels"], &labels); err != nil {
			return nil, err
		}
	}
	if labels == nil {
		labels = map[string]string{}
	}
	edit(labels)
	var err error
	if inner["Labels"], err = json.Marshal(labels); err != nil {
		return nil, err
	}
	if whole["config"], err = json.Marshal(inner); err != nil {
		return nil, err
	}
	return json.Marshal(whole)
}
