package strictjson_test

import (
	"fmt"
	"strings"
	"testing"

	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// TestNesting checks files on both sides of the limit of nesting, in fields that take
// anything, that do not exist and that have another type.
func TestNesting(t *testing.T) {
	file := func(before string, n int, open, end string) string {
		return before + strings.Repeat(open, n) + strings.Repeat(end, n) + "}"
	}
	for _, field := range []string{`{"free":`, `{"name":`, `{"none":`} {
		for _, list := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
			end := list[1]
			if end == "}" {
				end = ""
			}
			within := field + strings.Repeat(list[0], 63) + "1" + strings.Repeat(list[1], 63) + "}"
			if _, _, err := strictjson.Decode[sample]("f.json", []byte(within), nil); err != nil && strings.Contains(err.Error(), "the limit") {
				t.Errorf("%s: within the limit: %v", field, err)
			}
			for _, n := range []int{64, 20_000} {
				_, _, err := strictjson.Decode[sample]("f.json", []byte(file(field, n, list[0], end)), nil)
				want := fmt.Sprintf("f.json:1:%d: more than 64 levels of lists and objects, the limit", len(field)+63*len(list[0])+1)
				if err == nil || !strings.HasSuffix("\n"+err.Error(), "\n"+want) {
					t.Errorf("%s%s %d times: %.300v, not %s", field, list[0], n, err, want)
				}
			}
		}
	}
}

// TestManyNames checks that looking for each name of a large object does not look at all
// others.
func TestManyNames(t *testing.T) {
	const n = 100_000
	var text strings.Builder
	text.WriteString(`{"env": {"first": ""`)
	for i := range n {
		fmt.Fprintf(&text, ",\n\"x%d\": \"y\"", i)
	}
	text.WriteString("}}")
	_, source, err := strictjson.Decode[sample]("f.json", []byte(text.String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		p := jsontext.Pointer("/env").AppendToken(fmt.Sprint("x", i))
		if got := source.At(p); got.Line != i+2 {
			t.Fatalf("%s is at %v", p, got)
		}
	}
	if got := source.At("/env/none"); got.Line != 1 {
		t.Errorf("a missing name is at %v", got)
	}
}

// TestLongErrors checks that errors of hostile files are short.
func TestLongErrors(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, text := range []string{
		`{"` + long + `": 1}`, `{"name": ` + strings.Repeat("9", 1<<20) + `}`, `{"size": 1e` + strings.Repeat("9", 1<<20) + `}`,
		`{"env": {"` + long + `": 1}}`, `{"parts": {"` + long + `": {"path": 1}}}`, strings.Repeat(`{"name":`, 60) + "?", `{"env": {"a":"","a":""` + strings.Repeat(`,"a":""`, 100_000) + `}}`,
		`{"ports": [` + strings.Repeat(`"",`, 100_000) + `""]}`, `{"` + strings.Repeat(`\u202e`, 1000) + `": 1}`,
	} {
		_, _, err := strictjson.Decode[sample]("f.json", []byte(text), nil)
		if err == nil || len(err.Error()) > 20_000 || strings.Contains(err.Error(), "\u202e") {
			t.Errorf("%.100s: %.300v", text, err)
		}
	}
}
