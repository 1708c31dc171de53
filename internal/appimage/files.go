package appimage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/appimage/squashfs"
	"bkt/internal/hint"
	"bkt/internal/keyfile"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/statefile"

	"golang.org/x/sys/unix"
)

// A file is an AppImage in one of the folders.
type file struct {
	path string
	facts
}

// facts are the facts that were read from a file. They are read again only if the file has
// changed: reading is slow.
type facts struct {
	Format  int    `json:"format"` // [factsFormat] when they were read
	Inode   uint64 `json:"inode"`
	Size    int64  `json:"size"`
	Time    int64  `json:"time"` // of its last change, in nanoseconds
	Update  string `json:"update,omitempty"`
	Version string `json:"version,omitempty"`
	Closed  string `json:"closed,omitempty"` // the reason why its image cannot be read
	Exec    string `json:"exec,omitempty"`   // the command line in the desktop entry of its image
	SHA256  string `json:"sha256,omitempty"` // "": not computed yet
}

// factsFormat changes with the facts that are read, so that facts of an older bkt are read
// again.
const factsFormat = 1

// stem returns the name of a file without the suffix of AppImages.
func (f file) stem() string {
	base := filepath.Base(f.path)
	if isAppImageName(base) {
		base = base[:len(base)-len(fileSuffix)]
	}
	return base
}

// sum returns the sha256 of a file.
func (f *file) sum() (string, error) {
	if f.SHA256 != "" {
		return f.SHA256, nil
	}
	from, err := plainfile.Open(f.path)
	if err != nil {
		return "", err
	}
	defer from.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, from); err != nil {
		return "", err
	}
	f.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return f.SHA256, nil
}

// A memory has the facts about files from earlier commands.
type memory map[string]facts

// recall parses a memory. An invalid one is empty.
func recall(text []byte, err error) (memory, []byte) {
	m := memory{}
	if err != nil || json.Unmarshal(text, &m) != nil {
		return memory{}, nil
	}
	return m, text
}

// remember returns the text of a memory with these files, and with what was known about
// those that cannot be read now: they were AppImages.
func remember(files []*file, known memory, unread unreadFiles) []byte {
	m := memory{}
	for path := range unread {
		if was, ok := known[path]; ok {
			m[path] = was
		}
	}
	for _, f := range files {
		m[f.path] = f.facts
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil
	}
	return text
}

// unreadFiles are files that could not be read, by path, and why.
type unreadFiles map[string]error

// names returns the names that apps in these files could have.
func (u unreadFiles) names(known []app, records map[string]record) map[string]bool {
	all := map[string]bool{}
	for path := range u {
		stem := file{path: path}.stem()
		all[records[path].Name], all[knownAs(known, stem)], all[knownAs(known, plainName(stem))] = true, true, true
	}
	return all
}

// parts returns the files, for users.
func (u unreadFiles) parts() []reconcile.Unread {
	var all []reconcile.Unread
	for path, err := range u {
		part := reconcile.Unread{What: path, Err: err}
		if e, ok := errors.AsType[*fs.PathError](err); ok && e.Path == path {
			part.Err = e.Err
		}
		if errors.Is(err, errNoAppImage) {
			part = reconcile.Unread{What: filepath.Base(path), Err: hint.Add(fmt.Errorf("%s exists and %w", path, errNoAppImage), hintDamaged)}
		}
		all = append(all, part)
	}
	return all
}

const hintDamaged = `remove the file, and run "bkt apply --restore appimages" to install the app again`

// scan returns the AppImages in the folders, the paths of the other files there, and the
// files that may be either.
func (d Domain) scan(known memory, records map[string]record) (files []*file, others map[string]bool, unread unreadFiles, err error) {
	others, unread = map[string]bool{}, unreadFiles{}
	for _, dir := range d.Folders {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, nil, err
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") {
				continue
			}
			path := filepath.Join(dir, e.Name())
			f, err := readFile(path, known[path])
			switch {
			case err == nil:
				files = append(files, f)
			case errors.Is(err, errNoAppImage) && e.Type().IsRegular() && (known[path].Format != 0 || records[path].Path != ""):
				unread[path] = err // power failures and full disks do this: the app was not removed
			case errors.Is(err, errNoAppImage), errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ELOOP):
				others[path] = true
			default:
				unread[path] = err
			}
		}
	}
	return files, others, unread, nil
}

// readFile reads an AppImage, unless it has not changed since known was read.
func readFile(path string, known facts) (*file, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	now := facts{Format: factsFormat, Inode: st.Ino, Size: st.Size, Time: st.Mtim.Nano()}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, errNoAppImage
	case known.Format == now.Format && known.Inode == now.Inode && known.Size == now.Size && known.Time == now.Time:
		return &file{path, known}, nil
	}
	i, err := readImage(path)
	if err != nil {
		return nil, err
	}
	now.Update, now.Version, now.Exec = i.update, i.version(), i.entry.Get(desktopGroup, "Exec")
	if errors.Is(i.closed, squashfs.ErrCut) {
		return nil, hint.Add(i.closed, hintDamaged)
	}
	if i.closed != nil {
		now.Closed = i.closed.Error()
	}
	return &file{path, now}, nil
}

// A record has the facts about an AppImage that bkt installed. Programs may update
// themselves: the source stays valid, the rest only until the file changes.
type record struct {
	Name    string `json:"name"`
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256"`
	Version string `json:"version,omitempty"`
	From    string `json:"from"`            // the name of the downloaded file
	Entry   bool   `json:"entry,omitempty"` // bkt has written a desktop entry for it

	// The declared source.
	Repo  string `json:"repo,omitempty"`
	Asset string `json:"asset,omitempty"`
	URL   string `json:"url,omitempty"`
}

// records returns the records by the paths of their files.
func (d Domain) records() (map[string]record, error) {
	all := map[string]record{}
	names, err := os.ReadDir(d.Records)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, n := range names {
		if strings.HasPrefix(n.Name(), ".") || !strings.HasSuffix(n.Name(), recordSuffix) {
			continue // not a record
		}
		path := filepath.Join(d.Records, n.Name())
		text, err := plainfile.Read(path, plainfile.MaxText)
		if err != nil {
			return nil, err
		}
		r, err := parseRecord(path, text)
		if err != nil {
			return nil, err
		}
		if r.Name+recordSuffix == n.Name() {
			all[r.Path] = r
		}
	}
	return all, nil
}

const recordSuffix = ".json"

// parseRecord returns the record with a text. The error of a text that bkt did not write is
// a [statefile.Problem].
func parseRecord(path string, text []byte) (record, error) {
	var r record
	err := json.Unmarshal(text, &r)
	if err == nil && r.Name == "" {
		err = errors.New("it has no name")
	}
	if err != nil {
		err = fmt.Errorf("%s is damaged: %w", path, err)
	}
	return r, statefile.Damaged(path, err, "without it, bkt uses the name of the file, and the source in the file")
}

// CheckRecord returns the error of the record of an installed app, nil if it is valid.
func CheckRecord(path string, text []byte) error {
	_, err := parseRecord(path, text)
	return err
}

func (d Domain) recordOf(name string) string { return filepath.Join(d.Records, name+recordSuffix) }

// fits reports whether a record is valid for a file.
func (r record) fits(f *file) (bool, error) {
	if r.Path != f.path || r.Size != f.Size {
		return false, nil
	}
	sum, err := f.sum()
	return sum == r.SHA256, err
}

// isFrom reports whether the installed app has the source that an app declares. file is the
// name of its file in the release, "" if unknown.
func (r record) isFrom(a app, file string) bool {
	return r.Repo == a.Repo && r.URL == a.URL && (r.Asset == a.Asset || fitsAsset(a, file))
}

// The paths of the other files of an app.

func (d Domain) entryOf(name string) string {
	return filepath.Join(d.Data, "applications", name+desktopSuffix)
}

func (d Domain) iconOf(name, ext string) string {
	return filepath.Join(d.Data, "icons", "bkt", name+ext)
}

func (d Domain) partOf(name string) string {
	return filepath.Join(d.Cache, name+".part")
}

// clean returns the steps that delete all icons of an app.
func (d Domain) clean(name string) []plan.Step {
	return []plan.Step{plan.Delete{Path: d.iconOf(name, ".svg")}, plan.Delete{Path: d.iconOf(name, ".png")}}
}

// A desktopFile is the desktop entry with the name of an app.
type desktopFile struct {
	there  bool
	byBkt  bool   // bkt wrote it for the app, and may replace and remove it
	starts bool   // it starts the file of the app
	broken string // the file that it starts instead, which does not exist; "": none

	entry keyfile.File
}

func (d Domain) readEntry(name, path string) (desktopFile, error) {
	text, err := plainfile.Read(d.entryOf(name), plainfile.MaxText)
	if errors.Is(err, fs.ErrNotExist) {
		return desktopFile{}, nil
	}
	if err != nil {
		return desktopFile{there: true}, fmt.Errorf("its desktop entry: %w", err)
	}
	f, err := keyfile.Parse(text)
	if err != nil {
		return desktopFile{there: true}, nil // broken, so bkt did not write it
	}
	found := desktopFile{there: true, byBkt: f.Get(desktopGroup, ours) == name, entry: f}
	started := f.Get(desktopGroup, "TryExec")
	if started == "" {
		started = firstProgram(f.Get(desktopGroup, "Exec"))
	}
	found.starts = started == path
	if found.byBkt && !found.starts && filepath.IsAbs(started) && isMissing(started) {
		found.broken = started
	}
	return found, nil
}

func isMissing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}
