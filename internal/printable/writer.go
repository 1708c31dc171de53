package printable

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"
)

// A Writer escapes what is written to it, as [Escape] does. Colours pass, and carriage
// returns before a line feed. It also is the file below it, if there is one, for those
// who ask for the size of a terminal.
type Writer struct {
	to     io.Writer
	passes func(string) int // the length of the control sequence at the start that passes, or 0

	mu   sync.Mutex
	rest []byte // the beginning of a character or a control sequence
}

// colour returns the length of what only changes colours and the like (ECMA-48, SGR), or
// ends a line.
func colour(text string) int {
	if strings.HasPrefix(text, "\r\n") {
		return 2
	}
	if n := sequence(text); n > 0 && text[n-1] == 'm' && strings.Trim(text[2:n-1], "0123456789;") == "" {
		return n
	}
	return 0
}

// display returns the length of what a program needs that draws its progress: any control
// sequence, and carriage returns.
func display(text string) int {
	if text[0] == '\r' {
		return 1
	}
	return sequence(text)
}

// maxSequence is the length of the longest control sequence that passes.
const maxSequence = 32

// sequence returns the length of a control sequence of ECMA-48: parameters and a letter.
func sequence(text string) int {
	if !strings.HasPrefix(text, "\x1b[") {
		return 0
	}
	for i := 2; i < min(len(text), maxSequence); i++ {
		switch c := text[i]; {
		case c >= '@' && c <= '~':
			return i + 1
		case c < ' ' || c > '~':
			return 0
		}
	}
	return 0
}

// isUnfinished reports whether a text may be the beginning of a control sequence or of a
// character.
func isUnfinished(text string) bool {
	if text[0] == '\r' {
		return len(text) == 1
	}
	if text[0] == '\x1b' {
		return len(text) == 1 || len(text) < maxSequence && text[1] == '[' && strings.IndexFunc(text[2:], func(r rune) bool { return r < ' ' || r > '?' }) < 0
	}
	return !utf8.FullRuneInString(text)
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{to: w, passes: colour} }

// Display returns a Writer to the same file for the output of programs that draw their
// progress on a terminal: it passes all control sequences that move the cursor, too.
func (w *Writer) Display() *Writer { return &Writer{to: w.to, passes: display} }

// Write implements [io.Writer].
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := string(append(w.rest, p...))
	w.rest = nil
	if _, err := io.WriteString(w.to, w.escape(text)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// escape returns the text escaped, and keeps the end if more is needed to know what it
// is.
func (w *Writer) escape(text string) string {
	escaped, rest := escapeAll(text, func(text string) (int, bool) {
		size := w.passes(text)
		return size, size == 0 && isUnfinished(text)
	})
	if rest != "" {
		w.rest = []byte(rest)
	}
	return escaped
}

// Flush writes what is kept, escaped.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	rest := Escape(string(bytes.TrimSuffix(w.rest, []byte("\r"))))
	w.rest = nil
	if rest == "" {
		return nil
	}
	_, err := io.WriteString(w.to, rest)
	return err
}

// Fd returns the descriptor of the file, or an invalid one.
func (w *Writer) Fd() uintptr {
	if f, ok := w.to.(*os.File); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

// Name returns the name of the file, or "".
func (w *Writer) Name() string {
	if f, ok := w.to.(*os.File); ok {
		return f.Name()
	}
	return ""
}

// Read reads from the file.
func (w *Writer) Read(p []byte) (int, error) {
	if f, ok := w.to.(*os.File); ok {
		return f.Read(p)
	}
	return 0, io.EOF
}

// Close does nothing: the file is not the Writer's.
func (w *Writer) Close() error { return nil }
