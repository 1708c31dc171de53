package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"bkt/internal/domains"
)

// standInFlatpak is flatpak, as far as bkt uses it. Its installations have the
// same files. A repository is a folder with a file refs, which has lines of the
// form "REF COMMIT…", and a file signed, if it is.
func standInFlatpak() {
	err := fakeFlatpak(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// A fakeInstallation is an installation of the stand-in, with the options of a command.
type fakeInstallation struct {
	dir     string
	options map[string]string
	args    []string
}

func fakeFlatpak(command string, args []string) error {
	f := fakeInstallation{os.Getenv("XDG_DATA_HOME") + "/flatpak", map[string]string{}, nil}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch {
		case arg == "--system":
			f.dir = os.Getenv("FLATPAK_SYSTEM_DIR")
		case strings.HasPrefix(arg, "--"):
			f.options[name] = value
		default:
			f.args = append(f.args, arg)
		}
	}
	if err := f.make(); err != nil {
		return err
	}
	commands := map[string]func() error{
		"remote-add": f.addRemote, "remote-modify": f.modifyRemote, "remote-delete": f.deleteRemote,
		"install": f.install, "uninstall": f.uninstall, "update": f.update, "mask": f.mask,
		"override": f.override,
	}
	run, ok := commands[command]
	if !ok {
		return fmt.Errorf("'%s' is not a flatpak command", command)
	}
	return run()
}

func (f fakeInstallation) make() error {
	if _, err := os.Stat(f.path("repo/config")); err == nil {
		return nil
	}
	if err := os.MkdirAll(f.path("repo"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(f.path("repo/config"), []byte("[core]\nrepo_version=1\nmode=bare-user-only\n"), 0o644)
}

func (f fakeInstallation) path(name string) string { return filepath.Join(f.dir, name) }

// config returns the lines of a group of the configuration, nil if it does not exist.
func (f fakeInstallation) config(group string) map[string]string {
	text, _ := os.ReadFile(f.path("repo/config"))
	var values map[string]string
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "["):
			inside = line == "["+group+"]"
			if inside {
				values = map[string]string{}
			}
		case ok && inside:
			values[key] = value
		}
	}
	return values
}

// setConfig replaces a group of the configuration.
func (f fakeInstallation) setConfig(group string, values map[string]string) error {
	text, err := os.ReadFile(f.path("repo/config"))
	var out strings.Builder
	inside := false
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "[") {
			inside = strings.TrimSpace(line) == "["+group+"]"
		}
		if !inside {
			out.WriteString(line)
		}
	}
	if values != nil {
		fmt.Fprintf(&out, "[%s]\n", group)
		for key, value := range values {
			fmt.Fprintf(&out, "%s=%s\n", key, value)
		}
	}
	return errors.Join(err, os.WriteFile(f.path("repo/config"), []byte(out.String()), 0o644))
}

func fakeRemote(name string) string { return fmt.Sprintf("remote %q", name) }

func (f fakeInstallation) addRemote() error {
	name, url := f.args[0], f.args[1]
	if f.config(fakeRemote(name)) != nil {
		return fmt.Errorf("Remote %s already exists", name)
	}
	values := map[string]string{"url": url, "gpg-verify": "true"}
	if _, ok := f.options["--from"]; ok {
		text, err := os.ReadFile(strings.TrimPrefix(url, "file://"))
		if err != nil {
			return err
		}
		if err := f.readRepoFile(name, string(text), values); err != nil {
			return err
		}
	}
	if !strings.Contains(values["url"], "://") {
		values["url"] = "file://" + values["url"]
	}
	if err := f.setConfig(fakeRemote(name), values); err != nil {
		return err
	}
	if err := f.settings(name, values); err != nil {
		return err
	}
	return f.reachable(name)
}

// readRepoFile reads a .flatpakrepo. One without a key turns verification off.
func (f fakeInstallation) readRepoFile(name, text string, values map[string]string) error {
	_, rest, _ := strings.Cut(text, "Url=")
	values["url"], _, _ = strings.Cut(rest, "\n")
	_, rest, ok := strings.Cut(text, "GPGKey=")
	if !ok {
		values["gpg-verify"] = "false"
		return nil
	}
	encoded, _, _ := strings.Cut(rest, "\n")
	key, err := base64.StdEncoding.DecodeString(encoded)
	return errors.Join(err, os.WriteFile(f.path("repo/"+name+".trustedkeys.gpg"), key, 0o644))
}

// settings sets the fields of a remote from the options.
func (f fakeInstallation) settings(name string, values map[string]string) error {
	for option, value := range f.options {
		switch option {
		case "--url":
			values["url"] = value
		case "--subset":
			values["xa.subset"], values["xa.subset-is-set"] = value, "true"
		case "--no-gpg-verify":
			values["gpg-verify"] = "false"
		case "--gpg-verify":
			values["gpg-verify"] = "true"
		case "--disable":
			values["xa.disable"] = "true"
		case "--enable":
			delete(values, "xa.disable")
		case "--filter":
			text, err := os.ReadFile(value)
			if err == nil {
				text = append([]byte("# backup copy of "+value+", do not edit!\n"), text...)
				err = os.WriteFile(f.path("repo/"+name+".filter"), text, 0o644)
			}
			if err != nil {
				return err
			}
			values["xa.filter"] = value
		case "--no-filter":
			delete(values, "xa.filter")
			_ = os.Remove(f.path("repo/" + name + ".filter"))
		case "--gpg-import":
			if err := f.importKey(name, value); err != nil {
				return err
			}
		}
	}
	return f.setConfig(fakeRemote(name), values)
}

func (f fakeInstallation) importKey(name, file string) error {
	key, err := os.ReadFile(file)
	if file == "-" {
		key, err = io.ReadAll(os.Stdin)
	}
	if err != nil {
		return err
	}
	ring, _ := os.ReadFile(f.path("repo/" + name + ".trustedkeys.gpg"))
	return os.WriteFile(f.path("repo/"+name+".trustedkeys.gpg"), append(ring, key...), 0o644)
}

// reachable checks that the repository of a remote is there, and is signed if
// it has to be.
func (f fakeInstallation) reachable(name string) error {
	values := f.config(fakeRemote(name))
	dir := strings.TrimPrefix(values["url"], "file://")
	if _, err := os.Stat(dir + "/refs"); err != nil {
		return fmt.Errorf("Unable to load summary from remote %s", name)
	}
	if values["gpg-verify"] == "false" {
		return nil
	}
	signed, err := os.ReadFile(dir + "/signed")
	key, _ := os.ReadFile(f.path("repo/" + name + ".trustedkeys.gpg"))
	if err != nil || !bytes.Contains(key, signed) {
		return errors.New("GPG verification enabled, but no summary signatures found")
	}
	return nil
}

func (f fakeInstallation) modifyRemote() error {
	values := f.config(fakeRemote(f.args[0]))
	if values == nil {
		return fmt.Errorf("No remote %s", f.args[0])
	}
	return f.settings(f.args[0], values)
}

func (f fakeInstallation) deleteRemote() error {
	name := f.args[0]
	if f.config(fakeRemote(name)) == nil {
		return fmt.Errorf("Remote %s not found", name)
	}
	deploys, _ := filepath.Glob(f.path("*/*/*/*/active/deploy"))
	for _, d := range deploys {
		origin, _ := os.ReadFile(d)
		if _, force := f.options["--force"]; !force && strings.HasPrefix(string(origin), name+"\x00") {
			return fmt.Errorf("Can't remove remote '%s' with installed refs", name)
		}
	}
	_ = os.Remove(f.path("repo/" + name + ".trustedkeys.gpg"))
	return f.setConfig(fakeRemote(name), nil)
}

// refs returns the refs of a remote, each with its commits, the newest last.
func (f fakeInstallation) refs(remote string) (map[string][]string, error) {
	values := f.config(fakeRemote(remote))
	if values == nil || values["xa.disable"] == "true" {
		return nil, fmt.Errorf("No remote refs found for ‘%s’", remote)
	}
	if err := f.reachable(remote); err != nil {
		return nil, err
	}
	file, err := os.Open(strings.TrimPrefix(values["url"], "file://") + "/refs")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	refs := map[string][]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		refs[fields[0]] = fields[1:]
	}
	return refs, nil
}

// resolve returns the one ref that matches a ref with empty parts.
func resolve(ref string, refs []string) (string, error) {
	if !strings.Contains(ref, "/") {
		ref = "app/" + ref + "//"
	}
	var found []string
	for _, r := range refs {
		want, has := strings.Split(ref, "/"), strings.Split(r, "/")
		fits := len(want) == 4 && len(has) == 4
		for i := 0; fits && i < 4; i++ {
			fits = want[i] == "" || want[i] == has[i]
		}
		if fits {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("Nothing matches %s", ref)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("No ref chosen to resolve matches for %s", ref)
}

func (f fakeInstallation) install() error {
	remote := f.args[0]
	refs, err := f.refs(remote)
	if err != nil {
		return err
	}
	found := map[string]string{}
	for _, ref := range f.args[1:] {
		full, err := resolve(ref, slices.Sorted(maps.Keys(refs)))
		if err != nil {
			return err // and none is installed
		}
		commits := refs[full]
		found[full] = commits[len(commits)-1]
	}
	for ref, commit := range found {
		if err := f.deploy(remote, ref, commit); err != nil {
			return err
		}
	}
	return f.needRuntime(remote)
}

// needRuntime installs what all apps need.
func (f fakeInstallation) needRuntime(remote string) error {
	ref := "runtime/org.bkt.Platform/" + domains.FlatpakArch(runtime.GOARCH) + "/1"
	if _, err := os.Stat(f.path(ref)); err == nil {
		return nil
	}
	return f.deploy(remote, ref, fakeCommit(ref))
}

func (f fakeInstallation) deploy(remote, ref, commit string) error {
	dir := f.path(ref)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, commit), 0o755); err != nil {
		return err
	}
	data := remote + "\x00" + commit + "\x00"
	return errors.Join(os.WriteFile(filepath.Join(dir, commit, "deploy"), []byte(data), 0o644),
		os.Symlink(commit, filepath.Join(dir, "active")))
}

// installed returns the refs that are.
func (f fakeInstallation) installed() []string {
	links, _ := filepath.Glob(f.path("app/*/*/*/active"))
	var refs []string
	for _, l := range links {
		ref, _ := filepath.Rel(f.dir, filepath.Dir(l))
		refs = append(refs, ref)
	}
	return refs
}

func (f fakeInstallation) uninstall() error {
	if _, unused := f.options["--unused"]; unused && len(f.installed()) == 0 {
		return os.RemoveAll(f.path("runtime"))
	}
	for _, ref := range f.args {
		full, err := resolve(ref, f.installed())
		if err != nil {
			return err
		}
		if err := os.RemoveAll(f.path(full)); err != nil {
			return err
		}
		for dir := filepath.Dir(f.path(full)); os.Remove(dir) == nil; {
			dir = filepath.Dir(dir)
		}
	}
	return nil
}

func (f fakeInstallation) update() error {
	full, err := resolve(f.args[0], f.installed())
	if err != nil {
		return err
	}
	data, err := os.ReadFile(f.path(full + "/active/deploy"))
	if err != nil || f.masked(full) {
		return err
	}
	remote, _, _ := strings.Cut(string(data), "\x00")
	refs, err := f.refs(remote)
	if err != nil {
		return err
	}
	commit, ok := f.options["--commit"]
	if !ok {
		commit = refs[full][len(refs[full])-1]
	}
	if !slices.Contains(refs[full], commit) {
		return errors.New("no such commit")
	}
	return f.deploy(remote, full, commit)
}

// masked reports whether updates skip a ref.
func (f fakeInstallation) masked(ref string) bool {
	return slices.ContainsFunc(f.masks(), func(pattern string) bool {
		match, _ := filepath.Match(pattern, ref)
		return match
	})
}

func (f fakeInstallation) masks() []string {
	return strings.FieldsFunc(f.config("core")["xa.masked"], func(r rune) bool { return r == ';' })
}

func (f fakeInstallation) mask() error {
	core, masked := f.config("core"), f.masks()
	if _, ok := f.options["--remove"]; ok {
		if !slices.Contains(masked, f.args[0]) {
			return fmt.Errorf("No current masked pattern matching %s", f.args[0])
		}
		masked = slices.DeleteFunc(masked, func(m string) bool { return m == f.args[0] })
	} else {
		masked = append(masked, f.args[0])
	}
	core["xa.masked"] = strings.Join(masked, ";") + ";"
	return f.setConfig("core", core)
}

// override knows the options that the scripts use.
func (f fakeInstallation) override() error {
	name := "global"
	if len(f.args) > 0 {
		name = f.args[0]
	}
	var contextLines, environment string
	for option, value := range f.options {
		switch option {
		case "--filesystem":
			contextLines += "filesystems=" + value + ";\n"
		case "--socket":
			contextLines += "sockets=" + value + ";\n"
		case "--env":
			environment += strings.ReplaceAll(value, "\n", `\n`) + "\n"
		}
	}
	old, err := os.ReadFile(f.path("overrides/" + name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text := string(old)
	if contextLines != "" {
		text += "[Context]\n" + contextLines
	}
	if environment != "" {
		text += "[Environment]\n" + environment
	}
	return errors.Join(os.MkdirAll(f.path("overrides"), 0o755), os.WriteFile(f.path("overrides/"+name), []byte(text), 0o644))
}

// fakeCommit returns the commit that the stand-in's repositories have of a ref.
func fakeCommit(what string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(what))) }
