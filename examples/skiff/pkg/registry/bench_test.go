package registry_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"skiff/internal/regtest"
	"skiff/pkg/registry"
)

func BenchmarkParseReference(b *testing.B) {
	digest := "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	for _, c := range []struct{ name, ref string }{
		{"Tag", "127.0.0.1:5100/perf/image-17:v1.2.3"},
		{"Digest", "registry.example.com/team/app@" + digest},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := registry.ParseReference(c.ref); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerify is the digest check that every byte of a copy goes through.
func BenchmarkVerify(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			content := regtest.Random(1, size)
			digest, _, err := v1.SHA256(bytes.NewReader(content))
			if err != nil {
				b.Fatal(err)
			}
			buffer := make([]byte, 32<<10)
			b.SetBytes(int64(size))
			for b.Loop() {
				r, err := registry.NewVerifyReader(io.NopCloser(bytes.NewReader(content)), int64(size), digest)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buffer); err != nil || n != int64(size) {
					b.Fatal(n, err)
				}
			}
		})
	}
}

func BenchmarkBackoff(b *testing.B) {
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	header := now.Add(3 * time.Second).Format(http.TimeFormat)
	for b.Loop() {
		for n := 1; n <= 5; n++ {
			registry.BackoffFor(n, 200*time.Millisecond, registry.ParseRetryAfter(header, now), 0.5)
		}
	}
}

// BenchmarkGetManifest is one round trip to a registry, the connection reused.
func BenchmarkGetManifest(b *testing.B) {
	reg := regtest.New()
	defer reg.Close()
	reg.PutRandomImage("perf/a", "v1", 1, 8, 128)
	ref := reg.Ref("perf/a", ":v1")
	client := registry.NewClient(registry.Options{})
	defer client.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.GetManifest(context.Background(), ref); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTags lists a thousand tags in ten pages.
func BenchmarkTags(b *testing.B) {
	reg := regtest.New()
	defer reg.Close()
	reg.PageSize = 100
	for i := range 1000 {
		reg.PutManifest("perf/a", fmt.Sprintf("v%d", i), "application/vnd.oci.image.manifest.v1+json", []byte("{}"))
	}
	repo := reg.Ref("perf/a", "").Context()
	client := registry.NewClient(registry.Options{})
	defer client.Close()
	for b.Loop() {
		tags, err := client.Tags(context.Background(), repo)
		if err != nil || len(tags) != 1000 {
			b.Fatal(len(tags), err)
		}
	}
}
