package distrobox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/distrobox/manager"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/statefile"
)

// manualPackages are the packages that were installed by hand. Listing them takes a
// process in the container, so the last answer is kept next to the last known state:
// without it, a captured package would seem to be missing.
type manualPackages struct {
	Containers map[string][]string `json:"boxes"`  // the manually installed packages, by the id of the container
	Images     map[string][]string `json:"images"` // the packages of the image, by its id
}

// readManual returns the last known manually installed packages. An unreadable file is
// an error: otherwise captured packages would seem to be removed.
func (d Domain) readManual() (manualPackages, error) {
	text, err := d.Recall(d.learnedAt())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return manualPackages{map[string][]string{}, map[string][]string{}}, nil
	case err != nil:
		return manualPackages{}, noPackages(d.learnedAt(), err)
	}
	return parseManual(d.learnedAt(), text)
}

// parseManual returns the packages in a text. The error of a text that bkt did not write
// is a [statefile.Problem].
func parseManual(path string, text []byte) (l manualPackages, err error) {
	err = json.Unmarshal(text, &l)
	if err == nil && (l.Containers == nil || l.Images == nil) {
		err = errors.New("it has no list of containers, or of images")
	}
	if err == nil {
		return l, nil
	}
	// Without the file, captured packages would seem to be removed.
	return l, &statefile.Problem{Path: path, Err: noPackages(path, err),
		Hint: `remove it, start the containers, and run "bkt capture distrobox", which lists them again`}
}

func noPackages(path string, err error) error {
	return fmt.Errorf("%s, the list of manually installed packages, cannot be read: %w", path, patherr.Reason(err))
}

// CheckManual returns the error of the list of packages that were installed by hand, nil if
// it is valid.
func CheckManual(path string, text []byte) error {
	_, err := parseManual(path, text)
	return err
}

func (d Domain) learnedAt() string { return filepath.Join(d.State, "packages.json") }

// Learn lists the manually installed packages of the running containers for
// [Domain.Observe]. The last answer of a stopped container stays. The caller learns the
// packages of the container except in another way. The notes name containers without an
// answer. Observe reports an unreadable list of containers, and an unreadable file of
// answers.
func (d Domain) Learn(ctx context.Context, sys reconcile.System, except string) (notes []string) {
	if d.usable() != nil {
		return nil
	}
	containers, err := d.manager().List(ctx, sys)
	if err != nil || len(containers) == 0 {
		return nil
	}
	before, err := d.readManual()
	if err != nil {
		return nil
	}
	now := manualPackages{map[string][]string{}, map[string][]string{}}
	for _, c := range containers {
		if old, ok := before.Containers[c.ID]; ok {
			now.Containers[c.ID] = old
		}
		if !c.Running || c.Name == except {
			continue
		}
		if err := d.learn(ctx, sys, c, before, now); err != nil {
			notes = append(notes, fmt.Sprintf("%s: cannot list the packages that were installed by hand: %s", c.Name, strings.SplitN(err.Error(), "\n", 2)[0]))
		}
	}
	if text, err := json.Marshal(now); err == nil {
		d.Remember(plan.Overwrite{Path: d.learnedAt(), Text: text, Private: d.State})
	}
	return notes
}

// learn adds to now the packages that were installed by hand in a container.
func (d Domain) learn(ctx context.Context, sys reconcile.System, c manager.Container, before, now manualPackages) error {
	has, err := d.manager().Packages(ctx, sys, c)
	if err != nil {
		return err
	}
	had, ok := before.Images[c.ImageID]
	if !ok {
		if had, err = d.manager().ImagePackages(ctx, sys, c); err != nil {
			return err
		}
	}
	now.Images[c.ImageID], now.Containers[c.ID] = had, manager.Manual(has, had)
	return nil
}

// withLearned returns the packages of a container, including those that were installed
// by hand.
func (s *snapshot) withLearned(c manager.Container, packages []string) []string {
	hand := s.manual.Containers[c.ID]
	if len(hand) == 0 {
		return packages
	}
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(packages, hand))))
}
