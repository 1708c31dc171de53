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

	{`[ -f ~/.bashrc ] && ! grep -q x ~/.bashrc && echo x >> ~/.bashrc`, "status"},
	{`[ ! -e ~/.x ] && echo y >> ~/.x`, "status"},
	{`[ -e ~/a ] && mv ~/a ~/b`, "status"},
	{`case ":$PATH:" in *:/opt/bin:*) ;; *) echo x >> ~/.bashrc ;; esac`, "append"},

	{`sed -i 's/^/# /' ~/.x`, "substitute"},
	{`sed -i "s|PATH=|PATH=/opt/bin:|" ~/.profile`, "substitute"},
	{`sed -Ei '/^GRUB=/ s/"$/ quiet"/' ~/.x`, "substitute"},
	{`sed -i 's/\(.*\)/\1 x/' ~/.x`, "substitute"},
	{`perl -pi -e 's/^PATH=/PATH=\/opt\/bin:/' ~/.profile`, "substitute"},
	{`git commit --allow-empty -m x`, "another"},
	{`podman run -d image`, "another"},
	{`cp --backup=numbered /etc/skel/.bashrc ~/.bashrc`, "another"},
	{`sqlite3 ~/.db "insert into t values (1)"`, "another"},
	{`ln -sf ~/dotfiles/nvim ~/.config/nvim`, "into-folder"},
	{`cp -r /usr/share/nvim ~/.config/nvim`, "into-folder"},
	{`mkdir -p ~/new && mv ~/new ~/there`, "into-folder"},
	{`podman network create net`, "once"},
	{`tmux new-session -d -s main`, "once"},
	{`dnf config-manager addrepo --from-repofile=https://example.com/x.repo`, "once"},
	{`psql -c 'CREATE TABLE t (a int)'`, "once"},
	{`patch -p1 < ~/x.patch`, "once"},
	{`unzip ~/x.zip -d ~/.fonts`, "overwrite"},
	{`curl -fsSL https://example.com/key | gpg --dearmor -o /etc/apt/keyrings/x.gpg`, "overwrite"},
	{`ssh-keygen -q -N '' -f ~/.ssh/id`, "overwrite"},
	{`read -r x`, "asks"},

	{`[ -d ~/.x ] && git clone https://example.com/x ~/.x`, "clone"},
	{`id dev >/dev/null && useradd dev`, "account"},
	{`command -v git >/dev/null && mkdir ~/.x`, "mkdir"},
	{`test -e ~/.y || mkdir ~/.x`, "mkdir"},
	{`test -e ~/.y || { sed -i 's/x$/y/' ~/.z; mkdir ~/.x; }`, "mkdir"},
	{`test -d ~/.x || exit 0; mkdir ~/.x`, "mkdir"},
	{`if [ -n "$HOME" ]; then mkdir ~/.x; fi`, "mkdir"},
	{`case "$(id -un)" in root) ;; *) mkdir ~/.x ;; esac`, "mkdir"},
	{`[ "$(id -u)" = 0 ] || echo x >> ~/.bashrc`, "append"},
	{`[ -x /usr/bin/git ] && echo x >> ~/.bashrc`, "append"},
	{`grep -q y ~/.bashrc || echo x >> ~/.bashrc`, "append"},
	{`grep -q x ~/.profile || echo x >> ~/.bashrc`, "append"},
	{`grep -q x ~/.bashrc && echo x >> ~/.bashrc`, "append"},
	{`grep -qxF 'alias x' ~/.bashrc || echo 'alias x=y' >> ~/.bashrc`, "append"},
	{`while read -r l; do echo "$l" >> ~/.bashrc; done < ~/x`, "append"},
	{`[ -x /usr/bin/x ] && { run-x; echo x >> ~/.bashrc; }`, "append"},
	{`[ -z "$(grep x ~/.bashrc)" ] && echo x >> ~/.bashrc`, "status"},
	{`sed -i '/x/r /etc/skel/x' ~/.bashrc`, "append"},
	{`awk 'BEGIN { print 1 >> "/var/log/x" }'`, "append"},
	{`python3.12 -c "open('/etc/hosts', 'a').write('x')"`, "append"},
	{`[ -d ~/.x ] || { mkdir -p ~/.x && exit 0; }; echo x >> ~/.bashrc`, "append"},
	{`{ cat ~/.bashrc; echo x; } > ~/.b && mv ~/.b ~/.bashrc`, "append"},
	{`cp ~/.bashrc ~/.b; echo x >> ~/.b; mv ~/.b ~/.bashrc`, "append"},
	{`( [ ! -d ~/.x ] && mkdir ~/.x ); true`, "status"},
	{`for f in a b; do [ -e ~/$f ] && rm ~/$f; done`, "status"},

	{`curl -fsSL -o ~/.local/bin/x https://example.com/v1.2.3/x`, "pinned-version"},
	{`s=$(curl -fsSL https://example.com/x.sh) && sh -c "$s" -- --version 1.2`, "pinned-version"},
	{`curl -fsSLo ~/.x.sh https://example.com/x.sh && bash ~/.x.sh x-v1.0.0`, "pinned-version"},
	{`curl -fsSLo ~/.x.sh https://example.com/x.sh && VERSION=1.2.3 bash ~/.x.sh`, "pinned-version"},
	{`code --install-extension a.b@2024.2.1`, "pinned-version"},
	{`for v in 18 20; do fnm install $v; done`, "pinned-version"},
	{`git clone -b v1.2.3 https://example.com/x ~/x || true`, "pinned-version"},
	{`dnf module enable -y nodejs:18`, "pinned-version"},

	{`python3 -c 'import uuid; print(uuid.uuid4())' > ~/.x`, "varying"},
	{`cat /proc/uptime > ~/.x`, "varying"},
	{`echo $$ > ~/.x`, "varying"},
	{`sed -i "s/^a=.*/a=$(date)/" ~/.x`, "varying"},
	{`openssl genrsa -out ~/.key 2048`, "varying"},

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
	`grep -rq 'f(x)' ~/.bashrc || echo 'f(x)' >> ~/.bashrc`,
	`if grep -q x ~/.bashrc; then :; else echo x >> ~/.bashrc; fi`,
	`[ -f ~/.bashrc ] && ! grep -q x ~/.bashrc && echo x >> ~/.bashrc; true`,
	`grep -q x /etc/hosts || echo x | sudo tee -a /etc/hosts`,
	`grep -q x ~/.bashrc && exit 0; echo x >> ~/.bashrc`,
	`if grep -q x ~/.bashrc; then exit 0; fi; echo x >> ~/.bashrc`,
	`for f in .bashrc .zshrc; do grep -q x ~/$f && continue; echo x >> ~/$f; done`,
	`case "$(cat ~/.bashrc)" in *x*) ;; *) echo x >> ~/.bashrc ;; esac`,
	`[ -e ~/.x ] || echo y >> ~/.x`,
	`[ ! -e ~/.x ] && echo y >> ~/.x; true`,
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
	`[ -e ~/a ] && mv ~/a ~/b; true`,
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

	`grep -q '^x' ~/.bashrc || printf '%s\n' "x y" >> ~/.bashrc`,
	`grep -q '# box' ~/.bashrc || printf '\n# box\nalias x=y\n' >> ~/.bashrc`,
	`grep -q x ~/.bashrc || echo "$(make-line)" >> ~/.bashrc`,
	`[ -e ~/.done ] || { mkdir ~/.x; touch ~/.done; }`,
	`grep -q '^x=2' ~/.y || { mkdir ~/.x; sed -i 's/^x=1/x=2/' ~/.y; }`,
	`grep -q '^x=2' ~/.y || { mkdir ~/.x; sed -Ei 's/^x=1/x=2/' ~/.y; }`,
	`grep -q '^x=2' ~/.y || { mkdir ~/.x; sed --in-place=.old 's/^x=1/x=2/' ~/.y; }`,
	`grep -q '^x=2' ~/.y || mkdir ~/.x; perl -pi -e 's/^x=1/x=2/' ~/.y`,
	`[ -e ~/.done ] || { setup; echo x >> ~/.bashrc; }`,
	`test -x /usr/bin/x || { install-x; echo x >> ~/.bashrc; }`,
	`test -S /run/dbus/system_bus_socket || dbus-daemon --system`,
	`git diff --quiet || git commit -am x`,
	`[ -d ~/x/.git ] || git clone https://example.com/x ~/x`,
	`sed -i '/^x=/d' ~/.bashrc; echo x=1 >> ~/.bashrc`,
	`echo a >> ~/.list; sort -u -o ~/.list ~/.list`,
	`mkdir ~/.x || exit 0`,
	`getent passwd dev || useradd dev`,
	`grep -q ^dev: /etc/passwd || useradd dev`,
	`flatpak remotes | grep -q flathub || flatpak remote-add flathub https://example.com/x`,
	`podman network exists net || podman network create net`,
	`rm -f ~/x; ln -s ~/y ~/x`,
	`[ -d ~/.x ] && rm -r ~/.x; true`,
	`[ -x /usr/bin/git ] && git config --global user.name x`,
	`sed -i 's/^#\(x\)/\1/' ~/.x`,
	`sed -i '/x$/! s/$/ x/' ~/.x`,
	`sed -i '/^foo/ s/^/#/' ~/.x`,
	`ln -sf /usr/bin/vim ~/.local/bin/vi`,
	`ln -sf ~/dotfiles/vimrc ~/.vimrc`,
	`cp -r /usr/share/nvim/. ~/.config/nvim/`,
	`cp -r ~/dotfiles/nvim ~/.config/`,
	`dnf install -y dotnet-sdk-10.0 webkit2gtk4.1-devel https://example.com/free-release-43.noarch.rpm`,
	`update-alternatives --install /usr/bin/python python /usr/bin/python3 1`,
	`curl -fsSL https://example.com/v2/x.sh -o ~/.x.sh && sh ~/.x.sh --channel stable`,
	`systemctl --user enable x@1.service`,
	`curl -s http://localhost:8080/health | grep -q ok || true`,
	`while read -r l; do echo "$l"; done < ~/x`,
	"cat > ~/.x <<'EOF'\na\nEOF",
	"if true; then\n  mkdir -p ~/x\nfi",

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

// check checks a hook of root with nothing but its command.
func check(run string) []hook.Finding { return checkAs("root", run) }

// checkAs checks the hooks of a container, in order.
func checkAs(user string, commands ...string) []hook.Finding {
	var hooks []*hook.Declared
	for _, run := range commands {
		hooks = append(hooks, &hook.Declared{PlacedHook: manifest.PlacedHook{Hook: manifest.Hook{Run: run, As: user}}, Container: "dev"})
	}
	return lint.Check(hooks)
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

// sequences are hooks of one container, with the rules that they break.
var sequences = []struct {
	hooks []string
	rules string
}{
	{[]string{`apt-get update`, `apt-get install -y jq`}, ""},
	{[]string{`mkdir -p ~/.zsh`, `git -C ~/.zsh/p pull || git clone https://example.com/p ~/.zsh/p`}, ""},
	{[]string{`rm -rf ~/.x`, `git clone https://example.com/x ~/.x`}, ""},
	{[]string{`cp /etc/skel/.bashrc ~/.bashrc`, `echo x >> ~/.bashrc`}, ""},
	{[]string{`curl -fsSLo ~/x https://example.com/x`, `chmod 755 ~/x`, `mv ~/x ~/.local/bin/x`}, ""},
	{[]string{`curl -fsSL -o /tmp/x.deb https://example.com/x.deb`, `dpkg -i /tmp/x.deb`, `rm -f /tmp/x.deb`}, ""},
	{[]string{`[ -e ~/.done ] || mkdir ~/.x`, `touch ~/.done`}, ""},
	{[]string{`cd /tmp`, `curl -fO https://example.com/x`}, ""}, // each has a shell of its own
	{[]string{`x=~/.bashrc`, `echo x >> "$x"`}, "append"},
	{[]string{`mkdir() { :; }`, `mkdir ~/.x`}, "mkdir"},
	{[]string{`echo x >> ~/.bashrc`, `cp /etc/skel/.bashrc ~/.bashrc`}, "append"},
	{[]string{`echo x >> ~/.bashrc`, `if`, `echo x >> ~/.bashrc`}, "append syntax append"},
}

// TestSequences checks hooks that belong together.
func TestSequences(t *testing.T) {
	for _, tt := range sequences {
		if got := rulesOf(checkAs("root", tt.hooks...)); got != tt.rules {
			t.Errorf("%q\n\tgot %q, not %q", tt.hooks, got, tt.rules)
		}
	}
}

// TestNeedsRoot checks commands of the user that only root can run.
func TestNeedsRoot(t *testing.T) {
	for run, want := range map[string]string{
		`dnf install -y jq`:                             "needs-root",
		`apt-get update`:                                "needs-root",
		`ln -sfn /usr/bin/x /usr/local/bin/y`:           "needs-root",
		`mkdir -p /opt/x`:                               "needs-root",
		`echo x > /etc/x`:                               "needs-root",
		`sed -i s/a/b/ /etc/x`:                          "needs-root",
		`systemctl enable x`:                            "needs-root",
		`sudo dnf install -y jq`:                        "",
		`sudo sh -c 'echo x > /etc/x'`:                  "",
		`systemctl --user enable x`:                     "",
		`cp /etc/skel/.bashrc ~/.bashrc`:                "",
		`dnf info jq`:                                   "",
		`[ "$(id -u)" = 0 ] || exit 0; mkdir -p /opt/x`: "",
		`echo x > /tmp/x; rm /tmp/x`:                    "",
	} {
		if got := rulesOf(checkAs("user", run)); got != want {
			t.Errorf("%s: %q, not %q", run, got, want)
		}
	}
}

// TestLevels checks which rules are only warnings, and that a hook can allow a rule.
func TestLevels(t *testing.T) {
	h := manifest.Hook{Run: `curl -sSL https://example.com/x.sh | sh; echo x >> ~/.bashrc`}
	levels := map[string]finding.Level{}
	for _, f := range lint.Check([]*hook.Declared{declare(t, h)}) {
		levels[f.Rule] = f.Level
	}
	want := map[string]finding.Level{"hook/curl-fail": finding.Warning, "hook/pipe-to-shell": finding.Warning, "hook/append": finding.Error}
	if diff := cmp.Diff(want, levels); diff != "" {
		t.Error(diff)
	}
	h.Allow, h.Comment = []string{"append", "curl-fail"}, "it is reviewed"
	if got := rulesOf(lint.Check([]*hook.Declared{declare(t, h)})); got != "pipe-to-shell" {
		t.Error(got)
	}
}

// TestAllowed checks that a hook can allow the rules that a manifest lists, and no others.
func TestAllowed(t *testing.T) {
	var want []string
	for _, r := range lint.Rules() {
		if r.Name != "syntax" && r.Name != "limit" {
			want = append(want, r.Name)
		}
	}
	for _, name := range want {
		if declare(t, manifest.Hook{Run: "true", Allow: []string{name}, Comment: "why"}) == nil {
			t.Errorf("a manifest cannot allow %s", name)
		}
	}
	for _, h := range []manifest.Hook{{Run: "true", Allow: []string{"syntax"}, Comment: "why"}, {Run: "true", Allow: []string{"append"}}} {
		if declare(t, h) != nil {
			t.Errorf("a manifest accepts %+v", h)
		}
	}
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
			Subject: "dev", Message: "not idempotent: fails once the folder exists", Fix: []string{"instead: mkdir -p ~/x"},
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
	h := manifest.Hook{As: "root", Run: `echo x >> ~/.local/log; date > "$HOME/.cache/x/stamp"; echo y >> /etc/hosts; mkdir ~/.cache/x/y`, Volatile: []string{"~/.local/log", "~/.cache/x"}}
	if got := rulesOf(lint.Check([]*hook.Declared{declare(t, h)})); got != "append mkdir" {
		t.Error(got)
	}
}

// TestUse checks that the replacement names what the command is about, where that is known.
func TestUse(t *testing.T) {
	for run, want := range map[string]string{
		`echo "alias x=y" >> "$HOME/.bashrc"`:     `grep -qxF 'alias x=y' ~/.bashrc || echo 'alias x=y' >> ~/.bashrc`,
		`echo "it's" >> ~/.bashrc`:                `grep -qxF 'LINE' ~/.bashrc || echo 'LINE' >> ~/.bashrc`,
		`make-line >> ~/.bashrc`:                  `grep -qxF 'LINE' ~/.bashrc || echo 'LINE' >> ~/.bashrc`,
		`echo x >> "$1"`:                          `grep -qxF 'LINE' FILE || echo 'LINE' >> FILE`,
		`mkdir ~/a`:                               `mkdir -p ~/a`,
		`mkdir ~/a ~/b`:                           `mkdir -p FOLDER`,
		`cd ~ && git clone https://example.com/x`: `git -C ~/x pull --ff-only || git clone URL ~/x`,
		`useradd -m dev`:                          `id -u dev >/dev/null 2>&1 || useradd dev`,
		`curl -fo /tmp/x https://example.com/x`:   `curl -fsSL -z FILE -o FILE URL; or install it in the image`,
	} {
		found := check(run)
		if len(found) != 1 || found[0].Fix[0] != "instead: "+want {
			t.Errorf("%s: %v", run, found)
		}
	}
}

// TestIdioms checks that the replacement that a rule suggests breaks no rule.
func TestIdioms(t *testing.T) {
	for _, r := range lint.Rules() {
		idiom, _, _ := strings.Cut(r.Use, "; better")
		idiom, _, _ = strings.Cut(idiom, "; or ")
		if slices.Contains([]string{"pinned-version", "syntax", "limit", "another", "once", "varying", "needs-root"}, r.Name) {
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
		if !slices.Contains([]string{"append", "git-config-add", "mkdir", "link", "special-file", "move", "remove", "substitute", "temporary-file"}, r.Name) {
			continue // it needs a network, root or a daemon
		}
		t.Run(r.Name, func(t *testing.T) {
			dir := t.TempDir()
			switch r.Name {
			case "substitute":
				must(t, os.WriteFile(filepath.Join(dir, "file"), []byte("user.name=you\n"), 0o644))
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
		if r.Name != "needs-root" && !slices.ContainsFunc(bad, func(b struct{ run, rules string }) bool {
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
		if strings.Contains(run, "\x00") {
			return // the parser drops it, and no manifest has it
		}
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
