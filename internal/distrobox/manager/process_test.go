package manager

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFindProcess checks that a process is found in the states of both runtimes, and that
// one that belongs to another container is not.
func TestFindProcess(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"run/runc/a/state.json":           `{"id": "a", "init_process_pid": 7}`,
		"run/crun/b/status":               `{"pid": 8, "cgroup-path": ""}`,
		"run/runc/reused/state.json":      `{"init_process_pid": 7}`,
		"run/runc/ended/state.json":       `{"init_process_pid": 9}`,
		"run/runc/changed/state.json":     `{"init_process_pid": 9}`,
		"run/crun/changed/status":         `{"pid": 6}`,
		"run/runc/damaged/state.json":     `{`,
		"proc/6/root/run/.containerenv":   "id=\"changed\"\n",
		"proc/7/root/run/.containerenv":   "engine=\"podman-4.3.1\"\nname=\"x\"\nid=\"a\"\nimage=\"y\"\n",
		"proc/8/root/run/.containerenv":   "id=\"b\"\n",
		"proc/0/root/run/.containerenv":   "id=\"damaged\"\n",
		"proc/10/root/run/.containerenv":  "id=\"none\"\n",
		"proc/11/root/run/.containerenvs": "",
	} {
		at := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]int{"a": 7, "b": 8, "reused": 0, "ended": 0, "changed": 6, "damaged": 0, "none": 0} {
		c := Container{ID: id}
		if c.FindProcess(filepath.Join(dir, "run"), filepath.Join(dir, "proc")); c.PID != want || c.Running != (want > 0) {
			t.Errorf("%s: %v, %d", id, c.Running, c.PID)
		}
		if c.FindProcess("", filepath.Join(dir, "proc")); c.PID != want {
			t.Errorf("%s without a folder: %d", id, c.PID)
		}
	}
}
