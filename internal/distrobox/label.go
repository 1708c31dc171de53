package distrobox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"bkt/internal/distrobox/manager"
	"bkt/internal/manifest"
)

// entryLabel is the label that has the entry of a box that bkt has made, as a
// manifest with this box alone, so that its name is in it, too: a box that has
// another name by now was put aside. It is in the letters of base64 that mean
// nothing to a shell, which distrobox lets read its options.
const entryLabel = "bkt.box"

// label returns the option that gives a box its label.
func label(b Box) (string, error) {
	text, err := entryText(b)
	return "--label=" + entryLabel + "=" + text, err
}

// entryText returns the text of the label.
func entryText(b Box) (string, error) {
	text, err := encode(b.Name, b.Box)
	if err != nil {
		return "", err
	}
	var short bytes.Buffer
	err = json.Compact(&short, text)
	return base64.RawURLEncoding.EncodeToString(short.Bytes()), err
}

// entryOf returns the entry in a label, and whether it is one.
func entryOf(label string) (Box, bool) {
	text, err := base64.RawURLEncoding.DecodeString(label)
	if err != nil || label == "" {
		return Box{}, false
	}
	boxes, _, err := manifest.Decode[manifest.Boxes](entryLabel, text)
	if err != nil || len(boxes.Containers) != 1 {
		return Box{}, false
	}
	name := sortedKeys(boxes.Containers)[0]
	return Box{Name: name, Box: boxes.Containers[name]}, true
}

// entry returns the entry that a container was made of, and whether bkt has made
// it under this name: a copy has the label of another.
func entry(c manager.Container, name string) (Box, bool) {
	made, ok := entryOf(c.Labels[entryLabel])
	return made, ok && made.Name == name
}
