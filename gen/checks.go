package gen

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"bkt/internal/manifest"
	"bkt/internal/patherr"

	"github.com/go-json-experiment/json/jsontext"
)

// A Check is something that is to hold in an image.
type Check struct {
	manifest.Entry        // what of a manifest it follows from
	Name           string // in a few words
	// Command is one of the shell, which succeeds if it holds; exit code 77: it
	// does not apply. It finds the names of the packages, a line each, in the
	// file $BKT_PACKAGES.
	Command string

	// Label is that of the image which is to have a value. No command can see it.
	Label, Value string
}

// NotApplicable is the exit code of a check that does not apply to an image, as
// in the test suites of automake.
const NotApplicable = 77

// Checks returns what follows from the manifests in repo for the image kind:
// which packages it has and has not, its files, units, kernel arguments,
// programs and labels, and the checks of image.json.
func Checks(kind Kind, repo fs.FS) ([]Check, error) {
	c := checker{kind: kind, store: newManifestCache(repo)}
	derive := []func() error{c.packages, c.external, c.toolchains, c.environment, c.own}
	if kind == System {
		derive = []func() error{c.packages, c.external, c.kargs, c.files, c.units, c.exports, c.bootc, c.own}
	}
	var errs []error
	for _, f := range derive {
		errs = append(errs, f())
	}
	return c.all, errors.Join(errs...)
}

// A checker gathers checks.
type checker struct {
	kind  Kind
	store *manifestCache
	all   []Check
}

// add adds a check. Each of args is quoted for the shell.
func (c *checker) add(e manifest.Entry, name, command string, args ...string) {
	quoted := make([]any, len(args))
	for i, arg := range args {
		// What cannot be quoted, no manifest can hold.
		text, _ := quote(arg)
		quoted[i] = text
	}
	c.all = append(c.all, Check{Entry: e, Name: name, Command: fmt.Sprintf(command, quoted...)})
}

func (c *checker) packages() error {
	d, err := load[manifest.Packages](c.store, PackagesManifest(c.kind))
	if err != nil {
		return err
	}
	for i, spec := range d.Content.Packages {
		c.present(d.Entry(item("/packages", i), spec, ""), spec)
	}
	for i, spec := range d.Content.Excluded {
		c.absent(d.Entry(item("/excluded", i), spec, ""), spec)
	}
	for i, spec := range d.Content.Removed {
		c.absent(d.Entry(item("/removed", i), spec, ""), spec)
	}
	return nil
}

func (c *checker) external() error {
	if c.kind != System {
		return nil
	}
	d, err := load[manifest.ExternalRepos](c.store, manifest.ExternalReposPath)
	if err != nil {
		return err
	}
	for i, repo := range d.Content.Repos {
		for j, spec := range repo.Packages {
			c.present(d.Entry(item(item("/repos", i)+"/packages", j), spec, ""), spec)
		}
	}
	return nil
}

// present checks that a package is installed. Which packages a group has, only
// its repository knows.
func (c *checker) present(e manifest.Entry, spec string) {
	switch {
	case strings.HasPrefix(spec, "@"):
	case isGlob(spec):
		c.add(e, "package "+spec, `rpm -qa -- %s | grep -q . || { echo "no package is called so"; exit 1; }`, spec)
	default:
		// rpm takes a tenth of a second to find one, and most are called by their names.
		c.add(e, "package "+spec, `grep -qsxF -- %[1]s "$BKT_PACKAGES" || rpm -q -- %[1]s || rpm -q --whatprovides -- %[1]s`, spec)
	}
}

// absent checks that a package is not installed. That rpm does not say is no sign of
// that.
func (c *checker) absent(e manifest.Entry, spec string) {
	if !strings.HasPrefix(spec, "@") {
		c.add(e, "no package "+spec, `found=$(rpm -qa -- %s) || { echo "rpm does not tell"; exit 1; }; if test "$found"; then echo "$found"; echo "is installed"; exit 1; fi`, spec)
	}
}

func isGlob(spec string) bool { return strings.ContainsAny(spec, "*?[") }

func (c *checker) toolchains() error {
	d, err := load[manifest.Toolchains](c.store, manifest.ToolchainsPath)
	if err != nil {
		return err
	}
	for i, t := range d.Content.Toolchains {
		e := d.Entry(item("/toolchains", i), t.Name, t.Comment)
		c.add(e, "toolchain "+t.Name, `test -f %[1]s && test -x %[1]s || { echo "is no program"; exit 1; }`, t.Path)
		if below, ok := strings.CutPrefix(t.State, "~/"); ok {
			c.add(e, "no state of toolchain "+t.Name,
				`for home in /root /home/* /etc/skel; do if test -e "$home"/%[1]s; then echo "$home"/%[1]s "is in the image"; exit 1; fi; done`, below)
		}
	}
	return nil
}

func (c *checker) environment() error {
	d, err := load[manifest.Boxes](c.store, manifest.DistroboxPath)
	if err != nil {
		return err
	}
	name, ok := d.Content.Toolbox()
	if !ok {
		return nil
	}
	at := jsontext.Pointer("/containers").AppendToken(name)
	e := d.Entry(at, name, "")
	c.all = append(c.all, Check{Entry: e, Name: "label com.github.containers.toolbox", Label: "com.github.containers.toolbox", Value: "true"})
	box := d.Content.Containers[name]
	for _, name := range slices.Sorted(maps.Keys(box.Env)) {
		if value := box.Env[name]; !hasHome(value) {
			c.add(d.Entry((at+"/env").AppendToken(name), name, ""), "variable "+name, `test "${`+name+`-}" = %s || { echo "is ${`+name+`-not set}"; exit 1; }`, value)
		}
	}
	if slices.ContainsFunc(box.Path, hasHome) || slices.ContainsFunc(slices.Collect(maps.Values(box.Env)), hasHome) {
		c.add(e, "environment of shells", `sh -n /etc/profile.d/50-bkt.sh`)
	}
	return nil
}

func (c *checker) kargs() error {
	d, err := load[manifest.SystemConfig](c.store, manifest.SystemConfigPath)
	if err != nil {
		return err
	}
	for _, k := range d.Content.KernelArguments() {
		line, err := toml(value{text: k.Text})
		if err != nil {
			return err
		}
		c.add(d.Entry(k.Pointer, k.Text, ""), "kernel argument "+k.Text, `grep -qxF -- %s %s`, "  "+line+",", kargsFile)
	}
	return nil
}

func (c *checker) files() error {
	d, err := load[manifest.SystemConfig](c.store, manifest.SystemConfigPath)
	if err != nil {
		return err
	}
	var errs []error
	for i, f := range d.Content.Files {
		data, err := fs.ReadFile(c.store.repo, f.SourcePath())
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.SourcePath(), patherr.Reason(err)))
			continue
		}
		mode := strings.TrimLeft(cmp.Or(f.Mode, "0644"), "0")
		c.add(d.Entry(item("/files", i), f.Dest, f.Comment), "file "+f.Dest,
			`printf '%%s  %%s\n' %[2]s %[1]s | sha256sum --check - && stat -c "mode %%a" %[1]s && test "$(stat -c %%a %[1]s)" = %[3]s`,
			f.Dest, fmt.Sprintf("%x", sha256.Sum256(data)), mode)
	}
	return errors.Join(errs...)
}

func (c *checker) units() error {
	d, err := load[manifest.SystemConfig](c.store, manifest.SystemConfigPath)
	if err != nil {
		return err
	}
	const state = `unit=%s; state=$(systemctl is-enabled "$unit") || true; echo "is $state"; case $state in `
	// Older releases of systemd say nothing of a unit that does not exist.
	const hasNone = `for file in /etc /usr/lib /usr/local/lib; do if ! command -v systemctl || test -e $file/systemd/system/"$unit"; then echo "systemctl does not tell"; exit 1; fi; done`
	systemd := d.Content.Systemd
	for _, v := range []struct {
		verb, state, test string
		units             []string
	}{
		{"enable", "enabled", `enabled|alias|static|indirect|generated) ;; *) exit 1 ;; esac`, systemd.Enable},
		{"disable", "disabled", `enabled|enabled-runtime|alias) exit 1 ;; '') ` + hasNone + ` ;; esac`, systemd.Disable},
		{"mask", "masked", `masked) ;; *) exit 1 ;; esac`, systemd.Mask},
	} {
		for i, unit := range v.units {
			c.add(d.Entry(item(jsontext.Pointer("/systemd/"+v.verb), i), unit, ""), v.state+" unit "+unit, state+v.test, unit)
		}
	}
	return nil
}

func (c *checker) exports() error {
	d, err := load[manifest.Boxes](c.store, manifest.DistroboxPath)
	if err != nil {
		return err
	}
	for _, x := range d.Content.Exports(exported) {
		file := exported + "/" + x.Name
		c.add(d.Entry(x.Pointer, x.Name, ""), "wrapper "+file, `test -x %[1]s && grep -qxF "# distrobox_binary" %[1]s && sh -n %[1]s`, file)
	}
	return nil
}

// bootc has bootc itself look at the image, if it is one of bootc's.
func (c *checker) bootc() error {
	e := manifest.Entry{File: Containerfile(c.kind)}
	c.add(e, "bootc container lint", `command -v bootc >/dev/null || exit 77; bootc container lint`)
	return nil
}

// own are the labels and the checks of image.json.
func (c *checker) own() error {
	d, err := load[manifest.Images](c.store, manifest.ImagePath)
	if err != nil {
		return err
	}
	img, at := d.Content.System, jsontext.Pointer("/system")
	if c.kind == Toolbox {
		img, at = d.Content.Toolbox, "/toolbox"
	}
	for _, name := range slices.Sorted(maps.Keys(img.Labels)) {
		e := d.Entry((at + "/labels").AppendToken(name), name, "")
		c.all = append(c.all, Check{Entry: e, Name: "label " + name, Label: name, Value: img.Labels[name]})
	}
	for i, command := range img.Checks {
		c.all = append(c.all, Check{Entry: d.Entry(item(at+"/checks", i), command, ""), Name: command, Command: command})
	}
	return nil
}
