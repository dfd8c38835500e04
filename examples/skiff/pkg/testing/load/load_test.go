package load_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"skiff/internal/regtest"
	"skiff/pkg/copy"
	"skiff/pkg/metrics"
	"skiff/pkg/registry"
	"skiff/pkg/replication"
	"skiff/pkg/testing/load"
)

// TestLoadReplication replicates a few hundred images between two registries, scrapes the
// metrics meanwhile, and reads every image back from the destination.
func TestLoadReplication(t *testing.T) {
	const repositories, tags, layers, layerBytes, workers = 12, 20, 3, 128 << 10, 8
	src, dst := regtest.New(), regtest.New()
	defer src.Close()
	defer dst.Close()
	for r := range repositories {
		for tag := range tags {
			src.PutRandomImage(fmt.Sprintf("load/r%d", r), fmt.Sprintf("v%d", tag), uint64(r*tags+tag), layers, layerBytes)
		}
	}

	var stats copy.Stats
	m := metrics.New(&stats)
	addr, stop, err := m.Serve(metrics.DefaultAddress)
	if errors.Is(err, syscall.EADDRINUSE) {
		t.Logf("%s is taken, metrics on another port", metrics.DefaultAddress)
		addr, stop, err = m.Serve("127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	t.Logf("metrics on http://%s/metrics", addr)

	client := registry.NewClient(registry.Options{OnRequest: m.ObserveRequest, OnRetry: func() { stats.Retries.Add(1) }})
	defer client.Close()
	copier := copy.New(client, 2*workers, &stats)
	copier.Observe = m.ObserveImage

	// The scrape goes off when the first image has arrived, in the middle of the load.
	arrived, scraped := make(chan struct{}, repositories*tags), make(chan string, 1)
	go func() {
		<-arrived
		scraped <- scrape(t, "http://"+addr.String()+"/metrics")
	}()
	from, to := src.Name(), dst.Name()
	start := time.Now()
	err = replication.Tree(context.Background(), client, copier, replication.Options{
		Source: from, SourcePrefix: "load", Destination: to, DestinationPrefix: "copied", Workers: workers,
		OnImage: func(src, dst string, _ copy.Outcome, err error) {
			if err != nil {
				t.Errorf("%s -> %s: %v", src, dst, err)
			}
			arrived <- struct{}{}
		},
	})
	took := time.Since(start)
	if err != nil {
		t.Fatal(err)
	}

	during := <-scraped
	for _, want := range []string{"skiff_images_total{", "skiff_images_in_flight", "skiff_requests_total{", "go_goroutines", "process_cpu_seconds_total"} {
		if !strings.Contains(during, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
	after := scrape(t, "http://"+addr.String()+"/metrics")
	if want := fmt.Sprintf(`skiff_images_total{outcome="copied"} %d`, repositories*tags); !strings.Contains(after, want) {
		t.Errorf("the metrics do not say %s", want)
	}

	var all load.Verified
	for r := range repositories {
		for tag := range tags {
			v, err := load.Verify(context.Background(), client,
				from.Repo(fmt.Sprintf("load/r%d", r)).Tag(fmt.Sprintf("v%d", tag)),
				to.Repo(fmt.Sprintf("copied/r%d", r)).Tag(fmt.Sprintf("v%d", tag)))
			if err != nil {
				t.Error(err)
			}
			all.Manifests += v.Manifests
			all.Blobs += v.Blobs
			all.Bytes += v.Bytes
		}
	}
	if all.Manifests != repositories*tags || all.Blobs != repositories*tags*(layers+1) {
		t.Errorf("verified %+v", all)
	}
	t.Logf("%d images, %d blobs, %d bytes verified; copied in %.3f s: %.1f MB/s, %.0f images/s", all.Manifests, all.Blobs, all.Bytes,
		took.Seconds(), float64(all.Bytes)/took.Seconds()/1e6, float64(all.Manifests)/took.Seconds())
}

func scrape(t *testing.T, url string) string {
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		t.Errorf("scraping: %v", err)
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("scraping: %s, %v", resp.Status, err)
	}
	return string(body)
}
