package flow

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"bkt/internal/dockerfile"
	"bkt/internal/script/call"
)

// An ending says whether an instruction belongs to the end of a stage, below everything
// that changes the image.
type ending int

const (
	noEnding    ending = iota // it changes the image
	wholeEnding               // it has no other purpose
	mixedEnding               // it changes the image, and then checks it
)

// settings are the instructions that set up containers of the image, and leave its files
// unchanged. Sections come before them: dnf needs root, and a label with the time of the
// build would void the cache of all steps below it.
var settings = []string{"CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "STOPSIGNAL", "USER"}

// endingOf returns the ending that an instruction is.
func endingOf(in dockerfile.Instruction) ending {
	if slices.Contains(settings, in.Keyword) {
		return wholeEnding
	}
	all := purposesOf(in)
	closes := func(p purpose) bool { return p >= cleans }
	last := -1 // command that changes the image
	for i, p := range all {
		if p == works {
			last = i
		}
	}
	switch {
	case last < 0 && slices.ContainsFunc(all, closes):
		return wholeEnding
	case slices.Contains(all[last+1:], lints):
		return mixedEnding
	}
	return noEnding
}

// Lints reports whether an instruction runs bootc container lint, which checks what the
// instructions above it have made.
func Lints(in dockerfile.Instruction) bool {
	return in.Mentions("lint") && slices.Contains(purposesOf(in), lints)
}

// A purpose is the purpose of a command in a RUN.
type purpose int

const (
	works   purpose = iota // it changes the image, or may do so
	idles                  // it changes nothing
	cleans                 // it removes caches, logs and temporary files
	commits                // ostree container commit, which cleans and checks
	lints                  // bootc container lint
)

// purposesOf returns the purposes of the commands of a RUN, in their order, whether or
// not they are conditional.
func purposesOf(in dockerfile.Instruction) []purpose {
	calls, ok := Commands(in)
	if !ok {
		return []purpose{works}
	}
	var all []purpose
	for _, c := range calls {
		cmd := c.Command()
		all = append(all, purposeOf(cmd.Name, cmd.Args))
		for _, o := range c.Outputs {
			if o.Path != "/dev/null" && isLasting(o.Path) {
				all = append(all, works)
			}
		}
	}
	return all
}

// Commands returns the commands of a RUN. It is not ok for another instruction, and for a
// script that bkt cannot read.
func Commands(in dockerfile.Instruction) ([]call.Call, bool) {
	if in.Keyword != "RUN" {
		return nil, false
	}
	_, command := in.Flags()
	var args []string
	if json.Unmarshal([]byte(command), &args) == nil {
		calls, err := call.Exec(args, "/", nil)
		return calls, err == nil
	}
	if len(in.Heredocs) > 0 {
		program, rest := dockerfile.CutWord(command)
		isScript := strings.HasPrefix(program, "<<") && rest == "" || isShell(program) && strings.Count(rest, "<<") == 1
		line, _, _ := strings.Cut(in.Heredocs[0], "\n")
		interpreter, named := strings.CutPrefix(line, "#!")
		if len(in.Heredocs) > 1 || !isScript || named && !slices.ContainsFunc(strings.Fields(interpreter), isShell) {
			return nil, false
		}
		command = in.Heredocs[0]
	}
	calls, err := call.List(command, "/", nil)
	return calls, err == nil
}

func isShell(program string) bool {
	return slices.Contains([]string{"sh", "bash", "dash"}, path.Base(program))
}

// purposeOf returns the purpose of a command.
func purposeOf(name string, args []string) purpose {
	switch command := strings.Join(args[:min(len(args), 2)], " "); {
	case name == "bootc" && command == "container lint":
		if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--rootfs") }) { // of another image
			return idles
		}
		return lints
	case name == "ostree" && command == "container commit":
		return commits
	case slices.Contains([]string{"", "{", "set", ":", "true", "echo", "printf", "test", "[", "[[", "export"}, name):
		return idles
	case isCleaning(name, args):
		return cleans
	}
	return works
}

// isCleaning reports whether a command removes caches, logs or temporary files. Scripts
// for that are called clean-something; BlueBuild's is post_build.sh.
func isCleaning(name string, args []string) bool {
	operands := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "-") })
	switch name {
	case "dnf", "dnf5", "microdnf", "yum", "apt-get", "apt", "zypper":
		return len(operands) > 0 && operands[0] == "clean"
	case "rpm-ostree":
		return len(operands) > 0 && operands[0] == "cleanup"
	case "rm", "rmdir":
		return len(operands) > 0 && !slices.ContainsFunc(operands, isLasting)
	case "mkdir", "chmod": // after rm -rf /var/*
		return len(operands) > 0 && operands[len(operands)-1] == "/var/tmp"
	case "find":
		begin := slices.IndexFunc(args, func(a string) bool { return a == "" || strings.ContainsRune("-!(", rune(a[0])) })
		return begin > 0 && !slices.ContainsFunc(args[:begin], isLasting)
	}
	return strings.HasPrefix(name, "clean") || name == "post_build.sh"
}

func isLasting(file string) bool { return !isScratch(file) }

// isScratch reports whether a path is below a folder that an image should leave empty.
func isScratch(file string) bool {
	file = path.Clean(file) + "/"
	return slices.ContainsFunc([]string{"/var/", "/tmp/", "/run/", "/boot/"}, func(dir string) bool { return strings.HasPrefix(file, dir) })
}

// variables are the instructions that set variables. They are part of an ending only below
// a RUN that belongs to it: above it, they may be meant for sections.
var variables = []string{"ARG", "ENV"}

// BeforeEnding returns the number of instructions of a stage above its ending. An
// instruction that changes the image before it checks it belongs to the ending, but none
// above it. Sections need root, so the ending begins at the latest with another USER.
func BeforeEnding(all []dockerfile.Instruction) int {
	k := len(all)
	for i := k - 1; i >= 0; i-- {
		in := all[i]
		e := endingOf(in)
		if e == noEnding && !slices.Contains(variables, in.Keyword) {
			break
		}
		if in.Keyword == "RUN" || e != noEnding && k == i+1 {
			k = i
		}
		if e == mixedEnding {
			break
		}
	}
	for i := k - 1; i >= 0; i-- {
		user, _, _ := strings.Cut(all[i].Args, ":")
		if all[i].Keyword == "USER" {
			if user == "root" || user == "0" {
				break
			}
			k = i
		}
	}
	return k
}
