package imagerule

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"bkt/internal/encode"
	"bkt/internal/manifest"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// A Check is something that must hold in an image: a command that succeeds, or a
// label that has a value, which no command can see.
type Check struct {
	manifest.Entry        // of the manifest, from which the check follows
	Name           string // in a few words

	// Command is for the shell, and exits with [NotApplicable] if the check does
	// not apply to the image. The file $BKT_PACKAGES has the names of the
	// installed packages, one a line.
	Command string

	// Leaves says that the command leaves files behind, such as logs and a cache of dnf,
	// which other checks must not see.
	Leaves bool

	Label, Value string
}

// NotApplicable is the exit code of a check that does not apply to an image, as
// in the test suites of automake.
const NotApplicable = 77

// SystemChecks returns the checks that follow from the manifests in repo for the
// system image: its packages, files, units, kernel arguments, wrappers and
// labels, bootc's own lint, and the checks of image.json. Each manifest that
// cannot be read is an error.
func SystemChecks(repo fs.FS) ([]Check, error) {
	c := &checks{repo: repo}
	err := errors.Join(
		c.packages(manifest.SystemPackagesPath), c.externalPackages(), c.systemConfig(), c.exports(), c.bootc(),
		c.declared("/system", func(i manifest.Images) manifest.Image { return i.System }))
	return c.all, err
}

// ToolboxChecks does for the toolbox image what [SystemChecks] does for the
// system image: packages, toolchains, environment, labels and checks.
func ToolboxChecks(repo fs.FS) ([]Check, error) {
	c := &checks{repo: repo}
	err := errors.Join(
		c.packages(manifest.ToolboxPackagesPath), c.toolchains(), c.environment(),
		c.declared("/toolbox", func(i manifest.Images) manifest.Image { return i.Toolbox }))
	return c.all, err
}

// checks collects the checks of an image.
type checks struct {
	repo fs.FS
	all  []Check
}

// add adds a check. Each of args is quoted for the shell.
func (c *checks) add(e manifest.Entry, name, command string, args ...string) {
	quoted := make([]any, len(args))
	for i, arg := range args {
		text, _ := encode.Shell(arg) // no manifest can hold what cannot be quoted
		quoted[i] = text
	}
	c.all = append(c.all, Check{Entry: e, Name: name, Command: fmt.Sprintf(command, quoted...)})
}

// leaves says that the last check leaves files behind.
func (c *checks) leaves() { c.all[len(c.all)-1].Leaves = true }

func (c *checks) packages(path string) error {
	d, err := manifest.Read[manifest.Packages](c.repo, path)
	if err != nil {
		return err
	}
	for i, p := range d.Content.Packages {
		e := d.Entry(d.Content.PackagePointer(i), p.Name, p.Comment)
		first := len(c.all)
		c.present(e, p.Name)
		c.origin(e, p.Name, p.FromRepo)
		c.onlyOn(p.Arch, first)
	}
	for i, spec := range d.Content.Excluded {
		c.absent(d.Entry(strictjson.Item("/excluded", i), spec, ""), spec)
	}
	for i, spec := range d.Content.Removed {
		if !slices.Contains(d.Content.PackageNames(), spec) {
			c.absent(d.Entry(strictjson.Item("/removed", i), spec, ""), spec)
		}
	}
	for i, s := range d.Content.Swap {
		e := d.Entry(strictjson.Item("/swap", i), s.Install, s.Comment)
		c.absent(e, s.Remove)
		c.present(e, s.Install)
		c.origin(e, s.Install, s.FromRepo)
	}
	for i, spec := range d.Content.Locked {
		c.add(d.Entry(strictjson.Item("/versionlock", i), spec, ""), "version lock of "+spec, `dnf -q versionlock list | grep -F -- %s`, PackageName(spec))
		c.leaves()
	}
	return nil
}

// onlyOn limits the checks from an index on to some architectures.
func (c *checks) onlyOn(architectures []string, from int) {
	if len(architectures) == 0 {
		return
	}
	for i := range c.all[from:] {
		check := &c.all[from+i]
		check.Command = "case $(uname -m) in " + strings.Join(architectures, "|") + ") ;; *) exit 77 ;; esac; " + check.Command
	}
}

func (c *checks) externalPackages() error {
	d, err := manifest.Read[manifest.ExternalRepos](c.repo, manifest.ExternalReposPath)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, repo := range d.Content.Repos {
		for j, spec := range repo.Packages {
			e := d.Entry(strictjson.Item(strictjson.Item("/repos", i)+"/packages", j), spec, "")
			c.present(e, spec)
			if !seen[spec] { // it comes from the first repository that has it
				c.origin(e, spec, repo.Name)
			}
			seen[spec] = true
		}
		if folder := repo.OptFolder(); folder != "" && len(repo.Packages) > 0 {
			c.add(d.Entry(strictjson.Item("/repos", i)+"/opt_path", repo.OptPath, ""), "folder /usr/lib/opt/"+folder,
				`test -d %[1]s || { echo "is not a folder"; exit 1; }`, "/usr/lib/opt/"+folder)
		}
	}
	return nil
}

// present checks that a package is installed. Groups are left out: only their
// repository knows which packages they have.
func (c *checks) present(e manifest.Entry, spec string) {
	switch {
	case strings.HasPrefix(spec, "@"):
	case isGlob(spec):
		c.add(e, "package "+spec, `rpm -qa -- %s | grep -q . || { echo "no package matches"; exit 1; }`, spec)
	default:
		// rpm takes a tenth of a second for one, and most specs are plain names.
		c.add(e, "package "+spec, `grep -qsxF -- %[1]s "$BKT_PACKAGES" || rpm -q -- %[1]s || rpm -q --whatprovides -- %[1]s`, spec)
	}
}

// origin checks that a package was installed from a repository, by what dnf has
// recorded. It does not apply to an image without these records.
func (c *checks) origin(e manifest.Entry, spec, repo string) {
	if repo == "" {
		return
	}
	repo = manifest.RepoID(repo)
	c.add(e, "package "+spec+" is from "+repo, `command -v dnf >/dev/null || exit 77
found=$(dnf -q repoquery --installed --qf '%%{name} %%{from_repo}\n' %[1]s) || exit 1
echo "$found" | grep . || { echo "no package matches"; exit 1; }
if echo "$found" | grep -qE ' '%[2]s'$'; then exit 0; fi
if echo "$found" | grep -qE ' (<unknown>)?$'; then echo "dnf has not recorded its repository"; exit 77; fi
echo "is from another repository"; exit 1`, spec, repo)
	c.leaves()
}

// absent checks that a package is not installed. A failure of rpm does not count
// as absent.
func (c *checks) absent(e manifest.Entry, spec string) {
	if !strings.HasPrefix(spec, "@") {
		c.add(e, "no package "+spec, `found=$(rpm -qa -- %s) || { echo "rpm failed"; exit 1; }; if test "$found"; then echo "$found"; echo "is installed"; exit 1; fi`, spec)
	}
}

func isGlob(spec string) bool { return strings.ContainsAny(spec, "*?[") }

func (c *checks) toolchains() error {
	d, err := manifest.Read[manifest.Toolchains](c.repo, manifest.ToolchainsPath)
	if err != nil {
		return err
	}
	for i, t := range d.Content.Toolchains {
		e := d.Entry(strictjson.Item("/toolchains", i), t.Name, t.Comment)
		c.add(e, "toolchain "+t.Name, `test -f %[1]s && test -x %[1]s || { echo "is not a program"; exit 1; }`, t.Path)
		if below, ok := strings.CutPrefix(t.State, "~/"); ok {
			c.add(e, "no state of toolchain "+t.Name,
				`for home in /root /home/* /etc/skel; do if test -e "$home"/%[1]s; then echo "$home"/%[1]s "is in the image"; exit 1; fi; done`, below)
		}
	}
	return nil
}

func (c *checks) environment() error {
	d, err := manifest.Read[manifest.Containers](c.repo, manifest.DistroboxPath)
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
	container := d.Content.Containers[name]
	for _, name := range slices.Sorted(maps.Keys(container.Env)) {
		if value := container.Env[name]; !manifest.InHome(value) {
			c.add(d.Entry((at+"/env").AppendToken(name), name, ""), "variable "+name, `test "${`+name+`-}" = %s || { echo "is ${`+name+`-not set}"; exit 1; }`, value)
		}
	}
	if slices.ContainsFunc(container.Path, manifest.InHome) || slices.ContainsFunc(slices.Collect(maps.Values(container.Env)), manifest.InHome) {
		c.add(e, "environment of shells", `sh -n /etc/profile.d/50-bkt.sh`)
	}
	return nil
}

func (c *checks) systemConfig() error {
	d, err := manifest.Read[manifest.SystemConfig](c.repo, manifest.SystemConfigPath)
	if err != nil {
		return err
	}
	err = errors.Join(c.kernelArguments(d), c.files(d))
	c.units(d)
	return err
}

func (c *checks) kernelArguments(d manifest.Document[manifest.SystemConfig]) error {
	for _, k := range d.Content.KernelArguments() {
		text, err := encode.TOML(k.Text)
		if err != nil {
			return err
		}
		e := d.Entry(k.Pointer, k.Text, k.Comment)
		if len(k.Arch) == 0 {
			c.add(e, "kernel argument "+k.Text, `grep -qxF -- %s %s`, "  "+text+",", KargsFile)
		}
		for _, arch := range k.Arch {
			c.add(e, "kernel argument "+k.Text+" for "+arch, `grep -qxF -- %s %s`, "  "+text+",", KargsFileOf(arch))
		}
	}
	return nil
}

func (c *checks) units(d manifest.Document[manifest.SystemConfig]) {
	u := d.Content.Systemd
	c.unitStates(d, "/systemd", unitScope{"", "", "system"}, u.Enable, u.Disable, u.Mask)
	for i, unit := range u.Unmask {
		c.add(d.Entry(strictjson.Item("/systemd/unmask", i), unit, ""), "unit "+unit+", not masked",
			`state=$(systemctl is-enabled %s) || true; echo "is $state"; case $state in masked|masked-runtime) exit 1 ;; esac`, unit)
	}
	c.unitStates(d, "/systemd/user", unitScope{"--global ", " of all users", "user"}, u.User.Enable, u.User.Disable, u.User.Mask)
}

// A unitScope says which units systemctl looks at.
type unitScope struct{ option, name, folder string }

// unitStates checks the states of units. Older releases of systemd print nothing about a
// unit that does not exist.
func (c *checks) unitStates(d manifest.Document[manifest.SystemConfig], at jsontext.Pointer, s unitScope, enable, disable, mask []string) {
	state := `unit=%s; state=$(systemctl ` + s.option + `is-enabled "$unit") || true; echo "is $state"; case $state in `
	missing := `for file in /etc /usr/lib /usr/local/lib; do if ! command -v systemctl || test -e $file/systemd/` + s.folder + `/"$unit"; then echo "systemctl printed no state"; exit 1; fi; done`
	for _, v := range []struct {
		verb, state, test string
		units             []string
	}{
		{"enable", "enabled", `enabled|alias|static|indirect|generated) ;; *) exit 1 ;; esac`, enable},
		{"disable", "disabled", `enabled|enabled-runtime|alias) exit 1 ;; '') ` + missing + ` ;; esac`, disable},
		{"mask", "masked", `masked) ;; *) exit 1 ;; esac`, mask},
	} {
		for i, unit := range v.units {
			c.add(d.Entry(strictjson.Item(at+"/"+jsontext.Pointer(v.verb), i), unit, ""), v.state+" unit "+unit+s.name, state+v.test, unit)
		}
	}
}

func (c *checks) exports() error {
	d, err := manifest.Read[manifest.Containers](c.repo, manifest.DistroboxPath)
	if err != nil {
		return err
	}
	for _, x := range d.Content.Exports(manifest.SystemBin) {
		file := manifest.SystemBin + "/" + x.Name
		c.add(d.Entry(x.Pointer, x.Name, ""), "wrapper "+file, `test -x %[1]s && grep -qxF "# distrobox_binary" %[1]s && sh -n %[1]s`, file)
	}
	return nil
}

// bootc runs bootc's own lint in the image, if the image has bootc.
func (c *checks) bootc() error {
	c.add(manifest.Entry{File: "Containerfile"}, "bootc container lint", `command -v bootc >/dev/null || exit 77; bootc container lint`)
	return nil
}

// declared adds the labels and the checks of an image in image.json: of is the
// image at the pointer at.
func (c *checks) declared(at jsontext.Pointer, of func(manifest.Images) manifest.Image) error {
	d, err := manifest.Read[manifest.Images](c.repo, manifest.ImagePath)
	if err != nil {
		return err
	}
	image := of(d.Content)
	for _, name := range slices.Sorted(maps.Keys(image.Labels)) {
		e := d.Entry((at + "/labels").AppendToken(name), name, "")
		c.all = append(c.all, Check{Entry: e, Name: "label " + name, Label: name, Value: image.Labels[name]})
	}
	for i, command := range image.Checks {
		c.all = append(c.all, Check{Entry: d.Entry(strictjson.Item(at+"/checks", i), command, ""), Name: command, Command: command})
	}
	return nil
}
