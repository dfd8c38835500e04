package replication_test

import (
	"context"
	"fmt"
	"testing"

	"skiff/internal/regtest"
	"skiff/pkg/copy"
	"skiff/pkg/registry"
	"skiff/pkg/replication"
)

// BenchmarkReplicateTree replicates 24 small images in 8 repositories.
func BenchmarkReplicateTree(b *testing.B) {
	src, dst := regtest.New(), regtest.New()
	defer src.Close()
	defer dst.Close()
	const images = 24
	for i := range images {
		src.PutRandomImage(fmt.Sprintf("perf/r%d", i%8), fmt.Sprintf("v%d", i/8), uint64(i), 2, 4<<10)
	}
	from, to := src.Name(), dst.Name()
	client := registry.NewClient(registry.Options{})
	defer client.Close()
	for _, workers := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("Workers%d", workers), func(b *testing.B) {
			for b.Loop() {
				dst.Reset()
				var stats copy.Stats
				copier := copy.New(client, 2*workers, &stats)
				err := replication.Tree(context.Background(), client, copier, replication.Options{
					Source: from, SourcePrefix: "perf", Destination: to, DestinationPrefix: "copy", Workers: workers,
				})
				if err != nil || stats.Copied.Load() != images {
					b.Fatal(stats.Copied.Load(), err)
				}
			}
			b.ReportMetric(images*float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

// BenchmarkSelectTags filters ten thousand tags by three patterns.
func BenchmarkSelectTags(b *testing.B) {
	filter, err := replication.NewTagFilter([]string{"v1.*", "release-*"}, []string{"*-rc?"})
	if err != nil {
		b.Fatal(err)
	}
	tags := make([]string, 10000)
	for i := range tags {
		tags[i] = fmt.Sprintf("v%d.%d-rc%d", i%3, i/3, i%20)
	}
	scratch := make([]string, len(tags))
	for b.Loop() {
		_ = filter.Select(scratch[:copyInto(scratch, tags)])
	}
}

func copyInto(dst, src []string) int { return len(append(dst[:0], src...)) }

// BenchmarkMapRepositories places ten thousand repositories at the destination.
func BenchmarkMapRepositories(b *testing.B) {
	repositories := make([]string, 10000)
	for i := range repositories {
		repositories[i] = fmt.Sprintf("team-%d/project/service-%d", i%7, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, r := range repositories {
			if _, ok := replication.MapRepository(r, "team-3/project", "mirror/team-3"); ok {
				n++
			}
		}
		if n == 0 {
			b.Fatal("nothing mapped")
		}
	}
}
