package imagerule

import (
	"errors"
	"path"
	"slices"
	"strings"

	"bkt/internal/script"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/syntax"
)

// CheckInstruction returns the problems of an instruction in a stage of a bootable
// image.
func CheckInstruction(c instructions.Command) []Problem {
	switch c := c.(type) {
	case *instructions.CopyCommand:
		return checkCopy(c.SourcesAndDest)
	case *instructions.AddCommand:
		return checkCopy(c.SourcesAndDest)
	case *instructions.RunCommand:
		return checkRun(c)
	}
	return nil
}

// checkCopy checks where files are copied to. The name of a source counts only
// for files of kernel arguments, which have an extension: a source may be a
// folder, whose content is copied without it. A file in /tmp is for a later step.
func checkCopy(c instructions.SourcesAndDest) []Problem {
	var found []Problem
	if r := ruleFor(c.DestPath); r != nil && r.folder != "/tmp" {
		found = append(found, r.Problem)
	}
	if path.Clean(c.DestPath) != kargsFolder {
		return found
	}
	for _, source := range c.SourcePaths {
		ext := path.Ext(source)
		if ext == "" || ext == ".d" || strings.HasSuffix(source, "/") || strings.ContainsAny(source, "*?[") {
			continue
		}
		if p := CheckPath(path.Join(kargsFolder, path.Base(source))); p != nil {
			found = append(found, *p)
		}
	}
	return found
}

// userPrograms are programs that change userFiles.
var userPrograms = []string{"useradd", "adduser", "groupadd", "addgroup", "usermod", "groupmod"}

// checkRun looks for users that are added while the image is built, in the command
// and in heredocs that are scripts: those without a command, and those for a shell.
func checkRun(c *instructions.RunCommand) []Problem {
	command := strings.Join(c.CmdLine, " ") + "\n"
	program, _, _ := strings.Cut(command, " ")
	isScript := strings.HasPrefix(program, "<<") || slices.Contains([]string{"sh", "bash"}, path.Base(program))
	var scripts []string
	for _, f := range c.Files {
		command += f.Data + f.Name + "\n"
		if isScript {
			scripts = append(scripts, f.Data)
		}
	}
	if !slices.ContainsFunc(append(scripts, command), addsUser) {
		return nil
	}
	return []Problem{{
		Rule: "bootc/sysusers", What: "the machine has its own users, and users that the image adds later do not reach it",
		Advice: "declare them below /usr/lib/sysusers.d",
	}}
}

// addsUser reports whether a script calls a program that changes userFiles; a script
// that is too large to parse, whether it mentions one. The shell itself complains of a
// script that cannot be parsed.
func addsUser(text string) bool {
	file, err := script.Parse(text)
	if _, ok := errors.AsType[script.LimitError](err); ok {
		return slices.ContainsFunc(userPrograms, func(name string) bool { return strings.Contains(text, name) })
	}
	if err != nil {
		return false
	}
	found := false
	syntax.Walk(file, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			found = found || slices.Contains(userPrograms, path.Base(call.Args[0].Lit()))
		}
		return true
	})
	return found
}
