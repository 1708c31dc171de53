package gen

import (
	"errors"
	"path"
	"slices"
	"strings"

	"bkt/internal/dockerfile"
	"bkt/internal/hint"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/syntax"
)

// handwritten looks at what the user's own instructions put into a bootable
// image. What bootc refuses is an error, what it ignores or merges badly a
// warning. Of the stages, only the last one and those that it is FROM are part of
// the image.
func (d reading) handwritten(parsed []instructions.Stage) (warnings []error, err error) {
	if KindOf(d.file) != System || len(parsed) != len(d.now.All) {
		return nil, nil
	}
	var errs []error
	for _, i := range slices.Backward(d.now.Lineage(d.now.Final())) {
		for _, c := range parsed[i].Commands {
			if d.r.sectionAt(dockerfile.LineOf(c)) != "" {
				continue
			}
			for _, p := range judgeCommand(c) {
				line := dockerfile.LineOf(c)
				if p.fatal {
					line = d.r.lineBefore(line) // nothing is written
				}
				f := hint.Add(d.at(p.rule, line, "%s", p.what), "%s", p.advice)
				if p.fatal {
					errs = append(errs, f)
				} else {
					warnings = append(warnings, f)
				}
			}
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
