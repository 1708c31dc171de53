package script

import (
	"path"
	"strings"
)

// writes reads a command that writes a file of a known form.
func (r *reader) writes(name string, args []word, c command) bool {
	text, line := c.input, c.begins
	file := c.output
	switch {
	case name == "cat" && len(args) == 0 && c.input != "":
	case name == "tee" && len(args) == 1 && args[0].known && c.input != "" && c.output == "":
		file = args[0].text
	case name == "echo" && len(args) == 1 && args[0].known && c.input == "":
		text, line = args[0].text+"\n", args[0].line
	case name == "printf" && len(args) == 1 && args[0].known && c.input == "" && !strings.ContainsAny(args[0].text, `%\`):
		text, line = args[0].text, args[0].line
	default:
		return false
	}
	found, ok := Content(file, text)
	if ok {
		r.within(found, line)
	}
	return ok
}

// Content returns the statements of a file with the given path in an image, if it has
// a known form: a .repo file, bootc's file of kernel arguments, or bkt's own file of presets.
func Content(file, text string) ([]Statement, bool) {
	switch dir := path.Dir(file); {
	case dir == "/etc/yum.repos.d" && path.Ext(file) == ".repo":
		return repoFile(text)
	case dir == "/usr/lib/bootc/kargs.d" && path.Ext(file) == ".toml":
		return kargsFile(text)
	case file == "/usr/lib/systemd/system-preset/01-bkt.preset":
		return presets(text, Enable, Disable)
	case file == "/usr/lib/systemd/user-preset/01-bkt.preset":
		return presets(text, EnableUser, DisableUser)
	}
	return nil, false
}

// coprResults is the folder of COPR's repositories.
const coprResults = "https://download.copr.fedorainfracloud.org/results/"

// repoFile reads a .repo file. A setting that no manifest can express is a separate
// statement.
func repoFile(text string) ([]Statement, bool) {
	var found, comments []Statement
	var at *Statement
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		id, header := strings.CutPrefix(line, "[")
		key, value, pair := strings.Cut(line, "=")
		switch {
		case line == "":
		case line[0] == '#', line[0] == ';':
			comments = append(comments, comment(line, n)...)
		case header && strings.HasSuffix(id, "]"):
			found = append(found, Statement{Kind: Repository, Name: strings.TrimSuffix(id, "]"), Repo: &Repo{}, Line: n})
			at = &found[len(found)-1]
		case !pair || at == nil:
			return nil, false
		case !at.Repo.set(strings.TrimSpace(key), strings.TrimSpace(value)):
			found = append(found, Statement{Kind: Other, Name: "[" + at.Name + "] " + line, Line: n})
			at = last(found, Repository)
		}
	}
	for i := range found {
		found[i].copr()
	}
	return append(found, comments...), len(found) > 0
}

func last(found []Statement, k Kind) *Statement {
	for i := len(found) - 1; i >= 0; i-- {
		if found[i].Kind == k {
			return &found[i]
		}
	}
	return nil
}

// set stores a setting of a repository, and reports whether manifests can express it.
// The setting enabled is ignored: bkt enables repositories for an install only.
func (r *Repo) set(key, value string) bool {
	switch key {
	case "name":
		r.Name = value
	case "baseurl":
		r.BaseURL = value
	case "gpgkey":
		r.GPGKey = value
	case "includepkgs", "includepackages":
		r.Packages = strings.FieldsFunc(value, func(c rune) bool { return c == ',' || c == ' ' })
	case "gpgcheck":
		r.Unchecked = value == "0" || strings.EqualFold(value, "false") || strings.EqualFold(value, "no")
	case "type":
		return strings.HasPrefix(value, "rpm")
	case "enabled", "skip_if_unavailable", "autorefresh", "metadata_expire":
	default:
		return false
	}
	return true
}

// copr turns the statement about a repository of COPR into one of the kind Copr.
func (s *Statement) copr() {
	if s.Kind != Repository {
		return
	}
	project, ok := strings.CutPrefix(s.Repo.BaseURL, coprResults)
	parts := strings.Split(project, "/")
	if ok && len(parts) > 2 {
		s.Kind, s.Name = Copr, parts[0]+"/"+parts[1]
	}
}

// presets reads a file of presets (systemd.preset(5)).
func presets(text string, enable, disable Kind) ([]Statement, bool) {
	var found []Statement
	n := 0
	for line := range strings.Lines(text) {
		n++
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "enable" && words[0] != "disable" || words[0] == "disable" && len(words) > 2 {
			return nil, false
		}
		kind := map[string]Kind{"enable": enable, "disable": disable}[words[0]]
		prefix, suffix, _ := strings.Cut(words[1], "@")
		for _, instance := range words[2:] {
			found = append(found, Statement{Kind: kind, Name: prefix + "@" + instance + suffix, Line: n})
		}
		if len(words) == 2 {
			found = append(found, Statement{Kind: kind, Name: words[1], Line: n})
		}
	}
	return found, true
}

// kargsFile reads a file of kernel arguments with nothing but their list, and perhaps one
// architecture above it
// (https://bootc-dev.github.io/bootc/building/kernel-arguments.html).
func kargsFile(text string) ([]Statement, bool) {
	t := tomlList{rest: text, line: 1}
	arch, ok := t.arch()
	if !ok || !t.word("kargs") || !t.word("=") || !t.word("[") {
		return nil, false
	}
	var found []Statement
	for !t.word("]") {
		value, ok := t.str()
		if !ok {
			return nil, false
		}
		found = append(found, Statement{Kind: Argument, Name: value, Value: arch, Line: t.line})
		if !t.word(",") && !t.next("]") {
			return nil, false
		}
	}
	t.space()
	return append(found, t.comments...), t.rest == ""
}

// arch reads a list of one architecture, if there is a list of them.
func (t *tomlList) arch() (string, bool) {
	if !t.word("match-architectures") {
		return "", true
	}
	if !t.word("=") || !t.word("[") {
		return "", false
	}
	arch, ok := t.str()
	return arch, ok && t.word("]")
}

// A tomlList is the unread rest of TOML with one list of strings.
type tomlList struct {
	rest string
	line int

	comments []Statement // that were skipped
}

// space skips blanks, ends of lines and comments.
func (t *tomlList) space() {
	for t.rest != "" {
		switch t.rest[0] {
		case '\n':
			t.line++
			t.rest = t.rest[1:]
		case ' ', '\t', '\r':
			t.rest = t.rest[1:]
		case '#':
			end := strings.IndexByte(t.rest+"\n", '\n')
			t.comments = append(t.comments, comment(t.rest[:end], t.line)...)
			t.rest = t.rest[end:]
		default:
			return
		}
	}
}

func (t *tomlList) next(text string) bool {
	t.space()
	return strings.HasPrefix(t.rest, text)
}

func (t *tomlList) word(text string) bool {
	if !t.next(text) {
		return false
	}
	t.rest = t.rest[len(text):]
	return true
}

// str reads a string on one line whose only escapes are of quotes and backslashes.
func (t *tomlList) str() (string, bool) {
	t.space()
	if t.rest == "" || t.rest[0] != '"' && t.rest[0] != '\'' {
		return "", false
	}
	quote := t.rest[0]
	var out strings.Builder
	for i := 1; i < len(t.rest); i++ {
		c := t.rest[i]
		switch {
		case c == quote:
			t.rest = t.rest[i+1:]
			return out.String(), true
		case c == '\n':
			return "", false
		case c == '\\' && quote == '"':
			i++
			if i == len(t.rest) || t.rest[i] != '"' && t.rest[i] != '\\' {
				return "", false
			}
			c = t.rest[i]
		}
		out.WriteByte(c)
	}
	return "", false
}
