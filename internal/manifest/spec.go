package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"bkt/internal/hint"
)

// What is checked here ends up in a command line of dnf, quoted. It is
// checked nonetheless as if it were not: by lists of what is allowed.

const (
	maxSpec = 256 // bytes

	hintPackage  = `a package is a spec of dnf, such as "git", "git.x86_64", "gcc-13.2*", "python3dist(requests)", "/usr/bin/vim", "kernel >= 6.1" or "@development-tools"`
	hintGroup    = `a group is named as by "dnf group list", such as "development-tools"`
	hintExcluded = `dnf excludes packages by name, version and architecture, such as "kernel-debug*" or "glibc.i686"`
	hintCopr     = `a COPR repository is named "owner/project" or "@group/project"`
	hintRPM      = `what has no repository is not verified: declare the repository that has the package`
)

// A charset is a set of ASCII characters.
type charset [2]uint64

func (c charset) with(chars string) charset {
	for _, b := range []byte(chars) {
		c[b/64] |= 1 << (b % 64)
	}
	return c
}

func (c charset) has(r rune) bool {
	return r < utf8.RuneSelf && c[r/64]&(1<<(r%64)) != 0
}

var (
	latin     = charset{}.with("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
	letters   = latin.with("0123456789_")
	inVersion = letters.with(".+-~^:")
	inGlob    = inVersion.with("*?[!]")
	inName    = inGlob.with("/@")
	inProvide = inName.with("()=")
	inSpec    = inProvide.with(" <>")
	inGroup   = inGlob.with("/() ")
	inCopr    = letters.with(".-")
	firstName = letters.with("/*?[")
)

var comparisons = []string{"<", "<=", "=", ">=", ">"}

// checkPackage checks a spec of dnf, as its commands install and remove take
// it: a name, with version and architecture or without, a provide, a path (all
// these may be globs), a comparison of versions, a rich dependency, @group.
// URLs and RPM files, which dnf would take too, are not accepted.
func checkPackage(spec string) error {
	if err := checkWord(spec); err != nil {
		return hint.Add(err, hintPackage)
	}
	switch {
	case spec[0] == '@':
		return checkGroup(spec)
	case strings.Contains(spec, "://"):
		return hint.Add(errors.New("is a URL"), hintRPM)
	case strings.HasSuffix(spec, ".rpm"):
		return hint.Add(errors.New("is a file"), hintRPM)
	}
	if err := checkChars(spec, inSpec); err != nil {
		return hint.Add(err, hintPackage)
	}
	return hint.Add(checkExpression(spec), hintPackage)
}

// checkExpression checks the form of a spec whose characters are right.
func checkExpression(spec string) error {
	if err := checkBrackets(spec); err != nil {
		return err
	}
	if spec[0] != '(' && !strings.Contains(spec, " ") {
		return checkName(spec)
	}
	words := strings.Split(spec, " ")
	switch {
	case spec[0] == '(':
		return checkRich(words)
	case len(words) == 3 && slices.Contains(comparisons, words[1]):
		return cmp.Or(checkName(words[0]), checkChars(words[2], inVersion))
	}
	return errors.New("has a space in it")
}

// checkRich checks a rich dependency, such as (a or (b >= 2 and c)).
func checkRich(words []string) error {
	for _, w := range words {
		if slices.Contains(comparisons, w) {
			continue
		}
		if err := checkChars(w, inProvide); err != nil {
			return err
		}
	}
	return nil
}

// checkName checks the name of a package, a provide or a path.
func checkName(name string) error {
	if !firstName.has(rune(name[0])) {
		return fmt.Errorf("may not begin with %q", name[0])
	}
	before, within, _ := strings.Cut(name, "(") // only within parentheses = is part of a name
	if err := checkChars(before, inName); err != nil {
		return err
	}
	return checkChars(within, inProvide)
}

// checkGroup checks the name of a group, with or without the @. It may have
// spaces: dnf knows groups by their title, too.
func checkGroup(group string) error {
	err := checkWord(group)
	if err == nil {
		err = checkWord(strings.TrimPrefix(group, "@"))
	}
	if err == nil {
		err = checkChars(strings.TrimPrefix(group, "@"), inGroup)
	}
	return hint.Add(err, hintGroup)
}

// checkExcluded checks what dnf takes for --exclude: a list, separated by
// commas and spaces, of names that it does not look for in provides and files.
func checkExcluded(spec string) error {
	return hint.Add(checkGlob(spec), hintExcluded)
}

func checkGlob(spec string) error {
	err := checkWord(spec)
	if err == nil {
		err = checkChars(spec, inGlob)
	}
	if err == nil {
		err = checkBrackets(spec)
	}
	return err
}

// checkCopr checks the name of a repository on COPR, by COPR's own rules.
func checkCopr(name string) error {
	if name == "" {
		return hint.Add(errors.New("has no name"), hintCopr)
	}
	owner, project, _ := strings.Cut(name, "/")
	owner = strings.TrimPrefix(owner, "@")
	if owner == "" || project == "" || strings.Contains(project, "/") {
		return hint.Add(errors.New("is not of the form owner/project"), hintCopr)
	}
	err := checkWord(name)
	for _, part := range []string{owner, project} {
		if err == nil {
			err = checkChars(part, inCopr)
		}
		if err == nil && !letters.has(rune(part[0])) {
			err = fmt.Errorf("no part of it may begin with %q", part[0])
		}
	}
	return hint.Add(err, hintCopr)
}

// checkWord checks what holds for everything that becomes an argument of a
// command.
func checkWord(s string) error {
	switch {
	case s == "":
		return errors.New("is empty")
	case len(s) > maxSpec:
		return fmt.Errorf("is too long: %d bytes, and %d are the most", len(s), maxSpec)
	case strings.TrimSpace(s) != s:
		return errors.New("has a space at an end")
	case s[0] == '-':
		return errors.New("would be an option of dnf")
	}
	return nil
}

// checkChars checks that s has no character but those that are allowed.
func checkChars(s string, allowed charset) error {
	for _, r := range s {
		if !allowed.has(r) {
			return fmt.Errorf("may not contain %q", r)
		}
	}
	return nil
}

// checkBrackets checks that parentheses, and brackets in globs, are closed.
func checkBrackets(s string) error {
	if !strings.ContainsAny(s, "()[]") {
		return nil
	}
	var open []rune
	for _, r := range s {
		switch r {
		case '(':
			open = append(open, ')')
		case '[':
			open = append(open, ']')
		case ')', ']':
			if len(open) == 0 || open[len(open)-1] != r {
				return fmt.Errorf("has a %c too many", r)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("lacks a %c", open[len(open)-1])
	}
	return nil
}

// checkComment checks text for people to read.
func checkComment(s string) error {
	if err := checkControl(s, "\n\t"); err != nil {
		return fmt.Errorf("comment %w", err)
	}
	return nil
}

// checkControl checks that s has no control characters but those that are allowed.
func checkControl(s, allowed string) error {
	for _, r := range s {
		if unicode.IsControl(r) && !strings.ContainsRune(allowed, r) {
			return fmt.Errorf("may not contain %q", r)
		}
	}
	return nil
}
