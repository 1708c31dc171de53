package strictjson_test

import (
	"strings"
	"testing"

	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// A sample has a field of every kind that a file may have.
type sample struct {
	Schema string                    `json:"$schema,omitempty"`
	Name   string                    `json:"name"`
	Root   bool                      `json:"root,omitzero"`
	Closed inverted                  `json:"open,omitzero"`
	Size   int                       `json:"size,omitzero"`
	Level  uint8                     `json:"level,omitzero"`
	Ratio  float64                   `json:"ratio,omitzero"`
	Ports  []int                     `json:"ports,omitempty"`
	Env    map[string]string         `json:"env,omitempty"`
	Parts  map[string]part           `json:"parts,omitempty"`
	Spare  *part                     `json:"spare,omitempty"`
	Grid   [][]string                `json:"grid,omitempty"`
	Free   jsontext.Value            `json:"free,omitempty"`
	Frees  map[string]jsontext.Value `json:"frees,omitempty"`
	common
}

type part struct {
	Path string `json:"path"`
	Size int    `json:"size,omitzero"`
}

type common struct {
	Comment string `json:"comment,omitempty"`
}

// inverted reads itself, as the opposite of the value in the file.
type inverted bool

func (i *inverted) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var b bool
	err := json.UnmarshalDecode(d, &b)
	*i = inverted(!b)
	return err
}

func (i inverted) MarshalJSONTo(e *jsontext.Encoder) error {
	return e.WriteToken(jsontext.Bool(!bool(i)))
}

const sampleText = `{
  "$schema": "s",
  "name": "b",
  "root": true,
  "open": false,
  "size": -3,
  "level": 255,
  "ratio": 0.5,
  "ports": [
    80,
    443
  ],
  "env": {
    "": "empty",
    "PATH": "/bin",
    "a/b~c": "ü"
  },
  "parts": {
    "0": {
      "path": "/x",
      "size": 1
    }
  },
  "spare": {
    "path": ""
  },
  "grid": [
    [
      "a"
    ],
    []
  ],
  "free": [
    null,
    {
      "x": 1e3
    }
  ],
  "frees": {
    "none": null
  },
  "comment": "c"
}
`

func TestEveryKindOfFieldIsReadAndWritten(t *testing.T) {
	want := sample{
		Schema: "s", Name: "b", Root: true, Closed: true, Size: -3, Level: 255, Ratio: 0.5,
		Ports:  []int{80, 443},
		Env:    map[string]string{"": "empty", "PATH": "/bin", "a/b~c": "ü"},
		Parts:  map[string]part{"0": {"/x", 1}},
		Spare:  &part{},
		Grid:   [][]string{{"a"}, nil},
		Free:   jsontext.Value("[\n    null,\n    {\n      \"x\": 1e3\n    }\n  ]"),
		Frees:  map[string]jsontext.Value{"none": jsontext.Value("null")},
		common: common{"c"},
	}
	got, _, err := strictjson.Decode[sample]("sample.json", []byte(sampleText), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sample{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text, err := strictjson.Encode(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sampleText, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEveryKindOfFieldRefusesOtherTypes(t *testing.T) {
	tests := []struct{ data, err string }{
		{`{"name": 1}`, `name must be a string, not a number`},
		{`{"root": "yes"}`, `root must be true or false, not a string`},
		{`{"open": null}`, `open must be true or false, not null`},
		{`{"size": "3"}`, `size must be a whole number, not a string`},
		{`{"size": 1.5}`, `size must be a whole number, not 1.5`},
		{`{"size": 1e3}`, `size must be a whole number, not 1e3`},
		{`{"size": 9223372036854775808}`, `size must be a whole number, not 9223372036854775808`},
		{`{"ratio": []}`, `ratio must be a number, not a list`},
		{`{"ratio": 1e999}`, `ratio must be a number, not 1e999`},
		{`{"ports": [1, "2", 3]}`, `an item of ports must be a whole number, not a string (/ports/1)`},
		{`{"ports": {}}`, `ports must be a list of whole numbers, not an object`},
		{`{"env": ["A=b"]}`, `env must be an object, not a list`},
		{`{"env": {"A": {"b": 1}}}`, `"A" must be a string, not an object (/env/A)`},
		{`{"env": {"A": "b", "A": "c"}}`, `duplicate field "A" (first at 1:10) (/env/A)`},
		{`{"parts": {"a/b": {"pth": ""}}}`, `unknown field "pth" (did you mean "path"?) (/parts/a~1b/pth)`},
		{`{"parts": {"a": {"path": [], "size": false}}}`, "path must be a string, not a list (/parts/a/path)\n" +
			`sample.json:1:38: size must be a whole number, not false (/parts/a/size)`},
		{`{"spare": null}`, `spare must be an object, not null`},
		{`{"spare": {"size": {}}}`, `size must be a whole number, not an object (/spare/size)`},
		{`{"grid": [["a"], "b"]}`, `an item of grid must be a list of strings, not a string (/grid/1)`},
		{`{"grid": [["a", ["b"]]]}`, `an item of an item of grid must be a string, not a list (/grid/0/1)`},
		{`{"free": {"a": 1, "a": 2}}`, `duplicate field "a" (first at 1:11) (/free/a)`},
		{`{"common": {}}`, `unknown field "common" (did you mean "comment"?)`},
		{`{"comment": 1}`, `comment must be a string, not a number`},
	}
	for _, tt := range tests {
		t.Run(tt.data, func(t *testing.T) {
			_, _, err := strictjson.Decode[sample]("sample.json", []byte(tt.data), nil)
			if err == nil {
				t.Fatal("accepted")
			}
			_, text, _ := strings.Cut(err.Error(), ": ")
			if diff := cmp.Diff(tt.err, text); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
