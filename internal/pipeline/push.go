package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/buildspec"
	"bkt/internal/engine/contract"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/ocilayout"
	"bkt/internal/repo"
)

// BuiltImage returns the image that bkt build has written into the repository. No
// build replaces it until release is called.
func BuiltImage(ctx context.Context, log Log, r repo.Repo, k gen.Image) (l ocilayout.Image, release func(), err error) {
	dir, err := r.Follow(outputFolder(r, k))
	if err != nil {
		return l, nil, err
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("image %s is not built: %s does not exist", k, dir)
		return l, nil, hint.Add(err, "run \"bkt build %s\" first", k)
	}
	return hold(ctx, log, dir, "")
}

// IsOutdated reports whether a built image is older than its inputs, and logs a warning
// if it is: a failed build leaves the image of an earlier one. If the two cannot be
// compared, it logs a warning, too.
func IsOutdated(ctx context.Context, log Log, r repo.Repo, k gen.Image, l ocilayout.Image) bool {
	name, dir := gen.Containerfile(k), Folder+"/"+string(k)
	platforms, err := gen.Platforms(k, r.FS())
	outdated := false
	if err == nil {
		b := buildkit.Builder{Exclude: []string{r.Path(Folder)}}
		b.Config, err = OwnEngine()
		if err == nil {
			outdated, err = b.IsOutdated(ctx, buildspec.Spec{Containerfile: name, Context: r.Root, Platforms: platforms}, l)
		}
	}
	switch {
	case err != nil:
		err = fmt.Errorf("%s: cannot compare the image with its inputs: %w", dir, err)
	case outdated:
		err = fmt.Errorf("%s is older than its inputs: %s, or a file that it reads, has changed", dir, name)
	default:
		return false
	}
	log.Warn([]error{hint.Add(err, "run \"bkt build %s\"", k)})
	return outdated
}

// hold returns the image called name of the layout dir, or the only one if name is
// empty. No build replaces it until release is called.
func hold(ctx context.Context, log Log, dir, name string) (l ocilayout.Image, release func(), err error) {
	release, err = ocilayout.Hold(ctx, dir, func() { log.Note("waiting for a build to write %s", dir) })
	if err != nil {
		return l, nil, err
	}
	if l, err = ocilayout.Find(dir, name); err != nil {
		release()
		return l, nil, err
	}
	return l, release, nil
}

// CheckPush returns an error for a name that no image can be pushed as.
func CheckPush(ctx context.Context, log Log, names []string) error {
	_, err := run(ctx, log, append([]string{"push", "--dry-run"}, names...)...)
	return err
}

// Push pushes l under each of names. It returns the names with the digest that each
// registry has afterwards.
func Push(ctx context.Context, log Log, l ocilayout.Image, names []string) ([]string, error) {
	out, err := run(ctx, log, append([]string{"push", "--layout=" + l.Dir, "--digest=" + l.Digest.String()}, names...)...)
	if err != nil {
		return nil, err
	}
	var all []contract.Pushed
	if err := json.Unmarshal(out, &all); err != nil {
		return nil, fmt.Errorf("cannot parse the output of bkt-engine push: %w", err)
	}
	var references []string
	for _, p := range all {
		if p.Digest != l.Digest.String() {
			return nil, fmt.Errorf("%s: pushed %s instead of %s", p.Name, p.Digest, l.Digest)
		}
		references = append(references, p.Name+"@"+p.Digest)
	}
	if len(references) != len(names) {
		return nil, fmt.Errorf("bkt-engine has pushed %d of %d names", len(references), len(names))
	}
	return references, nil
}

// SamePackages reports whether a registry has under name an image with the packages
// and the inputs of l.
func SamePackages(ctx context.Context, log Log, l ocilayout.Image, name string) (bool, error) {
	there, err := inspect(ctx, name)
	if err != nil {
		return false, err
	}
	same, err := sameLabels(l, there.Labels)
	if same {
		log.Note("%s has the same packages", name)
	}
	return same, err
}

// DeclaredName returns the name that the manifest declares for pushes of the image k.
func DeclaredName(r repo.Repo, k gen.Image) ([]string, error) {
	images, err := manifest.Read[manifest.Images](r.FS(), manifest.ImagePath)
	if err != nil {
		return nil, err
	}
	name := images.Content.System.Name
	if k == gen.Toolbox {
		name = images.Content.Toolbox.Name
	}
	if name == "" {
		err := fmt.Errorf("%s has no name for the image %s", manifest.ImagePath, k)
		return nil, hint.Add(err, "add it, or name the image: bkt push %s quay.io/someone/workstation:latest", k)
	}
	return []string{name}, nil
}
