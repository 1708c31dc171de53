package imagerule

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"bkt/internal/encode"
	"bkt/internal/filetree"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/strictjson"
)

// maxFolderCheck is how many bytes the command of a check of a folder has at most, about:
// the kernel limits an argument to 128 KiB.
const maxFolderCheck = 64 << 10

// files checks content, modes and links of the declared files, and those of folders
// together. Of several entries for one path, the one with the longest destination counts.
func (c *checks) files(d manifest.Document[manifest.SystemConfig]) error {
	all := d.Content.Files
	sources := make([]filetree.Source, len(all))
	last := map[string]int{} // entry by path in the image
	var errs []error
	for i, f := range all {
		var err error
		sources[i], err = filetree.Find(c.repo, f)
		errs = append(errs, err)
		for _, it := range sources[i].Items {
			if k, ok := last[it.Dest]; !ok || all[k].Dest < f.Dest {
				last[it.Dest] = i
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i, f := range all {
		items := slices.DeleteFunc(slices.Clone(sources[i].Items), func(it filetree.Item) bool { return last[it.Dest] != i })
		e := d.Entry(strictjson.Item("/files", i), f.Dest, f.Comment)
		if sources[i].Folder {
			errs = append(errs, c.folder(e, items))
		} else if len(items) == 1 {
			errs = append(errs, c.file(e, items[0]))
		}
	}
	return errors.Join(errs...)
}

// file checks a file or a link.
func (c *checks) file(e manifest.Entry, it filetree.Item) error {
	if it.Target != "" {
		c.add(e, "link "+it.Dest, `echo "leads to $(readlink -- %[1]s)"; test "$(readlink -- %[1]s)" = %[2]s`, it.Dest, it.Target)
		return nil
	}
	sum, err := c.sum(it)
	c.add(e, "file "+it.Dest,
		`printf '%%s  %%s\n' %[2]s %[1]s | sha256sum --check - && stat -c "mode %%a" %[1]s && test "$(stat -c %%a %[1]s)" = %[3]s`,
		it.Dest, sum, strings.TrimLeft(it.Mode, "0"))
	return err
}

// sum returns the checksum of a file in the repository.
func (c *checks) sum(it filetree.Item) (string, error) {
	data, err := fs.ReadFile(c.repo, it.Source)
	if err != nil {
		return "", fmt.Errorf("%s: %w", it.Source, patherr.Reason(err))
	}
	return fmt.Sprintf("%x", sha256.Sum256(data)), nil
}

// folder checks the files and links of a folder, as few checks as their length allows. The
// output names each one that differs.
func (c *checks) folder(e manifest.Entry, items []filetree.Item) error {
	var script strings.Builder
	first := 0
	for i, it := range items {
		line, err := c.line(it)
		if err != nil {
			return err
		}
		script.WriteString(line)
		if script.Len() < maxFolderCheck && i < len(items)-1 {
			continue
		}
		name := fmt.Sprintf("folder %s: %d files", e.Text, len(items))
		if first > 0 || i < len(items)-1 {
			name = fmt.Sprintf("folder %s: files %d to %d of %d", e.Text, first+1, i+1, len(items))
		}
		c.all = append(c.all, Check{Entry: e, Name: name, Command: folderHead + script.String() + folderEnd})
		script.Reset()
		first = i + 1
	}
	return nil
}

// Parts of the script that checks a folder. The checksums of all files are checked by one
// sha256sum, because starting a program for each takes longer than the rest.
const (
	folderHead = `bad=0 sums=
wrong() { echo "$1"; bad=1; }
file() {
	sums="$sums$3  $2
"
	mode=$(stat -c %a -- "$2") && test -f "$2" -a ! -L "$2" || { wrong "$2: is not a file"; return; }
	test "$mode" = "$1" || wrong "$2: has mode $mode, not $1"
}
link() { test "$(readlink -- "$1")" = "$2" || wrong "$1: is not a link to $2"; }
`
	folderEnd = `test -z "$sums" || printf %s "$sums" | sha256sum --check --quiet - || bad=1
exit $bad
`
)

// line returns the line of the script that checks an item.
func (c *checks) line(it filetree.Item) (string, error) {
	dest, err := encode.Shell(it.Dest)
	if err != nil {
		return "", hint.Add(err, "rename %s", it.Source)
	}
	if it.Target != "" {
		target, err := encode.Shell(it.Target)
		return "link " + dest + " " + target + "\n", err
	}
	sum, err := c.sum(it)
	return "file " + strings.TrimLeft(it.Mode, "0") + " " + dest + " " + sum + "\n", err
}
