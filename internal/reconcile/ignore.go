package reconcile

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"bkt/internal/hint"
)

// An Ignore has the patterns of keys that are not captured, pruned or reported.
type Ignore []*regexp.Regexp

// Has reports whether a key is ignored.
func (i Ignore) Has(key string) bool {
	return slices.ContainsFunc(i, func(p *regexp.Regexp) bool { return p.MatchString(key) })
}

// ParseIgnore parses the text of an ignore file. name is its name for errors. Each line has
// a pattern, DOMAIN:GLOB, where * matches any text and ? any character. It ignores blank
// lines and lines that begin with #. It returns the patterns of each domain; DOMAIN may be
// the first word of several domains.
func ParseIgnore(name string, text []byte, domains []string) (map[string]Ignore, error) {
	ignored := map[string]Ignore{}
	var errs []error
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		domain, glob, _ := strings.Cut(line, ":")
		names := Matching(domain, domains)
		if len(names) == 0 || glob == "" {
			err := fmt.Errorf("%s:%d:1: %q is not DOMAIN:GLOB", name, n, line)
			errs = append(errs, hint.Add(err, "the domains are %s", strings.Join(domains, ", ")))
			continue
		}
		for _, d := range names {
			ignored[d] = append(ignored[d], pattern(glob))
		}
	}
	return ignored, errors.Join(errs...)
}

// Matching returns the domains that a name selects: the domain with that name, or all
// domains whose first word it is.
func Matching(name string, domains []string) []string {
	if slices.Contains(domains, name) {
		return []string{name}
	}
	var all []string
	for _, d := range domains {
		if strings.HasPrefix(d, name+"-") {
			all = append(all, d)
		}
	}
	return all
}

func pattern(glob string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(glob)
	quoted = strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(quoted)
	return regexp.MustCompile(`(?s)^` + quoted + `$`)
}
