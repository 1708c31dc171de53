package pipeline

import "testing"

func TestTooManyLayers(t *testing.T) {
	for n, want := range map[int]bool{0: false, 125: false, 126: true} {
		if err := tooManyLayers(n); (err != nil) != want {
			t.Errorf("%d layers: %v", n, err)
		}
	}
}
