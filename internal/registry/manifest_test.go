//go:build containers_image_openpgp

package registry

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	dockerImage = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList  = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// A reply is a registry's response to a request for a manifest.
type reply struct {
	contentType, body string
	header            http.Header // that goes with it
}

// serveReplies serves manifests, by tag or digest, and blobs, by digest, and no
// others.
func serveReplies(t *testing.T, manifests map[string]reply, blobs ...string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		_, name, isManifest := strings.Cut(r.URL.Path, "/manifests/")
		for _, blob := range blobs {
			if strings.HasSuffix(r.URL.Path, "/blobs/"+digest.FromString(blob).String()) {
				io.WriteString(w, blob)
				return true
			}
		}
		answer, ok := manifests[name]
		if !isManifest || !ok {
			return false
		}
		for name, values := range answer.header {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Type", answer.contentType)
		io.WriteString(w, answer.body)
		return true
	})
}

func descriptor(mediaType, text, more string) string {
	return fmt.Sprintf(`{"mediaType": %q, "digest": %q, "size": %d%s}`, mediaType, digest.FromString(text), len(text), more)
}

// manifestOf returns a manifest of an image without layers.
func manifestOf(mediaType, configType, config string) string {
	named := ""
	if mediaType != "" {
		named = fmt.Sprintf(`"mediaType": %q, `, mediaType)
	}
	return `{"schemaVersion": 2, ` + named + `"config": ` + descriptor(configType, config, "") + `, "layers": []}`
}

func platform(os, arch string) string {
	return fmt.Sprintf(`, "platform": {"os": %q, "architecture": %q}`, os, arch)
}

func TestPin(t *testing.T) {
	const html = "<!DOCTYPE html><title>Log in to the network</title>"
	const (
		oci, index, ociConfig = ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageConfig
		dockerConfig          = "application/vnd.docker.container.image.v1+json"
	)
	config := fmt.Sprintf(`{"os": "linux", "architecture": %q, "rootfs": {"type": "layers", "diff_ids": []}, "config": {"Labels": {"a": "b"}}}`, runtime.GOARCH)
	own := "linux/" + runtime.GOARCH
	whole := manifestOf(oci, ociConfig, config)
	indexOf := func(entries ...string) string {
		return `{"schemaVersion": 2, "mediaType": "` + index + `", "manifests": [` + strings.Join(entries, ", ") + `]}`
	}
	here := descriptor(oci, whole, platform("linux", runtime.GOARCH))
	tests := []struct {
		name, contentType, body string
		says                    string // "": it is an image
		platforms               []string
	}{
		{"an image", oci, whole, "", []string{own}},
		{"an image that does not say what it is", oci, manifestOf("", ociConfig, config), "", []string{own}},
		{"with parameters", oci + "; charset=utf-8", whole, "", []string{own}},
		{"docker's", dockerImage, manifestOf(dockerImage, dockerConfig, config), "", []string{own}},
		{"an index", index, indexOf(here, descriptor(oci, "elsewhere", platform("linux", "s390x"))), "", []string{own, "linux/s390x"}},
		{"an index with an attestation", index, indexOf(here, descriptor(oci, "attestation", platform("unknown", "unknown"))), "", []string{own}},
		{"docker's list", dockerList, strings.Replace(indexOf(descriptor(oci, whole, platform("linux", runtime.GOARCH))), index, dockerList, 1), "", []string{own}},
		{"an index for others", index, indexOf(descriptor(oci, "elsewhere", platform("linux", "s390x"))), "", []string{"linux/s390x"}},
		{"an index that does not say for what", index, indexOf(descriptor(oci, whole, "")), "", nil},

		{"a web page", "text/html", html, `no image there, but something of the type "text/html"`, nil},
		{"a web page in disguise", oci, html, "invalid character", nil},
		{"JSON of no type", "application/json", whole, `something of the type "application/json"`, nil},
		{"nothing", oci, "", "unexpected end of JSON input", nil},
		{"an empty object", oci, "{}", "has schema version 0, not 2", nil},
		{"null", oci, "null", "has schema version 0, not 2", nil},
		{"a list", oci, "[]", "cannot unmarshal array", nil},
		{"only a version", oci, `{"schemaVersion": 2}`, "lacks a configuration or layers", nil},
		{"no layers", oci, `{"schemaVersion": 2, "config": ` + descriptor(ociConfig, config, "") + `}`, "lacks a configuration or layers", nil},
		{"cut off", oci, whole[:len(whole)-2], "unexpected end of JSON input", nil},
		{"with something behind it", oci, whole + "x", "invalid character", nil},
		{"a configuration", oci, config, "has schema version 0, not 2", nil},
		{"a configuration as such", ociConfig, config, "something of the type \"" + ociConfig, nil},
		{"of another type than it says", oci, manifestOf(dockerImage, ociConfig, config), "has the type \"" + dockerImage + "\", but was sent as \"" + oci, nil},
		{"an image that was sent as an index", index, whole, "has the type \"" + oci, nil},
		{"an image that is sent as an index, and does not say", index, manifestOf("", ociConfig, config), "is an index with a configuration", nil},
		{"an index that is sent as an image", oci, `{"schemaVersion": 2, "manifests": [` + here + `]}`, "has manifests, like an index", nil},
		{"schema 1", "application/vnd.docker.distribution.manifest.v1+prettyjws", `{"schemaVersion": 1, "fsLayers": []}`, "something of the type \"application/vnd.docker.distribution.manifest.v1+prettyjws", nil},
		{"schema 1 in disguise", dockerImage, `{"schemaVersion": 1, "fsLayers": []}`, "has schema version 1, not 2", nil},
		{"a chart", oci, manifestOf(oci, "application/vnd.cncf.helm.config.v1+json", "{}"), "has a configuration of the type \"application/vnd.cncf.helm.config.v1+json\"", nil},
		{"an empty index", index, indexOf(), "is an index without an image", nil},
		{"an index of no images", index, indexOf(descriptor("text/plain", "x", "")), "is an index without an image", nil},
		{"an index without digests", index, indexOf(here, `{"mediaType": "`+oci+`", "size": 1}`), "has a descriptor without a type, a digest or a size", nil},
		{"layers without digests", oci, strings.Replace(whole, `"layers": []`, `"layers": [{"mediaType": "x", "digest": "sha256:1", "size": 1}]`, 1), "has a descriptor without a type, a digest or a size", nil},
		{"layers", oci, strings.Replace(whole, `"layers": []`, `"layers": [`+descriptor(ocispec.MediaTypeImageLayerZstd, "a", "")+`, `+descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", "b", "")+`]`, 1), "", []string{own}},
		{"a signature", oci, strings.Replace(whole, `"layers": []`, `"layers": [`+descriptor("application/vnd.dev.cosign.simplesigning.v1+json", "a", "")+`]`, 1),
			`its manifest has a layer of the type "application/vnd.dev.cosign.simplesigning.v1+json", unlike an image`, nil},
		{"a configuration of another size", oci, strings.Replace(whole, fmt.Sprintf(`"size": %d`, len(config)), `"size": 1`, 1), fmt.Sprintf("its configuration has %d bytes, and 1 in its manifest", len(config)), nil},
		{"a configuration that is not there", oci, manifestOf(oci, ociConfig, "elsewhere"), "blob unknown", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := digest.FromString(tt.body).String()
			sent := reply{tt.contentType, tt.body, nil}
			host := serveReplies(t, map[string]reply{"1": sent, d: sent, digest.FromString(whole).String(): {oci, whole, nil}}, config)
			found, err := inspect(t.Context(), host+"/a:1", nil, pin)
			if tt.says != "" {
				if err == nil || !strings.HasPrefix(err.Error(), "image "+host+"/a:1: ") || !strings.Contains(err.Error(), tt.says) || found.Digest != "" {
					t.Errorf("%q, error %v, not %s", found.Digest, err, tt.says)
				}
				return
			}
			if err != nil || found.Digest != d {
				t.Errorf("%q, error %v", found.Digest, err)
			}
			if diff := cmp.Diff(tt.platforms, found.Platforms); diff != "" {
				t.Errorf("platforms: -want +got:\n%s", diff)
			}
			if hasConfig := found.Labels["a"] == "b"; hasConfig == (tt.name == "an index for others") {
				t.Errorf("labels: %v", found.Labels)
			}
		})
	}
}

// TestPinOfContradictions checks that a digest that the registry contradicts is an
// error.
func TestPinOfContradictions(t *testing.T) {
	config := fmt.Sprintf(`{"os": "linux", "architecture": %q, "rootfs": {"type": "layers", "diff_ids": []}}`, runtime.GOARCH)
	whole := manifestOf(ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageConfig, config)
	other := strings.Replace(whole, `"layers"`, `"annotations": {"a": "b"}, "layers"`, 1)
	if !json.Valid([]byte(other)) {
		t.Fatal(other)
	}
	d, lie := digest.FromString(whole).String(), digest.FromString("a lie").String()
	good, wrong := reply{ocispec.MediaTypeImageManifest, whole, nil}, reply{ocispec.MediaTypeImageManifest, other, nil}
	lying := good
	lying.header = http.Header{"Docker-Content-Digest": {lie}}
	short := good
	short.header = http.Header{"Content-Length": {fmt.Sprint(len(whole) + 10)}}
	tests := []struct {
		name      string
		manifests map[string]reply
		says      string
	}{
		{"says nothing", map[string]reply{"1": good, d: good}, ""},
		{"says another digest", map[string]reply{"1": lying, d: good}, "the registry reports the digest " + lie + ", but sends " + d},
		{"does not have it by its digest", map[string]reply{"1": good}, "the registry has it under its tag, but not under its digest " + d},
		{"has another one by its digest", map[string]reply{"1": good, d: wrong}, "by its digest: the registry has sent " + digest.FromString(other).String() + " instead of " + d},
		{"ends early", map[string]reply{"1": short, d: good}, "unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host := serveReplies(t, tt.manifests, config)
			found, err := inspect(t.Context(), host+"/a:1", nil, pin)
			if tt.says == "" && (err != nil || found.Digest != d) {
				t.Errorf("%q, error %v", found.Digest, err)
			}
			if tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("%q, error %v, not %s", found.Digest, err, tt.says)
			}
		})
	}
}
