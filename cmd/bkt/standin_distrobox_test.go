package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// fakeStorage is the state of the stand-ins for podman and distrobox: podman's images
// and containers, some of which are distrobox's. The root folder of a container is that
// of this computer.
type fakeStorage struct {
	Images     map[string]string // ids by name
	Containers []fakeBox
}

type fakeBox struct {
	ID, Name, Image, ImageID string
	Labels                   map[string]string
	Args                     []string
	Command                  []string // that created it
	Mounts                   []map[string]any
	Running                  bool
	Diff                     string
}

func fakeStorageFile() string {
	return filepath.Join(os.Getenv("XDG_DATA_HOME"), "containers", "storage", "fake.json")
}

func readFakeStorage() fakeStorage {
	s := fakeStorage{Images: map[string]string{}}
	if text, err := os.ReadFile(fakeStorageFile()); err == nil {
		_ = json.Unmarshal(text, &s)
	}
	return s
}

func (s fakeStorage) write() error {
	text, err := json.Marshal(s)
	return errors.Join(err, os.MkdirAll(filepath.Dir(fakeStorageFile()), 0o700), os.WriteFile(fakeStorageFile(), text, 0o600), s.writeImages())
}

// writeImages writes down the images as podman does, unless $FAKE_PODMAN_HIDES
// says that its storage is somewhere else.
func (s fakeStorage) writeImages() error {
	dir := filepath.Join(filepath.Dir(fakeStorageFile()), "overlay-images")
	if os.Getenv("FAKE_PODMAN_HIDES") != "" {
		return os.RemoveAll(dir)
	}
	rows := []map[string]any{}
	for name, id := range s.Images {
		rows = append(rows, map[string]any{"id": id, "names": []string{name}})
	}
	for _, c := range s.Containers { // their images may have no name any more
		rows = append(rows, map[string]any{"id": c.ImageID})
	}
	text, err := json.Marshal(rows)
	return errors.Join(err, os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "images.json"), text, 0o600))
}

func (s *fakeStorage) find(name string) (int, error) {
	for i, c := range s.Containers {
		if c.Name == name || c.ID == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no container with name or ID %q found: no such container", name)
}

func failStandIn(program string, err error) {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(e.ExitCode())
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
		os.Exit(125)
	}
}

// standInPodman is podman. "podman import FILE NAME" creates an image from the content
// of a file; $FAKE_PODMAN_FAILS is a command that fails; with $FAKE_PODMAN_LIES it
// removes nothing, and exits with status 0; $FAKE_PACKAGES is a folder with the files
// "box" and "image": the packages of a container and of an image.
func standInPodman() { failStandIn("Error", fakePodman(os.Args[1], os.Args[2:])) }

func fakePodman(command string, args []string) error {
	if command == os.Getenv("FAKE_PODMAN_FAILS") {
		return fmt.Errorf("%s failed", command)
	}
	s := readFakeStorage()
	names := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "--") })
	switch command {
	case "ps":
		return s.ps()
	case "images":
		return s.images()
	case "inspect":
		if os.Getenv("FAKE_DISTROBOX_FAILS") == "vanish" { // just before it is entered
			s.Containers = nil
			return errors.Join(s.write(), errors.New("no such container"))
		}
		return s.inspect(args)
	case "image":
		return s.image(args)
	case "import":
		text, err := os.ReadFile(names[0])
		s.Images[names[1]] = fakeID(string(text))
		return errors.Join(err, s.write())
	case "pull":
		if s.Images[names[0]] == "" {
			return fmt.Errorf("%s: image not known", names[0])
		}
		return nil
	case "rmi", "untag":
		delete(s.Images, names[0])
		return s.write()
	case "tag":
		id, err := s.imageID(names[0])
		s.Images[names[1]] = id
		return errors.Join(err, s.write())
	case "exec", "run":
		file := map[string]string{"exec": "box", "run": "image"}[command]
		text, err := os.ReadFile(filepath.Join(os.Getenv("FAKE_PACKAGES"), file))
		fmt.Print(string(text))
		return err
	}
	i, err := s.find(names[0])
	if err != nil {
		return err
	}
	switch command {
	case "diff":
		fmt.Print(s.Containers[i].Diff)
		return nil
	case "start", "stop":
		s.Containers[i].Running = command == "start"
	case "rename":
		if _, err := s.find(names[1]); err == nil {
			return fmt.Errorf("name %q is in use", names[1])
		}
		s.Containers[i].Name = names[1]
	case "rm":
		if os.Getenv("FAKE_PODMAN_LIES") != "" { // and says nothing
			return nil
		}
		s.Containers = slices.Delete(s.Containers, i, i+1)
	default:
		return fmt.Errorf("unrecognized command `podman %s`", command)
	}
	return s.write()
}

func fakeID(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (s fakeStorage) ps() error {
	rows := []map[string]any{}
	for _, c := range s.Containers {
		state, pid := "exited", 0
		if c.Running {
			state, pid = "running", os.Getppid() // who sees the same files
		}
		rows = append(rows, map[string]any{
			"Id": c.ID, "Names": []string{c.Name}, "Image": c.Image, "ImageID": c.ImageID,
			"Labels": c.Labels, "Command": c.Args, "State": state, "Pid": pid,
		})
	}
	return json.NewEncoder(os.Stdout).Encode(rows)
}

func (s fakeStorage) images() error {
	rows := []map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(s.Images)) {
		rows = append(rows, map[string]any{"Id": s.Images[name], "Names": []string{name}})
	}
	return json.NewEncoder(os.Stdout).Encode(rows)
}

// image is podman image inspect, of names and of ids.
func (s fakeStorage) image(args []string) error {
	id, err := s.imageID(args[len(args)-1])
	if err == nil {
		fmt.Println(id)
	}
	return err
}

func (s fakeStorage) imageID(name string) (string, error) {
	for full, id := range s.Images {
		if full == name || strings.HasPrefix(id, name) && len(name) >= len("0123456789ab") {
			return id, nil
		}
	}
	for _, c := range s.Containers { // whose images may have no name any more
		if strings.HasPrefix(c.ImageID, name) {
			return c.ImageID, nil
		}
	}
	return "", fmt.Errorf("%s: image not known", name)
}

func (s fakeStorage) inspect(args []string) error {
	rows := []map[string]any{}
	format := slices.Index(args, "--format")
	for _, id := range args {
		i, err := s.find(id)
		if err != nil {
			continue
		}
		c := s.Containers[i]
		if format >= 0 {
			fmt.Println(strings.NewReplacer("{{.Id}}", c.ID, "{{.Name}}", c.Name, "{{.Image}}", c.ImageID, "{{.State.Running}}", strconv.FormatBool(c.Running),
				`{{index .Config.Labels "bkt.box"}}`, c.Labels["bkt.box"]).Replace(args[format+1]))
			return nil
		}
		rows = append(rows, map[string]any{
			"Id": c.ID, "Name": c.Name, "ImageName": c.Image, "Image": c.ImageID, "Args": c.Args, "Mounts": c.Mounts,
			"Config": map[string]any{"Labels": c.Labels, "CreateCommand": c.Command}, "State": map[string]any{"Running": c.Running},
		})
	}
	if len(rows) == 0 {
		return errors.New("no such container")
	}
	return json.NewEncoder(os.Stdout).Encode(rows)
}

// standInDistrobox is distrobox in version $FAKE_DISTROBOX (default: 1.8).
// $FAKE_DISTROBOX_FAILS selects a failure: "create" or "rm" fails, "export" exports
// nothing and reports success, "other" creates containers of the default image, and
// "vanish" removes all containers as soon as podman is asked for one.
func standInDistrobox() { failStandIn("distrobox", fakeDistrobox(os.Args[1], os.Args[2:])) }

func fakeDistrobox(command string, args []string) error {
	s := readFakeStorage()
	switch command {
	case "create":
		return s.create(args)
	case "enter":
		return s.enter(args)
	case "rm":
		i, err := s.find(args[len(args)-1])
		if err != nil {
			return err
		}
		s.Containers = slices.Delete(s.Containers, i, i+1)
		if err := s.write(); err != nil || os.Getenv("FAKE_DISTROBOX_FAILS") != "rm" {
			return err
		}
		return errors.New("there is no folder of icons")
	}
	return fmt.Errorf("invalid command %s", command)
}

func (s *fakeStorage) create(args []string) error {
	o := map[string][]string{}
	for i := 0; i < len(args); i++ {
		switch name := args[i]; name {
		case "--yes", "--no-entry", "--pull", "--init", "--nvidia", "--root", "--unshare-devsys", "--unshare-groups", "--unshare-ipc", "--unshare-netns", "--unshare-process":
			o[name] = []string{"1"}
		case "--additional-packages":
			if os.Getenv("FAKE_DISTROBOX") == "1.4" {
				return fmt.Errorf("Invalid flag '%s'", name)
			}
			fallthrough
		default:
			o[name] = append(o[name], args[i+1])
			i++
		}
	}
	one := func(name string) string { return strings.Join(o[name], " ") }
	imageID, ok := s.Images[one("--image")]
	if !ok {
		return fmt.Errorf("%s: image not known", one("--image"))
	}
	for _, v := range o["--volume"] {
		if dir, _, _ := strings.Cut(v, ":"); filepath.IsAbs(dir) && !fakeExists(dir) {
			return refused(fmt.Errorf("statfs %s: no such file or directory", dir))
		}
	}
	switch os.Getenv("FAKE_DISTROBOX_FAILS") {
	case "create":
		return refused(errors.New("no space left on device"))
	case "other":
		imageID = s.Images[fakeDefaultImage]
	}
	if _, err := s.find(one("--name")); err == nil {
		fmt.Printf("Distrobox named '%s' already exists.\n", one("--name"))
		return nil
	}
	flag := func(name string) string { return strconv.Itoa(len(o[name])) }
	home := cmp.Or(one("--home"), os.Getenv("HOME"))
	c := fakeBox{
		ID: fakeID(one("--name") + strconv.Itoa(os.Getpid())), Name: one("--name"), Image: one("--image"), ImageID: imageID,
		Labels: map[string]string{"manager": "distrobox"},
		Args: []string{
			"--verbose", "--home", home, "--init", flag("--init"), "--nvidia", flag("--nvidia"),
			"--pre-init-hooks", one("--pre-init-hooks"), "--additional-packages", one("--additional-packages"), "--", one("--init-hooks"),
		},
		Mounts: []map[string]any{{"Type": "bind", "Source": "/tmp", "Destination": "/tmp", "RW": true}},
	}
	for _, v := range o["--volume"] {
		f := append(strings.Split(v, ":"), "")
		c.Mounts = append(c.Mounts, map[string]any{"Type": "bind", "Source": f[0], "Destination": f[1], "RW": f[2] != "ro"})
	}
	flags, err := fakeFlags(o["--additional-flags"])
	if err != nil {
		return err
	}
	for _, flag := range flags {
		if text, ok := strings.CutPrefix(flag, "--label="); ok {
			name, value, _ := strings.Cut(text, "=")
			c.Labels[name] = value
		}
	}
	c.Command = fakeCommand(o, home, flags)
	s.Containers = append(s.Containers, c)
	return s.write()
}

// fakeFlags returns the options for podman as words: distrobox passes them to a shell.
func fakeFlags(flags []string) ([]string, error) {
	if len(flags) == 0 {
		return nil, nil
	}
	out, err := exec.Command("sh", "-c", `eval "set -- $0"; printf '%s\n' "$@"`, strings.Join(flags, " ")).Output()
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"), err
}

// fakeCommand is the command that distrobox creates a container with, as podman records it,
// with some of the options of release 1.8.
func fakeCommand(o map[string][]string, home string, flags []string) []string {
	host := os.Getenv("HOME")
	command := []string{"podman", "create", "--hostname", "here", "--name", o["--name"][0], "--privileged", "--security-opt", "label=disable", "--security-opt", "apparmor=unconfined", "--pids-limit=-1", "--user", "root:root"}
	for _, shared := range [][3]string{{"--unshare-ipc", "--ipc", "host"}, {"--unshare-netns", "--network", "host"}, {"--unshare-process", "--pid", "host"}, {"--unshare-devsys", "--volume", "/dev:/dev:rslave"}} {
		if o[shared[0]] == nil && (shared[1] != "--pid" || o["--init"] == nil) {
			command = append(command, shared[1:]...)
		}
	}
	command = append(command, "--label", "manager=distrobox", "--label", fmt.Sprintf("distrobox.unshare_groups=%d", len(o["--unshare-groups"])),
		"--env", "SHELL=bash", "--env", "HOME="+host, "--env", "CONTAINER_ID="+o["--name"][0], "--volume", "/tmp:/tmp:rslave", "--volume", "/usr/bin/distrobox-init:/usr/bin/entrypoint:ro",
		"--volume", host+":"+host+":rslave", "--volume", "/:/run/host/:rslave", "--volume", "/dev/pts", "--volume", "/dev/null:/dev/ptmx", "--volume", "/var/log/journal")
	if home != host {
		command = append(command, "--env", "HOME="+home, "--env", "DISTROBOX_HOST_HOME="+host, "--volume", home+":"+home+":rslave")
	}
	command = append(command, "--volume", "/etc/hostname:/etc/hostname:ro", "--annotation", "run.oci.keep_original_groups=1", "--ulimit", "host")
	if o["--init"] != nil {
		command = append(command, "--systemd=always")
	}
	command = append(append(command, "--userns", "keep-id"), flags...)
	for _, v := range o["--volume"] {
		command = append(command, "--volume", v)
	}
	return append(command, "--entrypoint", "/usr/bin/entrypoint", o["--image"][0])
}

// refused is the end of a create that podman has refused: the first generation of
// distrobox ignores it.
func refused(err error) error {
	if os.Getenv("FAKE_DISTROBOX") == "1.4" {
		fmt.Fprintln(os.Stderr, "Error:", err)
		return nil
	}
	return err
}

func fakeExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// fakeDefaultImage is the image from which distrobox creates a container that is
// entered before it exists.
const fakeDefaultImage = "registry.fedoraproject.org/fedora-toolbox:36"

// createMissing creates a container that is entered, unless distrobox would ask.
func (s *fakeStorage) createMissing(name string) error {
	conf, _ := os.ReadFile(filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "distrobox", "distrobox.conf"))
	if silent := os.Getenv("DBX_NON_INTERACTIVE"); silent != "1" && (silent != "" || !strings.Contains(string(conf), "non_interactive=1")) {
		return fmt.Errorf("Create it now, out of image %s? [Y/n]: Invalid input", fakeDefaultImage)
	}
	return s.create([]string{"--name", name, "--image", fakeDefaultImage})
}

// enter starts the container, and runs its hooks as distrobox does.
func (s *fakeStorage) enter(args []string) error {
	name := args[slices.Index(args, "--name")+1]
	i, err := s.find(name)
	if err != nil {
		if err := s.createMissing(name); err != nil {
			return err
		}
		i = len(s.Containers) - 1
	}
	if c := s.Containers[i]; !c.Running {
		hooks := exec.Command("sh", "-c", `set -eu; eval $1; eval $2`, "init", c.Args[slices.Index(c.Args, "--pre-init-hooks")+1], c.Args[len(c.Args)-1])
		hooks.Stderr = os.Stderr
		if err := hooks.Run(); err != nil {
			return fmt.Errorf("could not start %s: %w", name, errors.New("its hooks failed"))
		}
		s.Containers[i].Running = true
		s.Containers[i].Diff += "C /etc\nC /etc/passwd\nA /etc/made-in-" + name + "\nC /usr\nA /usr/local-" + name + "\n"
		if err := s.write(); err != nil {
			return err
		}
	}
	command := args[slices.Index(args, "--")+1:]
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "CONTAINER_ID="+name)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}

// fakeExport is distrobox-export in a container: a script, because it is called many
// times. The apps of a container are in the folder apps of the user's home: it exports
// all that have the name in them, and overwrites existing files, as the real one does.
const fakeExport = `#!/bin/sh
sudo= flags=
while test $# -gt 0; do
	case $1 in
	--app) app=$2 && shift ;;
	--bin) bin=$2 && shift ;;
	--export-path) to=$2 && shift ;;
	--extra-flags) flags=$2 && shift ;;
	--sudo) sudo=yes ;;
	esac
	shift
done
enter="/usr/bin/distrobox-enter  -n $CONTAINER_ID --"
if test "$app"; then
	applications=${DISTROBOX_HOST_HOME:-$HOME}/.local/share/applications
	mkdir -p "$applications"
	found=
	for entry in "$HOME"/apps/*.desktop; do
		if ! grep -q -e "Exec=.*$app.*" -e "Name=.*$app.*" "$entry"; then
			continue
		fi
		found=yes
		sed -e "s|^Exec=|Exec=$enter ${sudo:+sudo} |" -e "s|\(%.*\)|$flags \1|" -e "s|Name.*|& (on $CONTAINER_ID)|" "$entry" >"$applications/$CONTAINER_ID-${entry##*/}"
	done
	if test "$found"; then
		exit
	fi
	echo 'Error: cannot find any desktop files.' >&2
	exit 127
fi
if ! test -f "$bin"; then
	echo "Error: cannot find $bin." >&2
	exit 127
fi
if test "$FAKE_DISTROBOX_FAILS" = export; then
	exit
fi
if test "$FAKE_DISTROBOX" = 1.4; then
	cat >"$to/${bin##*/}" <<END
#!/bin/sh
# distrobox_binary
# name: $CONTAINER_ID
if [ ! -f /run/.containerenv ] && [ ! -f /.dockerenv ]; then
	command="$enter ${sudo:+sudo} $bin $flags "

	for arg in "\$@"; do
		if echo "\${arg}" | grep -Eq "'|\""; then
			command="\${command} x"
		else
			command="\${command} '\${arg}'"
		fi
	done
	eval \${command}
else
	$bin "\$@"
fi
END
else
	cat >"$to/${bin##*/}" <<END
#!/bin/sh
# distrobox_binary
# name: $CONTAINER_ID
if [ -z "\${CONTAINER_ID}" ]; then
	exec "/usr/bin/distrobox-enter"  -n $CONTAINER_ID  -- ${sudo:+sudo -S} '$bin' $flags "\$@"
elif [ -n "\${CONTAINER_ID}" ] && [ "\${CONTAINER_ID}" != "$CONTAINER_ID" ]; then
	exec distrobox-host-exec '$to/${bin##*/}' "\$@"
else
	exec '$bin' "\$@"
fi
END
fi
chmod +x "$to/${bin##*/}"
`
