package load_test

import (
	"testing"

	"skiff/pkg/testing/load"
)

// BenchmarkContent makes an image of random content: random numbers, gzip, SHA-256.
func BenchmarkContent(b *testing.B) {
	image := load.Image{Repository: "perf/a", Tags: []string{"v1"}, Layers: 1, LayerBytes: 64 << 10, Seed: 1}
	b.SetBytes(image.LayerBytes)
	for b.Loop() {
		content, err := image.Content()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := content.RawManifest(); err != nil {
			b.Fatal(err)
		}
	}
}
