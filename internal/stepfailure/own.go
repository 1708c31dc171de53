package stepfailure

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	otherOrigin = regexp.MustCompile(`^error: (\S+) is not from repository (\S+), but: (.+)$`)
	stillNeeded = regexp.MustCompile(`^error: to remove the packages that need these, too, `)
	neededBy    = regexp.MustCompile(`^\t(.+) is needed by (?:\(installed\) )?(\S+)$`)
)

// own reads the messages of the section for packages itself.
func (f finder) own() []Reason {
	if m := otherOrigin.FindStringSubmatch(f.last()); m != nil {
		what := fmt.Sprintf("it is not from repository %s, but: %s", m[2], m[3])
		hints := []string{"if the base image has it, add it to \"removed\" as well"}
		return []Reason{{Entry: f.installed(m[1]), Subject: m[1], What: what, Hints: hints}}
	}
	if !stillNeeded.MatchString(f.last()) {
		return nil
	}
	var reasons []Reason
	for _, line := range f.lines {
		m := neededBy.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		r := Reason{Subject: nameOf(m[2]), What: fmt.Sprintf("it needs %s, which is to be removed", m[1]),
			Hints: []string{"to remove it, too, add it to \"removed\""}}
		if e := f.installed(strings.Fields(m[1])[0]); e.Place != "" {
			r.Entry = e
		}
		if !slices.ContainsFunc(reasons, func(o Reason) bool { return o.Subject == r.Subject }) {
			reasons = append(reasons, r)
		}
	}
	return reasons
}
