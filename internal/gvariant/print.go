package gvariant

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// keywords precede values whose text does not determine the type.
var keywords = map[string]string{
	"y": "byte ", "n": "int16 ", "q": "uint16 ", "u": "uint32 ", "x": "int64 ", "t": "uint64 ",
	"h": "handle ", "o": "objectpath ", "g": "signature ",
}

// String returns v in one line, in the format in which GLib prints values with their types.
// Doubles have as many digits as it takes to parse the same value.
func (v Value) String() string {
	var b strings.Builder
	v.print(&b, true)
	return b.String()
}

func (v Value) print(b *strings.Builder, typed bool) {
	if typed {
		b.WriteString(keywords[v.typ])
	}
	switch d := v.data.(type) {
	case []Value:
		v.printContainer(b, typed)
	case string:
		printString(b, d)
	case float64:
		b.WriteString(double(d))
	case uint8:
		fmt.Fprintf(b, "0x%02x", d)
	default:
		fmt.Fprint(b, d)
	}
}

func (v Value) printContainer(b *strings.Builder, typed bool) {
	switch v.typ[0] {
	case 'v':
		b.WriteByte('<')
		v.Inner()[0].print(b, true)
		b.WriteByte('>')
	case 'm':
		v.printMaybe(b, typed)
	case '(':
		v.printTuple(b, typed)
	case '{':
		v.printList(b, "{", ", ", "}", typed)
	default:
		v.printArray(b, typed)
	}
}

func (v Value) printArray(b *strings.Builder, typed bool) {
	if s, ok := v.byteString(); ok {
		b.WriteString(s)
		return
	}
	open, end := "[", "]"
	if v.typ[1] == '{' {
		open, end = "{", "}"
	}
	if typed && len(v.Inner()) == 0 {
		b.WriteString("@" + v.typ + " ")
	}
	b.WriteString(open)
	for i, e := range v.Inner() {
		separate(b, i)
		first := typed && i == 0 // the others have the type of the first
		if v.typ[1] == '{' {
			e.printList(b, "", ": ", "", first)
		} else {
			e.print(b, first)
		}
	}
	b.WriteString(end)
}

func separate(b *strings.Builder, i int) {
	if i > 0 {
		b.WriteString(", ")
	}
}

func (v Value) printList(b *strings.Builder, open, between, end string, typed bool) {
	b.WriteString(open)
	for i, e := range v.Inner() {
		if i > 0 {
			b.WriteString(between)
		}
		e.print(b, typed)
	}
	b.WriteString(end)
}

func (v Value) printTuple(b *strings.Builder, typed bool) {
	end := ")"
	if len(v.Inner()) == 1 {
		end = ",)"
	}
	v.printList(b, "(", ", ", end, typed)
}

// printMaybe prints "just" only where the text would be ambiguous.
func (v Value) printMaybe(b *strings.Builder, typed bool) {
	if typed {
		b.WriteString("@" + v.typ + " ")
	}
	depth, inner := 0, v
	for inner.typ[0] == 'm' && len(inner.Inner()) == 1 {
		depth, inner = depth+1, inner.Inner()[0]
	}
	if inner.typ[0] == 'm' {
		b.WriteString(strings.Repeat("just ", depth) + "nothing")
		return
	}
	inner.print(b, false)
}

// byteString returns the text of bytes that are a C string, and whether they are.
func (v Value) byteString() (string, bool) {
	if v.typ != "ay" {
		return "", false
	}
	all := v.Bytes()
	n := len(all) - 1
	if n < 0 || strings.IndexByte(string(all), 0) != n {
		return "", false
	}
	quote := byte('\'')
	if strings.IndexByte(string(all), '\'') >= 0 {
		quote = '"'
	}
	var b strings.Builder
	b.WriteString("b" + string(quote))
	for _, c := range all[:n] {
		printByte(&b, c, quote)
	}
	b.WriteByte(quote)
	return b.String(), true
}

// letters are the escapes of control characters.
var letters = map[rune]string{'\a': `\a`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\v': `\v`}

func printByte(b *strings.Builder, c, quote byte) {
	switch {
	case letters[rune(c)] != "":
		b.WriteString(letters[rune(c)])
	case c == quote, c == '\\', c == '"':
		b.WriteString(`\` + string(c))
	case c < ' ', c >= 0x7f:
		fmt.Fprintf(b, `\%03o`, c)
	default:
		b.WriteByte(c)
	}
}

func printString(b *strings.Builder, s string) {
	quote := '\''
	if strings.Contains(s, "'") {
		quote = '"'
	}
	b.WriteRune(quote)
	for _, r := range s {
		switch {
		case r == quote, r == '\\':
			b.WriteString(`\` + string(r))
		case letters[r] != "":
			b.WriteString(letters[r])
		case unicode.IsPrint(r), unicode.Is(unicode.Zs, r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			fmt.Fprintf(b, `\U%08x`, r)
		}
	}
	b.WriteRune(quote)
}

func double(d float64) string {
	switch {
	case math.IsInf(d, 1):
		return "inf"
	case math.IsInf(d, -1):
		return "-inf"
	case math.IsNaN(d):
		return "nan"
	}
	s := strconv.FormatFloat(d, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}
