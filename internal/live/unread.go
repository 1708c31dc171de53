package live

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/reconcile"
)

// IsAbsent reports whether the domain has nothing to read: its tool is not installed, its
// data does not exist, and nobody needs it.
func (d *Domain) IsAbsent() bool {
	u, ok := errors.AsType[*reconcile.Unavailable](d.Err)
	return ok && u.Absent && !d.Needed
}

// IsRead reports whether everything in the domain could be read.
func (d *Domain) IsRead() bool {
	return d.IsAbsent() || d.Err == nil && len(d.Unread()) == 0 && (d.Comparison == nil || len(d.Comparison.Hidden()) == 0)
}

// AllRead reports whether everything in the domains could be read: only then is it known
// that nothing differs.
func AllRead(domains []*Domain) bool {
	return !slices.ContainsFunc(domains, func(d *Domain) bool { return !d.IsRead() })
}

// Unread returns the parts of the domain that could not be read, without secrets: errors
// quote files, and are kept in logs. The result is sorted.
func (d *Domain) Unread() []reconcile.Unread {
	if d.Comparison == nil {
		return nil
	}
	parts := slices.Clone(d.Comparison.Unread())
	for n, part := range parts {
		parts[n] = reconcile.Unread{What: MaskKey(part.What), Err: maskError(part.Err)}
	}
	return parts
}

// partProblems returns why parts of the domain could not be read, if the manifests declare
// an item that may be in one of them, and that the user asked for. Otherwise it returns nil.
func (d *Domain) partProblems() []error {
	parts := d.Unread()
	if len(parts) == 0 || !slices.ContainsFunc(d.Comparison.HiddenDeclared(), d.has) {
		return nil
	}
	var errs []error
	for _, part := range parts {
		errs = append(errs, fmt.Errorf("%s: %s cannot be read: %w", d.Name(), part.What, part.Err))
	}
	return errs
}

// AllUnread names, a line each, the domains and parts of domains that could not be read,
// except absent domains.
func AllUnread(domains []*Domain) []string {
	var lines []string
	for _, d := range domains {
		if !d.IsAbsent() {
			lines = append(lines, d.unreadLines()...)
		}
	}
	return lines
}

// unreadLines says, a line each, that the domain or parts of it could not be read.
func (d *Domain) unreadLines() []string {
	if d.IsUnavailable() {
		return []string{fmt.Sprintf("%s: unavailable: %s", d.Name(), oneLine(d.Err))}
	}
	var lines []string
	for _, part := range d.Unread() {
		lines = append(lines, fmt.Sprintf("%s: %s cannot be read: %s", d.Name(), part.What, oneLine(part.Err)))
	}
	return lines
}

// UnreadNotes names, a line each, the domains and parts of domains that could not be read
// and are no problem for [Problems]. Absent domains share a line, unless verbose is set.
func UnreadNotes(domains []*Domain, verbose bool) []string {
	var notes, absent []string
	for _, d := range domains {
		switch {
		case d.IsAbsent() && !verbose:
			absent = append(absent, d.Name())
		case d.IsUnavailable() && d.Needed, d.partProblems() != nil:
		default:
			notes = append(notes, d.unreadLines()...)
		}
	}
	if len(absent) > 0 {
		notes = append(notes, "not installed, and not declared: "+strings.Join(absent, ", "))
	}
	return notes
}

// oneLine returns the text of an error in a line, without hints.
func oneLine(err error) string {
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}

// LeftOut returns what exists in the domain and is not captured, apart from items that were
// refused, without secrets. The result is sorted.
func (d *Domain) LeftOut() []reconcile.LeftOut {
	if d.Comparison == nil {
		return nil
	}
	all := slices.DeleteFunc(slices.Clone(d.Comparison.LeftOut()), func(l reconcile.LeftOut) bool { return !d.isAskedAbout(l.What) })
	for n := range all {
		all[n].What = maskText(all[n].What)
	}
	return all
}

// isAskedAbout reports whether the user asked for the item that something belongs to: what
// begins with its key.
func (d *Domain) isAskedAbout(what string) bool {
	for end, r := range what {
		if (r == ' ' || r == ':') && d.has(what[:end]) {
			return true
		}
	}
	return d.has(what)
}

// A NotCaptured is what exists in the domains and was not captured, for one reason.
type NotCaptured struct {
	Reason string // a plural noun
	What   []string
}

// The reasons why a capture refuses items.
const (
	reasonSecrets      = "items that look like secrets"
	reasonUncapturable = "items that manifests cannot express"
	reasonConflicts    = "conflicts"
)

// FindNotCaptured returns what a capture of the domains saw and does not write, by reason:
// what the domains leave out, and the items that were refused.
func FindNotCaptured(domains []*Domain, items []Item) []NotCaptured {
	var all []NotCaptured
	add := func(reason, what string) {
		n := slices.IndexFunc(all, func(c NotCaptured) bool { return c.Reason == reason })
		if n < 0 {
			n, all = len(all), append(all, NotCaptured{Reason: reason})
		}
		all[n].What = append(all[n].What, what)
	}
	for _, d := range domains {
		for _, l := range d.LeftOut() {
			add(l.Reason, d.Name()+" "+l.What)
		}
	}
	for _, i := range items {
		if i.Result == Refused && i.Live != nil {
			add(i.refusal(), i.Domain.Name()+" "+i.MaskedKey())
		}
	}
	return all
}

// refusal returns the reason why the item was refused.
func (i Item) refusal() string {
	switch i.Case {
	case reconcile.CaseUncapturable:
		return reasonUncapturable
	case reconcile.CaseConflict:
		if newSecret(i.Difference) == "" {
			return reasonConflicts
		}
	}
	return reasonSecrets
}
