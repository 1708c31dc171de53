package dockerfile

import (
	"encoding/json"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// A Line is one line of a Containerfile.
type Line struct {
	BOM  string // a byte order mark before the first line, which BuildKit skips
	Text string // without its ending
	EOL  string // "\n", "\r\n", or "" for the last line
}

func (l Line) String() string { return l.BOM + l.Text + l.EOL }

const byteOrderMark = "\ufeff"

// SplitLines splits src into lines. All lines joined are src again.
func SplitLines(src string) []Line {
	var lines []Line
	for raw := range strings.Lines(src) {
		text := strings.TrimRight(raw, "\r\n")
		lines = append(lines, Line{"", text, raw[len(text):]})
	}
	if len(lines) > 0 {
		if text, ok := strings.CutPrefix(lines[0].Text, byteOrderMark); ok {
			lines[0].BOM, lines[0].Text = byteOrderMark, text
		}
	}
	return lines
}

// A LineKind says which part of a Containerfile a line belongs to.
type LineKind int

// The kinds of lines.
const (
	TopLevel  LineKind = iota // a comment, a blank line, or the first line of an instruction
	Continued                 // a further line of an instruction
	Heredoc                   // the body of a heredoc or the line that ends it
)

// A Scanner follows heredocs and continued lines by the rules of BuildKit's
// parser. Unlike the parser it accepts a file that is broken or has no
// instruction.
type Scanner struct {
	escape  string // the character that continues a line
	logical strings.Builder
	more    bool // the instruction continues in the next line
	open    []parser.Heredoc
}

// NewScanner returns a scanner for lines that the character escape continues; see
// [EscapeOf].
func NewScanner(escape string) *Scanner { return &Scanner{escape: escape} }

// Backslash is the character that continues a line, unless a directive names
// another one.
const Backslash = `\`

// EscapeOf returns the character that continues the lines of src.
func EscapeOf(src string) string {
	if v, _, _, ok := parser.ParseDirective("escape", []byte(src)); ok && v == "`" {
		return v
	}
	return Backslash
}

// IsDirective reports whether a line is a directive for BuildKit's parser.
func IsDirective(line string) bool {
	for _, key := range []string{"syntax", "check", "escape"} {
		if _, _, _, ok := parser.ParseDirective(key, []byte(line)); ok {
			return true
		}
	}
	return false
}

// Heredocs returns how many heredocs are open.
func (s *Scanner) Heredocs() int { return len(s.open) }

// Unfinished reports whether the last instruction lacks its end.
func (s *Scanner) Unfinished() bool { return s.more || len(s.open) > 0 }

// Next takes the text of the next line and returns its kind.
func (s *Scanner) Next(text string) LineKind {
	if len(s.open) > 0 {
		s.body(text)
		return Heredoc
	}
	kind := TopLevel
	if s.more {
		kind = Continued
	}
	// Neither a comment nor a blank line ends an instruction that is continued.
	if trimmed := strings.TrimSpace(text); trimmed != "" && trimmed[0] != '#' {
		s.instruction(text)
	}
	return kind
}

// body takes a line of the first open heredoc.
func (s *Scanner) body(text string) {
	if s.open[0].Chomp {
		text = strings.TrimLeft(text, "\t")
	}
	if text == s.open[0].Name {
		s.open = s.open[1:]
	}
}

// instruction takes a line of an instruction. The last line opens the heredocs
// that the instruction has.
func (s *Scanner) instruction(text string) {
	text, s.more = CutContinuation(text, s.escape)
	s.logical.WriteString(text)
	if s.more {
		return
	}
	s.open = heredocs(s.logical.String())
	s.logical.Reset()
}

// CutContinuation removes the character that continues a line from its end, and
// reports whether there was one. Two of them do not continue the line.
func CutContinuation(text, escape string) (string, bool) {
	cut, ok := strings.CutSuffix(strings.TrimRight(text, " \t"), escape)
	if !ok || strings.HasSuffix(cut, escape) {
		return text, false
	}
	return cut, true
}

// heredocs returns the heredocs that an instruction opens.
func heredocs(instruction string) []parser.Heredoc {
	if !strings.Contains(instruction, "<<") || !takesHeredocs(instruction) {
		return nil
	}
	lex := shell.NewLex('\\')
	lex.RawQuotes, lex.RawEscapes, lex.SkipUnsetEnv = true, true, true
	words, _ := lex.ProcessWords(instruction, variables{})
	var docs []parser.Heredoc
	for _, w := range words {
		if doc, err := parser.ParseHeredoc(w); err == nil && doc != nil {
			docs = append(docs, *doc)
		}
	}
	return docs
}

// takesHeredocs reports whether an instruction can have heredocs: some cannot, and
// << means nothing in a JSON array.
func takesHeredocs(instruction string) bool {
	word, rest := CutWord(instruction)
	if strings.EqualFold(word, "ONBUILD") {
		word, rest = CutWord(rest)
	}
	switch strings.ToUpper(word) {
	case "RUN", "COPY", "ADD":
	default:
		return false
	}
	for strings.HasPrefix(rest, "--") {
		_, rest = CutWord(rest)
	}
	var args []string
	return json.Unmarshal([]byte(rest), &args) != nil
}

// CutWord splits s after its first word.
func CutWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], " \t")
}
