package pipeline

import (
	"errors"
	"testing"

	"bkt/gen"
	"bkt/internal/buildspec"
	"bkt/internal/hint"
	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

func origin(line int, section, file, text string) gen.Origin {
	o := gen.Origin{Line: line, Section: section, Entry: manifest.Entry{File: file, Text: text}}
	if text != "" {
		o.Position = manifest.Position{Line: line * 10, Column: 5}
	}
	return o
}

// TestBlame checks which entries and manifests the error of a step names.
func TestBlame(t *testing.T) {
	const packages, external, image = "manifests/system-packages.json", "manifests/external-repos.json", "manifests/image.json"
	recipe := Recipe{Spec: buildspec.Spec{Containerfile: "Containerfile"}, origins: []gen.Origin{
		origin(2, gen.BaseImage, image, "example.org/base"),
		origin(5, "EXTERNAL_REPOS", external, "http://vendor.test/"),
		origin(10, "SYSTEM_PACKAGES", packages, ""), // does not exist: all packages are of the external repositories
		origin(11, "SYSTEM_PACKAGES", external, "vendor"),
		origin(12, "SYSTEM_PACKAGES", external, "vendor-app"),
		origin(20, "SYSTEMD_UNITS", "manifests/system-config.json", "sshd"),
	}}
	lines := []string{"RUN dnf install -y \\", "    --enablerepo=vendor \\", "    vendor-app \\", "    && true"}
	for name, tt := range map[string]struct {
		step buildspec.StepError
		want [][]string // errors, each with its hints
	}{
		"the entry of a package": {
			buildspec.StepError{Line: 10, Lines: lines, ExitCode: 1, Output: "No match for argument: vendor-app\nError: Unable to find a match: vendor-app\n"},
			[][]string{{"Containerfile:10: RUN: exit code 1"}, {external + `:120:5: "vendor-app": no package provides it`}},
		},
		"several reasons, one without an entry": {
			buildspec.StepError{Line: 10, Lines: lines, ExitCode: 1, Output: "Error: Unable to find a match: vendor-app other\n"},
			[][]string{{"Containerfile:10: RUN: exit code 1"}, {external + `:120:5: "vendor-app": no package provides it`}, {`Containerfile:10: "other": no package provides it`}},
		},
		"the entry of another step": {
			buildspec.StepError{Line: 10, Lines: lines, ExitCode: 1, Output: "Failed to download files\n Librepo error: Status code: 404 for http://vendor.test/key.asc (IP: 1.2.3.4)\n"},
			[][]string{{"Containerfile:10: RUN: exit code 1"}, {external + `:50:5: a file cannot be downloaded: Status code: 404 for http://vendor.test/key.asc`}},
		},
		"no manifest that has no entry": {
			buildspec.StepError{Line: 10, Lines: lines, ExitCode: 1, Output: "killed\n"},
			[][]string{{"Containerfile:10: RUN: exit code 1", "this step is rendered from " + external}},
		},
		"the only entry": {
			buildspec.StepError{Line: 20, Lines: []string{"RUN systemctl enable sshd"}, ExitCode: 1, Output: "killed\n"},
			[][]string{{"Containerfile:20: RUN: exit code 1", "this step is rendered from manifests/system-config.json:200:5"}},
		},
		"a step by hand": {
			buildspec.StepError{Line: 30, Lines: []string{"RUN dnf install -y vendor-app"}, ExitCode: 1, Output: "Error: Unable to find a match: vendor-app\n"},
			[][]string{{"Containerfile:30: RUN: exit code 1"}, {`Containerfile:30: "vendor-app": no package provides it`}},
		},
		"nobody for the machine": {
			buildspec.StepError{Line: 10, Lines: lines, Message: "RUN: no space left on device", Explained: true},
			[][]string{{"Containerfile:10: RUN: no space left on device"}},
		},
		"a base that is gone": {
			buildspec.StepError{Line: 2, Lines: []string{"FROM example.org/base@sha256:12"}, Err: errors.New("example.org/base@sha256:12: not found")},
			[][]string{{"Containerfile:2: example.org/base@sha256:12: not found", `the registry does not have the image of this digest any more: run "bkt base update"`}},
		},
		"an image by hand that is gone": {
			buildspec.StepError{Line: 1, Lines: []string{"FROM example.org/x@sha256:12"}, Err: errors.New("example.org/x@sha256:12: not found")},
			[][]string{{"Containerfile:1: example.org/x@sha256:12: not found", "the registry does not have the image of this digest any more: write the digest of another one"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.step.File, tt.step.Step = "Containerfile", "RUN"
			if tt.step.Err == nil {
				tt.step.Err = errors.New("failed")
			}
			var got [][]string
			for _, err := range hint.Split(recipe.Blame(&tt.step)) {
				got = append(got, append([]string{err.Error()}, hint.Of(err)...))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
