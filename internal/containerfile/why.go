package containerfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"bkt/gen"
	"bkt/internal/hint"
	"bkt/internal/patherr"
	"bkt/internal/repo"
)

// A Line is a line of a Containerfile.
type Line struct {
	File      string `json:"file"`
	Number    int    `json:"line"`
	Generated bool   `json:"generated"`
	Section   string `json:"section,omitempty"`
	Manifest  string `json:"manifest,omitempty"`
	At        string `json:"at,omitempty"` // line:column in the manifest
	Entry     string `json:"entry,omitempty"`
	Comment   string `json:"comment,omitempty"`
}

// Origin describes where a line comes from.
func (l Line) Origin() string {
	switch {
	case !l.Generated:
		return "written by hand"
	case l.At == "":
		return fmt.Sprintf("section %s, from %s", l.Section, l.Manifest)
	}
	text := fmt.Sprintf("section %s, from %s:%s: %s", l.Section, l.Manifest, l.At, l.Entry)
	if l.Comment != "" {
		text += " (" + l.Comment + ")"
	}
	return text
}

// Why returns where the line of a Containerfile comes from that text, FILE:LINE, names.
// For FILE it returns all generated lines. It fails if the file is not up to date.
func Why(r repo.Repo, text string) ([]Line, error) {
	file, line, err := parseLine(text)
	if err != nil {
		return nil, err
	}
	name, err := r.Name(file)
	if err != nil {
		return nil, err
	}
	content, origins, err := Current(r, name)
	if err != nil {
		return nil, err
	}
	if count := countLines(content); line > count {
		return nil, fmt.Errorf("%s:%d: no such line (the file has %d)", name, line, count)
	}
	if line > 0 {
		return []Line{lineAt(name, line, origins)}, nil
	}
	var all []Line
	for _, o := range origins {
		all = append(all, generated(name, o))
	}
	return all, nil
}

// parseLine parses FILE:LINE and FILE, for which line is 0.
func parseLine(text string) (file string, line int, err error) {
	i := strings.LastIndex(text, ":")
	if i < 0 {
		return text, 0, nil
	}
	file = text[:i]
	line, err = strconv.Atoi(text[i+1:])
	if err != nil || line < 1 {
		return "", 0, fmt.Errorf("%q is not of the form FILE:LINE", text)
	}
	return file, line, nil
}

// ErrStale is the error of a Containerfile that is not up to date with the manifests.
var ErrStale = errors.New("is not up to date with the manifests")

// Current renders a Containerfile, and returns its text and where its lines come from.
// It fails with [ErrStale] if the file is not up to date, because its lines would be
// confused with others.
func Current(r repo.Repo, name string) ([]byte, []gen.Origin, error) {
	text, err := fs.ReadFile(r.FS(), name)
	if err != nil {
		return nil, nil, patherr.TrimOp(err)
	}
	res, err := gen.Render(name, text, r.FS())
	if err == nil && !bytes.Equal(text, res.Text) {
		err = hint.Add(fmt.Errorf("%s %w", name, ErrStale), "run \"bkt containerfile sync\" first")
	}
	return text, res.Origins, err
}

func countLines(text []byte) int {
	count := bytes.Count(text, []byte("\n"))
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		count++
	}
	return count
}

// lineAt returns a line, generated or not.
func lineAt(name string, line int, origins []gen.Origin) Line {
	i, ok := slices.BinarySearchFunc(origins, line, func(o gen.Origin, line int) int { return o.Line - line })
	if !ok {
		return Line{File: name, Number: line}
	}
	return generated(name, origins[i])
}

func generated(name string, o gen.Origin) Line {
	l := Line{File: name, Number: o.Line, Generated: true, Section: o.Section, Manifest: o.File, Entry: o.Text, Comment: o.Comment}
	if o.Position.Line > 0 {
		l.At = fmt.Sprintf("%d:%d", o.Position.Line, o.Column)
	}
	return l
}
