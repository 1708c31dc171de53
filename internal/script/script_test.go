package script_test

import (
	"fmt"
	"strings"
	"testing"

	"bkt/internal/script"

	"github.com/google/go-cmp/cmp"
)

// described returns statements as lines: line, kind, name; for some, more fields.
func described(all []script.Statement) []string {
	var lines []string
	for _, s := range all {
		kind := string(s.Kind)
		if s.Kind == script.Other {
			kind = "other"
		}
		line := fmt.Sprintf("%d %s %s", s.Line, kind, s.Name)
		if s.Kind == script.File {
			line += " = " + s.Value + " " + s.Mode
		}
		if s.Repo != nil {
			line += fmt.Sprintf(" %+v", *s.Repo)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"plain", "dnf install -y git gcc", []string{"1 package git", "1 package gcc"}},
		{"lines", "dnf -y install \\\n    git \\\n    gcc", []string{"2 package git", "3 package gcc"}},
		{"other programs", "dnf5 install a; yum install b; microdnf install c; /usr/bin/dnf install d; sudo dnf in e",
			[]string{"1 package a", "1 package b", "1 package c", "1 package d", "1 package e"}},
		{"chain", "set -eux && dnf install -y a && dnf remove -y b\ndnf erase c && dnf clean all && rm -rf /var/cache/dnf",
			[]string{"1 package a", "1 removed package b", "2 removed package c"}},
		{"groups of commands", "{ dnf install a; }; ( dnf install b )", []string{"1 package a", "1 package b"}},
		{"groups of packages", `dnf install @x; dnf group install y "Some Thing"; dnf groupinstall z; dnf group remove w`,
			[]string{"1 package @x", "1 package @y", "1 package @Some Thing", "1 package @z", "1 removed package @w"}},
		{"quotes", `dnf install 'python3dist(requests)' "gcc-13.2*" a\*`, []string{"1 package python3dist(requests)", "1 package gcc-13.2*", "1 package a*"}},
		{"repositories of an install", "dnf install --enablerepo=a,b --enablerepo c d", []string{"1 --enablerepo a", "1 --enablerepo b", "1 --enablerepo c", "1 package d"}},
		{"excluded", "dnf install -x a --exclude=b,c d", []string{"1 excluded package a", "1 excluded package b", "1 excluded package c", "1 package d"}},
		{"options that change nothing", "dnf install -y -q --refresh --setopt=keepcache=1 --setopt keepcache=True a >/dev/null 2>&1", []string{"1 package a"}},
		{"options that count", "dnf install --allowerasing --setopt=install_weak_deps=False --setopt tsflags=nodocs --nogpgcheck a",
			[]string{"1 package a", "1 other dnf install --allowerasing", "1 other dnf install --setopt=install_weak_deps=False", "1 other dnf install --setopt=tsflags=nodocs", "1 other dnf install --nogpgcheck"}},
		{"options with values", "dnf install --repofrompath x,https://x.test --releasever 43 a", []string{"1 package a", "1 other dnf install --repofrompath=x,https://x.test", "1 other dnf install --releasever=43"}},
		{"options of a removal", "dnf remove --noautoremove a", []string{"1 removed package a", "1 other dnf remove --noautoremove"}},
		{"functions of bkt", "bkt_from() ( x; ); bkt_remove a 'b*' && bkt_from v dnf install -y --enablerepo=v c && bkt_on 'x86_64 s390x' bkt_from v dnf install d; bkt_swap e f dnf swap e f; other() { x; }; bkt_from v",
			[]string{"1 removed package a", "1 removed package b*", "1 --enablerepo v", "1 package c", "1 other dnf install --from-repo=v",
				"1 package d", "1 other dnf install --from-repo=v",
				"1 other bkt_swap e f dnf swap e f", "1 other other() { x; }", "1 other bkt_from v"}},
		{"variables", `dnf install $X "a-$Y" b $(cat list)`, []string{"1 other dnf install $X", `1 other dnf install "a-$Y"`, "1 package b", "1 other dnf install $(cat list)"}},
		{"files and URLs", "dnf install /tmp/rpms/*.rpm https://example.org/x.rpm", []string{"1 package /tmp/rpms/*.rpm", "1 package https://example.org/x.rpm"}},
		{"other commands of dnf", "dnf upgrade -y; dnf swap a b; dnf config-manager addrepo --from-repofile=https://x; dnf module enable x",
			[]string{"1 other dnf upgrade -y", "1 other dnf swap a b", "1 other dnf config-manager addrepo --from-repofile=https://x", "1 other dnf module enable x"}},
		{"rpm-ostree", "rpm-ostree install --idempotent a && rpm-ostree override remove b && rpm-ostree uninstall c && rpm-ostree cleanup -m && ostree container commit",
			[]string{"1 package a", "1 removed package b", "1 removed package c", "1 other ostree container commit"}},
		{"rpm-ostree kargs", "rpm-ostree kargs --append=quiet --append-if-missing=a=b --delete=rhgb", []string{"1 kernel argument quiet", "1 kernel argument a=b", "1 other rpm-ostree kargs --delete=rhgb"}},
		{"values in words of their own", "rpm-ostree kargs --append quiet --delete rhgb x; rpm-ostree override remove a --install b",
			[]string{"1 kernel argument quiet", "1 other rpm-ostree kargs --delete=rhgb", "1 other rpm-ostree kargs x", "1 removed package a", "1 other rpm-ostree remove --install=b"}},
		{"COPR", "dnf copr enable -y a/b; dnf -y copr enable copr.fedorainfracloud.org/@c/d", []string{"1 COPR repository a/b", "1 COPR repository @c/d"}},
		{"COPR for a while", "dnf copr enable a/b && dnf install c && dnf copr disable a/b", []string{"1 COPR repository a/b", "1 package c"}},
		{"COPR of others", "dnf copr enable a/b epel-9-x86_64; dnf copr disable c/d", []string{"1 other dnf copr enable a/b epel-9-x86_64", "1 other dnf copr disable c/d"}},
		{"units", "systemctl enable sshd podman.socket; systemctl disable -q a.timer; systemctl mask b.service",
			[]string{"1 enabled unit sshd.service", "1 enabled unit podman.socket", "1 disabled unit a.timer", "1 masked unit b.service"}},
		{"units of users", "systemctl --global enable a.service; systemctl unmask a.service; systemctl --global unmask b.service; systemctl enable --now b.service; systemctl set-default x.target",
			[]string{"1 enabled unit of all users a.service", "1 unmasked unit a.service", "1 other systemctl --global unmask b.service", "1 other systemctl enable --now b.service", "1 other systemctl set-default x.target"}},
		{"conditions", "if true; then dnf install a; fi; dnf install b || true; ! dnf install c; dnf install d &", []string{
			"1 other if true; then dnf install a; fi", "1 other dnf install b || true", "1 other ! dnf install c", "1 other dnf install d &"}},
		{"pipes", "curl -fsSL https://sh.rustup.rs | sh -s -- -y", []string{"1 other curl -fsSL https://sh.rustup.rs | sh -s -- -y"}},
		{"assignments", "X=1 dnf install a; Y=2; export Z=3", []string{"1 other X=1 dnf install a", "1 other Y=2", "1 other export Z=3"}},
		{"redirections", "dnf install a <list", []string{"1 other dnf install a <list"}},
		{"idle", ": x; true; echo done; set -e; rm -f /var/log/dnf*.log* /tmp/x; cd", []string{"1 other cd"}},
		{"operands of a script", `set -eu -- git gcc; dnf install "$@"; set -o pipefail; set +x`, []string{"1 other set -eu -- git gcc", `1 other dnf install "$@"`}},
		{"a file by >&", "echo x >&/etc/y; echo x >&2; echo x 2>&-; echo x >&$Y", []string{"1 other echo x >&/etc/y", "1 other echo x >&$Y"}},
		{"not idle", "rm -rf /etc/x; rm -rf /tmp/../etc; echo x >/etc/y; echo $(date)", []string{"1 other rm -rf /etc/x", "1 other rm -rf /tmp/../etc", "1 other echo x >/etc/y", "1 other echo $(date)"}},
		{"shells", "bash -euxc 'dnf install a\ndnf install b'; sh <<'E'\ndnf install c\nE\n", []string{"1 package a", "2 package b", "3 package c"}},
		{"shells that are not read", "bash x.sh; bash -c \"dnf install $X\"", []string{"1 other bash x.sh", `1 other bash -c "dnf install $X"`}},
		{"files of the repository", "install -D -T -m 0755 /tmp/system/etc/x /etc/x && install -m 0644 /x /y", []string{"1 file /etc/x = system/etc/x 0755", "1 other install -m 0644 /x /y"}},
		{"comments", "# a\ndnf install b # c\n", []string{"2 package b", "1 comment # a", "2 comment # c"}},
		{"comments in blocks", "#!/bin/sh\n#\nif x; then # why\n  y\nfi\n", []string{"3 other if x; then # why y fi", "3 comment # why"}},
		{"broken", "dnf install 'a", []string{"1 other dnf install 'a"}},
		{"nothing", " \n#\n", nil},
		{"kargs.d", "echo 'kargs = [\"quiet\"]' > /usr/lib/bootc/kargs.d/1.toml; cat <<'E' >/usr/lib/bootc/kargs.d/2.toml\nkargs = [ # c\n  \"a=\\\"b c\\\"\",\n  'd',\n]\nE\n",
			[]string{"1 kernel argument quiet", "3 kernel argument a=\"b c\"", "4 kernel argument d", "2 comment # c"}},
		{"tabs", "cat <<-E >/usr/lib/bootc/kargs.d/2.toml\n\tkargs = [\"a\"]\n\tE\n", []string{"2 kernel argument a"}},
		{"kargs.d with more", "echo 'kargs = [\"quiet\"]\nmatch-architectures = [\"x86_64\"]' > /usr/lib/bootc/kargs.d/1.toml; printf 'kargs = [\"q\"]' >/usr/lib/bootc/kargs.d/2.karg",
			[]string{`1 other echo 'kargs = ["quiet"] match-architectures = ["x86_64"]' > /usr/lib/bootc/kargs.d/1.toml`, `2 other printf 'kargs = ["q"]' >/usr/lib/bootc/kargs.d/2.karg`}},
		{"a repository", "tee /etc/yum.repos.d/a.repo <<'E' >/dev/null\n[a]\nname=A\nbaseurl=https://a/$basearch\nenabled=1\ngpgcheck=1\ngpgkey=https://a/key\nincludepkgs=b, c\nE\n",
			[]string{"2 repository a {Name:A BaseURL:https://a/$basearch GPGKey:https://a/key Packages:[b c] Unchecked:false}"}},
		{"a repository with more", "cat >/etc/yum.repos.d/a.repo <<'E'\n[a]\nbaseurl=x\ngpgcheck=0\npriority=1\n[b]\nmetalink=y\nE\n", []string{
			"2 repository a {Name: BaseURL:x GPGKey: Packages:[] Unchecked:true}", "5 other [a] priority=1",
			"6 repository b {Name: BaseURL: GPGKey: Packages:[] Unchecked:false}", "7 other [b] metalink=y"}},
		{"comments of a repository", "cat >/etc/yum.repos.d/a.repo <<'E'\n# why\n[a]\nbaseurl=x\n;b\nE\n", []string{
			"3 repository a {Name: BaseURL:x GPGKey: Packages:[] Unchecked:false}", "2 comment # why", "5 comment ;b"}},
		{"a repository with variables", "cat >/etc/yum.repos.d/a.repo <<E\n[a]\nbaseurl=$X\nE\n", []string{"1 other cat >/etc/yum.repos.d/a.repo <<E [a] baseurl=$X E"}},
		{"a repository of COPR", "cat >/etc/yum.repos.d/a.repo <<'E'\n[copr:x]\nbaseurl=https://download.copr.fedorainfracloud.org/results/@a/b/fedora-$releasever-$basearch/\ngpgcheck=1\nE\n", []string{
			"2 COPR repository @a/b {Name: BaseURL:https://download.copr.fedorainfracloud.org/results/@a/b/fedora-$releasever-$basearch/ GPGKey: Packages:[] Unchecked:false}"}},
	} {
		if diff := cmp.Diff(c.want, described(script.Read(c.text))); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestCommand(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"dnf install -y a", "1 package a"},
		{"curl x", "1 other curl x"},
		{"dnf install $X", "1 package $X"}, // no shell would put in a value
	} {
		if got := strings.Join(described(script.Command(strings.Fields(c.args))), "\n"); got != c.want {
			t.Errorf("%s: %s, not %s", c.args, got, c.want)
		}
	}
}

// FuzzRead checks that no word of a plain install is lost in any text, and that nothing
// panics.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"dnf install -y a", "if x; then\n", "<<E", "$(", "cat <<'E' >/etc/yum.repos.d/x.repo\n[a]\nE\n", "a \\\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all := script.Read("dnf install -y kept-whatever\n" + text)
		if !strings.Contains(strings.Join(described(all), "\n"), "kept-whatever") {
			t.Errorf("%q: %v", text, described(all))
		}
	})
}
