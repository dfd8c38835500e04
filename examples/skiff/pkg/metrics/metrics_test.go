package metrics_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"skiff/pkg/copy"
	"skiff/pkg/metrics"
)

func get(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	return string(body)
}

func TestMetricsShowWhatHappened(t *testing.T) {
	var stats copy.Stats
	m := metrics.New(&stats)
	addr, stop, err := m.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	stats.Copied.Add(3)
	stats.Failed.Add(1)
	stats.Bytes.Add(4096)
	m.ObserveRequest("PUT", 201)
	m.ObserveImage(copy.Copied, 20*time.Millisecond)

	text := get(t, "http://"+addr.String()+"/metrics")
	for _, want := range []string{
		`skiff_images_total{outcome="copied"} 3`,
		`skiff_images_total{outcome="failed"} 1`,
		`skiff_blob_bytes_total{how="moved"} 4096`,
		`skiff_requests_total{method="PUT",status="201"} 1`,
		`skiff_image_copy_seconds_count{outcome="copied"} 1`,
		`skiff_image_copy_seconds_bucket{outcome="copied",le="0.032"} 1`,
		"\ngo_goroutines ",
		"\nprocess_start_time_seconds ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if profile := get(t, "http://"+addr.String()+"/debug/pprof/goroutine?debug=1"); !strings.Contains(profile, "goroutine profile") {
		t.Error("no pprof")
	}
}

func TestATakenAddressIsAnError(t *testing.T) {
	m := metrics.New(new(copy.Stats))
	addr, stop, err := m.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, _, err := m.Serve(addr.String()); err == nil {
		t.Error("two listen on one address")
	}
}
