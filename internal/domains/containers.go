package domains

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"bkt/internal/distrobox"
	"bkt/internal/strictjson"
)

// Containers returns the named containers or, without names, all that are declared for the
// computer host. files has the manifests. A name that is not declared is an error.
func Containers(files fs.FS, host string, names []string) ([]distrobox.Container, error) {
	declared, err := distrobox.Store{InImage: ToolboxInImage}.Load(files)
	if err != nil {
		return nil, err
	}
	var known []string
	for _, c := range declared {
		known = append(known, c.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, notDeclared(name, known)
		}
	}
	return slices.DeleteFunc(declared, func(c distrobox.Container) bool {
		if len(names) > 0 {
			return !slices.Contains(names, c.Name)
		}
		return !c.Hosts.Include(host)
	}), nil
}

func notDeclared(name string, known []string) error {
	return strictjson.Suggest(fmt.Errorf("%s does not declare a container %q", distrobox.File, name), name, known,
		"the containers are "+strings.Join(known, ", "))
}
