package command_test

import (
	"strings"
	"testing"

	"bkt/internal/hook/command"

	"github.com/google/go-cmp/cmp"
	"mvdan.cc/sh/v3/syntax"
)

// parse returns the command of a line, whose words are separated by blanks.
func parse(line string) command.Call {
	texts := strings.Fields(line)
	return command.New(make([]*syntax.Word, len(texts)), texts, syntax.Pos{})
}

func TestUnwrap(t *testing.T) {
	tests := []struct{ line, want string }{
		{"mkdir x", "mkdir x"},
		{"/usr/bin/mkdir x", "mkdir x"},
		{"sudo mkdir x", "mkdir x"},
		{"sudo -u dev -- /bin/mkdir x", "mkdir x"},
		{"sudo -udev mkdir x", "mkdir x"},
		{"env -u A B=c mkdir x", "mkdir x"},
		{"env A=b nice -n 5 ionice -c3 mkdir x", "mkdir x"},
		{"timeout -k 2 60 mkdir x", "mkdir x"},
		{"timeout 60 sudo mkdir x", "mkdir x"},
		{"chroot / mkdir x", "mkdir x"},
		{"flock -w 1 /run/lock mkdir x", "mkdir x"},
		{"runuser -u dev -- mkdir x", "mkdir x"},
		{"runuser --user=dev mkdir x", "mkdir x"},
		{"runuser dev -c true", "runuser dev -c true"}, // as su
		{"busybox mkdir x", "mkdir x"},
		{"command mkdir x", "mkdir x"},
		{"command -v mkdir", "command -v mkdir"}, // it only asks
		{"which sudo", "which sudo"},
		{"sudo", "sudo"},
		{"sudo -u dev", "sudo -u dev"},
		{"env A=b", "env A=b"},
	}
	for _, tt := range tests {
		got := parse(tt.line).Unwrap()
		if text := strings.Join(append([]string{got.Name}, got.Args...), " "); text != tt.want {
			t.Errorf("%s\n\tgot %q, not %q", tt.line, text, tt.want)
		}
		if len(got.Words) != len(got.Args) {
			t.Errorf("%s: %d words of %d arguments", tt.line, len(got.Words), len(got.Args))
		}
	}
}

func TestFromXargs(t *testing.T) {
	for line, want := range map[string]bool{"xargs -n 1 mkdir": true, "sudo xargs sudo mkdir": true, "mkdir xargs": false} {
		if got := parse(line).Unwrap(); got.Name != "mkdir" || got.FromXargs != want {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

func TestParseOptions(t *testing.T) {
	const valued = "-o --output -C"
	tests := []struct {
		line     string
		operands string
		has      string // one option that is set
		values   string // of -o and --output
	}{
		{"", "", "", ""},
		{"a b", "a b", "", ""},
		{"-v a", "a", "-v", ""},
		{"-vo file a", "a", "-v", "file"},
		{"-ofile a", "a", "-o", "file"},
		{"-o file --output=other --output third a", "a", "--output", "file other third"},
		{"-C /tmp a -o b c", "a c", "-C", "b"},
		{"--force=x a", "a", "--force", ""},
		{"- a", "- a", "", ""},
		{"a -- -o b", "a -o b", "", ""},
		{"-o", "", "-o", ""},
		{"--output", "", "--output", ""},
	}
	for _, tt := range tests {
		o := command.ParseOptions(strings.Fields(tt.line), valued)
		if got := strings.Join(o.Operands, " "); got != tt.operands {
			t.Errorf("%s: operands %q, not %q", tt.line, got, tt.operands)
		}
		if got := strings.Join(o.Values("-o", "--output"), " "); got != tt.values {
			t.Errorf("%s: values %q, not %q", tt.line, got, tt.values)
		}
		if tt.has != "" && !o.Has("-none", tt.has) || o.Has("-none") {
			t.Errorf("%s: has %s %v", tt.line, tt.has, o.Has(tt.has))
		}
	}
}

func TestIn(t *testing.T) {
	const list = "add -a --all\n\tadd-all"
	for word, want := range map[string]bool{
		"add": true, "-a": true, "--all": true, "add-all": true,
		"": false, "a": false, "-all": false, "--al": false, "all": false, "add-": false, "-a --all": false,
	} {
		if got := command.In(list, word); got != want {
			t.Errorf("%q: %t", word, got)
		}
	}
}

func TestFirstOperand(t *testing.T) {
	tests := []struct {
		line string
		want int
	}{
		{"", 0},
		{"a", 0},
		{"-v a", 1},
		{"-u dev a", 2},
		{"-vu dev a", 2},
		{"--user=dev a", 1},
		{"--user dev a", 2},
		{"-- -a", 1},
		{"- a", 0},
		{"-v", 1},
		{"-u", 1}, // its value is missing
	}
	for _, tt := range tests {
		if got := command.FirstOperand(strings.Fields(tt.line), "-u --user"); got != tt.want {
			t.Errorf("%s: %d, not %d", tt.line, got, tt.want)
		}
	}
}

func TestScript(t *testing.T) {
	tests := []struct {
		line string
		want string // the script
	}{
		{"sh -c a", "a"},
		{"bash -euo pipefail -c a b", "a"},
		{"bash -lc a", "a"},
		{"bash --norc -c a", "a"},
		{"zsh +x -c a", "a"},
		{"sh file -c a", ""},
		{"sh -c", ""},
		{"eval a", "a"},
		{"eval a b", ""},
		{"su dev -c a", "a"},
		{"runuser dev --command a", "a"},
		{"su dev", ""},
		{"env -c a", ""},
	}
	for _, tt := range tests {
		c := parse(tt.line)
		got := ""
		if i, ok := c.Script(); ok {
			got = c.Args[i]
		}
		if got != tt.want {
			t.Errorf("%s: %q, not %q", tt.line, got, tt.want)
		}
	}
}

func TestRunsInput(t *testing.T) {
	for line, want := range map[string]bool{
		"sh": true, "bash -s -- -y": true, "bash -": true, "sh -e": true, "bash -o pipefail": true, "python3": true, "python3 -": true,
		"sh file": false, "python3 file": false, "cat": false, "sh -c a": false,
	} {
		if got := parse(line).RunsInput(); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}

func TestSub(t *testing.T) {
	c, ok := parse("rustup toolchain install stable").Sub("toolchain", "default")
	if !ok || c.Name != "toolchain" {
		t.Fatalf("%+v, %v", c, ok)
	}
	if diff := cmp.Diff([]string{"install", "stable"}, c.Args); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, ok := parse("rustup show").Sub("toolchain"); ok {
		t.Error("show is a toolchain")
	}
	if _, ok := parse("rustup").Sub("toolchain"); ok {
		t.Error("nothing is a toolchain")
	}
}
