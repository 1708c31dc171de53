package gsettings

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/plainfile"
	"bkt/internal/reconcile"
)

// sources returns the databases that dconf reads, in order: lines such as
// "user-db:user".
func (d Domain) sources() ([]string, error) {
	mandatory := filepath.Join(d.RunDir, "dconf", "user", strconv.Itoa(d.UID))
	text, err := plainfile.Read(mandatory, plainfile.MaxText)
	switch {
	case !errors.Is(err, fs.ErrNotExist):
	case filepath.IsAbs(d.Profile):
		text, err = plainfile.Read(d.Profile, plainfile.MaxText)
	case d.Profile != "":
		text, err = d.named(d.Profile)
	default:
		text, err = d.ordinary()
	}
	if err != nil {
		return nil, reconcile.Unavailablef("the profile of dconf cannot be read: %w", err)
	}
	return lines(text), nil
}

// ordinary returns the profile of a user who has not chosen one.
func (d Domain) ordinary() ([]byte, error) {
	if d.RuntimeDir != "" {
		text, err := plainfile.Read(filepath.Join(d.RuntimeDir, "dconf", "profile"), plainfile.MaxText)
		if !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	text, err := d.named("user")
	if errors.Is(err, fs.ErrNotExist) {
		return []byte("user-db:user"), nil
	}
	return text, err
}

// named returns the profile with a name.
func (d Domain) named(name string) ([]byte, error) {
	text, err := plainfile.Read(filepath.Join(d.EtcDir, "dconf", "profile", name), plainfile.MaxText)
	for _, dir := range d.DataDirs {
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
		text, err = plainfile.Read(filepath.Join(dir, "dconf", "profile", name), plainfile.MaxText)
	}
	return text, err
}

func lines(text []byte) []string {
	var all []string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// userDatabase returns the name of the user's database.
func userDatabase(sources []string) (string, error) {
	if len(sources) > 0 {
		if name, ok := strings.CutPrefix(sources[0], "user-db:"); ok {
			return name, nil
		}
	}
	err := errors.New("the first line of the profile of dconf is not a user-db")
	return "", reconcile.Unavailablef("%w", hint.Add(err, "see dconf(7), and DCONF_PROFILE"))
}

// file returns the path of the database of a source, and whether it is a file. A
// service-db is not, but can only be the first source.
func (d Domain) file(source string) (string, bool) {
	kind, name, _ := strings.Cut(source, ":")
	switch kind {
	case "user-db":
		return filepath.Join(d.ConfigHome, "dconf", name), true
	case "system-db":
		return filepath.Join(d.EtcDir, "dconf", "db", name), true
	case "file-db":
		return name, true
	}
	return "", false
}
