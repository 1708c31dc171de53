package distrobox

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/distrobox/manager"
	"bkt/internal/hint"
	"bkt/internal/reconcile"
)

// recordLosses lists the data that a container loses if it is recreated. It asks the
// manager only if the container differs from its declaration.
func (s *snapshot) recordLosses(ctx context.Context, sys reconcile.System, c Container, known map[string]Container) {
	k, ok := known[c.Name]
	if ok {
		k = s.resolve(k)
	}
	if !ok || sameCreation(c.Container, k.Container) && sameImage(c, k) {
		return
	}
	s.losses[c.Name] = s.changesSinceImage(ctx, sys, s.all()[c.Name], c.Volume, slices.Concat(c.Packages, k.Packages))
}

// changesSinceImage returns the files and packages of a container that are not in its
// image, without its volumes and the declared packages.
func (d Domain) changesSinceImage(ctx context.Context, sys reconcile.System, c manager.Container, volumes, declared []string) []string {
	text, err := sys.Output(ctx, d.manager().Run("diff", c.ID))
	if err != nil {
		return []string{"changes to its files, which cannot be listed: " + strings.SplitN(err.Error(), "\n", 2)[0]}
	}
	lost := manager.ChangedPaths(string(text), manager.MountPoints(volumes))
	if c.Running {
		added, err := d.added(ctx, sys, c)
		added = mergeLists(declared, added, nil)
		switch {
		case err != nil:
			lost = append(lost, "packages that were installed by hand, which cannot be listed: "+strings.SplitN(err.Error(), "\n", 2)[0])
		case len(added) > 0:
			lost = append(lost, "packages that were installed by hand: "+manager.Few(added))
		}
	}
	return lost
}

// Added returns the packages, sorted, that were added to a running container since it
// was created from its image: neither those of the image nor those that distrobox adds
// to every container, but including the declared ones. It runs a script in the container,
// and in a temporary container of its image, without network. A container that does not
// exist, or does not run, is an error.
func (d Domain) Added(ctx context.Context, sys reconcile.System, name string) ([]string, error) {
	all, err := d.manager().List(ctx, sys)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c manager.Container) bool { return c.Name == name })
	switch {
	case i < 0:
		return nil, missing(name)
	case !all[i].Running:
		return nil, hint.Add(fmt.Errorf("container %s is not running", name), "the container must run: start it with \"distrobox enter %s\"", name)
	}
	return d.added(ctx, sys, all[i])
}

// missing returns the error about a container that is declared and does not exist.
func missing(name string) error {
	return hint.Add(fmt.Errorf("container %s does not exist", name), `run "bkt apply distrobox" to create it`)
}

func (d Domain) added(ctx context.Context, sys reconcile.System, c manager.Container) ([]string, error) {
	has, err := d.manager().Packages(ctx, sys, c)
	if err != nil {
		return nil, err
	}
	had, err := d.manager().ImagePackages(ctx, sys, c)
	if err != nil {
		return nil, err
	}
	return manager.Manual(has, had), nil
}
