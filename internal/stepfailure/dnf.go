package stepfailure

import (
	"fmt"
	"slices"
	"strings"
)

const (
	noPackage = "no package provides it"
	noGroup   = "no repository has this group"
)

var (
	dnf5NoMatch  = newPattern(`^No match for argument: (.+)$`)
	dnf5NotIn    = newPattern(`^No match for argument '(.+)' in repositories '(.+)'$`)
	dnf5Excluded = newPattern(`^Argument '(.+)' matches only excluded packages\.$`)
	problemStart = newPattern(`^ ?Problem(?: \d+)?: (.+)$`)
	problemMore  = newPattern(`^ {1,3}- (.+)$`)
	advice       = newPattern(`^(You can try to add to command line:|  --\S+ .*|\(try to add '.*)$`)
)

// dnf5Resolve reads why dnf 5 does not find or combine packages.
func (f finder) dnf5Resolve() []Reason {
	known := []pattern{dnf5NoMatch, dnf5NotIn, dnf5Excluded, problemStart, problemMore, advice}
	block, ok := f.after("Failed to resolve the transaction:", func(line string) bool {
		return line == "" || slices.ContainsFunc(known, func(re pattern) bool { return re.MatchString(line) })
	})
	if !ok {
		return nil
	}
	var reasons []Reason
	for _, line := range block {
		if m := dnf5NoMatch.FindStringSubmatch(line); m != nil {
			reasons = append(reasons, f.noMatch(m[1]))
		} else if m := dnf5NotIn.FindStringSubmatch(line); m != nil {
			reasons = append(reasons, Reason{Entry: f.installed(m[1]), Subject: m[1], What: fmt.Sprintf("the repository %s does not have it", m[2])})
		} else if m := dnf5Excluded.FindStringSubmatch(line); m != nil {
			reasons = append(reasons, f.excluded(m[1]))
		}
	}
	return append(reasons, f.problems(block)...)
}

var (
	dnf4Unfound  = newPattern(`^Error: Unable to find a match: (.+)$`)
	dnf4NoGroup  = newPattern(`^Module or Group '(.+)' is not available\.$`)
	dnf4Nothing  = newPattern(`^Error: Nothing to do\.$`)
	dnf4Excluded = "All matches were filtered out by exclude filtering for argument: "
)

// dnf4Resolve reads why dnf 4 does not find or combine packages.
func (f finder) dnf4Resolve() []Reason {
	var reasons []Reason
	if m := f.final(dnf4Unfound); m != nil {
		for name := range strings.FieldsSeq(m[1]) {
			if slices.Contains(f.lines, dnf4Excluded+name) {
				reasons = append(reasons, f.excluded(name))
			} else {
				reasons = append(reasons, f.noMatch(name))
			}
		}
		return reasons
	}
	if f.final(dnf4Nothing) != nil {
		for _, line := range f.lines {
			if m := dnf4NoGroup.FindStringSubmatch(line); m != nil {
				reasons = append(reasons, Reason{Entry: f.installed(m[1]), Subject: m[1], What: noGroup})
			}
		}
		return reasons
	}
	block, _ := f.after("Error:", func(line string) bool {
		return line == "" || problemStart.MatchString(line) || problemMore.MatchString(line) || advice.MatchString(line)
	})
	return f.problems(block)
}

// noMatch returns the reason that no repository has name.
func (f finder) noMatch(name string) Reason {
	r := Reason{Entry: f.installed(name), Subject: name, What: noPackage}
	if r.Entry.isGroup() {
		r.What = noGroup
		return r
	}
	if near, ok := nearest(name, f.Known); ok {
		r.What += fmt.Sprintf(" (did you mean %s?)", near)
	}
	return r
}

// excluded returns the reason that a package is excluded itself.
func (f finder) excluded(name string) Reason {
	r := Reason{Entry: f.installed(name), Subject: name, What: "it is excluded"}
	if by := f.option("--exclude", name); by.Place != "" {
		r.What += " at " + by.Place
	} else {
		r.Hints = []string{"see excludepkgs and includepkgs of the repositories of the base image"}
	}
	return r
}

// problems returns a reason for each problem in the words of libsolv, which both dnf
// print.
func (f finder) problems(block []string) []Reason {
	var all [][]string
	for _, line := range block {
		if m := problemStart.FindStringSubmatch(line); m != nil {
			all = append(all, []string{m[1]})
		} else if m := problemMore.FindStringSubmatch(line); m != nil && len(all) > 0 {
			all[len(all)-1] = append(all[len(all)-1], m[1])
		}
	}
	var reasons []Reason
	for _, p := range all {
		reasons = append(reasons, f.problem(p))
	}
	return reasons
}

var (
	needs     = newPattern(`package (\S+)(?: from \S+)? requires (.+), but none of the providers can be installed`)
	nothing   = newPattern(`nothing provides (.+) needed by (\S+)(?: from \S+)?$`)
	conflicts = newPattern(`package (\S+)(?: from \S+)? conflicts with .+ provided by (\S+)(?: from \S+)?$`)
	filtered  = newPattern(`package (\S+)(?: from (\S+))? is filtered out by exclude filtering$`)
	nevra     = newPattern(`\S+-[^\s-]+-[^\s-]+\.(?:x86_64|aarch64|noarch|i686|ppc64le|s390x|riscv64)\b`)
)

// problem returns the reason of one problem.
func (f finder) problem(lines []string) Reason {
	text := strings.Join(lines, "; ")
	var names []string
	for _, full := range nevra.FindAllString(text, -1) {
		names = append(names, nameOf(full))
	}
	r := Reason{What: "it cannot be installed: " + strings.ReplaceAll(text, "conflicting requests; ", "")}
	if len(names) > 0 {
		r.Subject = names[0]
	}
	for _, name := range names {
		if e := f.installed(name); e.Place != "" {
			r.Subject, r.Entry = name, e
			break
		}
	}
	for _, line := range lines {
		if m := conflicts.FindStringSubmatch(line); m != nil {
			return f.conflict(r, nameOf(m[1]), nameOf(m[2]))
		} else if m := filtered.FindStringSubmatch(line); m != nil {
			return f.filtered(r, text, nameOf(m[1]), m[2])
		} else if m := nothing.FindStringSubmatch(line); m != nil && r.Subject == nameOf(m[2]) {
			r.What = fmt.Sprintf("it needs %s, which no package provides", m[1])
		} else if m != nil {
			r.What = fmt.Sprintf("%s, which is installed with it, needs %s, which no package provides", nameOf(m[2]), m[1])
		}
	}
	return r
}

// conflict completes r, the reason that the package a conflicts with b.
func (f finder) conflict(r Reason, a, b string) Reason {
	other := b
	if r.Subject == b {
		other = a
	}
	if r.Subject != a && r.Subject != b {
		return r
	}
	r.What = "it conflicts with " + other
	if e := f.installed(other); e.Place != "" {
		r.What += ", at " + e.Place
	}
	return r
}

// filtered completes r, the reason that dnf may not install a package, which r.Subject
// needs, from the repository repo.
func (f finder) filtered(r Reason, text, name, repo string) Reason {
	if by := f.option("--exclude", name); by.Place != "" {
		r.What = fmt.Sprintf("it needs %s, which is excluded at %s", name, by.Place)
		return r
	}
	r.What = fmt.Sprintf("it needs %s, which is excluded", name)
	if m := needs.FindStringSubmatch(text); m != nil && nameOf(m[1]) != r.Subject {
		r.What = fmt.Sprintf("%s, which is installed with it, needs %s, which is excluded", nameOf(m[1]), name)
	}
	from := f.repoOf(r.Entry, repo)
	if from.Place == "" {
		r.Hints = []string{"see excludepkgs and includepkgs of the repositories"}
		return r
	}
	r.What = strings.TrimSuffix(r.What, "which is excluded") + fmt.Sprintf("which is not in \"packages\" of the repository %s", from.Text)
	r.Hints = []string{fmt.Sprintf("add %q to \"packages\" of %s in %s", name, from.Text, from.File)}
	return r
}

// repoOf returns the entry of a declared repository: repo, or else, because dnf 4 does
// not name it, the only one in the manifest that declares the package.
func (f finder) repoOf(declared Entry, repo string) Entry {
	var found []Entry
	for _, e := range f.Entries {
		id, ok := strings.CutPrefix(e.word(), "--enablerepo=")
		if ok && e.File == declared.File && (repo == "" || strings.Trim(id, `'"`) == repo) {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		return Entry{}
	}
	return found[0]
}

// nameOf returns the name of a package in NAME-[EPOCH:]VERSION-RELEASE.ARCH[.rpm].
func nameOf(full string) string {
	for range 2 {
		if i := strings.LastIndexByte(full, '-'); i > 0 {
			full = full[:i]
		}
	}
	return full
}
