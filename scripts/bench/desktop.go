package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed desktop.sh
var fillDesktop string

// A desktop is a home with apps, settings, extensions, containers and AppImages, and a
// repository that declares them.
type desktop struct {
	*site
	dir string
	bus *exec.Cmd
	env []string
}

// desktop measures how long it takes to find that nothing differs: with bkt, with the
// single calls that list items, with a call for each item, and with Ansible.
func (s *site) desktop() error {
	d := &desktop{site: s, dir: filepath.Join(s.dir, "desktop")}
	if err := d.start(); err != nil {
		return err
	}
	defer d.stop()
	if err := d.fill(); err != nil {
		return err
	}
	return d.measure()
}

// start starts a bus, whose environment its programs inherit.
func (d *desktop) start() error {
	home := filepath.Join(d.dir, "home")
	for _, dir := range []string{home, filepath.Join(d.dir, "run"), filepath.Join(d.dir, "repo", "manifests")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	d.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8", "XDG_RUNTIME_DIR=" + filepath.Join(d.dir, "run"),
		"XDG_DATA_HOME=" + home + "/.local/share", "XDG_CONFIG_HOME=" + home + "/.config", "XDG_CACHE_HOME=" + home + "/.cache",
		"FLATPAK_SYSTEM_DIR=" + filepath.Join(d.dir, "system"),
		"DBX_CONTAINER_MANAGER=podman", "CONTAINERS_CONF=" + d.dir + "/containers.conf", "CONTAINERS_STORAGE_CONF=" + d.dir + "/storage.conf",
	}
	if err := d.configurePodman(); err != nil {
		return err
	}
	d.bus = exec.Command("dbus-daemon", "--session", "--nofork", "--print-address")
	d.bus.Env = d.env
	out, err := d.bus.StdoutPipe()
	if err == nil {
		err = d.bus.Start()
	}
	if err != nil {
		return err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	address = strings.TrimSpace(address)
	d.env = append(d.env, "DBUS_SESSION_BUS_ADDRESS="+address, "DBUS_SYSTEM_BUS_ADDRESS="+address)
	return err
}

// configurePodman keeps podman's containers in the folder of the desktop.
func (d *desktop) configurePodman() error {
	storage := fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n", d.dir+"/home/.local/share/containers/storage", d.dir+"/run/containers")
	err := os.WriteFile(d.dir+"/storage.conf", []byte(storage), 0o644)
	if err != nil {
		return err
	}
	return os.WriteFile(d.dir+"/containers.conf", []byte("[engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n"), 0o644)
}

func (d *desktop) stop() {
	_ = d.bus.Process.Kill()
	_ = d.bus.Wait()
}

// fill fills the desktop, and has bkt write it down.
func (d *desktop) fill() error {
	repo := filepath.Join(d.dir, "repo")
	if err := os.WriteFile(filepath.Join(repo, "Containerfile"), []byte("FROM scratch\n"), 0o644); err != nil {
		return err
	}
	if err := d.once(d.run("bash", "-c", fillDesktop, "desktop", filepath.Join(d.dir, "flatpak"), d.offline)); err != nil {
		return err
	}
	if err := d.once(d.run("git", "init", "-q", repo)); err != nil {
		return err
	}
	return d.once(d.bkt("capture", "-y"))
}

// bkt is a command of bkt in the repository.
func (d *desktop) bkt(args ...string) *exec.Cmd {
	return d.run(filepath.Join(d.bin, "bkt"), append([]string{"-C", filepath.Join(d.dir, "repo")}, args...)...)
}

func (d *desktop) run(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = d.dir, d.env
	return cmd
}

const (
	// one call for each item, as scripts do it
	naive = `for i in $(seq 60); do flatpak info --user org.bkt.App$i; done
for i in $(seq 250); do
	gsettings get org.gnome.desktop.app-folders.folder:/org/gnome/desktop/app-folders/folders/Folder$i/ name
	gsettings get org.gnome.desktop.app-folders.folder:/org/gnome/desktop/app-folders/folders/Folder$i/ translate
done`
	playbook = `- hosts: localhost
  gather_facts: false
  tasks:
  - community.general.flatpak: {name: "org.bkt.App{{ item }}", remote: local, method: user}
    loop: "{{ range(1, 61) | list }}"
  - community.general.dconf: {key: "/org/gnome/desktop/app-folders/folders/Folder{{ item }}/name", value: "'Folder {{ item }}'"}
    loop: "{{ range(1, 251) | list }}"
  - community.general.dconf: {key: "/org/gnome/desktop/app-folders/folders/Folder{{ item }}/translate", value: "true"}
    loop: "{{ range(1, 251) | list }}"
`
)

func (d *desktop) measure() error {
	calls := []*exec.Cmd{
		d.run("flatpak", "list", "--app", "--columns=application,branch,origin,installation"),
		d.run("flatpak", "remotes", "--columns=name,url,options"),
		d.run("dconf", "dump", "/"),
		d.run("podman", "ps", "--all", "--format=json"),
	}
	drift := d.bkt("drift", "flatpak", "gsettings", "extensions")
	apply := d.bkt("apply")
	auto := d.bkt("auto-capture", "run")
	all, err := d.byTurns(30, nil, append(calls, drift, apply, auto)...)
	if err != nil {
		return err
	}
	n := len(calls)
	flatpak, podman := all[0], all[n-1]
	for i, cmd := range calls {
		row("`"+strings.Join(cmd.Args[:2], " ")+"`", all[i], "")
	}
	row("`bkt drift`, 60 apps, 500 settings, 30 extensions", all[n], ratio(all[n], flatpak, "`flatpak list`"))
	row("`bkt apply` with nothing to do; three containers, ten AppImages and systemd's units, too", all[n+1], ratio(all[n+1], podman, "`podman ps`"))
	row("`bkt auto-capture run` with nothing to capture, the same", all[n+2], ratio(all[n+2], podman, "`podman ps`"))
	return d.others(all[n])
}

// others measures the programs that bkt replaces.
func (d *desktop) others(drift times) error {
	each, err := d.byTurns(3, nil, d.run("sh", "-c", naive))
	if err != nil {
		return err
	}
	row("one `flatpak info` or `gsettings get` for each", each[0], ratio(each[0], drift, "`bkt drift`"))
	book := filepath.Join(d.dir, "playbook.yml")
	if err := os.WriteFile(book, []byte(playbook), 0o644); err != nil {
		return err
	}
	ansible, err := d.byTurns(1, nil, d.run("ansible-playbook", "-c", "local", "-i", "localhost,", "--check", book))
	if err != nil {
		return fmt.Errorf("ansible: %w", err)
	}
	row("Ansible's modules flatpak and dconf, in check mode", ansible[0], ratio(ansible[0], drift, "`bkt drift`"))
	return nil
}
