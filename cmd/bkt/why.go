package main

import (
	"bytes"
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

type whyCmd struct {
	Lines []string `arg:"" name:"file:line" help:"Lines of Containerfiles, as in toolbox/Containerfile:12; without a line, all that are generated."`
}

// Run prints which entry of a manifest each line comes from.
func (c *whyCmd) Run(a *app) error {
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	answers := []whyJSON{}
	for _, text := range c.Lines {
		found, err := why(r, text)
		if err != nil {
			return err
		}
		answers = append(answers, found...)
	}
	if a.JSON {
		return a.PrintJSON(struct {
			Version int       `json:"version"`
			Lines   []whyJSON `json:"lines"`
		}{1, answers})
	}
	return a.printWhy(answers)
}

// whyJSON says where one line comes from.
type whyJSON struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Generated bool   `json:"generated"`
	Section   string `json:"section,omitempty"`
	Manifest  string `json:"manifest,omitempty"`
	At        string `json:"at,omitempty"` // line:column in the manifest
	Entry     string `json:"entry,omitempty"`
	Comment   string `json:"comment,omitempty"`
}

// why answers for one argument.
func why(r repo.Repo, text string) ([]whyJSON, error) {
	file, line, err := parseLine(text)
	if err != nil {
		return nil, err
	}
	name, err := r.Name(file)
	if err != nil {
		return nil, err
	}
	res, count, err := current(r, name)
	if err != nil {
		return nil, err
	}
	if line > count {
		return nil, fmt.Errorf("%s:%d: the file has %d lines", name, line, count)
	}
	if line > 0 {
		return []whyJSON{asWhy(name, line, res.Origins)}, nil
	}
	var all []whyJSON
	for _, o := range res.Origins {
		all = append(all, originJSON(name, o))
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

// current renders a file that is what the manifests say, and counts its lines.
// In one that is not, lines would be taken for others.
func current(r repo.Repo, name string) (gen.Result, int, error) {
	old, err := fs.ReadFile(r.FS(), name)
	if err != nil {
		return gen.Result{}, 0, patherr.Trim(err)
	}
	res, err := gen.Render(name, old, r.FS())
	if err != nil {
		return res, 0, err
	}
	if !bytes.Equal(old, res.Text) {
		err := fmt.Errorf("%s is not what the manifests say", name)
		return res, 0, hint.Add(err, "run \"bkt containerfile sync\" first")
	}
	count := bytes.Count(old, []byte("\n"))
	if len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
		count++
	}
	return res, count, nil
}

// asWhy says where a line comes from, given the origins of the generated ones.
func asWhy(name string, line int, origins []gen.Origin) whyJSON {
	i, ok := slices.BinarySearchFunc(origins, line, func(o gen.Origin, line int) int { return o.Line - line })
	if !ok {
		return whyJSON{File: name, Line: line}
	}
	return originJSON(name, origins[i])
}

func originJSON(name string, o gen.Origin) whyJSON {
	w := whyJSON{File: name, Line: o.Line, Generated: true, Section: o.Section, Manifest: o.File, Entry: o.Text, Comment: o.Comment}
	if o.Position.Line > 0 {
		w.At = fmt.Sprintf("%d:%d", o.Position.Line, o.Column)
	}
	return w
}

// printWhy prints a line for each answer.
func (a *app) printWhy(answers []whyJSON) error {
	var out strings.Builder
	for _, w := range answers {
		fmt.Fprintf(&out, "%s:%d: %s\n", w.File, w.Line, w)
	}
	_, err := a.Out.Write([]byte(out.String()))
	return err
}

// String says where the line comes from, in words.
func (w whyJSON) String() string {
	switch {
	case !w.Generated:
		return "written by hand"
	case w.At == "":
		return fmt.Sprintf("section %s, from %s", w.Section, w.Manifest)
	}
	text := fmt.Sprintf("section %s, from %s:%s: %s", w.Section, w.Manifest, w.At, w.Entry)
	if w.Comment != "" {
		text += " (" + w.Comment + ")"
	}
	return text
}
