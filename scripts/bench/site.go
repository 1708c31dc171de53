package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// base is the base image of this repository's toolbox image.
const base = "registry.fedoraproject.org/fedora-toolbox:43"

// A site is a folder to measure in.
type site struct {
	dir, bin   string
	repo       string // a copy of this repository's manifests and Containerfiles
	offline    string // the output of scripts/offline.sh
	layout     string // of the base image
	digest     string // of the base image
	fast, slow string // addresses of the servers of packages
	servers    []*exec.Cmd
	packagesOf []string // manifest and Containerfile of this repository's toolbox
}

func newSite(bin, offline string) (*site, error) {
	dir, err := os.MkdirTemp("", "bkt")
	if err != nil {
		return nil, err
	}
	s := &site{dir: dir, bin: bin, repo: filepath.Join(dir, "repo"), offline: offline, layout: filepath.Join(offline, "base")}
	for _, name := range []string{"manifests", "system", "toolbox"} {
		if err := os.CopyFS(filepath.Join(s.repo, name), os.DirFS(filepath.Join(filepath.Dir(bin), name))); err != nil {
			return s, errors.Join(err, s.close())
		}
	}
	err = errors.Join(
		os.CopyFS(s.repo, only{os.DirFS(filepath.Dir(bin)), "Containerfile"}),
		s.readDigest(), s.readPackages(),
		s.serve(&s.fast, filepath.Join(offline, "packages")),
		s.serve(&s.slow, "--rate=10485760", filepath.Join(offline, "packages")))
	if err != nil {
		return s, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *site) close() error {
	err := s.once(s.command("bkt", "engine", "stop"))
	for _, cmd := range s.servers {
		err = errors.Join(err, cmd.Process.Kill())
		_ = cmd.Wait()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// serve starts a server and waits for its address.
func (s *site) serve(address *string, args ...string) error {
	cmd := exec.Command(filepath.Join(s.bin, "serve"), args...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	s.servers = append(s.servers, cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	*address = strings.TrimSpace(line)
	return err
}

func (s *site) readDigest() error {
	var index struct {
		Manifests []struct {
			Digest string `json:"digest"`
		} `json:"manifests"`
	}
	data, err := os.ReadFile(filepath.Join(s.layout, "index.json"))
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if err == nil && len(index.Manifests) != 1 {
		err = fmt.Errorf("%s: not one image", s.layout)
	}
	if err == nil {
		s.digest = index.Manifests[0].Digest
	}
	return err
}

func (s *site) manifestFile() string {
	return filepath.Join(s.repo, "manifests", "toolbox-packages.json")
}

func (s *site) readPackages() error {
	var m struct {
		Packages []string `json:"packages"`
	}
	data, err := os.ReadFile(s.manifestFile())
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	s.packagesOf = m.Packages
	return err
}

// manifest writes the toolbox's packages without one of them, another for each i, so
// that adding it again makes a list that no build has had before.
func (s *site) manifest(i int) error {
	var m struct {
		Packages []string `json:"packages"`
		Excluded []string `json:"excluded"`
	}
	for _, p := range s.packagesOf {
		if p != s.extra(i) {
			m.Packages = append(m.Packages, p)
		}
	}
	// The excluded package differs each time, too, and never exists.
	m.Excluded = []string{fmt.Sprintf("nothing-%d-%d", i, time.Now().UnixNano())}
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return os.WriteFile(s.manifestFile(), data, 0o644)
}

func (s *site) extra(i int) string { return s.packagesOf[i%len(s.packagesOf)] }

func (s *site) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir,
		"XDG_DATA_HOME=" + filepath.Join(s.dir, "data"), "XDG_RUNTIME_DIR=" + s.runtime(),
	}
	return cmd
}

func (s *site) runtime() string {
	dir := filepath.Join(s.dir, "run")
	_ = os.MkdirAll(dir, 0o700)
	return dir
}

func (s *site) stop() error { return s.once(s.command("bkt", "engine", "stop")) }

func (s *site) build() *exec.Cmd { return s.buildWith(s.fast) }

func (s *site) buildWith(proxy string) *exec.Cmd {
	return s.command("bkt", "-C", s.repo, "build", "toolbox", "--progress=plain",
		"--build-context="+base+"=oci-layout://"+s.layout, "--build-arg=http_proxy="+proxy)
}

// buildctl does by BuildKit's own client what build does.
func (s *site) buildctl() *exec.Cmd {
	return s.command("buildctl", "--addr=unix://"+filepath.Join(s.runtime(), "bkt", "engine.sock"),
		"build", "--progress=plain", "--frontend=dockerfile.v0",
		"--local=context="+s.repo, "--local=dockerfile="+s.repo, "--opt=filename=toolbox/Containerfile",
		// buildctl cannot open the port of the proxy to steps.
		"--opt=build-arg:http_proxy="+s.fast, "--allow=network.host", "--opt=force-network-mode=host",
		"--oci-layout=base="+s.layout, "--opt=context:"+base+"=oci-layout://base@"+s.digest,
		"--output=type=oci,tar=false,dest="+filepath.Join(s.dir, "buildctl-out"))
}

func (s *site) once(cmd *exec.Cmd) error {
	_, err := s.time(cmd)
	return err
}

// time runs a command as it would be run, with its output thrown away.
func (s *site) time(cmd *exec.Cmd) (time.Duration, error) {
	again := exec.Command(cmd.Path, cmd.Args[1:]...)
	again.Dir, again.Env = cmd.Dir, cmd.Env
	var output bytes.Buffer
	again.Stdout, again.Stderr = &output, &output
	start := time.Now()
	err := again.Run()
	took := time.Since(start)
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, output.String())
	}
	return took, nil
}

// byTurns runs commands in turns, and before, if it is set, before each.
func (s *site) byTurns(runs int, before func() error, commands ...*exec.Cmd) ([]times, error) {
	all := make([]times, len(commands))
	for range runs {
		for i, cmd := range commands {
			if before != nil {
				if err := before(); err != nil {
					return nil, err
				}
			}
			took, err := s.time(cmd)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], took)
		}
	}
	return all, nil
}
