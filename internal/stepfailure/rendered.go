package stepfailure

import (
	"fmt"
	"slices"
)

// The messages of the commands in rendered sections; templates/packages.tmpl has them.
var (
	hasDependents = newPattern(`^error: to remove the packages that need these, too, add them to "removed" in (\S+)$`)
	otherOrigin   = newPattern(`^error: (\S+) is not from repository (\S+), but: ?(.*)$`)
	noOld         = newPattern(`^error: swap in \S+: the base image has no package (\S+)$`)
)

// dependent is what rpm prints for each package that needs one to be removed.
var dependent = newPattern(`^\s+(\S+)(?: .+)? is needed by \(installed\) (\S+)$`)

// rendered reads the errors of rendered sections themselves.
func (f finder) rendered() []Reason {
	if m := hasDependents.FindStringSubmatch(f.last()); m != nil {
		return f.dependents(m[1])
	}
	if m := otherOrigin.FindStringSubmatch(f.last()); m != nil {
		what := fmt.Sprintf("it is not from repository %s, but from another one: %s", m[2], m[3])
		if m[3] == "" {
			what = fmt.Sprintf("it is not from repository %s, and not installed", m[2])
		}
		hints := []string{"if the base image has it, add it to \"removed\", too"}
		return []Reason{{Entry: f.installed(m[1]), Subject: m[1], What: what, Hints: hints}}
	}
	if m := noOld.FindStringSubmatch(f.last()); m != nil {
		return []Reason{{Entry: f.installed(m[1]), Subject: m[1], What: "the base image has no such package to replace"}}
	}
	return nil
}

// dependents returns a reason for each package that needs one of those to be removed, which
// the manifest declares.
func (f finder) dependents(manifest string) []Reason {
	var reasons []Reason
	for _, line := range f.lines {
		m := dependent.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := nameOf(m[2])
		r := Reason{Entry: f.installed(m[1]), Subject: m[1], What: fmt.Sprintf("%s needs it", name)}
		if slices.ContainsFunc(reasons, func(o Reason) bool { return o.Subject == r.Subject && o.What == r.What }) {
			continue
		}
		r.Hints = []string{fmt.Sprintf("to remove %s as well, add it to \"removed\" in %s", name, manifest)}
		reasons = append(reasons, r)
	}
	return reasons
}
