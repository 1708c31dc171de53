package buildkit

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/google/go-cmp/cmp"
)

// TestDescribe checks which labels of a base image stay, that those of the Containerfile
// win, and that nothing else of the configuration changes.
func TestDescribe(t *testing.T) {
	config := `{"architecture":"amd64","config":{"Env":["A=b"],"Labels":{
		"containers.bootc":"1","ostree.commit":"0","ostree.final-diffid":"1","rpmostree.inputhash":"2","bkt.inputs":"3","com.github.containers.toolbox":"true",
		"org.opencontainers.image.source":"base","org.opencontainers.image.title":"own","org.opencontainers.image.url":"base","org.label-schema.name":"base","version":"base"}},
		"odd":{"kept":1}}`
	res := gateway.NewResult()
	for _, key := range []string{exptypes.ExporterImageConfigKey, exptypes.ExporterImageConfigKey + "/linux/arm64", "other"} {
		res.AddMeta(key, []byte(config))
	}
	res.AddMeta(exptypes.ExporterImageConfigKey+"/linux/s390x", []byte(`{"config":{"Labels":null}}`))
	isOwn := func(name string) bool { return strings.HasSuffix(name, ".title") }
	err := describe(res, isOwn, map[string]string{"org.opencontainers.image.title": "found", "org.opencontainers.image.revision": "0123"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"containers.bootc": "1", "ostree.commit": "0", "ostree.final-diffid": "1", "rpmostree.inputhash": "2", "bkt.inputs": "3", "com.github.containers.toolbox": "true",
		"org.opencontainers.image.title": "own", "org.opencontainers.image.revision": "0123",
	}
	for _, key := range slices.Sorted(maps.Keys(res.Metadata)) {
		var got struct {
			Architecture string
			Config       struct {
				Env    []string
				Labels map[string]string
			}
			Odd struct{ Kept int }
		}
		if err := json.Unmarshal(res.Metadata[key], &got); err != nil {
			t.Fatal(err)
		}
		switch {
		case key == "other":
			if string(res.Metadata[key]) != config {
				t.Errorf("%s has changed", key)
			}
		case strings.HasSuffix(key, "s390x"):
			if len(got.Config.Labels) != 1 {
				t.Errorf("%s: %v", key, got.Config.Labels)
			}
		default:
			if diff := cmp.Diff(want, got.Config.Labels); diff != "" || got.Odd.Kept != 1 || got.Architecture != "amd64" || len(got.Config.Env) != 1 {
				t.Errorf("%s: %s (-want +got):\n%s", key, res.Metadata[key], diff)
			}
		}
	}
}
