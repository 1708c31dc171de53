package report

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"bkt/internal/live"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/ui"

	"github.com/google/go-cmp/cmp"
)

// A reconciler has a name, and nothing to compare.
type reconciler struct {
	reconcile.Reconciler
	name string
}

func (r reconciler) Name() string                         { return r.name }
func (r reconciler) Declares(fs.FS, string) (bool, error) { return false, nil }

// A comparison has a number of items that are up to date, and notes.
type comparison struct {
	reconcile.Comparison
	upToDate int
	notes    []string
	unread   []reconcile.Unread
	leftOut  []reconcile.LeftOut
	hidden   []string
}

func (c comparison) Unread() []reconcile.Unread   { return c.unread }
func (c comparison) LeftOut() []reconcile.LeftOut { return c.leftOut }
func (c comparison) Hidden() []string             { return c.hidden }
func (c comparison) HiddenDeclared() []string     { return nil }
func (c comparison) UpToDate() int                { return c.upToDate }
func (c comparison) Notes() []string              { return c.notes }

// found returns domains and items of each kind.
func found() ([]*live.Domain, []live.Item) {
	apps := &live.Domain{Reconciler: reconciler{name: "flatpak-apps"}, Comparison: comparison{upToDate: 2, notes: []string{"a note"}}}
	fine := &live.Domain{Reconciler: reconciler{name: "gsettings"}, Comparison: comparison{upToDate: 1}}
	broken := &live.Domain{Reconciler: reconciler{name: "services"}, Err: errors.New("no systemctl")}
	items := []live.Item{
		{Domain: apps, Op: plan.Add, Result: live.Captured, Difference: reconcile.Difference{Key: "new", Case: reconcile.CaseNew, Live: []byte(`{"id":"new"}`)}},
		{Domain: apps, Op: plan.Modify, Result: live.Failed, Err: errors.New("failed"), Difference: reconcile.Difference{Key: "bad", Case: reconcile.CaseLive, Base: []byte(`{"id":"1"}`), Live: []byte(`{"id":"2"}`), Manifest: []byte(`{"id":"1"}`)}},
		{Domain: apps, Result: live.Kept, Difference: reconcile.Difference{Key: "kept", Case: reconcile.CaseMissing, Manifest: []byte(`{"id":"kept"}`)}},
	}
	return []*live.Domain{apps, fine, broken}, items
}

// TestJSON has the output of --json to the byte: programs read it.
func TestJSON(t *testing.T) {
	const want = `{
  "version": 1,
  "domains": [
    {
      "name": "flatpak-apps",
      "state": "differs",
      "in_step": 2,
      "notes": [
        "a note"
      ],
      "items": [
        {
          "key": "new",
          "case": "new",
          "op": "+",
          "live": {
            "id": "new"
          },
          "result": "captured"
        },
        {
          "key": "bad",
          "case": "live",
          "op": "~",
          "base": {
            "id": "1"
          },
          "live": {
            "id": "2"
          },
          "manifest": {
            "id": "1"
          },
          "result": "failed",
          "error": "failed"
        },
        {
          "key": "kept",
          "case": "missing",
          "manifest": {
            "id": "kept"
          },
          "result": "kept"
        }
      ]
    },
    {
      "name": "gsettings",
      "state": "in step",
      "in_step": 1,
      "items": []
    },
    {
      "name": "services",
      "state": "unavailable",
      "reason": "no systemctl",
      "in_step": 0,
      "items": []
    }
  ]
}
`
	var out bytes.Buffer
	domains, items := found()
	if err := Outcome(&ui.Printer{Out: &out, JSON: true}, domains, items, live.ToManifest); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// unread returns domains that could not be read in part, in full, and not at all.
func unread() []*live.Domain {
	images := comparison{
		unread: []reconcile.Unread{{What: "/a/x.AppImage", Err: errors.New("denied")}}, hidden: []string{"x"},
		leftOut: []reconcile.LeftOut{{Reason: "files without a name", What: "/a/y"}, {Reason: "files without a name", What: "token=ghp_0123456789abcdefghijABCDEFGHIJ012345"}},
	}
	return []*live.Domain{
		{Reconciler: reconciler{name: "appimages"}, Comparison: images},
		{Reconciler: reconciler{name: "gsettings"}, Err: reconcile.Unavailablef("damaged\nthere")},
		{Reconciler: reconciler{name: "flatpak-apps"}, Err: reconcile.Absentf(false, "no flatpak")},
		{Reconciler: reconciler{name: "distrobox"}, Err: reconcile.Absentf(false, "no podman")},
		{Reconciler: reconciler{name: "services"}, Err: reconcile.Absentf(true, "no systemctl")},
	}
}

// TestUnread checks that everything that could not be read is named, in a line, and that
// nothing is said to be the same if that is unknown.
func TestUnread(t *testing.T) {
	const lines = `bkt: appimages: /a/x.AppImage cannot be read: denied
bkt: gsettings: unavailable: damaged; there
bkt: services: unavailable: no systemctl
bkt: not installed, and not declared: flatpak-apps, distrobox
`
	const verbose = `bkt: appimages: /a/x.AppImage cannot be read: denied
bkt: gsettings: unavailable: damaged; there
bkt: flatpak-apps: unavailable: no flatpak
bkt: distrobox: unavailable: no podman
bkt: services: unavailable: no systemctl
`
	for _, tt := range []struct {
		p     ui.Printer
		lines string
	}{{ui.Printer{}, lines}, {ui.Printer{Quiet: true}, lines}, {ui.Printer{Verbose: true}, verbose}} {
		var notes bytes.Buffer
		tt.p.Err = &notes
		Unread(&tt.p, unread())
		if diff := cmp.Diff(tt.lines, notes.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	for _, tt := range []struct {
		domains           []*live.Domain
		drift, toManifest string
	}{
		{unread(), "nothing differs in what could be read\n", "nothing to do in what could be read\n"},
		{unread()[:1], "nothing differs in what could be read\n", "nothing to do in what could be read\n"},
		{unread()[1:2], "nothing differs in what could be read\n", "nothing to do in what could be read\n"},
		{unread()[2:4], "up to date\n", "nothing to do\n"},
	} {
		var drift, outcome bytes.Buffer
		err := Drift(&ui.Printer{Out: &drift}, tt.domains, nil)
		if err := errors.Join(err, Outcome(&ui.Printer{Out: &outcome}, tt.domains, nil, live.ToManifest)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.drift+tt.toManifest, drift.String()+outcome.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestUnreadJSON has what the output of --json says of domains that could not be read. Only
// a capture says what it leaves out.
func TestUnreadJSON(t *testing.T) {
	const want = `{
  "version": 1,
  "domains": [
    {
      "name": "appimages",
      "state": "in step",
      "in_step": 0,
      "items": [],
      "unread": [
        {
          "what": "/a/x.AppImage",
          "error": "denied"
        }
      ],
      "hidden": [
        "x"
      ],
      "left_out": [
        {
          "reason": "files without a name",
          "what": "/a/y"
        },
        {
          "reason": "files without a name",
          "what": "token=***"
        }
      ]
    },
    {
      "name": "flatpak-apps",
      "state": "unavailable",
      "reason": "no flatpak",
      "in_step": 0,
      "items": [],
      "absent": true
    }
  ]
}
`
	domains := []*live.Domain{unread()[0], unread()[2]}
	var capture, apply bytes.Buffer
	err := Outcome(&ui.Printer{Out: &capture, JSON: true}, domains, nil, live.ToManifest)
	if err := errors.Join(err, Outcome(&ui.Printer{Out: &apply, JSON: true}, domains, nil, live.ToSystem)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, capture.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if text := apply.String(); strings.Contains(text, "left_out") || !strings.Contains(text, "x.AppImage") {
		t.Errorf("an apply: %s", text)
	}
}

// TestNotCaptured checks that a capture counts what it saw and did not write, by reason,
// and lists it with -v, without secrets.
func TestNotCaptured(t *testing.T) {
	domains, items := found()
	domains = append(domains, unread()...)
	items = append(items,
		refused(domains[0], "hard", reconcile.CaseUncapturable, `{"id":"hard"}`),
		refused(domains[0], "both", reconcile.CaseConflict, `{"id":"both"}`),
		refused(domains[0], "secret", reconcile.CaseNew, `{"app":"a","flags":["--env=DB_PASSWORD=apple1234"]}`))
	for _, tt := range []struct {
		p    ui.Printer
		want string
	}{
		{ui.Printer{}, "bkt: not captured: files without a name (2), items that manifests cannot express (1), conflicts (1), items that look like secrets (1); -v lists them\n"},
		{ui.Printer{Quiet: true}, ""},
		{ui.Printer{Verbose: true}, `bkt: not captured: appimages /a/y (files without a name)
bkt: not captured: appimages token=*** (files without a name)
bkt: not captured: flatpak-apps hard (items that manifests cannot express)
bkt: not captured: flatpak-apps both (conflicts)
bkt: not captured: flatpak-apps secret (items that look like secrets)
`},
	} {
		var notes bytes.Buffer
		tt.p.Err = &notes
		NotCaptured(&tt.p, domains, items)
		if diff := cmp.Diff(tt.want, notes.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// refused returns an item that a capture refused.
func refused(d *live.Domain, key string, c reconcile.Case, system string) live.Item {
	return live.Item{Domain: d, Result: live.Refused, Difference: reconcile.Difference{Key: key, Case: c, Live: []byte(system)}}
}

// TestSecretsAreMasked checks that a secret that no manifest has is not printed.
func TestSecretsAreMasked(t *testing.T) {
	d := &live.Domain{Reconciler: reconciler{name: "flatpak-overrides"}, Comparison: comparison{}}
	items := []live.Item{{Domain: d, Difference: reconcile.Difference{Key: "a", Case: reconcile.CaseNew, Live: []byte(`{"app":"a","flags":["--env=DB_PASSWORD=apple1234"]}`)}}}
	for _, json := range []bool{true, false} {
		var out bytes.Buffer
		if err := Drift(&ui.Printer{Out: &out, Err: &out, JSON: json}, []*live.Domain{d}, items); err != nil {
			t.Fatal(err)
		}
		if text := out.String(); strings.Contains(text, "apple") || !strings.Contains(text, "flatpak-overrides") {
			t.Errorf("JSON %v: %s", json, text)
		}
	}
}

// TestText checks the text of a preview, of a result and of drift.
func TestText(t *testing.T) {
	domains, items := found()
	p := plan.Plan{{Op: plan.Add, Domain: "flatpak-apps", Targets: []string{"new", "new", "other"}, Steps: []plan.Step{plan.Run{Argv: []string{"flatpak", "install", "new"}}}}}
	for _, tt := range []struct {
		name       string
		p          ui.Printer
		print      func(p *ui.Printer) error
		out, notes string
	}{
		{"preview", ui.Printer{}, func(p *ui.Printer) error { return preview(t, p, domains, items, plan.Plan{{}}) },
			"flatpak-apps\n  + new\n",
			"bkt: flatpak-apps: kept: missing on this system; run \"bkt apply\" to add it\nbkt: flatpak-apps: a note\n"},
		{"verbose preview", ui.Printer{Verbose: true}, func(pr *ui.Printer) error { return preview(t, pr, domains, items, p) },
			"flatpak-apps\n  + new\n$ flatpak install new\n",
			"bkt: flatpak-apps: kept: missing on this system; run \"bkt apply\" to add it\nbkt: flatpak-apps: a note\n"},
		{"quiet result", ui.Printer{Quiet: true}, func(p *ui.Printer) error { return Result(p, domains, items, live.ToManifest, nil) }, "", ""},
		{"nothing", ui.Printer{}, func(p *ui.Printer) error { return Result(p, domains[1:2], nil, live.ToManifest, nil) }, "nothing to do\n", ""},
		{"nothing known", ui.Printer{}, func(p *ui.Printer) error { return Result(p, domains[1:], nil, live.ToManifest, nil) }, "", ""},
		{"drift", ui.Printer{}, func(p *ui.Printer) error { return Drift(p, domains, items) },
			"flatpak-apps\n  new: not in the manifest\n  bad: changed on this system: id 1 → 2\n  kept: missing on this system\n", ""},
		{"no drift", ui.Printer{}, func(p *ui.Printer) error { return Drift(p, domains[:2], nil) }, "up to date\n", ""},
		{"no known drift", ui.Printer{}, func(p *ui.Printer) error { return Drift(p, domains, nil) }, "", ""},
		{"quiet drift", ui.Printer{Quiet: true}, func(p *ui.Printer) error { return Drift(p, domains, nil) }, "", ""},
		{"progress", ui.Printer{}, func(pr *ui.Printer) error { progress(pr, p, items); return nil },
			"", "bkt: flatpak-apps: applying 2 items\nbkt: flatpak-apps: + new\n"},
		{"verbose progress", ui.Printer{Verbose: true}, func(pr *ui.Printer) error { progress(pr, p, items); return nil },
			"", "bkt: $ flatpak install new\nbkt: flatpak-apps: applying 2 items\nbkt: flatpak-apps: + new\n"},
	} {
		var out, notes bytes.Buffer
		tt.p.Out, tt.p.Err = &out, &notes
		if err := tt.print(&tt.p); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.out, out.String()) + cmp.Diff(tt.notes, notes.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func preview(t *testing.T, p *ui.Printer, domains []*live.Domain, items []live.Item, changes plan.Plan) error {
	pending, err := Preview(p, domains, items, live.ToManifest, changes)
	if !pending {
		t.Error("nothing would change")
	}
	return err
}

func progress(p *ui.Printer, changes plan.Plan, items []live.Item) {
	show := Progress(p)
	show(live.Event{Starting: changes})
	show(live.Event{Applied: &items[0]})
}

// TestDownloads checks that large downloads print each quarter once, and small ones
// nothing.
func TestDownloads(t *testing.T) {
	var notes bytes.Buffer
	show := Downloads(&ui.Printer{Err: &notes})
	const size = 100 << 20
	for done := int64(0); done <= size; done += 10 << 20 {
		show("big", done, size)
		show("small", done/100, size/100)
	}
	if got, want := notes.String(), "bkt: big: 25% of 100 MB\nbkt: big: 50% of 100 MB\nbkt: big: 75% of 100 MB\n"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
