package gen_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"bkt/gen"
)

// TestInsertIntoStage checks which stage a missing section is put into. The files
// are given without what is in sections.
func TestInsertIntoStage(t *testing.T) {
	section := func(name string) string {
		return "# === " + name + " (managed by bkt) ===\n# === END " + name + " ===\n"
	}
	base, packages := section("BASE_IMAGE"), section("SYSTEM_PACKAGES")
	base = strings.Replace(base, "\n", "\nFROM fedora AS base\n", 1)
	tests := []struct{ name, text, want string }{
		{"one stage", base + "RUN true\n", base + "\n" + packages + "RUN true\n"},
		{"the last one is another", base + "FROM base\nRUN true\n", base + "FROM base\nRUN true\n\n" + packages},
		{"the base is elsewhere", base + "FROM debian\n", base + "FROM debian\n\n" + packages},
		{"beside a section of a stage that is the last one's",
			"FROM fedora AS base\n" + section("COPR_REPOS") + "FROM base\n",
			"FROM fedora AS base\n" + section("COPR_REPOS") + "\n" + packages + "FROM base\n"},
		{"not beside one of a stage that is not",
			"FROM fedora AS tools\n" + section("COPR_REPOS") + "FROM debian\n",
			"FROM fedora AS tools\n" + section("COPR_REPOS") + "FROM debian\n\n" + packages},
		{"all is copied", base + "FROM scratch\nCOPY --from=base / /\n", base + "\n" + packages + "FROM scratch\nCOPY --from=base / /\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			repo := fstest.MapFS{
				"manifests/system-packages.json": {Data: []byte(`{"packages": ["jq"]}`)},
				"manifests/image.json":           {Data: []byte(`{"system": {"base": {"image": "fedora"}}}`)},
			}
			got, err := gen.Insert("Containerfile", []byte(tt.text), repo)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, got, tt.want)
			}
		})
	}
}
