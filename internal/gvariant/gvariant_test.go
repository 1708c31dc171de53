package gvariant_test

import (
	"strings"
	"testing"

	"bkt/internal/gvariant"

	"github.com/google/go-cmp/cmp"
)

// canonical are texts of values that are printed unchanged.
var canonical = []string{
	"true", "false", "0", "-5", "byte 0x07", "int16 -3", "uint16 3", "uint32 900", "int64 -9", "uint64 18446744073709551615", "handle 2",
	"1.1", "0.0", "-0.0", "1e+100", "inf", "-inf", "nan",
	"''", "'Adwaita'", `"it's"`, `"it's \"so\""`, `'a\\b\nc\u200b'`, "'ü 漢 🦀'", "objectpath '/a/b'", "signature 'a{sv}'",
	"@as []", "['a', 'b']", "[uint32 1, 2]", "[[1], [2, 3]]", "[@as [], ['a']]", "@a(ss) []", "[('xkb', 'us'), ('xkb', 'de+neo')]",
	"@a{sv} {}", "{'a': <1>, 'b': <@as []>}", "{uint32 1: 'x'}", "{'a', 1}",
	"(1,)", "(1.5, 2.0)", "()", "(uint32 1, ['a'], <(true,)>)",
	"<'x'>", "<<uint32 5>>", "[<(uint32 2, <('Berlin', 'EDDB')>)>]",
	"@ms nothing", "@ms 'a'", "@mms just nothing", "@mms 'a'", "[@ms 'a', nothing]", "@mb nothing",
	"b'ab'", `b'\001\377\n'`, `b"it's"`, "[byte 0x61, 0x00, 0x62]", "@ay []",
}

// TestCanonicalTextIsUnchanged has texts in the format of GLib, except doubles.
func TestCanonicalTextIsUnchanged(t *testing.T) {
	for _, text := range canonical {
		v, err := gvariant.Parse("", text)
		if err != nil || v.String() != text {
			t.Errorf("%s is read as %v, %v", text, v, err)
			continue
		}
		if again, err := gvariant.Parse(v.Type(), text); err != nil || !again.Equal(v) {
			t.Errorf("%s is read as %v, %v, of type %s", text, again, err, v.Type())
		}
		if again, err := gvariant.Decode(v.Type(), v.Encode()); err != nil || !again.Equal(v) || again.String() != text {
			t.Errorf("%s is serialised as %q, and that is %v, %v", text, v.Encode(), again, err)
		}
	}
}

func TestParseTakesWhatTheTypeAllows(t *testing.T) {
	tests := []struct{ typ, text, want string }{
		{"u", "900", "uint32 900"},
		{"u", "0x10", "uint32 16"},
		{"y", "255", "byte 0xff"},
		{"d", "10", "10.0"},
		{"d", "1.1000000000000001", "1.1"},
		{"s", `"Adwaita"`, "'Adwaita'"},
		{"as", "[]", "@as []"},
		{"as", " [ 'a' ,'b' ] ", "['a', 'b']"},
		{"a{sv}", "{}", "@a{sv} {}"},
		{"ad", "[1, 2.5]", "[1.0, 2.5]"},
		{"(dd)", "(1, 2)", "(1.0, 2.0)"},
		{"ms", "'a'", "@ms 'a'"},
		{"ms", "nothing", "@ms nothing"},
		{"mms", "just nothing", "@mms just nothing"},
		{"o", "'/a'", "objectpath '/a'"},
		{"au", "[1, uint32 2]", "[uint32 1, 2]"},
		{"a(si)", "[('a', 1)]", "[('a', 1)]"},
		{"", "[1, uint32 2]", "[uint32 1, 2]"},
		{"", "[1, 2.5]", "[1.0, 2.5]"},
		{"", "[just 'a', nothing]", "[@ms 'a', nothing]"},
		{"", `'\u00fc\U0001f980\t'`, `'ü🦀\t'`},
	}
	for _, tt := range tests {
		v, err := gvariant.Parse(tt.typ, tt.text)
		if err != nil || v.String() != tt.want {
			t.Errorf("%s as %q is %v, %v", tt.text, tt.typ, v, err)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	tests := []struct{ typ, text, err string }{
		{"", "", "a value is missing (at character 1)"},
		{"", "prefer-dark", `"prefer-dark" is not a value; strings need quotes (at character 1)`},
		{"", "'a", "the quote is not closed (at character 1)"},
		{"", "['a' 'b']", "']' or a comma is missing (at character 6)"},
		{"", "['a', 1]", "the elements have different types (at character 7)"},
		{"", "[]", "the text does not determine the type; write it before the value, as in @as [] (at character 2)"},
		{"", "1 2", "something follows the value (at character 3)"},
		{"", "uint16 65536", `"65536" is not a number from 0 to 65535 (at character 8)`},
		{"", "@as 5", `this is not of type "as" (at character 5)`},
		{"", "@q 5x", `"5x" is not a number from 0 to 65535 (at character 4)`},
		{"u", "-1", `"-1" is not a number from 0 to 4294967295 (at character 1)`},
		{"u", "int32 5", `this is not of type "u" (at character 6)`},
		{"s", "5", `this is not of type "s" (at character 1)`},
		{"b", "'true'", `this is not of type "b" (at character 1)`},
		{"", "objectpath 'x'", `"x" is not of type "o" (at character 12)`},
		{"", `'\u12'`, "a backslash is not part of an escape (at character 1)"},
		{"", "(1)", "a tuple of one is written (1,) (at character 3)"},
		{"", "@! 1", "no type follows @ (at character 2)"},
		{"", "üü", `"üü" is not a value; strings need quotes (at character 1)`},
		{"", strings.Repeat("[", 100), "the value is nested too deep (at character 66)"},
	}
	for _, tt := range tests {
		v, err := gvariant.Parse(tt.typ, tt.text)
		if err == nil || err.Error() != tt.err {
			t.Errorf("%s as %q: %v, %v", tt.text, tt.typ, v, err)
		}
	}
}

func TestEqualIsOfValuesNotOfText(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"'a'", `"a"`, true},
		{"0.1", "0.10000000000000001", true},
		{"5", "uint32 5", false},
		{"['a', 'b']", "['b', 'a']", false},
		{"{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}", true},
		{"<{'a': 1, 'b': 2}>", "<{'b': 2, 'a': 1}>", true},
		{"@as []", "@ao []", false},
		{"nan", "nan", true},
	}
	for _, tt := range tests {
		if got := parse(t, tt.a).Equal(parse(t, tt.b)); got != tt.want {
			t.Errorf("%s and %s: %v", tt.a, tt.b, got)
		}
	}
}

func parse(t *testing.T, text string) gvariant.Value {
	t.Helper()
	v, err := gvariant.Parse("", text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestStringsLeavesOtherTypesAlone(t *testing.T) {
	v := parse(t, "(['a', 'b'], <{'a': <objectpath '/a'>}>, 5, @ms 'a')")
	got := v.Strings(strings.ToUpper).String()
	if diff := cmp.Diff("(['A', 'B'], <{'A': <objectpath '/a'>}>, 5, @ms 'A')", got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWidthOfOffsets has containers with sizes around those at which offsets get wider.
func TestWidthOfOffsets(t *testing.T) {
	for _, n := range []int{250, 251, 252, 253, 254, 255, 256, 65530, 65531, 65532, 65533, 65534, 65535, 65536} {
		v := gvariant.NewArray("as", gvariant.NewString(strings.Repeat("x", n)), gvariant.NewString("y"))
		if got, err := gvariant.Decode("as", v.Encode()); err != nil || !got.Equal(v) {
			t.Errorf("%d: %v", n, err)
		}
	}
}

func TestDecodeRefusesWhatIsBroken(t *testing.T) {
	tests := []struct{ typ, data string }{
		{"b", "\x02"}, {"u", "\x01\x02\x03"}, {"s", ""}, {"s", "a"}, {"s", "a\x00b\x00"}, {"s", "\xff\x00"}, {"o", "a\x00"}, {"v", "\x01"}, {"v", "\x01\x00!"},
		{"au", "\x01\x02\x03"}, {"as", "a\x00\x09"}, {"as", "a\x00\x02\x01"}, {"(ss)", "a\x00b\x00\x09"}, {"()", ""}, {"()", "\x01"}, {"ms", "a\x00"}, {"!", ""}, {"{vs}", ""},
	}
	for _, tt := range tests {
		if v, err := gvariant.Decode(tt.typ, []byte(tt.data)); err == nil {
			t.Errorf("%q of type %s is read as %v", tt.data, tt.typ, v)
		}
	}
}

// FuzzParse checks that a printed or serialised value is read as the same value.
func FuzzParse(f *testing.F) {
	for _, text := range canonical {
		f.Add("", text)
	}
	f.Add("as", "[]")
	f.Add("(sms)", "('a', nothing)")
	f.Fuzz(func(t *testing.T, typ, text string) {
		if typ != "" && !gvariant.Valid(typ) {
			return
		}
		v, err := gvariant.Parse(typ, text)
		if err != nil {
			return
		}
		again, err := gvariant.Parse("", v.String())
		if err != nil || !again.Equal(v) || again.String() != v.String() {
			t.Errorf("%q is read as %v, and that as %v, %v", text, v, again, err)
		}
		decoded, err := gvariant.Decode(v.Type(), v.Encode())
		if err != nil || !decoded.Equal(v) {
			t.Errorf("%q is %v, and serialised %v, %v", text, v, decoded, err)
		}
		if strings.ContainsAny(v.String(), "\n\t\x00") {
			t.Errorf("%q is not on one line", v.String())
		}
	})
}

// FuzzDecode checks that all data is read or refused, and that a read value can be written.
func FuzzDecode(f *testing.F) {
	for _, text := range canonical {
		v, err := gvariant.Parse("", text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(v.Type(), v.Encode())
	}
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		v, err := gvariant.Decode(typ, data)
		if err != nil {
			return
		}
		again, err := gvariant.Decode(typ, v.Encode())
		if err != nil || !again.Equal(v) {
			t.Errorf("%v is written as what is %v, %v", v, again, err)
		}
	})
}
