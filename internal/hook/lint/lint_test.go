package lint_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"bkt/internal/finding"
	"bkt/internal/hook"
	"bkt/internal/hook/lint"
	"bkt/internal/manifest"
	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
)

// bad are hooks with the rules that they break.
var bad = []struct{ run, rules string }{
	{`echo "export PATH=$PATH" >> ~/.bashrc`, "append"},
	{`rustup install 1.70.0`, "pinned-version"},
	{`curl -o /tmp/setup.sh https://example.com/setup.sh`, "temporary-download curl-fail"},

	{`printf 'x\n' >>/etc/profile`, "append"},
	{`cat >> ~/.profile < /etc/skel/x`, "append"},
	{`{ echo a; echo b; } >> ~/.bashrc`, "append"},
	{`make all &>> ~/log`, "append"},
	{`echo x >> ~/.bashrc || true`, "append"},
	{`cd ~ && echo x >> .bashrc`, "append"},
	{`echo x | tee -a /etc/hosts`, "append"},
	{`echo x | sudo tee --append /etc/hosts > /dev/null`, "append"},
	{`echo x | sudo /usr/bin/tee -a /etc/hosts /etc/networks`, "append"},
	{`sed -i '$a export A=1' ~/.bashrc`, "append"},
	{`sed -i -e '1i # top' ~/.bashrc`, "append"},
	{`sed -i.bak '/^PATH/a more' ~/.profile`, "append"},
	{`sed -Ei 's/a/b/; $ a more' ~/.profile`, "append"},
	{`[ -f ~/.bashrc ] && echo x >> ~/.bashrc`, "append"},
	{`[[ -d ~/.config/fish ]] && echo x >> ~/.config/fish/config.fish`, "append"},
	{`if [ -w ~/.bashrc ]; then echo x >> ~/.bashrc; fi`, "append"},
	{`command -v mise >/dev/null && echo 'eval "$(mise activate bash)"' >> ~/.bashrc`, "append"},
	{`f=~/.bashrc; echo x >> "$f"`, "append"},
	{`for f in a b; do echo x >> ~/$f; done`, "append"},
	{`bash -c 'echo x >> ~/.bashrc'`, "append"},
	{`bash -euo pipefail -c "echo x >> ~/.bashrc"`, "append"},
	{`sudo sh -c 'echo x >> /etc/hosts'`, "append"},
	{`su - dev -c 'echo x >> ~/.bashrc'`, "append"},
	{`eval 'echo x >> ~/.bashrc'`, "append"},
	{`add() { echo x >> ~/.bashrc; }; add`, "append"},
	{`exec >> /var/log/box.log 2>&1`, "append"},
	{`[ -e ~/.x ] || : > ~/.x; echo y >> ~/.x`, "append"},
	{`(crontab -l; echo '@daily true') | crontab -`, "crontab"},
	{`git config --global --add safe.directory '*'`, "git-config-add"},

	{strings.Repeat("$(", 20_000) + strings.Repeat(")", 20_000), "limit"},

	{`rustup toolchain install 1.70`, "pinned-version"},
	{`rustup default 1.70.0`, "pinned-version"},
	{`rustup update 1.70.0`, "pinned-version"},
	{`rustup default nightly-2024-05-01`, "pinned-version"},
	{`V=1.70.0; rustup install $V`, "pinned-version"},
	{`V=1.70.0; rustup install "${V}"`, "pinned-version"},
	{`~/.cargo/bin/rustup install 1.70.0`, "pinned-version"},
	{`proto install node 20.1.0`, "pinned-version"},
	{`proto install node@20`, "pinned-version"},
	{`nvm install 18`, "pinned-version"},
	{`mise use -g node@20.1`, "pinned-version"},
	{`npm i -g x@1.2.3`, "pinned-version"},
	{`npm install -g @scope/x@1.2.3`, "pinned-version"},
	{`pip install x==1.2`, "pinned-version"},
	{`python3 -m pip install --user 'x==1.2'`, "pinned-version"},
	{`uv tool install ruff==0.5.0`, "pinned-version"},
	{`cargo install x --version 1.2`, "pinned-version"},
	{`cargo install x@1.2`, "pinned-version"},
	{`go install example.com/m@v1.2.3`, "pinned-version"},
	{`gem install -v 2.0 x`, "pinned-version"},
	{`sudo dnf install -y foo-1.2.3`, "pinned-version"},
	{`dnf install -y gcc-13.2.1-7.fc40.x86_64`, "pinned-version"},
	{`apt-get install -y foo=1.2-1`, "pinned-version"},
	{`env RUSTUP_HOME=/opt nice -n 5 rustup install 1.70.0`, "pinned-version"},
	{`A=b command rustup install 1.70.0`, "pinned-version"},
	{`runuser -u dev -- rustup install 1.70.0`, "pinned-version"},
	{`timeout 60 rustup install 1.70.0`, "pinned-version"},

	{`curl -fsSL https://example.com/x > /tmp/x`, "temporary-download"},
	{`cd /tmp && curl -fO https://example.com/x`, "temporary-download"},
	{`cd /tmp; curl -fsSLO https://example.com/x.tar.gz`, "temporary-download"},
	{`curl -f --output-dir /var/tmp -O https://example.com/x`, "temporary-download"},
	{`curl -fo "$TMPDIR/x" https://example.com/x`, "temporary-download"},
	{`curl -fo ${TMPDIR:-/tmp}/x https://example.com/x`, "temporary-download"},
	{`d=/tmp/work; mkdir -p $d; curl -fo $d/x https://example.com/x`, "temporary-download"},
	{`wget -O /tmp/x https://example.com/x`, "temporary-download"},
	{`wget -qP /tmp https://example.com/x`, "temporary-download"},
	{`cd /tmp && wget https://example.com/x`, "temporary-download"},
	{`wget https://example.com/x.tar.gz`, "wget-copy"},
	{`aria2c -d /tmp https://example.com/x`, "temporary-download"},
	{`git clone https://example.com/x /tmp/x`, "temporary-download clone"},
	{`t=$(mktemp); curl -fo "$t" https://example.com/x; install -m 755 "$t" ~/.local/bin/x`, "temporary-file"},
	{`cd "$(mktemp -d)" && curl -fO https://example.com/x`, "temporary-file"},

	{`mkdir ~/.cache/x`, "mkdir"},
	{`mkdir -m 700 ~/.x || exit 1`, "mkdir"},
	{`[ -d ~/.x ] || true; mkdir ~/.x`, "mkdir"},
	{`echo a b | xargs mkdir`, "mkdir"},
	{`ln -s /usr/bin/distrobox-host-exec /usr/local/bin/podman`, "link"},
	{`ln a b`, "link"},
	{`useradd -m dev`, "account"},
	{`groupadd docker`, "account"},
	{`mkfifo ~/.pipe`, "special-file"},
	{`flatpak remote-add --user flathub https://dl.flathub.org/repo/flathub.flatpakrepo`, "remote"},
	{`git clone https://example.com/x ~/x`, "clone"},
	{`git -C ~ clone --depth 1 https://example.com/x.git`, "clone"},
	{`mv /etc/dnf/dnf.conf /etc/dnf/dnf.conf.bak`, "move"},
	{`rm /etc/motd`, "remove"},
	{`rm -r ~/.cache/x`, "remove"},
	{`dnf install jq`, "asks"},
	{`sudo apt-get install jq`, "asks"},
	{`dnf copr enable owner/project`, "asks"},
	{`rpm -q jq || dnf install jq`, "asks"},

	{`date > ~/.stamp`, "varying"},
	{`echo "$(date +%s)" > ~/.stamp`, "varying"},
	{`now=$(date); echo $now > ~/.stamp`, "varying"},
	{`echo $RANDOM > ~/.seed`, "varying"},
	{`uuidgen | tee /etc/machine-id`, "varying"},
	{`head -c 32 /dev/urandom | base64 > ~/.key`, "varying"},
	{`cp ~/.bashrc ~/.bashrc.$(date +%s)`, "varying"},

	{`curl -o ~/.local/bin/x https://example.com/x`, "curl-fail"},
	{`curl -sSL https://example.com/x > ~/.local/bin/x`, "curl-fail"},
	{`curl -fsSL https://example.com/x.sh | sh`, "pipe-to-shell"},
	{`curl -sSL https://example.com/x.sh | sudo bash -s -- -y`, "curl-fail pipe-to-shell"},
	{`wget -qO- https://example.com/x.sh | sh`, "pipe-to-shell"},
	{`sh -c "$(curl -fsSL https://example.com/x.sh)"`, "pipe-to-shell"},
	{`bash <(curl -fsSL https://example.com/x.sh)`, "pipe-to-shell"},

	{`for v in $(curl -s https://example.com/x); do echo $v; done`, "curl-fail"},
	{`export V=$(curl -s https://example.com/x)`, "curl-fail"},
	{`[[ $(curl -s https://example.com/x) = y ]]`, "curl-fail"},
	{`cat <<< "$(curl -s https://example.com/x)"`, "curl-fail"},

	{`if true; then`, "syntax"},
	{`echo "x`, "syntax"},
}

// good are hooks that break no rule.
var good = []string{
	`rustup update stable`,
	`proto install node`,
	`rustup default stable`,
	`rustup toolchain install nightly`,
	`rustup component add clippy`,
	`proto install node lts`,
	`nvm install --lts`,
	`npm i -g typescript`,
	`npm i -g @scope/x@latest`,
	`pip install --upgrade 'x>=1.2'`,
	`cargo install ripgrep`,
	`go install example.com/m@latest`,
	`dnf install -y java-1.8.0-openjdk python3.12 jq`,
	`dnf -y install https://example.com/release-$(rpm -E %fedora).noarch.rpm`,
	`sudo DEBIAN_FRONTEND=noninteractive apt-get install -qq jq`,
	`yes | dnf install jq`,
	`pacman -S --noconfirm jq`,

	`grep -qxF 'x' ~/.bashrc || echo 'x' >> ~/.bashrc`,
	`grep -q x ~/.bashrc 2>/dev/null || { echo a; echo x; } >> ~/.bashrc`,
	`if ! grep -q x ~/.bashrc; then echo x >> ~/.bashrc; fi`,
	`if grep -q x ~/.bashrc; then :; else echo x >> ~/.bashrc; fi`,
	`[ -f ~/.bashrc ] && ! grep -q x ~/.bashrc && echo x >> ~/.bashrc`,
	`grep -q x /etc/hosts || echo x | sudo tee -a /etc/hosts`,
	`grep -q x ~/.bashrc && exit 0; echo x >> ~/.bashrc`,
	`if grep -q x ~/.bashrc; then exit 0; fi; echo x >> ~/.bashrc`,
	`for f in .bashrc .zshrc; do grep -q x ~/$f && continue; echo x >> ~/$f; done`,
	`case ":$PATH:" in *:/opt/bin:*) ;; *) echo x >> ~/.bashrc ;; esac`,
	`[ -e ~/.x ] || echo y >> ~/.x`,
	`[ ! -e ~/.x ] && echo y >> ~/.x`,
	`: > ~/.x; echo y >> ~/.x`,
	`> ~/.x; echo y >> ~/.x; echo z >> ~/.x`,
	`rm -f ~/.x && echo y >> ~/.x`,
	`echo a > ~/.x && echo b >> "$HOME/.x"`,
	`cp /etc/skel/.bashrc ~/.bashrc && echo y >> ~/.bashrc`,
	`: >> ~/.hushlogin`,
	`>> ~/.hushlogin`,
	`echo x >> /dev/null; echo y >> /dev/stderr`,
	`echo '# no >> here' > ~/.x`,
	`echo 'echo x >> ~/.bashrc' > ~/.local/bin/x`,
	`sed -i 's/a/b/' ~/.x`,
	`sed -i 's/append/i a/;s|x|a|' ~/.x`,
	`sed -i -e '/^x/d' -e '$a x' ~/.x`,
	`grep -q x ~/.x || sed -i '$a x' ~/.x`,
	`sed -n '$a x' ~/.x`,
	`{ crontab -l | grep -v x; echo x; } | crontab -`,
	`git config --global user.name x`,

	`mkdir -p ~/.cache/x`,
	`mkdir -pm 700 ~/.x`,
	`[ -d ~/.x ] || mkdir ~/.x`,
	`test -d ~/.x || sudo mkdir ~/.x`,
	`[[ -d ~/.x ]] || mkdir ~/.x`,
	`if [ ! -d ~/.x ]; then mkdir ~/.x; fi`,
	`mkdir ~/.x 2>/dev/null || true`,
	`mkdir ~/.x || :`,
	`set +e; mkdir ~/.x; true`,
	`rm -rf ~/.x && mkdir ~/.x`,
	`ln -sf a ~/b`,
	`ln -sfn /usr/bin/distrobox-host-exec /usr/local/bin/podman`,
	`ln -nsf a ~/b`,
	`ln --symbolic --force a ~/b`,
	`[ -L ~/b ] || ln -s a ~/b`,
	`rm -f ~/b; ln -s a ~/b`,
	`id -u x >/dev/null 2>&1 || useradd x`,
	`getent group docker || groupadd docker`,
	`groupadd -f docker`,
	`usermod -aG docker dev`,
	`test -p ~/.pipe || mkfifo ~/.pipe`,
	`flatpak remote-add --if-not-exists flathub https://example.com/x`,
	`test -d ~/x || git clone https://example.com/x ~/x`,
	`git -C ~/x pull || git clone https://example.com/x ~/x`,
	`git clone https://example.com/x ~/x || git -C ~/x pull`,
	`[ -e ~/a ] && mv ~/a ~/b`,
	`mv -n ~/a ~/b`,
	`cp -n ~/a ~/b`,
	`rm -f ~/.x`,
	`rm -rf ~/.cache/x`,

	`curl -fsSL https://example.com/x -o ~/.local/bin/x && chmod +x ~/.local/bin/x`,
	`curl --fail -o ~/.local/bin/x https://example.com/x`,
	`curl -s http://localhost/health`,
	`curl -so /dev/null https://example.com`,
	`wget -qO ~/.local/bin/x https://example.com/x`,
	`wget -N https://example.com/x`,
	`test -e x.tar.gz || wget https://example.com/x.tar.gz`,
	`curl -fo /tmp/x https://example.com/x && sh /tmp/x; rm -f /tmp/x`,
	`curl -fo /tmp/x https://example.com/x && mv /tmp/x ~/.local/bin/x`,
	`d=$(mktemp -d) && trap 'rm -rf "$d"' EXIT && curl -fo "$d/x" https://example.com/x && install "$d/x" ~/.local/bin/x`,
	`trap 'rm -rf "$d"' EXIT; d=$(mktemp -d); mkdir $d/sub; git clone https://example.com/x "$d/x"; make -C "$d/x" install`,
	`t=$(mktemp) && curl -fo $t https://example.com/x && mv $t ~/.local/bin/x`,
	`d=$(mktemp -d); curl -fsSL https://example.com/x | tar xz -C $d; cp $d/x ~/.local/bin/; rm -r "$d"`,
	`git clone https://example.com/x /tmp/x && make -C /tmp/x install && rm -rf /tmp/x`,
	`set -o pipefail; curl -fsSL https://example.com/x.sh | sh`,
	`bash -o pipefail -c 'curl -fsSL https://example.com/x.sh | sh'`,
	`s=$(curl -fsSL https://example.com/x.sh) && sh -c "$s"`,
	`command -v x || { s=$(curl -fsSL https://example.com/x.sh) && sh -c "$s"; }`,
	`eval "$(starship init bash)"`,

	`export EDITOR=nvim`,
	`cd ~`,
	`test -e ~/.key || head -c 32 /dev/urandom | base64 > ~/.key`,
	`[ -s ~/.key ] || { date; uuidgen; } > ~/.key`,
	`date`,
	`date > /dev/null`,
	`touch -d "$(date)" ~/.x`,
	`date -d @0 > ~/.x`,
	`systemctl --user daemon-reload`,
	`install -Dm 644 /usr/share/x ~/.config/x`,
	`printf 'a\n' > /etc/profile.d/a.sh`,
	`mkdir() { command mkdir -p "$@"; }; mkdir ~/.x`,
	`true # mkdir x`,
	``,
}

func TestLint(t *testing.T) {
	for _, tt := range bad {
		if got := rulesOf(check(tt.run)); got != tt.rules {
			t.Errorf("%s\n\tgot %q, not %q", tt.run, got, tt.rules)
		}
	}
	for _, run := range good {
		if got := rulesOf(check(run)); got != "" {
			t.Errorf("%s\n\tgot %q", run, got)
		}
	}
}

// check checks a hook with nothing but its command.
func check(run string) []hook.Finding {
	return lint.Check([]*hook.Declared{{PlacedHook: manifest.PlacedHook{Hook: manifest.Hook{Run: run}}, Container: "dev"}})
}

// declare returns a hook of container dev that a manifest declares; nil if a
// manifest cannot have it.
func declare(t *testing.T, h manifest.Hook) *hook.Declared {
	t.Helper()
	text, err := json.Marshal(manifest.Containers{Containers: map[string]manifest.Container{"dev": {Image: "quay.io/me/dev", InitHooks: []manifest.Hook{h}}}})
	must(t, err)
	return read(t, string(text))
}

// read returns the first hook of a manifest; nil if the manifest is not valid.
func read(t *testing.T, text string) *hook.Declared {
	t.Helper()
	m, err := hook.Read(fstest.MapFS{manifest.DistroboxPath: {Data: []byte(text)}})
	if err != nil {
		return nil
	}
	hooks, err := m.Hooks()
	must(t, err)
	return hooks[0]
}

func rulesOf(findings []hook.Finding) string {
	var names []string
	for _, f := range findings {
		names = append(names, strings.TrimPrefix(f.Rule, "hook/"))
	}
	return strings.Join(names, " ")
}

// TestFinding checks the text and the place of a finding.
func TestFinding(t *testing.T) {
	const source = "mkdir -m 700 ~/x"
	h := read(t, `{"containers": {"dev": {"image": "quay.io/me/dev", "init_hooks": [
  "echo é; echo \"\t\u00e9\"; sh -c 'rustup default stable; mkdir -m 700 ~/x; true'"
]}}}`)
	want := []hook.Finding{{
		Finding: finding.Finding{
			Rule: "hook/mkdir", Level: finding.Error, Place: finding.Place{File: manifest.DistroboxPath, Line: 2, Column: 61},
			Subject: "dev", Message: "not idempotent: fails once the folder exists", Fix: []string{"instead: mkdir -p FOLDER"},
		},
		Container: "dev", Verdict: hook.NotIdempotent, Source: source, Hook: h, Offset: strings.Index(h.Run, source),
	}}
	if diff := cmp.Diff(want, lint.Check([]*hook.Declared{h}), cmp.Comparer(func(a, b *hook.Declared) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

// TestOffset checks where a finding is in a hook of several lines.
func TestOffset(t *testing.T) {
	got := check("echo é;\n true && é=1 && sh -c 'rustup default stable; mkdir -m 700 ~/x; true'")
	if len(got) != 1 || got[0].Offset != 56 || got[0].Source != "mkdir -m 700 ~/x" {
		t.Errorf("%+v", got)
	}
}

func TestVerdicts(t *testing.T) {
	tests := map[string]hook.Verdict{
		`echo "export PATH=$PATH" >> ~/.bashrc`: hook.NotIdempotent,
		`rustup install 1.70.0`:                 hook.NotEquivalent,
		`curl -fo /tmp/setup.sh https://x.org`:  hook.NotEquivalent,
		`if`:                                    hook.NotShell,
		strings.Repeat("a|", 50_000) + "a":      hook.Unchecked,
	}
	for run, want := range tests {
		if got := check(run); len(got) != 1 || got[0].Verdict != want {
			t.Errorf("%s: %v", run, got)
		}
	}
}

// TestVolatile checks that a file that is declared to differ may do so, and no other.
func TestVolatile(t *testing.T) {
	h := manifest.Hook{Run: `echo x >> ~/.local/log; date > "$HOME/.cache/x/stamp"; echo y >> /etc/hosts; mkdir ~/.cache/x/y`, Volatile: []string{"~/.local/log", "~/.cache/x"}}
	if got := rulesOf(lint.Check([]*hook.Declared{declare(t, h)})); got != "append mkdir" {
		t.Error(got)
	}
}

// TestIdioms checks that the replacement that a rule suggests breaks no rule.
func TestIdioms(t *testing.T) {
	for _, r := range lint.Rules() {
		idiom, _, _ := strings.Cut(r.Use, "; better")
		idiom, _, _ = strings.Cut(idiom, "; or ")
		if r.Name == "pinned-version" || r.Name == "syntax" || r.Name == "limit" {
			continue // in words
		}
		if got := rulesOf(check(idiom)); got != "" {
			t.Errorf("%s: %s: %s", r.Name, idiom, got)
		}
	}
}

// TestIdiomsHold runs the replacements that rules suggest twice, as hooks run.
func TestIdiomsHold(t *testing.T) {
	names := strings.NewReplacer("FILE", "file", "FOLDER", "folder", "LINE", "a line", "LINK", "folder", "TARGET", "/etc", "PLACE", "place",
		"COMMAND", "date +%N", "NAME", "user.name", "VALUE", "me")
	for _, r := range lint.Rules() {
		if !slices.Contains([]string{"append", "git-config-add", "mkdir", "link", "special-file", "move", "remove", "varying", "temporary-file"}, r.Name) {
			continue // it needs a network, root or a daemon
		}
		t.Run(r.Name, func(t *testing.T) {
			dir := t.TempDir()
			switch r.Name {
			case "move", "remove":
				must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
			case "git-config-add":
				testkit.Need(t, "git")
			}
			var trees []map[string]string
			for range 2 {
				cmd := exec.Command("sh", "-euc", names.Replace(r.Use))
				cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				trees = append(trees, tree(t, dir))
			}
			if diff := cmp.Diff(trees[0], trees[1]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tree returns the entries of a folder: the text of files, the kind of all others.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			all[name] = d.Type().String()
			return err
		}
		text, err := os.ReadFile(name)
		all[name] = string(text)
		return err
	})
	must(t, err)
	return all
}

// TestEveryRuleIsTested checks that the table above breaks each rule.
func TestEveryRuleIsTested(t *testing.T) {
	for _, r := range lint.Rules() {
		if !slices.ContainsFunc(bad, func(b struct{ run, rules string }) bool {
			return slices.Contains(strings.Fields(b.rules), r.Name)
		}) {
			t.Errorf("no hook breaks %s", r.Name)
		}
	}
}

// TestDocumented checks that the document has every rule.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/init-hooks.md")
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer("`", "", `\|`, "|").Replace(string(text))
	for _, r := range lint.Rules() {
		row := "| " + r.Name + " | " + string(r.Verdict) + " | " + r.Reason + " | " + r.Use + " |\n"
		if !strings.Contains(plain, row) {
			t.Errorf("no row %s", row)
		}
	}
}

// FuzzLint checks that no text makes the linter panic or point beyond it.
func FuzzLint(f *testing.F) {
	for _, tt := range bad {
		f.Add(tt.run)
	}
	for _, run := range good {
		f.Add(run)
	}
	f.Fuzz(func(t *testing.T, run string) {
		for _, found := range check(run) {
			if found.Rule == "" || found.Offset < 0 || found.Offset > len(run) || !strings.Contains(run, found.Source) {
				t.Errorf("%q: %+v", run, found)
			}
		}
		h := declare(t, manifest.Hook{Run: run})
		if h == nil {
			return // no manifest has it
		}
		for _, found := range lint.Check([]*hook.Declared{h}) {
			if found.Line != 1 || found.Column < h.Place(0).Column || found.Column > h.Place(len(h.Run)).Column {
				t.Errorf("%q: %+v", run, found)
			}
		}
	})
}
