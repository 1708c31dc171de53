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
	"bkt/internal/gvariant"
)

// standInFlatpak is flatpak, as far as bkt uses it. Its installations have the
// same files. A repository is a folder with a file refs, which has lines of the
// form "REF COMMIT…", and a file signed, if it is. The last commit of a ref whose makers
// have renamed it is followed by ">" and its new name. A bundle has one such line.
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
		case name == "--installation":
			if f.dir = fakeDefinition(value); f.dir == "" {
				return fmt.Errorf("Could not find installation %s", value)
			}
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
		"override": f.override, "pin": f.pin, "config": f.setLanguages,
	}
	run, ok := commands[command]
	if !ok {
		return fmt.Errorf("'%s' is not a flatpak command", command)
	}
	return run()
}

// fakeDefinition returns the folder of a further installation, "" if none has this name.
func fakeDefinition(name string) string {
	files, _ := filepath.Glob(os.Getenv("FLATPAK_CONFIG_DIR") + "/installations.d/*.conf")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if _, rest, ok := strings.Cut(string(text), fmt.Sprintf("[Installation %q]\nPath=", name)); ok {
			path, _, _ := strings.Cut(rest, "\n")
			return path
		}
	}
	return ""
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
		case "--title", "--default-branch":
			key := "xa." + strings.TrimPrefix(option, "--")
			values[key], values[key+"-is-set"] = value, "true"
		case "--prio":
			values["xa.prio"] = value
		case "--no-enumerate", "--enumerate":
			values["xa.noenumerate"] = fmt.Sprint(option == "--no-enumerate")
		case "--no-use-for-deps", "--use-for-deps":
			values["xa.nodeps"] = fmt.Sprint(option == "--no-use-for-deps")
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
	if dir == "" {
		return fmt.Errorf("Unable to load summary from remote %s: Can't fetch summary from disabled remote", name)
	}
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
	if strings.HasSuffix(remote, ".flatpak") {
		return f.installBundle(remote)
	}
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
		if newRef, renamed := strings.CutPrefix(commit, ">"); renamed {
			err = f.rebase(remote, ref, newRef, refs[newRef][0])
		} else {
			err = errors.Join(f.deploy(remote, ref, commit), f.autoPin(ref))
		}
		if err != nil {
			return err
		}
	}
	return f.needRuntime(remote)
}

// rebase installs the app that a ref has become, unless it is installed.
func (f fakeInstallation) rebase(remote, ref, newRef, commit string) error {
	if _, err := os.Lstat(f.path(newRef + "/active")); err == nil {
		return nil
	}
	text := fmt.Sprintf("('%s', '%s', [], 0, {'deploy-version': <4>, 'previous-ids': <['%s']>})", remote, commit, strings.Split(ref, "/")[1])
	data, err := gvariant.Parse("(ssasta{sv})", text)
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(f.path(ref)), f.deployData(newRef, commit, data.Encode()))
}

// installBundle installs an app from a file, from a remote without a URL.
func (f fakeInstallation) installBundle(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	ref, commit, _ := strings.Cut(string(text), " ")
	id := strings.Split(ref, "/")[1]
	remote := strings.ToLower(id[strings.LastIndex(id, ".")+1:]) + "-origin"
	err = f.setConfig(fakeRemote(remote), map[string]string{
		"url": "", "xa.title": filepath.Base(file), "xa.noenumerate": "true", "xa.prio": "0", "gpg-verify": "false", "xa.main-ref": ref,
	})
	return errors.Join(err, f.deploy(remote, ref, commit))
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
	return f.deployData(ref, commit, []byte(remote+"\x00"+commit+"\x00"))
}

func (f fakeInstallation) deployData(ref, commit string, data []byte) error {
	dir := f.path(ref)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, commit), 0o755); err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, commit, "deploy"), data, 0o644),
		os.WriteFile(filepath.Join(dir, commit, "metadata"), []byte(fakeMetadata(ref)), 0o644),
		os.Symlink(commit, filepath.Join(dir, "active")))
}

// fakeMetadata returns the metadata of a ref: all apps need one runtime.
func fakeMetadata(ref string) string {
	if strings.HasPrefix(ref, "app/") {
		return fmt.Sprintf("[Application]\nruntime=org.bkt.Platform/%s/1\n", strings.Split(ref, "/")[2])
	}
	return "[Runtime]\n[Extension org.bkt.Platform.Theme]\nversion=1\nsubdirectories=true\nno-autodownload=true\n"
}

// installed returns the refs that are.
func (f fakeInstallation) installed() []string {
	links, _ := filepath.Glob(f.path("*/*/*/*/active"))
	var refs []string
	for _, l := range links {
		ref, _ := filepath.Rel(f.dir, filepath.Dir(l))
		refs = append(refs, ref)
	}
	return refs
}

func (f fakeInstallation) uninstall() error {
	if _, unused := f.options["--unused"]; unused {
		if apps, _ := filepath.Glob(f.path("app/*/*/*/active")); len(apps) > 0 {
			return nil
		}
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

func (f fakeInstallation) masks() []string { return f.patterns("xa.masked") }

func (f fakeInstallation) patterns(key string) []string {
	return strings.FieldsFunc(f.config("core")[key], func(r rune) bool { return r == ';' })
}

func (f fakeInstallation) mask() error { return f.editPatterns("xa.masked", f.args) }

func (f fakeInstallation) pin() error {
	for _, pattern := range f.args {
		if strings.HasPrefix(pattern, "app/") {
			return errors.New("Glob can't match apps")
		}
	}
	return f.editPatterns("xa.pinned", f.args)
}

// autoPin pins a runtime that was installed on purpose.
func (f fakeInstallation) autoPin(ref string) error {
	if _, no := f.options["--no-auto-pin"]; no || !strings.HasPrefix(ref, "runtime/") {
		return nil
	}
	f.options = nil
	return f.editPatterns("xa.pinned", []string{ref})
}

func (f fakeInstallation) editPatterns(key string, args []string) error {
	core, all := f.config("core"), f.patterns(key)
	_, remove := f.options["--remove"]
	for _, pattern := range args {
		has := slices.Contains(all, pattern)
		switch {
		case remove && !has:
			return fmt.Errorf("No current pattern matching %s", pattern)
		case remove:
			all = slices.DeleteFunc(all, func(p string) bool { return p == pattern })
		case !has:
			all = append(all, pattern)
		}
	}
	slices.Sort(all)
	core[key] = strings.Join(all, ";")
	return f.setConfig("core", core)
}

// setLanguages sets a key of the languages, or unsets it.
func (f fakeInstallation) setLanguages() error {
	core := f.config("core")
	if _, unset := f.options["--unset"]; unset {
		delete(core, "xa."+f.args[0])
	} else {
		core["xa."+f.args[0]] = f.args[1]
	}
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
