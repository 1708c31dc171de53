package undeclared_test

import (
	"errors"
	"strings"
	"testing"

	"bkt/gen/undeclared"
)

// TestVersions checks which images count as another version of the declared base, and
// which of them as an older digest.
func TestVersions(t *testing.T) {
	one, two := "@sha256:"+strings.Repeat("1", 64), "@sha256:"+strings.Repeat("2", 64)
	for _, tt := range []struct {
		name, from, declared string
		want                 bool // it is another version
		older                bool // its digest is older if that of the manifest is new
	}{
		{"the same", "q.io/a/b:1" + one, "q.io/a/b:1" + one, false, false},
		{"another digest", "q.io/a/b:1" + two, "q.io/a/b:1" + one, true, true},
		{"another tag", "q.io/a/b:2", "q.io/a/b:1" + one, true, false},
		{"another tag and digest", "q.io/a/b:2" + two, "q.io/a/b:1" + one, true, false},
		{"a digest that is not declared", "q.io/a/b:1" + two, "q.io/a/b:1", true, true},
		{"no digest", "q.io/a/b:1", "q.io/a/b:1" + one, false, false},
		{"the tag latest", "q.io/a/b" + two, "q.io/a/b:latest" + one, true, true},
		{"another image", "q.io/a/c:1", "q.io/a/b:1" + one, false, false},
		{"another spelling", "docker.io/library/b:1", "b:1", false, false},
	} {
		image, digest, _ := strings.Cut(tt.declared, "@")
		repo := manifests("image", `{"system": {"base": {"image": "`+image+`"}}}`)
		if digest != "" {
			repo = manifests("image", `{"system": {"base": {"image": "`+image+`", "digest": "`+digest+`"}}}`)
		}
		l := undeclared.Find("Containerfile", []byte(section("BASE_IMAGE", "FROM "+tt.from+"\n")), repo)
		if got := !l.Versions().Empty(); got != tt.want {
			t.Errorf("%s: another version: %v", tt.name, got)
		}
		if got := !l.Versions().Empty() && l.WithoutDigests().Versions().Empty(); got != tt.older {
			t.Errorf("%s: older: %v", tt.name, got)
		}
		want := "Containerfile:2: FROM has " + tt.from + ", but manifests/image.json:1:21 declares " + tt.declared
		if err := errors.Join(l.VersionStops()...); tt.want && err.Error() != want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
