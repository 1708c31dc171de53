package githook_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/githook"
	"bkt/internal/hint"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
)

// What the hooks of managers have in common with those that their programs write.
const (
	byPreCommit = "#!/usr/bin/env bash\nARGS=(hook-impl --config=.pre-commit-config.yaml --hook-type=pre-commit)\nexec pre-commit \"${ARGS[@]}\"\n"
	byLefthook  = "#!/bin/sh\nlefthook run pre-commit \"$@\"\n"
	byHusky     = "#!/usr/bin/env sh\n. \"$(dirname \"$0\")/h\"\n"

	local = `- repo: local
  hooks:
    - id: bkt-containerfile-sync
      name: render the managed sections of Containerfiles
      entry: bkt containerfile sync --staged
      language: system
      pass_filenames: false
      always_run: true
`
	job = "pre-commit:\n  jobs:\n    - run: bkt containerfile sync --staged\n"
)

func TestManagers(t *testing.T) {
	testkit.Need(t, "git")
	const installed = ".git/hooks/pre-commit"
	tests := []struct {
		name      string
		files     map[string]string
		hooksPath string
		dir       string // of the image repository, "": the top
		changed   string // the file that the plan changes, "": none
		text      string // of it
		err, hint string // parts of the error and its hint
	}{
		{name: "pre-commit without bkt", files: map[string]string{installed: byPreCommit, ".pre-commit-config.yaml": "repos:\n- repo: https://example.org/x\n  rev: v1\n  hooks:\n  - id: x"},
			changed: ".pre-commit-config.yaml", text: "repos:\n- repo: https://example.org/x\n  rev: v1\n  hooks:\n  - id: x\n" + local},
		{name: "an indented list", files: map[string]string{installed: byPreCommit, ".pre-commit-config.yaml": "fail_fast: true\nrepos: # all\n  # lint\n\n  - repo: https://example.org/x\n    hooks: [{id: x}]\n"},
			changed: ".pre-commit-config.yaml", text: "fail_fast: true\nrepos: # all\n  # lint\n\n  - repo: https://example.org/x\n    hooks: [{id: x}]\n  " + strings.TrimSuffix(strings.ReplaceAll(local, "\n", "\n  "), "  ")},
		{name: "a list that another key follows", files: map[string]string{installed: byPreCommit, ".pre-commit-config.yaml": "repos:\n- repo: meta\n  hooks: [{id: identity}]\nfail_fast: true\n"},
			err: "/.pre-commit-config.yaml: pre-commit does not run bkt at a commit", hint: "add what these lines say to it:\n- repo: local\n"},
		{name: "a list in brackets", files: map[string]string{installed: byPreCommit, ".pre-commit-config.yaml": "repos: [{repo: meta, hooks: [{id: identity}]}]\n"},
			err: "pre-commit does not run bkt at a commit", hint: "add what these lines say to it:\n- repo: local\n"},
		{name: "no configuration", files: map[string]string{installed: byPreCommit}, changed: ".pre-commit-config.yaml", text: "repos:\n" + local},
		{name: "pre-commit with bkt", files: map[string]string{installed: byPreCommit, ".pre-commit-config.yaml": "repos:\n" + local}},
		{name: "with the offered hook", files: map[string]string{installed: byPreCommit, ".pre-commit-config.yaml": "repos:\n- repo: https://example.org/bkt\n  rev: v1\n  hooks:\n  - id: bkt-containerfile-check\n"}},
		{name: "with another configuration", files: map[string]string{installed: strings.Replace(byPreCommit, ".pre-commit-config", "ci/hooks", 1), "ci/hooks.yaml": "repos:\n" + local}},
		{name: "with the hook that it replaced", files: map[string]string{installed: byPreCommit, ".git/hooks/pre-commit.legacy": hookOfTop, ".pre-commit-config.yaml": "repos:\n- repo: meta\n  hooks: [{id: identity}]\n"}},
		{name: "a comment", files: map[string]string{installed: byPreCommit, ".pre-commit-config.yaml": "repos:\n- repo: meta\n  # entry: bkt containerfile sync --staged\n  hooks: [{id: identity}]\n"},
			changed: ".pre-commit-config.yaml", text: "repos:\n- repo: meta\n  # entry: bkt containerfile sync --staged\n  hooks: [{id: identity}]\n" + local},
		{name: "what earlier versions wrote, without the program", files: map[string]string{".pre-commit-config.yaml": "repos:\n" + local}, changed: installed, text: hookOfTop},

		{name: "lefthook without bkt", files: map[string]string{installed: byLefthook, "lefthook.yml": "colors: false\npre-push:\n  jobs:\n  - run: bkt containerfile sync --staged\n"},
			changed: "lefthook.yml", text: "colors: false\npre-push:\n  jobs:\n  - run: bkt containerfile sync --staged\n\n" + job},
		{name: "lefthook with jobs", files: map[string]string{installed: byLefthook, ".config/lefthook.yaml": "pre-commit:\n  jobs:\n    - run: make lint\n"},
			err: "/.config/lefthook.yaml: lefthook does not run bkt at a commit", hint: "add what these lines say to it:\n" + strings.TrimSuffix(job, "\n")},
		{name: "lefthook in TOML", files: map[string]string{installed: byLefthook, "lefthook.toml": "colors = false\n"}, err: "lefthook does not run bkt", hint: "add what these lines say"},
		{name: "lefthook with bkt", files: map[string]string{installed: byLefthook, "lefthook.json": `{"pre-commit": {"jobs": [{"run": "bkt containerfile sync --staged"}]}}`}},
		{name: "lefthook with bkt for one person", files: map[string]string{installed: byLefthook, "lefthook.yml": "colors: false\n", "lefthook-local.yml": job}},
		{name: "lefthook that git does not run", files: map[string]string{"lefthook.yml": job}, err: "lefthook.yml runs bkt, but no hook of git runs lefthook", hint: `run "lefthook install" in `},
		{name: "lefthook that is not installed", files: map[string]string{"lefthook.yml": "colors: false\n"}, changed: "lefthook.yml", text: "colors: false\n\n" + job},

		{name: "husky without a hook", files: map[string]string{".husky/_/pre-commit": byHusky}, hooksPath: ".husky/_", changed: ".husky/pre-commit", text: "bkt containerfile sync --staged\n"},
		{name: "husky with another hook", files: map[string]string{".husky/_/pre-commit": byHusky, ".husky/pre-commit": "npm test\n"}, hooksPath: ".husky/_",
			err: "/.husky/pre-commit: husky does not run bkt at a commit", hint: "add what these lines say to it:\nbkt containerfile sync --staged"},
		{name: "husky with bkt", files: map[string]string{".husky/_/pre-commit": byHusky, ".husky/pre-commit": "npm test\nbkt containerfile sync --staged\n"}, hooksPath: ".husky/_"},
		{name: "husky that git does not run", files: map[string]string{".husky/pre-commit": "bkt containerfile sync --staged\n"}, err: "no hook of git runs husky", hint: `run "npx husky" in `},
		{name: "a folder below the top", files: map[string]string{".husky/_/pre-commit": byHusky}, hooksPath: ".husky/_", dir: "my images", changed: ".husky/pre-commit", text: "bkt -C 'my images' containerfile sync --staged\n"},
		{name: "a folder below the top, in YAML", files: map[string]string{installed: byLefthook, "lefthook.yml": "colors: false\n"}, dir: "my images",
			changed: "lefthook.yml", text: "colors: false\n\npre-commit:\n  jobs:\n    - run: \"bkt -C 'my images' containerfile sync --staged\"\n"},
		{name: "another folder", files: map[string]string{installed: byLefthook, "lefthook.toml": "run = \"bkt containerfile sync --staged\"\n"}, dir: "two", err: "lefthook does not run bkt", hint: "bkt -C two containerfile"},

		{name: "no folder of hooks", hooksPath: "-", err: "core.hooksPath is empty in git's configuration: git runs no hooks", hint: "git config --show-origin core.hooksPath"},
		{name: "another hook before a manager", files: map[string]string{installed: "#!/bin/sh\n", "lefthook.yml": job}, err: "a different pre-commit hook exists", hint: "add the line"},
	}
	git, err := exec.LookPath("git")
	bin := t.TempDir()
	if err := errors.Join(err, os.Symlink(git, filepath.Join(bin, "git"))); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin) // without a manager
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			top := repository(t, true, strings.TrimSuffix(tt.hooksPath, "-"), tt.dir, "")
			if tt.hooksPath == "-" {
				run(t, top, "config", "core.hooksPath", "")
			}
			for name, text := range tt.files {
				write(t, filepath.Join(top, name), text)
			}
			p, err := githook.Plan(t.Context(), repo.Repo{Root: filepath.Join(top, tt.dir)})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(strings.Join(hint.Of(err), ""), tt.hint) {
					t.Errorf("error %v, hints %q", err, hint.Of(err))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			name, text := onlyWrite(t, p)
			if name != "" {
				name, err = filepath.Rel(top, name)
			}
			if diff := cmp.Diff(tt.text, text); err != nil || name != tt.changed || diff != "" {
				t.Errorf("%s, not %s, %v (-want +got):\n%s", name, tt.changed, err, diff)
			}
		})
	}
}

// TestNotExecutable has a hook that git ignores.
func TestNotExecutable(t *testing.T) {
	testkit.Need(t, "git")
	top := repository(t, true, "", ".", hookOfTop)
	path := filepath.Join(top, ".git/hooks/pre-commit")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := githook.Plan(t.Context(), repo.Repo{Root: top})
	if err == nil || err.Error() != path+" is not executable: git ignores it" {
		t.Errorf("error %v", err)
	}
}

// onlyWrite returns the file and the text of a plan with one file, "" for an empty plan.
func onlyWrite(t *testing.T, p plan.Plan) (name, text string) {
	t.Helper()
	if len(p) == 0 {
		return "", ""
	}
	if len(p) > 1 || len(p[0].Steps) != 1 {
		t.Fatalf("plan %v", p)
	}
	w := p[0].Steps[0].(plan.Write)
	return w.Path, string(w.New)
}
