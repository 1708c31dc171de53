package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"bkt/internal/manifest"
)

// many returns a manifest of n packages, one a line.
func many(n int) []byte {
	var b strings.Builder
	b.WriteString("{\n  \"packages\": [")
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n    \"package-%06d\"", i)
	}
	b.WriteString("\n  ]\n}\n")
	return []byte(b.String())
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{20, 100, 100_000} {
		data := many(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, _, err := manifest.Decode[manifest.Packages]("f.json", data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		p, _, err := manifest.Decode[manifest.Packages]("f.json", many(n))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := manifest.Encode(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
