package buildkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"bkt/internal/engineclient"
	"bkt/internal/hint"
	"bkt/internal/stepfailure"

	"golang.org/x/sys/unix"
)

// trouble returns what is wrong with the engine, its machine or the output, if that is
// why a build fails with the error text and, of a step, this output. Otherwise it
// returns nil.
func (b Builder) trouble(ctx context.Context, text, output string) error {
	switch {
	case isBrokenRecord(text):
		return brokenRecordError{text}
	case b.outputIn(text) != "" && strings.Contains(text, noSpace):
		return fullOutput(b.outputIn(text))
	case strings.Contains(text, noSpace) || stepfailure.IsFullDisk(output):
		return b.fullDisk()
	case isStarved(text) || isStarved(stepfailure.Tail(output)):
		return b.starved()
	case hasNoOwner(text) || hasNoOwner(stepfailure.Tail(output)):
		return b.missingIDs(ctx)
	case lacksShell(output):
		return hint.Add(errors.New("the image has no /bin/sh, which runs commands in it"), "build on an image with a shell")
	}
	return nil
}

// lacksShell reports whether runc or crun, whose messages these are, found no shell.
func lacksShell(output string) bool {
	return strings.Contains(output, `exec: "/bin/sh": stat /bin/sh: no such file or directory`) || strings.Contains(output, "executable file `/bin/sh` not found")
}

const noSpace = "no space left on device"

// isStarved reports whether text is about a failure that a full disk causes, among
// others. The first message is runc's, word for word.
func isStarved(text string) bool {
	return strings.Contains(text, "unable to store init state: %!w(<nil>)") || strings.Contains(strings.ToLower(text), "read-only file system")
}

// starved returns the error of a full disk if the disk of the engine is full.
func (b Builder) starved() error {
	if s, ok := spaceOf(b.Config.Root); ok && b.isOwn() && (s.bytes < 64<<20 || s.noInodes()) {
		return b.fullDisk()
	}
	return nil
}

// fullDisk returns the error of a full disk of the engine.
func (b Builder) fullDisk() error {
	if !b.isOwn() {
		return hint.Add(errors.New(noSpace), "free space where %s keeps its data", b.Config.Address)
	}
	root := b.Config.Root
	s, ok := spaceOf(root)
	err := fmt.Errorf("%s: %s", root, noSpace)
	switch {
	case !ok:
		return hint.Add(err, "\"bkt engine prune\" deletes what no build uses")
	case s.bytes > 1<<30 && !s.noInodes(): // what the step has written is deleted by now
		err = errors.New(noSpace)
		return hint.Add(err, "%s, where the engine keeps layers, has %v now; the step may need more, or have filled another file system, such as a tmpfs", root, s)
	}
	return hint.Add(err, "%s has %v now; \"bkt engine prune\" deletes what no build uses", root, s)
}

// outputIn returns the output that text is about, "" if it is about none.
func (b Builder) outputIn(text string) string {
	for _, output := range b.outputs {
		path, err := filepath.Abs(output)
		if err != nil {
			continue
		}
		next := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)) // where an export is written first
		if strings.Contains(text, path) || strings.Contains(text, next) {
			return output
		}
	}
	return ""
}

// fullOutput returns the error of a full disk of an output.
func fullOutput(output string) error {
	err := fmt.Errorf("writing the image: %s: %s", output, noSpace)
	for dir := output; ; dir = filepath.Dir(dir) {
		if s, ok := spaceOf(dir); ok {
			return hint.Add(err, "%s has %v now; free space there, or write the image elsewhere with --output", dir, s)
		}
		if dir == filepath.Dir(dir) {
			return err
		}
	}
}

// isOwn reports whether the engine is bkt's own, whose folder is on this machine.
func (b Builder) isOwn() bool {
	return b.Config.Address == engineclient.Own || b.Config.Address == ""
}

// space is what a user can still write to a file system.
type space struct {
	bytes, inodes uint64
	counted       bool // the file system has a limited number of inodes
}

// spaceOf returns the space of the file system of dir. It is not ok if the system does
// not tell it.
func spaceOf(dir string) (s space, ok bool) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return s, false
	}
	return space{stat.Bavail * uint64(stat.Bsize), stat.Ffree, stat.Files > 0}, true
}

func (s space) noInodes() bool { return s.counted && s.inodes < 100 }

// String returns the space as "12 MB free", or the inodes if these are the reason that
// nothing can be written.
func (s space) String() string {
	switch {
	case s.noInodes():
		return fmt.Sprintf("%d inodes free", s.inodes)
	case s.bytes < 1<<20:
		return fmt.Sprintf("%d kB free", s.bytes>>10)
	}
	return fmt.Sprintf("%d MB free", s.bytes>>20)
}

// hasNoOwner reports whether a line of text says that a file cannot be given to a user.
func hasNoOwner(text string) bool {
	for line := range strings.Lines(strings.ToLower(text)) {
		if strings.Contains(line, "own") && strings.Contains(line, "invalid argument") {
			return true
		}
	}
	return false
}

// missingIDs returns the error of an engine that has too few subordinate ids: the kernel
// refuses to give a file to a user that does not exist in the engine.
func (b Builder) missingIDs(ctx context.Context) error {
	if !b.isOwn() || os.Geteuid() == 0 {
		return nil
	}
	needs, errNeeds := engineclient.ReadNeeds(ctx, b.Config)
	if errNeeds != nil {
		return nil
	}
	var errs []error
	for _, need := range needs.All {
		if strings.HasPrefix(need.Name, "/etc/sub") && need.Err != nil {
			errs = append(errs, hint.Split(need.Err)...)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	err := hint.Add(fmt.Errorf("a file cannot be given to its user: %w", errs[0]), "the engine uses them from its next start: run \"bkt engine stop\"")
	return hint.Copy(err, errors.Join(errs...))
}

// A brokenRecordError says that the engine's cache has a record of a step whose files
// are gone, as after a full disk.
type brokenRecordError struct{ text string }

func (e brokenRecordError) Error() string { return e.text }

// Hints implements the interface of [hint.Of].
func (brokenRecordError) Hints() []string {
	return []string{"the cache of the engine has a broken record: \"bkt engine prune\" deletes the cache"}
}

// brokenRecord matches what containerd says about a layer that its database does not
// have. BuildKit says "not found" about files of the user, too.
var brokenRecord = regexp.MustCompile(`(during finalize: .*|missing parent .*|\bsnapshot\b.* does not exist): not found`)

func isBrokenRecord(text string) bool { return brokenRecord.MatchString(text) }
