package buildkit

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"bkt/internal/hint"
	"bkt/internal/owner"
	"bkt/internal/patherr"

	"github.com/google/renameio/v2"
	"github.com/moby/buildkit/client"
)

// An Export is another form of the image, in addition to the layout: an OCI or a docker
// archive, or a folder with the files of the image.
type Export struct {
	Type string // "oci", "docker" or "local"
	Dest string // the archive, or the folder
	Name string // of the image in the archive; may be empty
}

// A pendingExport is an export that is written next to its destination.
type pendingExport struct {
	entry   client.ExportEntry
	finish  func() error // moves it to its destination
	abandon func()       // removes it, unless it is finished
}

// open creates the file or folder that the engine writes to.
func (e Export) open() (pendingExport, error) {
	if e.Type == client.ExporterLocal {
		return openFolder(e.Dest)
	}
	f, err := renameio.NewPendingFile(e.Dest, renameio.WithTempDir(filepath.Dir(e.Dest)), renameio.WithPermissions(0o644))
	if err == nil {
		err = owner.Give(f.File, filepath.Dir(e.Dest))
	}
	if err != nil {
		return pendingExport{}, fmt.Errorf("%s: %w", e.Dest, patherr.Reason(err))
	}
	p := pendingExport{finish: f.CloseAtomicallyReplace, abandon: func() { _ = f.Cleanup() }}
	p.entry = client.ExportEntry{
		Type:   e.Type,
		Attrs:  map[string]string{},
		Output: func(map[string]string) (io.WriteCloser, error) { return unclosed{f}, nil },
	}
	if e.Name != "" {
		p.entry.Attrs["name"] = e.Name
	}
	if e.Type == client.ExporterDocker {
		// Older versions of docker support no other compression.
		p.entry.Attrs["compression"], p.entry.Attrs["force-compression"] = "gzip", "true"
	}
	return p, nil
}

// unclosed is a file that its writer does not close.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// openFolder creates a folder next to dir, which replaces dir if that is empty or does
// not exist.
func openFolder(dir string) (pendingExport, error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return pendingExport{}, hint.Add(fmt.Errorf("%s: the folder is not empty", dir), "name a folder that is empty or does not exist")
	}
	if err := owner.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return pendingExport{}, patherr.TrimOp(err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-")
	if err != nil {
		return pendingExport{}, patherr.TrimOp(err)
	}
	return pendingExport{
		entry: client.ExportEntry{Type: client.ExporterLocal, Attrs: map[string]string{}, OutputDir: temp},
		finish: func() error {
			// An image for several platforms has a folder for each in it.
			if err := os.Chmod(temp, 0o755); err != nil {
				return patherr.TrimOp(err)
			}
			if err := giveFolder(temp); err != nil {
				return err
			}
			_ = os.Remove(dir)
			return patherr.TrimOp(os.Rename(temp, dir))
		},
		abandon: func() { _ = os.RemoveAll(temp) },
	}, nil
}

// giveFolder gives a folder that root has created to the owner of its parent. Its
// content has the owners that it has in the image.
func giveFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return patherr.TrimOp(err)
	}
	defer f.Close()
	return owner.Give(f, filepath.Dir(dir))
}

// openExports opens all, or none.
func openExports(exports []Export) (opened pendingExports, err error) {
	for _, e := range exports {
		p, err := e.open()
		if err != nil {
			opened.abandon()
			return nil, err
		}
		opened = append(opened, p)
	}
	return opened, nil
}

type pendingExports []pendingExport

// rewriteTimes makes an exporter set the times of files to SOURCE_DATE_EPOCH.
const rewriteTimes = "rewrite-timestamp"

func (all pendingExports) entries() []client.ExportEntry {
	var entries []client.ExportEntry
	for _, p := range all {
		p.entry.Attrs[rewriteTimes] = "true"
		entries = append(entries, p.entry)
	}
	return entries
}

func (all pendingExports) finish() error {
	for _, p := range all {
		if err := p.finish(); err != nil {
			return err
		}
	}
	return nil
}

// abandon removes unfinished exports.
func (all pendingExports) abandon() {
	for _, p := range all {
		p.abandon()
	}
}
