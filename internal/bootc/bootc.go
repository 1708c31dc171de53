// Package bootc reads what bootc, rpm-ostree and ostree say about the running system.
// It changes nothing.
package bootc

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plan"
)

// An Image is the image that the system booted from.
type Image struct {
	Name   string // "" if the system did not boot from an image
	Digest string // "" if unknown
}

// Booted returns the image that the system booted from. It asks the programs that are
// installed; without any, the result has no name. It fails if none of them has an
// answer and one fails: bootc may need more rights than rpm-ostree.
func Booted(ctx context.Context) (Image, error) {
	var failed error
	for _, p := range []struct {
		command []string
		parse   func([]byte) (Image, error)
	}{
		{[]string{"bootc", "status", "--json"}, parseBootc},
		{[]string{"rpm-ostree", "status", "--json"}, parseRPMOSTree},
	} {
		if !host.Installed(p.command[0]) {
			continue
		}
		out, err := host.Query{}.Output(ctx, plan.Run{Argv: p.command})
		var i Image
		if err == nil {
			i, err = p.parse(out)
		}
		switch {
		case err != nil:
			failed = err
		case i.Name != "":
			return i, nil
		}
	}
	return Image{}, failed
}

func parseBootc(text []byte) (Image, error) {
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
		return Image{}, fmt.Errorf("bootc status --json: %w", err)
	}
	if b := j.Status.Booted; b != nil && b.Image != nil {
		return Image{b.Image.Image.Image, b.Image.Digest}, nil
	}
	return Image{}, nil // the system is not managed by bootc, or did not boot from an image
}

func parseRPMOSTree(text []byte) (Image, error) {
	var j struct {
		Deployments []struct {
			Booted bool   `json:"booted"`
			Image  string `json:"container-image-reference"`
			Digest string `json:"container-image-reference-digest"`
		} `json:"deployments"`
	}
	if err := json.Unmarshal(text, &j); err != nil {
		return Image{}, fmt.Errorf("rpm-ostree status --json: %w", err)
	}
	for _, d := range j.Deployments {
		if d.Booted {
			return Image{imageName(d.Image), d.Digest}, nil
		}
	}
	return Image{}, nil
}

// imageName returns the name in an image reference of ostree, which also says how the
// image is verified and transported, such as "ostree-image-signed:docker://NAME"
// (https://docs.rs/ostree-ext, container::OstreeImageReference).
func imageName(reference string) string {
	rest, ok := strings.CutPrefix(reference, "ostree-")
	if !ok {
		return reference
	}
	verification, rest, _ := strings.Cut(rest, ":")
	if strings.HasPrefix(verification, "remote-") { // ostree-remote-image:REMOTE:…, ostree-remote-registry:REMOTE:…
		_, rest, _ = strings.Cut(rest, ":")
	}
	return strings.TrimPrefix(strings.TrimPrefix(rest, "registry:"), "docker://")
}

// SameRepository reports whether two images have the same name apart from tag and
// digest.
func SameRepository(a, b string) bool { return repository(a) == repository(b) }

func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		image = image[:i]
	}
	return image
}

// stagedDeployment exists while a deployment waits for the next boot
// (src/libostree/ostree-sysroot-deploy.c in ostree).
const stagedDeployment = "/run/ostree/staged-deployment"

// IsStaged reports whether a new deployment waits for the next boot.
func IsStaged() (bool, error) {
	_, err := os.Stat(stagedDeployment)
	return err == nil, patherr.TrimOp(patherr.UnlessMissing(err))
}
