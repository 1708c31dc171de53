package gvariant

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A scanner reads a text from its start.
type scanner struct {
	text string
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

// peek returns the next character that is not a blank, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) accept(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// word reads a number, a keyword or a type.
func (s *scanner) word() string {
	s.space()
	start := s.at
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n,:<>()[]{}'\"@", s.text[s.at]) < 0 {
		s.at++
	}
	return s.text[start:s.at]
}

// typeName reads the type that follows an @.
func (s *scanner) typeName() (string, error) {
	first, _, ok := cut(s.text[s.at:], 0)
	if !ok {
		return "", s.errorf("no type follows @")
	}
	s.at += len(first)
	return first, nil
}

func (s *scanner) errorf(format string, args ...any) error {
	return fmt.Errorf("%s (at character %d)", fmt.Sprintf(format, args...), 1+utf8.RuneCountInString(s.text[:s.at]))
}

// quoted reads a text in quotes, and returns the text between them unchanged.
func (s *scanner) quoted() (string, error) {
	quote, start := s.text[s.at], s.at+1
	for i := start; i < len(s.text); i++ {
		switch s.text[i] {
		case '\\':
			i++
		case quote:
			s.at = i + 1
			return s.text[start:i], nil
		}
	}
	return "", s.errorf("the quote is not closed")
}

var errEscape = errors.New("a backslash is not part of an escape")

// unescape returns the string of a text between quotes.
func unescape(text string) (string, error) {
	var b strings.Builder
	for text != "" {
		before, after, found := strings.Cut(text, `\`)
		b.WriteString(before)
		if !found {
			break
		}
		if after == "" {
			return "", errEscape
		}
		n, r := 1, rune(after[0])
		switch r {
		case 'u', 'U':
			n = map[rune]int{'u': 5, 'U': 9}[r]
			code, err := strconv.ParseUint(after[1:min(n, len(after))], 16, 32)
			if err != nil || len(after) < n || code == 0 || code > utf8.MaxRune || !utf8.ValidRune(rune(code)) {
				return "", errEscape
			}
			b.WriteRune(rune(code))
		case '\n':
		default:
			b.WriteString(unletter(after[:1]))
		}
		text = after[n:]
	}
	if !validString("s", b.String()) {
		return "", errors.New("the string is not UTF-8")
	}
	return b.String(), nil
}

// unletter returns the character of an escape with a letter.
func unletter(c string) string {
	for control, text := range letters {
		if text == `\`+c {
			return string(control)
		}
	}
	return c
}

// unescapeBytes is like unescape, for a string of bytes.
func unescapeBytes(text string) ([]byte, error) {
	var b []byte
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b = append(b, text[i])
			continue
		}
		i++
		if i == len(text) {
			return nil, errEscape
		}
		n := i
		for n < len(text) && n < i+3 && text[n] >= '0' && text[n] <= '7' {
			n++
		}
		switch code, err := strconv.ParseUint(text[i:n], 8, 8); {
		case n > i && err != nil:
			return nil, errEscape
		case n > i:
			b, i = append(b, byte(code)), n-1
		case text[i] == '\n':
		default:
			b = append(b, unletter(text[i:i+1])...)
		}
	}
	return b, nil
}
