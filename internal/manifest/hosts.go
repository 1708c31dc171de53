package manifest

import (
	"errors"
	"slices"
	"strings"

	"bkt/internal/hint"
)

// Hosts are the names of the computers that an item is for; none: all.
type Hosts []string

// Include reports whether the item is for the computer called host.
func (h Hosts) Include(host string) bool {
	return len(h) == 0 || slices.Contains(h, host)
}

func (h Hosts) canonical() Hosts { return sorted(h, strings.Compare) }

var errNoHost = hint.Add(errors.New("hosts is empty"),
	`remove hosts from an item for every host`)

func checkHost(name string) error {
	return hint.Add(checkSpelling(name, letters, letters.with(".-")), `write a host as "hostname" does, such as "laptop"`)
}

// OnlyOn returns the computers that the remote is declared for.
func (r FlatpakRemote) OnlyOn() Hosts { return r.Hosts }

// WithHosts returns the remote declared for these computers.
func (r FlatpakRemote) WithHosts(h Hosts) FlatpakRemote { r.Hosts = h; return r }

// OnlyOn returns the computers that the installation is declared for.
func (i FlatpakInstallation) OnlyOn() Hosts { return i.Hosts }

// WithHosts returns the installation declared for these computers.
func (i FlatpakInstallation) WithHosts(h Hosts) FlatpakInstallation { i.Hosts = h; return i }

// OnlyOn returns the computers that the app is declared for.
func (a FlatpakApp) OnlyOn() Hosts { return a.Hosts }

// WithHosts returns the app declared for these computers.
func (a FlatpakApp) WithHosts(h Hosts) FlatpakApp { a.Hosts = h; return a }

// OnlyOn returns the computers that the override is declared for.
func (v FlatpakOverride) OnlyOn() Hosts { return v.Hosts }

// WithHosts returns the override declared for these computers.
func (v FlatpakOverride) WithHosts(h Hosts) FlatpakOverride { v.Hosts = h; return v }

// OnlyOn returns the computers that the extension is declared for.
func (e Extension) OnlyOn() Hosts { return e.Hosts }

// WithHosts returns the extension declared for these computers.
func (e Extension) WithHosts(h Hosts) Extension { e.Hosts = h; return e }

// OnlyOn returns the computers that the setting is declared for.
func (s Setting) OnlyOn() Hosts { return s.Hosts }

// WithHosts returns the setting declared for these computers.
func (s Setting) WithHosts(h Hosts) Setting { s.Hosts = h; return s }

// OnlyOn returns the computers that the app is declared for.
func (a AppImage) OnlyOn() Hosts { return a.Hosts }

// WithHosts returns the app declared for these computers.
func (a AppImage) WithHosts(h Hosts) AppImage { a.Hosts = h; return a }

// OnlyOn returns no computers: a map of states cannot name any.
func (s Service) OnlyOn() Hosts { return nil }

// WithHosts returns the service unchanged: it is for all computers.
func (s Service) WithHosts(Hosts) Service { return s }
