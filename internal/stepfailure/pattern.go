package stepfailure

import (
	"regexp"
	"sync"
)

// A pattern is a regular expression that is compiled when it is first used: most commands
// of bkt use none of the package's many.
type pattern struct{ compiled func() *regexp.Regexp }

func newPattern(text string) pattern {
	return pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

func (p pattern) MatchString(s string) bool              { return p.compiled().MatchString(s) }
func (p pattern) FindStringSubmatch(s string) []string   { return p.compiled().FindStringSubmatch(s) }
func (p pattern) FindAllString(s string, n int) []string { return p.compiled().FindAllString(s, n) }
