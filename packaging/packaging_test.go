package packaging

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPrograms checks which programs units and drop-ins run.
func TestPrograms(t *testing.T) {
	tests := []struct {
		text     string
		want     []string
		replaces bool
	}{
		{"[Service]\nExecStart=:/usr/bin/bkt -C %f auto-capture run\n", []string{"/usr/bin/bkt"}, false},
		{"[Service]\nExecStart=/c\nExecStart=\nExecStart=-@/a/b x\n", []string{"/a/b"}, true},
		{"[Service]\nExecStart=\"/a b%%c/bkt\" -C %f\n", []string{"/a b%c/bkt"}, false},
		{"[Service]\nExecStart='/a b/bkt' x\n", []string{"/a b/bkt"}, false},
		{"[Service]\nExecStart=%h/bin/bkt x\n", []string{"/home/me/bin/bkt"}, false},
		{"[Service]\nExecStart=%t/bkt x\n", nil, false}, // unknown here
		{"[Service]\nExecStart=bkt x\n", nil, false},    // systemd searches it
		{"[Service]\nExecStartPre=/a/b\n[Other]\nExecStart=/c\n", nil, false},
		{"[Service]\nEnvironment=A=B\n", nil, false},
	}
	for _, tt := range tests {
		if got, replaces, err := Programs([]byte(tt.text), "/home/me"); err != nil || cmp.Diff(tt.want, got) != "" || replaces != tt.replaces {
			t.Errorf("%s: %q, %v, %v", tt.text, got, replaces, err)
		}
	}
}

// TestProgramsOfCapture checks that the units run the program that they are made for.
func TestProgramsOfCapture(t *testing.T) {
	for _, program := range []string{"/usr/bin/bkt", "/opt/a b/bkt", "/opt/50%/bkt", "/opt/%h;x/bkt", "/opt/50% of $HOME/bkt"} {
		all, err := Capture(Machine{Program: program, Home: "/home/me", ConfigHome: "/home/me/.config", DataHome: "/home/me/.local/share"})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range all {
			got, _, err := Programs(u.Text, "/home/me")
			if err != nil || (u.Name == Service) != (len(got) > 0) || len(got) > 0 && got[0] != program {
				t.Errorf("%s of %s: %q, %v", u.Name, program, got, err)
			}
		}
	}
}

// TestFolder checks that units tell the folder of their repository.
func TestFolder(t *testing.T) {
	for _, dir := range []string{"/home/me/my image", "/a-b/50% of $HOME's \"things\"", "/"} {
		for _, name := range Instances(dir) {
			if got := Folder(name); got != dir {
				t.Errorf("%s is of %s, not of %s", name, got, dir)
			}
		}
	}
}
