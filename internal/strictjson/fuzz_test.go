package strictjson_test

import (
	"bytes"
	"strings"
	"testing"

	"bkt/internal/jsontest"
	"bkt/internal/strictjson"
)

// FuzzDecode checks that a file that is read can be written and read again
// with the same result, that each value is where its source says, and that
// every error has a position in the file.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		"", "\ufeff{}", "{\"\xff\": 1}", "{}\x00", `{"grid": [["a\`, "{\r\n\"ports\"\r\n:\r\n[1, 2]\r\n}",
		`{"grid": [["a", "ü\u00fc", "jq"], "b"], "size": "3"}`, `{"env": {"A": "b", "A": "c"}, // comment`,
		`{"nam": 1,, "x": [[[}`, "<<<<<<< HEAD\n{}", `{"grid": [["` + strings.Repeat("ü", 300) + `"]]}`,
	} {
		f.Add([]byte(text))
	}
	f.Add([]byte(sampleText))
	f.Add([]byte(`{"size": 1e3, "level": 256, "ratio": -0, "free": {"a": [], "b": 1E400}, "frees": {"": {}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, source, err := strictjson.Decode[sample]("f.json", data, nil)
		if err != nil {
			jsontest.CheckErrors(t, data, err)
			return
		}
		for i, row := range b.Grid {
			jsontest.CheckPositions(t, data, row, strictjson.Item("/grid", i), source)
		}
		checkRoundTrip(t, b)
	})
}

// checkRoundTrip checks that writing v, reading the text and writing it again
// changes nothing.
func checkRoundTrip(t *testing.T, v sample) {
	t.Helper()
	text, err := strictjson.Encode(v)
	if err != nil {
		t.Fatalf("read, but not written: %v", err)
	}
	again, _, err := strictjson.Decode[sample]("f.json", text, nil)
	if err != nil {
		t.Fatalf("written, but not read: %v\n%s", err, text)
	}
	second, err := strictjson.Encode(again)
	if err != nil || !bytes.Equal(text, second) {
		t.Errorf("first: %s\nsecond: %s, %v", text, second, err)
	}
}
