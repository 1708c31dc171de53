package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// rendering prints the in-process benchmarks of package gen.
func (s *site) rendering() error {
	cmd := exec.Command("go", "test", "./gen", "-run", "NONE", "-bench", "Render", "-benchtime", "5x", "-count", "20")
	cmd.Dir = filepath.Dir(s.bin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go test: %w\n%s", err, out)
	}
	for _, n := range []int{100, 100_000} {
		t := benchmark(string(out), fmt.Sprintf("BenchmarkRender%d-", n))
		if len(t) == 0 {
			return fmt.Errorf("go test: no BenchmarkRender%d in\n%s", n, out)
		}
		row(fmt.Sprintf("rendering %d packages, in process", n), t, fmt.Sprintf("%d ns a package", int(t.median())/n))
	}
	return nil
}

// benchmark returns the times of one benchmark in the output of go test.
func benchmark(out, name string) times {
	var t times
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 3 || !strings.HasPrefix(f[0], name) {
			continue
		}
		if ns, err := strconv.ParseFloat(f[2], 64); err == nil {
			t = append(t, time.Duration(ns))
		}
	}
	return t
}
