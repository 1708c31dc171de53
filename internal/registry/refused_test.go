//go:build containers_image_openpgp

package registry

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/hint"
)

// TestWhyASignatureIsMissing checks that the error for an image without an accepted
// signature tells a missing key, a configuration that does not look for signatures and an
// unsigned image apart, and what to do about each.
func TestWhyASignatureIsMissing(t *testing.T) {
	host := serve(t, func(http.ResponseWriter, *http.Request) bool { return false })
	if _, err := push(t.Context(), makeImage(t, 100), host+"/team/a:1", io.Discard, nil); err != nil {
		t.Fatal(err)
	}
	const key = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFQrQ6sBnkS5oLSqgJL2jUkyIHXMG\nGbVAYXBZnTGmdMNzdrbC4oBCF6aTkBdBCzUd7aOXK8ORXWGBWWIVJTFxHg==\n-----END PUBLIC KEY-----\n"
	tests := []struct {
		name          string
		kind          string
		key           bool
		configuration string // in registries.d
		says, hint    string
	}{
		{"the key", "sigstoreSigned", false, "docker:\n  %q:\n    use-sigstore-attachments: true\n",
			"(sigstoreSigned): it names the file KEY: no such file or directory", "put the key of the image's publisher there"},
		{"the key of gpg", "signedBy", false, "", "(signedBy): it names the file KEY: no such file or directory", "put the key of the image's publisher there"},
		{"the configuration", "sigstoreSigned", true, "",
			"(sigstoreSigned): signatures of this image are not read: no file in HOME/.config/containers/registries.d sets use-sigstore-attachments for it",
			`write HOME/.config/containers/registries.d/HOST.yaml with "docker: {HOST/team/a: {use-sigstore-attachments: true}}"`},
		{"the configuration, of another image", "sigstoreSigned", true, "docker:\n  %q:\n    use-sigstore-attachments: true\n  HOST/team:\n    use-sigstore-attachments: false\n",
			"(sigstoreSigned): signatures of this image are not read", "HOST/team/a"},
		{"the signature", "sigstoreSigned", true, "docker:\n  %q:\n    use-sigstore-attachments: true\n",
			"(sigstoreSigned): A signature was required, but no signature exists", "the image is not signed: ask its publisher for a signed one"},
		{"the signature, with the configuration of all", "sigstoreSigned", true, "default-docker:\n  use-sigstore-attachments: true\n# %q\n",
			"(sigstoreSigned): A signature was required, but no signature exists", "the image is not signed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			home := emptyHome(t)
			file := filepath.Join(t.TempDir(), "cosign.pub")
			if tt.key {
				write(t, file, []byte(key))
			}
			demand := fmt.Sprintf(`{"type":%q,"keyPath":%q,"signedIdentity":{"type":"matchRepository"}}`, tt.kind, file)
			if tt.kind == "signedBy" {
				demand = fmt.Sprintf(`{"type":"signedBy","keyType":"GPGKeys","keyPath":%q}`, file)
			}
			write(t, filepath.Join(home, ".config/containers/policy.json"),
				[]byte(fmt.Sprintf(`{"default":[{"type":"insecureAcceptAnything"}],"transports":{"docker":{%q:[%s]}}}`, host, demand)))
			text := strings.ReplaceAll(tt.configuration, "HOST", host)
			if strings.Contains(text, "%q") {
				text = fmt.Sprintf(text, host)
			}
			write(t, filepath.Join(home, ".config/containers/registries.d/test.yaml"), []byte(text))
			_, err := allow(t.Context(), t.TempDir(), []string{host + "/team/a:1"}, nil)
			plain := strings.NewReplacer(file, "KEY", home, "HOME", host, "HOST")
			if err == nil || !strings.HasPrefix(plain.Replace(err.Error()), "image HOST/team/a:1: not allowed by the policy "+tt.says) {
				t.Errorf("error %v", err)
			}
			if hints := hint.Of(err); len(hints) != 1 || !strings.Contains(plain.Replace(hints[0]), tt.hint) {
				t.Errorf("hints %q", hints)
			}
		})
	}
}
