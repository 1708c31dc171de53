//go:build !containers_image_openpgp

package registry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/hint"
)

// TestAllowWithoutVerification checks that a policy without requirements is
// accepted, and that one with requirements is an error.
func TestAllowWithoutVerification(t *testing.T) {
	const accept, signed = `[{"type": "insecureAcceptAnything"}]`, `[{"type": "signedBy"}]`
	scoped := func(scope string) string {
		return `{"default": ` + accept + `, "transports": {"docker": {"` + scope + `": ` + signed + `}}}`
	}
	tests := []struct {
		test, policy string
		allowed      bool
	}{
		{"no policy", "", true},
		{"accepts anything", `{"default": ` + accept + `}`, true},
		{"demands a signature", `{"default": ` + signed + `}`, false},
		{"demands nothing at all", `{"default": []}`, false},
		{"of another registry", scoped("example.com"), true},
		{"of the registry", scoped("example.org"), false},
		{"of the image", scoped("example.org/some/image:1"), false},
		{"of another tag", scoped("example.org/some/image:2"), true},
		{"of all registries", scoped(""), false},
		{"no policy but nonsense", `{`, false},
	}
	for _, tt := range tests {
		t.Run(tt.test, func(t *testing.T) {
			root := t.TempDir()
			t.Setenv("HOME", t.TempDir())
			if tt.policy != "" {
				dir := filepath.Join(root, "etc", "containers")
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "policy.json"), []byte(tt.policy), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			all, err := allow(root, []string{"example.org/some/image:1"})
			if (err == nil) != tt.allowed || (len(all) == 1) != tt.allowed {
				t.Fatalf("%v, %v", all, err)
			}
			if err != nil && !strings.Contains(err.Error(), root) {
				t.Errorf("error is %v, hints %q", err, hint.Of(err))
			}
		})
	}
}
