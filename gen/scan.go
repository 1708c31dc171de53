package gen

import (
	"encoding/json"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// A line is one line of a Containerfile.
type line struct {
	mark string // a byte order mark before the first line, which BuildKit skips
	text string // without its ending
	eol  string // "\n", "\r\n", or "" for the last line
}

func (l line) String() string { return l.mark + l.text + l.eol }

const byteOrderMark = "\ufeff"

// splitLines cuts src into lines; joining all gives src again.
func splitLines(src string) []line {
	var lines []line
	for raw := range strings.Lines(src) {
		text := strings.TrimRight(raw, "\r\n")
		lines = append(lines, line{"", text, raw[len(text):]})
	}
	if len(lines) > 0 {
		if text, ok := strings.CutPrefix(lines[0].text, byteOrderMark); ok {
			lines[0].mark, lines[0].text = byteOrderMark, text
		}
	}
	return lines
}

// A place says what a line of a Containerfile is part of.
type place int

const (
	top       place = iota // a comment, a blank line, or the first line of an instruction
	continued              // a further line of an instruction
	heredoc                // the body of a heredoc or the line that ends it
)

// A scanner follows heredocs and line continuations by the rules of BuildKit's
// parser, so that text in them is not mistaken for a marker. Unlike the parser
// it takes a file that is broken or that has no instruction.
type scanner struct {
	escape  string // the character that continues a line
	logical strings.Builder
	more    bool // the instruction goes on in the next line
	open    []parser.Heredoc
}

func newScanner(src string) *scanner { return &scanner{escape: escapeOf(src)} }

// backslash is the character that continues a line, unless a directive says
// that it is another.
const backslash = `\`

func escapeOf(src string) string {
	if v, _, _, ok := parser.ParseDirective("escape", []byte(src)); ok && v == "`" {
		return v
	}
	return backslash
}

// next takes the text of the next line and returns what it is part of.
func (s *scanner) next(text string) place {
	if len(s.open) > 0 {
		s.body(text)
		return heredoc
	}
	at := top
	if s.more {
		at = continued
	}
	// Neither a comment nor a blank line ends an instruction that is continued.
	if trimmed := strings.TrimSpace(text); trimmed != "" && trimmed[0] != '#' {
		s.instruction(text)
	}
	return at
}

// body takes a line of the first open heredoc.
func (s *scanner) body(text string) {
	if s.open[0].Chomp {
		text = strings.TrimLeft(text, "\t")
	}
	if text == s.open[0].Name {
		s.open = s.open[1:]
	}
}

// instruction takes a line of an instruction, and at its end opens the
// heredocs that it asks for.
func (s *scanner) instruction(text string) {
	text, s.more = cutContinuation(text, s.escape)
	s.logical.WriteString(text)
	if s.more {
		return
	}
	s.open = heredocs(s.logical.String())
	s.logical.Reset()
}

// cutContinuation cuts the character that continues a line off its end. A
// doubled one does not continue the line.
func cutContinuation(text, escape string) (string, bool) {
	cut, ok := strings.CutSuffix(strings.TrimRight(text, " \t"), escape)
	if !ok || strings.HasSuffix(cut, escape) {
		return text, false
	}
	return cut, true
}

type noVariables struct{}

func (noVariables) Get(string) (string, bool) { return "", false }
func (noVariables) Keys() []string            { return nil }

// heredocs returns the heredocs that an instruction opens.
func heredocs(instruction string) []parser.Heredoc {
	if !strings.Contains(instruction, "<<") || !takesHeredocs(instruction) {
		return nil
	}
	lex := shell.NewLex('\\')
	lex.RawQuotes, lex.RawEscapes, lex.SkipUnsetEnv = true, true, true
	words, _ := lex.ProcessWords(instruction, noVariables{})
	var docs []parser.Heredoc
	for _, w := range words {
		if doc, err := parser.ParseHeredoc(w); err == nil && doc != nil {
			docs = append(docs, *doc)
		}
	}
	return docs
}

// takesHeredocs reports whether an instruction is of those that have heredocs,
// and not written as a JSON array, in which << means nothing.
func takesHeredocs(instruction string) bool {
	word, rest := cutWord(instruction)
	if strings.EqualFold(word, "ONBUILD") {
		word, rest = cutWord(rest)
	}
	switch strings.ToUpper(word) {
	case "RUN", "COPY", "ADD":
	default:
		return false
	}
	for strings.HasPrefix(rest, "--") {
		_, rest = cutWord(rest)
	}
	var args []string
	return json.Unmarshal([]byte(rest), &args) != nil
}

func cutWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], " \t")
}
