package lint

import (
	"slices"
	"strings"
)

// An effect is something that a command does to the system.
type effect struct {
	kind   effectKind
	path   string // of a file; "": it has none
	text   string // that is added to the file
	known  bool   // text is all of it
	names  []string
	at     int      // the order of effects and guards
	guards []*guard // under which the command runs
}

type effectKind uint8

const (
	creates   effectKind = iota // a file or an empty folder
	populates                   // a folder with files
	removes                     // a file or a folder
	adds                        // text to a file
	changes                     // the text of a file, in an unknown way
	registers                   // something that has a name, such as an account
	anything                    // by a command whose effects are not known
)

// effectsOn returns the effect of one kind on each of some paths.
func effectsOn(paths []string, kind effectKind) []effect {
	var all []effect
	for _, p := range paths {
		all = append(all, effect{kind: kind, path: p})
	}
	return all
}

// A world is what has happened when a hook runs again.
type world struct {
	effects []effect
	inside  bool // one of the guarded commands can do anything
}

// exists returns whether files exist.
func (w world) exists(paths []string) truth {
	result := same
	for _, p := range paths {
		t := w.existsOne(p)
		if result != same && t != same && t != result {
			return unknown
		}
		result = max(result, t)
	}
	return result
}

func (w world) existsOne(p string) truth {
	made, gone := false, false
	for _, e := range w.effects {
		switch {
		case e.path == "":
			if slices.ContainsFunc(e.names, func(n string) bool { return n != "" && strings.Contains(p, n) }) {
				return unknown // such as the home of an account
			}
		case e.kind == removes:
			gone = gone || within(p, e.path)
		case within(e.path, p), e.kind == populates && within(p, e.path):
			made = true
		case isVague(e.path) != isVague(p):
			return unknown
		}
	}
	switch {
	case made && gone:
		return unknown
	case made:
		return yes
	case gone:
		return no
	case w.inside && isOfSystem(p):
		return yes // hooks install programs, and do not remove them
	case w.inside:
		return unknown
	}
	return same
}

// contains returns whether a text is in files.
func (w world) contains(paths []string, text pattern) truth {
	for _, e := range w.effects {
		about := slices.ContainsFunc(paths, func(p string) bool { return within(e.path, p) || isVague(p) && isVague(e.path) })
		switch {
		case e.kind == registers && slices.ContainsFunc(paths, func(p string) bool { return within(p, "/etc") }):
			if slices.ContainsFunc(e.names, func(n string) bool { return text.mentions(n) }) {
				return yes
			}
			return unknown
		case !about || e.path == "":
		case e.kind != adds:
			return unknown
		case text.isIn(e.text):
			return yes
		case !e.known || !text.known:
			return unknown
		}
	}
	if w.inside {
		return unknown
	}
	return same
}

// finds returns whether programs are found.
func (w world) finds(names []string) truth {
	for _, e := range w.effects {
		for _, n := range names {
			if e.path != "" && e.kind != removes && (strings.HasSuffix(e.path, "/"+n) || e.path == n) || slices.Contains(e.names, n) {
				return yes
			}
		}
	}
	if w.inside {
		return yes // hooks install programs, and do not remove them
	}
	return same
}

// lists returns whether a command lists what its words name.
func (w world) lists(words []string, text pattern) truth {
	for _, e := range w.effects {
		switch {
		case e.kind == registers && slices.ContainsFunc(e.names, func(n string) bool { return text.mentions(n) || slices.Contains(words, n) }):
			return yes
		case e.relates(words), e.kind == adds && (!e.known || text.known && text.isIn(e.text)):
			return unknown
		}
	}
	if w.inside {
		return unknown
	}
	return same
}

// prints returns whether the text that commands print is the same.
func (w world) prints(words []string) truth {
	if w.inside || slices.ContainsFunc(w.effects, func(e effect) bool { return e.relates(words) }) {
		return unknown
	}
	return same
}

// relates reports whether words name what an effect is about.
func (e effect) relates(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		if e.path != "" && (within(e.path, w) || strings.Contains(w, e.path) || strings.Contains(w, strings.Replace(e.path, "$HOME", "~", 1))) {
			return true
		}
		return slices.ContainsFunc(e.names, func(n string) bool { return n != "" && strings.Contains(w, n) })
	})
}

// isVague reports whether a path has parts that are not known before a hook runs.
func isVague(p string) bool {
	p = strings.TrimPrefix(p, "$HOME")
	return strings.ContainsAny(p, "$`*?[")
}

// isOfSystem reports whether a path is one of the image, which hooks seldom change.
func isOfSystem(p string) bool {
	return withinAny(p, "/usr", "/bin", "/sbin", "/lib", "/lib64", "/proc", "/sys", "/dev") && !within(p, "/usr/local")
}
