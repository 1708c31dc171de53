package manifest_test

import (
	"slices"
	"strings"
	"testing"

	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/diff"
)

// canonical has manifests, and what each looks like when it is written.
var canonical = []struct {
	name string
	p    manifest.Packages
	want string
}{
	{"nothing", manifest.Packages{}, `{
  "packages": []
}
`},
	{"sorted, each once", manifest.Packages{
		Packages: manifest.PlainPackages("jq", "Zim", "@x", "jq", "gh"),
		Groups:   []string{"editors", "@base", "@editors", "editors"},
		Excluded: []string{"b", "a", "b"},
		Removed:  []string{"d", "c", "d"},
		Coprs:    []manifest.Copr{{Name: "b/b"}, {Name: "@a/a"}, {Name: "b/b"}},
	}, `{
  "packages": [
    "@x",
    "Zim",
    "gh",
    "jq"
  ],
  "groups": [
    "@base",
    "@editors"
  ],
  "excluded": [
    "a",
    "b"
  ],
  "removed": [
    "c",
    "d"
  ],
  "copr_repos": [
    {
      "name": "@a/a"
    },
    {
      "name": "b/b"
    }
  ]
}
`},
	{"what is no default", manifest.Packages{
		Schema: "../schemas/<any>&.json",
		Coprs:  []manifest.Copr{{Name: "a/b", Disabled: true, Unchecked: true, Comment: "why\n\"so\""}},
	}, `{
  "$schema": "../schemas/<any>&.json",
  "packages": [],
  "copr_repos": [
    {
      "name": "a/b",
      "enabled": false,
      "gpg_check": false,
      "comment": "why\n\"so\""
    }
  ]
}
`},
}

func TestEncodeIsCanonical(t *testing.T) {
	for _, tt := range canonical {
		t.Run(tt.name, func(t *testing.T) {
			got, err := manifest.Encode(tt.p)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// unsorted has two items in every list, out of order.
func unsorted() manifest.Packages {
	return manifest.Packages{
		Packages: manifest.PlainPackages("b", "a"),
		Groups:   []string{"d", "c"},
		Excluded: []string{"f", "e"},
		Removed:  []string{"h", "g"},
		Coprs:    []manifest.Copr{{Name: "k/l"}, {Name: "i/j"}},
	}
}

func TestEncodeLeavesTheValueAlone(t *testing.T) {
	p := unsorted()
	if _, err := manifest.Encode(p); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(unsorted(), p); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEncodeRefusesWhatDecodeWould(t *testing.T) {
	tests := []struct {
		name, err string
		p         manifest.Packages
	}{
		{"spec", `/packages/1: package "foo; touch /pwned": may not contain ';'`,
			manifest.Packages{Packages: manifest.PlainPackages("foo; touch /pwned", "a")}},
		{"group", `/groups/0: group "": is empty`, manifest.Packages{Groups: []string{""}}},
		{"package that is a group", `/groups/0: group "x" is in groups, and also in packages (at /packages/0)`,
			manifest.Packages{Packages: manifest.PlainPackages("@x"), Groups: []string{"x"}}},
		{"two settings of a repository", `/copr_repos/1/name: duplicate COPR repository "a/b" (first at /copr_repos/0/name)`,
			manifest.Packages{Coprs: []manifest.Copr{{Name: "a/b"}, {Name: "a/b", Disabled: true}}}},
		{"two problems", "/packages/0: package \"-a\": would be an option of dnf\n" +
			`/removed/0: package "-b": would be an option of dnf`,
			manifest.Packages{Packages: manifest.PlainPackages("-a"), Removed: []string{"-b"}}},
		{"options of a package", `/packages/0/from_repo: from_repo "a b": may not contain ' '` + "\n" + `/packages/0/setopt/x: x "a\nb": may not contain '\n'`,
			manifest.Packages{Packages: []manifest.Package{{Name: "a", FromRepo: "a b", SetOpt: map[string]string{"x": "a\nb"}}}}},
		{"one package with different options", `/packages/1/name: duplicate package "a" (first at /packages/0)`,
			manifest.Packages{Packages: []manifest.Package{{Name: "a", Bare: true}, {Name: "a", AllowErasing: true}}}},
		{"comment that is not UTF-8", `/copr_repos/0/comment: invalid UTF-8`,
			manifest.Packages{Coprs: []manifest.Copr{{Name: "a/b", Comment: "\xff"}}}},
		{"schema that is not UTF-8", `/$schema: invalid UTF-8`, manifest.Packages{Schema: "\xff"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := manifest.Encode(tt.p)
			if err == nil {
				t.Fatalf("wrote %s", text)
			}
			if diff := cmp.Diff(tt.err, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncodeTellsFirstOfManyProblems(t *testing.T) {
	_, err := manifest.Encode(manifest.Packages{Packages: manifest.PlainPackages(strings.Fields("-a -b -c -d -e -f -g -h -i -j -k -l -m -n -o -p -q -r -s -t -u")...)})
	if err == nil {
		t.Fatal("accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 21 || lines[20] != "there are more problems than these" {
		t.Errorf("got %q", lines)
	}
}

// TestOneItemChangesItsLinesOnly adds an item to a manifest that was written: the rest
// of the file stays unchanged, except for a comma.
func TestOneItemChangesItsLinesOnly(t *testing.T) {
	base := manifest.Packages{
		Packages: manifest.PlainPackages("d", "b"),
		Coprs:    []manifest.Copr{{Name: "b/b", Disabled: true}, {Name: "d/d"}},
	}
	tests := []struct {
		name string
		add  func(*manifest.Packages)
		want []string
	}{
		{"first", func(p *manifest.Packages) { p.Packages = append(p.Packages, manifest.PlainPackages("a")...) },
			[]string{`+    "a",`}},
		{"between", func(p *manifest.Packages) { p.Packages = append(p.Packages, manifest.PlainPackages("c")...) },
			[]string{`+    "c",`}},
		{"last", func(p *manifest.Packages) { p.Packages = append(p.Packages, manifest.PlainPackages("e")...) },
			[]string{`-    "d"`, `+    "d",`, `+    "e"`}},
		{"in a list of its own", func(p *manifest.Packages) { p.Removed = []string{"x"} },
			[]string{`+  "removed": [`, `+    "x"`, `+  ],`}},
		{"object", func(p *manifest.Packages) { p.Coprs = append(p.Coprs, manifest.Copr{Name: "c/c"}) },
			[]string{`+      "name": "c/c"`, `+    },`, `+    {`}},
		{"field of an object", func(p *manifest.Packages) { p.Coprs[0].Comment = "c" },
			[]string{`-      "enabled": false`, `+      "enabled": false,`, `+      "comment": "c"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old := mustEncode(t, base)
			p, _, err := manifest.Decode[manifest.Packages]("f.json", old)
			if err != nil {
				t.Fatal(err)
			}
			tt.add(&p)
			if diff := cmp.Diff(tt.want, changedLines(old, mustEncode(t, p))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func mustEncode(t *testing.T, p manifest.Packages) []byte {
	t.Helper()
	text, err := manifest.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// changedLines returns the lines of the difference that begin with - or +.
func changedLines(old, text []byte) []string {
	lines := strings.Split(string(diff.Diff("old", old, "new", text)), "\n")
	return slices.DeleteFunc(lines[3:], func(l string) bool {
		return !strings.HasPrefix(l, "-") && !strings.HasPrefix(l, "+")
	})
}

func TestCoprDefaults(t *testing.T) {
	tests := []struct {
		data              string
		enabled, gpgCheck bool
	}{
		{`{"name": "a/b"}`, true, true},
		{`{"name": "a/b", "enabled": true, "gpg_check": true}`, true, true},
		{`{"name": "a/b", "enabled": false}`, false, true},
		{`{"name": "a/b", "gpg_check": false}`, true, false},
	}
	for _, tt := range tests {
		p, _, err := manifest.Decode[manifest.Packages]("f.json", []byte(`{"copr_repos": [`+tt.data+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		if c := p.Coprs[0]; c.Enabled() != tt.enabled || c.GPGCheck() != tt.gpgCheck {
			t.Errorf("%s: Enabled %v, GPGCheck %v", tt.data, c.Enabled(), c.GPGCheck())
		}
	}
}
