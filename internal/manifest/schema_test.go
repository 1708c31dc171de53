package manifest_test

import (
	"testing"

	"bkt/internal/manifest"
)

func TestAddSchema(t *testing.T) {
	const schema = `"$schema": "../schemas/image.schema.json"`
	for text, want := range map[string]string{
		"{}":                                    "{\n  " + schema + "\n}",
		" { \n}\n":                              " {\n  " + schema + "\n}\n",
		`{"toolbox": {}}`:                       "{\n  " + schema + ",\n  \"toolbox\": {}}",
		"{\n  \"toolbox\": {}\n}\n":             "{\n  " + schema + ",\n  \"toolbox\": {}\n}\n",
		"{\r\n\t\"toolbox\": {\r\n\t}\r\n}\r\n": "{\n  " + schema + ",\r\n\t\"toolbox\": {\r\n\t}\r\n}\r\n",
		"{ \n\n\"toolbox\": {}}":                "{\n  " + schema + ", \n\n\"toolbox\": {}}",
	} {
		got := manifest.AddSchema(manifest.ImagePath, []byte(text))
		if string(got) != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
		images, _, err := manifest.Decode[manifest.Images]("image.json", got)
		if err != nil || images.Schema != "../schemas/image.schema.json" {
			t.Errorf("%q: %q, %v", got, images.Schema, err)
		}
	}
}
