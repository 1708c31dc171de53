package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"bkt/internal/domains"
	"bkt/internal/testkit"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/rogpeppe/go-internal/testscript"
)

// flatpaks are repositories of Flatpak. The scripts find:
//
//	$PLAIN   the folder of a repository that is not signed
//	$SIGNED  the folder of a signed repository
//	$KEY     the file with its key, and $KEY64 its content in base64
//	$ARCH    Flatpak's name of this machine's architecture
//	$OLD     a commit of org.bkt.App1 that is not the newest
//	$BUNDLE  the bundle App3.flatpak, which has org.bkt.App3
//
// Both have the apps org.bkt.App1, 2 and 3, of the branch stable, and
// org.bkt.Branched, of the branches stable and beta. The one that is not signed also has
// org.bkt.Former, which its makers have renamed to org.bkt.Latter, and the extension
// org.bkt.Platform.Theme.dark of the branch 1, which flatpak does not install by itself.
type flatpaks struct {
	plain, signed, key, key64, arch, old, bundle string
}

func (f flatpaks) setenv(env *testscript.Env) {
	for name, value := range map[string]string{
		"PLAIN": f.plain, "SIGNED": f.signed, "KEY": f.key, "KEY64": f.key64, "ARCH": f.arch, "OLD": f.old, "BUNDLE": f.bundle,
	} {
		env.Setenv(name, value)
	}
}

const flatpakApps = 3

// fakeFlatpaks makes repositories for the stand-in.
func fakeFlatpaks(t *testing.T) flatpaks {
	t.Helper()
	dir := t.TempDir()
	f := flatpaks{filepath.Join(dir, "plain"), filepath.Join(dir, "signed"), filepath.Join(dir, "key.gpg"), "", "x86_64", fakeCommit("old"), filepath.Join(dir, "App3.flatpak")}
	f.arch = domains.FlatpakArch(runtime.GOARCH)
	var refs strings.Builder
	for i := range flatpakApps {
		ref := fmt.Sprintf("app/org.bkt.App%d/%s/stable", i+1, f.arch)
		fmt.Fprintf(&refs, "%s %s %s\n", ref, f.old, fakeCommit(ref))
	}
	for _, branch := range []string{"beta", "stable"} {
		ref := fmt.Sprintf("app/org.bkt.Branched/%s/%s", f.arch, branch)
		fmt.Fprintf(&refs, "%s %s\n", ref, fakeCommit(ref))
	}
	theme := fmt.Sprintf("runtime/org.bkt.Platform.Theme.dark/%s/1", f.arch)
	latter := fmt.Sprintf("app/org.bkt.Latter/%s/stable", f.arch)
	former := strings.Replace(latter, "Latter", "Former", 1)
	platform := strings.Replace(theme, ".Theme.dark", "", 1)
	plain := refs.String()
	for _, ref := range []string{platform, theme, latter} {
		plain += ref + " " + fakeCommit(ref) + "\n"
	}
	plain += fmt.Sprintf("%s %s >%s\n", former, fakeCommit(former), latter)
	inBundle := fmt.Sprintf("app/org.bkt.App3/%s/stable", f.arch)
	key := signingKey(t)
	f.key64 = base64.StdEncoding.EncodeToString(key)
	for name, text := range map[string]string{
		f.key: string(key), f.bundle: inBundle + " " + fakeCommit(inBundle), f.plain + "/refs": plain, f.signed + "/refs": refs.String(), f.signed + "/signed": string(key),
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func signingKey(t *testing.T) []byte {
	t.Helper()
	entity, err := openpgp.NewEntity("bkt", "", "bkt@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	var key bytes.Buffer
	if err := entity.Serialize(&key); err != nil {
		t.Fatal(err)
	}
	return key.Bytes()
}

// realFlatpaks makes repositories with flatpak and gpg.
func realFlatpaks(t *testing.T) flatpaks {
	t.Helper()
	testkit.Need(t, "flatpak", "gpg")
	dir, err := os.MkdirTemp("", "bkt") // gpg's agent has a socket in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	cmd := exec.Command("bash", "-c", makeFlatpaks, "make-flatpaks", dir)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GNUPGHOME=" + filepath.Join(dir, "gpg"), "LANG=C.UTF-8"}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(dir, "key.gpg"))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(out))
	return flatpaks{filepath.Join(dir, "plain"), filepath.Join(dir, "signed"), filepath.Join(dir, "key.gpg"),
		base64.StdEncoding.EncodeToString(key), fields[0], fields[1], filepath.Join(dir, "App3.flatpak")}
}

// makeFlatpaks prints the architecture and the old commit.
const makeFlatpaks = `set -euo pipefail
cd "$1"
mkdir -m 700 gpg
trap 'gpgconf --kill all' EXIT
gpg -q --batch --pinentry-mode loopback --passphrase '' --quick-gen-key bkt ed25519 sign never
key=$(gpg --list-keys --with-colons | awk -F: '/^fpr/ {print $10; exit}')
gpg --export "$key" >key.gpg
arch=$(flatpak --default-arch)
mkdir -p runtime/files runtime/usr
printf '[Runtime]\nname=org.bkt.Platform\nruntime=org.bkt.Platform/%s/1\nsdk=org.bkt.Platform/%s/1\n[Extension org.bkt.Platform.Theme]\ndirectory=t\nversion=1\nsubdirectories=true\nno-autodownload=true\n' "$arch" "$arch" >runtime/metadata
mkdir -p theme/files theme/usr
printf '[Runtime]\nname=org.bkt.Platform.Theme.dark\n[ExtensionOf]\nref=runtime/org.bkt.Platform/%s/1\n' "$arch" >theme/metadata
for i in App1 App2 App3 Branched Former Latter; do
	mkdir -p "$i/files" "$i/export"
	printf '[Application]\nname=org.bkt.%s\nruntime=org.bkt.Platform/%s/1\nsdk=org.bkt.Platform/%s/1\ncommand=true\n' "$i" "$arch" "$arch" >"$i/metadata"
done
for repo in plain signed; do
	sign=()
	[ "$repo" = plain ] || sign=(--gpg-sign="$key" --gpg-homedir="$GNUPGHOME")
	flatpak build-export --no-update-summary --runtime "${sign[@]}" "$repo" runtime 1 >&2
	for i in App1 App2 App3 Branched; do flatpak build-export --no-update-summary "${sign[@]}" "$repo" "$i" stable >&2; done
	flatpak build-export --no-update-summary "${sign[@]}" "$repo" Branched beta >&2
	old=$(cat "$repo/refs/heads/app/org.bkt.App1/$arch/stable")
	[ "$repo" = signed ] || first=$old
	echo new >App1/files/new
	flatpak build-export --no-update-summary "${sign[@]}" "$repo" App1 stable >&2
	rm App1/files/new
	if [ "$repo" = plain ]; then
		flatpak build-export --no-update-summary --runtime plain theme 1 >&2
		flatpak build-export --no-update-summary plain Latter stable >&2
		flatpak build-export --no-update-summary --end-of-life=renamed --end-of-life-rebase=org.bkt.Latter plain Former stable >&2
		flatpak build-bundle plain App3.flatpak org.bkt.App3 stable >&2
	fi
	flatpak build-update-repo "${sign[@]}" "$repo" >&2
done
chmod -R a+rX .
echo "$arch" "$first"
`
