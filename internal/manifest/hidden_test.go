package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"bkt/internal/manifest"
)

// TestHiddenCharacters checks that no value that is rendered or run has a character that
// cannot be seen, and that comments may.
func TestHiddenCharacters(t *testing.T) {
	decode := func(path, text string) error {
		var err error
		switch path {
		case "distrobox":
			_, _, err = manifest.Decode[manifest.Containers]("f.json", []byte(text))
		case "image":
			_, _, err = manifest.Decode[manifest.Images]("f.json", []byte(text))
		case "system":
			_, _, err = manifest.Decode[manifest.SystemConfig]("f.json", []byte(text))
		case "repos":
			_, _, err = manifest.Decode[manifest.ExternalRepos]("f.json", []byte(text))
		}
		return err
	}
	box := func(field string) string { return `{"containers":{"a":{"image":"x",` + field + `}}}` }
	repo := func(name string) string {
		return `{"repos":[{"name":"a","display_name":"` + name + `","baseurl":"https://x.org","gpg_key":"https://x.org/k","packages":["a"]}]}`
	}
	tests := []struct{ manifest, text string }{ // % is the character
		{"distrobox", box(`"init_hooks":["true %x"]`)},
		{"distrobox", box(`"init_hooks":[{"run":"true %x"}]`)},
		{"distrobox", box(`"init_hooks":[{"run":"true","volatile":["~/%x"]}]`)},
		{"distrobox", box(`"pre_init_hooks":["true %x"]`)},
		{"distrobox", box(`"additional_flags":["--x=a%x"]`)},
		{"distrobox", box(`"volume":["/a%x:/b"]`)},
		{"distrobox", box(`"env":{"A":"a%x"}`)},
		{"distrobox", box(`"path":["/a%x"]`)},
		{"distrobox", box(`"exported_apps":["a%x"]`)},
		{"distrobox", box(`"packages":["a%x"]`)},
		{"image", `{"toolbox":{"checks":["true %x"]}}`},
		{"image", `{"system":{"labels":{"a":"a%x"}}}`},
		{"image", `{"system":{"labels":{"a%x":"a"}}}`},
		{"system", `{"kargs":["a%x"]}`},
		{"system", `{"files":[{"src":"a%x","dest":"/etc/a"}]}`},
		{"system", `{"files":[{"src":"a","dest":"/etc/a%x"}]}`},
		{"system", `{"systemd":{"enable":["a%x.service"]}}`},
		{"repos", repo("A %x")},
	}
	for _, tt := range tests {
		if err := decode(tt.manifest, strings.ReplaceAll(tt.text, "%", "")); err != nil {
			t.Errorf("%s: %v", tt.text, err)
		}
		for _, hidden := range []string{"\u202e", "\u2066", "\u200f", "\u061c", "\u200b", "\u200d", "\u2060", "\ufeff"} {
			for _, written := range []string{hidden, fmt.Sprintf(`\u%04x`, []rune(hidden)[0])} {
				err := decode(tt.manifest, strings.ReplaceAll(tt.text, "%", written))
				if err == nil || !strings.HasPrefix(err.Error(), "f.json:1:") || !strings.Contains(err.Error(), "may not contain") || strings.Contains(err.Error(), hidden) {
					t.Errorf("%s with %q: %v", tt.text, written, err)
				}
			}
		}
	}
	for _, text := range []string{box("\"comment\":\"\u202bעברית\u202c\u200f\""), box(`"env":{"A":"👩\u200d💻 می\u200cخواهم é 日本"}`)} {
		if err := decode("distrobox", text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
