package live

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// TestReading checks what is known of domains that were read, in full, in part and not at
// all: whether everything was read, whether that is a problem, and the lines about it.
func TestReading(t *testing.T) {
	part := fakeComparison{unread: []reconcile.Unread{{What: "x", Err: errors.New("denied")}}}
	declared := part
	declared.hidden, declared.hiddenDeclared = []string{"k"}, []string{"k"}
	only := reconcile.Globs([]string{"other"})
	named := func(c reconcile.Comparison, err error, needed bool) *Domain {
		return &Domain{Reconciler: fakeReconciler{name: "d"}, Comparison: c, Err: err, Needed: needed}
	}
	absent, broken := reconcile.Absentf(false, "no tool"), reconcile.Unavailablef("damaged")
	elsewhere := named(declared, nil, true)
	elsewhere.only = &only
	tests := []struct {
		name    string
		d       *Domain
		read    bool
		problem string
		note    []string
		all     []string
	}{
		{"read", named(fakeComparison{}, nil, false), true, "", nil, nil},
		{"hidden without a part", named(fakeComparison{hidden: []string{"k"}, hiddenDeclared: []string{"k"}}, nil, false), false, "", nil, nil},
		{"a part", named(part, nil, false), false, "", []string{"d: x cannot be read: denied"}, []string{"d: x cannot be read: denied"}},
		{"a part with a declared item", named(declared, nil, false), false, "d: x cannot be read: denied", nil, []string{"d: x cannot be read: denied"}},
		{"a part with an item that nobody asked for", elsewhere, false, "", []string{"d: x cannot be read: denied"}, []string{"d: x cannot be read: denied"}},
		{"unavailable", named(nil, broken, false), false, "", []string{"d: unavailable: damaged"}, []string{"d: unavailable: damaged"}},
		{"unavailable, and needed", named(nil, broken, true), false, "d: unavailable: damaged", nil, []string{"d: unavailable: damaged"}},
		{"absent", named(nil, absent, false), true, "", []string{"not installed, and not declared: d"}, nil},
		{"absent, and needed", named(nil, absent, true), false, "d: unavailable: no tool", nil, []string{"d: unavailable: no tool"}},
		{"a tool that is not installed, with data", named(nil, reconcile.Absentf(true, "no tool"), false), false, "", []string{"d: unavailable: no tool"}, []string{"d: unavailable: no tool"}},
		{"a manifest that is not valid", named(nil, errors.New("m.json:1:1: broken"), false), false, "m.json:1:1: broken", nil, nil},
	}
	for _, tt := range tests {
		domains := []*Domain{tt.d}
		problem := ""
		if err := Problems(domains); err != nil {
			problem = err.Error()
		}
		if got := AllRead(domains); got != tt.read || problem != tt.problem {
			t.Errorf("%s: read: %v, problem %q", tt.name, got, problem)
		}
		if diff := cmp.Diff(tt.note, UnreadNotes(domains, false)) + cmp.Diff(tt.all, AllUnread(domains)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestUnreadWithoutSecrets checks that nothing that names or quotes what could not be read, or
// what a capture leaves out, prints a secret.
func TestUnreadWithoutSecrets(t *testing.T) {
	const token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
	quoted := errors.New("line 2 is wrong: --token=" + token)
	part := &Domain{Reconciler: fakeReconciler{name: "d"}, Comparison: fakeComparison{
		hidden: []string{"k"}, hiddenDeclared: []string{"k"},
		unread:  []reconcile.Unread{{What: "x " + token, Err: quoted}},
		leftOut: []reconcile.LeftOut{{Reason: "options", What: "c --password=" + token}},
	}}
	whole := fakeSystem(t).lookAt(t.Context(), fakeReconciler{name: "d", err: reconcile.Unavailablef("%w", quoted)}, true)
	lines := slices.Concat(AllUnread([]*Domain{part, whole}), UnreadNotes([]*Domain{part}, true))
	for _, d := range []*Domain{part, whole} {
		lines = append(lines, Problems([]*Domain{d}).Error())
	}
	for _, l := range part.LeftOut() {
		lines = append(lines, l.What)
	}
	if len(lines) != 5 || !whole.IsUnavailable() {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	for _, line := range lines {
		if strings.Contains(line, token) || !strings.Contains(line, "***") {
			t.Errorf("not masked: %s", line)
		}
	}
}

// TestLeftOutOfSomeItems checks that a capture of some items names what it leaves out of these.
func TestLeftOutOfSomeItems(t *testing.T) {
	all := []reconcile.LeftOut{{Reason: "r", What: "dev: PATH=/a"}, {Reason: "r", What: "dev"}, {Reason: "r", What: "dev2: PATH=/a"}, {Reason: "r", What: "user/a url"}}
	d := &Domain{Reconciler: fakeReconciler{name: "d"}, Comparison: fakeComparison{leftOut: all}}
	for asked, want := range map[string][]reconcile.LeftOut{"dev": all[:2], "dev*": all[:3], "user/*": all[3:], "x": nil} {
		only := reconcile.Globs([]string{asked})
		d.only = &only
		if got := d.LeftOut(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, not %v", asked, got, want)
		}
	}
}
