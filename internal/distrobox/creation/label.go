package creation

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"bkt/internal/manifest"
)

// LabelName is the label that has the entry of a container that bkt has created, as a
// manifest with only this container. So the label has the name, too: a container with
// another name is a backup or a copy. The value is in base64, whose letters mean
// nothing to a shell, because distrobox lets a shell read its options.
const LabelName = "bkt.box"

// label returns the option that gives a container its label.
func label(name string, b manifest.Container) (string, error) {
	text, err := Label(name, b)
	return "--label=" + LabelName + "=" + text, err
}

// Label returns the text of the label of a container.
func Label(name string, b manifest.Container) (string, error) {
	text, err := manifest.Encode(manifest.Containers{Containers: map[string]manifest.Container{name: b}})
	if err != nil {
		return "", err
	}
	var short bytes.Buffer
	err = json.Compact(&short, text)
	return base64.RawURLEncoding.EncodeToString(short.Bytes()), err
}

// ParseLabel returns the name and the entry in a label, and whether the label has one.
func ParseLabel(label string) (name string, b manifest.Container, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(label)
	if err != nil || label == "" {
		return "", b, false
	}
	boxes, _, err := manifest.Decode[manifest.Containers](LabelName, text)
	if err != nil || len(boxes.Containers) != 1 {
		return "", b, false
	}
	for name, b := range boxes.Containers {
		return name, b, true
	}
	return "", b, false
}
