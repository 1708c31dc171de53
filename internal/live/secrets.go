package live

import (
	"encoding/json"
	"errors"
	"fmt"

	"bkt/internal/hint"
	"bkt/internal/reconcile"
	"bkt/internal/secret"
	"bkt/internal/workspace"
)

// newSecret returns the kind of secret that a capture would add to the repository, and
// its place in the item; "" for none. A value that the manifest has already is not new.
func newSecret(d reconcile.Difference) string {
	what := secret.Find(d.Live, d.Manifest, d.Key)
	if what == "" || d.Elsewhere == nil {
		return what
	}
	return secret.Find(d.Live, d.Elsewhere, d.Key)
}

// IgnoreLine returns the line of the ignore file that ignores the item.
func (i Item) IgnoreLine() string { return i.Domain.Name() + ":" + i.MaskedKey() }

// Secret returns what kind of secret capturing the item would bring into the
// repository; "" if it has none, or is not captured.
func (i Item) Secret() string {
	if i.Op == "" || i.Live == nil {
		return ""
	}
	return newSecret(i.Difference)
}

// RefuseSecrets refuses the items that are captured and look like secrets.
func RefuseSecrets(items []Item) {
	for n := range items {
		i := &items[n]
		if what := i.Secret(); what != "" {
			err := fmt.Errorf("looks like a secret (%s)", what)
			i.Refuse(hint.Add(err, "to capture it anyway, run \"bkt capture %s\" in a terminal and confirm; to ignore it, add the line \"%s\" to %s",
				i.Domain.Name(), i.IgnoreLine(), workspace.IgnoreFile))
		}
	}
}

// MaskedKey returns the key without parts that look like a secret.
func (i Item) MaskedKey() string { return MaskKey(i.Key) }

// MaskKey masks secrets with asterisks. In a pattern of the ignore file these match any
// text.
func MaskKey(key string) string { return secret.Mask("key", "", key) }

// MaskDifference returns the difference without secrets that are not declared for
// this computer: output is kept in logs.
func MaskDifference(d reconcile.Difference) reconcile.Difference {
	d.Elsewhere = nil
	if newSecret(d) != "" {
		d.Key, d.Live, d.Base = MaskKey(d.Key), secret.MaskItem(d.Live), secret.MaskItem(d.Base)
	}
	return d
}

// maskError returns an error that quotes a value, without parts of it that look like a
// secret.
func maskError(err error) error {
	masked := maskText(err.Error())
	if masked == err.Error() {
		return err
	}
	without := errors.New(masked)
	for _, h := range hint.Of(err) {
		without = hint.Add(without, "%s", maskText(h))
	}
	return without
}

// maskUnavailable masks the reason of a [*reconcile.Unavailable], which may quote a file. Other
// errors are about files of the repository and of bkt.
func maskUnavailable(err error) error {
	u, ok := errors.AsType[*reconcile.Unavailable](err)
	if !ok {
		return err
	}
	masked := maskError(u.Reason)
	if masked.Error() == u.Reason.Error() {
		return err
	}
	return &reconcile.Unavailable{Reason: masked, Absent: u.Absent}
}

// maskText returns a text for the user without the parts that look like a secret.
func maskText(text string) string { return secret.Mask("run", "", text) }

// WithoutSecrets returns the names of packages that do not look like secrets, and an
// error for each that does.
func WithoutSecrets(packages []string) ([]string, error) {
	var names []string
	var errs []error
	for n, name := range packages {
		item, err := json.Marshal(map[string]string{"packages": name})
		if what := secret.Find(item, nil); what != "" && err == nil {
			errs = append(errs, fmt.Errorf("package %d of those installed by hand looks like a secret (%s)", n+1, what))
			continue
		}
		names = append(names, name)
	}
	return names, errors.Join(errs...)
}
