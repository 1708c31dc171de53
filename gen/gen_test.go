package gen_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"bkt/gen"
	"bkt/gen/lint"
	"bkt/internal/hint"
	"bkt/templates"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// TestGolden renders the Containerfile of each archive in testdata. The archive has the
// expected results: "want" is the text, "errors" the errors and their hints, "warnings"
// those of rendering and linting.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { golden(t, path) })
	}
}

func golden(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	repo := fstest.MapFS{}
	want := map[string]string{}
	name := ""
	for _, f := range archive.Files {
		switch f.Name {
		case "want", "errors", "warnings":
			want[f.Name] = string(f.Data)
		case "Containerfile", "toolbox/Containerfile":
			name = f.Name
			fallthrough
		default:
			repo[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	got := outcome(t, name, repo)
	if diff := cmp.Diff(want, got); diff != "" && !*update {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if *update {
		rewrite(t, path, archive, got)
	}
}

func outcome(t *testing.T, name string, repo fstest.MapFS) map[string]string {
	res, err := gen.Render(name, repo[name].Data, repo)
	if err != nil {
		return map[string]string{"errors": report(err)}
	}
	got := map[string]string{"want": string(res.Text)}
	findings, err := lint.Check(context.Background(), name, res)
	if err != nil {
		got["errors"] = report(err)
	}
	if warnings := append(res.Warnings, findings...); len(warnings) > 0 {
		got["warnings"] = report(errors.Join(warnings...))
	}
	again, err := gen.Render(name, res.Text, repo)
	if err != nil || !bytes.Equal(again.Text, res.Text) {
		t.Errorf("rendering again: %v\n%s", err, cmp.Diff(string(res.Text), string(again.Text)))
	}
	return got
}

// report returns the lines that the user sees of err.
func report(err error) string {
	out := err.Error() + "\n"
	for _, h := range hint.Of(err) {
		out += "hint: " + h + "\n"
	}
	return out
}

func rewrite(t *testing.T, path string, archive *txtar.Archive, got map[string]string) {
	var files []txtar.File
	for _, f := range archive.Files {
		if f.Name != "want" && f.Name != "errors" && f.Name != "warnings" {
			files = append(files, f)
		}
	}
	for _, name := range []string{"want", "warnings", "errors"} {
		if text, ok := got[name]; ok {
			files = append(files, txtar.File{Name: name, Data: []byte(text)})
		}
	}
	archive.Files = files
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestUnmanagedTextSurvives tests text that an archive cannot contain: CRLF, no final
// newline, tabs before markers, trailing blanks.
func TestUnmanagedTextSurvives(t *testing.T) {
	repo := fstest.MapFS{
		"manifests/system-packages.json": {Data: []byte(`{"packages": ["jq"], "copr_repos": [{"name": "a/b"}]}`)},
	}
	src := "# syntax=docker/dockerfile:1\r\nFROM base \r\n\r\n" +
		"\t # === COPR_REPOS (managed by bkt) ===  \r\nstale\n# === END COPR_REPOS ===\r\n" +
		"COPY <<EOF /x\r\n# === COPR_REPOS (managed by bkt) ===\r\nEOF\r\n" +
		"RUN a \\\r\n# === SYSTEM_PACKAGES (managed by bkt) ===\r\n\r\n  && b\r\n" +
		"  # === SYSTEM_PACKAGES (managed by bkt) ===\r\nRUN <<EOF \\\r\n# === END SYSTEM_PACKAGES ===\r\nRUN  tail"
	res, err := gen.Render("Containerfile", []byte(src), repo)
	if err != nil {
		t.Fatal(err)
	}
	want := "# syntax=docker/dockerfile:1\r\nFROM base \r\n\r\n" +
		"\t # === COPR_REPOS (managed by bkt) ===  \r\n" +
		"COPY <<'copr:copr.fedorainfracloud.org:a:b' /etc/yum.repos.d/_copr:copr.fedorainfracloud.org:a:b.repo\r\n" +
		"[copr:copr.fedorainfracloud.org:a:b]\n" +
		"name=copr:copr.fedorainfracloud.org:a:b\n" +
		"baseurl=https://download.copr.fedorainfracloud.org/results/a/b/fedora-$releasever-$basearch/\n" +
		"type=rpm-md\nenabled=0\nskip_if_unavailable=False\ngpgcheck=1\n" +
		"gpgkey=https://download.copr.fedorainfracloud.org/results/a/b/pubkey.gpg\n" +
		"copr:copr.fedorainfracloud.org:a:b\n" +
		"# === END COPR_REPOS ===\r\n" +
		"COPY <<EOF /x\r\n# === COPR_REPOS (managed by bkt) ===\r\nEOF\r\n" +
		"RUN a \\\r\n# === SYSTEM_PACKAGES (managed by bkt) ===\r\n\r\n  && b\r\n" +
		"  # === SYSTEM_PACKAGES (managed by bkt) ===\r\n" +
		"RUN --mount=type=cache,id=bkt-system-base-libdnf5,target=/var/cache/libdnf5,sharing=locked \\\r\n" +
		"    --mount=type=cache,id=bkt-system-base-dnf,target=/var/cache/dnf,sharing=locked \\\r\n" +
		"    --mount=type=tmpfs,target=/run \\\r\n" +
		"    --mount=type=tmpfs,target=/tmp \\\r\n" +
		"    dnf install -y --setopt=keepcache=1 \\\r\n" +
		"    --enablerepo=copr:copr.fedorainfracloud.org:a:b \\\r\n" +
		"    jq \\\r\n" +
		"    && rm -rf /run/dnf /var/lib/dnf/*.lock /var/log/dnf*.log* /var/log/hawkey.log*\r\n" +
		"# === END SYSTEM_PACKAGES ===\r\nRUN  tail"
	if diff := cmp.Diff(want, string(res.Text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := lint.Check(context.Background(), "Containerfile", res); err != nil {
		t.Error(err)
	}
}

func TestOriginsNameTheEntry(t *testing.T) {
	repo := fstest.MapFS{"manifests/toolbox-packages.json": {Data: []byte("{\n  \"packages\": [\n    \"jq\",\n    \"bat\"\n  ],\n  \"groups\": [\"editors\"]\n}\n")}}
	src := "FROM base\n\n# === TOOLBOX_PACKAGES (managed by bkt) ===\n# === END TOOLBOX_PACKAGES ===\n"
	res, err := gen.Render("toolbox/Containerfile", []byte(src), repo)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(res.Text), "\n")
	var got []string
	for _, o := range res.Origins {
		got = append(got, fmt.Sprintf("%s <- %s", strings.Trim(lines[o.Line-1], ` \`), o.Entry))
	}
	file := "manifests/toolbox-packages.json"
	want := []string{
		"RUN --mount=type=cache,id=bkt-toolbox-base-libdnf5,target=/var/cache/libdnf5,sharing=locked <- " + file,
		"--mount=type=cache,id=bkt-toolbox-base-dnf,target=/var/cache/dnf,sharing=locked <- " + file,
		"--mount=type=tmpfs,target=/tmp <- " + file,
		"dnf install -y --setopt=keepcache=1 <- " + file,
		"@editors <- " + file + ":6:14",
		"bat <- " + file + ":4:5",
		"jq <- " + file + ":3:5",
		"&& rm -rf /run/dnf /var/lib/dnf/*.lock /var/log/dnf*.log* /var/log/hawkey.log* <- " + file,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzRenderTemplate checks that rendering any text of a template does not change
// unmanaged text, and that rendering again changes nothing.
func FuzzRenderTemplate(f *testing.F) {
	section := func(body, eol string) string {
		return "# === COPR_REPOS (managed by bkt) ===" + eol + body + "# === END COPR_REPOS ===" + eol
	}
	f.Add("FROM scratch\n"+section("old\n", "\n")+"RUN x\n", "new")
	f.Add("FROM x\r\n"+section("", "\r\n"), "RUN <<E\n\tx\nE\n")
	f.Add("RUN <<E\n# === COPR_REPOS (managed by bkt) ===\nE\n"+section("<<X \\\n", "\n"), "a \\\nb")
	f.Add("# escape=`\nRUN `\n"+section("\n", "\n"), "")
	f.Add("FROM scratch\n"+section("", "\n"), "a\x00b")
	f.Add("RUN [\"<<E\"]\n \t"+section("", "\n"), "COPY <<-E <<'F' /\nx\n\tE\nF\n")
	f.Fuzz(func(t *testing.T, src, body string) {
		repo := fstest.MapFS{"templates/copr.tmpl": {Data: fmt.Appendf(nil, "{{ %q }}", body)}}
		once, err := gen.Render("Containerfile", []byte(src), repo)
		if err != nil {
			return
		}
		if !strings.Contains(src, "(managed by bkt)") && string(once.Text) != src {
			t.Errorf("changed %q, which has no section, to %q", src, once.Text)
		}
		checkRendered(t, src, once.Text, repo)
	})
}

// checkRendered checks that text, which src was rendered to, has the user's text
// of src, and that rendering it again changes nothing.
func checkRendered(t *testing.T, src string, text []byte, repo fstest.MapFS) {
	t.Helper()
	if kept := unmanaged(src, repo); kept != unmanaged(string(text), repo) {
		t.Errorf("the user's text went from %q to %q", kept, unmanaged(string(text), repo))
	}
	again, err := gen.Render("Containerfile", text, repo)
	if err != nil || !bytes.Equal(text, again.Text) {
		t.Errorf("once: %q\ntwice: %q, %v", text, again.Text, err)
	}
}

// FuzzRender checks that rendering again changes nothing for any file and manifest, and
// that unmanaged text stays.
func FuzzRender(f *testing.F) {
	section := func(name, body string) string {
		return "# === " + name + " (managed by bkt) ===\n" + body + "# === END " + name + " ===\n"
	}
	manifest := `{"packages": ["jq"], "copr_repos": [{"name": "a/b"}], "removed": ["nano"]}`
	f.Add("FROM a\n"+section("COPR_REPOS", "RUN <<EOF\n")+"FROM b\n"+section("SYSTEM_PACKAGES", ""), manifest)
	f.Add("\ufeff"+section("COPR_REPOS", "")+"FROM a\r\n"+section("SYSTEM_PACKAGES", "FROM x \\\n"), manifest)
	f.Add("# escape=`\nFROM a\n"+section("COPR_REPOS", "")+section("SYSTEM_PACKAGES", "x `\n"), manifest)
	f.Add("FROM a\nRUN <<A <<-'B'\n"+section("COPR_REPOS", "A\n")+"A\n\tB\n"+section("SYSTEM_PACKAGES", ""), `{}`)
	f.Fuzz(func(t *testing.T, src, manifest string) {
		repo := fstest.MapFS{"manifests/system-packages.json": {Data: []byte(manifest)}}
		once, err := gen.Render("Containerfile", []byte(src), repo)
		if err != nil {
			return
		}
		checkRendered(t, src, once.Text, repo)
	})
}

// FuzzLint checks that linting any file ends, and that FinalBase returns the same
// before and after.
func FuzzLint(f *testing.F) {
	base := func(body string) string {
		return "# === BASE_IMAGE (managed by bkt) ===\n" + body + "# === END BASE_IMAGE ===\n"
	}
	f.Add("FROM scratch AS ctx\nCOPY a /\n"+base("FROM --platform=$X \\\n a:1 AS base\n")+"FROM base\nCOPY --from=ctx a /\n", "b:1")
	f.Add("ARG A=b\nARG B=${A:-c}\n"+base("FROM x AS a\nFROM a AS b\n")+"FROM ${B}\nRUN --mount=from=a,rw,target=/x true\nCOPY --from=1 a /\n", "a")
	f.Add("# escape=`\n"+base("FROM scratch AS `\n x\n")+"FROM X\nONBUILD RUN --mount=from=x true\n", "x")
	f.Fuzz(func(t *testing.T, src, image string) {
		repo := fstest.MapFS{"manifests/image.json": {Data: fmt.Appendf(nil, `{"system": {"base": {"image": %q}}}`, image)}}
		_, _ = gen.FromOf("Containerfile", []byte(src))
		res, err := gen.Render("Containerfile", []byte(src), repo)
		if err != nil {
			return
		}
		if _, err := lint.Check(context.Background(), "Containerfile", res); err != nil || !strings.Contains(src, "BASE_IMAGE") {
			return
		}
		again, err := gen.Render("Containerfile", res.Text, repo)
		if err != nil || !bytes.Equal(again.Text, res.Text) {
			t.Errorf("once: %q\ntwice: %q, %v", res.Text, again.Text, err)
		}
		if _, err := lint.Check(context.Background(), "Containerfile", again); err != nil {
			t.Errorf("%q passes once only: %v", src, err)
		}
	})
}

// unmanaged returns src with empty sections: rendered by templates without text.
func unmanaged(src string, repo fstest.MapFS) string {
	repo = maps.Clone(repo)
	names, err := fs.Glob(templates.FS, "*.tmpl")
	if err != nil {
		return err.Error()
	}
	for _, name := range names {
		repo["templates/"+name] = &fstest.MapFile{}
	}
	r, err := gen.Render("Containerfile", []byte(src), repo)
	if err != nil {
		return err.Error()
	}
	return string(r.Text)
}

func benchmarkRender(b *testing.B, n int) {
	var m strings.Builder
	m.WriteString(`{"packages": [`)
	for i := range n {
		if i > 0 {
			m.WriteString(",\n")
		}
		fmt.Fprintf(&m, "%q", fmt.Sprintf("package-%06d", i))
	}
	m.WriteString("]}")
	repo := fstest.MapFS{"manifests/system-packages.json": {Data: []byte(m.String())}}
	src := []byte("FROM base\n# === SYSTEM_PACKAGES (managed by bkt) ===\n# === END SYSTEM_PACKAGES ===\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := gen.Render("Containerfile", src, repo); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRender100(b *testing.B)    { benchmarkRender(b, 100) }
func BenchmarkRender100000(b *testing.B) { benchmarkRender(b, 100_000) }

// locked is a repository with a folder that cannot be listed.
type locked struct {
	fstest.MapFS
	folder string
}

func (l locked) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == l.folder {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return l.MapFS.ReadDir(name)
}

// TestTemplatesThatCannotBeListed checks that templates that no section has are not
// said to be none where it is not known.
func TestTemplatesThatCannotBeListed(t *testing.T) {
	files := fstest.MapFS{"templates/copr.tmpl": {}}
	for folder, want := range map[string]int{"templates": 1, "": 0} {
		r, err := gen.Render("Containerfile", []byte("FROM scratch\n"), locked{files, folder})
		if err != nil || len(r.Warnings) != want {
			t.Errorf("%q: %v, %v", folder, r.Warnings, err)
		}
	}
}

// TestHeredocsHaveNoMode checks that no template gives a file of a heredoc a mode:
// BuildKit would give the same mode to the folders that it creates for the file.
func TestHeredocsHaveNoMode(t *testing.T) {
	err := fs.WalkDir(templates.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(templates.FS, name)
		for l := range strings.Lines(string(text)) {
			if strings.HasPrefix(l, "COPY --chmod") && strings.Contains(l, "<<") {
				t.Errorf("%s: %s", name, l)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
