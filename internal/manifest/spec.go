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
	"bkt/internal/printable"
)

// The values checked here are written into a command line of dnf, quoted. They are
// checked as if they were not quoted: by lists of allowed characters.

const (
	maxSpec = 256 // bytes

	hintPackage  = `a package is a spec of dnf, such as "git", "git.x86_64", "gcc-13.2*", "python3dist(requests)", "/usr/bin/vim", "kernel >= 6.1" or "@development-tools"`
	hintGroup    = `write a group as "dnf group list" does, such as "development-tools"`
	hintExcluded = `dnf excludes packages by name, version and architecture, such as "kernel-debug*" or "glibc.i686"`
	hintCopr     = `write a COPR repository as "owner/project" or "@group/project"`
	hintChroot   = `a chroot is a folder of the project on COPR, with dnf's variables, such as "epel-10-$basearch" or "fedora-rawhide-$basearch"`
	hintRPM      = `a package without a repository is not verified: declare the repository that has it`
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
	inChroot  = letters.with(".+-$")
	firstName = letters.with("/*?[")
)

var comparisons = []string{"<", "<=", "=", ">=", ">"}

// CheckPackage returns an error if spec cannot be that of a package or a group, by its form.
func CheckPackage(spec string) error {
	return hint.Prefix(fmt.Sprintf("package %q", spec), checkPackage(spec))
}

// checkPackage checks a spec of dnf install and remove: a name, with or without
// version and architecture, a provide, a path (all of these may be globs), a
// comparison of versions, a rich dependency, @group. URLs and RPM files, which dnf
// accepts, too, are not allowed.
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

// checkExpression checks the form of a spec with valid characters.
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
	return errors.New("has a space")
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
	before, within, _ := strings.Cut(name, "(") // = is part of a name only within parentheses
	if err := checkChars(before, inName); err != nil {
		return err
	}
	return checkChars(within, inProvide)
}

// checkGroup checks the name of a group, with or without the @. It may have spaces:
// dnf also accepts the titles of groups.
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

// checkExcluded checks a value of dnf's --exclude, which matches names of packages,
// not provides or files. A comma or a space would separate several.
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
		return hint.Add(errors.New("must have the form owner/project"), hintCopr)
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

// checkChroot checks a chroot of COPR: distribution, release and architecture.
func checkChroot(s string) error {
	err := checkSpelling(s, letters, inChroot)
	if arch := s[strings.LastIndex(s, "-")+1:]; err == nil && !slices.Contains(chrootArchitectures, arch) {
		err = errors.New("does not end with an architecture")
	}
	return hint.Add(err, hintChroot)
}

// chrootArchitectures are the ends of chroots: dnf's variables, and the architectures of
// COPR (https://copr.fedorainfracloud.org/api_3/mock-chroots/list).
var chrootArchitectures = []string{"$basearch", "$arch", "x86_64", "x86_64_v2", "aarch64", "i386", "i686", "ppc64le", "riscv64", "s390x"}

// checkWord checks a value that becomes an argument of a command.
func checkWord(s string) error {
	switch {
	case s == "":
		return errors.New("is empty")
	case len(s) > maxSpec:
		return fmt.Errorf("is too long: %d bytes (at most %d)", len(s), maxSpec)
	case strings.TrimSpace(s) != s:
		return errors.New("begins or ends with a space")
	case s[0] == '-':
		return errors.New("would be an option of dnf")
	}
	return nil
}

// checkChars checks that s has only allowed characters.
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
				return fmt.Errorf("has an unmatched %c", r)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("lacks a %c", open[len(open)-1])
	}
	return nil
}

// checkComment checks text for people, who may write it in any direction. It is escaped
// where it is printed.
func checkComment(s string) error {
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return fmt.Errorf("comment may not contain %q", r)
		}
	}
	return nil
}

// checkControl checks that s has no hidden characters but the allowed ones, which are line
// breaks and tabs.
func checkControl(s, allowed string) error {
	for _, r := range "\n\t" {
		if !strings.ContainsRune(allowed, r) && strings.ContainsRune(s, r) {
			return fmt.Errorf("may not contain %q", r)
		}
	}
	return printable.Check(s)
}
