package gen

import (
	"errors"
	"path"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/syntax"
)

// handwritten looks at what the user's own instructions put into a bootable
// image. What bootc refuses is an error, what it ignores or merges badly a
// warning. The stages before the last one are not part of the image.
func handwritten(file string, stages []instructions.Stage, r Result) (warnings []error, err error) {
	if KindOf(file) != System || len(stages) == 0 {
		return nil, nil
	}
	generated := map[int]bool{}
	for _, o := range r.Origins {
		generated[o.Line] = true
	}
	var errs []error
	for _, c := range stages[len(stages)-1].Commands {
		line := 0
		if at := c.Location(); len(at) > 0 {
			line = at[0].Start.Line
		}
		if generated[line] {
			continue
		}
		for _, p := range judgeCommand(c) {
			f := hint.Add(Finding{p.rule, Entry{File: file, Position: manifest.Position{Line: line}}, p.what}, "%s", p.advice)
			if p.fatal {
				errs = append(errs, f)
				continue
			}
			warnings = append(warnings, f)
		}
	}
	return warnings, errors.Join(errs...)
}

// judgeCommand returns what is the matter with an instruction.
func judgeCommand(c instructions.Command) []imagePlace {
	switch c := c.(type) {
	case *instructions.CopyCommand:
		return judgeCopy(c.SourcesAndDest)
	case *instructions.AddCommand:
		return judgeCopy(c.SourcesAndDest)
	case *instructions.RunCommand:
		return judgeShell(c)
	}
	return nil
}

// judgeCopy looks at where files are copied to. What is copied may be a folder,
// whose content goes there without it, so that its name says nothing; but for
// the arguments of the kernel, whose files have an extension. A file in /tmp is
// there for a later step.
func judgeCopy(c instructions.SourcesAndDest) []imagePlace {
	var found []imagePlace
	if p := judge(c.DestPath); p != nil && p.dir != "/tmp" {
		found = append(found, *p)
	}
	if path.Clean(c.DestPath) != kargsDir {
		return found
	}
	for _, source := range c.SourcePaths {
		ext := path.Ext(source)
		if ext == "" || ext == ".d" || strings.HasSuffix(source, "/") || strings.ContainsAny(source, "*?[") {
			continue
		}
		if p := judge(path.Join(kargsDir, path.Base(source))); p != nil {
			found = append(found, *p)
		}
	}
	return found
}

// addsUser are programs that change /etc/passwd and its like.
var addsUser = []string{"useradd", "adduser", "groupadd", "addgroup", "usermod", "groupmod"}

// judgeShell looks for users that are made while the image is built. A script
// that cannot be parsed is for the shell to complain of.
func judgeShell(c *instructions.RunCommand) []imagePlace {
	script := strings.Join(c.CmdLine, " ")
	for _, f := range c.Files {
		script += "\n" + f.Data
	}
	file, err := syntax.NewParser().Parse(strings.NewReader(script), "")
	if err != nil {
		return nil
	}
	found := false
	syntax.Walk(file, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			found = found || matches(addsUser, path.Base(call.Args[0].Lit()))
		}
		return true
	})
	if !found {
		return nil
	}
	return []imagePlace{{
		rule: "bootc/sysusers", what: "the machine has its own users, and those that the image adds later do not get there",
		advice: "declare them below /usr/lib/sysusers.d",
	}}
}
