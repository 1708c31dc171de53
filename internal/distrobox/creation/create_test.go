package creation

import (
	"os/exec"
	"strings"
	"testing"

	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

// TestVariable checks that a variable has its value after distrobox's create, a shell
// script, has passed its command line to a shell again.
func TestVariable(t *testing.T) {
	for _, value := range []string{"plain", "x  y   z    ", "it's  two   'three'", "  $HOME  `x` \"q\" \\ *  ", ""} {
		flag, err := variable("A", value)
		if err != nil {
			t.Fatal(err)
		}
		got, err := exec.Command("sh", "-c", `command="printf %s $1"; eval ${command}`, "sh", flag).Output()
		if diff := cmp.Diff("--env=A="+value, string(got)); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
}

// TestEntryOfALabel checks that a container is read back from its label, and that other labels
// are refused.
func TestEntryOfALabel(t *testing.T) {
	for _, label := range []string{"", "x", "e30", "bm9uc2Vuc2U"} {
		if _, b, ok := ParseLabel(label); ok {
			t.Errorf("%q: %v", label, b)
		}
	}
}

// TestOwnHomeAndNamespaces checks the options of distrobox that are not those of the
// manager, as arguments and in an ini file.
func TestOwnHomeAndNamespaces(t *testing.T) {
	c := Creator{Home: "/home/u", UID: 1000}
	entry := manifest.Container{Image: "x", Home: "~/box", Nvidia: true, Unshare: []string{"ipc", "netns"}}
	argv, err := c.Args("dev", entry)
	if got := strings.Join(argv, " "); err != nil || !strings.HasPrefix(got, "distrobox create --yes --no-entry --name dev --image x --nvidia --unshare-ipc --unshare-netns --home /home/u/box ") {
		t.Error(got, err)
	}
	entry.ExportedApps = []manifest.ExportedApp{manifest.PlainApp("plain"), {Name: "odd", Label: "none"}}
	text, notes := c.Ini([]Container{{Name: "dev", Entry: entry, To: "/home/u/bin", Programs: map[string]manifest.Program{
		"/home/u/bin/a": {Path: "/usr/bin/a"}, "/home/u/bin/b": {Path: "/usr/bin/b", Sudo: true}, "/home/u/other/c": {Path: "/usr/bin/c"},
	}}})
	for _, line := range []string{"nvidia=true", "unshare_ipc=true", "unshare_netns=true", "home=/home/u/box", "exported_apps=plain", "exported_bins=/usr/bin/a"} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
	if got := strings.Join(notes, "\n"); len(notes) != 3 || !strings.Contains(got, `exported_apps "odd" is omitted`) || !strings.Contains(got, `exported_bins "/usr/bin/b" is omitted`) || !strings.Contains(got, `"/usr/bin/c" is omitted`) {
		t.Error(got)
	}
	entry.Home = "/home/u/a b"
	if _, err := c.Args("dev", entry); err == nil {
		t.Error("a home that distrobox would split is no error")
	}
}
