package gen_test

import (
	"fmt"
	"slices"
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
			got, err := gen.Insert("Containerfile", []byte(tt.text), repo, "")
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
			got, err := gen.Insert("Containerfile", []byte(tt.text), repo, "")
			if err != nil || string(got) != tt.want {
				t.Errorf("got %v\n%q\nwant\n%q", err, got, tt.want)
			}
			again, err := gen.Insert("Containerfile", got, repo, "")
			if err != nil || string(again) != string(got) {
				t.Errorf("again: %v\n%q", err, again)
			}
		})
	}
}

// TestInsertOwners checks that the section that installs the packages of external
// repositories is inserted, too, and that a repository without packages needs none.
func TestInsertOwners(t *testing.T) {
	const repos = `{"repos": [{"name": "a", "display_name": "A", "baseurl": "https://a.test/", "gpg_key": "https://a.test/key"%s}]}`
	for packages, want := range map[string]string{
		`, "packages": ["a"]`: "FROM a\n\n" + markers("\n", "EXTERNAL_REPOS", "SYSTEM_PACKAGES"),
		"":                    "FROM a\n\n" + markers("\n", "EXTERNAL_REPOS"),
	} {
		repo := fstest.MapFS{"manifests/external-repos.json": {Data: fmt.Appendf(nil, repos, packages)}}
		got, err := gen.Insert("Containerfile", []byte("FROM a\n"), repo, "")
		if err != nil || string(got) != want {
			t.Errorf("got %v\n%q\nwant\n%q", err, got, want)
		}
		if got, err := gen.Insert("toolbox/Containerfile", []byte("FROM a\n"), repo, ""); err != nil || string(got) != "FROM a\n" {
			t.Errorf("toolbox: %q, %v", got, err)
		}
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
			got, err := gen.Insert("Containerfile", []byte(tt.text), repo, "")
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// TestInsertAboveEnding checks which instructions at the end of a stage stay below new
// sections: those that check and clean the image, or set up its containers.
func TestInsertAboveEnding(t *testing.T) {
	const above, below = true, false
	tests := []struct {
		name, text string
		want       bool // a section goes above all of the text
	}{
		{"lint", "RUN bootc container lint\n", above},
		{"lint with flags", "RUN --mount=type=tmpfs,target=/run --network=none /usr/bin/bootc container lint --fatal-warnings\n", above},
		{"lint as JSON", "RUN [\"bootc\", \"container\", \"lint\"]\n", above},
		{"lint in a heredoc", "RUN <<EOF\nset -eux\nbootc container lint\nEOF\n", above},
		{"lint in a script for bash", "RUN /bin/bash -eu <<'EOF'\n#!/usr/bin/env bash\nbootc container lint\nEOF\n", above},
		{"lint in another language", "RUN <<EOF\n#!/usr/bin/python3\nbootc container lint\nEOF\n", below},
		{"lint as text of a file", "RUN cat >/usr/bin/check <<EOF\nbootc container lint\nEOF\n", below},
		{"lint if there is bootc", "RUN if [ -x /usr/bin/bootc ]; then bootc container lint || true; fi\n", above},
		{"lint and a file", "RUN bootc container lint >/usr/share/lint.txt\n", below},
		{"lint and a log", "RUN bootc container lint >/dev/null 2>&1\n", above},
		{"commit", "RUN ostree container commit\n", above},
		{"clean and commit", "RUN rm -fr /tmp/* /var/* && ostree container commit\n", above},
		{"clean on several lines", "RUN dnf clean all && \\\n    # logs\n    rm -rf /var/log/*.log \\\n    /var/lib/{dnf,rhsm}\n", above},
		{"find", "RUN find /var/log /var/cache -mindepth 1 -delete\n", above},
		{"commit and the folder for temporary files", "RUN ostree container commit\nRUN mkdir -p /var/tmp && chmod -R 1777 /var/tmp\n", above},
		{"a script that cleans", "RUN --mount=type=bind,from=ctx,target=/ctx /ctx/cleanup.sh\nRUN ostree container commit\n", above},
		{"settings of containers", "LABEL a=b\nUSER nobody\nEXPOSE 80\nENTRYPOINT [\"/x\"]\nCMD [\"/sbin/init\"]\n", above},
		{"all of them", "RUN rm -rf /var/*\nRUN rpm-ostree cleanup -m\nCMD x\nRUN bootc container lint\nLABEL a=b\n# the end\n", above},
		{"with a comment", "# Clean up.\n# Twice.\nRUN dnf clean all\n\n### Lint\n## the image\nRUN bootc container lint\n# the end\n", above},
		{"BlueBuild", "RUN \\\n--mount=type=bind,src=.bluebuild-scripts,dst=/scripts/,Z \\\n  /scripts/post_build.sh\n\n# Labels are last.\nLABEL a=b\nLABEL c=d\n", above},
		{"variables below lint", "RUN bootc container lint\nLABEL a=b\nENV container=oci\nSTOPSIGNAL SIGRTMIN+3\nCMD x\n", above},
		{"lint in lower case", "run bootc container lint\n", above},

		{"lint at the end of other work", "RUN /ctx/build.sh && \\\n    ostree container commit && \\\n    bootc container lint\n", above},
		{"lint in a heredoc with other work", "RUN <<EOF\n/ctx/build.sh\nbootc container lint\nrm -rf /var/log/*\nEOF\n", above},
		{"commit at the end of other work", "RUN /ctx/build.sh && ostree container commit\n", below},
		{"clean-up at the end of other work", "RUN dnf install -y vim && dnf clean all\n", below},
		{"lint and then other work", "RUN bootc container lint && /ctx/build.sh\n", below},
		{"lint of another kind", "RUN bootc container ukify\n", below},
		{"other work", "RUN systemctl enable x.service\n", below},
		{"no work", "RUN true\n", below},
		{"files that stay", "RUN rm -rf /opt /var/opt\n", below},
		{"a folder for packages", "RUN mkdir -p /var/opt\n", below},
		{"a variable", "RUN rm -rf \"$DIR\"\n", below},
		{"copied files", "COPY files /\n", below},
		{"a broken script", "RUN if bootc container lint\n", below},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			repo := fstest.MapFS{"manifests/system-packages.json": {Data: []byte(`{"packages": ["jq"]}`)}}
			const top = "FROM a\nRUN work\n\n"
			want := top + tt.text + "\n" + markers("\n", "SYSTEM_PACKAGES")
			if tt.want {
				want = top + markers("\n", "SYSTEM_PACKAGES") + "\n" + tt.text
			}
			got, err := gen.Insert("Containerfile", []byte(top+tt.text), repo, "")
			if err != nil || string(got) != want {
				t.Errorf("got %v\n%s", err, got)
			}
		})
	}
}

// TestInsertIntoImages checks the stage of new sections in files with several images, and
// the place in it.
func TestInsertIntoImages(t *testing.T) {
	const lint = "RUN bootc container lint\n"
	packages := markers("\n", "SYSTEM_PACKAGES")
	tests := []struct{ name, stage, text, want, err string }{
		{"two images of one stage", "",
			"FROM a AS main\nRUN x\n# Lint.\n" + lint + "\n# Another.\nFROM main AS other\n" + lint + "FROM $MAIN AS last\n" + lint, "",
			"several images that have no stage in common: stage main, stage other, stage last"},
		{"two images of one stage, by an argument", "",
			"ARG MAIN=main\nFROM a AS main\nRUN x\n# Lint.\n" + lint + "\n# Another.\nFROM main AS other\n" + lint + "FROM ${MAIN} AS last\n" + lint,
			"ARG MAIN=main\nFROM a AS main\nRUN x\n\n" + packages + "\n# Lint.\n" + lint + "\n# Another.\nFROM main AS other\n" + lint + "FROM ${MAIN} AS last\n" + lint, ""},
		{"the shared stage has no ending", "",
			"FROM a AS main\nRUN x\n\n# Another.\nFROM main AS other\nRUN y\nFROM main AS last\n",
			"FROM a AS main\nRUN x\n\n" + packages + "\n# Another.\nFROM main AS other\nRUN y\nFROM main AS last\n", ""},
		{"a stage that others copy from is no image", "",
			"FROM a AS main\nFROM main AS tools\nRUN x\nFROM main\nCOPY --from=tools /x /\n" + lint,
			"FROM a AS main\nFROM main AS tools\nRUN x\nFROM main\nCOPY --from=tools /x /\n\n" + packages + "\n" + lint, ""},
		{"a chain of images", "",
			"FROM a AS main\n" + lint + "FROM main AS second\nRUN x\n" + lint,
			"FROM a AS main\n\n" + packages + "\n" + lint + "FROM main AS second\nRUN x\n" + lint, ""},
		{"an image that a stage outside of it checks", "",
			"FROM a AS main\nFROM a AS check\nRUN --mount=from=main,target=/m bootc container lint --rootfs /m\nFROM main\nCOPY --from=check /out /\nCMD x\n",
			"FROM a AS main\nFROM a AS check\nRUN --mount=from=main,target=/m bootc container lint --rootfs /m\nFROM main\nCOPY --from=check /out /\n\n" + packages + "\nCMD x\n", ""},
		{"an image from a folder of another stage", "",
			"FROM a AS x\nRUN y\nFROM scratch AS root\nCOPY --from=x /root /\nFROM root\nRUN y\n" + lint,
			"FROM a AS x\nRUN y\nFROM scratch AS root\nCOPY --from=x /root /\nFROM root\nRUN y\n\n" + packages + "\n" + lint, ""},
		{"images of one base image", "", "FROM a AS x\n" + lint + "FROM a\n" + lint, "",
			"several images that have no stage in common: stage x, the stage with the FROM in line 3"},
		{"images of two base images", "", "FROM a AS x\n" + lint + "FROM b AS y\n", "", "no stage in common: stage x, stage y"},
		{"a stage by its name", "Other",
			"FROM a AS main\nFROM main AS other\nRUN x\n" + lint + "FROM main AS last\n",
			"FROM a AS main\nFROM main AS other\nRUN x\n\n" + packages + "\n" + lint + "FROM main AS last\n", ""},
		{"a stage by its number", "0", "FROM a\n" + lint + "FROM b\n" + lint, "FROM a\n\n" + packages + "\n" + lint + "FROM b\n" + lint, ""},
		{"a stage that does not exist", "mian", "FROM a AS main\n", "", `no stage "mian" (did you mean main?)`},
		{"no stage with that number", "1", "FROM a\n", "", `no stage "1"`},
		{"a section in the stage has precedence", "main",
			"FROM a AS main\n" + markers("\n", "SYSTEMD_UNITS") + "RUN x\n" + lint + "FROM main\n",
			"FROM a AS main\n" + packages + "\n" + markers("\n", "SYSTEMD_UNITS") + "RUN x\n" + lint + "FROM main\n", ""},
		{"an image without a base", "", "FROM a AS x\nFROM scratch\nCOPY --from=x /usr /usr\n", "",
			"Containerfile:2: this stage is FROM scratch: sections need a base image"},
		{"an image that is a copy", "",
			"FROM a AS x\nRUN y\n" + lint + "FROM scratch\nCOPY --from=x / /\nLABEL a=b\n",
			"FROM a AS x\nRUN y\n\n" + packages + "\n" + lint + "FROM scratch\nCOPY --from=x / /\nLABEL a=b\n", ""},
		{"an image that is a copy, and checked", "",
			"FROM a AS x\nRUN y\nFROM scratch\nCOPY --from=x / /\n" + lint,
			"FROM a AS x\nRUN y\n\n" + packages + "\nFROM scratch\nCOPY --from=x / /\n" + lint, ""},
		{"below a section of another program", "",
			"FROM a\n" + markers("\n", "HOST_SHIMS") + lint, "FROM a\n" + markers("\n", "HOST_SHIMS") + "\n" + packages + "\n" + lint, ""},
		{"below a banner", "",
			"FROM a\n# === X ===\nRUN x\n# === END X ===\n# Lint.\n" + lint,
			"FROM a\n# === X ===\nRUN x\n# === END X ===\n\n" + packages + "\n# Lint.\n" + lint, ""},
		{"above another user", "",
			"FROM a\nRUN x\nUSER root\nRUN y\n# Mine.\nUSER me:me\nRUN z\n",
			"FROM a\nRUN x\nUSER root\nRUN y\n\n" + packages + "\n# Mine.\nUSER me:me\nRUN z\n", ""},
		{"only one instruction with other work", "",
			"FROM a\nRUN x && bootc container lint\nRUN y && bootc container lint\n",
			"FROM a\nRUN x && bootc container lint\n\n" + packages + "\nRUN y && bootc container lint\n", ""},
		{"CRLF", "", "FROM a\r\nRUN x\r\nRUN bootc container lint\r\n",
			"FROM a\r\nRUN x\r\n\r\n" + markers("\r\n", "SYSTEM_PACKAGES") + "\r\nRUN bootc container lint\r\n", ""},
		{"no final newline", "", "FROM a\nRUN bootc container lint", "FROM a\n\n" + packages + "\nRUN bootc container lint\n", ""},
		{"backquotes continue lines", "", "# escape=`\nFROM a\nRUN rm -rf `\n  /var/* && `\n  bootc container lint\n",
			"# escape=`\nFROM a\n\n" + packages + "\nRUN rm -rf `\n  /var/* && `\n  bootc container lint\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			repo := fstest.MapFS{"manifests/system-packages.json": {Data: []byte(`{"packages": ["jq"]}`)}}
			got, err := gen.Insert("Containerfile", []byte(tt.text), repo, tt.stage)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %q, %v", got, err)
				}
				return
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("got %v\n%q\nwant\n%q", err, got, tt.want)
			}
		})
	}
}

// TestInserted checks what is said about new sections.
func TestInserted(t *testing.T) {
	before := "FROM a AS x\nRUN y\nFROM b\n"
	after := markers("\n", "BASE_IMAGE") + "FROM a AS x\nRUN y\n" + markers("\n", "COPR_REPOS") + "FROM b\n" + markers("\n", "SYSTEM_PACKAGES")
	want := []gen.Insertion{
		{Section: "BASE_IMAGE", Line: 1},
		{Section: "COPR_REPOS", Line: 5, Stage: "stage x"},
		{Section: "SYSTEM_PACKAGES", Line: 8, Stage: "the stage with the FROM in line 7"},
	}
	if got := gen.Inserted("Containerfile", []byte(before), []byte(after)); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// TestInsertIntoTarget checks the stage of new sections if the manifest declares a target.
func TestInsertIntoTarget(t *testing.T) {
	packages := markers("\n", "SYSTEM_PACKAGES")
	tests := []struct{ name, text, want string }{
		{"the target is not the last stage", "FROM a AS x\nRUN y\n\nFROM b\n", "FROM a AS x\nRUN y\n\n" + packages + "\nFROM b\n"},
		{"no stage in common", "FROM a AS x\nRUN bootc container lint\nFROM b\nRUN bootc container lint\n",
			"FROM a AS x\n\n" + packages + "\nRUN bootc container lint\nFROM b\nRUN bootc container lint\n"},
		{"a stage in common", "FROM a AS main\nFROM main AS x\nFROM main\n", "FROM a AS main\n\n" + packages + "\nFROM main AS x\nFROM main\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			repo := fstest.MapFS{
				"manifests/system-packages.json": {Data: []byte(`{"packages": ["jq"]}`)},
				"manifests/image.json":           {Data: []byte(`{"system": {"build": {"target": "x"}}}`)},
			}
			got, err := gen.Insert("Containerfile", []byte(tt.text), repo, "")
			if err != nil || string(got) != tt.want {
				t.Errorf("got %v\n%q\nwant\n%q", err, got, tt.want)
			}
		})
	}
}
