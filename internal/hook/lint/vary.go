package lint

import (
	"slices"
	"strings"

	"bkt/internal/hook/command"

	"mvdan.cc/sh/v3/syntax"
)

// varies reports whether the value of a node is different at every start.
func (l *linter) varies(n syntax.Node) bool {
	found := false
	l.calls(n, func(c command.Call) { found = found || isVarying(c) })
	syntax.Walk(n, func(n syntax.Node) bool {
		if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil {
			found = found || slices.Contains(l.varying, p.Param.Value) || isVaryingVariable(p.Param.Value)
		}
		if w, ok := n.(*syntax.Word); ok {
			found = found || isVaryingFile(w.Lit())
		}
		return true
	})
	return found
}

// isVaryingFile reports whether reading a file gives something different at every start.
func isVaryingFile(name string) bool {
	if strings.HasPrefix(name, "/dev/urandom") || strings.HasPrefix(name, "/dev/random") || strings.HasPrefix(name, "/proc/sys/kernel/random/") {
		return true
	}
	switch name {
	case "/proc/uptime", "/proc/loadavg", "/proc/stat", "/proc/meminfo", "/proc/vmstat", "/proc/diskstats", "/proc/interrupts":
		return true
	}
	return false
}

// drawsOrAsksTime finds random numbers and times in scripts of other languages.
var drawsOrAsksTime = lazy(`uuid[14]\(|urandom|\brandom\b|secrets\.|SecureRandom|\brand\(|\bsrand\b|time\.time\(|\.now\(|utcnow\(|today\(|systime\(|strftime\("[^"]*"\)|Time\.now|Date\.now|new Date\(\)|randomBytes|randomUUID|localtime`)

// isVarying reports whether a command prints something different at every run.
func isVarying(c command.Call) bool {
	switch c.Name {
	case "date":
		return !command.ParseOptions(c.Args, "-d --date -r --reference").Has("-d", "--date", "-r", "--reference")
	case "uuidgen", "mcookie", "pwgen", "apg", "pwmake", "ps", "uptime", "free", "top", "who", "w", "last", "dmesg", "shuf":
		return true
	case "openssl":
		_, ok := c.Sub("rand", "genrsa", "genpkey", "gendsa", "dhparam")
		return ok
	case "wg":
		return hasAny(c.Args, "genkey genpsk")
	case "ssh-keyscan": // hashed with a new salt
		return command.ParseOptions(c.Args, "-f -p -T -t").Has("-H")
	case "printf":
		return len(c.Args) > 1 && strings.Contains(c.Args[0], ")T") && strings.Contains(c.Args[0], "%(") && (c.Args[1] == "-1" || c.Args[1] == "-2")
	}
	text, ok := foreignScript(c)
	return ok && drawsOrAsksTime().MatchString(text)
}

func isVaryingVariable(name string) bool {
	switch name {
	case "RANDOM", "SRANDOM", "EPOCHSECONDS", "EPOCHREALTIME", "SECONDS", "BASHPID", "$", "PPID", "!":
		return true
	}
	return false
}

// checkVaryingValue reports commands that store an argument or their input, if that is
// different at every start, and those that make a new key.
func (l *linter) checkVaryingValue(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-o --output -m --mode -g -t")
	varies := slices.ContainsFunc(c.Words, func(w *syntax.Word) bool { return l.varies(w) })
	switch {
	case c.Is("sed") && varies:
		if s, ok := l.sed(c); ok {
			for _, f := range s.files {
				l.checkVarying(f, sc)
			}
		}
	case c.Is("git") && varies && slices.Contains(c.Args, "config"),
		c.Is("gsettings", "dconf") && varies && len(c.Args) > 0 && (c.Args[0] == "set" || c.Args[0] == "write"):
		l.report("varying", sc)
	case c.Is("install", "cp") && sc.varying && slices.ContainsFunc(o.Operands, func(p string) bool { return p == "/dev/stdin" || p == "-" }):
		l.checkVarying(l.absolute(o.Operands[len(o.Operands)-1]), sc)
	case c.Is("dd") && sc.varying:
		for _, file := range l.ddFiles(c) {
			l.checkVarying(file, sc)
		}
	case c.Is("openssl") && makesKey(c):
		if files := l.all(keyFiles(c.Args)); len(files) > 0 {
			l.report("varying", sc, files...)
		}
	}
}

// makesKey reports whether a call of openssl makes a new key.
func makesKey(c command.Call) bool {
	return isVarying(c) || hasAny(c.Args, "-newkey -new -genkey")
}

// keyFiles returns the files that a call of openssl writes.
func keyFiles(args []string) []string {
	var files []string
	for i, a := range args {
		if (a == "-out" || a == "-keyout") && i+1 < len(args) {
			files = append(files, args[i+1])
		}
	}
	return files
}
