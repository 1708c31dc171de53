package doctor

import (
	"context"
	"fmt"
	"slices"

	"bkt/internal/hint"
)

// defaultHosts are the names that computers have if nobody has named them: of hostname(5),
// and of installers and images of Fedora, Universal Blue, CentOS and Debian.
var defaultHosts = []string{
	"localhost", "localhost.localdomain", "localhost-live", "fedora", "fedora-coreos", "silverblue", "kinoite",
	"aurora", "bazzite", "bluefin", "ublue", "centos", "debian", "ubuntu", "linux",
}

// sharedName notes a computer whose name others probably have, too.
func sharedName(_ context.Context, t *Target) ([]Problem, error) {
	if t.Repo.Root == "" || !slices.Contains(defaultHosts, t.Host) {
		return nil, nil
	}
	err := fmt.Errorf(`the name of this computer is %q, as of other computers that nobody has named: "hosts" in manifests and automatic capture take all of these for one`, t.Host)
	return []Problem{note(hint.Add(err, `give it a name of its own: sudo hostnamectl hostname NAME`))}, nil
}
