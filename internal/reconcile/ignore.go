package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/printable"
)

// The limits of an ignore file. The largest that people have has some hundred lines.
const (
	maxPatterns   = 20_000
	maxIgnoreText = 1 << 20 // bytes
)

// ParseIgnore parses the text of an ignore file. name is its name for errors. Each line has
// a pattern, DOMAIN:GLOB, where * matches any text and ? any character. It ignores blank
// lines and lines that begin with #. It returns the patterns of each domain; DOMAIN may be
// the first word of several domains. A file with too many patterns is an error.
// own are further patterns, which do not count.
func ParseIgnore(name string, text []byte, domains []string, own ...string) (map[string]Ignore, error) {
	if len(text) > maxIgnoreText {
		return nil, fmt.Errorf("%s: larger than %d KiB, the limit", name, maxIgnoreText>>10)
	}
	globs := map[string][]string{}
	var errs []error
	n, patterns := 0, 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		domain, glob, _ := strings.Cut(line, ":")
		names := Matching(domain, domains)
		if len(names) == 0 || glob == "" {
			err := fmt.Errorf("%s:%d:1: %s is not DOMAIN:GLOB", name, n, printable.Quote(line))
			errs = append(errs, hint.Add(err, "the domains are %s", strings.Join(domains, ", ")))
			continue
		}
		if patterns++; patterns > maxPatterns {
			errs = append(errs, fmt.Errorf("%s:%d:1: more than %d patterns, the limit", name, n, maxPatterns))
			break
		}
		for _, d := range names {
			globs[d] = append(globs[d], glob)
		}
	}
	for _, pattern := range own {
		domain, glob, _ := strings.Cut(pattern, ":")
		for _, d := range Matching(domain, domains) {
			globs[d] = append(globs[d], glob)
		}
	}
	ignored := map[string]Ignore{}
	for d, all := range globs {
		ignored[d] = Globs(all)
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
