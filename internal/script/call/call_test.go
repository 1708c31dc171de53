package call_test

import (
	"fmt"
	"strings"
	"testing"

	"bkt/internal/script/call"

	"github.com/google/go-cmp/cmp"
)

// described returns calls as lines: "?" for a conditional one, its words, then its files,
// its input and its folder, if that is not the first one. An unknown part is a question mark.
func described(all []call.Call) []string {
	var lines []string
	for _, c := range all {
		line := strings.Join(c.Words, " ")
		if c.Conditional {
			line = "? " + line
		}
		for _, o := range c.Outputs {
			line += " >" + o.Path
			if o.Append {
				line += " (more)"
			}
		}
		if c.HasInput {
			line += fmt.Sprintf(" <%q", strings.ReplaceAll(c.Input, call.Unknown, "?"))
		}
		if c.Dir != "/w" {
			line += " in " + c.Dir
		}
		lines = append(lines, strings.ReplaceAll(line, call.Unknown, "?"))
	}
	return lines
}

func TestList(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{"a b 'c d' \"e $X\"", []string{"a b c d e x"}},
		{"a $Y ${Y:-d} ${X:-d} ${X%y} $(b) `c`", []string{"a ? d x ? ? ?"}},
		{"Y=1; export Z=$Y; a $Y$Z", []string{"a 11"}},
		{"X='p q'; a $X \"$X\"", []string{"a p q p q"}},
		{"if t; then X=1; fi; a $X", []string{"t", "a ?"}},
		{"L=(a b); a \"${L[@]}\"", []string{"a ?"}},
		{"a {b,c{1,2}}/d x{y}", []string{"a b/d c1/d c2/d x{y}"}},
		{"a && b || c", []string{"a", "b", "? c"}},
		{"test -d x && a; [ x ] && b; [[ -f y ]] && c; ! d && e", []string{"test -d x", "? a", "[ x ]", "? b", "? c", "d", "? e"}},
		{"if a; then b; elif c; then d; else e; fi", []string{"a", "? b", "? c", "? d", "? e"}},
		{"while a; do b; done; case $X in x) c;; esac; f() { d; }", []string{"a", "? b", "? c", "? d"}},
		{"for i in p q; do a $i; done", []string{"a p", "a q"}},
		{"for i in \"${L[@]}\"; do a $i; done; for ((;;)); do b; done", []string{"a ?", "? b"}},
		{"echo a >f; b >>/g; { c; } >h; >i", []string{"echo a >/w/f", "b >/g (more)", "c", `{ >/w/h <""`, `{ >/w/i <""`}},
		{"cat >f <<'E'\n$X\nE", []string{`cat >/w/f <"$X\n"`}},
		{"cat <<E\n$X \\$X $Y\nE", []string{`cat <"x $X ?\n"`}},
		{"cat <<-E\n\ta\n\tE", []string{`cat <"a\n"`}},
		{"echo a | tee f; b | c; yes | d <g; e <<<$X", []string{"echo a", `tee f <"a\n"`, "b", `c <""`, "yes", `d <""`, `e <"x\n"`}},
		{"cd a && b; (cd /c; d); e; cd $Y; f", []string{"cd a", "b in /w/a", "cd /c in /w/a", "d in /c", "e in /w/a", "cd ? in /w/a", "f in ?"}},
		{"bash -c 'a $X; b'; sh <<E\nc $Y\nE", []string{"bash -c a $X; b", "a x", "b", `sh <"c ?\n"`, "c ?"}},
		{"sudo env A=1 bash -euc 'a'", []string{"sudo env A=1 bash -euc a", "a"}},
		{"time a; (b); coproc c", []string{"a", "b"}},
	}
	for _, tt := range tests {
		got, err := call.List(tt.text, "/w", map[string]string{"X": "x"})
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
		}
		if diff := cmp.Diff(tt.want, described(got)); diff != "" {
			t.Errorf("%s\n(-want +got):\n%s", tt.text, diff)
		}
	}
}

// TestLimits checks that no script makes many commands of a few lines, and that one that
// cannot be parsed is an error.
func TestLimits(t *testing.T) {
	loop := strings.Repeat("for i in 1 2 3 4 5 6 7 8 9 10; do ", 12) + "a" + strings.Repeat("; done", 12)
	if got, err := call.List(loop, "/", nil); err != nil || len(got) > 5000 {
		t.Errorf("%d commands, %v", len(got), err)
	}
	idle := strings.Repeat("for i in 1 2 3 4 5 6 7 8 9 10; do ", 12) + "a=$i" + strings.Repeat("; done", 12)
	if got, err := call.List(idle, "/", nil); err != nil || len(got) > 0 {
		t.Errorf("%d commands, %v", len(got), err)
	}
	growing := "x=0123456789" + strings.Repeat("; x=$x$x", 60) + "; a $x"
	if got, err := call.List(growing, "/", nil); err != nil || len(got) != 1 || got[0].Words[1] != call.Unknown {
		t.Errorf("%d commands, %v", len(got), err)
	}
	braces := "a " + strings.Repeat("{1,2,3,4}", 30)
	if got, err := call.List(braces, "/", nil); err != nil || len(got) != 1 || len(got[0].Words) > 200 {
		t.Errorf("%d commands, %v", len(got), err)
	}
	if _, err := call.List("if (", "/", nil); err == nil {
		t.Error("no error")
	}
}

func TestText(t *testing.T) {
	tests := []struct {
		text, want string
		known      bool
	}{
		{"echo a  b", "a b\n", true},
		{`echo -e 'a\nb'`, "a\nb\n", true},
		{"echo -n a", "", false},
		{`printf 'a\nb\n'`, "a\nb\n", true},
		{"printf '%s' a", "", false},
		{"printf '10%%'", "10%", true},
		{"echo $Y", "", false},
		{"cat <<E\na\nE", "a\n", true},
		{"cat <<E\n$Y\nE", "", false},
		{"cat f", "", false},
		{"ls", "", false},
	}
	for _, tt := range tests {
		all, err := call.List(tt.text, "/", nil)
		if err != nil || len(all) != 1 {
			t.Fatal(tt.text, all, err)
		}
		if got, known := all[0].Text(); got != tt.want && tt.known || known != tt.known {
			t.Errorf("%s: %q, %v", tt.text, got, known)
		}
	}
}

func TestExec(t *testing.T) {
	got, err := call.Exec([]string{"/bin/sh", "-c", "a $X"}, "/w", map[string]string{"X": "x"})
	if diff := cmp.Diff([]string{"/bin/sh -c a $X", "a x"}, described(got)); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// FuzzList checks that no script makes it panic.
func FuzzList(f *testing.F) {
	for _, seed := range []string{"a", "for i in {1..3}; do a $i; done", "cat <<E | b\n$X\nE", "a ${X:-${Y}} >{b,c}", "bash -c 'bash -c a'", "x=(1) y+=2 a", "[[ a ]] && b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, _ := call.List(text, "/", nil)
		for _, c := range all {
			c.Text()
			c.Command()
		}
	})
}
