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
	"bkt/internal/hint"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// manualPackages are the packages that were installed by hand. Asking for them takes a
// process in the container, so the last answer is kept, next to the last known state:
// without it, a captured package would seem to be missing.
type manualPackages struct {
	Boxes  map[string][]string `json:"boxes"`  // that were installed by hand, by the container's id
	Images map[string][]string `json:"images"` // that were there before, by the image's
}

// readManual returns the packages that are known to be installed by hand. A file that
// cannot be read is an error: otherwise captured packages would seem to be removed.
func (d Domain) readManual() (manualPackages, error) {
	l := manualPackages{map[string][]string{}, map[string][]string{}}
	text, err := d.Recall(d.learnedAt())
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err != nil {
		err = fmt.Errorf("%s has the packages that were installed by hand, and cannot be read: %w", d.learnedAt(), patherr.Reason(err))
	}
	return l, hint.Add(err, `remove it, start the containers, and run "bkt capture distrobox", which asks them again`)
}

func (d Domain) learnedAt() string { return filepath.Join(d.State, "packages.json") }

// Learn asks the running containers which packages were installed in them by hand, so
// that [Domain.Observe] knows. For a stopped container, the last answer stays; the
// container except gets its packages from elsewhere. Notes are about containers that
// could not be asked. Observe reports containers that cannot be listed, and a file of
// answers that cannot be read.
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
		if old, ok := before.Boxes[c.ID]; ok {
			now.Boxes[c.ID] = old
		}
		if !c.Running || c.Name == except {
			continue
		}
		if err := d.learn(ctx, sys, c, before, now); err != nil {
			notes = append(notes, fmt.Sprintf("%s does not tell which packages were installed by hand: %s", c.Name, strings.SplitN(err.Error(), "\n", 2)[0]))
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
	now.Images[c.ImageID], now.Boxes[c.ID] = had, manager.Manual(has, had)
	return nil
}

// withLearned returns the packages of a container, with those that were installed by
// hand.
func (s *snapshot) withLearned(c manager.Container, packages []string) []string {
	hand := s.manual.Boxes[c.ID]
	if len(hand) == 0 {
		return packages
	}
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(packages, hand))))
}
