package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"skiff/pkg/copy"
	"skiff/pkg/metrics"
)

// BenchmarkScrape is what Prometheus costs the process each time it asks.
func BenchmarkScrape(b *testing.B) {
	var stats copy.Stats
	m := metrics.New(&stats)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT"} {
		m.ObserveRequest(method, 200)
	}
	m.ObserveImage(copy.Copied, time.Second)
	handler := m.Handler()
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

// BenchmarkObserve counts requests from every core at once.
func BenchmarkObserve(b *testing.B) {
	m := metrics.New(new(copy.Stats))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.ObserveRequest("PUT", 201)
			m.ObserveImage(copy.Copied, 3*time.Millisecond)
		}
	})
}
