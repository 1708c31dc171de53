package gen_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"bkt/gen"
)

// TestInsertIntoStage checks the stage of inserted sections. The files have empty
// sections.
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
		{"next to a section in a stage of the image",
			"FROM fedora AS base\n" + section("COPR_REPOS") + "FROM base\n",
			"FROM fedora AS base\n" + section("COPR_REPOS") + "\n" + packages + "FROM base\n"},
		{"not next to a section in another stage",
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

// markers returns the markers of empty sections, with blank lines between them.
func markers(eol string, names ...string) string {
	var all []string
	for _, name := range names {
		all = append(all, "# === "+name+" (managed by bkt) ==="+eol+"# === END "+name+" ==="+eol)
	}
	return strings.Join(all, eol)
}

// TestInsertPlaces checks where missing sections are inserted, and that the rest of the
// file stays unchanged.
func TestInsertPlaces(t *testing.T) {
	const (
		packages = `"packages": ["jq"]`
		coprs    = `"copr_repos": [{"name": "a/b"}]`
	)
	tests := []struct {
		name, packages, config, image string // the contents of manifests
		text, want                    string
	}{
		{"nothing is declared", "", "", "", "FROM a\n", "FROM a\n"},
		{"nothing is missing", packages, "", "", "FROM a\n" + markers("\n", "SYSTEM_PACKAGES"), "FROM a\n" + markers("\n", "SYSTEM_PACKAGES")},
		{"at the end", packages, "", "", "FROM a\nRUN b\n", "FROM a\nRUN b\n\n" + markers("\n", "SYSTEM_PACKAGES")},
		{"without a final newline", packages, "", "", "FROM a", "FROM a\n\n" + markers("\n", "SYSTEM_PACKAGES")},
		{"CRLF", packages, "", "", "FROM a\r\n", "FROM a\r\n\r\n" + markers("\r\n", "SYSTEM_PACKAGES")},
		{"above the section that follows", packages, "", "",
			"FROM a\n" + markers("\n", "SYSTEMD_UNITS") + "RUN b\n",
			"FROM a\n" + markers("\n", "SYSTEM_PACKAGES", "SYSTEMD_UNITS") + "RUN b\n"},
		{"below the section that precedes", "", `"kargs": ["quiet"]`, "",
			"FROM a\n" + markers("\n", "COPR_REPOS") + "RUN b\n",
			"FROM a\n" + markers("\n", "COPR_REPOS", "KERNEL_ARGUMENTS") + "RUN b\n"},
		{"several in their order", packages + ", " + coprs, `"kargs": ["quiet"]`, "",
			"FROM a\n", "FROM a\n\n" + markers("\n", "COPR_REPOS", "SYSTEM_PACKAGES", "KERNEL_ARGUMENTS")},
		{"between two", packages, "", "",
			"FROM a\n" + markers("\n", "COPR_REPOS") + "RUN b\n" + markers("\n", "KERNEL_ARGUMENTS"),
			"FROM a\n" + markers("\n", "COPR_REPOS", "SYSTEM_PACKAGES") + "RUN b\n" + markers("\n", "KERNEL_ARGUMENTS")},
		{"a base in an empty file", "", "", `"base": {"image": "a"}`, "", markers("\n", "BASE_IMAGE") + "\n"},
		{"a base below directives and arguments", "", "", `"base": {"image": "a"}`,
			"# syntax=docker/dockerfile:1\n# escape=`\n\nARG A=1 `\n  # why\n  B=2\n# about the rest\nRUN b\n",
			"# syntax=docker/dockerfile:1\n# escape=`\n\nARG A=1 `\n  # why\n  B=2\n" + markers("\n", "BASE_IMAGE") + "\n# about the rest\nRUN b\n"},
		{"a base above a section", "", "", `"base": {"image": "a"}`,
			"# comment\n" + markers("\n", "SYSTEM_PACKAGES"), markers("\n", "BASE_IMAGE") + "\n# comment\n" + markers("\n", "SYSTEM_PACKAGES")},
		{"no base where a FROM is the user's", "", "", `"base": {"image": "a"}`, "FROM b\n", "FROM b\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			repo := fstest.MapFS{
				"manifests/system-packages.json": {Data: []byte("{" + tt.packages + "}")},
				"manifests/system-config.json":   {Data: []byte("{" + tt.config + "}")},
				"manifests/image.json":           {Data: []byte(`{"system": {` + tt.image + `}}`)},
			}
			got, err := gen.Insert("Containerfile", []byte(tt.text), repo)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %v\n%q\nwant\n%q", err, got, tt.want)
			}
			again, err := gen.Insert("Containerfile", got, repo)
			if err != nil || string(again) != string(got) {
				t.Errorf("again: %v\n%q", err, again)
			}
		})
	}
}

// TestInsertErrors checks that an instruction without an end gets no section, and
// that the errors of Render are returned.
func TestInsertErrors(t *testing.T) {
	tests := []struct{ name, text, packages, want string }{
		{"unfinished instruction", "FROM a\nRUN b \\\n", `["jq"]`, "Containerfile: the last instruction has no end"},
		{"unfinished heredoc", "FROM a\nRUN <<EOF\nb\n", `["jq"]`, "Containerfile:2: unterminated heredoc"},
		{"misplaced marker", "FROM a\n# === END SYSTEM_PACKAGES ===\n", `["jq"]`, "Containerfile:2: this ends section SYSTEM_PACKAGES"},
		{"bad manifest", "FROM a\n", `["a b"]`, "manifests/system-packages.json:1:15: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			repo := fstest.MapFS{"manifests/system-packages.json": {Data: []byte(`{"packages": ` + tt.packages + `}`)}}
			got, err := gen.Insert("Containerfile", []byte(tt.text), repo)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
