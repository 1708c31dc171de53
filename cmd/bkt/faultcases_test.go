package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

func faultCases() []faultCase {
	return []faultCase{
		{
			name:  "capture",
			setUp: func(f *faulty) { f.override(0); f.bkt("capture"); f.commitAll(); f.override(1) },
			args:  []string{"capture"},
			reach: []string{
				"create $WORK/repo/manifests", "write $WORK/repo/manifests/", "sync $WORK/repo/manifests/", "link $WORK/repo/manifests/",
				"rename $WORK/repo/manifests/flatpak-overrides.json", "sync $WORK/repo/manifests", "rename $WORK/.test/home/.local/state/bkt/base/",
			},
		},
		{
			name: "first capture", full: true,
			setUp: func(f *faulty) { f.commitAll(); f.override(1) },
			args:  []string{"capture"},
			reach: []string{"mkdir $WORK/.test/home/.local/state/bkt", "sync $WORK/.test/home/.local/state", "rename $WORK/repo/manifests/"},
		},
		{
			name:  "apply",
			setUp: func(f *faulty) { f.override(0); f.bkt("capture"); f.commitAll(); f.declare(1) },
			args:  []string{"apply"},
			reach: []string{"rename $WORK/.test/home/.local/share/flatpak/overrides/org.bkt.App0", "sync $WORK/.test/home/.local/share/flatpak/overrides"},
		},
		{
			name: "apply --restore", full: true,
			setUp: func(f *faulty) { f.override(0); f.bkt("capture"); f.commitAll(); f.override(1) },
			args:  []string{"apply", "--restore", "-y"},
			reach: []string{"rename $WORK/.test/home/.local/share/flatpak/overrides/org.bkt.App0", "sync $WORK/.test/home/.local/share/flatpak/overrides"},
		},
		{
			name: "merge-manifest",
			setUp: func(f *faulty) {
				f.putAll("-- base --\n{}\n-- ours --\n{\"packages\": [\"gcc\"]}\n-- theirs --\n{\"packages\": [\"fish\"]}\n-- manifests/toolbox-packages.json --\n{}\n")
				f.commitAll()
			},
			args:  []string{"merge-manifest", "base", "ours", "theirs", "manifests/toolbox-packages.json"},
			reach: []string{"write $WORK/repo/", "rename $WORK/repo/ours"},
		},
		{
			name:  "containerfile sync",
			setUp: func(f *faulty) { f.putAll(sections); f.bkt("containerfile", "sync"); f.commitAll(); f.putAll(packages) },
			args:  []string{"containerfile", "sync"},
			reach: []string{"rename $WORK/repo/Containerfile", "rename $WORK/repo/toolbox/Containerfile", "sync $WORK/repo/toolbox"},
		},
		{
			name: "auto-capture", full: true,
			setUp: func(f *faulty) { f.override(0); f.bkt("capture"); f.commitAll(); f.override(1) },
			args:  []string{"auto-capture", "run", "--settle=0s"},
			reach: []string{"rename $WORK/.test/home/.local/state/bkt/auto-capture/", "rename $WORK/repo/manifests/", "rename $WORK/.test/home/.local/state/bkt/base/"},
			also:  committed,
		},
		{
			name:  "auto-capture with sections",
			setUp: exported,
			args:  []string{"auto-capture", "run", "--settle=0s"},
			reach: []string{"rename $WORK/repo/manifests/distrobox.json", "rename $WORK/repo/Containerfile"},
			also:  committed,
		},
		{
			name: "system add", full: true,
			setUp: func(f *faulty) { f.putAll(sections); f.bkt("containerfile", "sync"); f.commitAll() },
			args:  []string{"system", "add", "fish"},
			reach: []string{"rename $WORK/repo/manifests/system-packages.json", "rename $WORK/repo/Containerfile"},
		},
		{
			name: "toolbox remove", full: true,
			setUp: func(f *faulty) { f.putAll(sections); f.bkt("containerfile", "sync"); f.commitAll() },
			args:  []string{"toolbox", "remove", "jq"},
			reach: []string{"rename $WORK/repo/manifests/toolbox-packages.json", "rename $WORK/repo/toolbox/Containerfile"},
		},
		{
			name: "containerfile sync --take text", full: true,
			setUp: func(f *faulty) {
				f.putAll(sections)
				f.bkt("containerfile", "sync")
				f.commitAll()
				f.putAll(undeclared)
			},
			args:  []string{"containerfile", "sync", "--take", "text"},
			reach: []string{"rename $WORK/repo/manifests/toolbox-packages.json"},
		},
		{
			name: "doctor --fix", full: true,
			setUp: func(f *faulty) {
				f.put("repo/manifests/gsettings.json", "{\n  \"$schema\": \"../schemas/gsettings.schema.json\",\n  \"settings\": []\n}\n")
				f.commitAll()
			},
			args:  []string{"doctor", "--fix"},
			reach: []string{"rename $WORK/repo/schemas/gsettings.schema.json"},
		},
		{
			name: "auto-capture enable", full: true,
			setUp: func(f *faulty) {
				f.put(".test/bin/systemctl", userManager)
				f.chmod(".test/bin/systemctl")
				f.commitAll()
			},
			args:  []string{"auto-capture", "enable"},
			reach: []string{"rename $WORK/.test/home/.config/systemd/user/"},
		},
		{
			name: "auto-capture disable", full: true,
			setUp: func(f *faulty) {
				f.put(".test/bin/systemctl", userManager)
				f.chmod(".test/bin/systemctl")
				f.commitAll()
				f.bkt("auto-capture", "enable")
			},
			args:  []string{"auto-capture", "disable"},
			reach: []string{"remove $WORK/.test/home/.config/systemd/user/"},
		},
		{
			name: "apply appimages", full: true, // downloads a file, and unpacks others from it
			setUp: installable,
			args:  []string{"apply", "appimages"},
			reach: []string{"rename $WORK/.test/home/Applications/tool.AppImage", "rename $WORK/.test/home/.local/state/bkt/appimages/tool.json"},
		},
		{
			name: "apply extensions", full: true, // downloads an archive, and unpacks it
			setUp: installableExtension,
			args:  []string{"apply", "extensions"},
			reach: []string{"rename $WORK/.test/home/.local/share/gnome-shell/extensions/x@bkt.test", "sync "},
		},
		{
			name: "init", full: true,
			setUp: func(f *faulty) { f.commitAll() },
			args:  []string{"init", "new", "--name", "x"},
			reach: []string{"rename $WORK/repo/new/Containerfile"},
		},
	}
}

// exported has a container whose programs are in the image, and one program more than
// the manifest.
func exported(f *faulty) {
	f.putAll(exports)
	tool := func(name string) {
		path := filepath.Join(".test", "home", "tools", name)
		f.put(path, "#!/bin/sh\n")
		f.chmod(path)
	}
	tool("first")
	f.must(f.program(filepath.Join(f.work, ".test", "bin", "podman"), "import", "Containerfile", "localhost/dev:1"))
	f.bkt("apply", "-y", "distrobox")
	f.bkt("capture", "-y")
	f.bkt("containerfile", "sync")
	f.commitAll()
	tool("second")
}

// installable declares an AppImage that apply installs.
func installable(f *faulty) {
	f.putAll("-- ../app/tool.desktop --\n[Desktop Entry]\nType=Application\nName=Tool\nExec=tool\nIcon=tool\n-- ../app/tool.svg --\n<svg/>\n")
	runtime, err := os.ReadFile(fakeRuntime(f.T))
	if err != nil {
		f.Fatal(err)
	}
	f.victim.must(f.program("mksquashfs", "../app", "../app.squashfs", "-noappend", "-no-progress", "-all-root"))
	image, err := os.ReadFile(filepath.Join(f.work, "app.squashfs"))
	if err != nil {
		f.Fatal(err)
	}
	text := string(append(runtime, image...))
	f.put("site/tool.AppImage", text)
	f.put("repo/manifests/appimage-apps.json", fmt.Sprintf(`{"apps": [{"name": "tool", "url": "file://%s/site/tool.AppImage", "sha256": "%x"}]}`+"\n",
		f.work, sha256.Sum256([]byte(text))))
	f.folder(".test/home/Applications")
	f.folder(".test/home/AppImages")
	f.commitAll()
}

// folder creates a folder that identifies what is installed in it.
func (f *faulty) folder(name string) {
	f.Helper()
	if err := os.MkdirAll(filepath.Join(f.work, name), 0o755); err != nil {
		f.Fatal(err)
	}
}

// installableExtension declares an extension that apply installs.
func installableExtension(f *faulty) {
	var text bytes.Buffer
	archive := zip.NewWriter(&text)
	for name, content := range map[string]string{
		"metadata.json": `{"uuid": "x@bkt.test", "name": "x", "description": "x", "shell-version": ["43"]}`, "extension.js": "function init() {}\n",
	} {
		w, err := archive.Create(name)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			f.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		f.Fatal(err)
	}
	f.put("site/x.zip", text.String())
	f.put("repo/manifests/gnome-extensions.json", fmt.Sprintf(`{"extensions": [{"id": "x@bkt.test", "source": "file://%s/site/x.zip", "sha256": "%x"}]}`+"\n",
		f.work, sha256.Sum256(text.Bytes())))
	f.folder(".test/home/.local/share/gnome-shell/extensions")
	f.commitAll()
}

// chmod makes a file executable.
func (f *faulty) chmod(name string) {
	f.Helper()
	if err := os.Chmod(filepath.Join(f.work, name), 0o755); err != nil {
		f.Fatal(err)
	}
}

// committed checks that git has committed everything that auto-capture wrote, and once.
func committed(f *faulty) error {
	if left := f.git("status", "--porcelain", "--untracked-files=all"); left != "" {
		return fmt.Errorf("not committed: %s", left)
	}
	if n := f.git("rev-list", "--count", "refs/bkt-test/first..HEAD"); n != "1\n" {
		return fmt.Errorf("there are %s commits", n)
	}
	return nil
}

const (
	sections = `
-- Containerfile --
FROM scratch
# === SYSTEM_PACKAGES (managed by bkt) ===
# === END SYSTEM_PACKAGES ===
-- toolbox/Containerfile --
FROM scratch
# === TOOLBOX_PACKAGES (managed by bkt) ===
# === END TOOLBOX_PACKAGES ===
-- manifests/system-packages.json --
{
  "packages": [
    "gcc"
  ]
}
-- manifests/toolbox-packages.json --
{
  "packages": [
    "jq"
  ]
}
`
	packages = `
-- manifests/system-packages.json --
{
  "packages": [
    "gcc",
    "make"
  ]
}
-- manifests/toolbox-packages.json --
{
  "packages": [
    "fish"
  ]
}
`
	undeclared = `
-- toolbox/Containerfile --
FROM scratch
# === TOOLBOX_PACKAGES (managed by bkt) ===
RUN dnf install -y jq fish
# === END TOOLBOX_PACKAGES ===
`
	userManager = `#!/bin/sh
case "$*" in
*" restart "*) touch "$HOME/started" ;;
*" disable "*) rm -f "$HOME/started" ;;
*" show "*)
	test -e "$HOME/started" || exit 0
	for unit in one two; do echo ActiveState=active; echo UnitFileState=enabled; done
	;;
esac
`
	exports = `
-- Containerfile --
FROM scratch
# === HOST_EXPORTS (managed by bkt) ===
# === END HOST_EXPORTS ===
-- manifests/distrobox.json --
{
  "containers": {
    "dev": {
      "image": "localhost/dev:1",
      "bins": {
        "from": [
          "~/tools"
        ],
        "to": "/usr/bin"
      }
    }
  }
}
`
)
