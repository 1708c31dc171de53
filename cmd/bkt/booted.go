package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/pipeline"
	"bkt/internal/plan"
)

// A bootedStatus is the image that this system has started from.
type bootedStatus struct {
	Image  string `json:"image"`
	Digest string `json:"digest,omitempty"`
	Wanted string `json:"wanted,omitempty"` // that of this repository, if the other is not
	Error  string `json:"error,omitempty"`  // why it is not known, or not which image of the repository it is
}

// A boxStatus is the box that is for the toolbox image.
type boxStatus struct {
	Name   string `json:"name"`
	Image  string `json:"image"`
	Wanted string `json:"wanted,omitempty"` // the toolbox image of this repository, if the other is not
	Error  string `json:"error,omitempty"`  // why the box is not known, or not which image of the repository it is of
}

// images returns how the images of this system stand beside those of the
// repository: nil where there are none. What cannot be read is not none.
func (s system) images(ctx context.Context) (*bootedStatus, *boxStatus) {
	images, err := manifest.Read[manifest.Images](s.Repo.FS(), manifest.ImagePath)
	b := bootedImage(ctx)
	switch {
	case b == nil || b.Error != "":
	case err != nil:
		b.Error = firstOf(err)
	case !sameImage(b.Image, images.Content.System.Name):
		b.Wanted = images.Content.System.Name
	}
	return b, s.toolboxStatus(images.Content.Toolbox.Name, err)
}

// toolboxStatus returns how the box stands that is for the toolbox image of that
// name; errName is why that is not known.
func (s system) toolboxStatus(image string, errName error) *boxStatus {
	boxes, err := manifest.Read[manifest.Boxes](s.Repo.FS(), manifest.DistroboxPath)
	if err != nil {
		return &boxStatus{Error: firstOf(err)}
	}
	name, ok := boxes.Content.Toolbox()
	if !ok {
		return nil
	}
	box := &boxStatus{Name: name, Image: boxes.Content.Containers[name].Image}
	switch {
	case errName != nil:
		box.Error = firstOf(errName)
	case !sameImage(box.Image, image):
		box.Wanted = image
	}
	return box
}

// firstOf returns the first of the joined errors of a file in a line.
func firstOf(err error) string { return hint.Split(patherr.Trim(err))[0].Error() }

// bootedImage asks the programs that are here what the system has started from,
// nil if none is. bootc may want more rights than rpm-ostree does.
func bootedImage(ctx context.Context) *bootedStatus {
	var failed *bootedStatus
	for _, p := range []struct {
		command []string
		parse   func([]byte) (bootedStatus, error)
	}{
		{[]string{"bootc", "status", "--json"}, parseBootc},
		{[]string{"rpm-ostree", "status", "--json"}, parseRPMOSTree},
	} {
		if !host.Installed(p.command[0]) {
			continue
		}
		out, err := host.Query{}.Output(ctx, plan.Run{Argv: p.command})
		var b bootedStatus
		if err == nil {
			b, err = p.parse(out)
		}
		switch {
		case err != nil:
			failed = &bootedStatus{Error: err.Error()}
		case b.Image != "":
			return &b
		}
	}
	return failed
}

func parseBootc(text []byte) (bootedStatus, error) {
	var j struct {
		Status struct {
			Booted *struct {
				Image *struct {
					Image struct {
						Image string `json:"image"`
					} `json:"image"`
					Digest string `json:"imageDigest"`
				} `json:"image"`
			} `json:"booted"`
		} `json:"status"`
	}
	if err := json.Unmarshal(text, &j); err != nil {
		return bootedStatus{}, fmt.Errorf("bootc status --json: %w", err)
	}
	if b := j.Status.Booted; b != nil && b.Image != nil {
		return bootedStatus{Image: b.Image.Image.Image, Digest: b.Image.Digest}, nil
	}
	return bootedStatus{}, nil // it is no image, or this is no system of bootc's
}

func parseRPMOSTree(text []byte) (bootedStatus, error) {
	var j struct {
		Deployments []struct {
			Booted bool   `json:"booted"`
			Image  string `json:"container-image-reference"`
			Digest string `json:"container-image-reference-digest"`
		} `json:"deployments"`
	}
	if err := json.Unmarshal(text, &j); err != nil {
		return bootedStatus{}, fmt.Errorf("rpm-ostree status --json: %w", err)
	}
	for _, d := range j.Deployments {
		if d.Booted {
			return bootedStatus{Image: plainImage(d.Image), Digest: d.Digest}, nil
		}
	}
	return bootedStatus{}, nil
}

// plainImage drops from a reference of ostree's how the image is verified and
// where it is: "ostree-image-signed:docker://" and the like.
func plainImage(reference string) string {
	rest, ok := strings.CutPrefix(reference, "ostree-")
	if !ok {
		return reference
	}
	how, rest, _ := strings.Cut(rest, ":")
	if strings.HasPrefix(how, "remote-") { // ostree-remote-image:REMOTE:…, ostree-remote-registry:REMOTE:…
		_, rest, _ = strings.Cut(rest, ":")
	}
	return strings.TrimPrefix(strings.TrimPrefix(rest, "registry:"), "docker://")
}

// sameImage reports whether an image is one of those called name, whatever its
// tag. Without a name, it is.
func sameImage(image, name string) bool { return name == "" || untagged(image) == untagged(name) }

func untagged(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		image = image[:i]
	}
	return image
}

func (b bootedStatus) text() string {
	if b.Error != "" && b.Image == "" {
		return "unknown: " + b.Error
	}
	text := b.Image
	if b.Digest != "" {
		text += " " + pipeline.Short(b.Digest)
	}
	switch {
	case b.Error != "":
		text += ", and whether it is that of this repository is unknown: " + b.Error
	case b.Wanted != "":
		text += fmt.Sprintf(", and not that of this repository (\"bootc switch %s\" changes to it)", b.Wanted)
	}
	return text
}

func (b boxStatus) text() string {
	if b.Name == "" {
		return "unknown: " + b.Error
	}
	text := fmt.Sprintf("box %s is of %s", b.Name, b.Image)
	switch {
	case b.Error != "":
		text += ", and whether that is of this repository is unknown: " + b.Error
	case b.Wanted != "":
		text += fmt.Sprintf(", and the image of this repository is %s", b.Wanted)
	}
	return text
}
