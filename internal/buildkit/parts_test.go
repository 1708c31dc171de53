package buildkit

import (
	"testing"

	"bkt/internal/buildspec"
	"bkt/internal/engineclient"

	"github.com/google/go-cmp/cmp"
)

// TestSplit checks which engine builds which platforms.
func TestSplit(t *testing.T) {
	type engine struct {
		Address   string
		Platforms []string
	}
	for name, test := range map[string]struct {
		engines   map[string]string
		platforms []string
		want      []engine
		err       string
	}{
		"one engine":           {nil, []string{"linux/amd64", "linux/arm64"}, []engine{{"rest", []string{"linux/amd64", "linux/arm64"}}}, ""},
		"one engine, its own":  {nil, nil, []engine{{"rest", nil}}, ""},
		"one each":             {map[string]string{"linux/arm64": "arm"}, []string{"linux/amd64", "linux/arm64"}, []engine{{"rest", []string{"linux/amd64"}}, {"arm", []string{"linux/arm64"}}}, ""},
		"by another name":      {map[string]string{"linux/aarch64": "arm"}, []string{"linux/arm64/v8"}, []engine{{"arm", []string{"linux/arm64/v8"}}}, ""},
		"two on one":           {map[string]string{"linux/arm64": "arm", "linux/arm/v7": "arm"}, []string{"linux/arm64", "linux/amd64", "linux/arm/v7"}, []engine{{"arm", []string{"linux/arm64", "linux/arm/v7"}}, {"rest", []string{"linux/amd64"}}}, ""},
		"no such platform":     {map[string]string{"linux/arm64": "arm"}, nil, nil, "--engine names an engine for linux/arm64, but the build is not for that platform"},
		"two for one":          {map[string]string{"linux/arm64": "a", "linux/aarch64": "b"}, []string{"linux/arm64"}, nil, "--engine names two engines for linux/arm64"},
		"no platform":          {map[string]string{"a b": "arm"}, []string{"linux/arm64"}, nil, `platform "a b": not of the form OS/ARCH`},
		"no platform is built": {map[string]string{"linux/arm64": "arm"}, []string{"linux/arm64", "a b"}, nil, `platform "a b": not of the form OS/ARCH`},
	} {
		t.Run(name, func(t *testing.T) {
			b := Builder{Config: engineclient.Config{Address: "rest"}, Engines: test.engines}
			parts, err := b.split(buildspec.Spec{Platforms: test.platforms})
			if err != nil || test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("error %v, want %s", err, test.err)
				}
				return
			}
			var got []engine
			for _, p := range parts {
				got = append(got, engine{p.Config.Address, p.spec.Platforms})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
