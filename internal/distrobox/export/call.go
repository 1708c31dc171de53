package export

import (
	"path"
	"slices"
	"strings"

	"bkt/internal/manifest"
	"bkt/internal/shell"
)

// A call is a call of distrobox-enter in a wrapper or a desktop entry.
type call struct {
	container string
	root      bool         // the container belongs to root
	before    []shell.Word // such as "env" and variables
	flags     string       // options of distrobox-enter as written, without the name and --root
	odd       bool         // has options where distrobox-export writes none
	line      string
	command   []shell.Word // to run in the container
}

// parseCall finds the call of distrobox-enter in a command line, and reports whether there
// is one.
func parseCall(line string) (c call, ok bool) {
	words := shell.Split(line)
	i := slices.IndexFunc(words, func(w shell.Word) bool { return path.Base(w.Text) == "distrobox-enter" })
	rest := i + 1
	if i < 0 {
		i = slices.IndexFunc(words, func(w shell.Word) bool { return path.Base(w.Text) == "distrobox" })
		rest = i + 2
		if i < 0 || rest > len(words) || words[i+1].Text != "enter" {
			return call{}, false
		}
	}
	c.before, c.line = words[:i], line
	c.readOptions(words[rest:])
	return c, c.container != ""
}

// readOptions reads the options of distrobox-enter, and the command after them.
func (c *call) readOptions(words []shell.Word) {
	var flags []shell.Word
	for n := 0; n < len(words); n++ {
		hasNext := n+1 < len(words)
		switch w := words[n]; {
		case w.Text == "--", w.Text == "-e", w.Text == "--exec":
			c.command = words[n+1:]
			words = nil
		case w.Text == "-r", w.Text == "--root":
			c.root = true
		case (w.Text == "-n" || w.Text == "--name") && hasNext:
			c.container = words[n+1].Text
			c.odd = c.odd || len(flags) > 0
			n++
		case (w.Text == "-a" || w.Text == "--additional-flags") && hasNext:
			flags = append(flags, w, words[n+1])
			n++
		case strings.HasPrefix(w.Text, "-"), c.container != "":
			flags = append(flags, w)
		default: // for distrobox-enter, a single word is the name
			c.container = w.Text
			c.odd = c.odd || len(flags) > 0
		}
	}
	if len(flags) > 0 {
		c.flags = c.line[flags[0].Start:flags[len(flags)-1].End]
	}
}

// A run is what a call runs in a container.
type run struct {
	program string
	flags   string // arguments before those of the caller, as written
	sudo    bool   // as root
	login   bool   // in a login shell of the user, as release 1.5 can
}

// run returns what the call runs.
func (c call) run() run { return parseRun(c.line, c.command) }

// parseRun parses the words of a command in line. Before the program, each release of
// distrobox-export writes other words to run it as root, and some a shell that gets the
// program and its arguments as a script.
func parseRun(line string, words []shell.Word) run {
	r, words := asRoot(words)
	if script, ok := loginScript(words); ok {
		line, words = script[0].Text, script
		inner := shell.Split(line)
		if strings.HasSuffix(line, "$@") || strings.HasSuffix(line, "$*") {
			words = inner
		} else {
			line = ""
		}
	}
	if len(words) == 0 {
		return r
	}
	r.program = words[0].Text
	last := len(words)
	for last > 1 && slices.Contains([]string{"$@", "$*"}, words[last-1].Text) {
		last--
	}
	if last > 1 && line != "" {
		r.flags = line[words[1].Start:words[last-1].End]
	} else if last > 1 {
		r.flags = strings.Join(shell.Texts(words[1:last]), " ")
	}
	return r
}

// loginScript returns the script and the further words of a command that runs a script in a
// login shell, as release 1.6 writes it, and whether it does.
func loginScript(words []shell.Word) ([]shell.Word, bool) {
	text := shell.Texts(words)
	if len(text) > 3 && path.Base(text[0]) == "sh" && text[1] == "-l" && text[2] == "-c" {
		return words[3:], true
	}
	return words, false
}

// asRoot returns the words of a command after those that run it as root.
func asRoot(words []shell.Word) (run, []shell.Word) {
	var r run
	for len(words) > 0 {
		switch path.Base(words[0].Text) {
		case "sudo", "doas", "su-exec":
			r.sudo = true
		case "-S", "-i", "su", "-", "root":
			if !r.sudo {
				return r, words
			}
		case "-u":
			if len(words) < 2 || !r.sudo {
				return r, words
			}
			r.login, words = true, words[1:]
		default:
			return r, words
		}
		words = words[1:]
	}
	return r, words
}

// beyond describes the first part of a call that a manifest cannot express, "" if it has
// none.
func (c call) beyond() string {
	r := c.run()
	switch {
	case c.odd, len(c.before) > 0 && !slices.ContainsFunc(c.before, isAskpass):
		return ChangedByHand
	case r.login:
		return "was exported with --login"
	}
	if err := manifest.CheckExportOptions(r.flags, c.flags); err != nil {
		return "was exported with flags that releases of distrobox write in different ways"
	}
	return ""
}

// isAskpass reports whether distrobox-export writes a word before the call of a
// container of root.
func isAskpass(w shell.Word) bool { return strings.HasPrefix(w.Text, "SUDO_ASKPASS=") }

// ChangedByHand is the property of a file that someone has edited: it belongs to the user.
const ChangedByHand = "was changed by hand"
