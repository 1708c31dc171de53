package githook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plan"
)

// A manager runs the hooks that its configuration lists. git runs the manager by a hook
// that the manager writes itself.
type manager struct {
	name    string
	install string                            // the command that writes its hook for git
	mark    string                            // a part of that hook
	configs []string                          // the names of its configuration, in the work tree
	folder  string                            // that shows that it is in use; "": a configuration does
	entry   func(command string) string       // what a configuration needs to run command
	extend  func(config, entry string) string // adds it; "": only a person can
}

// managers returns the managers that bkt knows. Sources: https://pre-commit.com,
// https://lefthook.dev/configuration and https://typicode.github.io/husky.
func managers() []manager {
	return []manager{
		{"pre-commit", "pre-commit install", "hook-impl", []string{".pre-commit-config.yaml"}, "", preCommitEntry, extendPreCommit},
		{"lefthook", "lefthook install", "lefthook", lefthookConfigs(), "", lefthookEntry, extendLefthook},
		{"husky", "npx husky", `$(dirname "$0")/h`, []string{".husky/pre-commit"}, ".husky", huskyEntry, extendNothing},
	}
}

// lefthookConfigs returns the names of lefthook's configuration. Of those in a repository, it
// reads one. The local ones are read in addition.
func lefthookConfigs() []string {
	var all []string
	for _, base := range []string{"lefthook", ".lefthook", ".config/lefthook", "lefthook-local", ".lefthook-local", ".config/lefthook-local"} {
		for _, extension := range []string{"yml", "yaml", "toml", "json", "jsonc"} {
			all = append(all, base+"."+extension)
		}
	}
	return all
}

// manager returns the manager of hooks that git runs by the hook text, or else, if there is
// no hook, the one that the work tree is set up for; nil: none.
func (p place) manager(text string) (m *manager, isInstalled bool) {
	for _, m := range managers() {
		if strings.Contains(text, m.mark) {
			return &m, true
		}
	}
	for _, m := range managers() {
		if text == "" && p.isSetUp(m) {
			return &m, false
		}
	}
	return nil, false
}

// isSetUp reports whether the work tree is set up for a manager. Earlier versions of bkt wrote
// a configuration of pre-commit into every repository: with only that, and without the
// program, git's own hook is the right one.
func (p place) isSetUp(m manager) bool {
	if m.folder != "" { // if git reads the hooks of the folder itself, no manager does
		return p.workTree().Has(m.folder) && p.dir != filepath.Join(p.top, m.folder)
	}
	for _, name := range m.configs {
		if p.workTree().Has(name) {
			text, err := fs.ReadFile(p.workTree().FS(), name)
			return err != nil || m.name != "pre-commit" || !p.isIn(string(text)) || host.Installed(m.name)
		}
	}
	return false
}

// planManaged returns the plan that has a manager run bkt. text is its hook for git.
func (p place) planManaged(m manager, isInstalled bool, text string) (plan.Plan, error) {
	if named := configFlag.FindStringSubmatch(text); named != nil { // pre-commit install --config FILE
		m.configs = []string{named[1]}
	}
	main, config, err := p.readConfig(m)
	if err != nil {
		return nil, err
	}
	if !p.runs(m, config) && !p.runsLegacy(m) {
		return p.planConfig(m, main, config[main])
	}
	if isInstalled {
		return nil, checkExecutable(filepath.Join(p.dir, "pre-commit"))
	}
	return nil, hint.Add(fmt.Errorf("%s runs bkt, but no hook of git runs %s", main, m.name), "run \"%s\" in %s", m.install, p.top)
}

var configFlag = regexp.MustCompile(`--config=([^\s")]+)`)

// readConfig reads the configuration of a manager. main is the name of its first file, or of
// the one to write.
func (p place) readConfig(m manager) (main string, config map[string]string, err error) {
	main, config = m.configs[0], map[string]string{}
	files := p.workTree().FS()
	for _, name := range m.configs {
		text, err := fs.ReadFile(files, path.Clean(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return main, nil, patherr.TrimOp(err)
		}
		if len(config) == 0 {
			main = name
		}
		config[name] = string(text)
	}
	return main, config, nil
}

// runs reports whether a configuration has the manager run bkt.
func (p place) runs(m manager, config map[string]string) bool {
	for name, text := range config {
		if m.name == "lefthook" && isYAML(name) {
			text = block(text, "pre-commit")
		}
		if p.isIn(text) {
			return true
		}
	}
	return false
}

// runsLegacy reports whether pre-commit runs bkt by the hook that it found when it was
// installed, and keeps.
func (p place) runsLegacy(m manager) bool {
	text, err := p.read(filepath.Join(p.dir, "pre-commit.legacy"))
	return m.name == "pre-commit" && err == nil && p.isIn(string(text))
}

// planConfig plans to add bkt to a configuration, which is "" if there is none.
func (p place) planConfig(m manager, name, text string) (plan.Plan, error) {
	entry := m.entry(p.command)
	file := filepath.Join(p.top, filepath.FromSlash(name))
	if !p.workTree().Has(name) {
		if m.name == "pre-commit" {
			entry = "repos:\n" + entry
		}
		return plan.RewriteWithin(p.workTree().Within(file), file, name, nil, []byte(entry)), nil
	}
	if extended := m.extend(text, entry); extended != "" && (m.name == "husky" || isYAML(name)) {
		return plan.RewriteWithin(p.workTree().Within(file), file, name, []byte(text), []byte(extended)), nil
	}
	return nil, hint.Add(fmt.Errorf("%s: %s does not run bkt at a commit", file, m.name), "add what these lines say to it:\n%s", strings.TrimSuffix(entry, "\n"))
}

func isYAML(name string) bool { return path.Ext(name) == ".yml" || path.Ext(name) == ".yaml" }

// block returns the lines below a key at the top level of a YAML text, with that of the key.
func block(text, key string) string {
	var found strings.Builder
	inside := false
	for line := range strings.Lines(text) {
		if topKey.MatchString(line) {
			inside = strings.HasPrefix(strings.Trim(line, `"'`), key)
		}
		if inside {
			found.WriteString(line)
		}
	}
	return found.String()
}

// topKey matches a line of YAML that begins a value at the top level.
var topKey = regexp.MustCompile(`^["'\w]`)

// scalar returns a text as a value in YAML: as it is, or as a JSON string, if it has
// characters with a meaning.
func scalar(text string) string {
	if plain.MatchString(text) {
		return text
	}
	quoted, _ := json.Marshal(text) // of a string, it never fails
	return string(quoted)
}

var plain = regexp.MustCompile(`^[a-z][\w /.-]*$`)

func preCommitEntry(command string) string {
	return "- repo: local\n  hooks:\n    - id: bkt-containerfile-sync\n      name: render the managed sections of Containerfiles\n" +
		"      entry: " + scalar(command) + "\n      language: system\n      pass_filenames: false\n      always_run: true\n"
}

func lefthookEntry(command string) string {
	return "pre-commit:\n  jobs:\n    - run: " + scalar(command) + "\n"
}

func huskyEntry(command string) string { return command + "\n" }

// extendPreCommit adds an entry to the list of repositories, if that is a block at the end
// of the configuration.
func extendPreCommit(config, entry string) string {
	_, list, found := strings.Cut("\n"+config, "\nrepos:")
	rest, list, _ := strings.Cut(list, "\n")
	if !found || strings.TrimSpace(strings.SplitN(rest, "#", 2)[0]) != "" {
		return ""
	}
	first := listItem.FindStringSubmatch(list)
	if first == nil {
		return ""
	}
	indent := first[1]
	for line := range strings.SplitSeq(list, "\n") {
		isPart := strings.HasPrefix(line, indent+"- ") || strings.HasPrefix(line, indent+"  ")
		if !isPart && strings.TrimSpace(line) != "" && !strings.HasPrefix(strings.TrimSpace(line), "#") { // another key, or the end of the document
			return ""
		}
	}
	return endLine(config) + indent + strings.ReplaceAll(strings.TrimSuffix(entry, "\n"), "\n", "\n"+indent) + "\n"
}

// listItem matches the first item of a list of YAML, with comments before it.
var listItem = regexp.MustCompile(`^(?: *(?:#.*)?\n)*( *)- `)

// extendLefthook adds an entry to a configuration in YAML without jobs at a commit.
func extendLefthook(config, entry string) string {
	for line := range strings.Lines(config) {
		isKey := topKeyOnly.MatchString(line)
		if !isKey && strings.TrimLeft(line, " \n") == line && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "-") ||
			strings.HasPrefix(strings.Trim(line, `"'`), "pre-commit") || strings.HasPrefix(line, "---") {
			return ""
		}
	}
	return endLine(config) + "\n" + entry
}

// topKeyOnly matches a line of YAML that begins with a key of a mapping.
var topKeyOnly = regexp.MustCompile(`^["']?[\w-]+["']?:(\s|$)`)

// extendNothing leaves a script as it is: only who wrote it knows where a command fits.
func extendNothing(string, string) string { return "" }

// endLine ends the last line of a text.
func endLine(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}
