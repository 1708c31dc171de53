package mergedriver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/ownpath"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/repo"
)

const (
	// Key is the setting of git that has the command of the driver, and Command its value.
	Key     = "merge.bkt.driver"
	Command = "bkt merge-manifest %O %A %B %P"

	nameKey = "merge.bkt.name"
	name    = "merge manifests of bkt item by item"

	driverName     = "bkt"
	attributesFile = ".gitattributes"
	attribute      = manifest.Folder + "/*.json merge=" + driverName
)

// A Lack is something without which git does not merge manifests item by item.
type Lack struct {
	error
	Fix plan.Plan
}

// Unwrap returns the error, for package hint.
func (l Lack) Unwrap() error { return l.error }

// Lacks returns what the git repository of r lacks. Another driver for manifests is the user's
// decision.
func Lacks(ctx context.Context, r repo.Repo) ([]Lack, error) {
	text, err := readAttributes(r)
	if err != nil {
		return nil, err
	}
	// The output is "PATH\0merge\0VALUE\0".
	out, err := host.Query{}.Git(ctx, r.Root, nil, "check-attr", "-z", "merge", "--", manifest.ImagePath)
	words := strings.Split(string(out), "\x00")
	if err != nil || len(words) < 3 {
		return nil, err
	}
	var all []Lack
	switch words[2] {
	case driverName:
	case "unspecified":
		all = append(all, attributes(r, text))
	default:
		return nil, nil
	}
	driver, err := Driver(ctx, r.Root)
	if driver != nil {
		all = append(all, *driver)
	}
	return all, err
}

// readAttributes reads the attributes of the repository. Those of the folder of manifests are
// read for their error: git would read a device in the place of either to its end.
func readAttributes(r repo.Repo) ([]byte, error) {
	_, errManifests := fs.ReadFile(r.FS(), manifest.Folder+"/"+attributesFile)
	text, err := fs.ReadFile(r.FS(), attributesFile)
	err = errors.Join(patherr.UnlessMissing(err), patherr.UnlessMissing(errManifests))
	return text, patherr.TrimOp(err)
}

// attributes returns what .gitattributes, with the text old, lacks.
func attributes(r repo.Repo, old []byte) Lack {
	text := string(old)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	err := fmt.Errorf("%s lacks the line \"%s\": git merges manifests line by line", attributesFile, attribute)
	return Lack{err, r.Rewrite(attributesFile, old, []byte(text+attribute+"\n"))}
}

// Driver returns what the configuration of the git repository at dir lacks, nil for
// nothing. Another command for the driver is the user's decision, unless it runs a bkt that
// does not exist.
func Driver(ctx context.Context, dir string) (*Lack, error) {
	command, err := host.Query{}.Git(ctx, dir, nil, "config", "--get", Key)
	missing := ownpath.Missing(string(command))
	if exit, ok := errors.AsType[*host.ExitError](err); (!ok || exit.Status != 1) && len(missing) == 0 { // 1: it is not set
		return nil, err
	}
	set := func(key, value string) plan.Step {
		return plan.Run{Argv: []string{"git", "config", "--local", key, value}, Dir: dir}
	}
	steps := []plan.Step{set(nameKey, name), set(Key, Command)}
	err = fmt.Errorf("git's configuration lacks %s: git merges manifests line by line", Key)
	if len(missing) > 0 {
		err = fmt.Errorf("git's configuration has a command in %s that git cannot run: %w", Key, ownpath.Check(missing[0]))
	}
	return &Lack{err, plan.Plan{{Op: plan.Add, Targets: []string{Key}, Steps: steps}}}, nil
}
