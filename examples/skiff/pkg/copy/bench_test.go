package copy_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"skiff/internal/regtest"
	"skiff/pkg/copy"
	"skiff/pkg/registry"
)

// copyOnce copies with a new copier, as a new process would.
func copyOnce(b *testing.B, client *registry.Client, src, dst name.Reference) *copy.Stats {
	b.Helper()
	var stats copy.Stats
	copier := copy.New(client, 4, &stats)
	_, err := copier.Copy(context.Background(), src, dst)
	if err != nil {
		b.Fatal(err)
	}
	return &stats
}

// BenchmarkCopyImage copies an image between two registries, all of it each time.
func BenchmarkCopyImage(b *testing.B) {
	for _, c := range []struct {
		name         string
		layers, size int
	}{
		{"1Layer1KiB", 1, 1 << 10},
		{"4Layers64KiB", 4, 64 << 10},
		{"4Layers1MiB", 4, 1 << 20},
	} {
		b.Run(c.name, func(b *testing.B) {
			src, dst := regtest.New(), regtest.New()
			defer src.Close()
			defer dst.Close()
			src.PutRandomImage("perf/a", "v1", 1, c.layers, c.size)
			client := registry.NewClient(registry.Options{})
			defer client.Close()
			b.SetBytes(int64(c.layers * c.size))
			b.ReportAllocs()
			for b.Loop() {
				dst.Reset()
				stats := copyOnce(b, client, src.Ref("perf/a", ":v1"), dst.Ref("perf/a", ":v1"))
				if stats.Blobs.Load() != int64(c.layers)+1 {
					b.Fatal("not everything was moved")
				}
			}
		})
	}
}

// BenchmarkCopyIndex copies an index of eight small images.
func BenchmarkCopyIndex(b *testing.B) {
	src, dst := regtest.New(), regtest.New()
	defer src.Close()
	defer dst.Close()
	var children []regtest.Descriptor
	for i := range 8 {
		children = append(children, src.PutRandomImage("perf/a", "", uint64(i), 1, 4<<10))
	}
	src.PutIndex("perf/a", "v1", types.OCIImageIndex, children...)
	client := registry.NewClient(registry.Options{})
	defer client.Close()
	for b.Loop() {
		dst.Reset()
		stats := copyOnce(b, client, src.Ref("perf/a", ":v1"), dst.Ref("perf/a", ":v1"))
		if stats.Manifests.Load() != 9 {
			b.Fatal("not every manifest was pushed")
		}
	}
}

// BenchmarkSkipExisting is what a second run costs for each image.
func BenchmarkSkipExisting(b *testing.B) {
	src, dst := regtest.New(), regtest.New()
	defer src.Close()
	defer dst.Close()
	src.PutRandomImage("perf/a", "v1", 1, 4, 1<<10)
	client := registry.NewClient(registry.Options{})
	defer client.Close()
	copyOnce(b, client, src.Ref("perf/a", ":v1"), dst.Ref("perf/a", ":v1"))
	for b.Loop() {
		stats := copyOnce(b, client, src.Ref("perf/a", ":v1"), dst.Ref("perf/a", ":v1"))
		if stats.Skipped.Load() != 1 {
			b.Fatal("not skipped")
		}
	}
}

// BenchmarkCopyParallel has many goroutines copy images that share a base layer.
func BenchmarkCopyParallel(b *testing.B) {
	src, dst := regtest.New(), regtest.New()
	defer src.Close()
	defer dst.Close()
	base := src.PutLayer("perf/a", types.OCILayer, 1, 16<<10)
	src.PutImage("perf/a", "v1", types.OCIManifestSchema1, base)
	client := registry.NewClient(registry.Options{})
	defer client.Close()
	var stats copy.Stats
	copier := copy.New(client, 8, &stats)
	from := src.Ref("perf/a", ":v1")
	var n atomic.Int64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			to := dst.Ref(fmt.Sprintf("copy/%d", n.Add(1)), ":v1")
			if _, err := copier.Copy(context.Background(), from, to); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(stats.Mounted.Load())/float64(b.N), "mounts/op")
}

// BenchmarkPlan reads a manifest and decides what has to be moved for it.
func BenchmarkPlan(b *testing.B) {
	reg := regtest.New()
	defer reg.Close()
	reg.PutRandomImage("a", "image", 1, 12, 64)
	var children []regtest.Descriptor
	for i := range 200 {
		children = append(children, reg.PutRandomImage("a", "", uint64(i), 1, 64))
	}
	reg.PutIndex("a", "index", types.OCIImageIndex, children...)
	client := registry.NewClient(registry.Options{})
	defer client.Close()
	for _, tag := range []string{"image", "index"} {
		m, err := client.GetManifest(context.Background(), reg.Ref("a", ":"+tag))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(tag, func(b *testing.B) {
			b.SetBytes(int64(len(m.Raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := copy.PlanManifest(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func hashes(n int) []v1.Hash {
	all := make([]v1.Hash, n)
	for i := range all {
		all[i] = v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%064x", i)}
	}
	return all
}

// BenchmarkLedger is the bookkeeping of a thousand blobs in ten repositories.
func BenchmarkLedger(b *testing.B) {
	digests := hashes(1000)
	destination := name.MustParseReference("127.0.0.1:5101/perf").Context().Registry
	repos := make([]name.Repository, 10)
	for i := range repos {
		repos[i] = destination.Repo("perf", strconv.Itoa(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		ledger := copy.NewLedger()
		for _, repo := range repos {
			for _, d := range digests {
				if action, _, err := ledger.Claim(context.Background(), repo, d); err != nil || action == copy.Nothing {
					b.Fatal(action, err)
				}
				ledger.Done(repo, d, true)
			}
		}
	}
}

// BenchmarkLedgerContended has every core ask the one ledger about the same blobs.
func BenchmarkLedgerContended(b *testing.B) {
	ledger := copy.NewLedger()
	digests := hashes(64)
	repo := name.MustParseReference("127.0.0.1:5101/perf/a").Context()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			d := digests[i%len(digests)]
			action, _, err := ledger.Claim(context.Background(), repo, d)
			if err != nil {
				b.Error(err)
				return
			}
			if action != copy.Nothing {
				ledger.Done(repo, d, true)
			}
		}
	})
}
