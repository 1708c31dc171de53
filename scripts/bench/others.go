package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// buildah and podman have their own image store, in which the base image has this name.
const (
	storageConf    = "[storage]\ndriver = \"overlay\"\nrunroot = %q\ngraphroot = %q\n"
	containersConf = "[engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n"
	policy         = `{"default": [{"type": "insecureAcceptAnything"}]}`
)

// other returns a command of podman or buildah.
func (s *site) other(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.repo
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "XDG_RUNTIME_DIR=" + s.runtime(), "TMPDIR=" + s.dir,
		"CONTAINERS_STORAGE_CONF=" + filepath.Join(s.dir, "storage.conf"), "CONTAINERS_CONF=" + filepath.Join(s.dir, "containers.conf"),
	}
	return cmd
}

// prepareOthers gives podman and buildah the base.
func (s *site) prepareOthers() error {
	store := fmt.Sprintf(storageConf, filepath.Join(s.dir, "others-run"), filepath.Join(s.dir, "others"))
	home := filepath.Join(s.dir, ".config", "containers")
	err := errors.Join(
		os.MkdirAll(home, 0o755),
		os.WriteFile(filepath.Join(s.dir, "storage.conf"), []byte(store), 0o644),
		os.WriteFile(filepath.Join(s.dir, "containers.conf"), []byte(containersConf), 0o644),
		os.WriteFile(filepath.Join(home, "policy.json"), []byte(policy), 0o644))
	if err != nil {
		return err
	}
	// podman makes a name of the path, which need not be one that is allowed.
	link := filepath.Join(s.dir, "base")
	if err := os.Symlink(s.layout, link); err != nil {
		return err
	}
	id, err := s.other("podman", "pull", "--quiet", "oci:"+link).Output()
	if err != nil {
		return fmt.Errorf("podman pull: %w", err)
	}
	return s.once(s.other("podman", "tag", strings.TrimSpace(string(id)), base))
}

// unmounted is the toolbox's Containerfile without its cache mounts.
const unmounted = "toolbox/Containerfile.unmounted"

// buildOf returns a build of the toolbox by buildah or podman.
func (s *site) buildOf(program, command, file string) *exec.Cmd {
	return s.other(program, command, "--layers", "--pull=never", "--network=host", "--tag=bench-"+program,
		"--build-arg=http_proxy="+s.fast, "--file="+file, ".")
}

// beside measures bkt, buildctl, buildah and podman in turns on one Containerfile: with
// nothing to do, and with one more package than the last time.
func (s *site) beside() error {
	if err := s.prepareOthers(); err != nil {
		return err
	}
	engine := s.build()
	// With a cache to write, bkt asks the engine though nothing has changed.
	engine.Args = append(engine.Args, "--cache-to=type=inline")
	const file = "toolbox/Containerfile"
	names := []string{"`bkt build`", "`bkt build`, through the engine", "`buildctl build`, the same engine", "`buildah bud --layers`", "`podman build`"}
	commands := []*exec.Cmd{s.build(), engine, s.buildctl(), s.buildOf("buildah", "bud", file), s.buildOf("podman", "build", file)}
	bare := s.buildOf("buildah", "bud", unmounted)
	const buildah = 3
	if err := s.plainContainerfile(0); err != nil {
		return err
	}
	for _, c := range commands {
		if err := s.once(c); err != nil {
			return err
		}
	}
	idle, err := s.byTurns(20, nil, commands...)
	if err != nil {
		return err
	}
	for i, name := range names {
		row("nothing to do: "+name, idle[i], ratio(idle[i], idle[buildah], "buildah"))
	}
	return s.oneMoreBeside(append(names, "`buildah bud --layers`, without cache mounts"), append(commands, bare), buildah)
}

// oneMoreBeside measures a package more, which is another one for each command:
// two of them share an engine.
func (s *site) oneMoreBeside(names []string, commands []*exec.Cmd, buildah int) error {
	all := make([]times, len(commands))
	for run := range 8 {
		for i, c := range commands {
			if i == 1 {
				continue // the same as the first
			}
			if err := s.plainContainerfile(1 + run*len(commands) + i); err != nil {
				return err
			}
			took, err := s.time(c)
			if err != nil {
				return err
			}
			all[i] = append(all[i], took)
		}
	}
	for i, name := range names {
		if i != 1 {
			row("one package more: "+name, all[i], ratio(all[i], all[buildah], "buildah"))
		}
	}
	return nil
}

// plainContainerfile renders the toolbox without one of its packages, another for
// each i, and takes out what buildah does not know: heredocs.
func (s *site) plainContainerfile(i int) error {
	err := s.manifest(i)
	if err == nil {
		err = os.WriteFile(filepath.Join(s.repo, "manifests", "distrobox.json"), []byte(`{"containers": {}}`), 0o644)
	}
	if err != nil {
		return err
	}
	if err := s.once(s.command("bkt", "-C", s.repo, "-q", "containerfile", "sync")); err != nil {
		return err
	}
	return s.unmount()
}

// unmount writes the toolbox's Containerfile again, without cache mounts.
func (s *site) unmount() error {
	text, err := os.ReadFile(filepath.Join(s.repo, "toolbox", "Containerfile"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.repo, unmounted), []byte(withoutMounts(string(text))), 0o644)
}

// tests measures the checks of an image, and the build before them.
func (s *site) tests() error {
	build := s.build()
	build.Args = append(build.Args, "--cache-to=type=inline")
	test := s.command("bkt", "-C", s.repo, "test", "toolbox", "--progress=plain",
		"--build-context="+base+"=oci-layout://"+s.layout, "--build-arg=http_proxy="+s.fast)
	if err := s.ownChecks(50 - len(s.packagesOf)); err != nil {
		return err
	}
	if err := s.once(build); err != nil {
		return err
	}
	all, err := s.byTurns(10, nil, build, test)
	if err != nil {
		return err
	}
	row("a warm `bkt build toolbox`, through the engine", all[0], "")
	row("`bkt test toolbox`, 50 checks", all[1], fmt.Sprintf("%s more", short(all[1].median()-all[0].median())))
	return nil
}

// ownChecks adds checks to image.json.
func (s *site) ownChecks(n int) error {
	var checks []string
	for i := range n {
		checks = append(checks, fmt.Sprintf("%q", fmt.Sprintf("test -d / # %d", i)))
	}
	return os.WriteFile(filepath.Join(s.repo, "manifests", "image.json"),
		[]byte(`{"toolbox": {"base": {"image": "`+base+`"}, "checks": [`+strings.Join(checks, ", ")+`]}}`), 0o644)
}
