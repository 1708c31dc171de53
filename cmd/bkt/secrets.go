package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/reconcile"
	"bkt/internal/secret"
	"bkt/internal/ui"
	"bkt/internal/workspace"

	"charm.land/huh/v2"
)

// newSecret returns what kind of secret a capture would bring into the
// repository, and where in the item it is; "" for none. What a manifest has
// already is no new one.
func newSecret(d reconcile.Difference) string {
	what := secret.In(d.Live, d.Manifest, d.Key)
	if what == "" || d.Elsewhere == nil {
		return what
	}
	return secret.In(d.Live, d.Elsewhere, d.Key)
}

// suspicion returns what kind of secret an item holds that is to be captured.
func (i item) suspicion() string {
	if i.op == "" || i.Live == nil {
		return ""
	}
	return newSecret(i.Difference)
}

// shown returns the key of an item as shownKey has it.
func (i item) shown() string { return shownKey(i.Key) }

// shownKey returns a key without what in it looks like a secret. In a pattern of
// .bktignore, the asterisks in its place stand for any text.
func shownKey(key string) string { return secret.Mask("key", "", key) }

// refuseSecrets leaves out what looks like a secret, and says so.
func refuseSecrets(items []item) {
	for n := range items {
		if what := items[n].suspicion(); what != "" {
			refuse(&items[n], suspected(items[n], what))
		}
	}
}

func suspected(i item, what string) error {
	return hint.Add(fmt.Errorf("looks like a secret (%s)", what),
		"if it is none, run \"bkt capture %s\" on a terminal, which asks; to leave it alone, add a line \"%s:%s\" to %s", i.domain, i.domain, i.shown(), workspace.IgnoreFile)
}

// askSecrets asks of each item that looks like a secret whether it is to be
// captured. Where there is no one to ask, it is left out. A general yes is no
// answer: who gives it does not know of the secret.
func (a *app) askSecrets(items []item, m ui.Mode, yes bool) error {
	if yes || m.DryRun || m.Check || !ui.Interactive() {
		refuseSecrets(items)
		return nil
	}
	in := bufio.NewReader(os.Stdin)
	for n := range items {
		i := &items[n]
		what := i.suspicion()
		if what == "" {
			continue
		}
		fmt.Fprintf(a.Err, "%s: %s looks like a secret (%s). Capture it anyway? [y/N] ", i.domain, i.shown(), what)
		answer, err := in.ReadString('\n')
		if err != nil {
			return errors.New("interrupted")
		}
		if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
			refuse(i, nil)
			a.Note("%s: %s: left out; to leave it out from now on, write %q into %s", i.domain, i.shown(), i.domain+":"+i.shown(), workspace.IgnoreFile)
		}
	}
	return nil
}

// option returns the line of an item in a list to pick from. What looks like a
// secret says so, and is not picked unless someone does.
func (i item) option(to direction, n int) huh.Option[int] {
	text, what := i.domain+" "+to.line(i), ""
	if _, want := to(i.Difference); string(want) == string(i.Live) {
		what = i.suspicion()
	}
	if what != "" {
		text += " (looks like a secret: " + what + ")"
	}
	return huh.NewOption(text, n).Selected(what == "")
}

// withoutSecrets returns the names of packages that do not look like secrets, and
// an error for each that does.
func withoutSecrets(packages []string) ([]string, error) {
	var names []string
	var errs []error
	for n, name := range packages {
		item, err := json.Marshal(map[string]string{"packages": name})
		if what := secret.In(item, nil); what != "" && err == nil {
			errs = append(errs, fmt.Errorf("the package %d of those that were installed by hand looks like a secret (%s)", n+1, what))
			continue
		}
		names = append(names, name)
	}
	return names, errors.Join(errs...)
}

// withoutSecret returns an error that quotes what an item has, without what in that
// looks like a secret.
func withoutSecret(err error) error {
	masked := secret.Mask("run", "", err.Error())
	if masked == err.Error() {
		return err
	}
	without := errors.New(masked)
	for _, h := range hint.Of(err) {
		without = hint.Add(without, "%s", secret.Mask("run", "", h))
	}
	return without
}

// sum tells a value of an item from others. From that of a short secret, the secret
// could be found out, so that it is left out.
func (i item) sum() string {
	if newSecret(i.Difference) != "" {
		return sum(secret.MaskItem(i.Live))
	}
	return sum(i.Live)
}

// MarshalJSON returns an item without what looks like a secret that no manifest
// has: output is kept in logs.
func (j itemJSON) MarshalJSON() ([]byte, error) {
	type plain itemJSON
	p := plain(j)
	if newSecret(reconcile.Difference{Key: j.Key, Live: j.Live, Manifest: j.Manifest}) != "" {
		p.Key, p.Live, p.Base = shownKey(p.Key), secret.MaskItem(p.Live), secret.MaskItem(p.Base)
	}
	return json.Marshal(p)
}
