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

	"bkt/internal/hint"
	"bkt/internal/keyfile"
	"bkt/internal/plan"

	"golang.org/x/sys/unix"
)

// A file is an AppImage that was found.
type file struct {
	path string
	facts
}

// facts are what was read of a file, which is not read again as long as it is the
// same: that is slow, and does not get safer.
type facts struct {
	Inode   uint64 `json:"inode"`
	Size    int64  `json:"size"`
	Time    int64  `json:"time"` // of its last change, in nanoseconds
	Update  string `json:"update,omitempty"`
	Version string `json:"version,omitempty"`
	Closed  string `json:"closed,omitempty"` // why its contents cannot be read
	SHA256  string `json:"sha256,omitempty"` // "": was not asked for yet
}

// stem returns the name of a file without what says that it is an AppImage.
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
	from, err := os.Open(f.path)
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

// A memory has the facts of files from earlier times.
type memory map[string]facts

// recall reads a memory. What cannot be understood is forgotten.
func recall(text []byte, err error) (memory, []byte) {
	m := memory{}
	if err != nil || json.Unmarshal(text, &m) != nil {
		return memory{}, nil
	}
	return m, text
}

// remember returns the text of the memory of these files.
func remember(files []*file) []byte {
	m := memory{}
	for _, f := range files {
		m[f.path] = f.facts
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil
	}
	return text
}

// scan returns the AppImages in the folders, and the names of other files there.
func (d Domain) scan(known memory) (files []*file, others map[string]bool, err error) {
	others = map[string]bool{}
	for _, dir := range d.Folders {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
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
			case errors.Is(err, errNoAppImage), errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ELOOP):
				others[path] = true
			default:
				return nil, nil, err
			}
		}
	}
	return files, others, nil
}

// readFile reads an AppImage, unless it is the one that is known.
func readFile(path string, known facts) (*file, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	now := facts{Inode: st.Ino, Size: st.Size, Time: st.Mtim.Nano()}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, errNoAppImage
	case known.Inode == now.Inode && known.Size == now.Size && known.Time == now.Time:
		return &file{path, known}, nil
	}
	i, err := readImage(path)
	if err != nil {
		return nil, err
	}
	now.Update, now.Version = i.update, i.version()
	if i.closed != nil {
		now.Closed = i.closed.Error()
	}
	return &file{path, now}, nil
}

// A record is what bkt knows of an AppImage that it has installed. Programs may
// bring themselves up to date: the source stays, and the rest holds as long as
// the file is the one that it was.
type record struct {
	Name    string `json:"name"`
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256"`
	Version string `json:"version,omitempty"`
	From    string `json:"from"` // the name of the file that was downloaded

	// As they were declared.
	Repo  string `json:"repo,omitempty"`
	Asset string `json:"asset,omitempty"`
	URL   string `json:"url,omitempty"`
}

// records returns those that there are, by the path of their files.
func (d Domain) records() (map[string]record, error) {
	all := map[string]record{}
	names, err := os.ReadDir(d.Records)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, n := range names {
		if strings.HasPrefix(n.Name(), ".") || !strings.HasSuffix(n.Name(), recordSuffix) {
			continue // no record
		}
		path := filepath.Join(d.Records, n.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var r record
		if err := json.Unmarshal(text, &r); err != nil {
			err = fmt.Errorf("%s is damaged: %w", path, err)
			return nil, hint.Add(err, "remove it: without it, the app goes by the name of its file, and comes from where the file says")
		}
		if r.Name+recordSuffix == n.Name() {
			all[r.Path] = r
		}
	}
	return all, nil
}

const recordSuffix = ".json"

func (d Domain) recordOf(name string) string { return filepath.Join(d.Records, name+recordSuffix) }

// fits reports whether a file is the one that the record is about.
func (r record) fits(f *file) (bool, error) {
	if r.Path != f.path || r.Size != f.Size {
		return false, nil
	}
	sum, err := f.sum()
	return sum == r.SHA256, err
}

// of reports whether what was installed is from where an app is declared to be
// from. file is the one of the release that it is; "": it is not known.
func (r record) of(a app, file string) bool {
	return r.Repo == a.Repo && r.URL == a.URL && (r.Asset == a.Asset || fitsAsset(a, file))
}

// Where the other files of an app are.

func (d Domain) entryOf(name string) string {
	return filepath.Join(d.Data, "applications", name+desktopSuffix)
}

func (d Domain) iconOf(name, ext string) string {
	return filepath.Join(d.Data, "icons", "bkt", name+ext)
}

func (d Domain) partOf(name string) string {
	return filepath.Join(d.Cache, name+".part")
}

// clean returns what deletes all icons of an app.
func (d Domain) clean(name string) []plan.Step {
	return []plan.Step{plan.Delete{Path: d.iconOf(name, ".svg")}, plan.Delete{Path: d.iconOf(name, ".png")}}
}

// A desktopFile is the desktop entry that has the name of an app.
type desktopFile struct {
	there  bool
	byBkt  bool // bkt has written it for the app, so that it may be replaced, and goes with it
	starts bool // it starts the file of the app, whoever has written it
}

func (d Domain) readEntry(name, path string) (desktopFile, error) {
	text, err := os.ReadFile(d.entryOf(name))
	if errors.Is(err, fs.ErrNotExist) {
		return desktopFile{}, nil
	}
	if err != nil {
		return desktopFile{there: true}, fmt.Errorf("its desktop entry: %w", err)
	}
	f, err := keyfile.Parse(text)
	if err != nil {
		return desktopFile{there: true}, nil // bkt writes none that is broken
	}
	return desktopFile{true, f.Get(desktopGroup, ours) == name, f.Get(desktopGroup, "TryExec") == path}, nil
}
