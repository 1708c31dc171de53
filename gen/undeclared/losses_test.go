package undeclared_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"bkt/gen"
	"bkt/gen/undeclared"
	"bkt/internal/hint"

	"github.com/google/go-cmp/cmp"
)

// section returns a section with a body.
func section(name, body string) string {
	return "# === " + name + " (managed by bkt) ===\n" + body + "# === END " + name + " ===\n"
}

// manifests returns a repository with manifests, from pairs of name and text.
func manifests(texts ...string) fstest.MapFS {
	repo := fstest.MapFS{}
	for i := 0; i < len(texts); i += 2 {
		repo["manifests/"+texts[i]+".json"] = &fstest.MapFile{Data: []byte(texts[i+1])}
	}
	return repo
}

// stops returns the statements at which a command would stop, without their common
// text.
func stops(l undeclared.Losses) string {
	err := errors.Join(l.Foreign().Stops()...)
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), " has text that comes from no manifest", "")
}

func TestLosses(t *testing.T) {
	const system, toolbox = "Containerfile", "toolbox/Containerfile"
	git := manifests("system-packages", `{"packages": ["git"]}`, "toolbox-packages", `{"packages": ["git"]}`)
	for _, c := range []struct {
		name, file, section, body string
		repo                      fstest.MapFS
		want                      string // errors; "": none
	}{
		{"no manifest", toolbox, "TOOLBOX_PACKAGES", "RUN dnf install -y git gcc\n", manifests(), "toolbox/Containerfile:3: section TOOLBOX_PACKAGES: git, gcc"},
		{"some in the manifest", toolbox, "TOOLBOX_PACKAGES", "RUN dnf install -y git gcc\n", git, "toolbox/Containerfile:3: section TOOLBOX_PACKAGES: gcc"},
		{"all in the manifest", toolbox, "TOOLBOX_PACKAGES", "RUN dnf install -y \\\n    git \\\n    && dnf clean all\n", git, ""},
		{"in the other manifest", system, "SYSTEM_PACKAGES", "RUN dnf install -y git\n", manifests("toolbox-packages", `{"packages": ["git"]}`), "Containerfile:3: section SYSTEM_PACKAGES: git"},
		{"in another list", system, "SYSTEM_PACKAGES", "RUN dnf install -y git\n", manifests("system-packages", `{"removed": ["git"]}`), "Containerfile:3: section SYSTEM_PACKAGES: git"},
		{"empty", system, "SYSTEM_PACKAGES", "", git, ""},
		{"comments", system, "SYSTEM_PACKAGES", "\n# No packages configured\n\n", git, ""},
		{"lines and comments", system, "SYSTEM_PACKAGES", "RUN --mount=type=cache,target=/var/cache/libdnf5 \\\n # tools\n dnf install \\\n\n   gcc && \\\n   dnf remove -y nano\n", git,
			`Containerfile:7: section SYSTEM_PACKAGES: gcc, removed package nano, "# tools" (line 4)`},
		{"a heredoc", system, "SYSTEM_PACKAGES", "RUN <<EOF\nset -e\ndnf install gcc\nEOF\nRUN <<EOF bash\ndnf install make\nEOF\nRUN bash -e <<'EOF'\ndnf install g++\nEOF\n", git,
			"Containerfile:5: section SYSTEM_PACKAGES: gcc, make, g++"},
		{"a heredoc for others", system, "SYSTEM_PACKAGES", "RUN <<EOF\n#!/usr/bin/python3\nprint(1)\nEOF\n", git, `Containerfile:3: section SYSTEM_PACKAGES: "RUN <<EOF #!/usr/bin/python3 print(1)" (line 3)`},
		{"without a shell", system, "SYSTEM_PACKAGES", `RUN ["dnf", "install", "gcc"]` + "\n", git, "Containerfile:3: section SYSTEM_PACKAGES: gcc"},
		{"what has no words", system, "SYSTEM_PACKAGES", "ARG X=1\nRUN dnf install git $X\nRUN curl x | sh\nADD a /b\nRUN --network=none true\n", git,
			`Containerfile:3: section SYSTEM_PACKAGES: "ARG X=1" (line 3), "dnf install $X" (line 4), "curl x | sh" (line 5), "ADD a /b" (line 6), "RUN --network=none" (line 7)`},
		{"something long", system, "SYSTEM_PACKAGES", "RUN a " + strings.Repeat("ä", 99) + "\n", git, `Containerfile:3: section SYSTEM_PACKAGES: "a ` + strings.Repeat("ä", 58) + `"… (line 3)`},
		{"no end", system, "SYSTEM_PACKAGES", "RUN dnf install git \\\n", git, `Containerfile:3: section SYSTEM_PACKAGES: "RUN dnf install git (which has no end)" (line 3)`},
		{"an open heredoc", system, "SYSTEM_PACKAGES", "RUN <<EOF\ndnf install git\n", git, `Containerfile:3: section SYSTEM_PACKAGES: "RUN <<EOF dnf install git (which has no end)" (line 3)`},
		{"no instruction", system, "SYSTEM_PACKAGES", "git\n", git, `Containerfile:3: section SYSTEM_PACKAGES: "git" (line 3)`},
		{"the packages of a repository", system, "SYSTEM_PACKAGES", "RUN dnf install code\n",
			manifests("external-repos", `{"repos": [{"name": "code", "display_name": "C", "baseurl": "https://x.test/", "gpg_key": "https://x.test/k", "packages": ["code"]}]}`),
			"Containerfile:3: section SYSTEM_PACKAGES: code"}, // no section adds the repository
		{"COPR as the prior art has it", system, "COPR_REPOS", "RUN set -eu; \\\n    dnf copr enable -y a/b;\n", manifests("system-packages", `{"copr_repos": [{"name": "a/b"}]}`), ""},
		{"another COPR", system, "COPR_REPOS", "RUN dnf copr enable -y a/c\n", manifests("system-packages", `{"copr_repos": [{"name": "a/b"}]}`), "Containerfile:3: section COPR_REPOS: COPR repository a/c"},
		{"a repository", system, "EXTERNAL_REPOS", "COPY <<EOF /etc/yum.repos.d/x.repo\n[x]\nbaseurl=https://x.test/\nEOF\nCOPY x.repo /etc/yum.repos.d/\n", manifests(),
			"Containerfile:4: section EXTERNAL_REPOS: repository x (https://x.test/), file /etc/yum.repos.d/x.repo"},
		{"kernel arguments", system, "KERNEL_ARGUMENTS", "RUN rpm-ostree kargs --append=quiet --append=a\n", manifests("system-config", `{"kargs": ["a"]}`), "Containerfile:3: section KERNEL_ARGUMENTS: kernel argument quiet"},
		{"kernel arguments in a file", system, "KERNEL_ARGUMENTS", "COPY <<EOF /usr/lib/bootc/kargs.d/1.toml\nkargs = [\"a\",\n  \"b\"]\nEOF\n", manifests("system-config", `{"kargs": ["a"]}`), "Containerfile:5: section KERNEL_ARGUMENTS: kernel argument b"},
		{"units", system, "SYSTEMD_UNITS", "RUN set -eu; systemctl enable a.service b; systemctl mask c.service\n", manifests("system-config", `{"systemd": {"enable": ["a.service"], "disable": ["c.service"]}}`),
			"Containerfile:3: section SYSTEMD_UNITS: enabled unit b.service, masked unit c.service"},
		{"units in the form of bkt", system, "SYSTEMD_UNITS", "RUN systemctl enable \\\n    b.service\n", manifests("image", `{}`), "Containerfile:4: section SYSTEMD_UNITS: enabled unit b.service"},
		{"units that bkt has rendered", system, "SYSTEMD_UNITS", "RUN systemctl enable \\\n    b.service\n", manifests("system-config", `{}`), ""},
		{"units on one line", system, "SYSTEMD_UNITS", "RUN systemctl enable b.service\n", manifests("system-config", `{}`), "Containerfile:3: section SYSTEMD_UNITS: enabled unit b.service"},
		{"units and more", system, "SYSTEMD_UNITS", "RUN systemctl enable \\\n    b.service\nRUN x\n", manifests("system-config", `{}`), `Containerfile:4: section SYSTEMD_UNITS: enabled unit b.service, "x" (line 5)`},
		{"files", system, "SYSTEM_FILES", "COPY --chmod=0600 a /etc/a\nCOPY --link --chown=0:0 system/b c /etc/\nCOPY --from=x d /e\nCOPY f* /g/\n", manifests(),
			`Containerfile:3: section SYSTEM_FILES: file /etc/a (mode 0600), file /etc/b, file /etc/c, "COPY --from=x d /e" (line 5), "COPY f* /g/" (line 6)`},
		{"programs", system, "HOST_EXPORTS", "RUN distrobox-export --bin /usr/bin/x\n", manifests(), `Containerfile:3: section HOST_EXPORTS: "distrobox-export --bin /usr/bin/x" (line 3)`},
		{"toolchains", toolbox, "TOOLCHAIN_INSTALLERS", "RUN curl https://sh.rustup.rs | sh -s -- -y\n", manifests(), `toolbox/Containerfile:3: section TOOLCHAIN_INSTALLERS: "curl https://sh.rustup.rs | sh -s -- -y" (line 3)`},
		{"environment", toolbox, "TOOLBOX_ENVIRONMENT", "LABEL com.github.containers.toolbox=true x=\"a b\"\nENV A=b PATH=/x:${PATH}\nENV C $D\n", manifests(),
			`toolbox/Containerfile:3: section TOOLBOX_ENVIRONMENT: label x="a b", variable A="b", folder of PATH /x, "ENV C $D" (line 5)`},
		{"environment in the form of bkt", toolbox, "TOOLBOX_ENVIRONMENT", "LABEL com.github.containers.toolbox=\"true\"\nENV A=\"b\"\n", manifests(), `toolbox/Containerfile:4: section TOOLBOX_ENVIRONMENT: variable A="b"`},
	} {
		src := "FROM a\n" + section(c.section, c.body)
		got := stops(undeclared.Find(c.file, []byte(src), c.repo))
		if got != c.want {
			t.Errorf("%s:\n%s, not\n%s", c.name, got, c.want)
		}
		crlf := strings.ReplaceAll(src, "\n", "\r\n")
		if again := stops(undeclared.Find(c.file, []byte(crlf), c.repo)); again != got {
			t.Errorf("%s, with CRLF:\n%s, not\n%s", c.name, again, got)
		}
	}
}

func TestLosesWithAnotherEscape(t *testing.T) {
	src := "# escape=`\nFROM a\n" + section("TOOLBOX_PACKAGES", "RUN dnf install `\n  # c\n  gcc `\n  make\n") + section("TOOLBOX_ENVIRONMENT", "ENV A=\"b`\"\" B=`$x\n")
	want := `toolbox/Containerfile:6: section TOOLBOX_PACKAGES: gcc, make, "# c" (line 5)
toolbox/Containerfile:10: section TOOLBOX_ENVIRONMENT: variable A="b\"", variable B="$x"`
	if got := stops(undeclared.Find("toolbox/Containerfile", []byte(src), manifests())); got != want {
		t.Errorf("%s, not\n%s", got, want)
	}
}

func TestLosesBase(t *testing.T) {
	image := func(name string) fstest.MapFS {
		return manifests("image", fmt.Sprintf(`{"system": {"base": {"image": %q}, "labels": {"a": "1"}}}`, name))
	}
	for _, c := range []struct{ body, base, want string }{
		{"FROM quay.io/a/b:1", "quay.io/a/c:1", "Containerfile:2: section BASE_IMAGE: image quay.io/a/b:1"},
		{"FROM quay.io/a/b:1", "quay.io/a/b:2", ""},
		{"FROM --platform=linux/amd64 quay.io/a/b:1@sha256:" + strings.Repeat("0", 64) + " AS base", "quay.io/a/b", ""},
		{"FROM docker.io/library/fedora:1", "fedora:2", ""},
		{"FROM scratch", "fedora:2", ""},
		{"FROM scratch\nLABEL b=2", "fedora:2", `Containerfile:3: section BASE_IMAGE: label b="2"`},
		{"FROM $BASE AS base", "fedora:2", `Containerfile:2: section BASE_IMAGE: "FROM $BASE AS base" (line 2)`},
		{"FROM ctx AS base", "fedora:2", "Containerfile:2: section BASE_IMAGE: image ctx"},
		{"ARG V=1\nFROM fedora:$V", "fedora:2", `Containerfile:2: section BASE_IMAGE: "ARG V=1" (line 2), "FROM fedora:$V" (line 3)`},
		{"FROM quay.io/a/b:1\nLABEL b=2", "quay.io/a/b:1", `Containerfile:3: section BASE_IMAGE: label b="2"`},
		{"FROM quay.io/a/b:1\nLABEL a=\"1\"\nLABEL b=\"2\"", "quay.io/a/b:1", ""}, // bkt has rendered it
		{"FROM quay.io/a/b:1\nLABEL b=\"2\"", "quay.io/a/b:1", ""},
		{"FROM quay.io/a/b:1\nLABEL a=\"1\"\nLABEL b=\"2\"", "quay.io/a/c:1", `Containerfile:2: section BASE_IMAGE: image quay.io/a/b:1, label b="2"`},
	} {
		got := stops(undeclared.Find("Containerfile", []byte(section("BASE_IMAGE", c.body+"\n")), image(c.base)))
		if got != c.want {
			t.Errorf("%s, %s:\n%s, not\n%s", c.body, c.base, got, c.want)
		}
	}
}

// TestLosesVersions checks that a section in the form of bkt does not stop a command,
// and that bkt reports each dropped detail of an image, a file or a repository.
func TestLosesVersions(t *testing.T) {
	zeros, ones := "@sha256:"+strings.Repeat("0", 64), "@sha256:"+strings.Repeat("1", 64)
	base := func(image, digest string) fstest.MapFS {
		return manifests("image", fmt.Sprintf(`{"system": {"base": {"image": %q, "digest": %q}}}`, image, strings.TrimPrefix(digest, "@")))
	}
	files := manifests("system-config", `{"files": [{"src": "system/a", "dest": "/etc/a"}]}`)
	files["system/a"] = &fstest.MapFile{}
	repo := manifests("external-repos", `{"repos": [{"name": "x", "display_name": "X", "baseurl": "https://x.test/", "gpg_key": "https://x.test/k", "packages": ["a", "b"]}]}`)
	install := "RUN --mount=type=bind,source=system,target=/tmp/system \\\n    install -D -T -m %s /tmp/system/a /etc/a"
	from := "COPY <<'END_OF_REPO' /etc/yum.repos.d/x.repo\n[x]\nname=X\nbaseurl=https://x.test/\ngpgkey=https://x.test/k\nincludepkgs=%s\nEND_OF_REPO"
	for _, c := range []struct {
		section, body string
		repo          fstest.MapFS
		want          string // in what is said; "": nothing is
	}{
		{"BASE_IMAGE", "FROM quay.io/a/b:1", base("quay.io/a/b:1", ""), ""},
		{"BASE_IMAGE", "FROM quay.io/a/b:1", base("quay.io/a/b:1", ones), ""},
		{"BASE_IMAGE", "FROM fedora", base("docker.io/library/fedora:latest", ""), ""},
		{"BASE_IMAGE", "FROM quay.io/a/b:1", base("quay.io/a/b:2", ""), "image quay.io/a/b:1"},
		{"BASE_IMAGE", "FROM quay.io/a/b" + zeros, base("quay.io/a/b:1", zeros), ""},
		{"BASE_IMAGE", "FROM quay.io/a/b:1" + zeros, base("quay.io/a/b:1", ""), "image quay.io/a/b:1" + zeros},
		{"BASE_IMAGE", "FROM quay.io/a/b:1" + zeros, base("quay.io/a/b:1", ones), "image quay.io/a/b:1" + zeros},
		{"SYSTEM_FILES", fmt.Sprintf(install, "644"), files, ""},
		{"SYSTEM_FILES", fmt.Sprintf(install, "0600"), files, "file /etc/a (mode 0600)"},
		{"EXTERNAL_REPOS", fmt.Sprintf(from, "b"), repo, ""},
		{"EXTERNAL_REPOS", fmt.Sprintf(from, "b, c"), repo, "repository x (https://x.test/: b c)"},
	} {
		l := undeclared.Find("Containerfile", []byte(section(c.section, c.body+"\n")), c.repo)
		said := errors.Join(l.Edits().Findings("loses")...)
		if c.want == "" && said != nil || c.want != "" && (said == nil || !strings.HasSuffix(said.Error(), " loses: "+c.want)) || stops(l) != "" {
			t.Errorf("%s: %v, not %q; stops: %s", c.body, said, c.want, stops(l))
		}
	}
	// The text that a template writes without entries belongs to no one.
	none := section("KERNEL_ARGUMENTS", "COPY <<'END_OF_KARGS' /usr/lib/bootc/kargs.d/10-bkt.toml\n# No kernel arguments configured: add them to kargs in manifests/system-config.json\nkargs = []\nEND_OF_KARGS\n")
	if l := undeclared.Find("Containerfile", []byte("FROM a\n"+none), manifests("system-config", `{"kargs": ["a"]}`)); !l.Empty() {
		t.Errorf("%v", l.Edits().Findings("loses"))
	}
}

// TestOlderTemplates has what earlier versions of bkt have rendered: it is bkt's.
func TestOlderTemplates(t *testing.T) {
	for _, c := range []struct{ section, body string }{
		{"TOOLBOX_PACKAGES", "RUN --mount=type=cache,id=bkt-toolbox-base-libdnf5,target=/var/cache/libdnf5,sharing=locked \\\n" +
			"    --mount=type=cache,id=bkt-toolbox-base-dnf,target=/var/cache/dnf,sharing=locked \\\n" +
			"    dnf install -y --setopt=keepcache=1 \\\n    --enablerepo=copr:copr.fedorainfracloud.org:a:b \\\n    jq \\\n    && rm -f /var/log/dnf*.log* /var/log/hawkey.log*\n"},
		{"TOOLCHAIN_INSTALLERS", "RUN set -eu; \\\n    case \"$(uname -m)\" in \\\n    x86_64) url=https://x.test/a sha256=0 ;; \\\n" +
			"    *) echo rustup\": nothing to download for $(uname -m)\" >&2; exit 1 ;; \\\n    esac; \\\n    dir=$(mktemp -d); \\\n" +
			"    curl -fsSL --retry 3 -o \"$dir/download\" \"$url\"; \\\n    echo \"$sha256  $dir/download\" | sha256sum --check --quiet -; \\\n" +
			"    mkdir \"$dir/files\"; \\\n    tar -xf \"$dir/download\" -C \"$dir/files\"; \\\n    install -D -m 0755 \"$dir/files/\"x /usr/local/bin/rustup; \\\n    rm -rf \"$dir\"\n"},
	} {
		l := undeclared.Find("toolbox/Containerfile", []byte("FROM a\n"+section(c.section, c.body)), manifests())
		if got := stops(l); got != "" {
			t.Errorf("%s: %s", c.section, got)
		}
		if len(l.Edits().Findings("loses")) != 1 {
			t.Errorf("%s: it is not said that something goes", c.section)
		}
	}
}

// sections has every section of each file, in order.
var everySection = map[string][]string{
	"Containerfile":         {"BASE_IMAGE", "EXTERNAL_REPOS", "COPR_REPOS", "SYSTEM_PACKAGES", "KERNEL_ARGUMENTS", "SYSTEM_FILES", "SYSTEMD_UNITS", "HOST_EXPORTS"},
	"toolbox/Containerfile": {"BASE_IMAGE", "COPR_REPOS", "TOOLBOX_PACKAGES", "TOOLCHAIN_INSTALLERS", "TOOLBOX_ENVIRONMENT"},
}

// some returns some of the items, at least one of them.
func some[T any](r *rand.Rand, items ...T) []T {
	r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	return items[:1+r.IntN(len(items))]
}

// randomRepo returns a repository with manifests of all kinds.
func randomRepo(r *rand.Rand) fstest.MapFS {
	type object map[string]any
	names := func(prefix string) []string {
		return some(r, prefix+"1", prefix+"2", prefix+"3", prefix+"4")
	}
	pairs := func(prefix string) object {
		o := object{}
		for _, n := range names(prefix) {
			o[n] = fmt.Sprintf(`%d "$HOME" \ é`, r.IntN(3))
		}
		return o
	}
	packages := func() object {
		var coprs []object
		for _, n := range names("a/p") {
			coprs = append(coprs, object{"name": n, "gpg_check": r.IntN(2) == 0})
		}
		all := []any{"python3dist(x)"}
		for _, n := range names("p") {
			all = append(all, n)
		}
		for _, n := range names("o") {
			all = append(all, object{"name": n, "from_repo": names("from")[0], "weak_deps": r.IntN(2) == 0, "setopt": object{names("s")[0]: "a b"}, "allow_erasing": r.IntN(2) == 0, "enable_repo": names("en")})
		}
		return object{"packages": all, "groups": names("g"), "excluded": names("e"), "removed": names("r"), "copr_repos": coprs}
	}
	var repos, toolchains, files []object
	for _, n := range names("repo") {
		repos = append(repos, object{"name": n, "display_name": "R " + n, "baseurl": "https://x.test/" + n, "gpg_key": "https://x.test/key", "packages": names(n + "-"), "opt_path": "x/" + n})
	}
	for _, n := range names("tool") {
		toolchains = append(toolchains, object{"name": n, "path": "/usr/local/bin/" + n, "url": object{"x86_64": "https://x.test/" + n}, "sha256": object{"x86_64": strings.Repeat("0", 64)}})
	}
	repo := fstest.MapFS{}
	for _, n := range names("f") {
		repo["system/"+n] = &fstest.MapFile{}
		files = append(files, object{"src": n, "dest": "/etc/" + n, "mode": some(r, "0644", "0755")[0]})
	}
	box := object{"image": "x", "env": pairs("E"), "path": []string{some(r, "/a", "~/b")[0], "/c", "$PATH"}, "bins": object{"to": "/usr/bin", "also": []string{"/usr/bin/" + names("x")[0], "/usr/bin/x9"}}}
	unit := func(prefix string) []string {
		var units []string
		for _, n := range names(prefix) {
			units = append(units, n+".service")
		}
		return units
	}
	for name, content := range map[string]any{
		"image":            object{"system": object{"base": object{"image": "b:" + some(r, "1", "2")[0]}, "labels": pairs("l")}, "toolbox": object{"base": object{"image": "t"}}},
		"system-packages":  packages(),
		"toolbox-packages": packages(),
		"external-repos":   object{"repos": repos},
		"toolchains":       object{"toolchains": toolchains},
		"distrobox":        object{"containers": object{"dev": box}},
		"system-config":    object{"kargs": names("k"), "files": files, "systemd": object{"enable": unit("u"), "disable": unit("v"), "mask": unit("w")}},
	} {
		text, err := json.Marshal(content)
		if err != nil {
			panic(err)
		}
		repo["manifests/"+name+".json"] = &fstest.MapFile{Data: text}
	}
	return repo
}

// TestChangingManifestsLosesNothing renders from manifests, changes them at
// random, and renders again: nothing is foreign then, with the old manifests at
// hand or without; and with them, nothing is lost.
func TestChangingManifestsLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		before, after := randomRepo(r), randomRepo(r)
		for file, names := range everySection {
			src := ""
			for _, n := range names {
				src += section(n, "")
			}
			res, err := gen.Render(file, []byte(src), before)
			if err != nil {
				t.Fatal(err)
			}
			if l := undeclared.Find(file, res.Text, before); !l.Empty() {
				t.Fatalf("what is up to date loses %v", l.Findings(""))
			}
			l := undeclared.Find(file, res.Text, after)
			if got := stops(l); got != "" {
				t.Fatal(got)
			}
			if l = l.Explain(before); !l.Empty() {
				t.Fatalf("the manifests before do not explain %v", l.Findings(""))
			}
		}
	}
}

// TestTakingGivesTheManifestsBack renders from manifests and takes the text into a
// repository without manifests: rendering these gives the same text, if manifests can
// express all of it.
func TestTakingGivesTheManifestsBack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 30 {
		before := randomRepo(r)
		src := ""
		for _, n := range []string{"BASE_IMAGE", "COPR_REPOS", "SYSTEM_PACKAGES", "KERNEL_ARGUMENTS", "SYSTEM_FILES", "SYSTEMD_UNITS"} {
			src += section(n, "")
		}
		res, err := gen.Render("Containerfile", []byte(src), before)
		if err != nil {
			t.Fatal(err)
		}
		after := fstest.MapFS{}
		for name, f := range before {
			if strings.HasPrefix(name, "system/") {
				after[name] = f
			}
		}
		for name, text := range undeclared.Find("Containerfile", res.Text, after).Take(after).Manifests {
			after[name] = &fstest.MapFile{Data: text}
		}
		again, err := gen.Render("Containerfile", []byte(src), after)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(res.Text), string(again.Text)); diff != "" {
			t.Fatalf("(-before +after):\n%s", diff)
		}
	}
}

func TestTakingKeepsWhatManifestsSay(t *testing.T) {
	repo := manifests("system-packages", `{"packages": ["jq"], "copr_repos": [{"name": "a/b", "enabled": false, "comment": "why"}]}`)
	src := "FROM a\n" + section("COPR_REPOS", "RUN dnf copr enable a/b\n")
	got := string(undeclared.Find("Containerfile", []byte(src), repo).Take(repo).Manifests["manifests/system-packages.json"])
	want := `{"packages":["jq"],"copr_repos":[{"name":"a/b","comment":"why"}]}`
	if strings.Join(strings.Fields(got), "") != want {
		t.Errorf("%s, not %s", got, want)
	}
}

// FuzzLose checks that reading any text of a section does not panic, and that an
// up-to-date section loses nothing.
func FuzzLose(f *testing.F) {
	for _, body := range []string{
		"RUN dnf install git \\\n  gcc\n", "RUN <<A <<'B'\nx\nA\n\ty\nB\n", "RUN --mount=x\\\n a\n", "RUN\n", "COPY <<A\nA\n", "ENV\n", "ENV A=\"\n",
		"LABEL a b c\n", "FROM\n", "RUN [\"\"]\n", "RUN <<A\n", "RUN a <<A\nx\nA\n", "RUN <<\"\n", "RUN \\\n# x\n\n  y <<A\nz\nA\n", "x \\\n", "COPY [\"a\", \"b\"]\n", "RUN <<A b\nc\nA\n",
	} {
		f.Add(body, true)
	}
	f.Fuzz(func(t *testing.T, body string, backtick bool) {
		src := "FROM a\n" + section("SYSTEM_PACKAGES", body)
		if backtick {
			src = "# escape=`\n" + src
		}
		repo := manifests("system-packages", `{"packages": ["git"]}`)
		undeclared.Find("Containerfile", []byte(src), repo).Take(repo)
		if res, err := gen.Render("Containerfile", []byte(src), repo); err == nil && !undeclared.Find("Containerfile", res.Text, repo).Empty() {
			t.Errorf("%q: what is up to date loses something", res.Text)
		}
	})
}

func TestUntaken(t *testing.T) {
	repo := manifests("system-packages", `{"packages": ["git"], "removed": ["nano"]}`)
	repo["other/x"], repo["system/y"] = &fstest.MapFile{Mode: 0o777 | fs.ModeSymlink, Data: []byte("y")}, &fstest.MapFile{Mode: 0o644}
	src := "FROM a\n" + section("SYSTEM_PACKAGES", "RUN dnf install gcc nano /x/*.rpm --best\nRUN dnf copr enable a/b\n") +
		section("SYSTEM_FILES", "COPY other/x /etc/x\nCOPY system/y /etc/y\n")
	l := undeclared.Find("Containerfile", []byte(src), repo)
	taking := l.Take(repo)
	for name, text := range taking.Manifests {
		repo[name] = &fstest.MapFile{Data: text}
	}
	res, err := gen.Render("Containerfile", []byte(src), repo)
	if err != nil {
		t.Fatal(err)
	}
	got := report(errors.Join(l.Without(res.Text).Untaken(taking)...))
	want := `Containerfile:4: section SYSTEM_PACKAGES has text that no section in the file renders: COPR repository a/b
Containerfile:3: section SYSTEM_PACKAGES has text that no manifest can express: nano, /x/*.rpm, "dnf install --best" (line 3)
Containerfile:7: section SYSTEM_FILES has text that no manifest can express: file /etc/x
hint: add the section with "bkt containerfile sync --insert --take text"
hint: move it out of the section, or drop the section's text with "bkt containerfile sync --take manifest"
hint: /x/*.rpm: a package without a repository is not verified: declare the repository that has it
hint: nano: it would be in packages and in removed: add it to one of the two
hint: file /etc/x: copy the file that it leads to
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(hint.Of(l.Stops()[0])) != 1 {
		t.Error("how to decide is not said")
	}
}

// report returns the lines that the user sees of err.
func report(err error) string {
	out := err.Error() + "\n"
	for _, h := range hint.Of(err) {
		out += "hint: " + h + "\n"
	}
	return out
}
