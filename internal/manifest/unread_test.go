package manifest_test

import (
	"testing"
	"testing/fstest"

	"bkt/internal/hint"
	"bkt/internal/manifest"
)

// TestFindUnread checks what is said about files that bkt does not read.
func TestFindUnread(t *testing.T) {
	tests := []struct {
		file, want, hint string // want is the error without the file; "": the file is read, or no manifest
		misspelled       bool
	}{
		{file: "manifests/image.json"},
		{file: "manifests/README.md"},
		{file: "manifests/old/image.json"},
		{file: "upstream/other.json"},
		{"manifests/homebrew.json", "bkt does not read this file, which declares packages of Homebrew",
			`bkt does not manage these: keep it for the program that reads it, or list them in a Brewfile for "brew bundle"`, false},
		{"manifests/image-config.json", "bkt does not read this file, which declares files, units and commands of the image",
			"move files and units into manifests/system-config.json, and commands into RUN instructions of the Containerfile", false},
		{"upstream/manifest.json", "bkt does not read this file, which declares pinned downloads",
			"declare programs of the toolbox in manifests/toolchains.json, and download others in the Containerfile, with ADD --checksum", false},
		{"manifests/external-repos.arm64.json", "bkt does not read this file: external-repos.json is for all platforms and computers",
			"move its entries into manifests/external-repos.json", false},
		{"manifests/flatpak-apps.nvidia.json", "bkt does not read this file: flatpak-apps.json is for all platforms and computers",
			`move its entries into manifests/flatpak-apps.json, with "hosts" if they are for some computers only`, false},
		{"manifests/flatpak-app.json", "bkt has no manifest of this name, and ignores the file", `did you mean "flatpak-apps.json"?`, true},
		{"manifests/notes.json", "bkt does not know this manifest, and ignores the file", `"bkt schema" lists the manifests that bkt reads`, false},
	}
	for _, tt := range tests {
		repo := fstest.MapFS{"manifests/gsettings.json": {}, tt.file: {}}
		all, err := manifest.FindUnread(repo)
		if err != nil || len(all) > 1 || (len(all) == 1) != (tt.want != "") {
			t.Errorf("%s: %v, %v", tt.file, all, err)
			continue
		}
		if len(all) == 0 {
			continue
		}
		hints := append(hint.Of(all[0]), "")
		if all[0].Error() != tt.file+": "+tt.want || hints[0] != tt.hint || all[0].Misspelled != tt.misspelled {
			t.Errorf("%s: %v, hint %q, misspelled %v", tt.file, all[0], hints[0], all[0].Misspelled)
		}
	}
	if _, err := manifest.FindUnread(fstest.MapFS{}); err == nil {
		t.Error("no error without manifests")
	}
}
