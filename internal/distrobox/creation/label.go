package creation

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"bkt/internal/manifest"
)

// LabelName is the label with the entry of a container that bkt created, as a manifest
// with only this container. Thus the label has the name, too: a container with another
// name is a backup or a copy. The value is in base64, whose letters have no meaning in a
// shell, because distrobox passes its options to a shell.
const LabelName = "bkt.box"

// label returns the option that gives a container its label.
func label(name string, c manifest.Container) (string, error) {
	text, err := Label(name, c)
	return "--label=" + LabelName + "=" + text, err
}

// Label returns the text of the label of a container.
func Label(name string, c manifest.Container) (string, error) {
	text, err := manifest.Encode(manifest.Containers{Containers: map[string]manifest.Container{name: c}})
	if err != nil {
		return "", err
	}
	var short bytes.Buffer
	err = json.Compact(&short, text)
	return base64.RawURLEncoding.EncodeToString(short.Bytes()), err
}

// ParseLabel returns the name and the entry in a label, and whether the label has one.
func ParseLabel(label string) (name string, c manifest.Container, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(label)
	if err != nil || label == "" {
		return "", c, false
	}
	containers, _, err := manifest.Decode[manifest.Containers](LabelName, text)
	if err != nil || len(containers.Containers) != 1 {
		return "", c, false
	}
	for name, c := range containers.Containers {
		return name, c, true
	}
	return "", c, false
}
