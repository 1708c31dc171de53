package reconcile_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// overrides is a domain of a system in memory. The order of flags does not count.
type overrides struct {
	has          []manifest.FlatpakOverride
	installation string
	err          error
}

func (o overrides) Observe(_ context.Context, _ reconcile.System, known []manifest.FlatpakOverride) (reconcile.Snapshot[manifest.FlatpakOverride], error) {
	var items []manifest.FlatpakOverride
	for _, item := range o.has {
		for _, k := range known {
			if k.Key() == item.Key() {
				item.Hosts, item.Comment = k.Hosts, k.Comment
				break
			}
		}
		items = append(items, item)
	}
	identity := func(manifest.FlatpakOverride) string { return o.installation }
	return reconcile.Snapshot[manifest.FlatpakOverride]{Items: items, Plan: o.plan, Identity: identity}, o.err
}

func (overrides) Same(a, b manifest.FlatpakOverride) bool {
	x, y := slices.Sorted(slices.Values(a.Flags)), slices.Sorted(slices.Values(b.Flags))
	return slices.Equal(x, y)
}

func (overrides) plan(diffs []reconcile.Diff[manifest.FlatpakOverride]) []plan.Change {
	var p plan.Plan
	for _, d := range diffs {
		switch {
		case d.Want == nil:
			p = append(p, plan.Change{Op: plan.Remove, Targets: []string{d.Have.Key()}})
		case d.Have == nil:
			add := plan.Change{Op: plan.Add, Targets: []string{d.Want.Key(), strings.Join(d.Want.Flags, " ")}}
			add.Fallback = []plan.Change{add}
			p = append(p, add)
		default:
			p = append(p, plan.Change{Op: plan.Modify, Targets: []string{d.Want.Key(), strings.Join(d.Want.Flags, " ")}})
		}
	}
	return p
}

func (overrides) Merge(base, ours, theirs manifest.FlatpakOverride) (manifest.FlatpakOverride, bool) {
	for _, f := range theirs.Flags {
		if !slices.Contains(base.Flags, f) && !slices.Contains(ours.Flags, f) {
			ours.Flags = append(slices.Clip(ours.Flags), f)
		}
	}
	ours.Flags = slices.DeleteFunc(slices.Clone(ours.Flags), func(f string) bool {
		return slices.Contains(base.Flags, f) && !slices.Contains(theirs.Flags, f)
	})
	return ours, !slices.Contains(ours.Flags, "--clash=yes")
}

const file = "manifests/flatpak-overrides.json"

func kind(o reconcile.Domain[manifest.FlatpakOverride]) reconcile.Reconciler {
	return reconcile.New("flatpak-overrides", o, reconcile.List[manifest.FlatpakOverrides, manifest.FlatpakOverride]{
		File:  file,
		Items: func(f *manifest.FlatpakOverrides) *[]manifest.FlatpakOverride { return &f.Overrides },
	})
}

// item returns an override of app a.b.c with these flags, nil for "".
func item(flags string) []manifest.FlatpakOverride {
	if flags == "" {
		return nil
	}
	return []manifest.FlatpakOverride{{App: "a.b.c", Scope: "user", Flags: strings.Fields(flags)}}
}

// repository returns a repository that declares items.
func repository(t *testing.T, items []manifest.FlatpakOverride) fs.FS {
	t.Helper()
	text, err := manifest.Encode(manifest.FlatpakOverrides{Overrides: items})
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{file: {Data: text}}
}

// agreed returns the base of a system and a manifest that both had items.
func agreed(t *testing.T, items []manifest.FlatpakOverride, installation string) []byte {
	t.Helper()
	c := compare(t, overrides{has: items, installation: installation}, reconcile.Input{Repo: repository(t, items)})
	text, _, err := c.Base(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func compare(t *testing.T, o reconcile.Domain[manifest.FlatpakOverride], in reconcile.Input) reconcile.Comparison {
	t.Helper()
	in.Host = "here"
	c, err := kind(o).Compare(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const key = "user/a.b.c"

// TestEveryCase checks each case of the three-way comparison: the manifest after capture,
// and the plan of apply.
func TestEveryCase(t *testing.T) {
	const a, b, c = "--share=network", "--share=ipc", "--filesystem=home"
	tests := []struct {
		name                 string
		base, live, declared string
		want                 reconcile.Case
		captured             string // the flags in the manifest afterwards
		applied              string // what is planned
	}{
		{"up to date", a, a, a, "", "", ""},
		{"up to date, in another order", a, a + " " + b, b + " " + a, "", "", ""},
		{"up to date, changed alike", a, b, b, "", "", ""},
		{"changed here", a, b, a, reconcile.CaseLive, b, "~ user/a.b.c " + a},
		{"removed here", a, "", a, reconcile.CaseLive, "", "+ user/a.b.c " + a},
		{"changed in the manifest", a, a, b, reconcile.CaseManifest, a, "~ user/a.b.c " + b},
		{"removed from the manifest", a, a, "", reconcile.CaseManifest, a, "- user/a.b.c"},
		{"changed on both sides", a, a + " " + b, a + " " + c, reconcile.CaseMerge, a + " " + c + " " + b, "~ user/a.b.c " + a + " " + b + " " + c},
		{"changed on both sides, here more", a, a + " " + b + " " + c, a + " " + c, reconcile.CaseLive, a + " " + b + " " + c, "~ user/a.b.c " + a + " " + c},
		{"changed on both sides, there more", a, a + " " + c, a + " " + b + " " + c, reconcile.CaseManifest, a + " " + c, "~ user/a.b.c " + a + " " + b + " " + c},
		{"changed and removed", a, b, "", reconcile.CaseConflict, b, "- user/a.b.c"},
		{"removed and changed", a, "", b, reconcile.CaseConflict, "", "+ user/a.b.c " + b},
		{"a clash", a, "--clash=yes", b, reconcile.CaseConflict, "--clash=yes", "~ user/a.b.c " + b},
		{"new here", "", a, "", reconcile.CaseNew, a, "- user/a.b.c"},
		{"new machine", "", "", a, reconcile.CaseMissing, "", "+ user/a.b.c " + a},
		{"first run", "", a, b, reconcile.CaseNoBase, a, "~ user/a.b.c " + b},
		{"gone on both sides", a, "", "", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			repo := repository(t, item(tt.declared))
			in := reconcile.Input{Repo: repo, Base: agreed(t, item(tt.base), "")}
			cmpn := compare(t, overrides{has: item(tt.live)}, in)
			differences := cmpn.Differences()
			if tt.want == "" {
				if len(differences) != 0 {
					t.Fatalf("differs: %v", differences)
				}
				return
			}
			if len(differences) != 1 || differences[0].Key != key || differences[0].Case != tt.want {
				t.Fatalf("%+v", differences)
			}
			edits := reconcile.NewEdits(repo)
			if err := cmpn.Capture(edits, []string{key}); err != nil {
				t.Fatal(err)
			}
			checkDeclared(t, edits, item(tt.captured))
			change, remove := cmpn.Apply([]string{key}, false)
			checkPlan(t, append(change, remove...), tt.applied)
			change, remove = cmpn.Apply([]string{key}, true)
			checkPlan(t, append(change, remove...), exactly(tt.live, tt.declared))
			if !slices.Equal(cmpn.Keys(), []string{key}) {
				t.Errorf("keys %q", cmpn.Keys())
			}
			settled, _, err := cmpn.Base([]string{key}, nil)
			if err != nil {
				t.Fatal(err)
			}
			again := compare(t, overrides{has: item(tt.live)}, reconcile.Input{Repo: edits, Base: settled})
			checkCaptured(t, tt.want, again.Differences())
		})
	}
}

// exactly returns the plan that gives the system what is declared, whatever it has.
func exactly(live, declared string) string {
	switch {
	case declared == "":
		return "- " + key
	case live == "":
		return "+ " + key + " " + declared
	}
	return "~ " + key + " " + declared
}

// checkCaptured checks that nothing remains to capture after a capture. Merged items remain
// to be applied.
func checkCaptured(t *testing.T, was reconcile.Case, left []reconcile.Difference) {
	t.Helper()
	if was == reconcile.CaseMerge {
		left = slices.DeleteFunc(left, func(d reconcile.Difference) bool { return d.Case == reconcile.CaseManifest })
	}
	if len(left) != 0 {
		t.Errorf("after the capture: %+v", left)
	}
}

func checkDeclared(t *testing.T, repo fs.FS, want []manifest.FlatpakOverride) {
	t.Helper()
	_, got, err := reconcile.ReadManifest[manifest.FlatpakOverrides](repo, file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Overrides, cmp.Comparer(func(a, b manifest.FlatpakOverride) bool { return overrides{}.Same(a, b) })); diff != "" {
		t.Errorf("in the manifest (-want +got):\n%s", diff)
	}
}

func checkPlan(t *testing.T, p plan.Plan, want string) {
	t.Helper()
	var out strings.Builder
	if err := p.Print(&out); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSuffix(out.String(), "\n"); got != want {
		t.Errorf("plan %q, not %q", got, want)
	}
	for _, c := range p {
		for _, c := range append(c.Fallback, c) {
			if c.Domain != "flatpak-overrides" {
				t.Errorf("domain %q", c.Domain)
			}
		}
	}
}

// defaults is a domain of a system on which all items are default.
type defaults struct{ overrides }

func (g defaults) Observe(ctx context.Context, sys reconcile.System, known []manifest.FlatpakOverride) (reconcile.Snapshot[manifest.FlatpakOverride], error) {
	o, err := g.overrides.Observe(ctx, sys, known)
	o.IsDefault = func(manifest.FlatpakOverride) bool { return true }
	return o, err
}

// TestDefaultItems checks that default items are up to date if they are declared, and
// otherwise neither captured nor removed.
func TestDefaultItems(t *testing.T) {
	d := defaults{overrides{has: item("--share=ipc")}}
	for _, declared := range [][]manifest.FlatpakOverride{nil, item("--share=ipc")} {
		for _, base := range [][]byte{nil, agreed(t, item("--share=ipc"), "")} {
			c := compare(t, d, reconcile.Input{Repo: repository(t, declared), Base: base})
			if len(c.Differences()) != 0 || c.UpToDate() != len(declared) {
				t.Errorf("%v: %v", declared, c.Differences())
			}
		}
	}
}

// TestBaseOfAnotherInstallationDoesNotCount checks that a new system with an old home does
// not look as if the user had removed all items.
func TestBaseOfAnotherInstallationDoesNotCount(t *testing.T) {
	declared := item("--share=network")
	in := reconcile.Input{Repo: repository(t, declared), Base: agreed(t, declared, "old")}
	for installation, want := range map[string]reconcile.Case{"old": reconcile.CaseLive, "new": reconcile.CaseMissing} {
		differences := compare(t, overrides{installation: installation}, in).Differences()
		if len(differences) != 1 || differences[0].Case != want {
			t.Errorf("%s: %+v", installation, differences)
		}
	}
}

func TestUnavailableIsNotEmpty(t *testing.T) {
	declared := item("--share=network")
	gone := overrides{err: reconcile.Unavailablef("no bus")}
	_, err := kind(gone).Compare(t.Context(), reconcile.Input{Repo: repository(t, declared), Base: agreed(t, declared, "")})
	if _, ok := errors.AsType[*reconcile.Unavailable](err); !ok {
		t.Errorf("%v", err)
	}
}

func TestItemsForOtherHosts(t *testing.T) {
	const a, b = "--share=network", "--share=ipc"
	on := func(items []manifest.FlatpakOverride, hosts ...string) []manifest.FlatpakOverride {
		items[0].Hosts = hosts
		return items
	}
	tests := []struct {
		name           string
		live, declared []manifest.FlatpakOverride
		want           reconcile.Case
		hosts          manifest.Hosts // afterwards
	}{
		{"not for this one", nil, on(item(a), "there"), "", nil},
		{"here too", item(a), on(item(a), "there"), reconcile.CaseNew, manifest.Hosts{"here", "there"}},
		{"here with another value", item(b), on(item(a), "there"), reconcile.CaseUncapturable, nil},
		{"no longer here", nil, on(item(a), "here", "there"), reconcile.CaseMissing, manifest.Hosts{"there"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			repo := repository(t, tt.declared)
			c := compare(t, overrides{has: tt.live}, reconcile.Input{Repo: repo})
			differences := c.Differences()
			if tt.want == "" {
				if len(differences) != 0 {
					t.Errorf("%+v", differences)
				}
				return
			}
			if len(differences) != 1 || differences[0].Case != tt.want {
				t.Fatalf("%+v", differences)
			}
			if tt.hosts == nil {
				return
			}
			edits := reconcile.NewEdits(repo)
			if err := c.Capture(edits, []string{key}); err != nil {
				t.Fatal(err)
			}
			_, got, err := reconcile.ReadManifest[manifest.FlatpakOverrides](edits, file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.hosts, got.Overrides[0].Hosts); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatNoManifestCanHaveIsNotCaptured(t *testing.T) {
	odd := []manifest.FlatpakOverride{{App: "not an id", Scope: "user", Flags: []string{"--share=ipc"}}}
	differences := compare(t, overrides{has: odd}, reconcile.Input{Repo: repository(t, nil)}).Differences()
	if len(differences) != 1 || differences[0].Case != reconcile.CaseUncapturable || differences[0].Why == nil {
		t.Errorf("%+v", differences)
	}
}

func TestIgnoredItemsTakeNoPart(t *testing.T) {
	ignored, err := reconcile.ParseIgnore(".bktignore", []byte("# mine\n\nflatpak:user/a.*\n"), []string{"flatpak-apps", "flatpak-overrides", "gsettings"})
	if err != nil {
		t.Fatal(err)
	}
	in := reconcile.Input{Repo: repository(t, nil), Ignore: ignored["flatpak-overrides"]}
	if differences := compare(t, overrides{has: item("--share=ipc")}, in).Differences(); len(differences) != 0 {
		t.Errorf("%+v", differences)
	}
	if ignored["gsettings"].Has("user/a.x") {
		t.Error("gsettings is ignored, too")
	}
}

func TestParseIgnoreSaysWhatIsWrong(t *testing.T) {
	_, err := reconcile.ParseIgnore(".bktignore", []byte("gsettings:x\nflatpack:y\ngsettings\n"), []string{"gsettings"})
	want := ".bktignore:2:1: \"flatpack:y\" is not DOMAIN:GLOB\n.bktignore:3:1: \"gsettings\" is not DOMAIN:GLOB"
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestABaseThatCannotBeReadIsAnError(t *testing.T) {
	for _, text := range []string{"", "{", `{"version": 2, "items": []}`} {
		_, err := kind(overrides{}).Compare(t.Context(), reconcile.Input{Repo: repository(t, nil), Base: []byte(text)})
		if err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

// FuzzCompare checks for all values of the three sides that nothing remains to capture after
// a capture, and that apply gives the system the values in the manifest.
func FuzzCompare(f *testing.F) {
	f.Add("a", "a b", "a c")
	f.Add("a b", "b", "")
	f.Add("", "b", "c")
	f.Fuzz(func(t *testing.T, base, live, declared string) {
		flags := func(s string) []manifest.FlatpakOverride {
			var all []string
			for _, c := range "abcd" {
				if strings.ContainsRune(s, c) {
					all = append(all, "--share="+string(c))
				}
			}
			return item(strings.Join(all, " "))
		}
		repo := repository(t, flags(declared))
		in := reconcile.Input{Repo: repo, Base: agreed(t, flags(base), "")}
		c := compare(t, overrides{has: flags(live)}, in)
		for _, d := range c.Differences() {
			edits := reconcile.NewEdits(repo)
			if err := c.Capture(edits, []string{d.Key}); err != nil {
				t.Fatal(err)
			}
			settled, _, err := c.Base([]string{d.Key}, nil)
			if err != nil {
				t.Fatal(err)
			}
			again := compare(t, overrides{has: flags(live)}, reconcile.Input{Repo: edits, Base: settled})
			checkCaptured(t, d.Case, again.Differences())
			if _, differs, err := again.Base(nil, nil); differs || err != nil {
				t.Errorf("the base changes once more: %v", err)
			}
		}
	})
}

// TestEditsBefore checks that an edit remembers the text that was read, so that a later
// change of the file is found.
func TestEditsBefore(t *testing.T) {
	repo := fstest.MapFS{"a.json": {Data: []byte("first")}}
	edits := reconcile.NewEdits(repo)
	for _, text := range []string{"second", "third"} {
		if _, err := edits.ReadFile("a.json"); err != nil {
			t.Fatal(err)
		}
		repo["a.json"] = &fstest.MapFile{Data: []byte(text)}
	}
	edits.WriteFile("a.json", []byte("mine"))
	if diff := cmp.Diff("first", string(edits.Before("a.json"))); diff != "" {
		t.Errorf("the text before (-want +got):\n%s", diff)
	}
}

// meaning is a domain whose declared flags may mean other flags, with some hidden items. It
// only reports flags that begin with "--env=SEEN=", and never applies them.
type meaning struct {
	overrides
	means  map[string]string
	hidden string
}

func (m meaning) Observe(ctx context.Context, sys reconcile.System, known []manifest.FlatpakOverride) (reconcile.Snapshot[manifest.FlatpakOverride], error) {
	o, err := m.overrides.Observe(ctx, sys, known)
	o.Hidden = func(v manifest.FlatpakOverride) bool { return v.Key() == m.hidden }
	o.Resolve = func(v manifest.FlatpakOverride) manifest.FlatpakOverride {
		v.Flags = slices.Clone(v.Flags)
		for i, f := range v.Flags {
			if meant, ok := m.means[f]; ok {
				v.Flags[i] = meant
			}
		}
		return v
	}
	return o, err
}

func (meaning) Applicable(v manifest.FlatpakOverride) manifest.FlatpakOverride {
	v.Flags = slices.DeleteFunc(slices.Clone(v.Flags), func(f string) bool { return strings.HasPrefix(f, "--env=SEEN=") })
	return v
}

func compareMeaning(t *testing.T, m meaning, in reconcile.Input) reconcile.Comparison {
	t.Helper()
	c, err := reconcile.New("flatpak-overrides", m, reconcile.List[manifest.FlatpakOverrides, manifest.FlatpakOverride]{
		File:  file,
		Items: func(f *manifest.FlatpakOverrides) *[]manifest.FlatpakOverride { return &f.Overrides },
	}).Compare(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestResolve checks that a new meaning of a name counts as a change in the manifest, which
// apply makes and capture ignores.
func TestResolve(t *testing.T) {
	in := reconcile.Input{Repo: repository(t, item("--env=I=latest"))}
	m := meaning{overrides: overrides{has: item("--env=I=1")}, means: map[string]string{"--env=I=latest": "--env=I=1"}}
	c := compareMeaning(t, m, in)
	if c.UpToDate() != 1 {
		t.Fatalf("%v", c.Differences())
	}
	var err error
	in.Base, _, err = c.Base(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.means["--env=I=latest"] = "--env=I=2"
	c = compareMeaning(t, m, in)
	if d := c.Differences(); len(d) != 1 || d[0].Case != reconcile.CaseManifest {
		t.Fatalf("%v", d)
	}
	change, _ := c.Apply([]string{"user/a.b.c"}, false)
	want := plan.Plan{{Op: plan.Modify, Domain: "flatpak-overrides", Targets: []string{"user/a.b.c", "--env=I=2"}}}
	if diff := cmp.Diff(want, change); diff != "" {
		t.Error(diff)
	}
}

// TestHidden checks that an unreadable item takes no part, and that its last known state is
// kept.
func TestHidden(t *testing.T) {
	base := agreed(t, item("--env=A=1"), "")
	m := meaning{hidden: "user/a.b.c"}
	for _, declared := range []string{"--env=A=1", "--env=B=1", ""} {
		c := compareMeaning(t, m, reconcile.Input{Repo: repository(t, item(declared)), Base: base})
		if len(c.Differences()) != 0 || c.UpToDate() != 0 || !slices.Equal(c.Hidden(), []string{m.hidden}) {
			t.Errorf("%q: %v", declared, c.Differences())
		}
		if got := len(c.HiddenDeclared()) == 1; got != (declared != "") {
			t.Errorf("%q: declared and hidden: %v", declared, c.HiddenDeclared())
		}
		if _, differs, err := c.Base(nil, nil); differs || err != nil {
			t.Errorf("%q: the base differs, %v", declared, err)
		}
	}
}

// seeing is a domain that could not read everything, and that leaves something out.
type seeing struct {
	overrides
	unread  []reconcile.Unread
	leftOut []reconcile.LeftOut
}

func (s seeing) Observe(ctx context.Context, sys reconcile.System, known []manifest.FlatpakOverride) (reconcile.Snapshot[manifest.FlatpakOverride], error) {
	o, err := s.overrides.Observe(ctx, sys, known)
	o.Unread, o.LeftOut = s.unread, s.leftOut
	return o, err
}

// TestFindings checks that what could not be read, and what a capture leaves out, is
// sorted, and that ignored items are left out if the manifest does not have them.
func TestFindings(t *testing.T) {
	ignored, err := reconcile.ParseIgnore("f", []byte("flatpak-overrides:*"), []string{"flatpak-overrides"})
	if err != nil {
		t.Fatal(err)
	}
	denied := errors.New("denied")
	d := seeing{overrides{has: item("--share=ipc")}, []reconcile.Unread{{What: "y", Err: denied}, {What: "x", Err: denied}},
		[]reconcile.LeftOut{{Reason: "runtimes", What: "b"}, {Reason: "runtimes", What: "a"}, {Reason: "bundles", What: "z"}}}
	own := []reconcile.LeftOut{{Reason: "bundles", What: "z"}}
	runtimes := []reconcile.LeftOut{{Reason: "runtimes", What: "a"}, {Reason: "runtimes", What: "b"}}
	for declared, want := range map[string][]reconcile.LeftOut{
		"":               slices.Concat(own, []reconcile.LeftOut{{Reason: reconcile.IgnoredItems, What: key}}, runtimes),
		"--share=ipc":    slices.Concat(own, runtimes),
		"--share=others": slices.Concat(own, []reconcile.LeftOut{{Reason: reconcile.IgnoredItems, What: key}}, runtimes),
	} {
		c := compare(t, d, reconcile.Input{Repo: repository(t, item(declared)), Ignore: ignored["flatpak-overrides"]})
		if diff := cmp.Diff(want, c.LeftOut()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", declared, diff)
		}
		if u := c.Unread(); len(u) != 2 || u[0].What != "x" || u[1].What != "y" {
			t.Errorf("%v", u)
		}
	}
}

// TestReporter checks that a part that only the system can know is captured regardless of
// the last known state, and does not count as a difference otherwise.
func TestReporter(t *testing.T) {
	m := meaning{overrides: overrides{has: item("--env=A=1 --env=SEEN=1")}}
	for _, base := range [][]byte{nil, agreed(t, item("--env=B=1"), ""), agreed(t, item("--env=A=1"), "")} {
		c := compareMeaning(t, m, reconcile.Input{Repo: repository(t, item("--env=A=1")), Base: base})
		if d := c.Differences(); len(d) != 1 || d[0].Case != reconcile.CaseLive || !d[0].Reported {
			t.Errorf("%v", d)
		}
		text, _, err := c.Base(nil, nil)
		if want := agreed(t, item("--env=A=1"), ""); err != nil || string(text) != string(want) {
			t.Errorf("%s, not %s, %v", text, want, err)
		}
	}
	c := compareMeaning(t, m, reconcile.Input{Repo: repository(t, item("--env=B=1")), Base: agreed(t, item("--env=A=1 --env=SEEN=1"), "")})
	if d := c.Differences(); len(d) != 1 || d[0].Case != reconcile.CaseManifest || d[0].Reported {
		t.Errorf("%v", d)
	}
}

// brokenOverrides is a domain whose items need repair.
type brokenOverrides struct{ overrides }

func (o brokenOverrides) Observe(ctx context.Context, sys reconcile.System, declared []manifest.FlatpakOverride) (reconcile.Snapshot[manifest.FlatpakOverride], error) {
	s, err := o.overrides.Observe(ctx, sys, declared)
	s.Broken = func(manifest.FlatpakOverride) error { return errBroken }
	return s, err
}

var errBroken = errors.New("its file is gone")

// TestBroken checks that an item that is as declared, and broken, is applied again. The
// last known state counts it as up to date. An item that differs is not called broken.
func TestBroken(t *testing.T) {
	const a, b = "--share=network", "--share=ipc"
	for _, tt := range []struct {
		name, live, declared string
		want                 reconcile.Case
	}{
		{"as declared", a, a, reconcile.CaseBroken},
		{"changed here", b, a, reconcile.CaseLive},
		{"missing", "", a, reconcile.CaseLive},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := reconcile.Input{Repo: repository(t, item(tt.declared)), Base: agreed(t, item(a), "")}
			c := compare(t, brokenOverrides{overrides{has: item(tt.live)}}, in)
			d := c.Differences()
			if len(d) != 1 || d[0].Case != tt.want {
				t.Fatalf("%+v", d)
			}
			if tt.want != reconcile.CaseBroken {
				return
			}
			if !errors.Is(d[0].Why, errBroken) {
				t.Errorf("why: %v", d[0].Why)
			}
			change, remove := c.Apply([]string{key}, false)
			checkPlan(t, append(change, remove...), "~ user/a.b.c "+a)
			if _, differs, err := c.Base(nil, nil); differs || err != nil {
				t.Errorf("the last known state changes: %v", err)
			}
		})
	}
}

// orphanedOverrides is a domain that left files of a former item behind.
type orphanedOverrides struct {
	overrides
	hides bool // that it could not read the item
}

func (o orphanedOverrides) Observe(ctx context.Context, sys reconcile.System, declared []manifest.FlatpakOverride) (reconcile.Snapshot[manifest.FlatpakOverride], error) {
	s, err := o.overrides.Observe(ctx, sys, declared)
	remove := plan.Change{Op: plan.Modify, Targets: []string{key}, Steps: []plan.Step{plan.Delete{Path: "/left"}}}
	s.Orphans = []reconcile.Orphan{{Key: key, Why: errBroken, Remove: remove}}
	s.Hidden = func(manifest.FlatpakOverride) bool { return o.hides }
	return s, err
}

// TestOrphans checks that what is left of an item is removed if the item exists neither on
// the system nor in the manifest, whatever the last known state is, and if the user does not
// ignore it. The user can select it by its key.
func TestOrphans(t *testing.T) {
	const a = "--share=network"
	ignored, err := reconcile.ParseIgnore("f", []byte("flatpak-overrides:*"), []string{"flatpak-overrides"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, live, declared, base string
		hosts                      manifest.Hosts
		ignore                     reconcile.Ignore
		hides                      bool
		want                       []reconcile.Case
	}{
		{name: "unknown", want: []reconcile.Case{reconcile.CaseBroken}},
		{name: "removed from both sides", base: a, want: []reconcile.Case{reconcile.CaseBroken}},
		{name: "exists", live: a, want: []reconcile.Case{reconcile.CaseNew}},
		{name: "declared", declared: a, want: []reconcile.Case{reconcile.CaseMissing}},
		{name: "declared for another computer, which may have the same home", declared: a, hosts: manifest.Hosts{"other"}},
		{name: "ignored", ignore: ignored["flatpak-overrides"]},
		{name: "not read", base: a, hides: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			declared := item(tt.declared)
			for i := range declared {
				declared[i].Hosts = tt.hosts
			}
			in := reconcile.Input{Repo: repository(t, declared), Base: agreed(t, item(tt.base), ""), Ignore: tt.ignore}
			c := compare(t, orphanedOverrides{overrides{has: item(tt.live)}, tt.hides}, in)
			var got []reconcile.Case
			for _, d := range c.Differences() {
				got = append(got, d.Case)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Fatal(diff)
			}
			if isKey := slices.Equal(c.Keys(), []string{key}); isKey != (len(got) > 0) {
				t.Errorf("the keys are %q", c.Keys())
			}
			if len(got) == 0 || got[0] != reconcile.CaseBroken {
				return
			}
			change, remove := c.Apply([]string{key}, false)
			if len(change) != 1 || len(remove) != 0 || change[0].Domain != "flatpak-overrides" || change[0].Steps[0] != (plan.Delete{Path: "/left"}) {
				t.Errorf("%v, %v", change, remove)
			}
		})
	}
}
