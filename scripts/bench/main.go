// Bench measures bkt, and prints a table for docs/performance.md.
//
//	bench BIN OFFLINE [PART...]
//
// BIN is a folder with bkt, bkt-engine, buildctl, serve and empty, a program that
// does nothing; OFFLINE is what scripts/offline.sh has made. PART is the name of a part of
// the table, such as "desktop"; the default is all. Commands that are
// compared run by turns, so that a busy machine is as hard on the one as on the
// other. All is measured in a folder of its own, with an engine of its own.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: bench BIN OFFLINE [PART...]")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintf(os.Stderr, "bench: error: %v\n", err)
		os.Exit(1)
	}
}

// A part of the table.
type part struct {
	name    string
	measure func(*site) error
}

// parts are all parts, in the order of the table.
var parts = []part{
	{"start-up", (*site).startUp}, {"large", (*site).large}, {"rendering", (*site).rendering}, {"builds", (*site).nothingToDo}, {"buildah", (*site).beside},
	{"tests", (*site).tests}, {"registry", (*site).registry}, {"packages", (*site).onePackage}, {"desktop", (*site).desktop},
}

// choose returns the parts with these names, all if there are none.
func choose(names []string) ([]part, error) {
	if len(names) == 0 {
		return parts, nil
	}
	var chosen []part
	for _, name := range names {
		n := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if n < 0 {
			return nil, fmt.Errorf("there is no part %q", name)
		}
		chosen = append(chosen, parts[n])
	}
	return chosen, nil
}

func run(bin, offline string, names []string) error {
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	s, err := newSite(bin, offline)
	if err != nil {
		return err
	}
	defer s.close()
	fmt.Printf("%s\n\n| what | median | least | runs | |\n|---|---|---|---|---|\n", machine())
	for _, part := range chosen {
		if err := part.measure(s); err != nil {
			return err
		}
	}
	return nil
}

// machine says what all is measured on.
func machine() string {
	cpu, _ := exec.Command("sh", "-c", "sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1").Output()
	cores, _ := exec.Command("nproc").Output()
	kernel, _ := exec.Command("uname", "-sr").Output()
	return fmt.Sprintf("%s, %s cores, %s", strings.TrimSpace(string(cpu)), strings.TrimSpace(string(cores)), strings.TrimSpace(string(kernel)))
}

// startUp measures commands that run at every commit, and a program that does nothing.
func (s *site) startUp() error {
	empty := s.command("empty")
	check := s.command("bkt", "-C", s.repo, "containerfile", "check")
	version := s.command("bkt", "--version")
	all, err := s.byTurns(50, nil, empty, check, version)
	if err != nil {
		return err
	}
	row("an empty program", all[0], "")
	row("`bkt containerfile check`", all[1], ratio(all[1], all[0], "an empty program"))
	row("`bkt --version`", all[2], ratio(all[2], all[0], "an empty program"))
	return nil
}

// nothingToDo measures builds that have nothing to do, but an engine to start.
func (s *site) nothingToDo() error {
	build := s.build()
	if err := s.once(build); err != nil {
		return err
	}
	build.Args = append(build.Args, "--cache-to=type=inline")
	cold, err := s.byTurns(20, s.stop, build)
	if err != nil {
		return err
	}
	row("`bkt build toolbox`, the first, with no engine yet", cold[0], "")
	return nil
}

// onePackage measures builds with one package more than the last: with the
// packages of the ones before in a cache mount, and without.
func (s *site) onePackage() error {
	for _, net := range []struct {
		name  string
		proxy string
		runs  int
	}{{"packages on this machine", s.fast, 20}, {"packages at 10 MB/s", s.slow, 20}} {
		with, err := s.packages(net.runs, net.proxy, func(text string) string { return text })
		if err != nil {
			return err
		}
		without, err := s.packages(net.runs, net.proxy, withoutMounts)
		if err != nil {
			return err
		}
		row("one package more, "+net.name, with, ratio(with, without, "without cache mounts"))
		row("the same without cache mounts", without, "")
	}
	return nil
}

// packages builds with ever another package more, with the Containerfile changed
// by edit.
func (s *site) packages(runs int, proxy string, edit func(string) string) (times, error) {
	var all times
	for i := range runs + 1 {
		if err := s.manifest(i); err != nil {
			return nil, err
		}
		if err := s.once(s.command("bkt", "-C", s.repo, "-q", "toolbox", "add", s.extra(i))); err != nil {
			return nil, err
		}
		file := filepath.Join(s.repo, "toolbox", "Containerfile")
		text, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(file, []byte(edit(string(text))), 0o644)
		}
		if err != nil {
			return nil, err
		}
		took, err := s.time(s.buildWith(proxy))
		if err != nil {
			return nil, err
		}
		if i > 0 { // the first one fills the caches
			all = append(all, took)
		}
	}
	return all, nil
}

func withoutMounts(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, "--mount=type=cache") {
			if strings.HasPrefix(line, "RUN ") {
				kept = append(kept, "RUN \\\n")
			}
			continue
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "")
}
